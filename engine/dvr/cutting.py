"""Stretches of a file's content as extents of the disk."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from engine.source.extents import Extent


class Cutter:
    """The extents of one file, from which stretches of its content are cut."""

    def __init__(self, extents: Sequence[Extent]) -> None:
        self._extents = [extent for extent in extents if extent.size > 0]
        self._starts = [0]
        for extent in self._extents:
            self._starts.append(self._starts[-1] + extent.size)

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self._starts[-1]

    def cut(self, start: int, size: int) -> tuple[Extent, ...]:
        """The extents of content ``[start, start + size)``, as far as there is any."""
        end = min(start + size, self.size)
        found: list[Extent] = []
        if start < 0 or end <= start:
            return ()
        index = bisect.bisect_right(self._starts, start) - 1
        while start < end:
            extent, begin = self._extents[index], self._starts[index]
            count = min(end, begin + extent.size) - start
            found.append(Extent(None if extent.start is None else extent.start + start - begin, count))
            start, index = start + count, index + 1
        return join(found)

    def place(self, position: int) -> int | None:
        """Where on the disk one byte of the content stands; None in a gap or outside."""
        if not 0 <= position < self.size:
            return None
        index = bisect.bisect_right(self._starts, position) - 1
        start = self._extents[index].start
        return None if start is None else start + position - self._starts[index]


def join(extents: Iterable[Extent]) -> tuple[Extent, ...]:
    """The same extents, empty ones left out and those that follow each other without a break made one."""
    joined: list[Extent] = []
    for extent in extents:
        if extent.size <= 0:
            continue
        last = joined[-1] if joined else None
        if last is not None and last.start is not None and extent.start == last.start + last.size:
            joined[-1] = Extent(last.start, last.size + extent.size)
        elif last is not None and last.start is None and extent.start is None:
            joined[-1] = Extent(None, last.size + extent.size)
        else:
            joined.append(extent)
    return tuple(joined)
