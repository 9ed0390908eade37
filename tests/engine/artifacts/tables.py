"""Writes dBASE tables of every family, as their programs lay them out."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

Cell = bytes


@dataclass(frozen=True)
class Col:
    name: str
    type: str
    length: int
    decimals: int = 0
    flags: int = 0


def record(columns: Sequence[Col], cells: Sequence[Cell], deleted: bool = False) -> bytes:
    """One record; text is padded on the right, numbers on the left."""
    made = b"*" if deleted else b" "
    for column, cell in zip(columns, cells, strict=True):
        assert len(cell) <= column.length, column
        made += cell.rjust(column.length) if column.type in "NF" else cell.ljust(column.length)
    return made


def standard(
    columns: Sequence[Col], rows: Sequence[bytes], *, version: int = 0x03, code_page: int = 0x03, end: bytes = b"\x1a",
    date: tuple[int, int, int] = (2005, 3, 14), count: int | None = None, garbage: bool = False, backlink: bytes = b"",
) -> bytes:  # fmt: skip
    """dBASE III to V, Clipper, FoxPro, Visual FoxPro (0x30 to 0x32 with their backlink)."""
    foxpro = version in (0x30, 0x31, 0x32)
    fields, at = b"", 1
    for column in columns:
        name = column.name.encode("cp437").ljust(11, b"\0")
        if garbage and len(column.name) < 9:
            name = (column.name.encode() + b"\0\xfe\x1bX").ljust(11, b"?")[:11]
        length, high = column.length & 255, column.length >> 8 or column.decimals
        fields += name + column.type.encode() + struct.pack("<I", at if foxpro else 0)
        fields += bytes([length, high, column.flags]) + bytes(13)
        at += column.length
    header_length = 32 + len(fields) + 1 + (263 if foxpro else 0)
    head = struct.pack("<4BIHH", version, date[0] - 1900, date[1], date[2], len(rows) if count is None else count,
                       header_length, at)  # fmt: skip
    memo = any(column.type in "MGP" for column in columns)
    head += bytes(16) + bytes([2 if foxpro and memo else 0, code_page]) + bytes(2)
    return head + fields + b"\r" + (backlink.ljust(263, b"\0") if foxpro else b"") + b"".join(rows) + end


def dbase2(columns: Sequence[Col], rows: Sequence[bytes]) -> bytes:
    """dBASE II: records at 521, the file padded with 0x1A."""
    length = 1 + sum(column.length for column in columns)
    head = struct.pack("<BHBBBH", 2, len(rows), 7, 21, 84, length)
    for column in columns:
        head += column.name.encode().ljust(11, b"\0") + column.type.encode() + bytes([column.length]) + b"\x34\x12"
        head += bytes([column.decimals])
    head = (head + (b"\r" if len(columns) < 32 else b"")).ljust(521, b"\0")
    made = head + b"".join(rows)
    return made + b"\x1a" * (128 - len(made) % 128)


def level7(columns: Sequence[Col], rows: Sequence[bytes], *, version: int = 0x04, driver: bytes = b"DB850US0",
           properties: bytes = b"") -> bytes:  # fmt: skip
    """dBASE 7: longer descriptors, a block of properties before the rows."""
    fields = b""
    for column in columns:
        fields += column.name.encode().ljust(32, b"\0") + column.type.encode()
        fields += bytes([column.length, column.decimals]) + bytes(13)
    header_length = 68 + len(fields) + 1 + len(properties)
    at = 1 + sum(column.length for column in columns)
    head = struct.pack("<4BIHH", version, 103, 2, 28, len(rows), header_length, at) + bytes(20)
    return head + driver.ljust(32, b"\0") + bytes(4) + fields + b"\r" + properties + b"".join(rows) + b"\x1a"


def dbt3(texts: Sequence[bytes]) -> bytes:
    """A dBASE III memo file: the first text is block 1."""
    body = b""
    for text in texts:
        entry = text + b"\x1a\x1a"
        body += entry.ljust(-(-len(entry) // 512) * 512, b"\0")
    return struct.pack("<I", 1 + len(body) // 512).ljust(512, b"\0") + body


def dbt4(texts: Sequence[bytes], block: int = 512) -> bytes:
    """A dBASE IV memo file."""
    body = b""
    for text in texts:
        entry = b"\xff\xff\x08\0" + struct.pack("<I", len(text) + 8) + text
        body += entry.ljust(-(-len(entry) // block) * block, b"\0")
    head = struct.pack("<I", 1 + len(body) // block) + bytes(4) + b"TABLE".ljust(12, b"\0")
    head += struct.pack("<HH", block, 0)
    return head.ljust(block, b"\0") + body


def fpt(texts: Sequence[tuple[int, bytes]], block: int = 64) -> tuple[bytes, list[int]]:
    """A FoxPro memo file of (type, content), and the block numbers."""
    body, numbers = b"", []
    for kind, text in texts:
        numbers.append((512 + len(body)) // block)
        entry = struct.pack(">II", kind, len(text)) + text
        body += entry.ljust(-(-len(entry) // block) * block, b"\0")
    return struct.pack(">IHH", (512 + len(body)) // block, 0, block).ljust(512, b"\0") + body, numbers


PEOPLE = (Col("NAME", "C", 20), Col("BORN", "D", 8), Col("PAID", "N", 9, 2), Col("MEMBER", "L", 1))


def people(count: int = 30) -> list[bytes]:
    """Rows of names, dates, amounts and truths; each seventh is deleted."""
    names = [b"Anna Schmidt", b"Bob", b"Charlotte Evans-Hill", b"Dieter M\x81ller", b"Eve"]
    return [
        record(PEOPLE, (names[at % 5], b"19%02d%02d%02d" % (50 + at % 50, 1 + at % 12, 1 + at % 28),
                        b"%d.%02d" % (at * 37, at % 100), b"TF?"[at % 3 : at % 3 + 1]), deleted=at % 7 == 6)
        for at in range(count)
    ]  # fmt: skip
