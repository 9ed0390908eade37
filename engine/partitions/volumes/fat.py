"""FAT12, FAT16, FAT32: boot sector, FAT32's backup of it, and the FATs behind it.

Facts: Microsoft's FAT specification; what Linux and dosfstools accept beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from engine.partitions.volumes.bits import is_power, text, u8, u16, u32
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.view import Findings, View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows

_SECTORS = (512, 4096, 1024, 2048)
_USUAL_BACKUP = 6
_MAX_ROOT = 64 << 10
_MAX_CHAIN = 64


@dataclass(frozen=True, slots=True)
class Bpb:
    """A plausible FAT boot sector; sizes in sectors unless said otherwise."""

    kind: str
    sector_size: int
    cluster_sectors: int
    reserved: int
    fats: int
    root_entries: int
    total: int
    media: int
    fat_sectors: int
    clusters: int
    root_cluster: int
    backup: int
    serial: int
    label: bytes

    @property
    def fat_offset(self) -> int:
        """In bytes."""
        return self.reserved * self.sector_size

    @property
    def root_offset(self) -> int:
        """Of the root directory of FAT12/16, in bytes."""
        return (self.reserved + self.fats * self.fat_sectors) * self.sector_size

    @property
    def data_offset(self) -> int:
        """Of cluster 2, in bytes."""
        return self.root_offset + -(-self.root_entries * 32 // self.sector_size) * self.sector_size


def parse(data: bytes) -> Bpb | None:
    """From the 512 bytes of a boot sector; None when its numbers make no FAT volume."""
    sector_size, cluster, reserved, fats = u16(data, 0x0B), u8(data, 0x0D), u16(data, 0x0E), u8(data, 0x10)
    if data[510:512] != b"\x55\xaa" or not (data[0] == 0xE9 or data[0] == 0xEB):
        return None
    if not is_power(sector_size, 512, 4096) or not is_power(cluster, 1, 128) or not reserved or fats not in (1, 2):
        return None
    roots, media = u16(data, 0x11), u8(data, 0x15)
    total = u16(data, 0x13) or u32(data, 0x20)
    wide = u16(data, 0x16) == 0
    fat_sectors = u32(data, 0x24) if wide else u16(data, 0x16)
    if media != 0xF0 and media < 0xF8 or not fat_sectors or wide != (roots == 0):
        return None
    data_start = reserved + fats * fat_sectors + -(-roots * 32 // sector_size)
    clusters = (total - data_start) // cluster
    if clusters < 1:
        return None
    kind = "fat32" if wide else "fat12" if clusters < 4085 else "fat16"
    bits = {"fat12": 12, "fat16": 16, "fat32": 32}[kind]
    if clusters > 0x0FFFFFF5 or (kind == "fat16" and clusters > 65524):
        return None
    if fat_sectors * sector_size * 8 < (clusters + 2) * bits:
        return None
    root = u32(data, 0x2C) if wide else 0
    if wide and not 2 <= root <= clusters + 1:
        return None
    place = 0x42 if wide else 0x26
    known = u8(data, place) in (0x28, 0x29)
    label = data[place + 5 : place + 16] if u8(data, place) == 0x29 else b""
    backup = u16(data, 0x32) if wide else 0
    return Bpb(kind, sector_size, cluster, reserved, fats, roots, total, media, fat_sectors, clusters, root,
               backup if 0 < backup < reserved else 0, u32(data, place + 1) if known else 0, label)  # fmt: skip


def fat_begins(kind: str, media: int, data: bytes) -> bool:
    """Whether ``data`` (8 bytes) begins a FAT: the media byte and ones in entry 0, an end mark in entry 1."""
    if kind == "fat32":
        return u32(data, 0) & 0x0FFFFFFF == 0x0FFFFF00 | media and u32(data, 4) & 0x03FFFFF8 == 0x03FFFFF8
    if kind == "fat16":
        return u16(data, 0) == 0xFF00 | media and u16(data, 2) & 0x3FF8 == 0x3FF8
    return data[0] == media and data[1] == 0xFF and data[2] == 0xFF


def examine(view: View) -> Volume | None:
    """The FAT volume at the view's start, by its boot sector or, for FAT32, by the backup of it."""
    data = view.get(0, 512)
    bpb = parse(data) if data else None
    if bpb is not None:
        return _volume(view, bpb, 0, bpb.backup * bpb.sector_size)
    for place in (*view.copies, *(_USUAL_BACKUP * size for size in _SECTORS)):
        data = view.get(place, 512)
        bpb = parse(data) if data and place > 0 else None
        if bpb is not None and bpb.kind == "fat32" and place == (bpb.backup or _USUAL_BACKUP) * bpb.sector_size:
            return _volume(view, bpb, place, place)
    return None


def _volume(view: View, bpb: Bpb, place: int, backup: int) -> Volume:
    found = Findings(view)
    found.seen("backup boot sector" if place else "boot sector", place)
    if place:
        found.problem("boot-sector-bad", f"the boot sector is bad, its backup at +{place} is good")
    elif backup:
        copy = view.get(backup, 512)
        if copy is not None and parse(copy) == bpb:
            found.seen("backup boot sector", backup)
    for number in range(bpb.fats):
        offset = bpb.fat_offset + number * bpb.fat_sectors * bpb.sector_size
        head = view.get(offset, 8)
        good = None if head is None else fat_begins(bpb.kind, bpb.media, head)
        found.confirm(f"FAT {number + 1}", offset, 8, good)
    label = _root_label(view, bpb) if found.confirmations else ""
    if not label and bpb.label.strip() not in (b"", b"NO NAME"):
        label = text(bpb.label, "cp437", strip=" ")
    return Volume(
        bpb.kind, view.start, bpb.total * bpb.sector_size,
        label=label, uuid=f"{bpb.serial >> 16:04X}-{bpb.serial & 0xFFFF:04X}" if bpb.serial else "",
        block_size=bpb.cluster_sectors * bpb.sector_size, sector_size=bpb.sector_size, by_backup=place > 0,
        confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _root_label(view: View, bpb: Bpb) -> str:
    """The label is an entry of the root directory; the boot sector's is only a copy that tools forget to update."""
    if bpb.kind != "fat32":
        return _label_in(view.get(bpb.root_offset, min(bpb.root_entries * 32, _MAX_ROOT))) or ""
    cluster, size = bpb.root_cluster, bpb.cluster_sectors * bpb.sector_size
    seen: set[int] = set()
    while 2 <= cluster <= bpb.clusters + 1 and cluster not in seen and len(seen) < _MAX_CHAIN:
        seen.add(cluster)
        label = _label_in(view.get(bpb.data_offset + (cluster - 2) * size, min(size, _MAX_ROOT)))
        if label is not None:
            return label
        entry = view.get(bpb.fat_offset + cluster * 4, 4)
        cluster = u32(entry, 0) & 0x0FFFFFFF if entry else 0
    return ""


def _label_in(directory: bytes | None) -> str | None:
    """None: not in this part of the directory; empty: the directory ends here, without a label."""
    if directory is None:
        return None
    for offset in range(0, len(directory) - 31, 32):
        first, attributes = directory[offset], directory[offset + 11]
        if first == 0:
            return ""
        if first != 0xE5 and attributes & 0x18 == 0x08 and attributes & 0x0F != 0x0F:
            name = directory[offset : offset + 11]
            return text(b"\xe5" + name[1:] if first == 5 else name, "cp437", strip=" ")
    return None


def locate(view: View) -> list[int]:
    """A boot sector may be the first sector, or the backup of a FAT32 volume."""
    data = view.get(0, 512)
    bpb = parse(data) if data else None
    if bpb is None:
        return []
    return [0, -bpb.backup * bpb.sector_size] if bpb.backup else [0]


def sieve(rows: Rows) -> Mask:
    """Jump, sector size, cluster size and media byte."""
    cluster, media = rows[:, 0x0D], rows[:, 0x15]
    jump = (rows[:, 0] == 0xEB) | (rows[:, 0] == 0xE9)
    size = (rows[:, 0x0B] == 0) & ((rows[:, 0x0C] & (rows[:, 0x0C] - 1)) == 0) & (rows[:, 0x0C] >= 2)
    made = jump & size & (cluster != 0) & ((cluster & (cluster - 1)) == 0) & ((media == 0xF0) | (media >= 0xF8))
    return cast("Mask", made)


FAMILY = Family("fat", examine, (Mark(510, b"\x55\xaa", sieve, locate),))
