"""What a person types in the map editor: offsets, ranges, status lines, types. Pure; errors are ``UsageError``."""

from __future__ import annotations

import re

from engine.errors import UsageError
from engine.mapfile.status import CHARS, char_of, is_phase
from engine.text import parse_range, parse_size, safe_text

_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,9}))?\s*%\Z")
_ALIGN = re.compile(r"(\d+)\s*sectors?\Z")


def parse_offset(text: str, *, here: int, start: int, end: int) -> int:
    """A place in ``[start, end)``, in bytes: ``1G``, ``0x1000``, ``2048s``, ``50%`` of the domain, ``+1M`` and ``-1M``
    from ``here`` on, ``.`` for here. Raises ``UsageError`` for what lies outside."""
    text = text.strip()
    if text == ".":
        return here
    share = _PERCENT.match(text)
    if share is not None:
        digits = share.group(2) or ""
        parts, whole = int(share.group(1) + digits), int("100" + "0" * len(digits))
        if parts > whole:
            raise UsageError("there is nothing beyond 100 %")
        return min(start + (end - start) * parts // whole, max(start, end - 1))
    if text[:1] in ("+", "-"):
        distance = parse_size(text[1:])
        found = here + distance if text[0] == "+" else here - distance
    else:
        found = parse_size(text)
    if not start <= found < end:
        raise UsageError(f"{safe_text(text, 40)} is outside of the map", advice=f"it reaches from {start} to {end}")
    return found


def parse_span(text: str, *, here: int, start: int, end: int) -> tuple[int, int]:
    """A range as (start, end): ``START-END``, ``START+SIZE``, ``+SIZE`` from ``here`` on, ``-SIZE`` up to it, and
    ``START-`` or ``-`` to the end of the map."""
    text = text.strip()
    if text == "-":
        return start, end
    if text[:1] in ("+", "-"):
        size = parse_size(text[1:])
        found = (here, here + size) if text[0] == "+" else (here - size, here)
    elif text.endswith("-"):
        found = parse_size(text[:-1]), end
    else:
        found = parse_range(text)
    if not start <= found[0] < found[1] <= end:
        raise UsageError(f"{safe_text(text, 40)} is not inside the map", advice=f"it reaches from {start} to {end}")
    return found


def parse_statuses(text: str) -> str:
    """Some of the five statuses: their letters in any order, ``all``, ``gaps`` (not finished) or ``failed``."""
    word = text.strip().lower()
    known = {"all": CHARS, "gaps": "?*/-", "failed": "*/-", "": CHARS}.get(word)
    if known is not None:
        return known
    if all(char in CHARS for char in word):
        return "".join(char for char in CHARS if char in word)
    return char_of(word)


def parse_types(text: str) -> tuple[str, str]:
    """``OLD NEW`` or ``OLD,NEW`` as ddrescuelog's -a takes them."""
    old, separator, new = text.strip().replace(",", " ").partition(" ")
    new = new.strip()
    if not separator or not old or not new or " " in new or not set(old + new) <= set(CHARS):
        raise UsageError(
            f"{safe_text(text, 40)!r} is no change of types", advice="write OLD NEW, such as */ ? or *- ??"
        )
    return old, new


def parse_line(text: str, *, position: int, phase: str, current_pass: int) -> tuple[int, str, int]:
    """A status line ``POSITION STATUS PASS``; what is left out at the end stays as it is."""
    words = text.split()
    if not 1 <= len(words) <= 3:
        raise UsageError("a status line is POSITION STATUS PASS", advice="such as 0x03C20000 ? 1")
    position = parse_size(words[0])
    if len(words) > 1:
        phase = words[1]
        if not is_phase(phase):
            raise UsageError(f"{safe_text(phase, 10)!r} is no status", advice="use ? * / - F G or +")
    if len(words) > 2:
        if not words[2].isascii() or not words[2].isdigit() or not 1 <= int(words[2]) < 1 << 31:
            raise UsageError(f"{safe_text(words[2], 20)!r} is no pass", advice="passes count from 1")
        current_pass = int(words[2])
    return position, phase, current_pass


def parse_distance(text: str) -> int:
    """``+1M`` (up), ``-1M`` (down); without a sign up."""
    text = text.strip()
    distance = parse_size(text[1:] if text[:1] in ("+", "-") else text)
    return -distance if text[:1] == "-" else distance


def parse_unit(text: str, sector: int) -> int:
    """What to align to, in bytes: a power of two such as ``4K``, or ``8 sectors`` of the source."""
    counted = _ALIGN.match(text.strip())
    unit = int(counted.group(1)) * sector if counted is not None else parse_size(text)
    if unit < 1 or unit & (unit - 1):
        raise UsageError(f"{unit} is no power of two", advice="write 512, 4K, 64K, 1M or 8 sectors")
    return unit
