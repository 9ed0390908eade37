"""Selections, by brute force over small maps."""

from __future__ import annotations

import random

import pytest

from engine.errors import NotFoundError, UsageError
from engine.mapedit import selection
from engine.mapedit.overlays import Overlay, borders_of
from engine.mapfile.model import Mapfile
from engine.ranges import MAX_POSITION, RangeSet
from tests.engine.mapfile.helpers import random_map

MAP = Mapfile.from_blocks([(100, 100, "+"), (200, 50, "-"), (250, 50, "/"), (300, 100, "?"), (400, 10, "-")])
EXTENT = (100, 410)
DISK = (Overlay("one", RangeSet.of(120, 220)), Overlay("two", RangeSet([(220, 300), (350, 400)])))


def test_block_and_area():
    assert selection.block_at(MAP, 249) == RangeSet.of(200, 250)
    assert not selection.block_at(MAP, 410)
    assert not selection.block_at(MAP, 0)
    assert selection.area_at(MAP, 260, "-/?") == RangeSet.of(200, 410)
    assert selection.area_at(MAP, 260) == RangeSet.of(250, 300)
    assert not selection.area_at(MAP, 150, "-/")


def test_by_status():
    assert selection.by_status(MAP, "-") == RangeSet([(200, 250), (400, 410)])
    assert selection.by_status(MAP, "-", least=11) == RangeSet.of(200, 250)
    assert selection.by_status(MAP, "-/", RangeSet.of(240, 405)) == RangeSet([(240, 300), (400, 405)])


def test_typed():
    assert selection.typed("1K+512, 0x1000-8K") == RangeSet([(1024, 1536), (4096, 8192)])
    for text in ("", "5", "5-4", "1-2,", "x+y"):
        with pytest.raises(UsageError):
            selection.typed(text)


def test_borders():
    borders = borders_of(DISK)
    assert [(border.position, border.label, border.begins) for border in borders[:3]] == [
        (120, "one", True), (220, "one", False), (220, "two", True),
    ]  # fmt: skip
    assert selection.between_borders(150, borders, EXTENT) == RangeSet.of(120, 220)
    assert selection.between_borders(110, borders, EXTENT) == RangeSet.of(100, 120)
    assert selection.between_borders(405, borders, EXTENT) == RangeSet.of(400, 410)
    assert selection.between_borders(220, borders, EXTENT) == RangeSet.of(220, 300)
    assert selection.to_borders(RangeSet([(130, 140), (299, 351)]), borders, EXTENT) == RangeSet(
        [(120, 220), (220, 400)]
    )
    assert not selection.between_borders(5, borders, EXTENT)
    assert selection.border_near(220, borders, after=True).position == 300
    assert selection.border_near(220, borders, after=False).position == 120
    with pytest.raises(NotFoundError):
        selection.border_near(400, borders, after=True)
    assert selection.between_borders(150, (), EXTENT) == RangeSet.of(*EXTENT)


@pytest.mark.parametrize("seed", range(40))
def test_grow_shrink_and_align_by_brute_force(seed):
    rng = random.Random(seed)
    map_ = random_map(rng, blocks=10, most=60)
    extent = (rng.randrange(0, 20), map_.end)
    ranges = map_.ranges(rng.choice("+?*/-")).clip(*extent)
    unit, origin = rng.choice([1, 2, 3, 8, 64, 520]), rng.choice([0, 0, 5])
    outwards, inwards, larger, smaller = set(), set(), set(), set()
    amount = rng.randrange(0, 50)
    for start, end in ranges:
        low, high = (start - origin) // unit * unit + origin, -(-(end - origin) // unit) * unit + origin
        outwards |= set(range(low, high))
        low, high = -(-(start - origin) // unit) * unit + origin, (end - origin) // unit * unit + origin
        inwards |= set(range(low, high))
        larger |= set(range(start - amount, end + amount))
        smaller |= set(range(start + amount, end - amount))
    inside = set(range(*extent))

    def places(found: RangeSet) -> set[int]:
        return {place for start, end in found for place in range(start, end)}

    assert places(selection.align(ranges, unit, extent, origin=origin)) == outwards & inside
    assert places(selection.align(ranges, unit, extent, outwards=False, origin=origin)) == inwards & inside
    assert places(selection.grow(ranges, amount, extent)) == larger & inside
    assert places(selection.shrink(ranges, amount)) == smaller
    assert places(selection.inverse(ranges, extent)) == inside - places(ranges)


def test_far_ends_do_not_overflow():
    extent = (0, MAX_POSITION)
    ranges = RangeSet.of(5, MAX_POSITION - 3)
    assert selection.grow(ranges, 1 << 62, extent) == RangeSet.of(0, MAX_POSITION)
    assert selection.align(ranges, 512, extent, outwards=False) == RangeSet.of(512, MAX_POSITION // 512 * 512)
    assert selection.align(ranges, 512, extent).ends[-1] == MAX_POSITION
    for call in (lambda: selection.grow(ranges, -1, extent), lambda: selection.shrink(ranges, -1),
                 lambda: selection.align(ranges, 0, extent)):  # fmt: skip
        with pytest.raises(UsageError):
            call()


def test_toggle():
    one = RangeSet.of(0, 10)
    assert selection.toggle(one, RangeSet.of(5, 15)) == RangeSet.of(0, 15)
    assert selection.toggle(one, RangeSet.of(5, 8)) == RangeSet([(0, 5), (8, 10)])
