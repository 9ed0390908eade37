"""Why a map may not be edited or saved at the moment, in words that name the way out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import RefusedError
from engine.mapfile.lock import Holder, foreign_ddrescue, lock_holder
from engine.text import safe_text


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. ``code``: ``map-held``, ``changed-on-disk``, ``open-ended``, ``damaged``, ``edits-offered``,
    ``edited-elsewhere``, ``not-writable``.
    """

    code: str
    message: str
    advice: str

    def error(self, path: Path) -> RefusedError:
        """As the error that refuses an edit or a save."""
        return RefusedError(self.message, code=self.code, path=path, advice=self.advice)


OPEN_ENDED = Reason(
    "open-ended", "the map ends at 2^63-1: it does not know the source's size",
    "clip it to the source's size first",
)  # fmt: skip
DAMAGED = Reason("damaged", "the map is damaged; what is shown is a proposed repair", "accept the repair, or close it")
OFFERED = Reason(
    "edits-offered", "edits of a session that ended without saving wait for a decision", "replay or discard them first"
)
CHANGED = Reason(
    "changed-on-disk", "the map was changed on disk since it was read",
    "reload it, or merge your edits into what is there now",
)  # fmt: skip


def held_reason(path: Path, *, thorough: bool = True) -> Reason | None:
    """Whether somebody writes the map now. ``thorough`` looks for a ddrescue started by hand too (all processes)."""
    holder = lock_holder(path) or (foreign_ddrescue(path) if thorough else None)
    return None if holder is None else _held(holder)


def _held(holder: Holder) -> Reason:
    who = "ddrescue" if not holder.own else safe_text(holder.command, 80)
    return Reason(
        "map-held", f"the map is being written by process {holder.pid} ({who})",
        "watch it, or stop that job first (pausing it with the map released is enough)",
    )  # fmt: skip


def other_editor(text: str) -> Reason:
    """Somebody else edits it."""
    return Reason(
        "edited-elsewhere", f"the map has unsaved edits in another session ({text})", "save or close them there"
    )


def unwritable(path: Path) -> Reason | None:
    """Whether the folder of the map takes no files from us."""
    if os.access(path.parent, os.W_OK | os.X_OK):
        return None
    return Reason("not-writable", "the folder of the map is not writable", "save a copy elsewhere")


def refuse(reasons: Sequence[Reason], path: Path, but: frozenset[str] = frozenset()) -> None:
    """Raise the first reason whose code is not in ``but``."""
    for reason in reasons:
        if reason.code not in but:
            raise reason.error(path)
