"""What an edit did: nothing that changed may be passed over, losses least of all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.mapfile.diff import moves
from engine.mapfile.model import Mapfile
from engine.mapfile.status import CHARS
from tests.engine.mapfile.helpers import paint

parts = st.lists(st.tuples(st.integers(1, 9), st.sampled_from(CHARS)), min_size=1, max_size=8)


def build(sizes: list[tuple[int, str]], start: int) -> Mapfile:
    blocks, at = [], start
    for size, status in sizes:
        blocks.append((at, size, status))
        at += size
    return Mapfile.from_blocks(blocks)


@given(parts, parts, st.integers(0, 9), st.integers(0, 9))
def test_every_byte_that_changed_is_in_one_move(one, two, first, second):
    before, after = build(one, first), build(two, second)
    old = dict(enumerate(paint(before), first))
    new = dict(enumerate(paint(after), second))
    wanted: dict[tuple[str, str], set[int]] = {}
    for at in old.keys() | new.keys():
        pair = old.get(at, ""), new.get(at, "")
        if pair[0] != pair[1]:
            wanted.setdefault(pair, set()).add(at)
    found = moves(before, after)
    assert {(m.old, m.new): {at for low, high in m.ranges for at in range(low, high)} for m in found} == wanted
    assert [m.bytes for m in found] == sorted((len(places) for places in wanted.values()), reverse=True)
    assert all(m.bytes == m.ranges.total and m.loses == (m.old == "+") for m in found)


def test_maps_that_share_one_array_still_differ():
    map_ = Mapfile.from_blocks([(0, 5, "+"), (5, 5, "-")])
    lost = Mapfile(map_.bounds, np.array([4, 4], np.uint8))
    assert [(m.old, m.bytes, m.loses) for m in moves(map_, lost)] == [("+", 5, True)]
    moved = Mapfile(map_.bounds + 5, map_.codes)
    assert sum(m.bytes for m in moves(map_, moved)) == 15
    assert moves(map_, Mapfile(map_.bounds, map_.codes)) == ()
