"""Views: a source seen through something else. Each closes the source below when closed."""

from __future__ import annotations

from engine.ranges import RangeSet
from engine.source.base import Buffer, Source


class WindowSource(Source):
    """``size`` bytes of another source from ``start`` on, addressed from 0."""

    def __init__(self, below: Source, start: int, size: int) -> None:
        below.check_inside(start, size)
        self._below, self._start = below, start
        self.size, self.sector_size = size, below.sector_size
        self.path = below.path

    @property
    def holes(self) -> RangeSet:
        return self._below.holes.clip(self._start, self._start + self.size).shift(-self._start)

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        holes = self._below.read_into(self._start + offset, buffer)
        return tuple((low - self._start, high - self._start) for low, high in holes)

    def next_data(self, offset: int) -> int:
        return min(self._below.next_data(self._start + offset) - self._start, self.size)

    def close(self) -> None:
        self._below.close()


class SwapSource(Source):
    """Another source with the two bytes of each 16-bit word exchanged (disks of big-endian recorders).

    An odd last byte has no partner and stays. A hole of one byte makes its partner's place a hole, not its own: the
    content moves with the byte.
    """

    def __init__(self, below: Source) -> None:
        self._below = below
        self.size, self.sector_size, self.path = below.size, below.sector_size, below.path
        self._even = below.size - below.size % 2

    def _swap_holes(self, holes: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        moved: list[tuple[int, int]] = []
        for start, end in holes:
            low, high = start + start % 2, min(end - end % 2, self._even)
            if start % 2 and start < self._even:
                moved.append((start - 1, start))
            if high > low:
                moved.append((low, high))
            if end % 2:
                moved.append((end, end + 1) if end < self._even else (end - 1, end))
        return tuple(moved)

    @property
    def holes(self) -> RangeSet:
        return RangeSet(self._swap_holes(tuple(self._below.holes)))

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        end = offset + len(buffer)
        low, high = offset - offset % 2, min(end + end % 2, self.size)
        data = bytearray(high - low)
        holes = self._below.read_into(low, data)
        even = len(data) - len(data) % 2
        data[0:even:2], data[1:even:2] = data[1:even:2], data[0:even:2]
        memoryview(buffer)[:] = memoryview(data)[offset - low : end - low]
        return tuple(
            (max(start, offset), min(stop, end))
            for start, stop in self._swap_holes(holes)
            if stop > offset and start < end
        )

    def next_data(self, offset: int) -> int:
        found = self._below.next_data(offset - offset % 2)
        return max(offset, found - found % 2)

    def close(self) -> None:
        self._below.close()


class HoleSource(Source):
    """Another source with holes laid over it: what a rescue map does not call finished.

    The image holds zeros (or old data) there; a reading returns zeros together with the holes, and never touches the
    medium below for a stretch that is a hole altogether. Where ``holes`` begin beyond the source they are ignored;
    ``size`` extends the source with a hole (an image that is shorter than its map).
    """

    def __init__(self, below: Source, holes: RangeSet, *, size: int | None = None) -> None:
        self._below = below
        self.size = below.size if size is None else size
        self.sector_size, self.path = below.sector_size, below.path
        laid = holes.union(below.holes)
        if self.size > below.size:
            laid = laid.union(RangeSet.of(below.size, self.size))
        self._holes = laid.clip(0, self.size)

    @property
    def holes(self) -> RangeSet:
        return self._holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        end = offset + len(buffer)
        self.check_inside(offset, len(buffer))
        if not self._holes.overlaps(offset, end):
            return self._below.read_into(offset, buffer)
        view = memoryview(buffer)
        mine = tuple(self._holes.clip(offset, end))
        position = offset
        for start, stop in (*mine, (end, end)):
            if start > position:
                self._below.read_into(position, view[position - offset : start - offset])
            view[start - offset : stop - offset] = bytes(stop - start)
            position = stop
        return mine

    def next_data(self, offset: int) -> int:
        found = self._below.next_data(offset) if offset < self._below.size else self.size
        return self.size if found >= self._below.size else found

    def close(self) -> None:
        self._below.close()
