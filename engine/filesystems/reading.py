"""Views for reading structures: places that fail become holes, and a hole is filled from its second copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import Buffer, ReadError


class CarefulSource(Source):
    """Another source where a place that cannot be read is a hole, found out sector by sector. Leaves it open.

    A device that is gone still raises ``ReadError``: nothing after that would be true.
    """

    def __init__(self, below: Source) -> None:
        self._below = below
        self.size, self.sector_size, self.path = below.size, below.sector_size, below.path
        self._holes: RangeSet | None = None
        self._failed: list[tuple[int, int]] = []

    @property
    def holes(self) -> RangeSet:
        if self._holes is None:
            self._holes = self._below.holes
        return self._holes.union(RangeSet(self._failed)) if self._failed else self._holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        try:
            return self._below.read_into(offset, buffer)
        except ReadError as error:
            if error.code == "device-gone":
                raise
        found: list[tuple[int, int]] = []
        view, step = memoryview(buffer), self.sector_size
        for low in range(0, len(view), step):
            part = view[low : low + step]
            try:
                found += self._below.read_into(offset + low, part)
            except ReadError as error:
                if error.code == "device-gone":
                    raise
                part[:] = bytes(len(part))
                found.append((offset + low, offset + low + len(part)))
        self._failed += found
        return tuple(found)

    def close(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Copy:
    """``size`` bytes at ``start`` stand once more at ``other``; ``what`` names them."""

    start: int
    size: int
    other: int
    what: str


class MirrorSource(Source):
    """Another source where holes in a structure are filled from its copy elsewhere, which the file system keeps for
    this. ``used`` tells what was taken from a copy. Leaves the source below open."""

    def __init__(self, below: Source, copies: Sequence[Copy]) -> None:
        self._below = below
        self.size, self.sector_size, self.path = below.size, below.sector_size, below.path
        holes = below.holes
        self._copies = []
        for copy in copies:
            hit = holes.clip(copy.start, copy.start + copy.size)
            there = RangeSet.of(copy.other, copy.other + copy.size).subtract(holes).clip(0, below.size)
            mended = hit.intersect(there.shift(copy.start - copy.other))
            if mended:
                self._copies.append((copy, mended))
        self._holes = holes
        for _copy, mended in self._copies:
            self._holes = self._holes.subtract(mended)

    @property
    def used(self) -> list[tuple[Copy, RangeSet]]:
        """Which copies stand in, and for which bytes."""
        return list(self._copies)

    @property
    def holes(self) -> RangeSet:
        return self._holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        holes = self._below.read_into(offset, buffer)
        if not holes or not self._copies:
            return holes
        view, left = memoryview(buffer), RangeSet(holes)
        for copy, mended in self._copies:
            for low, high in mended.intersect(left):
                move = copy.other - copy.start
                self._below.read_into(low + move, view[low - offset : high - offset])
            left = left.subtract(mended)
        return tuple(left)

    def close(self) -> None:
        return
