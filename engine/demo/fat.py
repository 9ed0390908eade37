"""A small writer of FAT16 and FAT32 volumes, for the demonstration disk: no root, no mkfs, the same bytes each time.

Layout and checks follow Microsoft's FAT specification (fatgen103): boot sector, FSInfo and backup boot sector (FAT32),
two FATs, short and long names.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

SECTOR = 512
_FAT16_ROOT_ENTRIES = 512
# FAT keeps local time without a zone.
_MADE = datetime(2024, 5, 1, 12)  # noqa: DTZ001
_DIRECTORY, _ARCHIVE, _VOLUME, _LONG = 0x10, 0x20, 0x08, 0x0F


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A file to write: ``path`` with ``/``, content, local time; a ``deleted`` one keeps entry and clusters."""

    path: str
    data: bytes
    modified: datetime
    deleted: bool = False


@dataclass(slots=True)
class _Folder:
    entries: bytearray = field(default_factory=bytearray)
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: list[DemoFile] = field(default_factory=list)
    names: set[bytes] = field(default_factory=set)
    cluster: int = 0


class FatVolume:
    """Lays out files in a volume of ``sectors`` sectors that begins at LBA ``hidden``; ``bits`` is 16 or 32."""

    def __init__(self, *, bits: int, sectors: int, cluster_sectors: int, hidden: int, label: str, serial: int) -> None:
        self.bits, self.sectors, self.cluster_sectors, self.hidden = bits, sectors, cluster_sectors, hidden
        self.label, self.serial = label.upper().ljust(11)[:11].encode("ascii"), serial
        self.reserved = 32 if bits == 32 else 1
        self.root_sectors = 0 if bits == 32 else _FAT16_ROOT_ENTRIES * 32 // SECTOR
        self.fat_sectors = self._fat_size()
        self.data_sector = self.reserved + 2 * self.fat_sectors + self.root_sectors
        self.clusters = (sectors - self.data_sector) // cluster_sectors
        if not ((4085 <= self.clusters < 65525) if bits == 16 else self.clusters >= 65525):
            raise ValueError(f"{self.clusters} clusters do not make a FAT{bits}")
        self.fat = [0] * (self.clusters + 2)
        self.fat[0], self.fat[1] = (0x0FFFFFF8, 0x0FFFFFFF) if bits == 32 else (0xFFF8, 0xFFFF)
        self.next_free = 2
        self.contents: list[tuple[int, bytes]] = []

    def _fat_size(self) -> int:
        size = 1
        while True:
            clusters = (self.sectors - self.reserved - self.root_sectors - 2 * size) // self.cluster_sectors
            needed = -(-(clusters + 2) * self.bits // 8 // SECTOR) + 1
            if needed <= size:
                return size
            size = needed

    def _store(self, data: bytes, *, chain: bool = True) -> int:
        """Put ``data`` into the next free clusters, one after another; returns the first (0 for no data)."""
        size = self.cluster_sectors * SECTOR
        count = -(-len(data) // size)
        if count == 0:
            return 0
        first = self.next_free
        if first + count > self.clusters + 2:
            raise ValueError("the volume is full")
        self.next_free += count
        if chain:
            for cluster in range(first, first + count - 1):
                self.fat[cluster] = cluster + 1
            self.fat[first + count - 1] = 0x0FFFFFFF if self.bits == 32 else 0xFFFF
        self.contents.append((self.data_sector + (first - 2) * self.cluster_sectors, data))
        return first

    def write(self, files: Iterable[DemoFile]) -> list[tuple[int, bytes]]:
        """The whole volume as (sector, bytes) pieces relative to its start; what is between them is zero."""
        root = _Folder()
        for file in files:
            *parents, name = file.path.split("/")
            folder = root
            for part in parents:
                folder = folder.folders.setdefault(part, _Folder())
            folder.files.append(file)
        if self.bits == 32:
            root.cluster = self._store(bytes(self._directory_size(root)))
            self.contents.pop()
        self._fill(root, None)
        root_data = bytes(_entry(self.label, _VOLUME, 0, 0, _MADE) + root.entries)
        if self.bits == 32:
            self.contents.append((self._sector(root.cluster), root_data))
        else:
            self.contents.append((self.reserved + 2 * self.fat_sectors, root_data))
        return self._system_areas() + self.contents

    def _sector(self, cluster: int) -> int:
        return self.data_sector + (cluster - 2) * self.cluster_sectors

    def _directory_size(self, folder: _Folder) -> int:
        names = [*folder.folders, *(file.path.rsplit("/", 1)[-1] for file in folder.files)]
        return 32 * (3 + sum(1 + -(-len(name) // 13) for name in names))

    def _fill(self, folder: _Folder, parent: _Folder | None) -> None:
        when = _MADE
        for name, child in folder.folders.items():
            child.cluster = self._store(bytes(self._directory_size(child)))
            self.contents.pop()
            self._fill(child, folder)
            folder.entries += _named(name, folder.names, _DIRECTORY, child.cluster, 0, when)
        for file in folder.files:
            first = self._store(file.data, chain=not file.deleted)
            entry = _named(file.path.rsplit("/", 1)[-1], folder.names, _ARCHIVE, first, len(file.data), file.modified)
            if file.deleted:
                for position in range(0, len(entry), 32):
                    entry[position] = 0xE5
            folder.entries += entry
        if parent is not None:
            above = 0 if parent.cluster == 0 or self._is_root(parent) else parent.cluster
            dots = _entry(b".".ljust(11), _DIRECTORY, folder.cluster, 0, when)
            dots += _entry(b"..".ljust(11), _DIRECTORY, above, 0, when)
            self.contents.append((self._sector(folder.cluster), bytes(dots + folder.entries)))

    def _is_root(self, folder: _Folder) -> bool:
        return self.bits == 32 and folder.cluster == 2

    def _system_areas(self) -> list[tuple[int, bytes]]:
        code = "<I" if self.bits == 32 else "<H"
        table = b"".join(struct.pack(code, entry) for entry in self.fat)
        boot = self._boot_sector()
        areas = [(0, boot), (self.reserved, table), (self.reserved + self.fat_sectors, table)]
        if self.bits == 32:
            free = self.fat.count(0)
            info = struct.pack("<I480sIII12sI", 0x41615252, b"", 0x61417272, free, self.next_free, b"", 0xAA550000)
            areas += [(1, info), (6, boot), (7, info)]
        return areas

    def _boot_sector(self) -> bytes:
        small = self.sectors < 1 << 16 and self.bits == 16
        common = struct.pack(
            "<3s8sHBHBHHBHHHII",
            b"\xeb\x58\x90" if self.bits == 32 else b"\xeb\x3c\x90",
            b"RESCUEDK",
            SECTOR,
            self.cluster_sectors,
            self.reserved,
            2,
            0 if self.bits == 32 else _FAT16_ROOT_ENTRIES,
            self.sectors if small else 0,
            0xF8,
            0 if self.bits == 32 else self.fat_sectors,
            63,
            255,
            self.hidden,
            0 if small else self.sectors,
        )
        if self.bits == 32:
            common += struct.pack("<IHHIHH12s", self.fat_sectors, 0, 0, 2, 1, 6, b"")
        kind = b"FAT32   " if self.bits == 32 else b"FAT16   "
        common += struct.pack("<BBBI11s8s", 0x80, 0, 0x29, self.serial, self.label, kind)
        return common.ljust(510, b"\0") + b"\x55\xaa"


def _dos_time(when: datetime) -> tuple[int, int]:
    day = (when.year - 1980) << 9 | when.month << 5 | when.day
    return when.hour << 11 | when.minute << 5 | when.second // 2, day


def _entry(short: bytes, attributes: int, cluster: int, size: int, when: datetime) -> bytearray:
    time, day = _dos_time(when)
    return bytearray(
        struct.pack(
            "<11sBBBHHHHHHHI", short, attributes, 0, 0, time, day, day, cluster >> 16, time, day, cluster & 0xFFFF, size
        )
    )


def _short_name(name: str, taken: set[bytes]) -> tuple[bytes, bool]:
    """An 8.3 name that is not taken, and whether it says the whole name."""
    stem, _, suffix = name.rpartition(".") if "." in name else (name, "", "")

    def clean(text: str) -> str:
        return "".join(c if c.isascii() and (c.isalnum() or c in "_-~") else "_" for c in text.upper().replace(" ", ""))

    exact = clean(stem) == stem and clean(suffix) == suffix and len(stem) <= 8 and len(suffix) <= 3
    if exact:
        short = stem.ljust(8).encode() + suffix.ljust(3).encode()
        taken.add(short)
        return short, True
    for number in range(1, 1000):
        tail = f"~{number}"
        short = (clean(stem)[: 8 - len(tail)] + tail).ljust(8).encode() + clean(suffix)[:3].ljust(3).encode()
        if short not in taken:
            taken.add(short)
            return short, False
    raise ValueError("too many files of one name")


def _named(name: str, taken: set[bytes], attributes: int, cluster: int, size: int, when: datetime) -> bytearray:
    """The directory entries of a file: long name pieces, last one first, then the short entry."""
    short, exact = _short_name(name, taken)
    entry = _entry(short, attributes, cluster, size, when)
    if exact:
        return entry
    checksum = 0
    for byte in short:
        checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
    units = name.encode("utf-16-le")
    pieces = -(-len(units) // 26)
    padded = units if len(units) % 26 == 0 else (units + b"\0\0").ljust(pieces * 26, b"\xff")
    out = bytearray()
    for number in range(pieces, 0, -1):
        part = padded[(number - 1) * 26 : number * 26]
        order = number | (0x40 if number == pieces else 0)
        out += struct.pack("<B10sBBB12sH4s", order, part[:10], _LONG, 0, checksum, part[10:22], 0, part[22:])
    return out + entry
