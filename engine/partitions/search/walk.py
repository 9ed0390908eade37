"""The ways over a disk: every sector, or only the places where partitions begin."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Iterable, Iterator

from engine.partitions.search.scanner import SECTOR, Scanner
from engine.progress import Reporter, check
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import ReadError

BLOCK = 2 << 20
_PIECE, _STEP = 64 << 10, 4096
MEBIBYTE = 1 << 20
TRACK, CYLINDER = 63 * 512, 255 * 63 * 512
_BEFORE, _BEHIND = 65536, 65536 + 4096
"""Around the beginning of a partition: primary structures stand behind it (btrfs at 64 KiB is the farthest), and
before it the backups of the volume that ends there (md 0.90 at 64 KiB, md 1.0, NTFS, HFS+, NILFS2)."""
_BATCH = 32

Found = Callable[[int, int], None]
"""``found(index, position)``: the sector at ``position`` looks like the scanner's mark ``index``."""


class Unread:
    """Ranges that were skipped; only the first ones are kept."""

    _MAX_KEPT = 1000

    def __init__(self, ranges: Iterable[tuple[int, int]] = (), total: int = 0) -> None:
        self.ranges = list(ranges)
        self.total = total

    def add(self, start: int, end: int) -> None:
        """A range more; ranges come in order and do not overlap."""
        self.total += end - start
        if self.ranges and self.ranges[-1][1] == start:
            self.ranges[-1] = (self.ranges[-1][0], end)
        elif len(self.ranges) < self._MAX_KEPT:
            self.ranges.append((start, end))


def sweep(
    source: Source, scanner: Scanner, found: Found, unread: Unread, *, start: int = 0, reporter: Reporter
) -> Iterator[int]:
    """Every sector from ``start`` on; yields the position up to which everything was looked at, after each block.

    Blocks that lie in holes altogether are not read. A block that the medium refuses is read in pieces of 64 KiB; of a
    piece that it refuses again, what lies before and behind the trouble. This is a search, not a rescue. Raises
    ``CancelledError``.
    """
    holes = source.holes
    buffer = bytearray(BLOCK)
    position = start
    while position < source.size:
        check(reporter)
        end = min(position + BLOCK, source.size)
        view = memoryview(buffer)[: end - position]
        gaps = list(holes.clip(position, end)) if holes else []
        if gaps == [(position, end)]:
            unread.add(position, end)
        else:
            for low, high in _read(source, position, view, gaps):
                unread.add(low, high)
            for hit in scanner.scan(view):
                found(hit.index, position + hit.row * SECTOR)
        position = end
        yield position


def _read(
    source: Source, position: int, view: memoryview, gaps: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Fill the buffer; returns what could not be read, in order, with zeros in its place."""
    try:
        source.read_into(position, view)
        return gaps
    except ReadError as error:
        if error.code == "device-gone":
            raise
    bad = RangeSet(gaps)
    for offset in range(0, len(view), _PIECE):
        bad = bad.union(RangeSet(_around(source, position + offset, view[offset : offset + _PIECE])))
    return list(bad)


def _around(source: Source, position: int, piece: memoryview) -> list[tuple[int, int]]:
    """Read a piece; when the medium refuses it, small steps from both ends up to what it refuses. Returns that.

    At most five reads of a piece fail, however many of its sectors are bad.
    """
    if _fill(source, position, piece):
        return []
    low, high = 0, len(piece)
    for step in (_STEP, source.sector_size):
        while high - low > step and _fill(source, position + low, piece[low : low + step]):
            low += step
        while high - low > step and _fill(source, position + high - step, piece[high - step : high]):
            high -= step
    piece[low:high] = bytes(high - low)
    return [(position + low, position + high)]


def _fill(source: Source, position: int, piece: memoryview) -> bool:
    try:
        source.read_into(position, piece)
    except ReadError as error:
        if error.code == "device-gone":
            raise
        return False
    return True


class Boundaries:
    """Places where partitions begin: every MiB, every cylinder and the track behind it, in order; before these, what is
    added."""

    def __init__(self, size: int, known: Iterable[int] = ()) -> None:
        self._size = size
        self._waiting: list[int] = []
        self._seen: set[int] = set()
        self._regular = 0
        for place in (0, TRACK, size // SECTOR * SECTOR):
            self._push(place)
        for place in known:
            self.add(place)

    def add(self, place: int) -> None:
        """A boundary that something told of: it and what is usual behind it are looked at, even inside a volume."""
        cylinder = _up(place, CYLINDER)
        for one in (place, place + SECTOR, place + TRACK, place + MEBIBYTE, _up(place, MEBIBYTE), cylinder,
                    cylinder + TRACK):  # fmt: skip
            if 0 <= one <= self._size and one % SECTOR == 0:
                self._push(one)

    def _push(self, place: int) -> None:
        if place not in self._seen:
            self._seen.add(place)
            heapq.heappush(self._waiting, place)

    def skip(self, end: int) -> None:
        """Leave out the regular places up to ``end``: a volume covers them."""
        self._regular = max(self._regular, end)

    def batch(self) -> list[int]:
        """The next places; none when all are done."""
        places: list[int] = []
        while len(places) < _BATCH:
            at = self._regular
            place = min(_up(at, MEBIBYTE), _up(at, CYLINDER), _up(max(0, at - TRACK), CYLINDER) + TRACK)
            if self._waiting and self._waiting[0] <= place:
                places.append(heapq.heappop(self._waiting))
            elif place > self._size:
                break
            else:
                self._regular = place + 1
                if place not in self._seen:
                    places.append(place)
        return places


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def probe(source: Source, scanner: Scanner, found: Found, places: list[int]) -> None:
    """What stands around these places. Of what the medium refuses the sectors before and behind the trouble count."""
    spans: list[tuple[int, int]] = []
    for place in sorted(places):
        low, high = max(0, place - _BEFORE), min(source.size, place + _BEHIND)
        if spans and low <= spans[-1][1]:
            spans[-1] = (spans[-1][0], high)
        elif high - low >= SECTOR:
            spans.append((low, high))
    buffer = bytearray(sum((high - low) // SECTOR * SECTOR for low, high in spans))
    begins: list[int] = []
    filled = 0
    for low, high in spans:
        size = (high - low) // SECTOR * SECTOR
        _around(source, low, memoryview(buffer)[filled : filled + size])
        begins.append(filled)
        filled += size
    for hit in scanner.scan(buffer):
        at = hit.row * SECTOR
        index = bisect.bisect_right(begins, at) - 1
        found(hit.index, spans[index][0] + at - begins[index])
