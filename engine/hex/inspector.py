"""What the bytes at a place could be: numbers in both orders, dates in every form, text, addresses."""

from __future__ import annotations

import ipaddress
import math
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.text import safe_text
from engine.times import FORMATS, DateReading, read

MOST = 32
"""How many bytes the inspector looks at."""
Kind = Literal["number", "text", "date"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the bytes. ``value`` is safe to print; ``likely`` tells plausible from the rest."""

    kind: Kind
    name: str
    size: int
    value: str
    likely: bool = True


def inspect(data: bytes) -> list[Reading]:
    """Everything that ``data`` is long enough for: numbers, text, then dates with the plausible ones first.

    ``data`` is content from the place on, at most ``MOST`` bytes of it are looked at; it ends where a hole begins.
    """
    data = data[:MOST]
    dates = [date_reading(read(form, data)) for form in FORMATS if len(data) >= form.size]
    dates.sort(key=lambda one: not one.likely)
    return [*_numbers(data), *_words(data), *dates]


def date_reading(date: DateReading) -> Reading:
    """A date as the inspector shows it."""
    if date.problem is not None:
        value = f"no date: {date.problem}"
    else:
        value = f"{date.text} {date.zone}".rstrip()
    return Reading("date", date.name, date.size, value, date.plausible)


def _numbers(data: bytes) -> Iterator[Reading]:
    if data:
        yield Reading("number", "u8 / i8", 1, _both(data[0], 8))
        yield Reading("number", "bits", 1, f"{data[0]:08b}")
    for size in (2, 3, 4, 6, 8):
        if len(data) < size:
            break
        for order in ("little", "big"):
            value = int.from_bytes(data[:size], "little" if order == "little" else "big")
            yield Reading("number", f"u{8 * size} {'LE' if order == 'little' else 'BE'}", size, _both(value, 8 * size))
    for size, code, name in ((4, "f", "f32"), (8, "d", "f64")):
        if len(data) >= size:
            for order, word in (("<", "LE"), (">", "BE")):
                number: float = struct.unpack(order + code, data[:size])[0]
                likely = number == 0 or (math.isfinite(number) and 1e-9 < abs(number) < 1e15)
                yield Reading("number", f"{name} {word}", size, f"{number:.9g}", likely)


def _both(value: int, bits: int) -> str:
    """Unsigned, and signed where that differs."""
    return str(value) if value < 1 << (bits - 1) else f"{value} / {value - (1 << bits)}"


def _words(data: bytes) -> Iterator[Reading]:
    if len(data) >= 3:
        head, sector, cylinder = data[0], data[1] & 63, data[2] | (data[1] & 0xC0) << 2
        yield Reading("number", "CHS", 3, f"{cylinder}/{head}/{sector}", sector > 0)
    if len(data) >= 4:
        yield Reading("number", "IPv4", 4, str(ipaddress.IPv4Address(data[:4])), data[0] not in (0, 255))
        digits = "".join(f"{one:02x}" for one in data[:4])
        yield Reading("number", "BCD", 4, digits if digits.isdecimal() else "not decimal", digits.isdecimal())
    if len(data) >= 16:
        first, second, third = struct.unpack("<IHH", data[:8])
        tail = data[8:16].hex()
        yield Reading("text", "GUID", 16, f"{first:08x}-{second:04x}-{third:04x}-{tail[:4]}-{tail[4:]}")
    for name, encoding, unit in (("UTF-8", "utf-8", 1), ("Latin-1", "cp1252", 1), ("UTF-16 LE", "utf-16-le", 2),
                                 ("UTF-16 BE", "utf-16-be", 2)):  # fmt: skip
        text = _text(data, encoding, unit)
        if text:
            yield Reading("text", name, len(text.encode(encoding)), safe_text(text), len(text) > 3)


def _text(data: bytes, encoding: str, unit: int) -> str:
    """The printable characters at the beginning, in that encoding."""
    text = data[: len(data) - len(data) % unit].decode(encoding, "replace")
    for number, char in enumerate(text):
        if char == "\ufffd" or not char.isprintable():
            return text[:number]
    return text


def entropy(data: bytes) -> float:
    """Bits per byte, 0 to 8: near 8 is compressed, encrypted or random; plain text has 4 to 5."""
    if not data:
        return 0.0
    total = len(data)
    return abs(sum(count / total * math.log2(total / count) for count in Counter(data).values()))


def surroundings(data: bytes, sector: bytes) -> list[Reading]:
    """What begins at a place, by signature and by the structures that rooms know, and the entropy of its sector.

    ``data`` is content from the place on (some KiB of it), ``sector`` the content of the sector around it.
    """
    from engine.carve.signatures import table
    from engine.hex.registry import guess

    found = []
    kinds = [one for one in table() if data[one.offset :] and one.matches(data[one.offset :])]
    if kinds:
        words = ", ".join(dict.fromkeys(f"{one.kind} ({one.category})" for one in kinds))
        found.append(Reading("text", "file type", max(len(one.magic) for one in kinds), words))
    name = guess(data)
    if name is not None:
        found.append(Reading("text", "structure", 1, name))
    if sector:
        found.append(Reading("number", "entropy", len(sector), f"{entropy(sector):.2f} of 8 bits"))
    return found
