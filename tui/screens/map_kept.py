"""Kept maps: every older state with its note and the command that worked on it; compared, and gone back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Static

from engine.cases import Generation
from engine.errors import RescueError
from engine.mapedit import Comparison, Document, compare, generations_of, read_generation
from engine.text import format_exact
from tui import background
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import local_time

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile

KEPT = "kept:"
_COLUMNS = (Column("number", 6, right=True), Column("kept", 16), Column("note", 400, flex=True), Column("", 8))


class MapKeptScreen(DeckScreen):
    """``restore`` gets a kept state and its number, to put it into the editor."""

    TITLE = "kept maps"
    SCOPES = ("kept", "list")
    BINDINGS = bindings("kept")
    HELP = (
        "Every state of the map that was kept: before each save of the editor, and before and after each pass of a "
        "rescue, with its note and the ddrescue command that worked on it next. Enter compares one with the map in "
        "the editor; mark one with Space to compare two kept ones. What was gained and lost is told in bytes and "
        "range by range. b puts a kept state into the editor, as an edit that can be undone; w then writes it."
    )

    def __init__(
        self, document: Document, sector: int, restore: Callable[[Mapfile, int, bool], None], *, selected: bool
    ) -> None:
        """``selected``: something is selected in the editor; ``restore``'s last argument is whether only that."""
        super().__init__(document.path.name)
        self._document, self._sector, self._restore, self._selected = document, sector, restore, selected
        self._kept: dict[str, Generation] = {}
        self._marked: Generation | None = None
        self._list = RowList(id="kept-list")
        self._text = Static("", markup=False, classes="explain")

    def body(self) -> Iterable[Widget]:
        """The list, and the command of the one under the cursor."""
        yield self._list
        yield self._text

    def on_mount(self) -> None:
        """List them."""
        path, case = self._document.path, self._document.case
        background.start(self, lambda: generations_of(path, case), self._take)

    def _take(self, kept: Sequence[Generation]) -> None:
        self._kept = {f"{KEPT}{one.number}": one for one in kept}
        self._show()

    def _show(self) -> None:
        rows = kept_rows(list(self._kept.values()), self._marked)
        empty = "none yet: one is kept at each save, and by a rescue before and after each pass"
        self._list.show([Section("", _COLUMNS, rows, empty)])

    @property
    def chosen(self) -> Generation | None:
        """The one under the cursor."""
        row = self._list.chosen
        return self._kept.get(row.id) if row is not None else None

    def on_row_list_moved(self) -> None:
        """Its command in full."""
        one = self.chosen
        command = one.command if one is not None else None
        self._text.update(f"{one.note}\n{command or 'no command is known'}" if one is not None else "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what needs a row."""
        if action in ("compare", "mark", "restore"):
            return True if self._kept else None
        if action == "restore_part":
            return True if self._kept and self._selected else None
        if action == "copy":
            return True if self.chosen is not None and self.chosen.command else None
        return True

    def action_mark(self) -> None:
        """The other side of the next comparison."""
        self._marked = None if self._marked == self.chosen else self.chosen
        self._show()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_compare()

    def action_compare(self) -> None:
        """With the map in the editor, or with the marked one; the older one first."""
        one, other = self.chosen, self._marked
        if one is None:
            return
        path, case, now = self._document.path, self._document.case, self._document.map
        if other is None or other == one:
            title = f"from generation {one.number} to the map in the editor"
            work = lambda: compare(read_generation(path, one.number, case), now)  # noqa: E731
        else:
            first, second = sorted((one.number, other.number))
            title = f"from generation {first} to generation {second}"
            work = lambda: compare(  # noqa: E731
                read_generation(path, first, case), read_generation(path, second, case)
            )
        background.start(self, work, lambda found: self._compared(title, found))

    def _compared(self, title: str, found: Comparison) -> None:
        from tui.screens.map_change import MapChangeScreen

        words = [
            f"gained: {format_exact(found.gained.total)} became finished",
            f"lost: {format_exact(found.lost.total)} are no longer called finished",
        ]
        if found.line_changed:
            words.append("the status line differs")
        same = "both say the same of every byte"
        self.app.push_screen(MapChangeScreen(title, found.moves, words, self._sector, None, empty=same))

    def action_restore(self) -> None:
        """Into the editor."""
        self._go_back(part=False)

    def action_restore_part(self) -> None:
        """Only what is selected in the editor."""
        self._go_back(part=True)

    def _go_back(self, *, part: bool) -> None:
        one = self.chosen
        if one is None:
            return
        path, case = self._document.path, self._document.case

        def take(map_: Mapfile) -> None:
            self.action_back()
            self._restore(map_, one.number, part)

        background.start(self, lambda: read_generation(path, one.number, case), take, self._failed)

    def _failed(self, error: RescueError) -> None:
        self.tell_error(error)

    def action_copy(self) -> None:
        """The command, for another terminal."""
        one = self.chosen
        if one is not None and one.command:
            self.app.copy_to_clipboard(one.command)
            self.say("the command is on the clipboard, if the terminal has one")


def kept_rows(kept: Sequence[Generation], marked: Generation | None) -> tuple[Row, ...]:
    """The newest first."""
    return tuple(
        Row(
            f"{KEPT}{one.number}",
            (
                str(one.number),
                local_time(one.time),
                one.note,
                Cell("marked", "row--strong") if one == marked else Cell("ran" if one.command else "", "row--soft"),
            ),
        )
        for one in sorted(kept, key=lambda one: -one.number)
    )
