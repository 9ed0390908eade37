"""A file record of NTFS with its attributes. Values that lie over the end of a sector are as on the disk: the update
sequence stands in the last two bytes of each."""

from __future__ import annotations

import struct

from construct import Bytes, Int8ul, Int16ul, Int32ul, Int64ul, Renamed, Struct

from engine.filesystems.templates_words import date, flags, hexed, number, utf16
from engine.template import Context, Note, Shape, Template

_RECORD = 4096
_MOST_ATTRIBUTES = 64
_TYPES = {
    0x10: "STANDARD_INFORMATION", 0x20: "ATTRIBUTE_LIST", 0x30: "FILE_NAME", 0x40: "OBJECT_ID",
    0x50: "SECURITY_DESCRIPTOR", 0x60: "VOLUME_NAME", 0x70: "VOLUME_INFORMATION", 0x80: "DATA", 0x90: "INDEX_ROOT",
    0xA0: "INDEX_ALLOCATION", 0xB0: "BITMAP", 0xC0: "REPARSE_POINT", 0xD0: "EA_INFORMATION", 0xE0: "EA",
    0x100: "LOGGED_UTILITY_STREAM",
}  # fmt: skip
_FILE_FLAGS = {1: "read-only", 2: "hidden", 4: "system", 0x20: "archive", 0x200: "sparse", 0x400: "reparse point",
               0x800: "compressed", 0x4000: "encrypted", 0x10000000: "directory"}  # fmt: skip

_HEAD = (
    "signature" / Bytes(4), "usa_offset" / Int16ul, "usa_count" / Int16ul, "log_sequence" / Int64ul,
    "sequence" / Int16ul, "hard_links" / Int16ul, "attributes_offset" / Int16ul, "flags" / Int16ul,
    "used_size" / Int32ul, "allocated_size" / Int32ul, "base_record" / Int64ul, "next_attribute_id" / Int16ul,
)  # fmt: skip
_HEAD_SIZE = 42
_ATTRIBUTE = (
    "type" / Int32ul, "length" / Int32ul, "non_resident" / Int8ul, "name_length" / Int8ul, "name_offset" / Int16ul,
    "flags" / Int16ul, "id" / Int16ul,
)  # fmt: skip
_RESIDENT = ("value_length" / Int32ul, "value_offset" / Int16ul, "indexed" / Int8ul, "padding" / Int8ul)
_NON_RESIDENT = (
    "first_vcn" / Int64ul, "last_vcn" / Int64ul, "runs_offset" / Int16ul, "compression_unit" / Int16ul,
    "padding" / Bytes(4), "allocated" / Int64ul, "real" / Int64ul, "initialised" / Int64ul,
)  # fmt: skip
_TIMES = ("created" / Bytes(8), "modified" / Bytes(8), "record_changed" / Bytes(8), "accessed" / Bytes(8))
_STANDARD = (*_TIMES, "file_attributes" / Int32ul)
_NAME = (
    "parent" / Int64ul, *_TIMES, "name_allocated" / Int64ul, "name_real" / Int64ul, "file_attributes" / Int32ul,
    "reparse" / Int32ul, "characters" / Int8ul, "namespace" / Int8ul,
)  # fmt: skip


def _reference(value: int, _context: Context) -> str:
    return f"record {value & (1 << 48) - 1}, sequence {value >> 48}"


def _runs(value: bytes, _context: Context) -> str:
    """The run list in clusters: ``64+12`` is 12 clusters from 64 on, ``sparse`` has none."""
    words: list[str] = []
    at = lcn = 0
    while at < len(value) and value[at] and len(words) < 32:
        lengths, offsets = value[at] & 15, value[at] >> 4
        if not 1 <= lengths <= 8 or offsets > 8 or at + 1 + lengths + offsets > len(value):
            words.append("damaged")
            break
        count = int.from_bytes(value[at + 1 : at + 1 + lengths], "little")
        step = int.from_bytes(value[at + 1 + lengths : at + 1 + lengths + offsets], "little", signed=True)
        lcn += step
        words.append(f"{lcn}+{count}" if offsets else f"sparse+{count}")
        at += 1 + lengths + offsets
    return " ".join(words)


_NOTES = {
    "signature": Note("", critical=True, expected="FILE",
                      check=lambda value, _: None if value == b"FILE" else "not FILE: marked bad by a check of the disk"
                      if value == b"BAAD" else "not FILE"),
    "usa_count": Note(lambda value, _: f"{max(0, value - 1)} sectors", critical=True),
    "flags": flags({1: "in use", 2: "directory", 4: "extension", 8: "view index"}),
    "log_sequence": Note(hexed),
    "attributes_offset": Note(number, critical=True,
                              check=lambda value, _: None if 42 <= value < 512 and value % 2 == 0 else "no such place"),
    "used_size": Note(number, critical=True), "allocated_size": Note(number, critical=True),
    "base_record": Note(lambda value, context: _reference(value, context) if value else "this is the base record"),
    "record_number": Note(number),
    "update_sequence": Note(lambda value, _: f"the last two bytes of each sector are {value[:2].hex(' ')}"),
}  # fmt: skip
_ATTRIBUTE_NOTES = {
    "type": Note(lambda value, _: "end" if value == 0xFFFFFFFF else _TYPES.get(value, "unknown"), critical=True),
    "length": Note(number, critical=True), "non_resident": Note(lambda value, _: "yes" if value else "no"),
    "flags": flags({1: "compressed", 0x4000: "encrypted", 0x8000: "sparse"}),
    "created": date("FILETIME LE"), "modified": date("FILETIME LE"), "record_changed": date("FILETIME LE"),
    "accessed": date("FILETIME LE"), "file_attributes": flags(_FILE_FLAGS), "parent": Note(_reference),
    "namespace": Note(lambda value, _: {0: "POSIX", 1: "Win32", 2: "DOS", 3: "Win32 and DOS"}.get(value, "unknown")),
    "name": Note(utf16), "stream_name": Note(utf16), "runs": Note(_runs, critical=True),
    "real": Note(lambda value, _: f"{value} bytes"), "allocated": Note(lambda value, _: f"{value} bytes"),
    "initialised": Note(lambda value, _: f"{value} bytes"), "name_real": Note(lambda value, _: f"{value} bytes"),
}  # fmt: skip


class _Parts:
    """Named pieces at rising offsets; what lies between them is ``other``."""

    def __init__(self, most: int) -> None:
        self.most, self.at = most, 0
        self.parts: list[object] = []

    def add(self, offset: int, size: int, *parts: object) -> bool:
        """Pieces of ``size`` bytes together at ``offset``; False when they do not fit there."""
        if not self.at <= offset or offset + size > self.most:
            return False
        self.gap(offset)
        self.parts += parts
        self.at = offset + size
        return True

    def gap(self, offset: int) -> None:
        """Fill up to ``offset``."""
        if offset > self.at:
            self.parts.append(f"other_{self.at}" / Bytes(offset - self.at))
            self.at = offset


def _attribute(data: bytes, index: int) -> object:
    """The declaration of one attribute over exactly ``data``, of which at least 16 bytes are there."""
    kind, _length, non_resident, name_length, name_offset = struct.unpack_from("<IIBBH", data)
    made = _Parts(len(data))
    made.add(0, 16, *_ATTRIBUTE)
    pieces: list[tuple[int, int, tuple[object, ...]]] = []
    if non_resident and made.add(16, 48, *_NON_RESIDENT):
        runs = struct.unpack_from("<H", data, 32)[0]
        pieces.append((runs, len(data) - runs, ("runs" / Bytes(max(0, len(data) - runs)),)))
    elif not non_resident and made.add(16, 8, *_RESIDENT):
        size, offset = struct.unpack_from("<IH", data, 16)
        if kind == 0x10 and size >= 36:
            pieces.append((offset, 36, _STANDARD))
        elif kind == 0x30 and size >= 66 and offset + 66 <= len(data):
            count = data[offset + 64] * 2
            pieces.append((offset, 66 + count, (*_NAME, "name" / Bytes(count))))
        elif 0 < size <= len(data):
            pieces.append((offset, size, ("value" / Bytes(size),)))
    if name_length:
        pieces.append((name_offset, 2 * name_length, ("stream_name" / Bytes(2 * name_length),)))
    for offset, size, parts in sorted(pieces, key=lambda one: one[0]):
        made.add(offset, size, *parts)
    made.gap(len(data))
    name = _TYPES.get(kind, f"type_{kind:x}").lower()
    return Renamed(Struct(*made.parts), newname=f"{name}[{index}]")


def _record(data: bytes) -> Template:
    made = _Parts(len(data))
    made.parts, made.at = [*_HEAD], _HEAD_SIZE
    notes = dict(_NOTES)
    if len(data) >= 48:
        usa, count, attributes = struct.unpack_from("<H", data, 4)[0], *struct.unpack_from("<H", data, 6), \
            struct.unpack_from("<H", data, 20)[0]  # fmt: skip
        if usa >= 48 and attributes >= 48:
            made.add(44, 4, "record_number" / Int32ul)
        if 2 <= count <= 17:
            made.add(usa, 2 * count, "update_sequence" / Bytes(2 * count))
        _attributes(data, attributes, made, notes)
    return Template("mft-record", "NTFS file record", Struct(*made.parts), notes)


def _attributes(data: bytes, at: int, made: _Parts, notes: dict[str, Note]) -> None:
    for index in range(_MOST_ATTRIBUTES):
        if at + 8 > len(data) or at < made.at:
            return
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 0xFFFFFFFF:
            made.add(at, 4, "end_mark" / Int32ul)
            return
        if length < 16 or length % 8 or at + length > len(data):
            return
        part = _attribute(data[at : at + length], index)
        made.add(at, length, part)
        name = _TYPES.get(kind, f"type_{kind:x}").lower()
        notes.update({f"{name}[].{field}": note for field, note in _ATTRIBUTE_NOTES.items()})
        at += length


MFT_RECORD = Shape("mft-record", "NTFS file record with its attributes", _RECORD, _record)
