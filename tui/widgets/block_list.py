"""The blocks of a map as a list, in step with the block map: made for a million rows on a slow line.

Rows are drawn from the map's arrays when they come on show; a step of the cursor sends the two rows that changed, and
the list moves by half its height when the cursor leaves it, not row by row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from themes.palettes import BY_LETTER, MARKS
from tui.editor.index import BlockIndex, Filter
from tui.keys import bindings
from tui.widgets.cell_line import size_text

if TYPE_CHECKING:
    from engine.mapfile.model import Block, Mapfile
    from engine.ranges import RangeSet


class BlockList(Widget, can_focus=True):
    """``show`` takes a map; the cursor is a row, ``follow`` puts it on the block that holds a byte."""

    COMPONENT_CLASSES = {
        *(f"status--{mark.name}" for mark in MARKS),
        "block-list--row",
        "block-list--cursor",
        "block-list--cursor-blurred",
        "block-list--empty",
        "block-list--selected",
    }
    DEFAULT_CSS = "BlockList { width: 1fr; height: 1fr; }"
    BINDINGS = bindings("blocks")
    ALLOW_SELECT = False

    class Moved(Message):
        """The person put the cursor on another block."""

        def __init__(self, sender: BlockList, block: Block) -> None:
            super().__init__()
            self.list = sender
            self.block = block

        @property
        def control(self) -> BlockList:
            """The list it comes from."""
            return self.list

    class Filtered(Message):
        """Another filter or order."""

        def __init__(self, sender: BlockList) -> None:
            super().__init__()
            self.list = sender

        @property
        def control(self) -> BlockList:
            """The list it comes from."""
            return self.list

    class Asked(Message):
        """Something of the screen's is wanted: ``types``, ``least`` (what to list), ``zoom``, ``take`` (the block)."""

        def __init__(self, sender: BlockList, what: str) -> None:
            super().__init__()
            self.list = sender
            self.what = what

        @property
        def control(self) -> BlockList:
            """The list it comes from."""
            return self.list

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._index: BlockIndex | None = None
        self._wanted = Filter()
        self._cursor: int | None = None
        self._top = 0
        self._sector = 512
        self._selected: RangeSet | None = None
        self._styles: dict[str, Style] = {}

    # -- what is shown --------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> Filter:
        """Filter and order."""
        return self._wanted

    @property
    def count(self) -> int:
        """How many blocks are listed."""
        return len(self._index) if self._index is not None else 0

    @property
    def chosen(self) -> Block | None:
        """The block under the cursor."""
        if self._index is None or self._cursor is None or self._cursor >= len(self._index):
            return None
        return self._index.block(self._cursor)

    def show(self, map: Mapfile, *, position: int, sector: int = 512) -> None:
        """Show a map (or a newer state of it) with the cursor on the block that holds ``position``."""
        if self._index is not None and self._index.map is map and self._sector == sector:
            self.follow(position)
            return
        self._sector = sector
        self._rebuild(map, position)

    def filter(self, wanted: Filter, position: int) -> None:
        """Another filter or order."""
        if wanted != self._wanted:
            self._wanted = wanted
            if self._index is not None:
                self._rebuild(self._index.map, position)
            self.post_message(self.Filtered(self))

    def _rebuild(self, map: Mapfile, position: int) -> None:
        self._index = BlockIndex(map, self._wanted)
        self._cursor = self._index.row_at(position)
        if self._cursor is None and len(self._index):
            self._cursor = 0
        self._top = self._placed(self._cursor or 0)
        self.refresh()

    def follow(self, position: int) -> bool:
        """Put the cursor on the block that holds a byte; returns whether anything had to be repainted."""
        row = self._index.row_at(position) if self._index is not None else None
        return row is not None and self._put(row)

    def in_view(self, position: int) -> bool:
        """Whether ``follow`` costs two rows at most (else the whole list is sent)."""
        row = self._index.row_at(position) if self._index is not None else None
        return row is None or self._top <= row < self._top + self.size.height

    def mark(self, selected: RangeSet | None) -> None:
        """Mark the blocks that lie in the selection, at least in part."""
        if selected == self._selected:
            return
        before, self._selected = self._selected, selected
        if self._index is None:
            return
        for row in range(self._top, min(self._top + self.size.height, len(self._index))):
            block = self._index.block(row)
            if _touches(before, block) != _touches(selected, block):
                self._refresh_row(row)

    # -- moving ---------------------------------------------------------------------------------------------------

    def _placed(self, row: int) -> int:
        """The first row on show so that ``row`` is on show: unchanged when it is already."""
        height = max(1, self.size.height)
        last = max(0, self.count - height)
        if self._top <= row < self._top + height:
            return min(self._top, last)
        return max(0, min(row - height // 2, last))

    def _put(self, row: int) -> bool:
        if row == self._cursor:
            return False
        before, self._cursor = self._cursor, row
        top = self._placed(row)
        if top != self._top:
            self._top = top
            self.refresh()
        else:
            for changed in (before, row):
                if changed is not None:
                    self._refresh_row(changed)
        return True

    def _refresh_row(self, row: int) -> None:
        y = row - self._top
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _step(self, rows: int) -> None:
        if self.count:
            self._go(max(0, min(self.count - 1, (self._cursor or 0) + rows)))

    def _go(self, row: int) -> None:
        if self._put(row):
            block = self.chosen
            assert block is not None
            self.post_message(self.Moved(self, block))

    def action_cursor_up(self) -> None:
        """One block up."""
        self._step(-1)

    def action_cursor_down(self) -> None:
        """One block down."""
        self._step(1)

    def action_page_up(self) -> None:
        """One screen up."""
        self._step(-max(1, self.size.height - 1))

    def action_page_down(self) -> None:
        """One screen down."""
        self._step(max(1, self.size.height - 1))

    def action_first(self) -> None:
        """First block."""
        self._step(-self.count)

    def action_last(self) -> None:
        """Last block."""
        self._step(self.count)

    def action_types(self) -> None:
        """Other statuses."""
        self.post_message(self.Asked(self, "types"))

    def action_least(self) -> None:
        """Another smallest size."""
        self.post_message(self.Asked(self, "least"))

    def action_order(self) -> None:
        """The next order; the cursor stays on its block."""
        block = self.chosen
        self.filter(replace(self._wanted, order=self._wanted.order.next), block.start if block is not None else 0)

    def action_zoom(self) -> None:
        """Show the block in the map."""
        self.post_message(self.Asked(self, "zoom"))

    def action_take(self) -> None:
        """Select the block."""
        self.post_message(self.Asked(self, "take"))

    def on_click(self, event: events.Click) -> None:
        """A click chooses."""
        row = event.y + self._top
        if row < self.count:
            self._go(row)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        event.stop()
        self._step(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """As down."""
        event.stop()
        self._step(-3)

    # -- drawing --------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """The cursor in the middle of what is on show now."""
        self._top = max(0, min((self._cursor or 0) - self.size.height // 2, self.count - max(1, self.size.height)))
        self.refresh()

    def on_focus(self, event: events.Focus) -> None:
        """Only the cursor's row looks different."""
        self._focus_changed(event, True)

    def on_blur(self, event: events.Blur) -> None:
        """As ``on_focus``."""
        self._focus_changed(event, False)

    def _focus_changed(self, event: events.Event, focus: bool) -> None:
        event.prevent_default()
        self.has_focus = focus
        if self._cursor is not None:
            self._refresh_row(self._cursor)

    def notify_style_update(self) -> None:
        """Another theme: forget the styles."""
        self._styles.clear()
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(name)
        return style

    def render_line(self, y: int) -> Strip:
        """One row."""
        width, row = self.size.width, self._top + y
        plain = self._style("block-list--row")
        if self._index is None or row >= len(self._index):
            empty = " no such block" if y == 0 and self._index is not None and not len(self._index) else ""
            return Strip([Segment(empty.ljust(width)[:width], self._style("block-list--empty"))], width)
        block = self._index.block(row)
        chosen = row == self._cursor
        mark = ">" if chosen and self.has_focus else " "
        picked = "|" if _touches(self._selected, block) else " "
        place, status = row_text(block, self._sector, width - 2)
        if chosen:
            over = self._style("block-list--cursor" if self.has_focus else "block-list--cursor-blurred")
            return Strip([Segment((mark + picked + place + status).ljust(width)[:width], over)], width)
        name = f"status--{BY_LETTER[block.status].name}"
        lead = Segment(mark + picked, self._style("block-list--selected") if picked != " " else plain)
        segments = [lead, Segment(place, plain), Segment(status, self._style(name))]
        return Strip(Segment.simplify(segments)).adjust_cell_length(width, plain)


def row_text(block: Block, sector: int, width: int) -> tuple[str, str]:
    """Where a block is and how large; and its status, as wide as there is room."""
    place = f"0x{block.start:010X} {size_text(block.size, sector):>11}  "
    mark = BY_LETTER[block.status]
    status = f"{mark.letter} {mark.label}"
    return place, status if cell_len(place) + cell_len(status) <= width else mark.letter


def _touches(selected: RangeSet | None, block: Block) -> bool:
    return selected is not None and selected.overlaps(block.start, block.end)
