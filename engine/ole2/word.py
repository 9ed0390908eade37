"""Text out of a Word document, with its table stream by pieces, without it by what the header says, else by what looks
like text.

Sources: the MS-DOC specification (FIB, Clx, piece table).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_MAX_CHARS = 64 << 20
_MARKS = {7: "\t", 11: "\n", 12: "\n\n", 13: "\n", 30: "-", 31: "", 160: " "}
_RUN16 = re.compile(rb"(?:[\x20-\x7e\xa0-\xff\x09\x0a\x0d]\x00){8,}")
_RUN8 = re.compile(rb"[\x20-\x7e\xa0-\xff\x09\x0a\x0d]{24,}")


@dataclass(frozen=True, slots=True)
class Text:
    """``how`` is ``pieces`` (exact), ``header`` (one run that the header names) or ``search`` (what looks like text);
    ``lost`` counts characters that were never read."""

    text: str
    how: str
    lost: int = 0


def word_text(main: bytes, table: bytes | None, holes: tuple[tuple[int, int], ...] = ()) -> Text:
    """The text of a document from its WordDocument stream and its table stream; characters in ``holes`` of the main
    stream come out as a mark, never as nothing."""
    if len(main) >= 0x1AA and table is not None:
        place, length = struct.unpack_from("<II", main, 0x1A2)
        pieces = _pieces(table[place : place + length]) if length and place + length <= len(table) else None
        if pieces:
            parts = [_decode(main, offset, count, wide, holes) for offset, count, wide in pieces]
            if any(text for text, _ in parts):
                return Text(_clean("".join(text for text, _ in parts)), "pieces", sum(lost for _, lost in parts))
    if len(main) >= 0x50 and struct.unpack_from("<H", main)[0] in (0xA5EC, 0xA5DC):
        first, last = struct.unpack_from("<II", main, 0x18)
        (count,) = struct.unpack_from("<i", main, 0x4C)
        if 0x200 <= first < last <= len(main) and count > 0:
            wide = last - first >= 2 * count
            text, lost = _decode(main, first, min(count, _MAX_CHARS), wide, holes)
            if text.strip():
                return Text(_clean(text), "header", lost)
    return Text(_search(main), "search", sum(high - low for low, high in holes))


def _pieces(clx: bytes) -> list[tuple[int, int, bool]] | None:
    """(offset, characters, 16-bit) of each piece."""
    at = 0
    while at + 3 <= len(clx) and clx[at] == 1:
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if at + 5 > len(clx) or clx[at] != 2:
        return None
    (size,) = struct.unpack_from("<I", clx, at + 1)
    plc = clx[at + 5 : at + 5 + size]
    count = (len(plc) - 4) // 12
    if count < 1:
        return None
    ends = struct.unpack_from(f"<{count + 1}I", plc)
    out = []
    for number in range(count):
        (place,) = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * number + 2)
        chars = ends[number + 1] - ends[number]
        if chars < 0 or chars > _MAX_CHARS:
            return None
        packed = bool(place & 0x40000000)
        out.append(((place & 0x3FFFFFFF) // 2, chars, False) if packed else (place & 0x3FFFFFFF, chars, True))
    return out


def _decode(main: bytes, offset: int, count: int, wide: bool, holes: tuple[tuple[int, int], ...]) -> tuple[str, int]:
    size = count * (2 if wide else 1)
    data = main[offset : offset + size]
    encoding = "utf-16-le" if wide else "cp1252"
    out, at, lost = [], 0, 0
    for low, high in holes:
        low, high = max(low - offset, at), min(high - offset, len(data))
        if high <= low:
            continue
        out.append(data[at:low].decode(encoding, "replace"))
        missing = (high - low) // (2 if wide else 1)
        out.append(f"\n[{missing} characters were never read]\n")
        lost += missing
        at = high + ((high - low) % 2 if wide else 0)
    out.append(data[at:].decode(encoding, "replace"))
    if len(data) < size:
        lost += (size - len(data)) // (2 if wide else 1)
    return "".join(out), lost


def _clean(text: str) -> str:
    """Word's marks as plain text; field codes go, their results stay."""
    text = re.sub("\x13[^\x13\x14\x15]*\x14?", "", text[:_MAX_CHARS]).replace("\x15", "")
    return "".join(
        _MARKS.get(ord(char), char) if ord(char) >= 32 or char in "\t\n\r\x07\x0b\x0c" else "" for char in text
    )


def _search(main: bytes) -> str:
    wide = [match.group().decode("utf-16-le", "replace") for match in _RUN16.finditer(main)]
    narrow = [match.group().decode("cp1252", "replace") for match in _RUN8.finditer(main)]
    best = wide if sum(map(len, wide)) >= sum(map(len, narrow)) else narrow
    return _clean("\n".join(best))
