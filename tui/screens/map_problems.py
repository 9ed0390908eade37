"""A damaged map: its problems line by line, and the proposed repair, to be accepted or left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual.widget import Widget

from engine.text import format_exact
from tui.editor import words
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import plural

if TYPE_CHECKING:
    from engine.mapedit import Document
    from engine.mapfile.check import Check
    from engine.mapfile.model import Mapfile

_PROBLEMS = (Column("line", 8, right=True), Column("", 400, flex=True))


class MapProblemsScreen(DeckScreen):
    """``then`` is called when the repair is accepted."""

    TITLE = "damaged map"
    SCOPES = ("damage", "list")
    BINDINGS = bindings("damage")
    HELP = (
        "What is wrong in a mapfile, line by line, and what can be made of it. The repair never claims more than the "
        "file does: a gap becomes non-tried, and where lines contradict each other the least processed status counts, "
        "because reading a sector again costs time, and calling an unread one finished loses it. Accepting changes "
        "nothing on disk; saving it does, and keeps the damaged file as a generation."
    )

    def __init__(self, document: Document, then: Callable[[], None]) -> None:
        super().__init__(document.path.name)
        self._then = then
        assert document.damage is not None
        self._damage, self._repaired = document.damage, document.map
        self._list = RowList(id="problems-list")

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield self._list

    def on_mount(self) -> None:
        """Say what it is for."""
        self.say("Enter goes on with the repair in the editor; q leaves the file as it is")

    def on_resize(self) -> None:
        """Sentences have another room."""
        self._list.show(problem_sections(self._damage, self._repaired, self.size.width))

    def action_accept(self) -> None:
        """Go on with the repair."""
        self.action_back()
        self._then()


def problem_sections(check: Check, repaired: Mapfile, width: int) -> list[Section]:
    """What would be done, and what is wrong, in so many cells."""
    totals = repaired.totals()
    result = ", ".join(f"{mark} {format_exact(size)}" for mark, size in zip("+?*/-", totals.bytes, strict=True) if size)
    done = [*check.notes, f"the result: {plural(len(repaired), 'block', 'blocks')}, {result}"]
    rows = tuple(
        Row(f"problem:{number}", ("" if one.line is None else str(one.line), one.message))
        for number, one in enumerate(check.problems)
    )
    more = check.count - len(check.problems)
    if more > 0:
        rows = (*rows, Row("problem:more", ("", Cell(f"and {more} more", "row--soft"))))
    return [words.sentences("PROPOSED REPAIR", done, width=width), Section("PROBLEMS", _PROBLEMS, rows)]
