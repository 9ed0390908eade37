"""Sectors of a compound document in a source: where they lie, their bytes, and what of them nobody has read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from engine.source import Source

Words = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]
_RUN = 8 << 20


@dataclass(frozen=True, slots=True)
class Pages:
    """A source cut into sectors: sector n begins at ``base + (n + 1) * sector_size``.

    ``base`` is where the header lies, or would lie when it was cut off (then it is negative).
    """

    source: Source
    base: int
    sector_size: int

    @property
    def count(self) -> int:
        """Sectors in the source, a short last one included."""
        return max(0, -(-(self.source.size - self.base) // self.sector_size) - 1)

    @property
    def words(self) -> int:
        """Table entries in a sector."""
        return self.sector_size // 4

    def offset(self, sector: int) -> int:
        """Where a sector begins in the source."""
        return self.base + (sector + 1) * self.sector_size

    def number(self, offset: int) -> int | None:
        """The sector that begins at ``offset``; None when none does."""
        sector, rest = divmod(offset - self.base, self.sector_size)
        return sector - 1 if not rest and 0 <= sector - 1 < self.count else None

    def inside(self, sector: int) -> bool:
        """Whether there is such a sector."""
        return 0 <= sector < self.count

    def read(self, sector: int, count: int = 1) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        """``count`` sectors from ``sector`` on, filled up with zeros behind the end of the source, and the stretches in
        them (counted from the first byte) that nobody has read or that lie behind the end."""
        wanted, start = count * self.sector_size, self.offset(sector)
        skip = min(wanted, max(0, -start))  # before the beginning of the source
        there = skip < wanted and start + skip < self.source.size
        reading = self.source.read(start + skip, wanted - skip) if there else None
        data = bytes(skip) + (reading.data if reading is not None else b"")
        holes = [(0, skip)] if skip else []
        if reading is not None:
            holes += [(low - start, high - start) for low, high in reading.holes]
        if len(data) < wanted:
            holes.append((len(data), wanted))
            data += bytes(wanted - len(data))
        return data, tuple(holes)

    def table(self, sectors: Sequence[int]) -> tuple[Words, Flags]:
        """The words of these sectors one after the other, and which of them are lost (never read, or no such
        sector)."""
        per = self.words
        out = np.zeros(len(sectors) * per, "<u4")
        lost = np.zeros(out.size, bool)
        at = 0
        while at < len(sectors):
            first = sectors[at]
            end = at + 1
            while end < len(sectors) and sectors[end] == first + end - at and (end - at) * self.sector_size < _RUN:
                end += 1
            place = slice(at * per, end * per)
            if not self.inside(first):
                lost[place] = True
                at += 1
                continue
            data, holes = self.read(first, end - at)
            out[place] = np.frombuffer(data, "<u4")
            for low, high in holes:
                lost[at * per + low // 4 : at * per + -(-high // 4)] = True
            at = end
        return out, lost
