"""Descriptor tags, addresses and times of ECMA-167. All integers are little-endian; blocks have 2048 bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime

BLOCK = 2048
ALIGNMENT = 0x10000
ANCHOR, PARTITION, LOGICAL_VOLUME, TERMINATOR = 2, 5, 6, 8
FILE_SET, FILE_ID, EXTENT_LIST, FILE_ENTRY, EXTENDED_ENTRY = 256, 257, 258, 261, 266
RECORDED, ALLOCATED, NOT_ALLOCATED, CONTINUED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Tag:
    """A descriptor tag with a right checksum. ``crc_right`` None: the bytes under the CRC are not all here."""

    kind: int
    location: int
    crc_right: bool | None


def crc16(data: bytes) -> int:
    """CRC-16, polynomial 0x1021, start 0."""
    import binascii

    return binascii.crc_hqx(data, 0)


def read_tag(data: bytes | None) -> Tag | None:
    """The tag at the start of a descriptor, or None when its checksum is wrong or the kind is 0."""
    if data is None or len(data) < 16:
        return None
    kind, _version, checksum, _zero, _serial, crc, length, location = struct.unpack_from("<HHBBHHHI", data)
    if not kind or (sum(data[:4]) + sum(data[5:16])) & 0xFF != checksum:
        return None
    right = None if 16 + length > len(data) else not length or crc16(data[16 : 16 + length]) == crc
    return Tag(kind, location, right)


@dataclass(frozen=True, slots=True)
class Allocation:
    """An allocation descriptor: ``kind`` in the top 2 bits of its length."""

    kind: int
    size: int
    block: int


def long_ad(data: bytes, at: int = 0) -> Allocation:
    """Sixteen bytes: length, block, partition (not needed), six bytes of use."""
    length, block = struct.unpack_from("<II", data, at)
    return Allocation(length >> 30, length & 0x3FFFFFFF, block)


def time_of(data: bytes) -> datetime | None:
    """Twelve bytes: zone, year, month, day, hour, minute, second; as the recorder's local time."""
    _zone, year, month, day, hour, minute, second = struct.unpack_from("<HhBBBBB", data)
    if not 1980 <= year < 2100:
        return None
    try:
        return datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - local time of the recorder
    except ValueError:
        return None


def name_of(data: bytes) -> str:
    """A name: the first byte tells whether characters have one byte or two."""
    if data[:1] == b"\x10":
        return data[1:].decode("utf-16-be", "replace")
    return data[1:].decode("iso8859-1")
