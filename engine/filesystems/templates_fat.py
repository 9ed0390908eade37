"""Directories of FAT and exFAT: 32 bytes an entry, of several kinds."""

from __future__ import annotations

from construct import Bytes, Int8ul, Int16ul, Int32ul, Int64ul, Renamed, Struct

from engine.filesystems.templates_words import flags, hexed, number, utf16
from engine.template import Context, Note, Shape, Template
from engine.times import NotADate
from engine.times.fields import packed

_ENTRY = 32
_MOST = 4096
_ATTRIBUTES = {1: "read-only", 2: "hidden", 4: "system", 8: "volume label", 16: "directory", 32: "archive"}

_SHORT = Struct(
    "name" / Bytes(8), "extension" / Bytes(3), "attributes" / Int8ul, "case" / Int8ul, "created_10ms" / Int8ul,
    "created_time" / Int16ul, "created_date" / Int16ul, "accessed_date" / Int16ul, "cluster_high" / Int16ul,
    "modified_time" / Int16ul, "modified_date" / Int16ul, "cluster_low" / Int16ul, "size" / Int32ul,
)  # fmt: skip
_LONG = Struct(
    "sequence" / Int8ul, "name_1" / Bytes(10), "attributes" / Int8ul, "type" / Int8ul, "checksum" / Int8ul,
    "name_2" / Bytes(12), "zero" / Int16ul, "name_3" / Bytes(4),
)  # fmt: skip


def _date(value: int, _context: Context) -> str:
    return _packed(value, 0)[:10] if value else "unset"


def _packed(day: int, time: int) -> str:
    try:
        return packed(day, time, 1980).text
    except NotADate as error:
        return f"no date: {error}"


def _time_of(other: str) -> Note:
    """A time with the date beside it."""

    def meaning(value: int, context: Context) -> str:
        day = context.values.get(other, 0)
        return _packed(day, value) if isinstance(day, int) and day else "unset"

    return Note(meaning)


def _short_name(value: bytes, _context: Context) -> str:
    if value[:1] == b"\0":
        return "end of the directory"
    if value[:1] == b"\xe5":
        return "deleted: ?" + value[1:].decode("cp437").rstrip(" ")
    if value[:1] == b"\x05":
        value = b"\xe5" + value[1:]
    return value.decode("cp437").rstrip(" ")


def _cluster(value: int, context: Context) -> str:
    high = context.values.get("cluster_high", 0)
    return f"first cluster {(high << 16 if isinstance(high, int) else 0) | value}"


def _sequence(value: int, _context: Context) -> str:
    if value == 0xE5:
        return "deleted"
    return f"part {value & 0x3F}" + (", the last" if value & 0x40 else "")


_FAT_NOTES = {
    "name": Note(_short_name), "extension": Note(lambda value, _: value.decode("cp437").rstrip(" ")),
    "attributes": flags(_ATTRIBUTES), "case": Note(hexed),
    "created_time": _time_of("created_date"), "created_date": Note(_date), "accessed_date": Note(_date),
    "modified_time": _time_of("modified_date"), "modified_date": Note(_date), "cluster_low": Note(_cluster),
    "size": Note(lambda value, _: f"{value} bytes"),
    "sequence": Note(_sequence), "name_1": Note(utf16), "name_2": Note(utf16), "name_3": Note(utf16),
    "checksum": Note(hexed, expected="of the short name"),
}  # fmt: skip


def _fat(data: bytes) -> Template:
    parts = []
    for number_, at in enumerate(range(0, max(_ENTRY, len(data) - len(data) % _ENTRY), _ENTRY)):
        entry = data[at : at + _ENTRY]
        long = entry[11:12] and entry[11] & 0x3F == 0x0F and entry[0] != 0
        parts.append(Renamed(_LONG if long else _SHORT, newname=f"{'long' if long else 'entry'}[{number_}]"))
        if entry[:1] in (b"", b"\0"):
            break
    notes = {f"{kind}[].{name}": note for kind in ("entry", "long") for name, note in _FAT_NOTES.items()}
    return Template("fat-directory", "FAT directory", Struct(*parts), notes)


FAT_DIRECTORY = Shape("fat-directory", "FAT directory entries, with long names", _MOST, _fat)

_FILE = Struct(
    "type" / Int8ul, "secondary_count" / Int8ul, "set_checksum" / Int16ul, "attributes" / Int16ul,
    "reserved" / Bytes(2), "created" / Int32ul, "modified" / Int32ul, "accessed" / Int32ul, "created_10ms" / Int8ul,
    "modified_10ms" / Int8ul, "created_zone" / Int8ul, "modified_zone" / Int8ul, "accessed_zone" / Int8ul,
    "reserved_2" / Bytes(7),
)  # fmt: skip
_STREAM = Struct(
    "type" / Int8ul, "flags" / Int8ul, "reserved" / Int8ul, "name_length" / Int8ul, "name_hash" / Int16ul,
    "reserved_2" / Bytes(2), "valid_size" / Int64ul, "reserved_3" / Bytes(4), "first_cluster" / Int32ul,
    "size" / Int64ul,
)  # fmt: skip
_NAME = Struct("type" / Int8ul, "flags" / Int8ul, "name" / Bytes(30))
_LABEL = Struct("type" / Int8ul, "length" / Int8ul, "label" / Bytes(22), "reserved" / Bytes(8))
_AREA = Struct(
    "type" / Int8ul, "flags" / Int8ul, "reserved" / Bytes(18), "first_cluster" / Int32ul, "size" / Int64ul
)
_OTHER = Struct("type" / Int8ul, "data" / Bytes(31))
_EXFAT_KINDS = {
    0x05: ("file", _FILE), 0x40: ("stream", _STREAM), 0x41: ("name", _NAME), 0x03: ("label", _LABEL),
    0x01: ("bitmap", _AREA), 0x02: ("upcase", _AREA),
}  # fmt: skip
_EXFAT_NOTES = {
    "type": Note(lambda value, _: "end of the directory" if not value else "in use" if value & 0x80 else "deleted"),
    "attributes": flags(_ATTRIBUTES), "secondary_count": Note(number), "set_checksum": Note(hexed),
    "created": Note(lambda value, _: _packed(value >> 16, value & 0xFFFF)),
    "modified": Note(lambda value, _: _packed(value >> 16, value & 0xFFFF)),
    "accessed": Note(lambda value, _: _packed(value >> 16, value & 0xFFFF)),
    "flags": flags({1: "can be allocated", 2: "contiguous, no FAT chain"}),
    "name": Note(utf16), "label": Note(utf16), "size": Note(lambda value, _: f"{value} bytes"),
    "first_cluster": Note(number, critical=True),
}  # fmt: skip


def _exfat(data: bytes) -> Template:
    parts = []
    for number_, at in enumerate(range(0, max(_ENTRY, len(data) - len(data) % _ENTRY), _ENTRY)):
        kind = data[at] if at < len(data) else 0
        name, struct = _EXFAT_KINDS.get(kind & 0x7F, ("entry", _OTHER))
        parts.append(Renamed(struct, newname=f"{name}[{number_}]"))
        if kind == 0:
            break
    kinds = [name for name, _ in _EXFAT_KINDS.values()] + ["entry"]
    notes = {f"{kind}[].{name}": note for kind in kinds for name, note in _EXFAT_NOTES.items()}
    return Template("exfat-directory", "exFAT directory", Struct(*parts), notes)


EXFAT_DIRECTORY = Shape("exfat-directory", "exFAT directory entries", _MOST, _exfat)
