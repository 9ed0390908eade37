"""A field's bytes as a value."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from engine.artifacts.dbf.memo import Memo, MemoError
from engine.artifacts.dbf.model import FieldDef, Header, Value
from engine.times import NotADate
from engine.times.civil import check_date
from engine.times.counts import julian


class BadValue(ValueError):
    """The bytes are no value of the field's type; the text says why."""


Made = Callable[["Reader", FieldDef, bytes], Value]


@dataclass(frozen=True, slots=True)
class Reader:
    """What values need besides their bytes."""

    header: Header
    encoding: str
    memo: Memo | None = None

    def value(self, field: FieldDef, raw: bytes) -> Value:
        """The value of a field. Raises ``BadValue``."""
        return self.of(field)(self, field, raw)

    @staticmethod
    def of(field: FieldDef) -> Made:
        """What reads the fields of that type."""
        return _READERS.get(field.type, Reader._text)

    def text(self, raw: bytes) -> str:
        """Text in the table's code page; what it cannot read stays visible."""
        return raw.decode(self.encoding, "replace")

    def _text(self, _field: FieldDef, raw: bytes) -> str:
        return self.text(raw.rstrip(b" \0"))

    def _number(self, _field: FieldDef, raw: bytes) -> Value:
        text = raw.strip(b" \0\t")
        if not text or text == b".":
            return None
        if not text.strip(b"*"):
            raise BadValue("overflow: the number did not fit")
        try:
            return number(text.decode("ascii"))
        except ValueError as error:
            raise BadValue("no number") from error

    def _date(self, _field: FieldDef, raw: bytes) -> Value:
        if raw.isdigit() and raw != b"00000000":
            year, month, day = int(raw[:4]), int(raw[4:6]), int(raw[6:])
            try:
                check_date(year, month, day)
            except NotADate as error:
                raise BadValue(f"no date: {error}") from error
            return f"{year:04d}-{month:02d}-{day:02d}"
        if not raw.strip(b" \0") or raw == b"00000000":
            return None
        raise BadValue("no date: no digits")

    def _logical(self, _field: FieldDef, raw: bytes) -> Value:
        if raw in (b"T", b"t", b"Y", b"y", b"F", b"f", b"N", b"n"):
            return raw in (b"T", b"t", b"Y", b"y")
        if raw in (b"?", b" ", b"\0"):
            return None
        raise BadValue("neither true nor false")

    def _integer(self, _field: FieldDef, raw: bytes) -> Value:
        if self.header.family == "level7":
            return _inverted(raw)
        found: int = struct.unpack("<i", raw)[0]
        return found

    def _counter(self, _field: FieldDef, raw: bytes) -> Value:
        return _inverted(raw)

    def _double(self, field: FieldDef, raw: bytes) -> Value:
        if field.length == 8 and self.header.is_foxpro:
            return _finite(struct.unpack("<d", raw)[0])
        return self._pointed(field, raw)

    def _level7_double(self, _field: FieldDef, raw: bytes) -> Value:
        bits = int.from_bytes(raw, "big")
        if not bits:
            return None
        bits = bits ^ (1 << 63) if bits >> 63 else bits ^ (1 << 64) - 1
        return _finite(struct.unpack(">d", bits.to_bytes(8, "big"))[0])

    def _money(self, _field: FieldDef, raw: bytes) -> Value:
        value = int.from_bytes(raw, "little", signed=True)
        sign, (whole, part) = "-" if value < 0 else "", divmod(abs(value), 10_000)
        return number(f"{sign}{whole}.{part:04d}")

    def _datetime(self, _field: FieldDef, raw: bytes) -> Value:
        if not any(raw) or not raw.strip():
            return None
        try:
            return julian(raw).text
        except NotADate as error:
            raise BadValue(f"no time: {error}") from error

    def _level7_time(self, _field: FieldDef, raw: bytes) -> Value:
        """Sources disagree about this one: a day number and milliseconds, as other numbers of level 7 are stored."""
        if not any(raw):
            return None
        day, ms = _inverted(raw[:4]), _inverted(raw[4:])
        try:
            return julian(struct.pack("<II", day, ms)).text + " (uncertain)"
        except (NotADate, struct.error) as error:
            raise BadValue("no time") from error

    def _pointed(self, field: FieldDef, raw: bytes) -> Value:
        """A block number in the memo file, in digits or as four bytes."""
        if field.length == 4:
            block = int.from_bytes(raw, "little")
        else:
            digits = raw.strip(b" \0")
            if digits and not digits.isdigit():
                raise BadValue("no block number")
            block = int(digits or b"0")
        if not block:
            return None
        if self.memo is None:
            raise BadValue(f"memo block {block}: there is no memo file")
        try:
            data = self.memo.read(block)
        except MemoError as error:
            raise BadValue(str(error)) from error
        if field.type == "M" and not field.flags & 4:
            return self.text(data.rstrip(b"\0"))
        return f"<binary, {len(data)} bytes>"

    def _binary(self, _field: FieldDef, raw: bytes) -> Value:
        return raw.hex(" ")


def number(text: str) -> Value:
    """An int, a float that says exactly this, or the text of a number that no float says."""
    plain = text.replace(",", ".", 1) if "," in text else text
    if plain.isascii() and plain.lstrip("+-").isdecimal():
        return int(plain)
    value = float(plain)
    if value != value or value in (float("inf"), float("-inf")) or "_" in plain:
        raise ValueError(text)
    digits = (plain.rstrip("0") if "." in plain else plain).lstrip("+-").replace(".", "").lstrip("0")
    return value if len(digits) <= 15 else plain


def _inverted(raw: bytes) -> int:
    """Big endian with the sign bit inverted."""
    return int.from_bytes(raw, "big") - (1 << (8 * len(raw) - 1))


def _finite(value: float) -> float:
    if value != value or value in (float("inf"), float("-inf")):
        raise BadValue("no finite number")
    return value


_READERS: dict[str, Made] = {
    "N": Reader._number, "F": Reader._number, "D": Reader._date, "L": Reader._logical, "I": Reader._integer,
    "+": Reader._counter, "B": Reader._double, "O": Reader._level7_double,
    "Y": Reader._money, "T": Reader._datetime, "@": Reader._level7_time, "M": Reader._pointed, "G": Reader._pointed,
    "P": Reader._pointed, "W": Reader._pointed, "Q": Reader._binary, "0": Reader._binary,
}  # fmt: skip
