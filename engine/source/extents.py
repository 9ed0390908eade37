"""A file put together from extents of another source, and bytes that are in memory already."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.ranges import MAX_POSITION, RangeSet
from engine.source.base import Buffer, Source


@dataclass(frozen=True, slots=True)
class Extent:
    """``size`` bytes from ``start`` of the source below; ``start`` None is a gap of a sparse file: real zeros."""

    start: int | None
    size: int


class ExtentSource(Source):
    """The bytes of ``extents`` of another source, one after the other, addressed from 0.

    A gap (``Extent(None, size)``) reads as zeros and is content: the file system says that nothing was ever written
    there. What lies behind the end of the source below is a hole, as are its own holes, wherever an extent shows them.
    Empty extents are dropped, those that follow each other without a break are joined. Raises ``ValueError`` for an
    extent, or a whole, that does not lie in 0 to 2^63 - 1.

    Closing it leaves the source below open, since many files share one disk, unless it is ``owned``.
    """

    def __init__(self, below: Source, extents: Iterable[Extent], *, owned: bool = False) -> None:
        self._below, self._owned = below, owned
        self.sector_size, self.path = below.sector_size, below.path
        self._extents = _joined(extents)
        self._positions = [0]
        for one in self._extents:
            self._positions.append(self._positions[-1] + one.size)
        self.size = self._positions.pop()
        if self.size > MAX_POSITION:
            raise ValueError("the extents together are too large")
        self._holes: RangeSet | None = None

    @property
    def below(self) -> Source:
        """What the extents are of."""
        return self._below

    @property
    def extents(self) -> Sequence[Extent]:
        """The extents, joined where they follow each other."""
        return self._extents

    @property
    def gaps(self) -> RangeSet:
        """Where it is zeros by right, as positions in this source."""
        return RangeSet(
            (position, position + one.size)
            for position, one in zip(self._positions, self._extents, strict=True)
            if one.start is None
        )

    @property
    def holes(self) -> RangeSet:
        if self._holes is None:
            self._holes = self.seen(_outside(self._below))
        return self._holes

    def seen(self, ranges: RangeSet) -> RangeSet:
        """Where ``ranges`` of the source below appear in this one (vectorised: many extents, many ranges)."""
        import numpy as np

        placed = [(one.start, position, one.size) for position, one in zip(self._positions, self._extents, strict=True)
                  if one.start is not None]  # fmt: skip
        if not placed or not ranges:
            return RangeSet()
        start, position, size = np.array(placed, np.int64).T
        end = start + size
        low = np.searchsorted(ranges.ends, start, "right")
        count = np.maximum(np.searchsorted(ranges.starts, end, "left") - low, 0)
        mine = np.repeat(np.arange(start.size), count)
        first = np.repeat(np.cumsum(count) - count, count)
        theirs = np.arange(mine.size) - first + np.repeat(low, count)
        move = position[mine] - start[mine]
        return RangeSet.from_arrays(
            np.maximum(ranges.starts[theirs], start[mine]) + move, np.minimum(ranges.ends[theirs], end[mine]) + move
        )

    def runs(self, offset: int, size: int) -> Iterator[tuple[int, int | None, int]]:
        """The extents under ``[offset, offset + size)`` as (position here, position below or None, bytes)."""
        self.check_inside(offset, size)
        end = offset + size
        index = bisect.bisect_right(self._positions, offset) - 1
        while offset < end:
            one, position = self._extents[index], self._positions[index]
            count = min(end, position + one.size) - offset
            yield offset, None if one.start is None else one.start + offset - position, count
            offset, index = offset + count, index + 1

    def ranges_below(self, ranges: RangeSet | None = None) -> RangeSet:
        """Which bytes of the source below ``ranges`` of this one are (all of it when None), gaps left out."""
        wanted = RangeSet.of(0, self.size) if ranges is None else ranges.clip(0, self.size)
        return RangeSet(
            (below, below + count)
            for low, high in wanted
            for _position, below, count in self.runs(low, high - low)
            if below is not None
        )

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        view = memoryview(buffer)
        holes: list[tuple[int, int]] = []
        for position, below, count in self.runs(offset, len(view)):
            part = view[position - offset : position - offset + count]
            if below is None:
                part[:] = bytes(count)
                continue
            there = max(0, min(count, self._below.size - below))
            if there:
                found = self._below.read_into(below, part[:there])
                holes += [(low - below + position, high - below + position) for low, high in found]
            if there < count:
                part[there:] = bytes(count - there)
                holes.append((position + there, position + count))
        return _merged(holes)

    def close(self) -> None:
        if self._owned:
            self._below.close()


class BytesSource(Source):
    """Bytes that are in memory already: a rebuilt table, a file of a few bytes kept in its directory entry.

    ``holes`` are the parts of ``data`` that nobody has read; they read as zeros.
    """

    def __init__(self, data: bytes, *, path: str = "(memory)", holes: RangeSet | None = None) -> None:
        self._data = bytes(data)
        self.size, self.path = len(data), path
        self._holes = RangeSet() if holes is None else holes.clip(0, self.size)

    @property
    def holes(self) -> RangeSet:
        return self._holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        view = memoryview(buffer)
        view[:] = self._data[offset : offset + len(view)]
        holes = tuple(self._holes.clip(offset, offset + len(view)))
        for low, high in holes:
            view[low - offset : high - offset] = bytes(high - low)
        return holes

    def close(self) -> None:
        return


def _joined(extents: Iterable[Extent]) -> list[Extent]:
    joined: list[Extent] = []
    for one in extents:
        start = 0 if one.start is None else one.start
        if one.size < 0 or start < 0 or start + one.size > MAX_POSITION:
            raise ValueError("an extent lies outside all positions")
        if not one.size:
            continue
        last = joined[-1] if joined else None
        if last is not None and (
            (one.start is None and last.start is None)
            or (last.start is not None and one.start == last.start + last.size)
        ):
            joined[-1] = Extent(last.start, last.size + one.size)
        else:
            joined.append(one)
    return joined


def _outside(below: Source) -> RangeSet:
    return below.holes.union(RangeSet.of(below.size, MAX_POSITION))


def _merged(holes: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for low, high in holes:
        if merged and merged[-1][1] == low:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return tuple(merged)
