"""The block map: which bytes stand in which cell, what is repainted, zoom and cursor, a million blocks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult

from engine.mapfile.model import Mapfile
from tests.tui.deck import WidgetApp
from tui.widgets import map_paint as paint
from tui.widgets.block_map import BlockMap, Reading
from tui.widgets.cell_line import cell_text, mix
from tui.widgets.map_scale import MapScale, offset_text, window
from tui.widgets.map_view import View, fit_cell, levels

SECTOR = 512
TB = 1 << 40


# -- views ------------------------------------------------------------------------------------------------------------

sizes = st.integers(1, 1 << 44)
shapes = st.tuples(st.integers(1, 200), st.integers(1, 60))


@given(sizes, shapes)
def test_a_whole_view_covers_the_domain_with_whole_sectors(size: int, shape: tuple[int, int]) -> None:
    view = View.fit(0, size, SECTOR, *shape)
    assert view.cell % SECTOR == 0
    assert view.whole
    assert view.end == size
    assert view.count * view.cell >= size > (view.count - 1) * view.cell


@given(sizes, shapes, st.data())
def test_every_byte_has_one_cell_and_its_bounds_hold_it(size: int, shape: tuple[int, int], data: st.DataObject) -> None:
    view = View.fit(0, size, SECTOR, *shape)
    for _ in range(data.draw(st.integers(0, 6))):
        view = view.zoomed_in(data.draw(st.integers(0, size - 1)))
    offset = data.draw(st.integers(0, size - 1))
    shown = view.showing(offset)
    index = shown.index(offset)
    assert index is not None
    start, end = shown.bounds(index)
    assert start <= offset < end <= size
    assert shown.cell_start(offset) == start
    assert shown.cell == view.cell


@given(sizes, shapes, st.data())
def test_zooming_in_keeps_the_byte_on_show_and_ends_at_sectors(
    size: int, shape: tuple[int, int], data: st.DataObject
) -> None:
    view = View.fit(0, size, SECTOR, *shape)
    offset = data.draw(st.integers(0, size - 1))
    steps = [view.cell]
    while (closer := view.zoomed_in(offset)) != view:
        assert closer.index(offset) is not None
        assert closer.cell < view.cell
        view = closer
        steps.append(view.cell)
    assert view.cell == SECTOR
    assert tuple(steps) == levels(size, shape[0] * shape[1], SECTOR)
    back = view
    for _ in steps:
        back = back.zoomed_out(offset)
    assert back == View.fit(0, size, SECTOR, *shape)


def test_a_terabyte_is_a_dozen_steps_away_from_its_sectors() -> None:
    assert len(levels(TB, 80 * 9, SECTOR)) <= 12


def test_zooming_keeps_the_row_of_the_cursor() -> None:
    view = View.fit(0, TB, SECTOR, 80, 9)
    offset = TB // 3
    row = (view.index(offset) or 0) // 80
    for _ in range(8):
        view = view.zoomed_in(offset)
        assert (view.index(offset) or 0) // 80 == row


def test_zooming_to_a_range_shows_all_of_it_as_close_as_possible() -> None:
    view = View.fit(0, TB, SECTOR, 80, 9)
    start, end = 123 << 20, (123 << 20) + 80 * 1024 * 1024
    near = view.zoomed_to(start, end)
    assert near.index(start) is not None
    assert near.index(end - 1) is not None
    closest = near.zoomed_in(start)
    assert closest.count * closest.cell < end - start + 2 * 80 * closest.cell


def test_scrolling_moves_by_half_a_view_and_keeps_columns() -> None:
    view = View.fit(0, TB, SECTOR, 80, 10).sectors(TB // 2)
    below = view.showing(view.end)
    assert below.index(view.end) is not None
    assert (view.end - below.start) // (80 * SECTOR) < 8
    assert (below.start - view.start) % (80 * SECTOR) == 0
    assert view.showing(view.start) is view


def test_a_resized_whole_view_stays_whole_and_a_close_one_keeps_zoom_and_cursor() -> None:
    whole = View.fit(0, TB, SECTOR, 80, 9)
    assert whole.resized(120, 20, 0) == View.fit(0, TB, SECTOR, 120, 20)
    near = whole.zoomed_in(TB // 2).zoomed_in(TB // 2)
    other = near.resized(120, 20, TB // 2)
    assert other.cell == near.cell
    assert other.index(TB // 2) is not None


def test_a_domain_that_grows_keeps_place_and_zoom() -> None:
    near = View.fit(0, TB, SECTOR, 80, 9).sectors(5 << 30)
    grown = near.over(0, 2 * TB, SECTOR)
    assert (grown.cell, grown.start) == (near.cell, near.start)
    assert View.fit(0, TB, SECTOR, 80, 9).over(0, 2 * TB, SECTOR).whole


def test_steps_stop_at_the_border_in_the_same_column() -> None:
    view = View.fit(0, 1000 * SECTOR, SECTOR, 10, 10).sectors(0)
    assert view.stepped(0, -1) == 0
    assert view.stepped(3 * SECTOR + 7, 1) == 4 * SECTOR
    assert view.stepped(3 * SECTOR, -10) == 3 * SECTOR
    assert view.stepped(985 * SECTOR, 90) == 995 * SECTOR
    assert view.stepped(25 * SECTOR, -90) == 5 * SECTOR


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513])
def test_tiny_domains_have_cells(size: int) -> None:
    view = View.fit(0, size, SECTOR, 80, 9)
    assert view.count == (1 if size > 0 else 0) + (1 if size > 512 else 0)
    assert view.zoomed_in(0).showing(0).resized(3, 3, 0).count == view.count
    assert fit_cell(size, 720, SECTOR) == SECTOR


def test_a_view_may_begin_above_zero_and_end_inside_a_sector() -> None:
    view = View.fit(1 << 20, (1 << 20) + 1000, SECTOR, 80, 9)
    assert view.count == 2
    assert view.bounds(1) == ((1 << 20) + 512, (1 << 20) + 1000)
    assert view.index(0) is None
    assert view.clamp(0) == 1 << 20


# -- painting ---------------------------------------------------------------------------------------------------------


def test_only_columns_that_differ_are_changes() -> None:
    old = np.zeros(80 * 3, np.uint16)
    new = old.copy()
    new[80 + 5] = 4
    new[80 + 9] = 2
    assert paint.changes(old, new, 80) == [paint.Change(1, 5, 10)]
    assert paint.changes(old, old.copy(), 80) == []


@given(st.lists(st.integers(0, 0x1FF), max_size=200))
def test_runs_join_equal_neighbours_and_lose_nothing(codes: list[int]) -> None:
    found = list(paint.runs(np.array(codes, np.uint16)))
    assert [code for run in found for code in [run.code] * (run.end - run.start)] == codes
    assert all(one.code != two.code and one.end == two.start for one, two in zip(found, found[1:], strict=False))


def test_composing_says_worst_mixed_and_blank() -> None:
    codes = paint.compose(np.array([0, 4, 1, 255], np.uint8), np.array([False, True, False, False]), 6)
    assert [paint.glyph(int(code)) for code in codes] == ["+", "-", "?", " ", " ", " "]
    assert [bool(code & paint.MIXED) for code in codes] == [False, True, False, False, False, False]


def test_overlays_leave_what_is_behind_the_end_alone() -> None:
    codes = paint.compose(np.array([0, 1], np.uint8), np.array([False, False]), 4)
    paint.overlaid(codes, -3, 9, paint.SELECTED)
    assert [bool(code & paint.SELECTED) for code in codes] == [True, True, False, False]


# -- the rows above and below -----------------------------------------------------------------------------------------


def test_the_window_of_the_overview_is_never_empty_and_inside() -> None:
    view = View.fit(0, TB, SECTOR, 80, 9)
    assert window(view, 40) == (0, 40)
    for at in (0, TB // 2, TB - 1):
        first, end = window(view.sectors(at), 40)
        assert 0 <= first < end <= 40
    assert window(view.sectors(TB - 1), 40) == (39, 40)


def test_offsets_have_the_precision_that_the_view_needs() -> None:
    assert offset_text(0, 512) == "0 B"
    assert offset_text(5 << 30, 1 << 30) == "5.0 GiB"
    assert offset_text((5 << 30) + 512, 80 * 512) == "0x140000200"


def test_the_mix_of_a_cell_is_exact() -> None:
    map_ = Mapfile.from_blocks([(0, 1000, "+"), (1000, 24, "-"), (1024, 1 << 20, "?")])
    assert mix(map_, 0, 2048) == (1000, 1024, 0, 0, 24)
    assert sum(mix(map_, 512, 1536)) == 1024


def test_the_cell_row_names_the_worst_first_and_fits() -> None:
    map_ = Mapfile.from_blocks([(0, 1 << 20, "+"), (1 << 20, 1024, "-"), ((1 << 20) + 1024, 1 << 30, "?")])
    view = View.fit(0, map_.end, SECTOR, 8, 2)
    text = cell_text(map_, view, 0, 79)
    assert text.index("- 2 sectors") < text.index("?") < text.index("+ 1.0 MiB")
    assert len(cell_text(map_, view, 0, 30)) == 30
    alone = cell_text(map_, view, (1 << 20) + (1 << 29), 120)
    assert "non-tried" in alone
    assert "block 0x00100400" in alone


# -- the widget -------------------------------------------------------------------------------------------------------


class MapApp(WidgetApp):
    def __init__(self) -> None:
        super().__init__()
        self.map = BlockMap()
        self.scale = MapScale()
        self.messages: list[object] = []

    def body(self) -> ComposeResult:
        yield self.scale
        yield self.map

    def on_block_map_moved(self, message: BlockMap.Moved) -> None:
        self.messages.append(message)

    def on_block_map_view_changed(self, message: BlockMap.ViewChanged) -> None:
        self.scale.show(self.map.map, message.view)
        self.messages.append(message)

    def on_block_map_marked(self, message: BlockMap.Marked) -> None:
        self.messages.append(message)

    def on_block_map_not_found(self, message: BlockMap.NotFound) -> None:
        self.messages.append(message)


def drive(check: Callable[[MapApp], Awaitable[None]], size: tuple[int, int] = (80, 12)) -> None:
    async def go() -> None:
        app = MapApp()
        async with app.run_test(size=size) as pilot:
            app.pilot = pilot
            await pilot.pause()
            app.map.focus()
            await check(app)

    asyncio.run(go())


def shown(app: MapApp) -> list[str]:
    return app.lines()[1:]


def bad_disk() -> Mapfile:
    """880 cells of 1 MiB at 80 x 11; one bad sector at 300 MiB + 17 sectors."""
    bad = (300 << 20) + 17 * 512
    return Mapfile.from_blocks([(0, bad, "+"), (bad, 512, "-"), (bad + 512, (600 << 20) - bad - 512, "+"),
                                (600 << 20, 280 << 20, "?")])  # fmt: skip


def test_the_map_is_drawn_by_letters() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        await app.pilot.pause()
        rows = shown(app)
        assert [row.count("+") for row in rows[:3]] == [80, 80, 80]
        assert rows[3] == "+" * 60 + "-" + "+" * 19
        assert rows[7] == "+" * 40 + "?" * 40
        assert rows[10] == "?" * 80

    drive(check)


def test_zooming_in_again_and_again_leads_to_the_bad_sector() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        await app.pilot.press("n")
        assert app.map.cursor == (300 << 20) + 17 * 512
        await app.pilot.press("left", "right")  # the cursor is now at the beginning of the mixed cell
        assert app.map.cursor == 300 << 20
        await app.pilot.press(*["plus"] * 7)
        assert app.map.view.cell == 512
        assert app.map.cursor == (300 << 20) + 17 * 512
        rows = shown(app)
        assert sum(row.count("-") for row in rows) == 1
        await app.pilot.press("0")
        assert app.map.view.whole
        assert shown(app)[3][60] == "-"

    drive(check)


def test_moving_the_cursor_repaints_two_cells() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        await app.pilot.pause()
        asked: list[tuple[int, int, int]] = []
        app.map.refresh = lambda *regions, **_: asked.extend((r.x, r.y, r.width) for r in regions)  # type: ignore
        await app.pilot.press("down")
        assert sorted(asked) == [(0, 0, 1), (0, 1, 1)]
        asked.clear()
        app.map.show(bad_disk().set_range(600 << 20, 601 << 20, "+"))
        await app.pilot.pause()
        assert asked == [(40, 7, 1)]
        asked.clear()
        app.map.show(bad_disk().set_range(600 << 20, 601 << 20, "+"))
        await app.pilot.pause()
        assert asked == []

    drive(check)


def test_next_and_previous_find_what_is_not_rescued_and_say_when_there_is_none() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        await app.pilot.press("n", "n")
        assert app.map.cursor == 600 << 20
        await app.pilot.press("n")
        assert isinstance(app.messages[-1], BlockMap.NotFound)
        await app.pilot.press("N")
        assert app.map.cursor == (300 << 20) + 17 * 512

    drive(check)


def test_the_reading_place_is_marked_with_its_direction() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        app.map.set_reading(Reading(601 << 20))
        await app.pilot.pause()
        assert shown(app)[7][41] == ">"
        app.map.set_reading(Reading(601 << 20, backwards=True))
        await app.pilot.pause()
        assert shown(app)[7][41] == "<"
        app.map.set_reading(None)
        await app.pilot.pause()
        assert shown(app)[7][41] == "?"

    drive(check)


def test_a_selection_follows_the_cursor_and_covers_whole_cells() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        await app.pilot.press("right")
        app.map.start_selection()
        await app.pilot.press("right", "right")
        assert app.map.selection == (1 << 20, 4 << 20)
        app.map.end_selection()
        await app.pilot.press("down")
        assert app.map.selection == (1 << 20, 4 << 20)
        app.map.select(None)
        await app.pilot.pause()
        assert isinstance(app.messages[-1], BlockMap.Marked)
        assert app.map.selection is None

    drive(check)


def test_the_mouse_sets_the_cursor_and_dragging_selects() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        await app.pilot.pause()
        await app.pilot.click(app.map, offset=(60, 3))
        assert app.map.cursor == 300 << 20
        await app.pilot.mouse_down(app.map, offset=(2, 0))
        await app.pilot.hover(app.map, offset=(2, 1))
        await app.pilot.mouse_up(app.map, offset=(2, 1))
        assert app.map.selection == (2 << 20, 83 << 20)

    drive(check)


def test_resizing_keeps_a_whole_view_whole() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        await app.pilot.resize_terminal(120, 30)
        await app.pilot.pause()
        assert (app.map.view.columns, app.map.view.rows) == (120, 29)
        assert app.map.view.whole
        text = "".join(shown(app)).rstrip()
        assert text.count("-") == 1
        assert len(text) == app.map.view.count

    drive(check)


def test_the_scale_is_plain_for_the_whole_and_brackets_a_part() -> None:
    async def check(app: MapApp) -> None:
        app.map.show(bad_disk())
        await app.pilot.pause()
        assert app.lines()[0].startswith("0 B |---")
        assert app.lines()[0].rstrip().endswith("cell 1.0 MiB")
        assert "880.0 MiB" in app.lines()[0]
        await app.pilot.press("n", "plus", "plus", "plus")
        line = app.lines()[0]
        assert "[" in line
        assert "]" in line
        assert "?" in line
        assert line.rstrip().endswith("cell 32.0 KiB")

    drive(check)


def test_no_map_and_an_empty_map_are_shown_as_nothing() -> None:
    async def check(app: MapApp) -> None:
        await app.pilot.press("plus", "n", "right", "z", "end", "0")
        app.map.show(Mapfile.new(0, 0))
        await app.pilot.press("plus", "n", "right", "z", "end", "0")
        assert "".join(shown(app)).strip() == ""

    drive(check)


def test_a_million_blocks_answer_all_keys() -> None:
    """Correctness at size; the milliseconds are measured by the benchmark."""
    rng = random.Random(5)
    blocks, at = [], 0
    for number in range(1_000_000):
        size = rng.choice((512, 1024, 4096, 65536))
        blocks.append((at, size, "+-?*/"[number % 5]))
        at += size
    map_ = Mapfile.from_blocks(blocks)

    async def check(app: MapApp) -> None:
        app.map.show(map_)
        await app.pilot.press("down", "plus", "plus", "n", "1", "pagedown", "minus", "0", "end", "N")
        index = map_.index_at(app.map.cursor)
        assert index is not None
        assert map_.block(index).status != "+"
        assert app.map.cursor > map_.end - (1 << 20)

    drive(check)
