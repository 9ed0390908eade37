"""What is wrong with a decoded file, line by line."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Section


class ProblemsScreen(DeckScreen):
    """A list."""

    TITLE = "problems"
    SCOPES = ("list",)
    HELP = "What is wrong with the file: where it is, and what. Everything that could be read is shown all the same."

    def __init__(self, subject: str, section: Section) -> None:
        super().__init__(subject)
        self._section = section
        self._list = RowList(id="artifact-problems")

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield self._list

    def on_mount(self) -> None:
        """Show them."""
        self._list.show([self._section])
        self._list.focus()
