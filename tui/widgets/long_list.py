"""A list of as many rows as there are, made only when they come into view: files, finds, titles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Line, Row, Section, lay_out, widths

_SAMPLE = 200
_KEPT = 512


class LongList(RowList, inherit_bindings=True):
    """``fill`` takes columns, how many rows there are, and a function that makes row n. The heading stays in view."""

    class At(Message):
        """The cursor stands on another row (None: there is none)."""

        def __init__(self, sender: LongList, index: int | None) -> None:
            super().__init__()
            self.list = sender
            self.index = index

        @property
        def control(self) -> LongList:
            """The list it comes from."""
            return self.list

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._columns: tuple[Column, ...] = ()
        self._count = 0
        self._make: Callable[[int], Row] = lambda index: Row(str(index), ())
        self._empty = ""
        self._title = ""
        self._widths: list[int] = []
        self._also: tuple[int, ...] = ()
        self._at = 0
        self._heading: Strip | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    @property
    def index(self) -> int | None:
        """The row under the cursor."""
        return self._at if self._count else None

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor, made anew."""
        return self._make(self._at) if self._count else None

    @property
    def rows(self) -> list[Row]:
        """The rows in view."""
        first = round(self.scroll_offset.y)
        return [self._make(n) for n in range(first, min(self._count, first + max(0, self.size.height - 1)))]

    def fill(
        self, columns: Sequence[Column], count: int, row: Callable[[int], Row], *, title: str = "", empty: str = "",
        at: int | None = None, also: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """Show ``count`` rows. ``at``: where the cursor is to stand; without it stays as near as can be.

        Columns are as wide as the rows near those in view need it; ``also``: rows far away that count for it too,
        because a column that none of the near ones fills would be left out.
        """
        self._columns, self._count, self._make, self._also = tuple(columns), count, row, tuple(also)
        self._title, self._empty = title, empty
        self._at = max(0, min(count - 1, self._at if at is None else at))
        self._measure()
        self.refresh()
        self._into_view()
        self.post_message(self.At(self, self.index))

    def look_again(self, *indices: int) -> None:
        """These rows have changed (all without): draw them anew."""
        if not indices:
            self._strips.clear()
            self.refresh()
        for index in indices:
            self._paint(index)

    def _measure(self) -> None:
        self._strips.clear()
        self._heading = None
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        first = round(self.scroll_offset.y)
        last = min(self._count, first + _SAMPLE)
        sample = [self._make(n) for n in (*range(first, last), *self._also) if n < self._count]
        self._widths = widths(self._columns, sample, width - 2, self._title)
        self.virtual_size = Size(width, self._count + 1)

    def _paint(self, index: int) -> None:
        self._strips.pop(index, None)
        y = index - round(self.scroll_offset.y) + 1
        if 1 <= y < self.scrollable_content_region.height:
            self.refresh(Region(0, y, self.scrollable_content_region.width, 1))

    def _go(self, index: int) -> None:
        index = max(0, min(self._count - 1, index))
        if not self._count or index == self._at:
            return
        old, self._at = self._at, index
        self._paint(old)
        self._paint(index)
        self._into_view()
        self.post_message(self.At(self, index))

    def _into_view(self) -> None:
        height = max(1, self.scrollable_content_region.height - 1)
        top = round(self.scroll_offset.y)
        if self._at < top:
            self.scroll_to(y=self._at, animate=False, force=True)
        elif self._at >= top + height:
            self.scroll_to(y=self._at - height + 1, animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Rows stay as they were drawn: only their places change."""
        super().watch_scroll_y(old_value, new_value)
        self.refresh()

    def go_to(self, index: int) -> None:
        """Put the cursor on row ``index``."""
        self._go(index)

    def action_cursor_up(self) -> None:
        """One row up."""
        self._go(self._at - 1)

    def action_cursor_down(self) -> None:
        """One row down."""
        self._go(self._at + 1)

    def action_page_up(self) -> None:
        """One screen up."""
        self._go(self._at - max(1, self.size.height - 2))

    def action_page_down(self) -> None:
        """One screen down."""
        self._go(self._at + max(1, self.size.height - 2))

    def action_first(self) -> None:
        """First row."""
        self._go(0)

    def action_last(self) -> None:
        """Last row."""
        self._go(self._count - 1)

    def on_resize(self, event: events.Resize | None = None) -> None:
        """Lay out again for the new width: instead of a row list's own way, which knows nothing of these rows."""
        if event is not None:
            event.prevent_default()
        self._measure()
        self.refresh()
        self._into_view()

    def on_focus(self, event: events.Focus) -> None:
        """Only the cursor's line looks different."""
        event.prevent_default()
        self.has_focus = True
        self._paint(self._at)

    def on_blur(self, event: events.Blur) -> None:
        """As ``on_focus``."""
        event.prevent_default()
        self.has_focus = False
        self._paint(self._at)

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a double click opens."""
        event.prevent_default()
        index = event.y - 1 + round(self.scroll_offset.y)
        if event.y >= 1 and 0 <= index < self._count:
            self._go(index)
            row = self.chosen
            if event.chain == 2 and row is not None:
                self.post_message(self.Opened(self, row))

    def notify_style_update(self) -> None:
        """Another theme: forget what was drawn."""
        super().notify_style_update()
        self._heading = None

    def render_line(self, y: int) -> Strip:
        """The heading, then one row for each line."""
        width = self.scrollable_content_region.width
        if y == 0:
            if self._heading is None:
                self._heading = self._drawn(self._heading_line(width), width, None)
            return self._heading
        index = y - 1 + round(self.scroll_offset.y)
        if index >= self._count:
            if not self._count and y == 1 and self._empty:
                return self._drawn(Line((("  " + self._empty, "row--empty"),), None), width, None)
            return Strip.blank(width, self.rich_style)
        strip = self._strips.get(index)
        if strip is None:
            if len(self._strips) >= _KEPT:
                self._strips.clear()
            strip = self._strips[index] = self._drawn(self._row_line(index, width), width, index)
        return strip

    def _heading_line(self, width: int) -> Line:
        section = Section(self._title, self._fixed(), (Row("", tuple(" " for _ in self._columns)),))
        lines = lay_out([section], width)
        return lines[0] if len(lines) > 1 else Line((), None)

    def _row_line(self, index: int, width: int) -> Line:
        row = self._make(index)
        # A column without any text would be left out of a list: here its place stays, under its heading.
        cells = tuple(cell if (cell.text if isinstance(cell, Cell) else cell) else " " for cell in row.cells)
        row = Row(row.id, cells, row.style)
        lines = lay_out([Section("", self._fixed(titles=False), (row,))], width)
        return lines[-1]

    def _fixed(self, *, titles: bool = True) -> tuple[Column, ...]:
        """The columns at the widths that were measured, so that every row stands under its heading."""
        return tuple(
            Column(column.title if titles else "", width, column.right, least=width, path=column.path)
            for column, width in zip(self._columns, self._widths, strict=False)
        )

    def _drawn(self, line: Line, width: int, index: int | None) -> Strip:
        base = self.rich_style
        overlay = None
        mark = "  " if index is not None else ""
        if index is not None and index == self._at:
            overlay = self.get_component_rich_style("row--cursor" if self.has_focus else "row--cursor-blurred")
            mark = "> " if self.has_focus else "  "
        segments = [Segment(mark, overlay or base)] if mark else []
        for text, style in line.spans:
            plain = base + self.get_component_rich_style(style, partial=True) if style else base
            segments.append(Segment(text, overlay or plain))
        return Strip(Segment.simplify(segments)).adjust_cell_length(width, overlay or base)


__all__ = ["Cell", "Column", "LongList", "Row"]
