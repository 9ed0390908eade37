"""The assembled array against an independent writer: every layout, missing drives, holes, unreadable sectors."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DamagedError, UsageError
from engine.raid.array import ArraySource
from engine.raid.layout import Geometry, Layout, canonical_sequence, order_of_words, words_of_order
from engine.ranges import RangeSet
from engine.source import HoleSource, Source
from engine.source.base import ReadError
from engine.source.extents import BytesSource
from tests.engine.raid.writer import lay, parity

LAYOUTS = [str(layout) for layout in Layout]


def volume(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def assembled(laid, missing: int | None = None, holes: dict[int, RangeSet] | None = None, **more) -> ArraySource:
    drives = len(laid.drives)
    sources: list[Source | None] = []
    for number, drive in enumerate(laid.drives):
        source: Source = BytesSource(drive.tobytes())
        if holes and number in holes:
            source = HoleSource(source, holes[number])
        sources.append(None if number == missing else source)
    order = tuple(None if d == missing else d for d in range(drives))
    geometry = Geometry(Layout(laid.layout), laid.strip, order, (laid.offset,) * drives, **more)
    return ArraySource(sources, geometry, "array")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("drives", "strip"), [(3, 512), (4, 4096), (5, 1536), (7, 65536)])
def test_reads_what_was_laid(layout, drives, strip):
    laid = lay(volume(strip * (drives - 1) * drives * 2 + 777), drives, strip, layout, offset=3072)
    for missing in (None, *range(drives)):
        source = assembled(laid, missing)
        assert source.size == len(laid.volume)
        assert source.read(0, source.size).data == laid.volume
        for seed in range(20):
            at = random.Random(seed).randrange(source.size)
            assert source.read(at, strip * 3 + 5).data == laid.volume[at : at + strip * 3 + 5]
        assert not source.holes


@pytest.mark.parametrize("delay", [2, 4, 16])
@pytest.mark.parametrize("layout", LAYOUTS[:4])
def test_delayed_parity(layout, delay):
    for first in (1, delay):
        laid = lay(volume(512 * 3 * 4 * delay * 2), 4, 512, layout, delay=delay, first=first)
        source = assembled(laid, 2, delay=delay, first_delay=first)
        assert source.read(0, source.size).data == laid.volume


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_hole_needs_two_members_of_a_row(data):
    drives = data.draw(st.integers(3, 5))
    strip = data.draw(st.sampled_from([512, 1024]))
    layout = data.draw(st.sampled_from(LAYOUTS))
    laid = lay(volume(strip * (drives - 1) * 5), drives, strip, layout, offset=512)
    length = laid.drives[0].size
    missing = data.draw(st.one_of(st.none(), st.integers(0, drives - 1)))
    pairs = st.lists(st.tuples(st.integers(0, length), st.integers(1, 900)), max_size=4)
    holes = {n: RangeSet((a, min(length, a + c)) for a, c in data.draw(pairs)) for n in range(drives)}
    source = assembled(laid, missing, holes)
    # Byte by byte, from the definition: how many drives do not give this place of the row?
    gone = np.zeros((drives, length), bool)
    for number, ranges in holes.items():
        for low, high in ranges:
            gone[number, low:high] = True
    if missing is not None:
        gone[missing] = True
    expected = np.zeros(source.size, bool)
    for at in range(0, source.size, 64):
        row, inside = divmod(at, strip * (drives - 1))
        index, off = divmod(inside, strip)
        drive = source.geometry.data_drive(row, index)
        member = slice(512 + row * strip + off, 512 + row * strip + off + 64)
        expected[at : at + 64] = gone[drive, member] & (gone[:, member].sum(0) > 1)
    mask = np.zeros(source.size, bool)
    for low, high in source.holes:
        mask[low:high] = True
    assert np.array_equal(mask, expected)
    at = data.draw(st.integers(0, source.size - 1))
    for start, size in ((0, source.size), (at, 700)):
        reading = source.read(start, size)
        seen = np.zeros(source.size, bool)
        for low, high in reading.holes:
            seen[low:high] = True
        part = slice(start, start + len(reading.data))
        assert np.array_equal(seen[part], expected[part])
        wanted = np.frombuffer(laid.volume, np.uint8)[part].copy()
        wanted[expected[part]] = 0
        assert reading.data == wanted.tobytes()


class Bad(BytesSource):
    """A drive with one unreadable sector."""

    bad = 2048

    def read_into(self, offset, buffer):
        if offset < self.bad + 512 and self.bad < offset + len(buffer):
            raise ReadError("cannot read: Input/output error", code="read-error", path="bad", offset=self.bad)
        return super().read_into(offset, buffer)


def test_an_unreadable_sector_is_computed_and_two_in_a_row_are_told():
    laid = lay(volume(1024 * 2 * 6), 3, 1024, "left-symmetric")
    geometry = Geometry(Layout.LEFT_SYMMETRIC, 1024, (0, 1, 2), (0, 0, 0))
    raw = [drive.tobytes() for drive in laid.drives]
    source = ArraySource([Bad(raw[0]), BytesSource(raw[1]), BytesSource(raw[2])], geometry, "a")
    assert source.read(0, source.size).data == laid.volume
    both = ArraySource([Bad(raw[0]), Bad(raw[1]), BytesSource(raw[2])], geometry, "a")
    with pytest.raises(ReadError):
        both.read(0, both.size)


def test_formulas_agree_with_the_writers():
    for layout in Layout:
        for drives in range(3, 17):
            geometry = Geometry(layout, 512, tuple(range(drives)), (0,) * drives, 3, 2)
            rows = np.arange(200)
            vector = geometry.parity_drives(rows).tolist()
            assert vector == [geometry.parity_drive(row) for row in range(200)]
            assert vector == [parity(str(layout), drives, row, 3, 2) for row in range(200)]
            for drive in range(drives):
                indexes = geometry.data_indexes(rows, drive)
                for row, index in enumerate(indexes.tolist()):
                    assert index < 0 or geometry.data_drive(row, index) == drive


def test_what_cannot_be_is_refused():
    for bad in (
        {"order": (0, 1)}, {"order": (0, 0, 1)}, {"order": (0, None, None)}, {"strip": 100}, {"delay": 0},
        {"offsets": (0, 0)}, {"first_delay": 2},
    ):  # fmt: skip
        values = {"layout": Layout.LEFT_SYMMETRIC, "strip": 512, "order": (0, 1, 2), "offsets": (0, 0, 0), **bad}
        with pytest.raises(UsageError):
            Geometry(**values)
    geometry = Geometry(Layout.LEFT_SYMMETRIC, 4096, (0, 1, 2), (0, 0, 0))
    with pytest.raises(DamagedError):
        ArraySource([BytesSource(b"x" * 100)] * 3, geometry, "a")
    with pytest.raises(UsageError):
        ArraySource([BytesSource(b"x" * 9000)] * 2, geometry, "a")


def test_orders_in_words():
    assert order_of_words("3,1,x,2") == (2, 0, None, 1)
    assert words_of_order((2, 0, None, 1)) == "3,1,x,2"
    with pytest.raises(UsageError):
        order_of_words("0,1,2")
    assert canonical_sequence((0, 2, 1)) == (2, 1, 0)
    assert canonical_sequence((None, 2, 1)) == (2, 1, None)
