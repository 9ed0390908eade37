"""The small things in a management file: dates, times, texts, stream formats."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from engine.dvr.dvdvr.model import Format
from engine.dvr.words import padded, text

Order = Literal["big", "little"]
_FIELD_525, _FIELD_625 = 1001 / 60000, 1 / 50
_CHARSETS = {0x00: "ascii", 0x01: "ascii", 0x11: "iso8859-1", 0x12: "shift_jis", 0x13: "cp949", 0x14: "utf-16-be"}


def packed_time(data: bytes | None) -> datetime | None:
    """Five bytes: year 14 bits, month 4, day 5, hour 5, minute 6, second 6. None when not set or impossible."""
    if data is None:
        return None
    bits = int.from_bytes(data, "big")
    year, month, day = bits >> 26, bits >> 22 & 15, bits >> 17 & 31
    if not 1980 <= year < 2100:
        return None
    try:
        return datetime(year, month, day, bits >> 12 & 31, bits >> 6 & 63, bits & 63)  # noqa: DTZ001 - no zone
    except ValueError:
        return None


def stream_format(video: int) -> Format:
    """From the video word: TV system (field length) and aspect."""
    return Format(_FIELD_625 if video >> 12 & 3 == 1 else _FIELD_525, {0: "4:3", 1: "16:9"}.get(video >> 10 & 3, ""))


def disc_text(raw: bytes, charset: int | None) -> str:
    """A name field in the disc's character set; None: not told (Panasonic's hard disks)."""
    body = padded(raw if charset == 0x14 else raw.partition(b"\0")[0])
    if not body:
        return ""
    if charset == 0x14 and len(body) % 2:
        body += b"\0"
    for codec in _codecs(body, charset):
        try:
            return text(body.decode(codec))
        except UnicodeDecodeError:
            continue
    return text(body.decode("cp1252", "replace"))


def _codecs(body: bytes, charset: int | None) -> list[str]:
    if charset == 0x10:
        return ["iso2022_jp" if b"\x1b" in body else "ascii", "shift_jis", "cp1252"]
    if charset in _CHARSETS:
        return [_CHARSETS[charset], "cp1252"]
    # A lone accented letter between ASCII ones reads as half of a Japanese character too.
    high = [number for number, byte in enumerate(body) if byte >= 0x80]
    lone = all(body[number] >= 0xC0 and number + 1 not in high for number in high)
    return ["ascii", "cp1252", "shift_jis"] if lone else ["ascii", "shift_jis", "cp1252"]


def best_name(first: bytes, second: bytes, charset: int | None) -> str:
    """Of a programme's two name fields: the one in the disc's character set when it says more than the ASCII one."""
    one, two = disc_text(first, 0x00 if charset is not None else None), disc_text(second, charset)
    return two if two and two != one else one
