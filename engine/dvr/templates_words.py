"""What the templates of recorder structures share: structures by the offsets of their fields, and common meanings."""

from __future__ import annotations

from typing import Any

from construct import Bytes, Construct, Struct

from engine.dvr.words import western
from engine.template import Context, Note
from engine.template.model import Meaning
from engine.text import format_exact

__all__ = ["at", "counted", "hexed", "laid", "number", "one_of", "place", "text"]


def laid(size: int, *fields: tuple[int, str, Construct]) -> Struct:
    """A structure of ``size`` bytes from (offset, name, type); what is not named between is ``unknown_<offset>``."""
    parts: list[Any] = []
    position = 0
    for offset, name, kind in sorted(fields, key=lambda one: one[0]):
        if offset < position:
            raise ValueError(f"{name} at {offset} overlaps what ends at {position}")
        if offset > position:
            parts.append(f"unknown_{position}" / Bytes(offset - position))
        parts.append(name / kind)
        position = offset + int(kind.sizeof())
    if position > size:
        raise ValueError(f"{position} bytes of fields in {size}")
    if position < size:
        parts.append(f"unknown_{position}" / Bytes(size - position))
    return Struct(*parts)


def number(value: int, _context: Context) -> str:
    """Decimal."""
    return str(value)


def hexed(value: int, _context: Context) -> str:
    """Hexadecimal."""
    return f"0x{value:x}"


def text(value: bytes, _context: Context) -> str:
    """A name in Windows-1252."""
    return western(value)


def counted(unit: int, what: str) -> Meaning:
    """So many units, and their bytes."""
    return lambda value, _: f"{value} {what}, {format_exact(value * unit)}"


def place(unit: int, empty: str = "none") -> Meaning:
    """A block number, and the byte where it stands."""
    return lambda value, _: f"byte {value * unit} (0x{value * unit:x})" if value else empty


def at(unit: int) -> Note:
    """A block that has to lie in the source."""

    def right(value: int, context: Context) -> str | None:
        size = context.facts.get("source_size")
        return "behind the end" if size is not None and value * unit >= size else None

    return Note(place(unit), critical=True, check=right)


def one_of(words: dict[int, str], expected: str = "", *, critical: bool = False) -> Note:
    """A code with its meanings; any other is wrong."""
    return Note(
        lambda value, _: words.get(value, "not known"), critical, expected,
        lambda value, _: None if value in words else "not known",
    )  # fmt: skip
