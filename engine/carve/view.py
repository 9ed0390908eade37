"""A candidate's bytes as its walker sees them: positions count from the file's first byte.

A walker never meets filler: reading a place that nobody has read raises ``Unread``, reading past the end of the area
raises ``Ended``. What it said of its way so far (``mark``) stays, so that a truncated file is still worth something.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.source.base import Source

_PAGE = 256 << 10
_PAGES = 32
_EACH = 64
"""What a reading costs besides its bytes."""


class WalkError(Exception):
    """A walk that could not go on at ``position`` (bytes from the candidate's start)."""

    def __init__(self, position: int, why: str = "") -> None:
        super().__init__(why)
        self.position, self.why = position, why


class Ended(WalkError):
    """The area ends before the file does."""


class Unread(WalkError):
    """Nobody has read the byte there."""


class Broken(WalkError):
    """What stands there cannot be part of such a file."""


class NotThis(Exception):
    """It is no file of this type at all."""


class Reader:
    """Cached reading of one source, shared by all walks over it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.size = source.size
        self.asked = 0
        """Bytes that walkers asked for: what their walks cost."""
        self._pages: OrderedDict[int, tuple[bytes, tuple[tuple[int, int], ...]]] = OrderedDict()

    def page(self, number: int) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        """The bytes of one page and its holes (absolute)."""
        found = self._pages.get(number)
        if found is not None:
            self._pages.move_to_end(number)
            return found
        reading = self.source.read(number * _PAGE, _PAGE)
        if len(self._pages) >= _PAGES:
            self._pages.popitem(last=False)
        self._pages[number] = (reading.data, reading.holes)
        return self._pages[number]

    def read(self, position: int, size: int) -> tuple[bytes, int | None]:
        """Up to ``size`` bytes, and where the first unread byte among them is (absolute)."""
        self.asked += size + _EACH
        first = position // _PAGE
        pages: tuple[tuple[tuple[int, int], ...], ...]
        if position + size <= (first + 1) * _PAGE:
            data, holes = self.page(first)
            inside = position - first * _PAGE
            part, pages = data[inside : inside + size], (holes,)
        elif size > 4 * _PAGE:
            reading = self.source.read(position, size)
            part, pages = reading.data, (reading.holes,)
        else:
            both = [self.page(number) for number in range(first, (position + size - 1) // _PAGE + 1)]
            joined = b"".join(data for data, _ in both)
            inside = position - first * _PAGE
            part, pages = joined[inside : inside + size], tuple(holes for _, holes in both)
        hole = next((max(start, position) for holes in pages for start, end in holes
                     if start < position + size and end > position), None)  # fmt: skip
        return part, hole


class View:
    """One candidate. ``size``: how many bytes there are at most, to the end of the area.

    ``good``: how far the structure is right, ``depth``: how many parts of it were.
    """

    __slots__ = ("depth", "good", "reader", "size", "start", "steps")

    def __init__(self, reader: Reader, start: int, limit: int | None = None) -> None:
        self.reader = reader
        self.start = start
        self.size = min(reader.size, limit if limit is not None else reader.size) - start
        self.good = 0
        self.depth = 0
        self.steps = 0

    def mark(self, position: int) -> None:
        """The structure is right up to here."""
        self.good = max(self.good, min(position, self.size))
        self.depth += 1

    def step(self, most: int = 1_000_000) -> None:
        """Count one turn of a loop; raises ``Broken`` when there are too many for any real file."""
        self.steps += 1
        if self.steps > most:
            raise Broken(self.good, "too many parts")

    def peek(self, position: int, size: int) -> bytes:
        """Up to ``size`` bytes: fewer, or none, where the area ends or nobody has read on. For a look beyond what is
        certain; what the structure needs is asked for by ``take``, ``head`` or ``run``.
        """
        if position < 0:
            raise Broken(self.good, "a position before the file")
        size = max(0, min(size, self.size - position))
        if not size:
            return b""
        data, hole = self.reader.read(self.start + position, size)
        return data if hole is None else data[: hole - self.start - position]

    def run(self, position: int, size: int) -> bytes:
        """At least one and up to ``size`` bytes, to the end of the area or the next unread place. Raises ``Unread``,
        ``Ended``.
        """
        data = self.peek(position, size)
        if not data and size:
            if position < self.size:
                raise Unread(position)
            raise Ended(self.size)
        return data

    def head(self, position: int, size: int) -> bytes:
        """Up to ``size`` bytes, fewer only at the end of the area. Raises ``Unread``."""
        data = self.peek(position, size)
        if len(data) < min(size, self.size - position):
            raise Unread(position + len(data))
        return data

    def take(self, position: int, size: int) -> bytes:
        """Exactly ``size`` bytes. Raises ``Unread``, ``Ended``."""
        data = self.head(position, size)
        if len(data) < size:
            raise Ended(position + len(data))
        return data

    def need(self, end: int) -> int:
        """``end`` when the area reaches so far. Raises ``Ended``."""
        if end > self.size:
            raise Ended(self.size)
        return end

    def u8(self, position: int) -> int:
        """One byte."""
        return self.take(position, 1)[0]

    def u16(self, position: int) -> int:
        """Little-endian 16 bits."""
        return int.from_bytes(self.take(position, 2), "little")

    def u32(self, position: int) -> int:
        """Little-endian 32 bits."""
        return int.from_bytes(self.take(position, 4), "little")

    def u64(self, position: int) -> int:
        """Little-endian 64 bits."""
        return int.from_bytes(self.take(position, 8), "little")

    def b16(self, position: int) -> int:
        """Big-endian 16 bits."""
        return int.from_bytes(self.take(position, 2), "big")

    def b24(self, position: int) -> int:
        """Big-endian 24 bits."""
        return int.from_bytes(self.take(position, 3), "big")

    def b32(self, position: int) -> int:
        """Big-endian 32 bits."""
        return int.from_bytes(self.take(position, 4), "big")

    def b64(self, position: int) -> int:
        """Big-endian 64 bits."""
        return int.from_bytes(self.take(position, 8), "big")

    def holed(self, position: int, size: int) -> bool:
        """Whether any byte there is unread."""
        return self.reader.source.holes.overlaps(self.start + position, self.start + position + size)

    def first_hole(self, position: int, size: int) -> int | None:
        """The first unread byte there."""
        part = self.reader.source.holes.clip(self.start + position, self.start + position + size)
        return int(part.starts[0]) - self.start if part else None

    def crc32(self, position: int, size: int, crc: int = 0) -> int:
        """zlib's CRC-32 of a stretch. Raises ``Unread``, ``Ended``."""
        end = position + size
        while position < end:
            data = self.take(position, min(1 << 20, end - position))
            crc = zlib.crc32(data, crc)
            position += len(data)
        return crc

    def find(self, pattern: bytes, position: int, most: int) -> int | None:
        """Where ``pattern`` stands first in the next ``most`` bytes. Raises ``Unread`` when a hole comes first."""
        end = min(self.size, position + most)
        while position + len(pattern) <= end:
            size = min(256 << 10, end - position)
            data, hole = self.reader.read(self.start + position, size)
            at = data.find(pattern)
            if at >= 0 and (hole is None or self.start + position + at + len(pattern) <= hole):
                return position + at
            if hole is not None:
                raise Unread(hole - self.start)
            position += max(1, len(data) - len(pattern) + 1)
        return None
