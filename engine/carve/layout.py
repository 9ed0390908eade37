"""A file being put together from pieces of a disk: settled extents, then a tail that goes on without a break."""

from __future__ import annotations

from dataclasses import dataclass

from engine.source.base import Source
from engine.source.extents import Extent, ExtentSource


@dataclass(frozen=True, slots=True)
class Layout:
    """``settled``: (start, size) pieces in order; ``tail``: where on the disk the file goes on after them."""

    settled: tuple[tuple[int, int], ...]
    tail: int

    @property
    def length(self) -> int:
        """Bytes of the settled pieces."""
        return sum(size for _, size in self.settled)

    def place(self, position: int) -> int:
        """Where on the disk the byte at ``position`` of the file lies."""
        for start, size in self.settled:
            if position < size:
                return start + position
            position -= size
        return self.tail + position

    def cut(self, place: int, gap: int) -> Layout:
        """The same, but the file leaves the tail at ``place`` (on the disk) and goes on ``gap`` bytes later."""
        if place <= self.tail:
            return Layout(self.settled, place + gap)
        return Layout((*self.settled, (self.tail, place - self.tail)), place + gap)

    def source(self, below: Source, most: int) -> ExtentSource:
        """The file as a source, with at most ``most`` bytes of the tail."""
        pieces = [Extent(start, size) for start, size in self.settled]
        end = min(below.size, self.tail + most)
        if end > self.tail:
            pieces.append(Extent(self.tail, end - self.tail))
        return ExtentSource(below, pieces)

    def extents(self, size: int) -> tuple[tuple[int, int], ...]:
        """The pieces of a file of ``size`` bytes."""
        pieces: list[tuple[int, int]] = []
        for start, length in (*self.settled, (self.tail, size)):
            take = min(length, size - sum(part for _, part in pieces))
            if take <= 0:
                break
            if pieces and sum(pieces[-1]) == start:
                pieces[-1] = (pieces[-1][0], pieces[-1][1] + take)
            else:
                pieces.append((start, take))
        return tuple(pieces)
