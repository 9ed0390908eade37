"""Metadata that RAID software left on members: md, DDF and Windows LDM. One witness of several, never trusted alone."""

from engine.raid.metadata.model import Super
from engine.raid.metadata.read import read_supers

__all__ = ["Super", "read_supers"]
