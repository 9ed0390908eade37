"""FAT12, FAT16 and FAT32: boot record, FSInfo, FATs, root directory; free clusters are zeros in the FAT."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.filesystems.layout.model import Area, Layout, RunsOf, ranges_of
from engine.filesystems.reading import Copy
from engine.ranges import RangeSet
from engine.source import Source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MAX_FAT = 1 << 30


@dataclass(frozen=True, slots=True)
class Boot:
    """The figures of a boot record, in bytes except ``fats`` and ``clusters``; ``bits`` is 12, 16 or 32."""

    sector: int
    cluster: int
    reserved: int
    fats: int
    fat_size: int
    root_size: int
    clusters: int
    total: int
    bits: int

    @property
    def root(self) -> int:
        return self.reserved + self.fats * self.fat_size

    @property
    def data(self) -> int:
        """Where cluster 2 begins."""
        return self.root + self.root_size


def read_boot(source: Source) -> Boot | None:
    """The boot record, or a FAT32's backup of it when the first was never read; None when there is neither."""
    for offset in (0, 6 * 512, 6 * 4096):
        if offset + 512 > source.size:
            continue
        reading = source.read(offset, 512)
        if reading.whole and (boot := parse_boot(reading.data)) is not None and (not offset or boot.bits == 32):
            return boot
    return None


def parse_boot(data: bytes) -> Boot | None:
    """From the first 512 bytes; None when they are no FAT boot record."""
    sector, per_cluster, reserved, fats, entries, small, _media, fat16 = struct.unpack_from("<HBHBHHBH", data, 11)
    large, fat32 = struct.unpack_from("<II", data, 32)
    total, fat = small or large, fat16 or fat32
    if sector not in (512, 1024, 2048, 4096) or per_cluster not in (1, 2, 4, 8, 16, 32, 64, 128):
        return None
    root = -(-entries * 32 // sector)
    if not reserved or not 1 <= fats <= 4 or not fat or not total or fat * sector > _MAX_FAT:
        return None
    clusters = (total - reserved - fats * fat - root) // per_cluster
    if clusters < 1:
        return None
    width = 12 if clusters < 4085 else 16 if clusters < 65525 else 32
    if not fat16 and not entries:
        width = 32
    clusters = min(clusters, fat * sector * 8 // width - 2)
    return Boot(sector, per_cluster * sector, reserved * sector, fats, fat * sector, root * sector, clusters,
                total * sector, width)  # fmt: skip


def copies(source: Source) -> list[Copy]:
    """What stands twice: the FAT, and the boot record of a FAT32."""
    boot = read_boot(source)
    if boot is None:
        return []
    found = [
        Copy(boot.reserved, boot.fat_size, boot.reserved + number * boot.fat_size, "FAT")
        for number in range(1, boot.fats)
    ]
    if boot.bits == 32:
        found.append(Copy(0, 3 * boot.sector, 6 * boot.sector, "boot record"))
    return found


def entries(data: bytes, width: int, count: int) -> npt.NDArray[np.uint32]:
    """The first ``count`` entries of a FAT (from cluster 0 on)."""
    import numpy as np

    if width == 32:
        return np.frombuffer(data, "<u4", min(count, len(data) // 4)) & np.uint32(0x0FFFFFFF)
    if width == 16:
        return np.frombuffer(data, "<u2", min(count, len(data) // 2)).astype(np.uint32)
    three = np.frombuffer(data[: len(data) // 3 * 3], np.uint8).astype(np.uint32).reshape(-1, 3)
    pairs = np.empty((three.shape[0], 2), np.uint32)
    pairs[:, 0] = three[:, 0] | (three[:, 1] & 15) << 8
    pairs[:, 1] = three[:, 1] >> 4 | three[:, 2] << 4
    return pairs.reshape(-1)[:count]


def layout(source: Source, family: str, _runs_of: RunsOf) -> Layout | None:
    """The layout; ``source`` fills holes of the first FAT from the others (``copies``)."""
    import numpy as np

    boot = read_boot(source)
    if boot is None:
        return None
    reading = source.read(boot.reserved, boot.fat_size)
    table = entries(reading.data, boot.bits, boot.clusters + 2)
    unread = np.zeros(boot.clusters + 2, bool)
    unread[table.size :] = True
    for low, high in reading.holes:
        first, last = (low - boot.reserved) * 8 // boot.bits, -(-(high - boot.reserved) * 8 // boot.bits)
        unread[first:last] = True
    bad_mark = (1 << (28 if boot.bits == 32 else boot.bits)) - 9
    free = np.zeros(boot.clusters + 2, bool)
    bad = free.copy()
    free[: table.size], bad[: table.size] = table == 0, table == bad_mark
    free[unread] = bad[unread] = False
    end = boot.data + boot.clusters * boot.cluster
    areas = [Area(0, boot.reserved, "boot record and reserved sectors")]
    areas += [
        Area(boot.reserved + n * boot.fat_size, boot.reserved + (n + 1) * boot.fat_size, f"FAT {n + 1}")
        for n in range(boot.fats)
    ]
    if boot.root_size:
        areas.append(Area(boot.root, boot.data, "root directory"))
    return Layout(
        family, boot.cluster, min(boot.total, source.size), tuple(areas), ranges_of(free[2:], boot.data, boot.cluster),
        ranges_of(unread[2:], boot.data, boot.cluster), ranges_of(bad[2:], boot.data, boot.cluster),
        RangeSet.of(end, min(boot.total, source.size)),
    )  # fmt: skip
