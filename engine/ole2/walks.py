"""Structure checks of well-known streams: does the content walk as its format says. Each reads a bounded amount."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.source import Source

_MAX_RECORDS = 200_000
_WINDOW = 1 << 20


@dataclass(frozen=True, slots=True)
class Walk:
    """``good``: True walks to its end, False does not, None nobody can tell (unread, encrypted, unknown). ``reached``
    is
    the first byte that was not understood; ``words`` say what was seen."""

    good: bool | None
    reached: int
    words: str


class _Reader:
    """Bytes of a source through a window; ``None`` where a hole or the end is in the way."""

    def __init__(self, source: Source) -> None:
        self.source, self._low, self._data = source, 0, b""
        self._holes: tuple[tuple[int, int], ...] = ()

    def get(self, offset: int, size: int) -> bytes | None:
        if offset < self._low or offset + size > self._low + len(self._data):
            reading = self.source.read(offset, max(size, _WINDOW if offset else 65536))
            self._low, self._data, self._holes = offset, reading.data, reading.holes
            if len(self._data) < size:
                return None
        if any(low < offset + size and high > offset for low, high in self._holes):
            return None
        return self._data[offset - self._low : offset - self._low + size]


def walk_stream(name: str, source: Source) -> Walk | None:
    """The check for a stream of that name; None when there is none."""
    if name in ("Workbook", "Book"):
        return walk_biff(source)
    if name == "WordDocument":
        return walk_fib(source)
    if name == "PowerPoint Document":
        return walk_powerpoint(source)
    if name in ("\x05SummaryInformation", "\x05DocumentSummaryInformation"):
        return walk_properties(source)
    return None


def walk_biff(source: Source) -> Walk:
    """Excel: records from the first BOF to the EOF that ends the last sheet; zeros may follow."""
    reader = _Reader(source)
    at = depth = records = sheets = 0
    encrypted = False
    while records < _MAX_RECORDS:
        head = reader.get(at, 4)
        if head is None:
            if at >= source.size and depth == 0 and records:
                return Walk(True, at, f"{records} records, {sheets} parts")
            return Walk(None if at < source.size and source.holes else False, at, "the records are cut off")
        kind, size = struct.unpack("<HH", head)
        if depth == 0 and (kind, size) == (0, 0) and records:
            return Walk(True, at, f"{records} records, {sheets} parts, then zeros")
        if size > 8228 or (depth == 0 and kind != 0x0809) or kind == 0:
            return Walk(False, at, f"no record at {at} after {records} good ones")
        encrypted |= kind == 0x002F
        depth += (kind == 0x0809) - (kind == 0x000A)
        sheets += kind == 0x0809
        records += 1
        at += 4 + size
        if at > source.size:
            return Walk(False, at, "the last record is cut off")
    return Walk(True, at, f"the first {records} records" + (", encrypted" if encrypted else ""))


def walk_fib(source: Source) -> Walk:
    """Word: the file information block, its lengths against the stream's."""
    data = _Reader(source).get(0, 0x60)
    if data is None:
        return Walk(None if source.holes else False, 0, "its first bytes are not there")
    magic, version, flags = struct.unpack_from("<HHxxxxxxH", data)
    if magic not in (0xA5EC, 0xA5DC):
        return Walk(False, 0, "the file information block's signature is missing")
    first, last = struct.unpack_from("<II", data, 0x18)
    end = struct.unpack_from("<I", data, 0x40)[0] if version >= 0xC1 else last
    if end > source.size + 512 or first > source.size:
        return Walk(False, 0x40, f"it speaks of {end} bytes, there are {source.size}")
    table = "1Table" if flags & 0x200 else "0Table"
    return Walk(True, min(end, source.size), f"file information block of version {version:#x}, table stream {table}")


def walk_powerpoint(source: Source) -> Walk:
    """PowerPoint: top-level records to the end."""
    reader = _Reader(source)
    at = records = 0
    while at + 8 <= source.size and records < _MAX_RECORDS:
        head = reader.get(at, 8)
        if head is None:
            return Walk(None, at, "a part was never read")
        _, kind, size = struct.unpack("<HHI", head)
        if not 0x03E8 <= kind <= 0xF200 or at + 8 + size > source.size:
            if records and not any(head):
                return Walk(True, at, f"{records} records, then zeros")
            return Walk(False, at, f"no record at {at} after {records} good ones")
        at += 8 + size
        records += 1
    return Walk(records > 0, at, f"{records} records")


def walk_properties(source: Source) -> Walk:
    """A property set: byte order, sections inside the stream, properties inside their sections."""
    reader = _Reader(source)
    head = reader.get(0, min(source.size, 68))
    if head is None or len(head) < 48:
        return Walk(None if source.holes else False, 0, "its first bytes are not there")
    mark, _, _, _, count = struct.unpack_from("<HHI16sI", head)
    if mark != 0xFFFE or not 1 <= count <= 4:
        return Walk(False, 0, "not a property set")
    end = 0
    for number in range(count):
        entry = reader.get(28 + 20 * number, 20)
        if entry is None:
            return Walk(False, 28 + 20 * number, "a section's entry is cut off")
        offset = struct.unpack_from("<I", entry, 16)[0]
        section = reader.get(offset, 8)
        if section is None:
            return Walk(None if source.holes else False, offset, "a section is not there")
        size, properties = struct.unpack("<II", section)
        if offset + size > source.size + 3 or properties * 8 + 8 > max(size, 8):
            return Walk(False, offset, "a section is longer than the stream")
        end = max(end, offset + size)
    return Walk(True, end, f"{count} section{'s' if count > 1 else ''} of properties")
