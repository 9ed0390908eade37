"""Everything that leaves as files: whole or told to be holed, resumable, hashed, under safe names."""

from engine.extract.loop import extract
from engine.extract.model import Failed, Item, Options, Report, Standing, Written
from engine.extract.names import safe_component, safe_name
from engine.extract.part import make_folder

__all__ = [
    "Failed",
    "Item",
    "Options",
    "Report",
    "Standing",
    "Written",
    "extract",
    "make_folder",
    "safe_component",
    "safe_name",
]
