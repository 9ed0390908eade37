"""Help: the keys of a screen and what it is for, generated from the key table."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tui.keys import SCOPES, bindings, title
from tui.screens.base import DeckScreen


class HelpScreen(DeckScreen):
    """First what the screen is for, then its own keys, then those that work everywhere."""

    TITLE = "help"
    BINDINGS = bindings("help")
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, about: DeckScreen) -> None:
        super().__init__(about.TITLE or "")
        self._scopes = tuple(dict.fromkeys((*about.SCOPES, "screen", "deck")))
        self._purpose = about.HELP

    def body(self) -> Iterable[Widget]:
        """The paragraph and a table of keys for each scope."""
        with_text = [Static(self._purpose, markup=False, classes="help--purpose")] if self._purpose else []
        yield VerticalScroll(*with_text, *(part for scope in self._scopes for part in self._section(scope)))

    def _section(self, scope: str) -> Iterable[Widget]:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=16, no_wrap=True)
        table.add_column()
        for key in SCOPES[scope][1]:
            table.add_row(Text(key.display_all, style="bold"), Text(key.help))
        yield Static(title(scope), markup=False, classes="heading")
        yield Static(table, markup=False, classes="help--keys")

    def action_close(self) -> None:
        """Back to the screen the help is about."""
        self.action_back()
