"""A disk image being written: sparse, any size; parts can be wiped, the whole shifted or its words swapped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.dvr_disks.mpeg import Long


def when(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """A recorder's local time, which knows no zone."""
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001


@dataclass
class Image:
    """``parts``: offset -> bytes, later ones over earlier ones. ``laid``: what a title's content is, as (start, size)
    pairs in playing order by the title's key."""

    size: int
    parts: list[tuple[int, bytes]] = field(default_factory=list)
    laid: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    content: dict[str, bytes] = field(default_factory=dict)

    def put(self, offset: int, data: bytes | Long) -> None:
        """Write; of a ``Long`` stream its two ends."""
        if isinstance(data, Long):
            for at, pack in data.pieces():
                self.put(offset + at, pack)
            return
        assert offset >= 0 and offset + len(data) <= self.size, (offset, len(data), self.size)
        self.parts.append((offset, bytes(data)))

    def wipe(self, offset: int, size: int, fill: bytes = b"\0") -> None:
        """Overwrite with one byte value."""
        self.put(offset, fill * size)

    def save(self, path: Path, *, shift: int = 0, swap: bool = False) -> Path:
        """As a sparse file. ``shift`` bytes stand in front (below 0: so many are cut off); ``swap`` exchanges the bytes
        of each word."""
        with open(path, "wb") as file:
            file.truncate(self.size + shift)
            for offset, data in self.parts:
                place = offset + shift
                if place < 0:
                    data, place = data[-place:], 0
                file.seek(place)
                file.write(data)
        if swap:
            # Only in what was written: zeros swapped are zeros.
            with open(path, "r+b") as file:
                for low, high in self._spans(shift):
                    file.seek(low)
                    data = bytearray(file.read(high - low))
                    even = len(data) & ~1
                    data[0:even:2], data[1:even:2] = data[1:even:2], data[0:even:2]
                    file.seek(low)
                    file.write(data)
        return path

    def _spans(self, shift: int) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        for offset, data in sorted(self.parts, key=lambda part: part[0]):
            low, high = max(0, offset + shift) & ~1, (offset + shift + len(data) + 1) & ~1
            if spans and low <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(high, spans[-1][1]))
            elif high > low:
                spans.append((low, high))
        return spans


class Spread:
    """Hands out free space in pieces: deterministic, fragmented, out of order. Unit and places in blocks."""

    def __init__(self, start: int, end: int, gap: int = 3) -> None:
        self._next, self._end, self._gap = start, end, gap

    def take(self, count: int) -> int:
        """The first of ``count`` consecutive units; some units are left free behind them."""
        start = self._next
        self._next += count + self._gap
        assert self._next <= self._end, "the test disk is full"
        return start
