"""Where to go, as a person writes it."""

from __future__ import annotations

from engine.errors import UsageError
from engine.text import parse_size, safe_text

FORMS = "1G, 0x1000, 1F0h, 2048s, 50%, end, +1M, -1s"


def parse_place(text: str, *, now: int, size: int, sector_size: int = 512) -> int:
    """The offset that ``text`` names in a source of ``size`` bytes.

    Bytes in decimal, ``0x`` or with a trailing ``h`` in hex; K, M, G, T; ``2048s`` in sectors of ``sector_size``;
    ``50%`` of the source; ``end`` its last byte; ``+`` and ``-`` count from ``now``. Raises ``UsageError``: no such
    form, or outside of the source.
    """
    word = text.strip()
    sign = word[:1] if word[:1] in "+-" else ""
    body = word[1:].strip() if sign else word
    if not body:
        raise UsageError("that is no place", advice=f"write one of {FORMS}")
    if not sign and body.lower() == "end":
        place = size - 1
    elif not sign and body.endswith("%"):
        place = _percent(body[:-1], size)
    else:
        distance = _distance(body, sector_size)
        place = now - distance if sign == "-" else now + distance if sign else distance
    if not 0 <= place < size:
        where = "begins at 0" if place < 0 else f"has {size} bytes"
        raise UsageError("that lies outside of the source", offset=max(0, place), advice=f"it {where}")
    return place


def _percent(text: str, size: int) -> int:
    whole, _, part = text.strip().partition(".")
    digits = whole + part
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise UsageError(f"{safe_text(text, 40)}% is no share", advice="write 0% to 100%")
    unit = int("1" + "0" * len(part))
    return min(max(0, size - 1), size * int(digits) // (100 * unit))


def _distance(text: str, sector_size: int) -> int:
    if text[-1:] in ("h", "H") and len(text) <= 17 and not text.lower().startswith("0x"):
        try:
            value = int(text[:-1], 16)
        except ValueError as error:
            raise UsageError(f"{safe_text(text, 40)!r} is no hex number", advice=f"write one of {FORMS}") from error
        return value
    if text[-1:] == "s":
        return parse_size(text[:-1]) * sector_size
    return parse_size(text)
