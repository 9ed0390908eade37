"""A block of facts: label and value on each line; values are made safe here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.widget import Widget

from engine.text import safe_text
from tui.widgets.rows import Cell

Value = str | Cell | tuple[Cell, ...]
Fact = tuple[str, Value]
"""A label and its value; a tuple of cells stands side by side, in another line where there is no room left."""


class Facts(Widget):
    """``show`` takes (label, value) pairs; a long value goes on in the next line under itself."""

    COMPONENT_CLASSES = {
        "facts--label", "row--soft", "row--strong", "row--warning", "row--danger", "row--good", "status--finished",
        "status--non-tried", "status--non-trimmed", "status--non-scraped", "status--bad",
    }  # fmt: skip

    def __init__(self, *, label_width: int = 11, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label_width = label_width
        self._facts: tuple[Fact, ...] = ()

    def show(self, facts: Sequence[Fact]) -> None:
        """Show these facts; nothing is sent when they are the same as before."""
        facts = tuple((safe_text(label, 40), value) for label, value in facts)
        if facts != self._facts:
            before = self._height() if self.is_attached else -1
            self._facts = facts
            self.refresh(layout=before < 0 or self._height() != before)

    def _height(self) -> int:
        """Lines it takes in its present width."""
        return self.render().plain.count("\n") + bool(self._facts)

    @property
    def plain(self) -> str:
        """What is on show, one fact a line."""
        return "\n".join(f"{label}: {_text(value)}" for label, value in self._facts)

    def render(self) -> Text:
        """The block in the widget's width."""
        width = max(8, self.size.width - self._label_width - 2)
        text = Text(end="")
        for number, (label, value) in enumerate(self._facts):
            if isinstance(value, tuple) and not isinstance(value, Cell):
                text.append("\n" if number else "")
                self._row_of_cells(text, label, value)
                continue
            style = value.style if isinstance(value, Cell) else ""
            rich = self.get_component_rich_style(style, partial=True) if style else ""
            for part, piece in enumerate(_pieces(_text(value), width)):
                name = label if part == 0 else ""
                text.append("\n" if number or part else "")
                text.append(
                    f" {name:<{self._label_width}}", self.get_component_rich_style("facts--label", partial=True)
                )
                text.append(piece, rich)
        return text

    def _row_of_cells(self, text: Text, label: str, cells: tuple[Cell, ...]) -> None:
        width = max(8, self.size.width - self._label_width - 2)
        text.append(f" {label:<{self._label_width}}", self.get_component_rich_style("facts--label", partial=True))
        room = width
        for number, cell in enumerate(cells):
            piece = safe_text(cell.text, 200)
            piece = piece if cell_len(piece) <= width else set_cell_size(piece, width - 1) + "…"
            if number and cell_len(piece) + 2 > room:
                text.append("\n" + " " * (self._label_width + 1))
                room = width
            elif number:
                text.append("  ")
                room -= 2
            room -= cell_len(piece)
            text.append(piece, self.get_component_rich_style(cell.style, partial=True) if cell.style else "")


def _text(value: Value) -> str:
    if isinstance(value, tuple) and not isinstance(value, Cell):
        return "  ".join(cell.text for cell in value)
    return safe_text(value.text if isinstance(value, Cell) else value, 2000)


_BREAKS = re.compile(r"/?[^ /]*[ /]|/?[^ /]+")


def _pieces(text: str, width: int) -> list[str]:
    """``text`` cut into lines of at most ``width`` cells: after blanks and slashes where there are any."""
    lines: list[str] = []
    line = ""
    for part in _BREAKS.findall(text):
        if line and cell_len(line) + cell_len(part.rstrip(" ")) > width:
            lines.append(line.rstrip(" "))
            line = ""
        line += part
        while cell_len(line.rstrip(" ")) > width:
            count = width
            while count > 1 and cell_len(line[:count]) > width:
                count -= 1
            lines.append(line[:count])
            line = line[count:]
    return [*lines, line]
