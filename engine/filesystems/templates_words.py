"""What several templates of file systems say of their fields."""

from __future__ import annotations

from typing import Any

from engine.template import Context, Note
from engine.times import FORMATS, read

_FORMS = {form.name: form for form in FORMATS}


def date(form: str) -> Note:
    """Bytes that are a date of that form."""

    def meaning(value: bytes, _context: Context) -> str:
        got = read(_FORMS[form], value)
        return f"{got.text} {got.zone}".strip() or f"no date: {got.problem}"

    return Note(meaning)


def unix(value: int, _context: Context) -> str:
    """Seconds since 1970."""
    if not value:
        return "unset"
    got = read(_FORMS["Unix 32 LE"], value.to_bytes(4, "little"))
    return f"{got.text} UTC"


def number(value: int, _context: Context) -> str:
    """As it is."""
    return str(value)


def hexed(value: int, _context: Context) -> str:
    """In hex."""
    return f"0x{value:x}"


def flags(names: dict[int, str]) -> Note:
    """Bits by name."""

    def meaning(value: int, _context: Context) -> str:
        known = [name for bit, name in names.items() if value & bit]
        rest = value & ~sum(names)
        return ", ".join([*known, *([f"0x{rest:x}"] if rest else [])]) or "none"

    return Note(meaning)


def exactly(wanted: Any, words: str) -> Note:
    """A field with one right value."""
    return Note("", critical=True, expected=words, check=lambda value, _: None if value == wanted else f"not {words}")


def utf16(value: bytes, _context: Context) -> str:
    """UTF-16, little endian, up to its end."""
    return value[: len(value) - len(value) % 2].decode("utf-16-le", "replace").partition("\0")[0]
