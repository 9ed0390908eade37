"""Text at the borders: strings from a disk made safe, sizes and offsets written and read."""

from __future__ import annotations

import re
import unicodedata

from engine.errors import UsageError

_MAX_TEXT = 4096
_MAX_MARKS = 8
# Invisible and direction-changing characters: they make a screen say something else than the bytes.
_HIDDEN = {
    *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0x00AD, 0x061C, 0x180E, 0xFEFF,
    *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080),
}  # fmt: skip
_PLAIN = re.compile(r"[ -~]*\Z")


def safe_text(value: str | bytes, limit: int = _MAX_TEXT) -> str:
    """The one way for a string from a disk to a screen, a log or a plain terminal.

    Control characters (C0, DEL, C1) become ``\\xNN``; hidden, direction and line separator characters ``\\uNNNN``; lone
    surrogates ``\\udcNN``; runs of combining marks are cut to 8 and the whole to ``limit`` characters. The result holds
    no newline. It may still hold markup brackets: widgets get it as plain text, never as markup.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    cut = len(value) > limit
    value = value[:limit]
    if not _PLAIN.match(value):
        value = _escape(value)
    return value + "..." if cut else value


def _is_hidden(char: str, number: int) -> bool:
    noncharacter = 0xFDD0 <= number <= 0xFDEF or number & 0xFFFE == 0xFFFE
    return number in _HIDDEN or noncharacter or unicodedata.category(char) in ("Cf", "Co", "Cn", "Cs")


def _escape(value: str) -> str:
    out: list[str] = []
    marks = 0
    for char in value:
        number = ord(char)
        if number < 0x20 or 0x7F <= number < 0xA0:
            out.append(f"\\x{number:02x}")
        elif _is_hidden(char, number):
            out.append(f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}")
        elif unicodedata.category(char) in ("Mn", "Me", "Mc"):
            marks += 1
            if marks <= _MAX_MARKS:
                out.append(char)
            continue
        else:
            out.append(char)
        marks = 0
    return "".join(out)


_IEC = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def format_size(size: int | float) -> str:
    """Bytes in binary units with at most four digits: ``512 B``, ``1.5 MiB``, ``931.5 GiB``."""
    value = float(size)
    if abs(value) < 1024:
        return f"{int(value)} B"
    for unit in _IEC[1:]:
        value /= 1024
        if abs(value) < 1023.95 or unit == _IEC[-1]:
            return f"{value:.1f} {unit}"
    raise AssertionError("unreachable")


def format_exact(size: int) -> str:
    """``931.5 GiB (1000204886016 B)``: the unit for people, the count beside it."""
    return f"{format_size(size)} ({size} B)" if abs(size) >= 1024 else f"{size} B"


def format_rate(rate: float | None) -> str:
    """Bytes per second, or ``-`` when unknown."""
    return "-" if rate is None else f"{format_size(rate)}/s"


def format_duration(seconds: float | None) -> str:
    """``45 s``, ``3 min 20 s``, ``2 h 05 min``, ``3 d 04 h``; ``-`` when unknown."""
    if seconds is None or seconds < 0:
        return "-"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def format_loss(seconds: float | None) -> str:
    """A duration that was lost, as ``format_duration``; less than a second is never shown as none: ``< 1 s``."""
    return "< 1 s" if seconds is not None and 0 < seconds < 1 else format_duration(seconds)


_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)\s*(s|[KMGT](?:i?B)?|B)?\Z")
_FACTORS = {"": 1, "B": 1, "s": 512, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int:
    """A byte count: decimal, ``0x`` hex, suffixes ``s`` (512-byte sectors), K, M, G, T (1024-based).

    Raises ``UsageError``.
    """
    match = _NUMBER.match(text.strip())
    if not match:
        raise UsageError(f"{safe_text(text, 60)!r} is not a size", advice="write 4096, 0x1000, 8s, 64K, 1M, 2G or 1T")
    suffix = match.group(2) or ""
    factor = _FACTORS[suffix if suffix == "s" else suffix[:1]]
    value = int(match.group(1), 0 if match.group(1)[:2].lower() == "0x" else 10) * factor
    if value >= 1 << 63:
        raise UsageError(f"{safe_text(text, 60)!r} is too large", advice="positions end at 2^63 - 1")
    return value


def parse_range(text: str) -> tuple[int, int]:
    """``START-END`` (end exclusive) or ``START+SIZE`` as (start, end) in bytes. Raises ``UsageError``."""
    for separator in "+-":
        first, found, second = text.partition(separator)
        if found:
            start, other = parse_size(first), parse_size(second)
            end = start + other if separator == "+" else other
            if end <= start:
                raise UsageError(f"the range {safe_text(text, 60)!r} is empty", advice="the end lies after the start")
            return start, end
    raise UsageError(f"{safe_text(text, 60)!r} is not a range", advice="write START-END or START+SIZE")
