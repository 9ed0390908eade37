"""One sector with a partition table: the MBR, or an EBR, which has the same shape."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.partitions.mbr_types import EXTENDED, PROTECTIVE

SIGNATURE = b"\x55\xaa"
TABLE_OFFSET, ENTRY_SIZE = 446, 16
_ENTRY = struct.Struct("<B3sB3sII")
_AIX = b"\xc9\xc2\xd4\xc1"
# What tools write where a cylinder does not fit in ten bits.
_CAPPED = (b"\xfe\xff\xff", b"\xff\xff\xff", b"\xef\xff\xff", b"\x7f\xff\xff", b"\x3f\xff\xff")
GEOMETRIES = ((255, 63), (240, 63), (128, 63), (64, 63), (32, 63), (16, 63), (64, 32))


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the four slots. ``slot`` counts from 0, ``offset`` is its place on the disk in bytes."""

    slot: int
    offset: int
    status: int
    first_chs: bytes
    type: int
    last_chs: bytes
    start_lba: int
    size_sectors: int

    @property
    def blank(self) -> bool:
        """All zero but for the status: never used, or deleted."""
        return not (self.type or self.start_lba or self.size_sectors)

    @property
    def empty(self) -> bool:
        """It names no partition: type 0 or no sectors."""
        return self.type == 0 or self.size_sectors == 0

    @property
    def extended(self) -> bool:
        """It holds or continues a chain of EBRs."""
        return self.type in EXTENDED

    @property
    def active(self) -> bool:
        """The BIOS would start it."""
        return self.status == 0x80

    @property
    def bad_status(self) -> bool:
        """Neither active nor inactive: damage, or no table at all."""
        return self.status not in (0, 0x80)


@dataclass(frozen=True, slots=True)
class Table:
    """A table sector. ``offset`` is its place on the disk in bytes; ``signed`` that it ends in 55 AA."""

    offset: int
    signed: bool
    disk_signature: int
    entries: tuple[Entry, Entry, Entry, Entry]

    @property
    def used(self) -> list[Entry]:
        """The entries that name a partition."""
        return [entry for entry in self.entries if not entry.empty]

    @property
    def protective(self) -> bool:
        """It says that there is a GPT."""
        return any(entry.type == PROTECTIVE for entry in self.entries)


def parse_table(data: bytes, offset: int) -> Table:
    """From the first 512 bytes of a sector that lies at ``offset``. Raises ``ValueError`` when ``data`` is shorter."""
    if len(data) < 512:
        raise ValueError("a table has 512 bytes")
    first, second, third, fourth = (
        Entry(slot, offset + place, *_ENTRY.unpack_from(data, place))
        for slot, place in enumerate(range(TABLE_OFFSET, 510, ENTRY_SIZE))
    )
    number = int.from_bytes(data[440:444], "little")
    return Table(offset, data[510:512] == SIGNATURE, number, (first, second, third, fourth))


def foreign(data: bytes) -> bool:
    """A sector of AIX, which keeps no table here although it may end in 55 AA."""
    return data[:4] == _AIX


def plausible(table: Table, disk_sectors: int) -> bool:
    """Whether the four entries can be a table of a disk of that size: each blank, or with a valid status and a start
    on the disk. A partition may run past the end (cut or damaged disks)."""
    return all(
        entry.blank or (not entry.bad_status and 1 <= entry.start_lba <= disk_sectors) or _typed_zero(entry)
        for entry in table.entries
    )


def _typed_zero(entry: Entry) -> bool:
    return not entry.bad_status and entry.size_sectors == 0 and entry.start_lba == 0


def sane(entry: Entry, disk_sectors: int) -> bool:
    """A partition without any fault: status, start and end are all possible."""
    return (
        not entry.empty
        and not entry.bad_status
        and entry.start_lba >= 1
        and entry.start_lba + entry.size_sectors <= disk_sectors
    )


def chs_tuple(data: bytes) -> tuple[int, int, int]:
    """Cylinder, head and sector (from 1) of a three-byte address."""
    return data[2] | (data[1] & 0xC0) << 2, data[0], data[1] & 0x3F


def chs_text(data: bytes) -> str:
    """``cylinder/head/sector``, with a word where it is the cap or not used."""
    words = "/".join(str(number) for number in chs_tuple(data))
    if data in _CAPPED:
        return f"{words} (beyond what CHS can say)"
    return f"{words} (not used)" if data == b"\0\0\0" else words


def chs_bytes(lba: int, heads: int = 255, sectors: int = 63) -> bytes:
    """The three-byte address of a sector, capped at cylinder 1023 as usual (FE FF FF)."""
    cylinder, rest = divmod(lba, heads * sectors)
    head, sector = divmod(rest, sectors)
    if cylinder > 1023:
        return bytes((heads - 1, 0xC0 | sectors, 0xFF))
    return bytes((head, (sector + 1) | (cylinder >> 2 & 0xC0), cylinder & 0xFF))


def chs_fits(data: bytes, lba: int) -> bool:
    """Whether a three-byte address can mean ``lba`` on any of the usual geometries.

    True also where it says nothing: capped, unused, or a sector beyond cylinder 1023.
    """
    cylinder, head, sector = chs_tuple(data)
    if data in _CAPPED or data == b"\0\0\0" or cylinder == 1023:
        return True
    for heads, sectors in GEOMETRIES:
        if lba // (heads * sectors) > 1023:
            return True
        if head < heads and 1 <= sector <= sectors and (cylinder * heads + head) * sectors + sector - 1 == lba:
            return True
    return False
