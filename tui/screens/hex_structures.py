"""The structures that can be laid over bytes: one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from textual.widget import Widget

from engine.hex.registry import templates
from engine.template import Shape, Template
from tui import background
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Column, Row, Section

_FOUND_OUT = "found out"
_COLUMNS = (Column("name", 24, least=12), Column("structure", 60, flex=True, least=20), Column("bytes", 8, right=True))


class StructuresScreen(DeckScreen):
    """A list; the first row lets the bytes themselves decide."""

    TITLE = "structures"
    SCOPES = ("structures", "list")
    BINDINGS = bindings("structures")
    HELP = (
        "The structures that rescuedeck knows: partition tables, boot sectors, records of file systems, recorders, "
        "documents and arrays. Enter lays the one under the cursor over the bytes from the cursor of the hex view on."
    )

    def __init__(self, at: int, then: Callable[[str | None], None]) -> None:
        super().__init__(f"for the bytes from 0x{at:x} on")
        self._then = then
        self._list = RowList(id="structures")

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield self._list

    def on_mount(self) -> None:
        """Templates are loaded off the event loop: they are many modules."""
        self._list.focus()
        self.say("gathering the structures ...")
        background.start(self, templates, self._take)

    def _take(self, known: Mapping[str, Template | Shape]) -> None:
        self._list.show([section(known)])
        self.say("")

    def on_row_list_opened(self) -> None:
        """A double click chooses."""
        self.action_choose()

    def action_choose(self) -> None:
        """Back to the bytes, with it."""
        row = self._list.chosen
        if row is not None:
            self.action_back()
            self._then(None if row.id == _FOUND_OUT else row.id)


def section(known: Mapping[str, Template | Shape]) -> Section:
    """One row for each."""
    rows = [Row(_FOUND_OUT, ("(find out)", "what the bytes and the disk's tables suggest", ""), "row--strong")]
    for name, one in sorted(known.items()):
        size = str(one.size) if isinstance(one, Template) else "varies"
        rows.append(Row(name, (name, one.title, size)))
    return Section("", _COLUMNS, tuple(rows))
