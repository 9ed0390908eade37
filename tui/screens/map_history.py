"""The history of edits, and the edits of a session that was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Static

from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import local_time

if TYPE_CHECKING:
    from engine.mapedit import Entry, Offer

EDIT = "edit:"
_COLUMNS = (Column("", 5, right=True), Column("", 8), Column("", 400, flex=True))


class MapHistoryScreen(DeckScreen):
    """``then`` gets the number of edits that are to be done."""

    TITLE = "history"
    SCOPES = ("edits", "list")
    BINDINGS = bindings("edits")
    HELP = (
        "All edits since the map was opened, the newest on top; those that were undone stand above the present state "
        "and can be done again until another edit is made. Enter undoes or redoes as many as it takes. Saving does "
        "not end the history: going back beyond a save makes the map differ from the file again."
    )

    def __init__(self, entries: Sequence[Entry], then: Callable[[int], None]) -> None:
        super().__init__("edits since the map was opened")
        self._entries, self._then = tuple(entries), then
        self._list = RowList(id="history-list")
        self._text = Static("", markup=False, classes="explain")

    def body(self) -> Iterable[Widget]:
        """The list, and what was said of the edit under the cursor."""
        yield self._list
        yield self._text

    def on_mount(self) -> None:
        """The cursor on the present state."""
        self._list.show([Section("", _COLUMNS, history_rows(self._entries))])
        done = sum(entry.done for entry in self._entries)
        self.call_after_refresh(self._list.choose, f"{EDIT}{done}")

    def _number(self) -> int | None:
        row = self._list.chosen
        return None if row is None else int(row.id.removeprefix(EDIT))

    def on_row_list_moved(self) -> None:
        """Explain the one under the cursor."""
        number = self._number()
        entry = next((entry for entry in self._entries if entry.number == number), None)
        self._text.update("\n".join((entry.title, *entry.words)) if entry is not None else "the map as it was opened")

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_go()

    def action_go(self) -> None:
        """Undo or redo up to this one."""
        number = self._number()
        if number is not None:
            self.action_back()
            self._then(number)


def history_rows(entries: Sequence[Entry]) -> tuple[Row, ...]:
    """The newest first, the opened map last; undone ones are soft."""
    done = sum(entry.done for entry in entries)
    saved_known = any(entry.saved for entry in entries)
    rows = [
        Row(
            f"{EDIT}{entry.number}",
            (
                str(entry.number),
                "now" if entry.number == done else "undone" if not entry.done else "saved" if entry.saved else "",
                Cell(entry.title, "" if entry.done else "row--soft"),
            ),
        )
        for entry in reversed(entries)
    ]
    first = "now" if not done else "" if saved_known else "saved"
    return (*rows, Row(f"{EDIT}0", ("", first, "as it was opened")))


class MapOfferScreen(DeckScreen):
    """Unsaved edits of a session that was lost."""

    TITLE = "lost session"
    SCOPES = ("list",)
    HELP = (
        "Edits that were made and not saved before the terminal or the machine was lost. They lie in a journal beside "
        "the map. Back in the editor: r does them again, d begins without them and keeps the journal aside."
    )

    def __init__(self, offer: Offer) -> None:
        super().__init__(f"from {local_time(offer.since)} to {local_time(offer.until)}")
        self._offer = offer
        self._list = RowList(id="offer-list")

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield self._list

    def on_mount(self) -> None:
        """Show it."""
        columns = (Column("", 5, right=True), Column("", 400, flex=True))
        rows = [Row(f"{EDIT}{n}", (str(n), title)) for n, title in enumerate(self._offer.titles, 1)]
        if self._offer.cut:
            rows.append(Row("cut", ("", Cell("the last one was cut off by the loss and is left out", "row--warning"))))
        self._list.show([Section("", columns, tuple(rows))])
