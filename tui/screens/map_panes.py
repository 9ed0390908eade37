"""The panes of the map editor, kept in step: block map, list of blocks, scale, rows of words. Nothing is edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget

from engine.errors import RescueError, UsageError
from engine.mapedit import preview_run
from engine.mapedit.selection import toggle
from engine.mapfile.nextrun import NextRun
from engine.ranges import RangeSet
from engine.text import parse_size
from tui import background
from tui.case_view import MapTotals, totals_cells
from tui.editor import words
from tui.editor.editing import Editing
from tui.editor.index import Filter
from tui.editor.input import parse_statuses
from tui.screens.base import DeckScreen
from tui.widgets.block_list import BlockList
from tui.widgets.block_map import BlockMap, Reading
from tui.widgets.cell_line import cell_text, size_text
from tui.widgets.facts import Facts
from tui.widgets.figures import Figure
from tui.widgets.map_scale import MapScale
from tui.widgets.prompt_row import Complete

_FOLLOW_LIST_S, _FOLLOW_SLOW_S = 0.6, 2.0
"""How long the cursor rests before the list is sent anew (3 kB) because its block is not on show; on a slow line."""

_SMALL, _FORECAST_S = 20_000, 0.2
"""Up to so many blocks the next run is forecast at once (2 ms); with more in the background, after a rest."""


class MapPanesScreen(DeckScreen):
    """What the editor shows. A subclass opens the map and sets ``_editing``."""

    AUTO_FOCUS = "BlockMap"

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self._editing: Editing | None = None
        self.block_map = BlockMap(id="editor-map")
        self.block_list = BlockList(id="editor-blocks")
        self._scale = MapScale(id="editor-scale")
        self._totals = Facts(label_width=0, id="editor-totals")
        self._line = Figure(indent=1, id="editor-line")
        self._state = Figure(right=True, id="editor-state")
        self._list_head = Figure(indent=1, id="editor-list-head")
        self._cell = Figure(indent=1, id="editor-cell")
        self._selected = Figure(indent=1, id="editor-selected")
        self._next = Figure(indent=1, id="editor-next")
        self._later: Timer | None = None
        self._forecast_later: Timer | None = None
        self._run: NextRun | None = None
        self._runs: background.Latest[NextRun] = background.Latest()

    def body(self) -> Iterable[Widget]:
        """Totals and status line, map and list, what is under the cursor, selected, and read next."""
        yield self._totals
        yield Horizontal(self._line, self._state, id="editor-top")
        yield self._scale
        blocks = Vertical(self._list_head, self.block_list, id="editor-list")
        yield Horizontal(self.block_map, blocks, id="editor-panes")
        yield self._cell
        yield self._selected
        yield self._next

    @property
    def opened(self) -> bool:
        """Whether the map has been read."""
        return self._editing is not None

    @property
    def editing(self) -> Editing:
        """The open map. Raises ``UsageError`` before it is read."""
        if self._editing is None:
            raise UsageError("the map is still being read")
        return self._editing

    # -- showing --------------------------------------------------------------------------------------------------

    def show_map(self) -> None:
        """After an edit, or with another state of the file."""
        editing = self.editing
        map_, totals = editing.map, editing.map.totals()
        domain = None if map_.open_ended else totals.finished + totals.unfinished
        self._totals.show([("", totals_cells(MapTotals(totals.bytes, totals.areas, domain)))])
        self._line.show(words.line_words(map_))
        self.block_map.show(map_, domain=editing.domain, sector=editing.sector)
        held = editing.reason("map-held") is not None
        backwards = map_.phase == "?" and map_.current_pass % 2 == 0
        self.block_map.set_reading(Reading(map_.position, backwards) if held else None)
        self._scale.show(map_, self.block_map.view)
        if self._list_shown:
            self.block_list.show(map_, position=self.block_map.cursor, sector=editing.sector)
        self._show_list_head()
        self._show_cell()
        self._show_selection()
        self._show_state()
        self._forecast()

    def _forecast(self) -> None:
        """What the next run reads, of the map as it is now."""
        if self._forecast_later is not None:
            self._forecast_later.stop()
            self._forecast_later = None
        map_, size = self.editing.map, self.editing.document.size
        if len(map_) <= _SMALL:
            self._show_run(preview_run(map_, None, size))
            return

        def shown(run: NextRun) -> None:
            if self.editing.map is map_:
                self._show_run(run)

        def start() -> None:
            self._runs.start(self, lambda: preview_run(map_, None, size), shown)

        self._forecast_later = self.set_timer(_FORECAST_S, start)

    def _show_run(self, run: NextRun) -> None:
        self._run = run
        self._next.show(*words.next_run_words(run, self._row_width))

    @property
    def _row_width(self) -> int:
        return max(10, self.size.width - 2)

    def on_resize(self) -> None:
        """Words that fit the new width."""
        if self._editing is not None:
            self._show_cell()
            self._show_selection()
            if self._run is not None:
                self._show_run(self._run)

    def _show_state(self) -> None:
        state = self.editing.state()
        self._state.show(state.text, state.style)

    def _show_cell(self) -> None:
        view = self.block_map.view
        self._cell.show(cell_text(self.block_map.map, view, self.block_map.cursor, self._row_width))

    def _show_selection(self) -> None:
        editing = self.editing
        text = words.selection_words(editing.map, editing.selection, editing.sector, self._row_width)
        self._selected.show(text or "nothing selected: v range, m more; s sets the block under the cursor",
                            "" if text else "-muted")  # fmt: skip

    def _show_list_head(self) -> None:
        wanted, count = self.block_list.wanted, self.block_list.count
        least = f" >= {size_text(wanted.least, self.editing.sector)}" if wanted.least else ""
        head = f"{count} blocks {wanted.statuses}{least}, {wanted.order}"
        keys = "  (t types, i size, o order, Space selects)"
        room = self._list_head.size.width - 2
        self._list_head.show(head + keys if len(head) + len(keys) <= room else head)

    # -- map and list in step -------------------------------------------------------------------------------------

    @property
    def _list_shown(self) -> bool:
        return self.block_list.is_on_screen or self.has_class("-listing") or not self.has_class("-narrow")

    def on_block_map_moved(self) -> None:
        """Another cell under the cursor."""
        self._show_cell()
        if self._editing is not None and self._list_shown:
            self._follow_list()

    def _follow_list(self) -> None:
        """Step with the map; when that sends the whole list, only once the cursor rests."""
        if self._later is not None:
            self._later.stop()
            self._later = None
        if self.block_list.in_view(self.block_map.cursor):
            self.block_list.follow(self.block_map.cursor)
        else:
            rest = _FOLLOW_SLOW_S if self.deck.options.link == "slow" else _FOLLOW_LIST_S
            self._later = self.set_timer(rest, lambda: self.block_list.follow(self.block_map.cursor) and None)

    def on_block_list_moved(self, message: BlockList.Moved) -> None:
        """The list leads."""
        self.block_map.move_to(message.block.start)

    def on_block_list_filtered(self) -> None:
        """Another filter."""
        self._show_list_head()

    def on_block_map_view_changed(self) -> None:
        """Zoomed or scrolled."""
        self._scale.show(self.block_map.map, self.block_map.view)
        self._show_cell()

    def on_block_map_not_found(self, message: BlockMap.NotFound) -> None:
        """Nothing more of what is looked for."""
        where = "behind" if message.forwards else "before"
        self.say(f"nothing of status {self.block_map.seek} {where} the cursor")

    def on_block_map_marked(self, message: BlockMap.Marked) -> None:
        """A range made by keys or mouse."""
        if self._editing is not None and message.selection is not None:
            self.select(RangeSet.of(*message.selection), from_map=True)

    def select(self, ranges: RangeSet, *, from_map: bool = False) -> None:
        """Select these ranges."""
        self.editing.select(ranges)
        if not from_map:
            self.block_map.select(None)
        self.block_map.mark(None if from_map else self.editing.selection)
        self.block_list.mark(self.editing.selection)
        self._show_selection()
        self.refresh_bindings()

    def on_block_list_asked(self, message: BlockList.Asked) -> None:
        """What the list cannot do by itself."""
        block, wanted = message.list.chosen, message.list.wanted
        cursor = self.block_map.cursor
        if message.what == "types":
            self.read("list only (+?*/-, gaps, failed, all):",
                      lambda text: self.block_list.filter(Filter(parse_statuses(text), wanted.least, wanted.order),
                                                          cursor), value=wanted.statuses)  # fmt: skip
        elif message.what == "least":
            self.read("list only blocks of at least:", self._filter_least, value=str(wanted.least))
        elif block is not None and message.what == "zoom":
            self.block_map.zoom_to(block.start, block.end)
            if self.has_class("-narrow"):
                self.action_blocks()
        elif block is not None:
            self.select(toggle(self.editing.selection, RangeSet.of(block.start, block.end)))

    def _filter_least(self, text: str) -> None:
        wanted = self.block_list.wanted
        self.block_list.filter(Filter(wanted.statuses, parse_size(text or "0"), wanted.order), self.block_map.cursor)

    # -- asking ---------------------------------------------------------------------------------------------------

    def read(
        self, prompt: str, take: Callable[[str], None], *, value: str = "", complete: Complete | None = None
    ) -> None:
        """Read a line; what is wrong with it is said."""

        def taken(text: str) -> None:
            try:
                take(text)
            except RescueError as error:
                self.tell_error(error)

        self.prompt.read(prompt, taken, value=value, complete=complete)

    def action_range(self) -> None:
        """Begin or end a selection that follows the cursor."""
        if self.block_map.selecting:
            self.block_map.end_selection()
            self.say("")
        else:
            self.block_map.start_selection()
            self.say("the selection follows the cursor until v")

    def action_blocks(self) -> None:
        """The list: in the map's place where it is narrow, else to it and back."""
        if self.has_class("-narrow"):
            self.toggle_class("-listing")
            if self.has_class("-listing"):
                self.block_list.show(self.editing.map, position=self.block_map.cursor, sector=self.editing.sector)
                self._show_list_head()
                self.block_list.focus()
            else:
                self.block_map.focus()
        else:
            (self.block_map if self.block_list.has_focus else self.block_list).focus()
