"""Entropy along a source in one row: a digit for each cell, bits per byte; what nobody has read by its letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from themes.palettes import BY_LETTER

if TYPE_CHECKING:
    from textual import events

    from engine.hex.strip import Strip as Measured

_NAME = " entropy "


class EntropyStrip(Widget):
    """``show`` takes what was measured; a click asks the screen to go there."""

    COMPONENT_CLASSES = {
        "strip--name", "strip--low", "strip--high", "strip--cursor", "status--finished", "status--non-tried",
        "status--non-trimmed", "status--non-scraped", "status--bad",
    }  # fmt: skip
    DEFAULT_CSS = "EntropyStrip { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    class Chosen(Message):
        """A cell was clicked."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._measured: Measured | None = None
        self._cell: int | None = None

    @property
    def cells(self) -> int:
        """How many cells there is room for."""
        return max(1, self.size.width - len(_NAME) - 1)

    def show(self, measured: Measured | None) -> None:
        """Another measurement; None while there is none."""
        self._measured = measured
        self.refresh()

    def move_to(self, offset: int) -> None:
        """Mark the cell of a byte."""
        measured = self._measured
        cell = None
        if measured is not None and measured.start <= offset < measured.end:
            cell = (offset - measured.start) // measured.cell
        if cell != self._cell:
            self._cell = cell
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Ask to go to the cell."""
        measured = self._measured
        number = event.x - len(_NAME)
        if measured is not None and 0 <= number < len(measured.values):
            self.post_message(self.Chosen(measured.start + number * measured.cell))

    def render_line(self, y: int) -> Strip:
        measured = self._measured
        parts = [(_NAME, "strip--name")]
        if measured is None:
            parts.append(("measuring ...", "strip--name"))
        for number, value in enumerate(measured.values if measured is not None else ()):
            text, style = cell_look(value)
            parts.append((text, "strip--cursor" if number == self._cell else style))
        segments = [Segment(text, self._style(name)) for text, name in parts]
        return Strip(Segment.simplify(segments)).adjust_cell_length(self.size.width, self.rich_style)

    def _style(self, name: str) -> Style:
        return self.rich_style + self.get_component_rich_style(name, partial=True) if name else self.rich_style


def cell_look(value: float | str) -> tuple[str, str]:
    """The character of a cell and its component class."""
    if isinstance(value, str):
        return value, f"status--{BY_LETTER[value].name}"
    digit = min(8, round(value))
    return str(digit), "strip--low" if value < 1 else "strip--high" if value > 7.2 else ""
