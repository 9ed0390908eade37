"""The row above a block map: offsets at both ends, how much a cell stands for, and where the view is in the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.text import format_size
from themes.palettes import MARKS
from tui.widgets import map_paint as paint
from tui.widgets.map_view import View

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile

_MIN_BAR = 8


def offset_text(offset: int, span: int) -> str:
    """An offset with as much precision as ``span`` bytes on show need: units while they tell the ends apart, then the
    hexadecimal number of the mapfile."""
    text = format_size(offset)
    unit = 1024 ** max(0, _unit(offset))
    return text if offset == 0 or span * 10 >= unit else f"0x{offset:08X}"


def _unit(size: int) -> int:
    return (max(1, size).bit_length() - 1) // 10


def cell_size_text(view: View) -> str:
    """How much one cell is: ``cell 1.3 GiB``, ``cell 1 sector``."""
    return "cell 1 sector" if view.cell == view.sector else f"cell {format_size(view.cell)}"


def window(view: View, columns: int) -> tuple[int, int]:
    """The columns ``[start, end)`` of an overview of ``columns`` that the view covers; at least one."""
    if not view.size or columns < 1:
        return 0, 0
    start = (view.start - view.domain_start) * columns // view.size
    end = -(-(view.end - view.domain_start) * columns // view.size)
    return min(start, columns - 1), max(start + 1, min(end, columns))


class MapScale(Widget):
    """Follows a block map's view. With the whole on show it is a plain scale that never changes; zoomed in, the middle
    is a small map of the whole with the view between brackets: filled with the colour of what most of each cell is,
    with the letter of the worst in it."""

    COMPONENT_CLASSES = {
        *(f"status--solid-{mark.name}" for mark in MARKS),
        "map-scale--text",
        "map-scale--line",
        "map-scale--window",
    }
    DEFAULT_CSS = "MapScale { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view = View.fit(0, 0, 512, 1, 1)
        self._map: Mapfile | None = None
        self._cells: tuple[int, tuple[int, int], paint.Codes] | None = None
        self._drawn: list[tuple[str, str]] = []
        self._styles: dict[str, Style] = {}

    def show(self, map: Mapfile | None, view: View) -> bool:
        """Follow; returns whether anything had to be repainted."""
        if map is not self._map:
            self._cells = None
        self._map, self._view = map, view
        parts = self._parts()
        if parts == self._drawn:
            return False
        self._drawn = parts
        self.refresh()
        return True

    def on_resize(self) -> None:
        self._drawn = self._parts()

    def notify_style_update(self) -> None:
        """Another theme: forget the styles."""
        self._styles.clear()
        super().notify_style_update()

    def _parts(self) -> list[tuple[str, str]]:
        """Texts and the names of their styles."""
        view, width = self._view, self.size.width
        if not view.size:
            return [(" " * width, "map-scale--text")]
        span = view.end - view.start
        left, right = offset_text(view.start, span) + " ", " " + offset_text(view.end, span)
        cell = "  " + cell_size_text(view)
        bar = width - cell_len(left) - cell_len(right) - cell_len(cell)
        if bar < _MIN_BAR:
            return [((left.strip() + " -" + right + cell)[:width].ljust(width), "map-scale--text")]
        # One column at each end belongs to the brackets.
        middle = [("|" + "-" * (bar - 2) + "|", "map-scale--line")] if view.whole else self._overview(bar - 2)
        return [(left, "map-scale--text"), *middle, (right, "map-scale--text"), (cell, "map-scale--line")]

    def _overview(self, columns: int) -> list[tuple[str, str]]:
        from engine.mapfile.cells import cells

        view = self._view
        if self._map is None or columns > view.size:
            return [("-" * (columns + 2), "map-scale--line")]
        if self._cells is None or self._cells[:2] != (columns, (view.domain_start, view.domain_end)):
            found = cells(self._map, view.domain_start, view.domain_end, columns, with_bytes=True)
            codes = paint.compose(found.worst, found.mixed, columns, found.bytes)
            self._cells = columns, (view.domain_start, view.domain_end), codes
        codes = self._cells[2]
        first, end = window(view, columns)
        drawn = [(" ", "map-scale--text"), *(_column(int(code)) for code in codes), (" ", "map-scale--text")]
        drawn[first], drawn[end + 1] = ("[", "map-scale--window"), ("]", "map-scale--window")
        return _joined(drawn)

    def render_line(self, y: int) -> Strip:
        segments = [Segment(text, self._style(name)) for text, name in self._drawn]
        return Strip(segments, sum(cell_len(text) for text, _name in self._drawn)).adjust_cell_length(
            self.size.width, self._style("map-scale--text")
        )

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(name)
        return style


def _column(code: int) -> tuple[str, str]:
    """One cell of the overview and its style."""
    status, most = code & paint.STATUS, paint.mostly(code)
    if status == paint.BLANK:
        return " ", "map-scale--line"
    return paint.glyph(code), f"status--solid-{MARKS[status if most is None else most].name}"


def _joined(drawn: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbours of one style as one text."""
    out: list[tuple[str, str]] = []
    for char, name in drawn:
        if out and out[-1][1] == name:
            out[-1] = out[-1][0] + char, name
        else:
            out.append((char, name))
    return out
