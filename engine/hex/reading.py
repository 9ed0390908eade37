"""The bytes of a source for a screen: read in pages, each with the stretches that nobody has read and their status."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.cases import open_source
from engine.cases.subject import Subject
from engine.errors import RefusedError, RescueError, outside
from engine.source import Source
from engine.source.base import ReadError

if TYPE_CHECKING:
    from engine.mapfile import Mapfile

PAGE = 1 << 16
"""Bytes of a page."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Bytes ``[start, end)`` that are no content. ``letter`` is ddrescue's status of them (``-`` also for what the
    medium refused just now)."""

    start: int
    end: int
    letter: str


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the source. The bytes of ``data`` inside ``unread`` are filler, never content."""

    offset: int
    data: bytes
    unread: tuple[Unread, ...] = ()

    @property
    def end(self) -> int:
        """First byte behind it."""
        return self.offset + len(self.data)

    def letter_at(self, offset: int) -> str | None:
        """The status letter of a byte that nobody has read; None for content."""
        for one in self.unread:
            if one.start <= offset < one.end:
                return one.letter
        return None


class Bytes:
    """An opened subject. Its methods may be called from any thread; ``close`` ends it."""

    def __init__(
        self, source: Source, map: Mapfile | None = None, shift: int = 0, *, piece: int | None = None
    ) -> None:
        """``map`` tells the status of what is a hole in ``source``; ``shift`` is where the source begins in it.
        ``piece``: read so many bytes at once, from a drive."""
        self._piece = piece
        self.source = source
        self._map, self._shift = map, shift
        self.size, self.sector_size, self.path = source.size, source.sector_size, source.path

    @property
    def mapped(self) -> bool:
        """Whether a map says what was read."""
        return self._map is not None

    @property
    def unread_bytes(self) -> int:
        """How many bytes nobody has read."""
        return self.source.holes.total

    def page(self, number: int) -> Page:
        """Page ``number``; empty behind the end. A read that fails makes the page unread instead of raising."""
        return self.read(number * PAGE, PAGE)

    @property
    def patient(self) -> bool:
        """Whether the bytes come from a drive itself."""
        return self._piece is not None

    def read(self, offset: int, size: int) -> Page:
        """Bytes from ``offset``; what the medium refuses is unread with the status of a bad sector.

        From a drive they are read piece by piece; after two pieces that failed the rest is not tried.
        """
        return self._read(offset, size) if self._piece is None else self._read_pieces(offset, size, self._piece)

    def _read_pieces(self, offset: int, size: int, piece: int) -> Page:
        data = b""
        unread: list[Unread] = []
        end = min(offset + size, self.size)
        for at in range(offset, end, piece):
            length = min(piece, end - at)
            if sum(one.letter == "-" for one in unread) >= 2:
                unread.append(Unread(at, end, "?"))
                data += bytes(end - at)
                break
            page = self._read(at, length)
            data += page.data
            unread += page.unread
        return Page(offset, data, tuple(unread))

    def _read(self, offset: int, size: int) -> Page:
        try:
            reading = self.source.read(offset, size)
        except ReadError:
            end = min(offset + size, self.size)
            return Page(offset, bytes(max(0, end - offset)), (Unread(offset, end, "-"),))
        return Page(offset, reading.data, self.unread(reading.holes))

    def unread(self, holes: Sequence[tuple[int, int]]) -> tuple[Unread, ...]:
        """Holes with their statuses by the map; ``?`` where the map does not reach, or where there is none."""
        found: list[Unread] = []
        for start, end in holes:
            at = start
            if self._map is not None:
                for block in self._map.runs(start + self._shift, end + self._shift):
                    low, high = block.start - self._shift, block.end - self._shift
                    if low > at:
                        found.append(Unread(at, low, "?"))
                    found.append(Unread(max(low, start), min(high, end), "?" if block.status == "+" else block.status))
                    at = high
            if at < end:
                found.append(Unread(at, end, "?"))
        return tuple(found)

    def close(self) -> None:
        """Give the descriptors back."""
        self.source.close()


def open_bytes(subject: Subject, *, patient: bool = False) -> Bytes:
    """Open what is looked at. Raises ``RescueError``.

    A block device is refused (code ``device``) unless ``patient``: then a process of its own reads it, with a limit.
    """
    image = subject.image
    try:
        mode = os.stat(image).st_mode
    except OSError as error:
        raise outside(error, "cannot open the image", image) from error
    if stat.S_ISBLK(mode) and patient:
        from engine.hex.patient import PIECE, PatientSource

        return Bytes(PatientSource(image), piece=PIECE)
    if not stat.S_ISREG(mode):
        raise RefusedError(
            "devices are not read here", code="device", path=image,
            advice="image it first; rescuedeck hex reads a device on the command line",
        )  # fmt: skip
    source = open_source(subject.path, map=subject.map, window=subject.window)
    try:
        map = None
        where = subject.map_path
        if where is not None:
            from engine.mapfile import read_map

            map = read_map(where)
    except RescueError:
        source.close()
        raise
    return Bytes(source, map, 0 if subject.window is None else subject.window[0])
