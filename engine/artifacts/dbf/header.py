"""The three kinds of headers, and the tests that tell whether one is right.

Sources: dBASE and Visual FoxPro table structures as published, and tables in the wild.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from engine.artifacts.dbf.model import FLAGS, FOXPRO, TYPES, VERSIONS, Family, FieldDef, Header
from engine.errors import Problem
from engine.text import safe_text
from engine.times import NotADate
from engine.times.civil import check_date

MOST = 1 << 16
"""A header is never longer."""
BACKLINK = 263
DBASE2_RECORDS = 521
_STARTS: dict[Family, tuple[int, int]] = {"dbase2": (8, 16), "standard": (32, 32), "level7": (68, 48)}
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NAME_BYTES = frozenset(_LETTERS + b"0123456789_:") | frozenset(range(128, 256))
_FIXED = {"D": (8,), "L": (1,), "T": (8,), "Y": (8,), "@": (8,), "O": (8,), "+": (4,), "I": (4,), "M": (4, 10),
          "G": (4, 10), "P": (4, 10), "W": (4,), "B": (8, 10)}  # fmt: skip


def parse_header(data: bytes, size: int) -> Header:
    """The header at the beginning of ``data`` (up to ``MOST`` bytes) of a table of ``size`` bytes.

    All three families are tried; the one with the fewest failing tests is taken. Never raises: what is wrong stands in
    ``problems``.
    """
    data = data[:MOST]
    first: Family = "dbase2" if data[:1] == b"\x02" else "level7" if data[:1] in (b"\x04", b"\x8c") else "standard"
    families: list[Family] = [first, *(one for one in ("standard", "level7", "dbase2") if one != first)]
    tried = [_parse(data, size, family) for family in families]
    return min(tried, key=lambda header: (len(header.problems), -len(header.fields)))


def _parse(data: bytes, size: int, family: Family) -> Header:
    data = data.ljust(68, b"\0")
    if family == "dbase2":
        records, month, day, year, record_length = struct.unpack_from("<HBBBH", data, 1)
        header = Header(data[0], family, _date(year, month, day), records, DBASE2_RECORDS, record_length, ())
    else:
        year, month, day, records, header_length, record_length = struct.unpack_from("<3BIHH", data, 1)
        header = Header(
            data[0], family, _date(year, month, day), records, header_length, record_length, (),
            table_flags=data[28], code_page=data[29], encrypted=data[15] == 1, incomplete=data[14] == 1,
            driver=safe_text(data[32:64].partition(b"\0")[0].decode("latin-1")) if family == "level7" else "",
        )  # fmt: skip
    start, step = _STARTS[family]
    fields = list(descriptors(data, family))
    header = replace(header, fields=_with_lengths(fields, header.record_length, family))
    if family == "standard":
        link = start + step * len(fields) + 1
        if header.version in FOXPRO and data[link : link + 1] != b"\0":
            path = data[link : link + BACKLINK].partition(b"\0")[0]
            header = replace(header, backlink=safe_text(path.decode("cp1252", "replace")))
    return replace(header, problems=tuple(check(header, data, size)))


def _date(year: int, month: int, day: int) -> tuple[int, int, int] | None:
    full = (2000 if year < 80 else 1900) + year
    try:
        check_date(full, month, day)
    except NotADate:
        return None
    return full, month, day


def descriptors(data: bytes, family: Family) -> Iterator[FieldDef]:
    """The field descriptors from their place on, as long as they are valid."""
    at, step = _STARTS[family]
    most = 32 if family == "dbase2" else 255
    offset = 1
    for _ in range(most):
        raw = data[at : at + step]
        if len(raw) < step or raw[:1] == b"\r":
            return
        field = _descriptor(raw, family, offset)
        if field is None:
            return
        yield field
        offset += field.length
        at += step


def _descriptor(raw: bytes, family: Family, offset: int) -> FieldDef | None:
    width = 32 if family == "level7" else 11
    name = raw[:width].partition(b"\0")[0]
    if not name or not (chr(name[0]).isalpha() or name[:1] == b"_"):
        return None
    if min(name) < 32 if family == "level7" else not set(name) <= _NAME_BYTES:
        return None
    if family == "dbase2":
        kind, length, decimals, flags = chr(raw[11]), raw[12], raw[15], 0
        legal = kind in "CNL"
    elif family == "level7":
        kind, length, decimals, flags = chr(raw[32]), raw[33], raw[34], 0
        legal = kind in TYPES
    else:
        kind, length, decimals, flags = chr(raw[11]), raw[16], raw[17], raw[18]
        legal = kind in TYPES
    if not legal or (length == 0 and not (kind == "C" and decimals)):
        return None
    if kind in _FIXED and length not in _FIXED[kind] and family != "dbase2":
        return None
    if kind in "NF" and length > 32:
        return None
    text = safe_text(name.decode("cp437"))
    return FieldDef(text, kind, length, decimals, offset, flags)


def _with_lengths(fields: list[FieldDef], record_length: int, family: Family) -> tuple[FieldDef, ...]:
    """Offsets, and the high byte of long character fields where only that fits the record's length."""
    if family == "standard" and record_length != 1 + sum(field.length for field in fields):
        longer = [replace(field, length=field.length | field.decimals << 8, decimals=0) if field.type == "C" else field
                  for field in fields]  # fmt: skip
        if record_length == 1 + sum(field.length for field in longer):
            fields = longer
    return placed(fields)


def placed(fields: list[FieldDef]) -> tuple[FieldDef, ...]:
    """The fields with their offsets, one after the other."""
    made, offset = [], 1
    for field in fields:
        made.append(replace(field, offset=offset))
        offset += field.length
    return tuple(made)


def lengths_of(header: Header, count: int) -> set[int]:
    """The header lengths that fit ``count`` fields."""
    if header.family == "dbase2":
        return {DBASE2_RECORDS}
    plain = 32 + 32 * count + 1
    return {plain + BACKLINK} if header.version in FOXPRO else {plain, plain + 1, plain + BACKLINK}


def check(header: Header, data: bytes, size: int) -> Iterator[Problem]:
    """The tests of a valid header that fail. ``data`` holds as much of the table as is at hand."""
    start, step = _STARTS[header.family]
    end = start + step * len(header.fields)
    if header.version not in VERSIONS or (header.version == 0x02) != (header.family == "dbase2"):
        yield Problem("version", f"0x{header.version:02X} is no version of this kind of header", 0)
    if header.updated is None and any(data[3:6] if header.family == "dbase2" else data[1:4]):
        yield Problem("date", "the date of the last change is none", 1)
    count = len(header.fields)
    if header.family == "level7":
        if not end < header.header_length:
            yield Problem("header-length", f"it ends before its fields: {header.header_length}", 8)
    elif header.header_length not in lengths_of(header, count):
        yield Problem("header-length", f"{header.header_length} does not fit {count} fields", 8)
    full = header.family == "dbase2" and count == 32
    if data[end : end + 1] != b"\r" and not full:
        yield Problem("fields", f"field {count + 1} is damaged, or their end is not marked", end)
    if not count and header.record_length != 1:
        yield Problem("fields", "there is no field", start)
    total = 1 + sum(field.length for field in header.fields)
    if header.record_length != total:
        yield Problem("record-length", f"{header.record_length}, but the fields have {total}", 10)
    length = header.record_length
    if length:
        room = (size - header.header_length) // length if size >= header.header_length else 0
        if header.records > room + 1:
            yield Problem("records", f"{header.records} records do not fit, there is room for {room}", 4)
        for number in range(min(16, header.records, room)):
            at = header.header_length + number * length
            if at < len(data) and data[at] not in FLAGS:
                yield Problem("rows", f"record {number + 1} does not begin with a flag", at)
                return
