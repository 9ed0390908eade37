"""GUID partition tables: both headers with their checksums, and the entry arrays."""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass
from typing import Literal

from engine.partitions.peek import Peek

SIGNATURE = b"EFI PART"
HEADER_SIZE = 92
MAX_ARRAY = 4 << 20
_HEADER = struct.Struct("<8sII I 4s QQQQ 16s QIII".replace(" ", ""))
_ENTRY = struct.Struct("<16s16sQQQ72s")
_NO_GUID = bytes(16)

ArrayState = Literal["ok", "crc", "unread", "outside", "size"]
# Attribute bits: 0 to 2 for every type, 60 to 63 as Microsoft uses them for basic data.
_BITS = {0: "required", 1: "no-block-io", 2: "legacy-boot", 60: "read-only", 61: "shadow-copy", 62: "hidden",
         63: "no-drive-letter"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A used slot. ``slot`` counts from 0; both LBAs are inclusive; GUIDs are in capitals, as text."""

    slot: int
    offset: int
    type_guid: str
    guid: str
    first_lba: int
    last_lba: int
    attributes: int
    name: str

    @property
    def flags(self) -> tuple[str, ...]:
        """The attribute bits that are set, in words."""
        return tuple(
            _BITS.get(bit, f"bit-{bit}") for bit in range(64) if self.attributes >> bit & 1
        )


@dataclass(frozen=True, slots=True)
class Header:
    """A header as found at ``lba`` (of ``sector_size`` bytes); ``faults`` in words, empty when it is valid."""

    lba: int
    sector_size: int
    size: int
    crc: int
    own_lba: int
    other_lba: int
    first_usable: int
    last_usable: int
    disk_guid: str
    array_lba: int
    entry_count: int
    entry_size: int
    array_crc: int
    faults: tuple[str, ...]

    @property
    def offset(self) -> int:
        """Its place on the disk in bytes."""
        return self.lba * self.sector_size

    @property
    def array_offset(self) -> int:
        """Where the entries begin, in bytes."""
        return self.array_lba * self.sector_size

    @property
    def array_size(self) -> int:
        """How many bytes the entries take."""
        return self.entry_count * self.entry_size

    @property
    def array_sectors(self) -> int:
        """How many sectors the entries take."""
        return -(-self.array_size // self.sector_size)


@dataclass(frozen=True, slots=True)
class Gpt:
    """A header with its entries, in the order of the slots.

    ``array`` is ``ok``; ``crc`` when the checksum is wrong, ``unread`` when a part was never read, ``outside`` when it
    lies beyond the disk, ``size`` when the header's numbers make no array. ``unread_slots`` counts slots nobody read.
    """

    header: Header
    array: ArrayState
    entries: tuple[Entry, ...]
    unread_slots: int = 0

    @property
    def valid(self) -> bool:
        """Header and array are whole and their checksums right."""
        return not self.header.faults and self.array == "ok"

    @property
    def readable(self) -> bool:
        """There are entries, or a whole array without any."""
        return self.array == "ok" or bool(self.entries)


def guid_text(data: bytes) -> str:
    """A GUID as written: the first three groups are little-endian on disk."""
    return str(uuid.UUID(bytes_le=data)).upper()


def guid_bytes(text: str) -> bytes:
    """The on-disk form. Raises ``ValueError``."""
    return uuid.UUID(text).bytes_le


def read_gpt(peek: Peek, lba: int, sector_size: int) -> Gpt | None:
    """The GPT whose header should be at ``lba``; None when there is no such sector, or no signature in it."""
    data = peek.bytes_at(lba * sector_size, sector_size) if lba > 0 else None
    if data is None or not data.startswith(SIGNATURE):
        return None
    header = parse_header(data, lba, sector_size, peek.size // sector_size)
    return _with_entries(peek, header)


def parse_header(data: bytes, lba: int, sector_size: int, disk_sectors: int) -> Header:
    """Decode a header's sector and say what is wrong with it."""
    (_, _, size, crc, _, own, other, first, last, disk, array_lba, count, entry_size, array_crc) = (
        _HEADER.unpack_from(data)
    )
    faults = []
    if not HEADER_SIZE <= size <= sector_size:
        faults.append(f"its size is given as {size}")
    elif header_crc(data[:size]) != crc:
        faults.append("its checksum is wrong")
    if own != lba:
        faults.append(f"it says that it is at sector {own}")
    if first > last:
        faults.append(f"the usable area is empty ({first} to {last})")
    sectors = -(-count * entry_size // sector_size)
    if array_lba < 2 or array_lba + sectors > disk_sectors:
        faults.append(f"its entries lie outside the disk (from sector {array_lba})")
    elif array_lba <= last and array_lba + sectors > first and first <= last:
        faults.append("its entries lie in the area for partitions")
    return Header(lba, sector_size, size, crc, own, other, first, last, guid_text(disk), array_lba, count, entry_size,
                  array_crc, tuple(faults))  # fmt: skip


def header_crc(header: bytes) -> int:
    """The checksum of a header (of the size it gives), its own field counted as zero."""
    return zlib.crc32(header[:16] + bytes(4) + header[20:])


def _with_entries(peek: Peek, header: Header) -> Gpt:
    if header.entry_size < 128 or header.entry_size % 8 or not 0 < header.array_size <= MAX_ARRAY:
        return Gpt(header, "size", ())
    if header.array_lba < 1:
        return Gpt(header, "outside", ())
    reading = peek.reading(header.array_offset, header.array_size)
    if not reading.data:
        return Gpt(header, "outside", ())
    entries, unread = [], 0
    for slot in range(len(reading.data) // header.entry_size):
        place = slot * header.entry_size
        start = header.array_offset + place
        if any(low < start + 128 and high > start for low, high in reading.holes):
            unread += 1
        elif reading.data[place : place + 16] != _NO_GUID:
            entries.append(_entry(reading.data, place, slot, start))
    if len(reading.data) < header.array_size:
        state: ArrayState = "outside"
    elif reading.holes:
        state = "unread"
    else:
        state = "ok" if zlib.crc32(reading.data) == header.array_crc else "crc"
    return Gpt(header, state, tuple(entries), unread)


def _entry(data: bytes, place: int, slot: int, offset: int) -> Entry:
    kind, guid, first, last, attributes, name = _ENTRY.unpack_from(data, place)
    text = name.decode("utf-16-le", "surrogatepass").partition("\0")[0]
    return Entry(slot, offset, guid_text(kind), guid_text(guid), first, last, attributes, text)
