"""What the names, first bytes and identifiers in a document say: which application's it is, which stream is which."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass


def _clsid(text: str) -> bytes:
    a, b, c, d, e = text.split("-")
    return struct.pack("<IHH", int(a, 16), int(b, 16), int(c, 16)) + bytes.fromhex(d + e)


OFFICE = "-0000-0000-C000-000000000046"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of document. ``main`` are the names of which one must be there; ``class_id`` the root's."""

    name: str
    title: str
    extension: str
    main: tuple[str, ...]
    class_id: bytes


WORD = Kind("word", "Word document", "doc", ("WordDocument",), _clsid("00020906" + OFFICE))
EXCEL = Kind("excel", "Excel workbook", "xls", ("Workbook", "Book"), _clsid("00020820" + OFFICE))
POWERPOINT = Kind("powerpoint", "PowerPoint presentation", "ppt", ("PowerPoint Document",),
                  _clsid("64818D10-4F9B-11CF-86EA-00AA00B929E8"))  # fmt: skip
OUTLOOK = Kind("outlook", "Outlook message", "msg", ("__properties_version1.0",), _clsid("00020D0B" + OFFICE))
VISIO = Kind("visio", "Visio drawing", "vsd", ("VisioDocument",), _clsid("00021A14" + OFFICE))
PUBLISHER = Kind("publisher", "Publisher document", "pub", ("Quill",), _clsid("00021201-0000-0000-00C0-000000000046"))
INSTALLER = Kind("installer", "Windows Installer package", "msi", ("\u4840\u3b3f\u43f2\u4438\u45b1",),
                 _clsid("000C1084" + OFFICE))  # fmt: skip
THUMBS = Kind("thumbs", "thumbnail cache", "db", ("Catalog",), bytes(16))
HANGUL = Kind("hangul", "Hangul document", "hwp", ("DocInfo",), bytes(16))
OOXML = Kind("encrypted", "encrypted Office document", "docx", ("EncryptedPackage",), bytes(16))
OTHER = Kind("other", "compound document", "ole", (), bytes(16))
KINDS = (WORD, EXCEL, POWERPOINT, OUTLOOK, VISIO, PUBLISHER, INSTALLER, OOXML, HANGUL, THUMBS)


def kind_of(names: Iterable[str], class_id: bytes = bytes(16)) -> Kind:
    """The kind by the names of the top-level streams, else by the root's class id."""
    present = set(names)
    for kind in KINDS:
        if present & set(kind.main):
            return kind
    for kind in KINDS:
        if any(class_id) and kind.class_id == class_id:
            return kind
    return OTHER


@dataclass(frozen=True, slots=True)
class Recognised:
    """A stream known by its first bytes: its name, and its exact length when the content tells it (else None)."""

    name: str
    size: int | None = None
    sure: bool = True


_SUMMARY = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")
_DOCUMENT_SUMMARY = bytes.fromhex("02d5cdd59c2e1b10939708002b2cf9ae")


def recognise(data: bytes) -> Recognised | None:
    """The stream that begins with ``data`` (as much of it as there is; up to the whole)."""
    if len(data) < 8:
        return None
    first, second = struct.unpack_from("<II", data)
    if first == 0x00100809 and second & 0xFFFF == 0x0600:
        return Recognised("Workbook", biff_length(data))
    if first in (0x00080809,) and second & 0xFFFF in (0x0500, 0x0600):
        return Recognised("Book", biff_length(data))
    if first & 0xFFFF in (0xA5EC, 0xA5DC):
        size = None
        if len(data) >= 0x44 and struct.unpack_from("<H", data, 2)[0] >= 0xC1:
            size = struct.unpack_from("<I", data, 0x40)[0] or None
        return Recognised("WordDocument", size)
    if first == 0x03E8000F:
        return Recognised("PowerPoint Document", records_length(data))
    if first == 0x0FF60000:
        return Recognised("Current User", current_user_length(data))
    if first & 0xFFFF == 0xFFFE and (first >> 16) <= 1 and len(data) >= 48:
        size = property_set_length(data)
        if data[28:44] == _SUMMARY:
            return Recognised("\x05SummaryInformation", size)
        if data[28:44] == _DOCUMENT_SUMMARY:
            return Recognised("\x05DocumentSummaryInformation", size)
        return Recognised("\x05Properties", size, sure=False)
    if data[:6] == b"\x01\x00\xfe\xff\x03\x0a":
        return Recognised("\x01CompObj", compobj_length(data))
    if data[:4] == b"\x01\x00\x00\x02":
        return Recognised("\x01Ole", 20)
    if 0xF01A <= (first >> 16) <= 0xF029:
        return Recognised("Pictures", None)
    return None


def biff_length(data: bytes) -> int | None:
    """Bytes of a workbook stream up to the end of its last EOF record."""
    at, depth, end = 0, 0, None
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        if size > 8228 or (depth == 0 and kind not in (0x0809,)):
            break
        depth += (kind == 0x0809) - (kind == 0x000A)
        at += 4 + size
        if at > len(data):
            break
        if depth == 0:
            end = at
    return end


def records_length(data: bytes) -> int | None:
    """Bytes of a PowerPoint stream: its top-level records one after the other."""
    at = 0
    while at + 8 <= len(data):
        version, kind, size = struct.unpack_from("<HHI", data, at)
        if not 0x03E8 <= kind <= 0xF200 or at + 8 + size > len(data):
            break
        at += 8 + size
    return at or None


def current_user_length(data: bytes) -> int | None:
    """Bytes of a Current User stream, its Unicode name included where it fits."""
    if len(data) < 28:
        return None
    size = struct.unpack_from("<I", data, 4)[0]
    name = struct.unpack_from("<H", data, 20)[0]
    return 8 + size + (2 * name if 8 + size == 32 + name else 0) if size < 4096 else None


def property_set_length(data: bytes) -> int | None:
    """Bytes of a property set, over all its sections."""
    if len(data) < 48:
        return None
    count = struct.unpack_from("<I", data, 24)[0]
    end = None
    for number in range(min(count, 4)):
        if 48 + 20 * number > len(data):
            break
        (offset,) = struct.unpack_from("<I", data, 44 + 20 * number)
        if offset + 4 > len(data):
            break
        end = max(end or 0, offset + struct.unpack_from("<I", data, offset)[0])
    return end


def compobj_length(data: bytes) -> int | None:
    """Bytes of a CompObj stream: a header, three short strings, a mark, and the same in Unicode."""
    at = 28
    for _ in range(3):
        if at + 4 > len(data):
            return None
        (size,) = struct.unpack_from("<I", data, at)
        at += 4 + (size if size < 1024 else 4 if size >= 0xFFFFFFFE else 1 << 30)
    if at + 4 > len(data):
        return at if at <= len(data) else None
    if data[at : at + 4] == b"\xf4\x39\xb2\x71":
        at += 4
        for _ in range(3):
            if at + 4 > len(data):
                return None
            (size,) = struct.unpack_from("<I", data, at)
            at += 4 + (2 * size if size < 1024 else 4 if size >= 0xFFFFFFFE else 1 << 30)
    return at if at <= len(data) else None
