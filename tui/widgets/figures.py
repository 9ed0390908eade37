"""Changing numbers on a slow line: each is a small label of its own that does nothing when its text is the same."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from engine.text import safe_text

STATES = ("-good", "-warning", "-danger", "-muted")
"""Classes that say how a figure is to be taken; the sheets give them colour."""


class Figure(Widget):
    """One value in one row. Only this label is sent to the terminal when the value changes (a big text with many
    values would be sent whole), and as one run: a colour sequence costs more than the number itself. The text is made
    safe here and never read as markup; what is too long loses its end."""

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
        text = cut(self._indent + self._shown if y == 0 else "", width)
        blanks = " " * (width - cell_len(text))
        return Strip([Segment(blanks + text if self._right else text + blanks, self.rich_style)], width)


class Sentence(Widget):
    """A sentence that must be read takes a second row when one is too short for it, and gives it back."""

    DEFAULT_CSS = "Sentence { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._most = 1
        self._shown = ""
        self._state = ""

    @property
    def text(self) -> str:
        """What is on show."""
        return self._shown

    def show(self, text: str, state: str = "", *, most: int = 1) -> None:
        """Show ``text`` in at most so many rows; ``state`` as for a figure."""
        text = safe_text(text, 1000)
        if state != self._state:
            self.remove_class(*STATES)
            if state:
                self.add_class(state)
            self._state = state
        if (text, most) != (self._shown, self._most):
            self._shown, self._most = text, most
            self._settle()
            self.refresh()

    def on_resize(self) -> None:
        """Another width may need another number of rows."""
        self._settle()

    def _settle(self) -> None:
        rows = max(1, len(self._lines()))
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows

    def _lines(self) -> list[str]:
        width = max(10, self.size.width - 2)
        lines = textwrap.wrap(self._shown, width)
        if len(lines) > self._most:
            lines = [*lines[: self._most - 1], cut(" ".join(lines[self._most - 1 :]), width)]
        return lines

    def render_line(self, y: int) -> Strip:
        lines, width = self._lines(), self.size.width
        text = " " + lines[y] if y < len(lines) else ""
        return Strip([Segment(set_cell_size(text, width), self.rich_style)], width)


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, its end marked when it was cut off."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"
