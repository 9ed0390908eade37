"""Cells against brute force: every byte of a small map, folded by hand."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.mapfile.cells import (
    Area,
    cell_edges,
    cells,
    first_area,
    largest_area,
    last_area,
    next_block,
    previous_block,
)
from engine.mapfile.model import Mapfile
from engine.mapfile.render import drawn_window, render_rows
from engine.mapfile.status import CHARS, MAX_POSITION, NO_CODE
from tests.engine.mapfile.helpers import random_map


@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 80), st.integers(1, 40))
def test_cells_are_what_their_bytes_are(seed, start, size, count):
    map_ = random_map(random.Random(seed), blocks=8, most=9, start=seed % 12)
    found = cells(map_, start, start + size, count, with_bytes=True)
    assert len(found) == min(count, size)
    edges = found.edges.tolist()
    assert (edges[0], edges[-1]) == (start, start + size)
    assert all(one < two for one, two in zip(edges, edges[1:], strict=False))
    assert max(np.diff(found.edges)) - min(np.diff(found.edges)) <= 1
    for index in range(len(found)):
        here = [map_.status_at(at) for at in range(edges[index], edges[index + 1])]
        codes = {CHARS.index(char) for char in here if char}
        assert found.flags[index] == sum(1 << code for code in codes)
        assert found.worst[index] == max(codes, default=NO_CODE)
        assert found.mixed[index] == (len(codes) > 1)
        assert found.bytes is not None
        assert found.bytes[index].tolist() == [here.count(char) for char in CHARS]
        assert found.cell_of(edges[index]) == index
    assert found.cell_of(start - 1) is None
    assert found.cell_of(start + size) is None
    assert len(found.text()) == len(found)


def test_the_worst_of_a_cell_wins():
    map_ = Mapfile.from_blocks([(0, 10, "+"), (10, 1, "-"), (11, 9, "?"), (20, 10, "*"), (30, 10, "/"), (40, 20, "+")])
    assert cells(map_, 0, 60, 6).text() == "+-*/++"
    assert cells(map_, 0, 60, 2).text() == "-/"
    assert cells(map_, 0, 80, 4).text() == "-/+ "


def test_cells_of_the_largest_map():
    map_ = Mapfile.new(0, MAX_POSITION).set_range(MAX_POSITION // 2, MAX_POSITION // 2 + 1, "-")
    found = cells(map_, 0, MAX_POSITION, 1920, with_bytes=True)
    assert found.text().count("-") == 1
    assert found.bytes is not None
    assert int(found.bytes.sum()) == MAX_POSITION
    assert cell_edges(0, MAX_POSITION, 1 << 20).tolist()[-1] == MAX_POSITION


def test_what_cannot_be_drawn():
    map_ = Mapfile.new(0, 10)
    for start, end, count in ((5, 5, 3), (-1, 5, 3), (0, 5, 0), (7, 3, 1)):
        with pytest.raises(UsageError):
            cells(map_, start, end, count)
    for width, height in ((0, 5), (5, 0), (1 << 20, 1 << 20)):
        with pytest.raises(UsageError):
            render_rows(map_, width, height)


def test_empty_maps_are_blank():
    assert cells(Mapfile.new(0, 0), 0, 100, 5).text() == "     "
    assert render_rows(Mapfile.new(0, 0), 5, 5) == []


def test_rows():
    map_ = Mapfile.from_blocks([(0, 50, "+"), (50, 50, "?")])
    assert render_rows(map_, 10, 2) == ["+" * 10, "?" * 10]
    assert render_rows(map_, 4, 1, (40, 60)) == ["++??"]
    assert render_rows(map_.clipped(0, 3), 10, 2) == ["+++"]
    # a map that does not know the source's size is drawn up to where it was known
    open_ended = map_.extended(0, MAX_POSITION, "-")
    assert drawn_window(open_ended) == (0, 100)
    assert drawn_window(Mapfile.new(0, MAX_POSITION)) == (0, MAX_POSITION)


@pytest.mark.parametrize("seed", range(20))
def test_seeking(seed):
    rng = random.Random(seed)
    map_ = random_map(rng, blocks=30, most=20)
    for statuses in ("+", "-", "*/-", "?*/-"):
        for position in (-1, 0, map_.end, *(rng.randrange(map_.end) for _ in range(10))):
            after = [i for i, block in enumerate(map_) if block.start > position and block.status in statuses]
            before = [i for i, block in enumerate(map_) if block.start < position and block.status in statuses]
            assert next_block(map_, position, statuses) == (after[0] if after else None)
            assert previous_block(map_, position, statuses) == (before[-1] if before else None)
        areas = [Area(start, end) for start, end in map_.ranges(statuses)]
        assert first_area(map_, statuses) == (areas[0] if areas else None)
        assert last_area(map_, statuses) == (areas[-1] if areas else None)
        largest = max(areas, key=lambda area: area.size, default=None)
        assert largest_area(map_, statuses) == largest
