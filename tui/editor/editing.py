"""One map being edited on a screen: the document, what is selected, what is known of the disk. No Textual in here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cases import Case
from engine.errors import RefusedError, UsageError
from engine.mapedit import Document, Effect, Overlay, Reason
from engine.mapfile.status import MAX_POSITION
from engine.ranges import RangeSet
from tui.editor import words
from tui.rescue_feed import drawn_domain
from tui.words import plural

if TYPE_CHECKING:
    from engine.mapedit import Edit
    from engine.mapfile.model import Mapfile

LOSES = "loses-finished"
_LOOK_ONLY = ("map-held", "edited-elsewhere", "damaged")
"""Reasons that let nothing be edited until somebody else is done."""


@dataclass(frozen=True, slots=True)
class State:
    """What the screen says about the document in one row; ``style`` is one of the states of a figure."""

    text: str
    style: str = ""


class Editing:
    """``document`` holds the map; ``selection`` may reach over many ranges. Not for several threads at once."""

    def __init__(self, document: Document, *, sector: int = 512) -> None:
        self.document = document
        self.sector = sector
        self.selection = RangeSet()
        self.overlays: tuple[Overlay, ...] = ()
        self.reasons: tuple[Reason, ...] = ()
        self.lock = threading.Lock()
        """Held while the document is changed, or read again in the background."""

    @classmethod
    def open(cls, path: Path, case: Case | None = None) -> Editing:
        """Open a map file. Raises ``RescueError``."""
        document = Document.open(path, case=case)
        sector = document.case.sector_size if document.case is not None else 512
        made = cls(document, sector=sector or 512)
        made.reasons = document.reasons()
        return made

    # -- what there is --------------------------------------------------------------------------------------------

    @property
    def map(self) -> Mapfile:
        """The present state."""
        return self.document.map

    @property
    def domain(self) -> tuple[int, int]:
        """The bytes that are worth drawing."""
        return drawn_domain(self.map, self.document.size)

    def reason(self, *codes: str) -> Reason | None:
        """The first of the present reasons with one of these codes."""
        return next((reason for reason in self.reasons if reason.code in codes), None)

    @property
    def locked(self) -> Reason | None:
        """Why nothing can be edited now."""
        return self.reason(*_LOOK_ONLY)

    @property
    def unsaved(self) -> int:
        """How many steps saving would write; at least 1 when there is anything."""
        if not self.document.dirty:
            return 0
        history = self.document.history
        done = sum(entry.done for entry in history)
        saved = next((entry.number for entry in history if entry.saved), 0)
        return max(1, abs(done - saved))

    def state(self) -> State:
        """Whether it can be edited and what is not saved yet, in a few words."""
        locked = self.locked
        count = self.unsaved
        edits = plural(count, "edit", "edits") if count else ""
        if locked is not None and locked.code == "damaged":
            return State("DAMAGED: repair proposed (D)", "-danger")
        if locked is not None:
            return State(f"LOOK ONLY{', ' + edits + ' wait' if edits else ''}", "-warning")
        if self.document.offer is not None:
            return State("edits of a lost session wait", "-warning")
        if edits and self.reason("changed-on-disk") is not None:
            return State(f"{edits}; file changed (D)", "-warning")
        if self.reason("open-ended") is not None and not edits:
            return State("size unknown: clip it (e c)", "-warning")
        return State(f"{edits}, not saved", "-warning") if edits else State("saved", "-muted")

    # -- what an edit is about ------------------------------------------------------------------------------------

    def block(self, cursor: int) -> RangeSet:
        """The block under the cursor. Raises ``UsageError`` outside of the map."""
        index = self.map.index_at(cursor)
        if index is None:
            raise UsageError("there is nothing of the map here", advice="extend the map first (e x)")
        block = self.map.block(index)
        return RangeSet.of(block.start, block.end)

    def target(self, cursor: int) -> RangeSet:
        """The selection, or without one the block under the cursor; never beyond the map. Raises ``UsageError``."""
        if not self.selection:
            return self.block(cursor)
        inside = self.selection.clip(self.map.start, self.map.end)
        if not inside:
            raise UsageError("nothing of the selection lies in the map")
        return inside

    def target_words(self, cursor: int) -> str:
        """What an edit would be about: ``the selection, 64.0 KiB in 2 ranges``."""
        target = self.target(cursor)
        size = words.amount(target.total, self.sector)
        if not self.selection:
            return f"this block, {size}"
        return f"the selection, {size} in {plural(len(target), 'range', 'ranges')}"

    def select(self, ranges: RangeSet) -> None:
        """Select these ranges, as far as they can lie in a map."""
        self.selection = ranges.clip(0, MAX_POSITION)

    # -- editing --------------------------------------------------------------------------------------------------

    def apply(self, edit: Edit, *, allow_loss: bool = False) -> Effect:
        """Carry out an edit. Raises ``RescueError``; ``Loss`` when finished bytes would be lost without a yes."""
        try:
            with self.lock:
                effect = self.document.apply(edit, allow_loss=allow_loss)
        except RefusedError as error:
            if error.code == LOSES:
                raise Loss(error.message) from error
            raise
        self._after()
        return effect

    def undo(self) -> str:
        """One step back; its title."""
        with self.lock:
            title = self.document.undo().title
        self._after()
        return title

    def redo(self) -> str:
        """One step forward again; its title."""
        with self.lock:
            title = self.document.redo().title
        self._after()
        return title

    def go_to(self, number: int) -> None:
        """Undo or redo until ``number`` steps are done."""
        with self.lock:
            done = sum(entry.done for entry in self.document.history)
            for _ in range(done - number):
                self.document.undo()
            for _ in range(number - done):
                self.document.redo()
        self._after()

    def _after(self) -> None:
        self.reasons = tuple(reason for reason in self.reasons if reason.code != "open-ended") + (
            tuple(self._open_ended())
        )

    def _open_ended(self) -> Sequence[Reason]:
        from engine.mapedit.access import OPEN_ENDED

        return (OPEN_ENDED,) if self.map.open_ended else ()


class Loss(RefusedError):
    """An edit would unset finished bytes: it needs a yes."""
