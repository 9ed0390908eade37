"""The parity evidence as a strip for each member: one cell a strip position, a cursor, marks where parity should be."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.keys import bindings

_LABEL = 6


class HeatStrip(Widget, can_focus=True, inherit_bindings=False):
    """``show`` takes a letter for each member and position; ``marks``: the row that holds the parity there, or None."""

    COMPONENT_CLASSES = {
        "heat--label", "heat--cell", "heat--parity", "heat--wrong", "heat--cursor",
    }  # fmt: skip
    DEFAULT_CSS = "HeatStrip { width: 1fr; height: auto; }"
    BINDINGS = bindings("strips")
    ALLOW_SELECT = False

    class Moved(Message):
        """The cursor stands on another strip."""

        def __init__(self, sender: HeatStrip, column: int) -> None:
            super().__init__()
            self.strip = sender
            self.column = column

        @property
        def control(self) -> HeatStrip:
            """The strip it comes from."""
            return self.strip

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._labels: tuple[str, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._gaps: tuple[bool, ...] = ()
        self._marks: tuple[int | None, ...] = ()
        self._good: tuple[bool, ...] = ()
        self._left = 0
        self.cursor = 0

    def show(
        self,
        labels: Sequence[str],
        columns: Sequence[str],
        gaps: Sequence[bool],
        marks: Sequence[int | None],
        good: Sequence[bool],
    ) -> None:
        """``columns[i]``: the letters of position ``i`` from the first member to the last; ``gaps[i]``: places before
        it
        are not shown; ``good[i]``: the evidence agrees with the mark."""
        grown = len(labels) != len(self._labels)
        self._labels, self._columns, self._gaps = tuple(labels), tuple(columns), tuple(gaps)
        self._marks, self._good = tuple(marks), tuple(good)
        self.cursor = min(self.cursor, max(0, len(columns) - 1))
        self._scroll()
        self.refresh(layout=grown)

    def get_content_height(self, container, viewport, width):  # type: ignore[no-untyped-def]
        """A line for each member, and one that shows where places are left out."""
        return len(self._labels) + 1

    @property
    def room(self) -> int:
        """Positions that fit."""
        return max(1, self.size.width - _LABEL)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._scroll()

    def _scroll(self) -> None:
        if not self._left <= self.cursor < self._left + self.room:
            self._left = max(0, self.cursor - self.room // 2)

    def render_line(self, y: int) -> Strip:
        """One member."""
        width = self.size.width
        style = self.rich_style
        label = self.get_component_rich_style("heat--label")
        if y > len(self._labels):
            return Strip([Segment(" " * width, style)], width)
        end = min(len(self._columns), self._left + self.room)
        if y == len(self._labels):
            text = "".join("^" if n == self.cursor else "|" if self._gaps[n] else " " for n in range(self._left, end))
            return Strip([Segment((" " * _LABEL + text).ljust(width)[:width], label)], width)
        segments = [Segment(self._labels[y][: _LABEL - 1].rjust(_LABEL - 1) + " ", label)]
        run, before = "", ""
        for number in range(self._left, end):
            name = self._class(number, y)
            if name != before and run:
                segments.append(Segment(run, self._style(before)))
                run = ""
            run, before = run + self._columns[number][y], name
        segments.append(Segment(run, self._style(before)) if run else Segment("", style))
        used = sum(len(segment.text) for segment in segments)
        segments.append(Segment(" " * max(0, width - used), style))
        return Strip(segments, width)

    def _class(self, number: int, y: int) -> str:
        if number == self.cursor:
            return "heat--cursor"
        if self._marks[number] == y:
            return "heat--parity" if self._good[number] else "heat--wrong"
        return "heat--cell"

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _move(self, to: int) -> None:
        to = max(0, min(len(self._columns) - 1, to))
        if to != self.cursor and self._columns:
            self.cursor = to
            self._scroll()
            self.refresh()
            self.post_message(self.Moved(self, to))

    def action_left(self) -> None:
        """One to the left."""
        self._move(self.cursor - 1)

    def action_right(self) -> None:
        """One to the right."""
        self._move(self.cursor + 1)

    def action_page_left(self) -> None:
        """One screen to the left."""
        self._move(self.cursor - self.room)

    def action_page_right(self) -> None:
        """One screen to the right."""
        self._move(self.cursor + self.room)

    def action_first(self) -> None:
        """The first one."""
        self._move(0)

    def action_last(self) -> None:
        """The last one."""
        self._move(len(self._columns) - 1)
