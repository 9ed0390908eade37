"""Recordings as work: looked at, looked into, extracted, remuxed, wanted from a rescue, found by their clock."""

from engine.recordings.look import Looked, Place, look, opened

__all__ = ["Looked", "Place", "look", "opened"]
