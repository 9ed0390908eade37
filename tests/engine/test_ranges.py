"""Range sets against plain Python sets of positions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ranges import MAX_POSITION, RangeSet

pairs = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def positions(ranges: RangeSet) -> set[int]:
    return {position for start, end in ranges for position in range(start, end)}


def model(items: list[tuple[int, int]]) -> set[int]:
    return {position for start, end in items for position in range(start, end)}


def assert_canonical(ranges: RangeSet) -> None:
    listed = list(ranges)
    assert all(start < end for start, end in listed)
    assert all(a[1] < b[0] for a, b in zip(listed, listed[1:], strict=False))


@given(pairs, pairs, st.integers(0, 60), st.integers(0, 60), st.integers(-70, 70))
def test_algebra_is_that_of_sets(one, two, low, high, distance):
    a, b = RangeSet(one), RangeSet(two)
    x, y = model(one), model(two)
    window = set(range(low, high))
    for found, wanted in [
        (a, x),
        (a.union(b), x | y),
        (a.intersect(b), x & y),
        (a.subtract(b), x - y),
        (a.clip(low, high), x & window),
        (a.complement(low, high), window - x),
        (a.shift(distance), {p + distance for p in x if p + distance >= 0}),
    ]:
        assert positions(found) == wanted
        assert_canonical(found)
    assert a.total == len(x)
    assert all((p in a) == (p in x) for p in range(62))
    assert a.overlaps(low, high) == bool(x & window)
    assert (a == b) == (x == y)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=4))
def test_every_window_of_a_small_set(items):
    """Edges that touch, windows of no byte and windows inside a range: all of them, not by luck."""
    ranges, held = RangeSet(items), model(items)
    for low in range(13):
        for high in range(low - 1, 14):
            window = set(range(low, high))
            assert ranges.overlaps(low, high) == bool(held & window)
            clipped = ranges.clip(low, high)
            assert positions(clipped) == held & window
            assert_canonical(clipped)


def test_up_to_the_last_position():
    top = RangeSet.of(MAX_POSITION - 10, MAX_POSITION)
    assert MAX_POSITION == 2**63 - 1
    assert list(top.subtract(RangeSet.of(MAX_POSITION - 4, MAX_POSITION - 2))) == [
        (MAX_POSITION - 10, MAX_POSITION - 4),
        (MAX_POSITION - 2, MAX_POSITION),
    ]
    assert top.subtract(RangeSet.of(0, 5)) == top
    assert list(top.shift(-5)) == [(MAX_POSITION - 15, MAX_POSITION - 5)]
    assert list(RangeSet.of(0, 5).shift(-2)) == [(0, 3)]
    assert list(RangeSet.of(3, 5).shift(-2)) == [(1, 3)]


def test_a_glance_shows_four_ranges():
    ranges = [(at, at + 1) for at in range(0, 10, 2)]
    assert repr(RangeSet(ranges[:4])) == "RangeSet(0-1, 2-3, 4-5, 6-7)"
    assert repr(RangeSet(ranges)) == "RangeSet(0-1, 2-3, 4-5, 6-7, ...)"


def test_negative_start_is_refused():
    with pytest.raises(ValueError, match="below 0"):
        RangeSet([(-1, 5)])


def test_a_million_ranges_stay_exact():
    import numpy as np

    starts = np.arange(1_000_000, dtype=np.int64) * 4096
    many = RangeSet.from_arrays(starts, starts + 512)
    assert many.total == 512_000_000
    assert many.complement(0, 4096_000_000).total == 4096_000_000 - 512_000_000
    assert not many.intersect(many.complement(0, 1 << 62))
