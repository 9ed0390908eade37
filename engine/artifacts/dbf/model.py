"""What a table's header says, and a row of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import Problem

Family = Literal["dbase2", "standard", "level7"]
Value = str | int | float | bool | None

VERSIONS: dict[int, tuple[str, str]] = {
    0x02: ("dBASE II", ""), 0x03: ("dBASE III+, FoxBASE+ or Clipper", ""), 0x04: ("dBASE 7", ""),
    0x05: ("dBASE V", ""), 0x07: ("Visual Objects 1.x", ""), 0x30: ("Visual FoxPro", "fpt"),
    0x31: ("Visual FoxPro with autoincrement", "fpt"), 0x32: ("Visual FoxPro with varchar or varbinary", "fpt"),
    0x43: ("dBASE IV SQL table", ""), 0x63: ("dBASE IV SQL system", ""), 0x7B: ("dBASE IV with memo", "dbt4"),
    0x83: ("dBASE III+ or FoxBASE+ with memo", "dbt3"), 0x87: ("Visual Objects 1.x with memo", "dbt3"),
    0x8B: ("dBASE IV with memo", "dbt4"), 0x8C: ("dBASE 7 with memo", "dbt4"),
    0x8E: ("dBASE IV SQL table with memo", "dbt4"), 0xCB: ("dBASE IV SQL table with memo", "dbt4"),
    0xE5: ("Clipper SIX (HiPer-Six) with memo", "smt"), 0xF5: ("FoxPro 2.x with memo", "fpt"),
    0xFB: ("FoxPro 2 or FoxBASE", "fpt"),
}  # fmt: skip
"""The version byte: product, and the layout of its memo file (empty: none)."""
FOXPRO = (0x30, 0x31, 0x32)
TYPES = "CNFDLMGPIBYT+O@VQW0"
FLAGS = b" *"
"""First byte of a record: live, deleted."""


@dataclass(frozen=True, slots=True)
class FieldDef:
    """A column: ``offset`` in the record (the first field is at 1). ``flags`` are FoxPro's: 1 system, 2 nullable,
    4 binary, 8 autoincrement. ``inferred``: made up from what stands in the rows."""

    name: str
    type: str
    length: int
    decimals: int
    offset: int
    flags: int = 0
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """As found. ``records`` is the count that the header tells; ``updated`` the last change (year, month, day), None
    when it is no date. ``problems`` are the tests of a valid header that fail."""

    version: int
    family: Family
    updated: tuple[int, int, int] | None
    records: int
    header_length: int
    record_length: int
    fields: tuple[FieldDef, ...]
    table_flags: int = 0
    code_page: int = 0
    driver: str = ""
    encrypted: bool = False
    incomplete: bool = False
    backlink: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def product(self) -> str:
        """The program by the version byte, ``unknown`` for other bytes."""
        return VERSIONS.get(self.version, ("unknown", ""))[0]

    @property
    def is_foxpro(self) -> bool:
        """Visual FoxPro: 4-byte block numbers, binary types, a backlink."""
        return self.version in FOXPRO

    @property
    def has_memo(self) -> bool:
        """Whether a memo file belongs to it."""
        memo_types = "MGPW" if self.is_foxpro else "MGPB"
        return any(field.type in memo_types for field in self.fields)


@dataclass(frozen=True, slots=True)
class Row:
    """A record. ``damaged``: a part of it was never read, or its flag is neither live nor deleted. ``problems`` are
    fields that hold something else than their type, as ``NAME: why``."""

    number: int
    offset: int
    deleted: bool
    damaged: bool
    values: tuple[Value, ...]
    problems: tuple[str, ...] = ()
