"""The block list: which rows it has, what a step repaints, a million blocks."""

from __future__ import annotations

import asyncio
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.geometry import Region

from engine.mapfile.model import Mapfile
from engine.mapfile.status import CHARS
from engine.ranges import RangeSet
from tests.tui.deck import WidgetApp
from tui.editor.index import BlockIndex, Filter, Order
from tui.widgets import map_paint as paint
from tui.widgets.block_list import BlockList

SECTOR = 512


@st.composite
def maps(draw: st.DrawFn) -> Mapfile:
    pieces = draw(st.lists(st.tuples(st.integers(1, 40), st.sampled_from(CHARS)), min_size=1, max_size=30))
    start, blocks = 0, []
    for sectors, status in pieces:
        blocks.append((start, sectors * SECTOR, status))
        start += sectors * SECTOR
    return Mapfile.from_blocks(blocks)


filters = st.builds(
    Filter, st.text(CHARS, min_size=1, max_size=5), st.integers(0, 30).map(lambda n: n * SECTOR), st.sampled_from(Order)
)


@given(maps(), filters)
def test_rows_are_the_blocks_that_were_asked_for_in_their_order(map_: Mapfile, wanted: Filter) -> None:
    index = BlockIndex(map_, wanted)
    found = [index.block(row) for row in range(len(index))]
    expected = [block for block in map_ if block.status in wanted.statuses and block.size >= wanted.least]
    if wanted.order is Order.LARGEST:
        expected.sort(key=lambda block: -block.size)
    elif wanted.order is Order.SMALLEST:
        expected.sort(key=lambda block: block.size)
    assert found == expected
    for row, block in enumerate(found):
        for position in (block.start, block.end - 1):
            assert index.row_at(position) == row
            assert index.listed(position)


@given(maps(), st.integers(0, 30))
def test_a_block_that_is_left_out_leads_to_the_one_before(map_: Mapfile, least: int) -> None:
    index = BlockIndex(map_, Filter(least=least * SECTOR))
    for number, block in enumerate(map_):
        if index.listed(block.start):
            continue
        row = index.row_at(block.start)
        before = [one for one in map_ if one.size >= least * SECTOR and one.start < block.start]
        if not len(index):
            assert row is None
        else:
            assert row == max(0, len(before) - 1), number


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), max_size=12), st.integers(1, 9), st.integers(1, 80))
def test_marked_cells_are_those_that_hold_a_byte_of_the_ranges(
    pairs: list[tuple[int, int]], cell: int, count: int
) -> None:
    ranges = RangeSet([(start, start + size) for start, size in pairs])
    found = paint.covered(ranges.starts, ranges.ends, cell, count)
    assert found.tolist() == [ranges.overlaps(n * cell, (n + 1) * cell) for n in range(count)]


class ListApp(WidgetApp):
    def __init__(self, map_: Mapfile) -> None:
        super().__init__()
        self.map = map_
        self.list = BlockList()
        self.moves: list[int] = []

    def body(self) -> ComposeResult:
        yield self.list

    def on_mount(self) -> None:
        self.list.show(self.map, position=0)
        self.list.focus()

    def on_block_list_moved(self, message: BlockList.Moved) -> None:
        self.moves.append(message.block.start)


def big_map(count: int) -> Mapfile:
    rng = np.random.default_rng(5)
    bounds = np.concatenate(([0], np.cumsum(rng.integers(1, 200, count) * SECTOR)))
    codes = np.tile(np.array([0, 4, 0, 1, 2], np.uint8), count // 5 + 1)[:count]
    return Mapfile(bounds.astype(np.int64), codes)


@pytest.mark.parametrize("count", [1000, 1_000_000])
def test_a_step_repaints_two_rows_and_a_jump_brings_the_row_on_show(count: int) -> None:
    async def test() -> None:
        app = ListApp(big_map(count))
        async with app.run_test(size=(48, 20)) as pilot:
            await pilot.pause()
            rows = app.lines()
            assert rows[0].startswith("> 0x0000000000")
            assert "+ finished" in rows[0]
            assert "- bad sector" in rows[1]
            sent: list[Region] = []
            refresh = BlockList.refresh
            app.list.refresh = lambda *regions, **more: (sent.extend(regions), refresh(app.list, *regions, **more))[1]  # type: ignore[method-assign,assignment]
            await pilot.press("down")
            assert [(region.y, region.height) for region in sent] == [(0, 1), (1, 1)]
            assert app.moves == [app.map.block(1).start]
            await pilot.press("G")
            assert app.list.chosen == app.map.block(count - 1)
            assert app.lines()[19].startswith("> 0x")
            sent.clear()
            before = app.list.chosen
            assert app.list.follow(app.map.block(count - 3).start + 1)
            assert len(sent) == 2
            assert app.moves[-1] == before.start, "following says nothing"  # type: ignore[union-attr]
            app.list.filter(Filter("-", 0, Order.LARGEST), app.map.block(1).start)
            await pilot.press("g")
            chosen = app.list.chosen
            assert chosen is not None
            bad = np.diff(app.map.bounds)[app.map.codes == 4]
            assert (chosen.status, chosen.size, app.list.count) == ("-", int(bad.max()), bad.size)
            app.list.filter(Filter(least=1 << 40), 0)
            await pilot.pause()
            assert (app.list.count, app.list.chosen) == (0, None)
            assert "no such block" in app.lines()[0]
            await pilot.press("down", "G", "pagedown")

    asyncio.run(test())


def test_a_selection_repaints_only_rows_it_touches() -> None:
    async def test() -> None:
        map_ = big_map(200)
        app = ListApp(map_)
        async with app.run_test(size=(48, 20)) as pilot:
            await pilot.pause()
            sent: list[Region] = []
            refresh = BlockList.refresh
            app.list.refresh = lambda *regions, **more: (sent.extend(regions), refresh(app.list, *regions, **more))[1]  # type: ignore[method-assign,assignment]
            second, fourth = map_.block(2), map_.block(4)
            app.list.mark(RangeSet([(second.start, second.end), (fourth.start + 100, fourth.end)]))
            await pilot.pause()
            assert [region.y for region in sent] == [2, 4]
            assert [line[1] for line in app.lines()[:6]] == [" ", " ", "|", " ", "|", " "]
            app.list.mark(None)
            await pilot.pause()
            assert not any(line[1] == "|" for line in app.lines())

    asyncio.run(test())


def test_the_list_moves_by_half_its_height() -> None:
    async def test() -> None:
        app = ListApp(big_map(300))
        async with app.run_test(size=(48, 20)) as pilot:
            await pilot.pause()
            whole = 0
            refresh = BlockList.refresh

            def counting(*regions: Region, **more: bool) -> BlockList:
                nonlocal whole
                whole += not regions
                return refresh(app.list, *regions, **more)

            app.list.refresh = counting  # type: ignore[method-assign,assignment]
            for row in range(100):
                app.list.follow(app.map.block(row).start)
            assert whole <= 10
            rng = random.Random(1)
            for _ in range(50):
                app.list.follow(app.map.block(rng.randrange(300)).start)
                await pilot.pause(0)
                assert sum(line.startswith(">") for line in app.lines()) == 1

    asyncio.run(test())
