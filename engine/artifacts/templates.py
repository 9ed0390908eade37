"""Templates of the small formats: dBASE headers, System Restore records, BlackBerry backups, IrRemote files."""

from __future__ import annotations

import struct
from typing import Any

from construct import Array, Bytes, Int8ul, Int16ub, Int16ul, Int32sl, Int32ul, Int64sl, Renamed, Struct

from engine.artifacts.dbf.codepages import encoding_of
from engine.artifacts.dbf.header import descriptors, parse_header
from engine.artifacts.dbf.model import FOXPRO, TYPES, VERSIONS
from engine.artifacts.restore_log import ENTRY_TYPES, MAGIC
from engine.template import Context, Note, Shape, Template
from engine.times import FORMATS, read

_FILETIME = next(form for form in FORMATS if form.name == "FILETIME LE")


def _number(value: int, _context: Context) -> str:
    return str(value)


def _utf16(value: bytes, _context: Context) -> str:
    return value[: len(value) - len(value) % 2].decode("utf-16-le", "replace").partition("\0")[0]


def _bits(names: dict[int, str]) -> Any:
    def meaning(value: int, _context: Context) -> str:
        return ", ".join(name for bit, name in names.items() if value & bit) or "none"

    return meaning


# -- dBASE

_STANDARD = (
    "version" / Int8ul, "updated" / Bytes(3), "records" / Int32ul, "header_length" / Int16ul, "record_length" / Int16ul,
    "reserved" / Bytes(2), "incomplete" / Int8ul, "encrypted" / Int8ul, "multi_user" / Bytes(12), "flags" / Int8ul,
    "code_page" / Int8ul, "reserved_2" / Bytes(2),
)  # fmt: skip
_FIELD = Struct("name" / Bytes(11), "type" / Bytes(1), "displacement" / Int32ul, "length" / Int8ul,
                "decimals" / Int8ul, "flags" / Int8ul, "next_autoincrement" / Int32ul, "autoincrement_step" / Int8ul,
                "reserved" / Bytes(8))  # fmt: skip
_FIELD7 = Struct("name" / Bytes(32), "type" / Bytes(1), "length" / Int8ul, "decimals" / Int8ul, "reserved" / Bytes(2),
                 "index" / Int8ul, "reserved_2" / Bytes(2), "next_autoincrement" / Int32ul, "reserved_3" / Bytes(4))
_FIELD2 = Struct("name" / Bytes(11), "type" / Bytes(1), "length" / Int8ul, "address" / Int16ul, "decimals" / Int8ul)


def _updated(value: bytes, _context: Context) -> str:
    year = value[0] + (2000 if value[0] < 80 else 1900)
    return f"{year:04d}-{value[1]:02d}-{value[2]:02d}"


def _name(value: bytes, _context: Context) -> str:
    return value.partition(b"\0")[0].decode("cp437")


_FIELD_NOTES = {
    "name": Note(_name),
    "type": Note(lambda value, _: value.decode("latin-1"), critical=True, expected="one of " + TYPES,
                 check=lambda value, _: None if value.decode("latin-1") in TYPES else "no such type"),
    "length": Note(_number, critical=True),
    "flags": Note(_bits({1: "system", 2: "nullable", 4: "binary", 8: "autoincrement"})),
}  # fmt: skip
_DBF_NOTES = {
    "version": Note(lambda value, _: VERSIONS.get(value, ("unknown", ""))[0], critical=True,
                    check=lambda value, _: None if value in VERSIONS else "no known version"),
    "updated": Note(_updated), "records": Note(_number), "header_length": Note(_number, critical=True),
    "record_length": Note(_number, critical=True),
    "flags": Note(_bits({1: "structural index", 2: "memo file", 4: "database container"})),
    "code_page": Note(lambda value, _: encoding_of(value)[0] if value else "not declared"),
    "end_of_fields": Note("", critical=True, expected="0D", check=lambda value, _: None if value == 13 else "not 0D"),
    "backlink": Note(lambda value, _: value.partition(b"\0")[0].decode("cp1252", "replace") or "a free table"),
}  # fmt: skip


def _dbf(data: bytes) -> Template:
    header = parse_header(data, max(len(data), 1 << 40))
    notes = dict(_DBF_NOTES)
    notes.update({f"fields[].{key}": note for key, note in _FIELD_NOTES.items()})
    count = len(list(descriptors(data, header.family)))
    if header.family == "dbase2":
        parts: list[Any] = ["version" / Int8ul, "records" / Int16ul, "updated" / Bytes(3), "record_length" / Int16ul]
        notes["updated"] = Note(lambda value, _: f"{1900 + value[2]:04d}-{value[0]:02d}-{value[1]:02d}")
        field = _FIELD2
    else:
        parts, field = list(_STANDARD), _FIELD
        if header.family == "level7":
            parts += ["driver" / Bytes(32), "reserved_3" / Bytes(4)]
            notes["driver"], field = Note(_name), _FIELD7
    if count:
        parts.append("fields" / Array(count, field))
    parts.append("end_of_fields" / Int8ul)
    if header.version in FOXPRO and header.family == "standard":
        parts.append("backlink" / Bytes(263))
    return Template("dbf-header", "dBASE table header", Struct(*parts), notes)


DBF = Shape("dbf-header", "dBASE, FoxPro or Clipper table header", 1 << 16, _dbf)

# -- System Restore

_PART_NAMES = {2: "volume", 3: "path", 4: "new_path", 5: "backup", 6: "acl", 7: "acl_file", 8: "debug", 9: "short_name"}
_PATHS = (2, 3, 4, 5, 7, 9)


def _restore(data: bytes) -> Template:
    size, kind = struct.unpack_from("<II", data.ljust(8, b"\0"))
    head: list[Any] = ["size" / Int32ul, "type" / Int32ul, "magic" / Bytes(4)]
    at = 16
    if kind == 0:
        head.append("version" / Int32ul)
    else:
        head += ["actions" / Int32ul, "flags" / Int32ul, "attributes" / Int32ul, "sequence" / Int64sl,
                 "process" / Bytes(32)]  # fmt: skip
        at = 64
    size = size if at + 4 <= size <= 65_536 else at + 4
    notes = {
        "type": Note(lambda value, _: {0: "log header", 1: "entry"}.get(value, "neither header nor entry")),
        "magic": Note("", critical=True, expected="12 EF CD AB",
                      check=lambda value, _: None if value == MAGIC else "not it"),
        "actions": Note(_bits(ENTRY_TYPES)), "process": Note(_utf16), "sequence": Note(_number),
        "flags": Note(_bits({1: "backup", 2: "second path", 4: "ACL", 8: "debug information", 16: "short name"})),
        "size_again": Note("", critical=True, expected="as at the beginning", check=lambda value, context: None
                           if value == context.values.get("size") else "not the size at the beginning"),
    }  # fmt: skip
    number = 0
    while at + 8 <= min(size - 4, len(data)) and number < 64:
        length, part = struct.unpack_from("<II", data, at)
        if not 8 <= length <= size - 4 - at:
            break
        name = f"{_PART_NAMES.get(part, 'part')}[{number}]"
        head.append(Renamed(Struct("size" / Int32ul, "type" / Int32ul, "value" / Bytes(length - 8)), newname=name))
        if part in _PATHS:
            notes[f"{_PART_NAMES[part]}[].value"] = Note(_utf16)
        at, number = at + length, number + 1
    if at < size - 4:
        head.append("other" / Bytes(size - 4 - at))
    head.append("size_again" / Int32ul)
    return Template("restore-log-entry", "System Restore record", Struct(*head), notes)


RESTORE = Shape("restore-log-entry", "System Restore log record", 65_536, _restore)

_RP_LOG = Template("rp-log", "System Restore point", Struct(
    "event" / Int32ul, "type" / Int32ul, "sequence" / Int64sl, "description" / Bytes(512), "created" / Bytes(8)
), {
    "description": Note(_utf16), "created": Note(lambda value, _: f"{read(_FILETIME, value).text} UTC"),
    "event": Note(lambda value, _: {0x64: "begin", 0x65: "end"}.get(value, "nested")),
})  # fmt: skip

# -- phones


def _ipd(data: bytes) -> Template:
    parts: list[Any] = ["signature" / Bytes(37), "line_feed" / Int8ul, "version" / Int8ul, "databases" / Int16ub,
                        "zero" / Int8ul]  # fmt: skip
    count = struct.unpack_from(">H", data.ljust(42, b"\0"), 39)[0]
    at = 42
    for number in range(min(count, 300)):
        size = struct.unpack_from("<H", data, at)[0] if at + 2 <= len(data) else 0
        if not 1 <= size <= len(data) - at - 2:
            break
        parts.append(Renamed(Struct("length" / Int16ul, "name" / Bytes(size)), newname=f"names[{number}]"))
        at += 2 + size
    return Template("ipd-header", "BlackBerry backup", Struct(*parts), {
        "signature": Note(lambda value, _: value.decode("latin-1")), "databases": Note(_number),
        "line_feed": Note("", expected="0A", check=lambda value, _: None if value == 10 else "encrypted" if value == 32
                          else "not 0A"),
        "names[].name": Note(lambda value, _: value.rstrip(b"\0").decode("latin-1")),
    })  # fmt: skip


IPD = Shape("ipd-header", "BlackBerry backup: header and names", 1 << 16, _ipd)

_IR = Template("irremote-head", "IrRemote import file", Struct(
    "signature" / Bytes(5), "devices" / Int32ul, "file_rows" / Int32ul, "definitions" / Int32ul,
    "first_device" / Int32ul, "first_text" / Int32sl,
), {"signature": Note(lambda value, _: "taken by the phone" if value[:1] == b"\x89" else "refused by the phone")})
# fmt: skip

TEMPLATES: dict[str, Template | Shape] = {one.name: one for one in (DBF, RESTORE, _RP_LOG, IPD, _IR)}


def guess(data: bytes) -> str | None:
    """By signature; a table by the tests of its header."""
    if data[8:12] == MAGIC and data[4:8] in (b"\0\0\0\0", b"\1\0\0\0"):
        return RESTORE.name
    if data.startswith(b"Inter@ctive Pager Backup/Restore File"):
        return IPD.name
    if data[:1] in (b"\x89", b"\x99") and data[1:2] == b"\x12" and data[3:5] == b"\x13\x01":
        return _IR.name
    if len(data) > 33 and data[0] in VERSIONS:
        header = parse_header(data, 1 << 40)
        if header.fields and not header.problems:
            return DBF.name
    return None
