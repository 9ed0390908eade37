"""Editing a rescue map: edits as data, a document with undo, journal and generations, selections, previews.

    document = Document.open("disk.map")
    effect = document.preview(SetStatus(RangeSet.of(0, 65536), "?"))
    document.apply(SetStatus(RangeSet.of(0, 65536), "?"), allow_loss=True)
    document.undo(); document.redo(); document.save("tried again from the other end")

The names below load their modules (and numpy) when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.mapedit.access import Reason
    from engine.mapedit.disk_overlays import partition_overlays
    from engine.mapedit.document import Document
    from engine.mapedit.edits import (
        ApplyRecipe,
        ChangeTypes,
        Clip,
        Combine,
        Edit,
        Extend,
        Invert,
        MergeBlocks,
        Restore,
        SetLine,
        SetStatus,
        Shift,
        SplitAt,
        edit_from_json,
    )
    from engine.mapedit.generations import (
        Comparison,
        compare,
        generations_of,
        newest_readable,
        put_back,
        read_generation,
    )
    from engine.mapedit.journal import Offer
    from engine.mapedit.outcome import Entry, Merged, Saved
    from engine.mapedit.overlays import Border, Overlay, borders_of, read_overlays
    from engine.mapedit.performing import Effect, Performed, perform
    from engine.mapedit.preview import ReadNow, preview_run, read_selection

_HOME = {
    "Reason": "access",
    "Document": "document", "Entry": "outcome", "Merged": "outcome", "Saved": "outcome",
    "ApplyRecipe": "edits", "ChangeTypes": "edits", "Clip": "edits", "Combine": "edits", "Edit": "edits",
    "Extend": "edits", "Invert": "edits", "MergeBlocks": "edits", "Restore": "edits", "SetLine": "edits",
    "SetStatus": "edits", "Shift": "edits", "SplitAt": "edits", "edit_from_json": "edits",
    "Comparison": "generations", "compare": "generations", "generations_of": "generations",
    "newest_readable": "generations", "put_back": "generations", "read_generation": "generations",
    "Offer": "journal",
    "Border": "overlays", "Overlay": "overlays", "borders_of": "overlays", "read_overlays": "overlays",
    "partition_overlays": "disk_overlays",
    "Effect": "performing", "Performed": "performing", "perform": "performing",
    "ReadNow": "preview", "preview_run": "preview", "read_selection": "preview",
}  # fmt: skip

__all__ = [
    "ApplyRecipe", "Border", "ChangeTypes", "Clip", "Combine", "Comparison", "Document", "Edit", "Effect", "Entry",
    "Extend", "Invert", "MergeBlocks", "Merged", "Offer", "Overlay", "Performed", "ReadNow", "Reason", "Restore",
    "Saved", "SetLine", "SetStatus", "Shift", "SplitAt", "borders_of", "compare", "edit_from_json",
    "generations_of", "newest_readable", "partition_overlays", "perform", "preview_run", "put_back",
    "read_generation", "read_overlays", "read_selection",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
