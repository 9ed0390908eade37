"""Files from extents: every byte from where it lies, gaps as zeros, what nobody has read as holes and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ranges import RangeSet
from engine.source import (
    BytesSource,
    Extent,
    ExtentSource,
    FileSource,
    HoleSource,
    SplitSource,
    SwapSource,
    WindowSource,
)

DATA = random.Random(1).randbytes(4000)
EXTENTS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 4600)), st.integers(0, 900)).map(lambda two: Extent(*two)),
    max_size=12,
)
HOLES = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4000)), max_size=6).map(
    lambda pairs: RangeSet((min(pair), max(pair)) for pair in pairs)
)


def expected(extents: list[Extent], holes: RangeSet) -> list[int | None]:
    """Byte by byte; None is a hole."""
    out: list[int | None] = []
    for one in extents:
        for i in range(one.size):
            if one.start is None:
                out.append(0)
            else:
                at = one.start + i
                out.append(None if at >= len(DATA) or at in holes else DATA[at])
    return out


@settings(max_examples=150, deadline=None)
@given(EXTENTS, HOLES, st.integers(0, 3000), st.integers(0, 3000))
def test_every_byte_is_where_the_extents_say(extents, holes, offset, size):
    below = HoleSource(BytesSource(DATA), holes)
    source = ExtentSource(below, extents)
    truth = expected(extents, holes)
    assert source.size == len(truth)
    assert {p for low, high in source.holes for p in range(low, high)} == {p for p, b in enumerate(truth) if b is None}
    got = source.read(offset, size)
    span = truth[offset : offset + size]
    assert [0 if byte is None else byte for byte in span] == list(got.data)
    missing = {p for low, high in got.holes for p in range(low, high)}
    assert missing == {offset + i for i, byte in enumerate(span) if byte is None}
    gaps = [one.size for one in extents if one.start is None]
    assert source.gaps.total == sum(gaps)
    starts = {at + i for one in extents if (at := one.start) is not None for i in range(one.size)}
    assert {p for low, high in source.ranges_below() for p in range(low, high)} == starts


def test_neighbours_are_joined_and_hostile_numbers_refused():
    source = ExtentSource(BytesSource(DATA), [Extent(10, 5), Extent(15, 5), Extent(None, 3), Extent(None, 4)])
    assert list(source.extents) == [Extent(10, 10), Extent(None, 7)]
    assert list(source.runs(8, 4)) == [(8, 18, 2), (10, None, 2)]
    for wrong in (
        [Extent(-1, 5)],
        [Extent(0, -1)],
        [Extent((1 << 63) - 1, 1)],
        [Extent(0, 1 << 62), Extent(None, 1 << 62)],
    ):
        with pytest.raises(ValueError):
            ExtentSource(BytesSource(DATA), wrong)
    far = ExtentSource(BytesSource(DATA), [Extent((1 << 63) - 101, 100), Extent(0, 4)])
    assert list(far.holes) == [(0, 100)]
    assert far.read(98, 6).data == b"\0\0" + DATA[:4]


def test_the_disk_stays_open_for_the_next_file(tmp_path):
    class Base(BytesSource):
        closed = False

        def close(self) -> None:
            self.closed = True

    base = Base(DATA)
    ExtentSource(base, [Extent(0, 5)]).close()
    assert not base.closed
    ExtentSource(base, [Extent(0, 5)], owned=True).close()
    assert base.closed


def test_many_extents_over_many_holes_at_once():
    below = HoleSource(BytesSource(bytes(1 << 20)), RangeSet((i * 16, i * 16 + 4) for i in range(1 << 16)))
    source = ExtentSource(below, [Extent(i * 32 + 2, 8) for i in range(1 << 15)])
    assert source.holes.total == 2 * (1 << 15)


def test_bytes_in_memory_keep_their_holes():
    source = BytesSource(b"0123456789", holes=RangeSet.of(8, 40))
    assert source.read(0, 20).data == b"01234567\0\0"
    assert source.read(0, 20).holes == ((8, 10),)


def test_sparse_stretches_are_passed_over(tmp_path):
    size, data = 1 << 24, b"x" * 4096
    for name in ("d.001", "d.002"):
        with open(tmp_path / name, "wb") as stream:
            stream.truncate(size)
            stream.seek(1 << 22)
            stream.write(data)
    with FileSource(tmp_path / "d.001") as plain:
        assert plain.next_data(0) == 1 << 22
        assert plain.next_data((1 << 22) + 5) == (1 << 22) + 5
        assert plain.next_data((1 << 22) + 4096) == size
        assert plain.next_data(size) == size
        assert WindowSource(plain, 4096, 1 << 23).next_data(0) == (1 << 22) - 4096
        assert WindowSource(plain, 4096, 1 << 20).next_data(0) == 1 << 20
        assert SwapSource(plain).next_data(1) == 1 << 22
        assert HoleSource(plain, RangeSet(), size=size * 2).next_data(size - 1) == size * 2
    with SplitSource.open(tmp_path / "d.001") as split:
        assert split.next_data((1 << 22) + 4096) == size + (1 << 22)
        assert split.next_data(size + (1 << 22) + 4096) == 2 * size
    assert BytesSource(b"abc").next_data(1) == 1
