"""The bytes of a source of any size, row by row: a cursor, a selection, holes drawn as holes, fields in colours.

It holds no source. It asks for pages (``Wanted``) and draws what it was given (``supply``); until a page is there the
view stays where it is, so that nothing is painted twice on a slow line. Only rows that change are painted again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.keys import bindings
from tui.widgets.hex_rows import CLASSES, CURSOR, CURSOR_SOFT, Geometry, Span, Spans, row_runs

if TYPE_CHECKING:
    from engine.hex.reading import Page

PAGE = 1 << 16
"""Bytes of a page, as the engine reads them."""
_KEPT = 64


class HexView(Widget, can_focus=True):
    """Positions are bytes of the source. ``show`` begins a source; ``supply`` answers ``Wanted``."""

    COMPONENT_CLASSES = CLASSES
    DEFAULT_CSS = "HexView { width: 1fr; height: 1fr; min-height: 1; }"
    BINDINGS = bindings("bytes")
    ALLOW_SELECT = False
    HELP = """The bytes of the source. What nobody has read is drawn by its letter in the rescue map: ? not tried yet,
* failed and not trimmed, / trimmed and not scraped, - bad sector. Zeros on show are zeros that were read."""

    class Moved(Message):
        """The cursor is on another byte."""

        def __init__(self, view: HexView, cursor: int) -> None:
            super().__init__()
            self.view, self.cursor = view, cursor

        @property
        def control(self) -> HexView:
            return self.view

    class Marked(Message):
        """Another range is selected; None when nothing is."""

        def __init__(self, view: HexView, selection: tuple[int, int] | None) -> None:
            super().__init__()
            self.view, self.selection = view, selection

        @property
        def control(self) -> HexView:
            return self.view

    class Wanted(Message):
        """These pages (by number) are needed before the view can move on."""

        def __init__(self, view: HexView, pages: tuple[int, ...]) -> None:
            super().__init__()
            self.view, self.pages = view, pages

        @property
        def control(self) -> HexView:
            return self.view

    def __init__(self, *, id: str | None = None, jump: int = 1) -> None:
        """``jump``: how many rows the view moves when the cursor leaves it (more on slow lines)."""
        super().__init__(id=id)
        self._jump = max(1, jump)
        self._length = 0
        self._unit = 512
        self._geometry = Geometry.fit(80, 0)
        self._pages: OrderedDict[int, Page] = OrderedDict()
        self._asked: set[int] = set()
        self._cursor = self._top = 0
        self._target: tuple[int, int] | None = None
        self._anchor: int | None = None
        self._selection: tuple[int, int] | None = None
        self._spans = Spans()
        self._found = Spans()
        self._now: tuple[int, int] | None = None
        self._styles: dict[str, Style] = {}

    # -- what is shown --------------------------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """The byte the cursor is on, or is on its way to."""
        return self._target[0] if self._target is not None else self._cursor

    @property
    def selection(self) -> tuple[int, int] | None:
        """The selected bytes ``[start, end)``."""
        return self._selection

    @property
    def geometry(self) -> Geometry:
        """How rows are divided."""
        return self._geometry

    @property
    def span_on_show(self) -> tuple[int, int]:
        """The bytes ``[start, end)`` on show."""
        return self._top, min(self._length, self._top + self._rows * self._geometry.columns)

    @property
    def waiting(self) -> bool:
        """Whether pages were asked for that did not come yet."""
        return self._target is not None

    def show(self, size: int, *, at: int = 0, sector_size: int = 512) -> None:
        """Begin a source of ``size`` bytes with the cursor on ``at``; everything known of another one is forgotten."""
        self._length, self._unit = size, sector_size
        self._pages.clear()
        self._asked.clear()
        self._selection = self._anchor = self._target = self._now = None
        self._spans, self._found = Spans(), Spans()
        self._geometry = Geometry.fit(self.size.width, size)
        self._cursor = self._clamp(at)
        self._top = self._row(self._cursor)
        self._styles.clear()
        self.refresh()
        self._go(self._cursor, self._top)

    def supply(self, pages: dict[int, Page]) -> None:
        """Pages that were asked for; a waiting move is made when its last one has come."""
        for number, page in pages.items():
            self._asked.discard(number)
            self._pages[number] = page
            self._pages.move_to_end(number)
        needed = set(self._needed(self._top)) | (set(self._needed(self._target[1])) if self._target else set())
        for number in list(self._pages):
            if len(self._pages) <= _KEPT:
                break
            if number not in needed:
                del self._pages[number]
        if self._target is not None:
            self._go(*self._target, force=True)
        elif set(pages) & set(self._needed(self._top)):
            self.refresh()

    def forget(self) -> None:
        """What was read may have changed: ask again."""
        self._pages.clear()
        self._asked.clear()
        self._go(self.cursor, self._top, force=True)

    def page_at(self, offset: int) -> Page | None:
        """The page that holds a byte, when it is there."""
        return self._pages.get(offset // PAGE)

    @property
    def jump(self) -> int:
        """How many rows the view moves when the cursor leaves it."""
        return self._jump

    @jump.setter
    def jump(self, rows: int) -> None:
        self._jump = max(1, rows)

    def overlay(self, spans: Sequence[Span]) -> None:
        """Colour these bytes (fields of a structure, finds)."""
        self._spans = Spans(spans)
        self.refresh()

    def mark_found(self, finds: Sequence[tuple[int, int]]) -> None:
        """Bring out what a search has found, as (offset, size)."""
        self._found = Spans([Span(at, at + size, "found") for at, size in finds])
        self.refresh()

    def mark_now(self, span: tuple[int, int] | None) -> None:
        """Bring out one stretch among the coloured ones: the field that is chosen beside."""
        if span != self._now:
            old, self._now = self._now, span
            for one in (old, span):
                self._refresh_bytes(one)

    def select(self, selection: tuple[int, int] | None) -> None:
        """Select ``[start, end)``, or nothing."""
        self._anchor = None
        self._set_selection(selection)

    def move_to(self, offset: int, *, top: bool = False) -> None:
        """Put the cursor on a byte and bring it on show; ``top`` as the first row."""
        cursor = self._clamp(offset)
        self._go(cursor, self._row(cursor) if top else self._top_for(cursor, self._now_top()))

    # -- moving ---------------------------------------------------------------------------------------------------

    @property
    def _rows(self) -> int:
        return max(1, self.size.height)

    def _row(self, offset: int) -> int:
        return offset - offset % self._geometry.columns

    def _clamp(self, offset: int) -> int:
        return max(0, min(offset, self._length - 1))

    def _now_top(self) -> int:
        return self._target[1] if self._target is not None else self._top

    def _top_for(self, cursor: int, top: int) -> int:
        """The first row of a view that holds the cursor: moved by ``jump`` rows when it leaves, anew when it is far."""
        columns, row = self._geometry.columns, self._row(cursor)
        last = top + (self._rows - 1) * columns
        if top <= row <= last:
            return top
        step = min(self._jump, self._rows) * columns
        if 0 < top - row <= step:
            return max(0, top - step)
        if 0 < row - last <= step:
            return self._limit(top + step)
        return self._limit(row - self._rows // 3 * columns)

    def _limit(self, top: int) -> int:
        """The last view ends with the last row."""
        most = self._row(max(0, self._length - 1)) - (self._rows - 1) * self._geometry.columns
        return max(0, min(top, max(0, most)))

    def _needed(self, top: int) -> range:
        end = min(self._length, top + self._rows * self._geometry.columns)
        return range(top // PAGE, max(top // PAGE, (max(top, end - 1)) // PAGE) + 1) if self._length else range(0)

    def _go(self, cursor: int, top: int, *, force: bool = False) -> None:
        """Move there as soon as its pages are there."""
        top = max(0, top)
        missing = [number for number in self._needed(top) if number not in self._pages]
        if missing:
            self._target = cursor, top
            ask = tuple(number for number in missing if number not in self._asked)
            if ask:
                self._asked.update(ask)
                self.post_message(self.Wanted(self, ask))
            return
        self._target = None
        old_cursor, old_top = self._cursor, self._top
        self._cursor, self._top = cursor, top
        if self._anchor is not None:
            low, high = sorted((self._anchor, cursor))
            self._set_selection((low, high + 1))
        if top != old_top or force:
            self.refresh()
        elif cursor != old_cursor:
            self._refresh_bytes((old_cursor, old_cursor + 1))
            self._refresh_bytes((cursor, cursor + 1))
        if cursor != old_cursor or force:
            self.post_message(self.Moved(self, cursor))

    def _set_selection(self, selection: tuple[int, int] | None) -> None:
        if selection != self._selection:
            old, self._selection = self._selection, selection
            if old is not None and selection is not None:  # only what differs
                for low, high in ((old[0], selection[0]), (old[1], selection[1])):
                    if low != high:
                        self._refresh_bytes((min(low, high), max(low, high)))
            else:
                self._refresh_bytes(old)
                self._refresh_bytes(selection)
            self.post_message(self.Marked(self, selection))

    def _refresh_bytes(self, span: tuple[int, int] | None) -> None:
        if span is None:
            return
        columns = self._geometry.columns
        first = max(0, (self._row(span[0]) - self._top) // columns)
        last = min(self._rows - 1, (self._row(max(span[0], span[1] - 1)) - self._top) // columns)
        if last >= first:
            self.refresh(Region(0, first, self.size.width, last - first + 1))

    # -- painting -------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width, columns = self.size.width, self._geometry.columns
        offset = self._top + y * columns
        runs = row_runs(
            self._geometry, offset, self._length, self._pages.get(offset // PAGE), spans=self._spans,
            selection=self._selection, now=self._now, found=self._found, cursor=self._cursor,
            cursor_style=CURSOR if self.has_focus else CURSOR_SOFT,
        )  # fmt: skip
        segments = [Segment(run.text, self._style(run.style)) for run in runs]
        return Strip(segments).adjust_cell_length(width, self._style(""))

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self.rich_style
            if name:
                style += self.get_component_rich_style(name, partial=True)
            self._styles[name] = style
        return style

    def notify_style_update(self) -> None:
        """Another theme: forget the styles."""
        self._styles.clear()
        super().notify_style_update()

    def watch_has_focus(self, focus: bool) -> None:
        """The cursor looks different without focus."""
        super().watch_has_focus(focus)
        self._refresh_bytes((self._cursor, self._cursor + 1))

    def on_resize(self, event: events.Resize) -> None:
        """Other columns: the first byte on show stays on show."""
        geometry = Geometry.fit(self.size.width, self._length)
        cursor, top = self.cursor, self._now_top()
        if geometry != self._geometry:
            self._geometry = geometry
            top = self._row(top)
        self._go(cursor, self._top_for(cursor, self._limit(top)), force=True)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there; with Shift it selects up to there."""
        column = self._geometry.column_of(event.x)
        offset = self._top + event.y * self._geometry.columns + (column or 0)
        if column is None or offset >= self._length:
            return
        if event.shift:
            low, high = sorted((self._cursor, offset))
            self.select((low, high + 1))
        else:
            self.move_to(offset)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three rows on."""
        event.stop()
        self._step(3 * self._geometry.columns)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three rows back."""
        event.stop()
        self._step(-3 * self._geometry.columns)

    # -- keys -----------------------------------------------------------------------------------------------------

    def _step(self, count: int) -> None:
        """Move by bytes; where that would leave the source by rows, the cursor stays."""
        wanted = self.cursor + count
        if self._length and 0 <= wanted < self._length:
            self.move_to(wanted)

    def action_left(self) -> None:
        self._step(-1)

    def action_right(self) -> None:
        self._step(1)

    def action_up(self) -> None:
        self._step(-self._geometry.columns)

    def action_down(self) -> None:
        self._step(self._geometry.columns)

    def _page_step(self, direction: int) -> None:
        """One view on or back; the cursor keeps its place in the view."""
        if not self._length:
            return
        distance = direction * max(1, self._rows - 1) * self._geometry.columns
        top = self._limit(self._now_top() + distance)
        self._go(self._clamp(self.cursor + distance), self._top_for(self._clamp(self.cursor + distance), top))

    def action_page_up(self) -> None:
        self._page_step(-1)

    def action_page_down(self) -> None:
        self._page_step(1)

    def action_row_start(self) -> None:
        self.move_to(self._row(self.cursor))

    def action_row_end(self) -> None:
        self.move_to(self._row(self.cursor) + self._geometry.columns - 1)

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to(self._length - 1)

    def action_sector_back(self) -> None:
        """The start of this sector, or of the one before."""
        self.move_to((max(0, self.cursor - 1)) // self._unit * self._unit)

    def action_sector_on(self) -> None:
        following = (self.cursor // self._unit + 1) * self._unit
        if following < self._length:
            self.move_to(following)

    def action_select(self) -> None:
        """Begin a selection at the cursor, or end it here and keep it."""
        if self._anchor is None:
            self._anchor = self.cursor
            self._set_selection((self.cursor, self.cursor + 1))
        else:
            self._anchor = None
