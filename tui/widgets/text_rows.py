"""A few rows of plain text at the end of a screen (events): only rows that changed are sent again."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import set_cell_size
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from engine.text import safe_text
from tui.widgets.figures import cut


class TextRows(Widget):
    """Shows the last rows that fit; the newest at the bottom. Text is made safe here, and cut at its end."""

    DEFAULT_CSS = "TextRows { height: 1fr; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[str, ...] = ()
        self._drawn: tuple[str, ...] = ()

    def show(self, lines: Sequence[str]) -> int:
        """Show these lines; returns how many rows had to be repainted."""
        self._lines = tuple(safe_text(line, 400) for line in lines)
        fitted = self._fitted()
        if len(fitted) != len(self._drawn):
            self._drawn = fitted
            self.refresh()
            return len(fitted)
        changed = [row for row, (old, new) in enumerate(zip(self._drawn, fitted, strict=True)) if old != new]
        self._drawn = fitted
        for row in changed:
            self.refresh(Region(0, row, self.size.width, 1))
        return len(changed)

    def on_resize(self) -> None:
        self._drawn = self._fitted()
        self.refresh()

    def _fitted(self) -> tuple[str, ...]:
        width, height = self.size.width, self.size.height
        shown = self._lines[-height:] if height else ()
        rows = [set_cell_size(" " + cut(line, width - 2), width) for line in shown]
        return (*rows, *[" " * width] * (height - len(rows)))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        text = self._drawn[y] if y < len(self._drawn) else " " * width
        return Strip([Segment(text, self.rich_style)], width)
