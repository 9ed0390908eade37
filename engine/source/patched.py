"""What a source would be if some of its bytes were others: a plan of writes looked at before anything is written."""

from __future__ import annotations

from collections.abc import Iterable

from engine.ranges import RangeSet
from engine.source.base import Buffer, Source


class PatchedSource(Source):
    """Another source with ``patches`` (offset, bytes) laid over it; a later one wins. What they cover is no hole.

    Raises ``ValueError`` for a patch that does not lie in the source. Closes the source below.
    """

    def __init__(self, below: Source, patches: Iterable[tuple[int, bytes]]) -> None:
        self._below = below
        self._patches = [(offset, bytes(data)) for offset, data in patches if data]
        for offset, data in self._patches:
            below.check_inside(offset, len(data))
        self.size, self.sector_size, self.path = below.size, below.sector_size, below.path
        self._covered = RangeSet((offset, offset + len(data)) for offset, data in self._patches)

    @property
    def holes(self) -> RangeSet:
        return self._below.holes.subtract(self._covered)

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        view = memoryview(buffer)
        end = offset + len(view)
        holes = self._below.read_into(offset, view)
        if not self._covered.overlaps(offset, end):
            return holes
        for start, data in self._patches:
            low, high = max(start, offset), min(start + len(data), end)
            if low < high:
                view[low - offset : high - offset] = data[low - start : high - start]
        return tuple(RangeSet(holes).subtract(self._covered)) if holes else ()

    def close(self) -> None:
        self._below.close()
