"""Templates for the hex view: the header and directory entries.

Facts that a walk may be given: ``sectors`` (how many the file has).
"""

from __future__ import annotations

from engine.ole2 import structs
from engine.ole2.structs import END, FREE, KINDS, MAX_REGULAR, NO_ENTRY, SIGNATURE
from engine.template import Context, Note, Shape, Template


def _hex(value: int, _context: Context) -> str:
    return f"0x{value:x}"


def _sector(value: int, _context: Context) -> str:
    words = {END: "none (end of chain)", FREE: "none (free)", 0xFFFFFFFD: "mark: FAT", 0xFFFFFFFC: "mark: DIFAT"}
    return words.get(value, f"sector {value}")


def _exists(value: int, context: Context) -> str | None:
    sectors = context.facts.get("sectors")
    if value > MAX_REGULAR or sectors is None or value < int(sectors):
        return None
    return f"there are only {sectors} sectors"


def _must_exist(value: int, context: Context) -> str | None:
    return "no sector number" if value > MAX_REGULAR else _exists(value, context)


def _count(value: int, context: Context) -> str | None:
    sectors = context.facts.get("sectors")
    return f"more than the {sectors} sectors there are" if sectors is not None and value > int(sectors) else None


def _is(wanted: int | bytes, words: str, meaning: str = "") -> Note:
    return Note(meaning, expected=words, check=lambda value, _: None if value == wanted else f"not {words}")


def _one_of(values: tuple[int, ...], words: str, meaning: str = "", *, critical: bool = False) -> Note:
    def check(value: int, _context: Context) -> str | None:
        return None if value in values else f"not {words}"

    return Note(meaning, critical=critical, expected=words, check=check)


def _slot(value: int, context: Context) -> str | None:
    return _exists(value, context)


HEADER = Template(
    "ole2-header",
    "OLE2 header",
    structs.HEADER,
    {
        "signature": _is(SIGNATURE, "D0 CF 11 E0 A1 B1 1A E1"),
        "class_id": _is(bytes(16), "zeros"),
        "minor_version": Note(_hex, expected="003E or 003B in most files"),
        "major_version": _one_of((3, 4), "3 or 4", critical=True),
        "byte_order": _is(0xFFFE, "FFFE", "little-endian"),
        "sector_shift": _one_of((9, 12), "9 or 12", critical=True),
        "mini_sector_shift": _is(6, "6", "64 bytes"),
        "reserved": _is(bytes(6), "zeros"),
        "directory_sectors": Note("0 in version 3", critical=True, check=_count),
        "fat_sectors": Note("FAT (SAT) sectors", critical=True, check=_count),
        "directory_start": Note(_sector, critical=True, check=_must_exist),
        "transaction": Note("any value opens"),
        "mini_cutoff": _is(4096, "4096"),
        "mini_fat_start": Note(_sector, critical=True, check=_exists),
        "mini_fat_sectors": Note("mini FAT (SSAT) sectors", critical=True, check=_count),
        "difat_start": Note(_sector, critical=True, check=_exists),
        "difat_sectors": Note("DIFAT (MSAT) sectors", critical=True, check=_count),
        "difat[]": Note(_sector, critical=True, check=_slot),
    },
)


def _name(value: bytes, context: Context) -> str:
    length = int(context.values.get("name_length", 0))
    return value[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")


def _kind(value: int, _context: Context) -> str:
    return KINDS.get(value, "unknown")


def _link(value: int, _context: Context) -> str:
    return "none" if value == NO_ENTRY else f"entry {value}"


def _used(context: Context) -> bool:
    return bool(context.values.get("type"))


def _length(value: int, context: Context) -> str | None:
    if not _used(context):
        return None
    return None if value % 2 == 0 and 2 <= value <= 64 else "even, 2 to 64"


def _place(value: int, context: Context) -> str:
    if context.values.get("type") == structs.STREAM and int(context.values.get("size", 0)) < structs.CUTOFF:
        return f"mini sector {value}" if value <= MAX_REGULAR else "none"
    return _sector(value, context)


def _time(value: int, _context: Context) -> str:
    from datetime import UTC, datetime, timedelta

    if not value:
        return "none"
    try:
        return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 10)).isoformat()
    except OverflowError:
        return "no possible time"


_NOTES: dict[str, Note] = {
    "name": Note(_name, expected="UTF-16, ended by a zero"),
    "name_length": Note("bytes with the zero", expected="even, 2 to 64", check=_length),
    "type": Note(_kind, critical=True, check=lambda value, _: None if value in (0, 1, 2, 5) else "no such type"),
    "colour": Note(lambda value, _: {0: "red", 1: "black"}.get(value, "?"),
                   check=lambda value, _: None if value <= 1 else "0 or 1"),
    "left": Note(_link, critical=True),
    "right": Note(_link, critical=True),
    "child": Note(_link, critical=True),
    "class_id": Note("class id"),
    "created": Note(_time),
    "modified": Note(_time),
    "start": Note(_place, critical=True),
    "size": Note("bytes (the upper half does not count in version 3)", critical=True),
}  # fmt: skip

DIRECTORY = Template("ole2-directory", "OLE2 directory entries", structs.ENTRY, _NOTES, repeated=True)

TEMPLATES: dict[str, Template | Shape] = {one.name: one for one in (HEADER, DIRECTORY)}


def guess(data: bytes) -> str | None:
    """The template for bytes of unknown kind: a header by its signature, directory entries by their form."""
    from engine.ole2.evidence import ROW, directory_row

    if data[:8] == SIGNATURE:
        return HEADER.name
    return DIRECTORY.name if len(data) >= ROW and directory_row(data[:ROW]) else None
