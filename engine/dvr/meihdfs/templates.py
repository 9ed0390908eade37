"""Templates of MEIHDFS: superblock, inode table, inode, directory entries."""

from __future__ import annotations

from construct import Array, Bytes, Int16ul, Int32ul, Int64ul, Struct

from engine.dvr.meihdfs.structs import BLOCK, GROUP, NAME_ENTRY, PAGE, RUNS, TABLE_ENTRIES, version_of
from engine.dvr.templates_words import at, counted, hexed, laid, number, one_of
from engine.template import Context, Note, Template
from engine.text import format_exact


def _management(value: int, _context: Context) -> str:
    group, block = value >> 16, value & 0xFFFF
    return f"block {block} of group {group}, byte {group * GROUP + block * BLOCK} of the file system" if value else ""


_SUPERBLOCK = Template(
    "meihdfs-superblock",
    "MEIHDFS superblock",
    laid(
        512,
        (0, "generation", Int32ul),
        (8, "signature", Bytes(12)),
        (0x18, "kind", Bytes(4)),
        (0x2C, "blocks", Int32ul),
        (0x30, "management_per_group", Int32ul),
        (0x34, "management", Array(64, Int32ul)),
    ),
    {
        "generation": Note(hexed),
        "signature": Note(
            lambda value, _: value.rstrip(b"\0").decode("ascii", "replace"),
            critical=True,
            expected="MEIHDFS-V2. or HDFS2. and a digit",
            check=lambda value, _: None if version_of(bytes(8) + value) else "no version that is known",
        ),
        "kind": Note(lambda value, _: value.rstrip(b"\0").decode("ascii", "replace"), expected="HDD"),
        "blocks": Note(counted(BLOCK, "blocks"), critical=True),
        "management_per_group": Note(number, expected="4"),
        "management[]": Note(_management),
    },
)

_TABLE = Template(
    "meihdfs-table",
    "MEIHDFS inode table",
    Struct(
        "generation" / Int32ul,
        "unknown" / Int32ul,
        "zero" / Bytes(8),
        "entries" / Array(TABLE_ENTRIES, Struct("page" / Int64ul, "one" / Int16ul, "one_too" / Int16ul)),
    ),
    {
        "generation": Note(number),
        "unknown": Note(hexed),
        "zero": Note("", expected="zeros", check=lambda value, _: "not zero" if any(value) else None),
        "entries[].page": Note(
            lambda value, _: f"{format_exact(value * PAGE)} behind the superblock" if value else "free", critical=True
        ),
        "entries[].one": one_of({0: "free", 1: "used"}, "1"),
        "entries[].one_too": one_of({0: "free", 1: "used"}, "1"),
    },
)


def _mode(value: int, _context: Context) -> str:
    kind = {0x81: "file", 0x41: "directory"}.get(value >> 8, "not known")
    return "root directory" if value == 0x41FF else f"{kind}, mode {value & 0o777:o}"


def _size(value: int, context: Context) -> str:
    mode = context.values.get("mode", 0)
    return f"{value} entries" if isinstance(mode, int) and mode >> 8 == 0x41 else format_exact(value)


_INODE = Template(
    "meihdfs-inode",
    "MEIHDFS inode",
    laid(
        PAGE,
        (0, "generation", Int32ul),
        (4, "number", Int32ul),
        (8, "factor", Int32ul),
        (0xC, "pages", Int32ul),
        (0x10, "size", Int64ul),
        (0x1C, "links", Int16ul),
        (0x1E, "mode", Int16ul),
        (0x28, "times", Array(3, Int32ul)),
        (0x100, "runs", Array(RUNS, Struct("block" / Int32ul, "offset" / Int32ul, "length" / Int32ul))),
    ),
    {
        "generation": Note(hexed),
        "number": Note(number, critical=True),
        "pages": Note(number, critical=True),
        "factor": Note(number, critical=True, expected="1; 0 counts as 1"),
        "size": Note(_size, critical=True),
        "links": one_of({1: "1"}, "1"),
        "mode": Note(
            _mode,
            critical=True,
            expected="0x81.. file, 0x41.. directory",
            check=lambda value, _: None if value >> 8 in (0x81, 0x41) else "neither file nor directory",
        ),
        "times[]": Note(lambda value, _: f"{value} s since 1980 (version 3: 1970)" if value else "not set"),
        "runs[].block": at(BLOCK),
        "runs[].offset": Note(number, expected="0"),
        "runs[].length": Note(counted(512, "sectors, times the factor"), critical=True),
    },
)

_NAMES = Template(
    "meihdfs-directory",
    "MEIHDFS directory entries",
    laid(NAME_ENTRY, (0, "inode", Int32ul), (4, "type", Int16ul), (6, "length", Int16ul), (8, "name", Bytes(24))),
    {
        "inode": Note(lambda value, _: "deleted" if value in (0, 0xFFFFFFFF) else str(value), critical=True),
        "type": one_of({1: "file", 2: "directory"}, critical=True),
        "length": Note(
            number, expected="1..24", check=lambda value, _: None if value <= 24 else "longer than the field"
        ),
        "name": Note(lambda value, _: value.partition(b"\0")[0].decode("ascii", "backslashreplace")),
    },
    repeated=True,
)
TEMPLATES = {one.name: one for one in (_SUPERBLOCK, _TABLE, _INODE, _NAMES)}
