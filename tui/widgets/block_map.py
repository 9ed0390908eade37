"""The block map: a rescue map (or another picture of bytes) as cells, from the whole disk down to sectors, with a
cursor, a selection and the place where the drive is being read.

It is made for slow lines and large maps: cells come from the engine in one call for each view, a change repaints only
the columns that differ, equal neighbours are one run.

A cell shows its worst status. Of one status only, it is a filled block with the status letter; mixed, it is the
letter alone on the plain background (underlined where there is no colour). On a badly hurt drive seen from far away
every cell is mixed: the second view fills mixed cells with the colour of what most of them is, the letter stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.keys import bindings
from tui.widgets import map_paint as paint
from tui.widgets.map_look import CLASSES, RESCUE, Legend, look
from tui.widgets.map_picture import Picture, RescuePicture
from tui.widgets.map_view import View

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.mapfile.model import Mapfile
    from engine.ranges import RangeSet

@dataclass(frozen=True, slots=True)
class Reading:
    """Where the drive is being read: ``offset`` in bytes, and in which direction."""

    offset: int
    backwards: bool = False


class BlockMap(Widget, can_focus=True):
    """Shows one ``Mapfile``. All offsets are bytes; the cursor is a byte, its cell is what holds it."""

    COMPONENT_CLASSES = CLASSES
    DEFAULT_CSS = "BlockMap { width: 1fr; height: 1fr; min-height: 2; }"
    BINDINGS = bindings("map")
    ALLOW_SELECT = False
    HELP = """The rescue map. Each cell stands for a piece of the drive and shows the worst that is in it, by letter and
colour: + rescued, ? not tried yet, * failed and not trimmed, / trimmed and not scraped, - bad sector. A filled cell
is of one status; a bare letter means that other statuses are mixed in, and the line below the map says how much of
each. > or < is where the drive is being read."""

    class Moved(Message):
        """The cursor is on another byte."""

        def __init__(self, block_map: BlockMap, cursor: int) -> None:
            super().__init__()
            self.block_map = block_map
            self.cursor = cursor

        @property
        def control(self) -> BlockMap:
            return self.block_map

    class ViewChanged(Message):
        """Zoomed, scrolled or resized."""

        def __init__(self, block_map: BlockMap, view: View) -> None:
            super().__init__()
            self.block_map = block_map
            self.view = view

        @property
        def control(self) -> BlockMap:
            return self.block_map

    class Marked(Message):
        """Another range is selected; None when nothing is."""

        def __init__(self, block_map: BlockMap, selection: tuple[int, int] | None) -> None:
            super().__init__()
            self.block_map = block_map
            self.selection = selection

        @property
        def control(self) -> BlockMap:
            return self.block_map

    class NotFound(Message):
        """There is no further area of the kind that was looked for."""

        def __init__(self, block_map: BlockMap, forwards: bool) -> None:
            super().__init__()
            self.block_map = block_map
            self.forwards = forwards

        @property
        def control(self) -> BlockMap:
            return self.block_map

    _as_before = False
    """The next refresh of all of it is Textual's own for a change of focus."""

    def __init__(
        self, *, seek: str = "?*/-", id: str | None = None, classes: str | None = None, disabled: bool = False,
        legend: Legend = RESCUE,
    ) -> None:  # fmt: skip
        """``seek``: the statuses that next and previous look for; ``legend`` how statuses are shown."""
        super().__init__(id=id, classes=classes, disabled=disabled)
        self.seek = seek
        self.legend = legend
        self._map: Mapfile | None = None
        self._picture: Picture | None = None
        self._view = View.fit(0, 0, 512, 1, 1)
        self._cursor = 0
        self._selection: tuple[int, int] | None = None
        self._anchor: int | None = None
        # Ranges to be flagged, by the flag of the paint code; the cells they touch are counted once for each view.
        self._marked: dict[int, RangeSet] = {}
        self._marked_cells: dict[int, tuple[View, npt.NDArray[np.bool_]]] = {}
        self._reading: Reading | None = None
        self._borders: tuple[int, ...] = ()
        self._mostly = False
        self._cells = np.full(1, paint.BLANK, np.uint16)
        self._painted = self._cells
        self._styles: dict[int, Style] = {}

    # -- what is shown --------------------------------------------------------------------------------------------

    @property
    def map(self) -> Mapfile | None:
        """The map on show."""
        return self._map

    @property
    def view(self) -> View:
        """Which bytes stand where."""
        return self._view

    @property
    def cursor(self) -> int:
        """The byte the cursor is on."""
        return self._cursor

    @property
    def cursor_cell(self) -> tuple[int, int]:
        """The bytes ``[start, end)`` of the cell under the cursor."""
        start = self._view.cell_start(self._cursor)
        return start, min(self._view.domain_end, start + self._view.cell)

    @property
    def selection(self) -> tuple[int, int] | None:
        """The selected bytes."""
        return self._selection

    def show(self, map: Mapfile, *, domain: tuple[int, int] | None = None, sector: int = 512) -> None:
        """Show a map (a newer state of the same one, too: then only what differs is painted). ``domain`` is the range
        of bytes to draw, by default that of the map."""
        self._map = map
        self.show_picture(RescuePicture(map), domain=domain, sector=sector)

    def show_picture(self, picture: Picture, *, domain: tuple[int, int] | None = None, sector: int = 512) -> None:
        """Show anything else that has a status for each byte."""
        start, end = domain if domain is not None else (picture.start, picture.end)
        self._picture = picture
        view = self._view.over(start, end, sector)
        changed = view != self._view
        self._view = view
        self._cursor = view.clamp(self._cursor)
        self._recount()
        self._repaint()
        if changed:
            self.post_message(self.ViewChanged(self, view))

    def set_reading(self, reading: Reading | None) -> None:
        """Mark where the drive is being read."""
        if reading != self._reading:
            self._reading = reading
            self._repaint()

    def set_borders(self, offsets: tuple[int, ...]) -> None:
        """Mark the cells that hold these bytes (beginnings of partitions)."""
        if offsets != self._borders:
            self._borders = offsets
            self._repaint()

    def select(self, selection: tuple[int, int] | None) -> None:
        """Select the bytes ``[start, end)``, or nothing."""
        self._anchor = None
        self._set_selection(selection)

    def mark(self, ranges: RangeSet | None) -> None:
        """Show these ranges as selected, besides the one that keys and mouse make."""
        self._mark({paint.SELECTED: ranges})

    def mark_campaign(self, killers: RangeSet | None, left_out: RangeSet | None) -> None:
        """Show where the drive was lost (X), and what a person wants left alone (o)."""
        self._mark({paint.KILLER: killers, paint.LEFT_OUT: left_out})

    def _mark(self, marks: Mapping[int, RangeSet | None]) -> None:
        marked = {**self._marked, **{flag: ranges for flag, ranges in marks.items() if ranges}}
        for flag, ranges in marks.items():
            if not ranges:
                marked.pop(flag, None)
        if marked == self._marked:
            return
        self._marked = marked
        for flag in marks:
            self._marked_cells.pop(flag, None)
        self._repaint()

    def move_to(self, offset: int) -> None:
        """Put the cursor on a byte and bring it on show."""
        offset = self._view.clamp(offset)
        self._look(self._view.showing(offset), offset)

    def reveal(self, offset: int) -> None:
        """Bring a byte on show without moving the cursor."""
        self._look(self._view.showing(offset), self._cursor)

    def zoom_to(self, start: int, end: int) -> None:
        """The closest view of all of ``[start, end)``, with the cursor on its first byte."""
        self._look(self._view.zoomed_to(start, end), start)

    # -- painting -------------------------------------------------------------------------------------------------

    def _look(self, view: View, cursor: int) -> None:
        """Another view or cursor, or both: paint once."""
        cursor = view.clamp(cursor)
        moved, changed = cursor != self._cursor, view != self._view
        self._view, self._cursor = view, cursor
        if changed:
            self._recount()
        if moved and self._anchor is not None:
            self._stretch()
        if moved or changed:
            self._repaint()
        if changed:
            self.post_message(self.ViewChanged(self, view))
        if moved:
            self.post_message(self.Moved(self, cursor))

    def _recount(self) -> None:
        """Ask the engine for the cells of this view."""
        view = self._view
        total = view.columns * view.rows
        if self._picture is None or not view.count:
            self._cells = np.full(total, paint.BLANK, np.uint16)
            return
        end = view.start + view.count * view.cell
        found = self._picture.cells(view.start, end, view.count, with_bytes=self._mostly)
        self._cells = paint.compose(found.worst, found.mixed, total, found.bytes, len(self.legend.solid))

    def _layers(self) -> paint.Codes:
        view, codes = self._view, self._cells.copy()
        for flag in self._marked:
            codes[self._cells_marked(flag) & ((codes & paint.STATUS) != paint.BLANK)] |= np.uint16(flag)
        if self._selection is not None:
            start, end = self._selection
            first = (start - view.start) // view.cell
            paint.overlaid(codes, first, -(-(end - view.start) // view.cell), paint.SELECTED)
        for offset in self._borders:
            self._flag(codes, offset, paint.BORDER)
        if self._reading is not None:
            direction = paint.BACKWARDS if self._reading.backwards else 0
            self._flag(codes, self._reading.offset, paint.POSITION | direction)
        self._flag(codes, self._cursor, paint.CURSOR)
        return codes

    def _cells_marked(self, flag: int) -> npt.NDArray[np.bool_]:
        """Which cells on show hold a part of the ranges with that flag."""
        view, known = self._view, self._marked_cells.get(flag)
        if known is None or known[0] != view:
            on_show = self._marked[flag].clip(view.start, max(view.start, view.end))
            found = paint.covered(on_show.starts - view.start, on_show.ends - view.start, view.cell, self._cells.size)
            known = self._marked_cells[flag] = view, found
        return known[1]

    def _flag(self, codes: paint.Codes, offset: int, flag: int) -> None:
        index = self._view.index(offset)
        if index is not None:
            paint.overlaid(codes, index, index + 1, flag)

    def _repaint(self) -> None:
        """Send what differs from the last painting, and nothing else."""
        codes = self._layers()
        old, self._painted = self._painted, codes
        if old.shape != codes.shape:
            self.refresh()
            return
        for change in paint.changes(old, codes, self._view.columns):
            self.refresh(Region(change.start, change.row, change.end - change.start, 1))

    def render_line(self, y: int) -> Strip:
        width, columns = self.size.width, self._view.columns
        codes = self._painted[y * columns : (y + 1) * columns]
        glyphs = self.legend.glyphs
        segments = [
            Segment(paint.glyph(run.code, glyphs) * (run.end - run.start), self._style(run.code))
            for run in paint.runs(codes)
        ]
        return Strip(segments, int(codes.size)).adjust_cell_length(width, self._style(paint.BLANK))

    def _style(self, code: int) -> Style:
        style = self._styles.get(code)
        if style is None:
            style = self._styles[code] = look(self, code, self.legend)
        return style

    def notify_style_update(self) -> None:
        """Another theme or focus: forget the styles."""
        self._styles.clear()
        super().notify_style_update()

    def watch_has_focus(self, _has_focus: bool) -> None:
        """It looks the same with and without focus: styles worked out anew would cost more than the key that opens a
        menu."""

    def on_focus(self) -> None:
        """Textual paints a widget whole when its focus comes or goes; here nothing changes."""
        self._as_before = True

    def on_blur(self) -> None:
        """As for focus."""
        self._as_before = True

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """As Textual's, but for the one that follows a change of focus."""
        if self._as_before and not regions and not layout and not recompose:
            self._as_before = False
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def on_resize(self, event: events.Resize) -> None:
        """Other columns and rows: a whole view stays whole."""
        width, height = self.size.width, self.size.height
        view = self._view.resized(width, height, self._cursor)
        if view != self._view:
            self._view = view
            self._recount()
            self._painted = self._layers()
            self.refresh()
            self.post_message(self.ViewChanged(self, view))

    # -- keys -----------------------------------------------------------------------------------------------------

    def _step(self, cells: int) -> None:
        self.move_to(self._view.stepped(self._cursor, cells))

    def action_left(self) -> None:
        self._step(-1)

    def action_right(self) -> None:
        self._step(1)

    def action_up(self) -> None:
        self._step(-self._view.columns)

    def action_down(self) -> None:
        self._step(self._view.columns)

    def action_page_up(self) -> None:
        self._step(-self._view.columns * max(1, self._view.rows - 1))

    def action_page_down(self) -> None:
        self._step(self._view.columns * max(1, self._view.rows - 1))

    def action_first(self) -> None:
        self.move_to(self._view.domain_start)

    def action_last(self) -> None:
        self.move_to(self._view.domain_end - 1)

    def action_zoom_in(self) -> None:
        """One step closer. In a mixed cell the cursor goes to the worst that is in it, so that zooming again and
        again leads to the bad sector."""
        closer = self._worst_in_cell()
        self._look(self._view.zoomed_in(closer), closer)

    def action_zoom_out(self) -> None:
        self._look(self._view.zoomed_out(self._cursor), self._cursor)

    def action_zoom_whole(self) -> None:
        self._look(self._view.fitted(), self._cursor)

    def action_zoom_sectors(self) -> None:
        closer = self._worst_in_cell()
        self._look(self._view.sectors(closer), closer)

    def action_zoom_block(self) -> None:
        """Fit the block under the cursor."""
        block = None if self._picture is None else self._picture.block_at(self._worst_in_cell())
        if block is not None:
            self.zoom_to(*block)

    @property
    def mostly(self) -> bool:
        """Whether mixed cells are filled with the colour of what most of them is."""
        return self._mostly

    def action_mostly(self) -> None:
        """The other view of mixed cells."""
        self._mostly = not self._mostly
        self._recount()
        self._repaint()

    def action_next(self) -> None:
        self._seek(forwards=True)

    def action_previous(self) -> None:
        self._seek(forwards=False)

    def _worst_in_cell(self) -> int:
        """The first byte of the worst status inside the cell under the cursor; the cursor where all is alike."""
        index = self._view.index(self._cursor)
        if self._picture is None or index is None or not self._cells[index] & paint.MIXED:
            return self._cursor
        return self._picture.worst_at(*self.cursor_cell)

    def _seek(self, *, forwards: bool) -> None:
        found = None if self._picture is None else self._picture.seek(self._cursor, self.seek, forwards=forwards)
        if found is None:
            self.post_message(self.NotFound(self, forwards))
        else:
            self.move_to(found)

    # -- selection and mouse --------------------------------------------------------------------------------------

    def start_selection(self) -> None:
        """From now on the selection goes from here to the cursor."""
        self._anchor = self._cursor
        self._stretch()
        self._repaint()

    def end_selection(self) -> None:
        """The selection stays as it is while the cursor moves."""
        self._anchor = None

    @property
    def selecting(self) -> bool:
        """Whether the selection follows the cursor."""
        return self._anchor is not None

    def _stretch(self) -> None:
        assert self._anchor is not None
        view = self._view
        low, high = sorted((self._anchor, self._cursor))
        end = min(view.domain_end, view.cell_start(high) + view.cell)
        self._note_selection((view.cell_start(low), end))

    def _set_selection(self, selection: tuple[int, int] | None) -> None:
        if self._note_selection(selection):
            self._repaint()

    def _note_selection(self, selection: tuple[int, int] | None) -> bool:
        if selection == self._selection:
            return False
        self._selection = selection
        self.post_message(self.Marked(self, selection))
        return True

    def _under_mouse(self, event: events.MouseEvent) -> int | None:
        """The first byte of the cell under the pointer. Mouse events come from the panes: count from the screen."""
        place = Offset(event.screen_x, event.screen_y) - self.content_region.offset
        if not (0 <= place.x < self._view.columns and 0 <= place.y < self._view.rows):
            return None
        index = place.y * self._view.columns + place.x
        return self._view.bounds(index)[0] if index < self._view.count else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A press puts the cursor there; dragging from it selects."""
        offset = self._under_mouse(event)
        if offset is not None and event.button == 1:
            self.move_to(offset)
            self.capture_mouse()
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Dragging stretches a selection from where the button went down."""
        if self.app.mouse_captured is not self:
            return
        offset = self._under_mouse(event)
        if offset is None or offset == self._view.cell_start(self._cursor):
            return
        if self._anchor is None:
            self._anchor = self._cursor
        self.move_to(offset)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self.app.mouse_captured is self:
            self.release_mouse()
            self._anchor = None

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        if event.ctrl:
            self.action_zoom_out()
        else:
            self.action_down()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        if event.ctrl:
            self.action_zoom_in()
        else:
            self.action_up()
