"""Edits of a map as frozen data: each can be written as JSON, read back, described, and applied by a pure function.

An edit carries everything it needs (another map's finished ranges, a piece of an older state), so that replaying it
does not depend on files that have changed since. What comes out is a map and remarks; the status line is settled by
``perform`` unless the edit is about the status line itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.mapedit.editbase import Edit, Made, wrong
from engine.mapedit.edits_here import Clip, Extend, MergeBlocks, SetLine, SetStatus, Shift, SplitAt
from engine.mapedit.edits_whole import OPERATIONS, ApplyRecipe, ChangeTypes, Combine, Invert, Restore

KINDS: Mapping[str, Any] = {
    edit.kind: edit
    for edit in (SetStatus, SetLine, SplitAt, MergeBlocks, Shift, Clip, Extend, Combine, ChangeTypes, Invert,
                 ApplyRecipe, Restore)
}  # fmt: skip
"""Every kind of edit by its name in JSON."""


def edit_from_json(value: Any) -> Edit:
    """An edit from ``to_json``. Raises ``DamagedError`` (``bad-edit``), or ``UsageError`` for an unknown recipe."""
    if not isinstance(value, Mapping) or value.get("kind") not in KINDS:
        raise wrong("unknown kind")
    made: Edit = KINDS[value["kind"]]._read(value)
    return made


__all__ = [
    "KINDS", "OPERATIONS", "ApplyRecipe", "ChangeTypes", "Clip", "Combine", "Edit", "Extend", "Invert", "Made",
    "MergeBlocks", "Restore", "SetLine", "SetStatus", "Shift", "SplitAt", "edit_from_json",
]  # fmt: skip
