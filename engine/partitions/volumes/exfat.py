"""exFAT: the main and the backup boot region, each of 12 sectors with a checksum.

Facts: Microsoft's exFAT specification, checked on volumes of mkfs.exfat.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.partitions.volumes.bits import text, u8, u32, u64
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

BACKUP = 12
"""The backup region begins at this sector."""
_MAX_ROOT = 1 << 20


@dataclass(frozen=True, slots=True)
class Boot:
    """Positions and sizes in sectors of ``sector_size`` bytes."""

    sector_size: int
    cluster_sectors: int
    total: int
    fat_start: int
    fat_sectors: int
    heap_start: int
    clusters: int
    root_cluster: int
    serial: int


def parse(data: bytes) -> Boot | None:
    """From the 512 bytes of a boot sector; None when its numbers make no exFAT volume."""
    if data[3:11] != b"EXFAT   " or data[510:512] != b"\x55\xaa" or any(data[11:64]):
        return None
    shift, cluster = u8(data, 0x6C), u8(data, 0x6D)
    if not 9 <= shift <= 12 or shift + cluster > 25 or u8(data, 0x6E) not in (1, 2):
        return None
    total, fat, fat_sectors = u64(data, 0x48), u32(data, 0x50), u32(data, 0x54)
    heap, clusters, root = u32(data, 0x58), u32(data, 0x5C), u32(data, 0x60)
    if fat < 24 or not fat_sectors or heap < fat + fat_sectors or not clusters or not 2 <= root <= clusters + 1:
        return None
    if heap + (clusters << cluster) > total or total << shift >= 1 << 63:
        return None
    return Boot(1 << shift, 1 << cluster, total, fat, fat_sectors, heap, clusters, root, u32(data, 0x64))


def checksum(region: bytes, sector_size: int) -> int:
    """Over the first 11 sectors of a boot region, without volume flags and percent in use."""
    value = 0
    for index, byte in enumerate(region[: 11 * sector_size]):
        if index not in (0x6A, 0x6B, 0x70):
            value = (value >> 1 | (value & 1) << 31) + byte & 0xFFFFFFFF
    return value


def region_good(view: View, offset: int, sector_size: int) -> bool | None:
    """Whether the boot region at ``offset`` has the checksum that it carries; None when it cannot be read."""
    region = view.get(offset, 12 * sector_size)
    if region is None:
        return None
    return region[11 * sector_size :] == checksum(region, sector_size).to_bytes(4, "little") * (sector_size // 4)


def examine(view: View) -> Volume | None:
    """The exFAT volume at the view's start, by its main boot region or by the backup."""
    data = view.get(0, 512)
    boot = parse(data) if data else None
    if boot is not None:
        return _volume(view, boot, 0)
    for size in (512, 4096, 1024, 2048):
        data = view.get(BACKUP * size, 512)
        boot = parse(data) if data else None
        if boot is not None and boot.sector_size == size:
            return _volume(view, boot, BACKUP * size)
    return None


def _volume(view: View, boot: Boot, place: int) -> Volume:
    found = Findings(view)
    found.seen("backup boot region" if place else "boot region", place)
    if place:
        found.problem("boot-sector-bad", f"the boot region is bad, its backup at +{place} is good")
    good = region_good(view, place, boot.sector_size)
    if good is False:
        found.problem("boot-checksum-bad", "the boot region does not have the checksum that it carries", place)
    fat = boot.fat_start * boot.sector_size
    head = view.get(fat, 8)
    found.confirm("FAT", fat, 8, None if head is None else head[:4] in (b"\xf8\xff\xff\xff", b"\xf0\xff\xff\xff"))
    other = 0 if place else BACKUP * boot.sector_size
    copy = view.get(other, 512)
    if copy is not None and parse(copy) == boot:
        found.seen("boot region" if place else "backup boot region", other)
    return Volume(
        "exfat", view.start, boot.total * boot.sector_size,
        label=_label(view, boot), uuid=f"{boot.serial >> 16:04X}-{boot.serial & 0xFFFF:04X}",
        block_size=boot.cluster_sectors * boot.sector_size, sector_size=boot.sector_size, by_backup=place > 0,
        checksum=good, confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _label(view: View, boot: Boot) -> str:
    """Entry 0x83 of the root directory; only the directory's first cluster is looked at."""
    size = min(boot.cluster_sectors * boot.sector_size, _MAX_ROOT)
    start = (boot.heap_start + (boot.root_cluster - 2) * boot.cluster_sectors) * boot.sector_size
    for offset in range(start, start + size, 4096):
        part = view.get(offset, min(4096, start + size - offset))
        for place in range(0, len(part or b""), 32):
            entry = (part or b"")[place : place + 32]
            if entry[0] == 0:
                return ""
            if entry[0] == 0x83:
                return text(entry[2 : 2 + 2 * min(entry[1], 11)], "utf-16-le")
    return ""


def locate(view: View) -> list[int]:
    """A boot sector begins either region."""
    data = view.get(0, 512)
    boot = parse(data) if data else None
    return [] if boot is None else [0, -BACKUP * boot.sector_size]


FAMILY = Family("exfat", examine, (Mark(510, b"\x55\xaa", has(3, b"EXFAT   "), locate),))
