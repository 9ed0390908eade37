"""The ways over a disk: every sector, or only the places where partitions begin."""

from __future__ import annotations

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
_WINDOWS = (
    (-65536, 4096), (-12288, 24576), (16384, 4096), (32768, 8192), (61440, 8192), (131072, 512), (524288, 512),
)  # fmt: skip
"""Around the beginning of a partition: (offset, size) of where primary structures stand, and (below 0) backups of the
volume that ends there: md 0.90, md 1.0, NTFS, HFS+, NILFS2."""

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
    """Places where partitions begin, in order: every MiB, every cylinder and the track behind it, and what is added."""

    def __init__(self, size: int, known: Iterable[int] = ()) -> None:
        self._size = size
        self._waiting: list[int] = [0, TRACK, size // SECTOR * SECTOR]
        for place in known:
            self.add(place)
        heapq.heapify(self._waiting)
        self._last = -1
        self._skip_to = 0

    def add(self, place: int) -> None:
        """A boundary that something told of: it is looked at even inside a volume."""
        for one in (place, place + 512, place + TRACK, place + MEBIBYTE, _up(place, MEBIBYTE), _up(place, CYLINDER),
                    _up(place, CYLINDER) + TRACK):  # fmt: skip
            if 0 <= one < self._size and one % 512 == 0:
                heapq.heappush(self._waiting, one)

    def skip(self, end: int) -> None:
        """Leave out the regular places up to ``end``: a volume covers them."""
        self._skip_to = max(self._skip_to, end)

    def __iter__(self) -> Iterator[int]:
        while True:
            after = max(self._last + 1, self._skip_to)
            regular = min(_up(after, MEBIBYTE), _up(after, CYLINDER), _up(max(0, after - TRACK), CYLINDER) + TRACK)
            while self._waiting and self._waiting[0] <= self._last:
                heapq.heappop(self._waiting)
            place = min(regular, self._waiting[0]) if self._waiting else regular
            if place > self._size:
                return
            self._last = place
            yield place


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def probe(source: Source, scanner: Scanner, found: Found, place: int) -> None:
    """The windows around one boundary. What the medium refuses is left out."""
    spans = [(max(0, place + offset), min(source.size, place + offset + size)) for offset, size in _WINDOWS]
    spans = [(low, high) for low, high in spans if high - low >= SECTOR]
    buffer = bytearray(sum(high - low for low, high in spans))
    rows: list[tuple[int, int]] = []
    filled = 0
    for low, high in spans:
        piece = memoryview(buffer)[filled : filled + high - low]
        try:
            source.read_into(low, piece)
        except ReadError as error:
            if error.code == "device-gone":
                raise
            continue
        rows.append((filled, low))
        filled += (high - low) // SECTOR * SECTOR
    for hit in scanner.scan(memoryview(buffer)[:filled]):
        at = hit.row * SECTOR
        offset, low = next(row for row in reversed(rows) if row[0] <= at)
        found(hit.index, low + at - offset)
