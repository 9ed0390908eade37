"""Volumes: recognised by their own superblocks, primary or backup, with what confirms them."""

from engine.partitions.volumes.kinds import KINDS, Kind, title
from engine.partitions.volumes.model import Confirmation, Evidence, Volume
from engine.partitions.volumes.recognise import recognise, recognise_all

__all__ = ["KINDS", "Confirmation", "Evidence", "Kind", "Volume", "recognise", "recognise_all", "title"]
