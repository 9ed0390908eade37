"""Pictures inside streams, by their signatures and to their own ends: JPEG, PNG, GIF, EMF, WMF (placeable), DIB in
blips."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_START = re.compile(
    rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|GIF8[79]a|\x01\x00\x00\x00.{36} EMF|\xd7\xcd\xc6\x9a", re.S
)
_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Picture:
    """``[start, end)`` of the stream; ``whole`` when its own end was found."""

    extension: str
    start: int
    end: int
    whole: bool


def pictures(data: bytes) -> Iterator[Picture]:
    """Every picture in a stream, none inside another."""
    at = count = 0
    while count < _MAX:
        match = _START.search(data, at)
        if match is None:
            return
        start = match.start()
        found = _measure(data, start)
        if found is None:
            at = start + 1
            continue
        yield found
        count += 1
        at = max(found.end, start + 1)


def _measure(data: bytes, start: int) -> Picture | None:
    head = data[start : start + 4]
    if head[:3] == b"\xff\xd8\xff":
        return _jpeg(data, start)
    if head == b"\x89PNG":
        return _png(data, start)
    if head == b"GIF8":
        return _gif(data, start)
    if head == b"\x01\0\0\0":
        (size,) = struct.unpack_from("<I", data, start + 48) if start + 52 <= len(data) else (0,)
        return Picture("emf", start, min(start + size, len(data)), start + size <= len(data)) if size >= 88 else None
    if start + 28 <= len(data):  # placeable metafile: its header says how many words follow
        (words,) = struct.unpack_from("<I", data, start + 22 + 6) if start + 32 <= len(data) else (0,)
        end = start + 22 + 2 * words
        return Picture("wmf", start, min(end, len(data)), end <= len(data)) if 9 <= words < 1 << 28 else None
    return None


def _jpeg(data: bytes, start: int) -> Picture | None:
    at, seen = start + 2, 0
    while at + 4 <= len(data) and seen < 4096:
        if data[at] != 0xFF:
            return None if seen < 2 else Picture("jpg", start, at, False)
        marker = data[at + 1]
        if marker == 0xD9:
            return Picture("jpg", start, at + 2, True)
        if marker in (0x01, *range(0xD0, 0xD8), 0xFF):
            at += 1 if marker == 0xFF else 2
            continue
        size = struct.unpack_from(">H", data, at + 2)[0]
        if size < 2:
            return None
        at += 2 + size
        seen += 1
        if marker == 0xDA:  # the scan: up to the next marker that is none of restart and stuffing
            match = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(data, at)
            if match is None:
                return Picture("jpg", start, len(data), False)
            at = match.start()
    return Picture("jpg", start, min(at, len(data)), False) if seen >= 2 else None


def _png(data: bytes, start: int) -> Picture:
    at = start + 8
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size > 1 << 30 or not kind.isalpha():
            return Picture("png", start, at, False)
        at += 12 + size
        if kind == b"IEND":
            return Picture("png", start, min(at, len(data)), at <= len(data))
    return Picture("png", start, len(data), False)


def _gif(data: bytes, start: int) -> Picture | None:
    if start + 13 > len(data):
        return None
    flags = data[start + 10]
    at = start + 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while at < len(data):
        sort = data[at]
        if sort == 0x3B:
            return Picture("gif", start, at + 1, True)
        if sort == 0x21:
            at += 2
        elif sort == 0x2C and at + 10 <= len(data):
            local = data[at + 9]
            at += 11 + (3 << ((local & 7) + 1) if local & 0x80 else 0)
        else:
            return Picture("gif", start, at, False)
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return Picture("gif", start, len(data), False)
