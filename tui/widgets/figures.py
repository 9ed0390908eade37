"""Changing numbers on a slow line: each is a small label of its own that does nothing when its text is the same."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from engine.text import safe_text
from tui.widgets.labels import fit, fit_right

STATES = ("-good", "-warning", "-danger", "-muted")
"""Classes that say how a figure is to be taken; the sheets give them colour."""


class Figure(Widget):
    """One value in one row. Only this label is sent to the terminal when the value changes (a big text with many
    values would be sent whole), and as one run: a colour sequence costs more than the number itself. The text is made
    safe here and never read as markup; what is too long loses its middle."""

    DEFAULT_CSS = "Figure { height: 1; width: 12; }"
    ALLOW_SELECT = False

    def __init__(
        self,
        text: str = "",
        *,
        right: bool = False,
        indent: int = 0,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """``indent``: blanks before the text (padding or a margin would be runs of their own)."""
        super().__init__(id=id, classes=classes)
        self._shown = safe_text(text, 400)
        self._right = right
        self._indent = " " * indent
        self._state = ""

    @property
    def text(self) -> str:
        """What is on show."""
        return self._shown

    def show(self, text: str, state: str = "") -> bool:
        """Show ``text``; ``state`` is one of ``STATES`` or empty. Returns whether anything had to be repainted."""
        text = safe_text(text, 400)
        changed = False
        if state != self._state:
            if self._state:
                self.remove_class(self._state)
            if state:
                self.add_class(state)
            self._state = state
            changed = True
        if text != self._shown:
            self._shown = text
            self.refresh()
            changed = True
        return changed

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        text = self._shown if y == 0 else ""
        shown = fit_right(text, width) if self._right else fit(self._indent + text, width)
        return Strip([Segment(shown, self.rich_style)], width)
