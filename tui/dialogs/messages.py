"""All messages of this session in full: the prompt row has room for one line of the last one."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget

from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.rows import Cell

_STYLES = {"warning": "row--warning", "error": "row--danger"}


class MessagesDialog(DeckScreen, inherit_bindings=False):
    """A list of messages, the newest first."""

    TITLE = "messages"
    SCOPES = ("messages",)
    BINDINGS = bindings("messages")
    HELP = "What the deck has said since it was opened, the newest first, in full."
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, messages: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self._facts = Facts(label_width=3)
        self._messages = messages

    def body(self) -> Iterable[Widget]:
        """The messages."""
        yield VerticalScroll(self._facts)

    def on_mount(self) -> None:
        """Fill them in."""
        listed = [
            (str(number), Cell(text, _STYLES.get(level, "")))
            for number, (text, level) in enumerate(reversed(self._messages), 1)
        ]
        self._facts.show(listed or [("", Cell("nothing has been said yet", "row--soft"))])

    def action_close(self) -> None:
        """Back to the screen before."""
        self.action_back()
