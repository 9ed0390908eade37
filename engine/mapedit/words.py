"""Places and amounts in few words that lose nothing: ``1.5 GiB`` only where it is exactly that, else bytes."""

from __future__ import annotations

from collections.abc import Sequence

from engine.mapfile.model import Mapfile
from engine.mapfile.status import CHARS
from engine.ranges import MAX_POSITION, RangeSet
from engine.text import format_size

_UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def exact(size: int) -> str:
    """``1.5 GiB``, ``12 KiB``, ``1573377 B``: the largest unit that says it exactly with at most one decimal."""
    for factor, unit in _UNITS:
        if size >= factor and size * 10 % factor == 0:
            tenths = size * 10 // factor
            if tenths < 100_000:
                return f"{tenths // 10}.{tenths % 10} {unit}" if tenths % 10 else f"{tenths // 10} {unit}"
    return f"{size} B"


def amount_words(size: int) -> str:
    """``12 KiB`` where that is exact, else the nearest: ``1.5 MiB``."""
    shown = exact(size)
    return format_size(size) if shown.endswith(" B") else shown


def place(position: int) -> str:
    """An offset: ``0``, ``1.5 GiB``, ``1573377``, ``the end`` for 2^63-1."""
    if position >= MAX_POSITION:
        return "the end"
    return exact(position).removesuffix(" B")


def span(start: int, end: int) -> str:
    """``1.5 GiB-2 GiB``."""
    return f"{place(start)}-{place(end)}"


def spans(ranges: RangeSet, most: int = 2) -> str:
    """The first ranges by their ends, the rest counted: ``0-4 KiB, 8 KiB-12 KiB and 7 more``."""
    pairs = zip(ranges.starts[:most].tolist(), ranges.ends[:most].tolist(), strict=True)
    shown = ", ".join(span(start, end) for start, end in pairs)
    more = len(ranges) - most
    return f"{shown} and {more} more" if more > 0 else shown or "nothing"


def line_words(position: int, phase: str, current_pass: int) -> str:
    """A status line as ddrescue writes it: ``0x03C20000 ? 1``."""
    return f"0x{position:08X} {phase} {current_pass}"


def line_of(map_: Mapfile) -> str:
    """The status line of a map in words."""
    return line_words(map_.position, map_.phase, map_.current_pass)


def was(amounts: Sequence[int]) -> str:
    """What a place held, from bytes per status code: ``12 KiB -, rest *``; one status alone has no amount."""
    held = sorted((amount, CHARS[code]) for code, amount in enumerate(amounts) if amount)
    if not held:
        return "nothing"
    parts = [f"{amount_words(amount)} {char}" for amount, char in held[:-1]]
    return ", ".join([*parts, f"rest {held[-1][1]}" if parts else held[-1][1]])
