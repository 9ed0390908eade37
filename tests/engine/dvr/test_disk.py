"""Small reads off a damaged disk, against one byte after the other: nothing unread may pass for content."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dvr.disk import MAX_PROBLEMS, Disk, Piece, joined_ranges
from engine.dvr.sweep import blocks_in
from engine.ranges import RangeSet
from engine.source.base import Buffer, ReadError, Source
from engine.source.extents import BytesSource

holes = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), max_size=4)


@given(st.integers(0, 30), holes)
def test_a_piece_gives_what_was_read_and_nothing_else(size, gaps):
    unread = tuple((a, min(a + b, size)) for a, b in gaps if a < size)
    data = bytes(range(1, size + 1))
    gone = {at for low, high in unread for at in range(low, high)}
    piece = Piece(0, data, unread)
    assert piece.whole == (not unread)
    for at in range(-1, size + 2):
        for count in range(5):
            there = at >= 0 and at + count <= size and not any(a < at + count and b > at for a, b in unread)
            if count:
                assert there == (set(range(at, at + count)) <= set(range(size)) - gone)
            assert piece.has(at, count) == there
            assert piece.get(at, count) == (data[at : at + count] if there else None)
            assert piece.number(at, count) == (int.from_bytes(data[at : at + count], "big") if there else None)
            little = piece.number(at, count, "little")
            assert little == (int.from_bytes(data[at : at + count], "little") if there else None)
    for at in range(size + 3):
        rows = piece.rows(">Hx", at, 6)
        assert rows == [
            struct.unpack(">Hx", data[low : low + 3]) if piece.has(low, 3) else None for low in range(at, at + 18, 3)
        ]


@given(st.integers(-12, 12), st.integers(0, 40), holes)
def test_positions_count_from_the_base(base, size, gaps):
    data = bytes(range(1, size + 1))
    unread = RangeSet((a, a + b) for a, b in gaps).clip(0, size)
    byte = {at: value for at, value in enumerate(data) if at not in unread}
    disk = Disk(BytesSource(data, holes=unread), base)
    assert disk.size == size - base
    for offset in range(-14, 55, 3):
        for count in (1, 4, 9):
            places = range(offset + base, offset + base + count)
            assert disk.inside(offset, count) == (places[0] >= 0 and places[-1] < size)
            whole = all(place in byte for place in places)
            assert disk.get(offset, count) == (bytes(byte[place] for place in places) if whole else None)
            piece = disk.piece(offset, count)
            assert piece.offset == offset
            for at, place in enumerate(places):
                assert piece.number(at, 1) == byte.get(place), (offset, count, at)


class Failing(Source):
    """512 bytes in the middle cannot be read, and every read that touches them fails as a whole."""

    def __init__(self, code: str) -> None:
        self.size, self.path, self.code = 4096, "failing", code
        self.calls: list[tuple[int, int]] = []

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        view = memoryview(buffer)
        self.calls.append((offset, len(view)))
        view[:] = b"\xaa" * len(view)
        if offset < 2048 and offset + len(view) > 1536:
            raise ReadError("bad sector", code=self.code, offset=1536)
        return ()

    def close(self) -> None:
        return


def test_one_bad_sector_costs_no_other():
    disk = Disk(Failing("read-error"), -100)
    piece = disk.piece(100 + 700, 2000)
    assert piece.unread == ((836, 1348),)
    assert piece.data == b"\xaa" * 836 + bytes(512) + b"\xaa" * 652
    assert disk.get(100 + 1000, 536) == b"\xaa" * 536
    assert disk.get(100 + 1000, 537) is None
    small = disk.piece(100 + 1600, 10)
    assert (small.data, small.unread) == (bytes(10), ((0, 10),))


def test_a_drive_that_is_gone_is_not_read_sector_by_sector():
    source = Failing("device-gone")
    with pytest.raises(ReadError):
        Disk(source).piece(0, 4096)
    assert len(source.calls) == 1


def test_what_was_asked_for_as_structures():
    disk = Disk(BytesSource(bytes(1000)), 100)
    for offset, size in ((-150, 60), (0, 10), (895, 50), (2000, 5), (10, 0)):
        disk.note(offset, size)
    assert list(disk.structures) == [(0, 10), (100, 110), (995, 1000)]


def test_each_problem_once_and_not_without_end():
    disk = Disk(BytesSource(bytes(10)), -5)
    for _ in range(3):
        disk.problem("a", "first", 7)
        disk.problem("a", "first", 8)
        disk.problem("a", "first")
    assert [problem.offset for problem in disk.problems] == [2, 3, None]
    for number in range(MAX_PROBLEMS + 5):
        disk.problem("b", str(number))
    assert len(disk.problems) == MAX_PROBLEMS


def test_structures_that_lead_in_circles_come_to_an_end(monkeypatch):
    monkeypatch.setattr("engine.dvr.disk.MAX_READS", 3)
    disk = Disk(BytesSource(b"abcdef"))
    assert [disk.get(0, 1), disk.piece(1, 1).data, disk.get(2, 1)] == [b"a", b"b", b"c"]
    assert not disk.problems
    assert (disk.get(3, 1), disk.piece(4, 1).data) == (None, b"")
    assert [problem.code for problem in disk.problems] == ["too-many"]


@pytest.mark.parametrize("buffer", [8, 16, 64])
def test_large_areas_block_by_block(monkeypatch, buffer):
    """Every block that is not of zeros comes once, whatever the size of a read."""
    monkeypatch.setattr("engine.dvr.sweep._BUFFER", buffer)
    data = bytearray(100)
    for at in (0, 9, 33, 34, 63, 64, 71, 95, 99):
        data[at] = at + 1
    disk = Disk(BytesSource(bytes(data), holes=RangeSet.of(34, 35)))
    for low, high in ((0, 100), (0, 200), (1, 99), (8, 96), (9, 95), (40, 63), (50, 50)):
        found = {}
        for first, rows in blocks_in(disk, low, high, 8):
            assert rows.shape == (len(rows), 8)
            for number, row in enumerate(rows, first):
                assert number not in found
                found[number] = bytes(row)
        inside = [number for number in range(12) if number * 8 >= low and number * 8 + 8 <= high]
        assert set(found) <= set(inside)
        for number in inside:
            block = bytes(0 if at == 34 else data[at] for at in range(number * 8, number * 8 + 8))
            assert found.get(number, bytes(8)) == block


def test_ranges_of_starts_and_sizes():
    assert list(joined_ranges([(5, 5), (0, 0), (10, 2), (30, 1), (7, -1)])) == [(5, 12), (30, 31)]
