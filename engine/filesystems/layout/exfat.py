"""exFAT: boot regions, FAT, allocation bitmap, up-case table."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.filesystems.layout.model import Area, Layout, RunsOf, ranges_of, read_bitmap
from engine.filesystems.reading import Copy
from engine.ranges import RangeSet
from engine.source import Source


@dataclass(frozen=True, slots=True)
class Boot:
    """Positions and sizes in bytes."""

    sector: int
    cluster: int
    fat: int
    fat_size: int
    fats: int
    heap: int
    clusters: int
    total: int


def read_boot(source: Source) -> Boot | None:
    """The main boot sector, or the backup."""
    for offset in (0, 12 * 512, 12 * 4096):
        if offset + 512 > source.size:
            continue
        reading = source.read(offset, 512)
        data = reading.data
        if not reading.whole or data[3:11] != b"EXFAT   ":
            continue
        total, fat, fat_size, heap, clusters = struct.unpack_from("<QIIII", data, 72)
        shift, per, fats = data[108], data[109], data[110]
        if 9 <= shift <= 12 and shift + per <= 25 and fats in (1, 2) and clusters:
            return Boot(1 << shift, 1 << (shift + per), fat << shift, fat_size << shift, fats, heap << shift, clusters,
                        total << shift)  # fmt: skip
    return None


def copies(source: Source) -> list[Copy]:
    """The boot region stands twice."""
    boot = read_boot(source)
    return [] if boot is None else [Copy(0, 12 * boot.sector, 12 * boot.sector, "boot region")]


def layout(source: Source, family: str, runs_of: RunsOf) -> Layout | None:
    """The layout; the bitmap is found through the library's listing of the root directory."""
    boot = read_boot(source)
    if boot is None:
        return None
    areas = [Area(0, min(boot.fat, 24 * boot.sector), "boot regions")]
    areas += [Area(boot.fat + n * boot.fat_size, boot.fat + (n + 1) * boot.fat_size, f"FAT {n + 1}")
              for n in range(boot.fats)]  # fmt: skip
    bitmap, upcase = runs_of("$ALLOC_BITMAP"), runs_of("$UPCASE_TABLE")
    areas += [Area(start, start + size, "allocation bitmap") for start, size in bitmap]
    areas += [Area(start, start + size, "up-case table") for start, size in upcase]
    used, unread = read_bitmap(source, bitmap, boot.clusters)
    end = boot.heap + boot.clusters * boot.cluster
    total = min(boot.total, source.size)
    return Layout(family, boot.cluster, total, tuple(areas), ranges_of(~used & ~unread, boot.heap, boot.cluster),
                  ranges_of(unread, boot.heap, boot.cluster), tail=RangeSet.of(end, total))  # fmt: skip
