"""Reading small structures off a damaged disk: every read says which of its bytes are there."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import Problem
from engine.progress import SILENT, Reporter
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import ReadError

MAX_PROBLEMS = 500
MAX_READS = 2_000_000
_IN_A_ROW = 64
_SECTOR = 512
_MAX_READ = 64 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a structure. ``unread``: stretches of ``data`` (counted in it) that nobody has read; shorter than asked
    where the disk ends."""

    offset: int
    data: bytes
    unread: tuple[tuple[int, int], ...] = ()

    def has(self, at: int, size: int) -> bool:
        """Whether these bytes are content."""
        if at < 0 or at + size > len(self.data):
            return False
        return not self.unread or not any(low < at + size and high > at for low, high in self.unread)

    def get(self, at: int, size: int) -> bytes | None:
        """Bytes of it, or None when a part of them was never read or lies outside."""
        if at < 0 or at + size > len(self.data) or (self.unread and not self.has(at, size)):  # asked thousands of times
            return None
        return self.data[at : at + size]

    def number(self, at: int, size: int, order: str = "big") -> int | None:
        """An unsigned integer of it, or None."""
        data = self.get(at, size)
        return None if data is None else int.from_bytes(data, "little" if order == "little" else "big")

    def rows(self, shape: str, at: int, count: int) -> list[tuple[int, ...] | None]:
        """``count`` rows of numbers from ``at`` on, in the shape of ``struct``; None for a row that is not there."""
        size = struct.calcsize(shape)
        there = min(count, max(0, len(self.data) - at) // size)
        found: list[tuple[int, ...] | None] = list(struct.iter_unpack(shape, self.data[at : at + there * size]))
        for low, high in self.unread:
            for number in range(max(0, (low - at) // size), min(there, -(-(high - at) // size))):
                found[number] = None
        return found + [None] * (count - there)

    @property
    def whole(self) -> bool:
        """Whether all of it is content."""
        return not self.unread


class Disk:
    """A source as a file system sees it: positions count from ``base`` (below 0: the image lacks its first sectors).

    Remembers which bytes were asked for as structures (``structures``) and what was found wrong (``problems``, at most
    ``MAX_PROBLEMS``, each thing once). A place the medium does not give counts as unread. It gives at most
    ``MAX_READS`` pieces: structures that lead in circles end there, as a problem. ``reporter`` is for long searches.
    Raises ``ReadError`` when the device is gone (code ``device-gone``).
    """

    def __init__(self, source: Source, base: int = 0, reporter: Reporter = SILENT) -> None:
        self.source, self.base, self.reporter = source, base, reporter
        self.size = source.size - base
        self.problems: list[Problem] = []
        self._left = MAX_READS
        self._known: set[tuple[str, str, int | None]] = set()
        self._noted: list[tuple[int, int]] = []

    def problem(self, code: str, message: str, offset: int | None = None) -> None:
        """Remember a problem; ``offset`` counts from the base."""
        place = None if offset is None else offset + self.base
        if len(self.problems) < MAX_PROBLEMS and (code, message, place) not in self._known:
            self._known.add((code, message, place))
            self.problems.append(Problem(code, message, place))

    def note(self, offset: int, size: int) -> None:
        """Remember ``size`` bytes as a structure of the directory."""
        low, high = max(0, offset + self.base), min(offset + size + self.base, self.source.size)
        if high > low:
            self._noted.append((low, high))

    @property
    def structures(self) -> RangeSet:
        """What was noted, as positions in the source."""
        return RangeSet(self._noted)

    def inside(self, offset: int, size: int = 1) -> bool:
        """Whether the source has these bytes (read or not)."""
        return offset + self.base >= 0 and size >= 0 and offset + size <= self.size

    def piece(self, offset: int, size: int) -> Piece:
        """What can be read of ``[offset, offset + size)``; a part that lies outside is unread."""
        size = min(size, _MAX_READ)
        start = offset + self.base
        if self._spent():
            return Piece(offset, b"", ())
        low, high = max(start, 0), min(start + size, self.source.size)
        if high <= low:
            return Piece(offset, b"", ())
        data = bytearray(high - start)
        unread = [(0, low - start)] if low > start else []
        view = memoryview(data)
        unread += [(a - start, b - start) for a, b in self._fill(low, view[low - start :])]
        return Piece(offset, bytes(data), tuple(unread))

    def get(self, offset: int, size: int) -> bytes | None:
        """The bytes, or None when one of them is not there."""
        if not self.inside(offset, size) or self._spent():
            return None
        data = bytearray(size)
        return None if data and self._fill(offset + self.base, memoryview(data)) else bytes(data)

    def _spent(self) -> bool:
        """Count a reading; True when there were too many."""
        self._left -= 1
        if self._left < 0:
            self.problem(
                "too-many", "the structures lead to more places than any recorder writes: the rest is left out"
            )
        return self._left < 0

    def _fill(self, start: int, view: memoryview) -> list[tuple[int, int]]:
        try:
            return list(self.source.read_into(start, view))
        except ReadError as error:
            if error.code == "device-gone":
                raise
        # One bad sector must not cost its neighbours: once more, sector by sector.
        if len(view) <= _SECTOR:
            view[:] = bytes(len(view))
            return [(start, start + len(view))]
        lost: list[tuple[int, int]] = []
        position, bad = start, 0
        while position < start + len(view) and bad < _IN_A_ROW:
            end = min(start + len(view), position - position % _SECTOR + _SECTOR)
            found = self._fill(position, view[position - start : end - start])
            lost += found
            bad = bad + 1 if found else 0
            position = end
        if position < start + len(view):  # nothing but bad sectors: the rest of this place is left alone
            view[position - start :] = bytes(start + len(view) - position)
            lost.append((position, start + len(view)))
        return lost


def joined_ranges(pairs: Iterable[tuple[int, int]]) -> RangeSet:
    """A range set of (start, size) pairs, empty ones left out."""
    return RangeSet((start, start + size) for start, size in pairs if size > 0)
