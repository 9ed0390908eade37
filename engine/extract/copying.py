"""One item into its ``.part`` file: read once, written and hashed, holes and gaps left sparse."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from engine.errors import OutsideError
from engine.extract.hashing import CHUNK, Hasher
from engine.extract.part import PartFile
from engine.ranges import RangeSet
from engine.source import ExtentSource, Source
from engine.source.base import ReadError

_COARSE = 64 << 10
_PATIENCE = 64
"""After so many failing reads in one item single sectors are not tried any more: a dying drive has better to do."""


class Copy:
    """One item on its way. ``unreadable`` grows by what gives read errors; ``lost`` is told before it is skipped."""

    def __init__(
        self, content: Source, part: PartFile, hasher: Hasher, unreadable: RangeSet, lost: Callable[[RangeSet], None]
    ) -> None:
        self._content, self._part, self._hasher = content, part, hasher
        gaps = content.gaps if isinstance(content, ExtentSource) else RangeSet()
        self._skips = content.holes.union(gaps)
        self.unreadable, self._lost = unreadable, lost
        self._failures = 0

    def rehash(self, alive: Callable[[], None]) -> None:
        """Begin the sum with what the file holds already."""
        self._hasher.begin()
        done = 0
        while done < self._part.position:
            alive()
            buffer = self._hasher.buffer()
            view = memoryview(buffer)[: min(CHUNK, self._part.position - done)]
            count = os.preadv(self._part.fd, [view], done)
            if not count:
                raise OutsideError("the file became shorter", code="changed", path=self._part.path)
            self._hasher.feed(buffer, count)
            done += count

    def run(self, told: Callable[[int], None]) -> str:
        """Copy the rest; ``told`` gets the position after each step and may raise. Returns the sum in hex."""
        for start, end, skip in self._stretches():
            if skip:
                self._part.skip(end - start)
                self._hasher.zeros(end - start)
                told(end)
                continue
            for position in range(start, end, CHUNK):
                self._chunk(position, min(CHUNK, end - position))
                told(self._part.position)
        return self._hasher.digest()

    def _stretches(self) -> Iterator[tuple[int, int, bool]]:
        position, size = self._part.position, self._content.size
        for low, high in self._skips.clip(position, size):
            if low > position:
                yield position, low, False
            yield low, high, True
            position = high
        if position < size:
            yield position, size, False

    def _chunk(self, position: int, size: int) -> None:
        buffer = self._hasher.buffer()
        view = memoryview(buffer)[:size]
        try:
            holes = self._content.read_into(position, view)
        except ReadError as error:
            if error.code != "read-error":
                raise
            holes = self._around(position, view)
        if holes:  # what errors left, or a source that found more holes than it knew: sparse, never content
            self._lost(RangeSet(holes))
            self.unreadable = self.unreadable.union(RangeSet(holes))
        at = position
        for low, high in (*holes, (position + size, position + size)):
            self._part.write(view[at - position : low - position])
            if high > low:
                self._part.skip(high - low)
            at = high
        self._hasher.feed(buffer, size)

    def _around(self, position: int, view: memoryview) -> tuple[tuple[int, int], ...]:
        """Read what can be read of a stretch that gave an error."""
        holes: list[tuple[int, int]] = []
        step = _COARSE
        fine = max(512, self._content.sector_size)
        for low in range(position, position + len(view), step):
            high = min(low + step, position + len(view))
            found = self._try(low, view[low - position : high - position])
            if found is not None:
                holes += found
                continue
            for at in range(low, high, fine):
                end = min(at + fine, high)
                part = view[at - position : end - position]
                one = self._try(at, part) if self._failures <= _PATIENCE else None
                if one is None:
                    part[:] = bytes(len(part))
                    one = [(at, end)]
                holes += one
        merged = RangeSet(holes)
        return tuple(merged)

    def _try(self, position: int, view: memoryview) -> list[tuple[int, int]] | None:
        try:
            return list(self._content.read_into(position, view))
        except ReadError as error:
            if error.code != "read-error":
                raise
            self._failures += 1
            return None
