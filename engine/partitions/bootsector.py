"""The first sector of FAT, exFAT and NTFS volumes: decoded, and told from sectors that only look alike.

Facts: Microsoft's FAT and exFAT specifications; NTFS as mkntfs and Windows write it. Positions inside a volume are in
bytes from its start unless a name says sectors or clusters.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

BootKind = Literal["fat12", "fat16", "fat32", "exfat", "ntfs"]
_SECTORS = (512, 1024, 2048, 4096)
_FAT = struct.Struct("<3s8sHBHBHHBHHHII")
_FAT32 = struct.Struct("<IHHIHH")
_EXFAT = struct.Struct("<QQIIIIIIHHBBBBB")


@dataclass(frozen=True, slots=True)
class FatBoot:
    """A FAT boot sector whose numbers agree with each other. Sizes in sectors of ``sector_size`` bytes."""

    kind: BootKind
    sector_size: int
    cluster_sectors: int
    reserved_sectors: int
    fat_count: int
    fat_sectors: int
    root_entries: int
    total_sectors: int
    media: int
    hidden_sectors: int
    cluster_count: int
    root_cluster: int
    fsinfo_sector: int
    backup_sector: int

    @property
    def size(self) -> int:
        """The volume in bytes."""
        return self.total_sectors * self.sector_size

    @property
    def fat_offset(self) -> int:
        """Where the first FAT begins."""
        return self.reserved_sectors * self.sector_size

    @property
    def fat_size(self) -> int:
        """Bytes of one FAT."""
        return self.fat_sectors * self.sector_size

    @property
    def data_offset(self) -> int:
        """Where cluster 2 begins."""
        root = -(-self.root_entries * 32 // self.sector_size)
        return (self.reserved_sectors + self.fat_count * self.fat_sectors + root) * self.sector_size


@dataclass(frozen=True, slots=True)
class ExfatBoot:
    """The main boot sector of an exFAT volume."""

    sector_size: int
    partition_offset: int
    volume_sectors: int
    fat_offset_sectors: int
    fat_sectors: int
    heap_offset_sectors: int
    cluster_count: int
    root_cluster: int
    cluster_sectors: int
    fat_count: int
    volume_flags: int

    kind: BootKind = "exfat"

    @property
    def size(self) -> int:
        """The volume in bytes."""
        return self.volume_sectors * self.sector_size

    @property
    def hidden_sectors(self) -> int:
        """What FAT and NTFS call so."""
        return self.partition_offset


@dataclass(frozen=True, slots=True)
class NtfsBoot:
    """The boot sector of an NTFS volume. ``total_sectors`` leaves out the backup boot sector behind it."""

    sector_size: int
    cluster_size: int
    total_sectors: int
    mft_lcn: int
    mft_mirror_lcn: int
    record_size: int
    hidden_sectors: int

    kind: BootKind = "ntfs"

    @property
    def size(self) -> int:
        """The volume in bytes, its backup boot sector included."""
        return (self.total_sectors + 1) * self.sector_size

    @property
    def backup_offset(self) -> int:
        """Where the backup boot sector lies."""
        return self.total_sectors * self.sector_size


Boot = FatBoot | ExfatBoot | NtfsBoot


def parse_boot(data: bytes) -> Boot | None:
    """Decode the first 512 bytes of a volume; None unless it is a FAT, exFAT or NTFS boot sector without fault."""
    if len(data) < 512 or data[510:512] != b"\x55\xaa":
        return None
    if data[3:11] == b"NTFS    ":
        return _ntfs(data)
    if data[3:11] == b"EXFAT   ":
        return _exfat(data)
    return _fat(data)


def _power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


def _ntfs(data: bytes) -> NtfsBoot | None:
    sector, cluster = struct.unpack_from("<HB", data, 0x0B)
    hidden, total, mft, mirror = struct.unpack_from("<I8xQQQ", data, 0x1C)
    record = struct.unpack_from("<b", data, 0x40)[0]
    if sector not in (256, *_SECTORS) or any(data[0x0E:0x15]):
        return None
    sectors = 1 << 256 - cluster if cluster > 0xF3 else cluster
    if not _power_of_two(sectors) or not 0 < total < 1 << 55:
        return None
    size = sector * sectors
    record_size = 1 << -record if -31 <= record < 0 else record * size
    clusters = total // sectors
    if not 256 <= record_size <= 1 << 20 or not 0 < mft < clusters or not 0 < mirror < clusters:
        return None
    return NtfsBoot(sector, size, total, mft, mirror, record_size, hidden)


def _exfat(data: bytes) -> ExfatBoot | None:
    (offset, length, fat, fat_length, heap, clusters, root, _, _, flags, shift, cluster_shift, fats, _, _) = (
        _EXFAT.unpack_from(data, 0x40)
    )
    if any(data[11:64]) or not 9 <= shift <= 12 or cluster_shift > 25 - shift or fats not in (1, 2):
        return None
    fits = fat >= 24 and heap >= fat + fat_length * fats and heap + (clusters << cluster_shift) <= length
    if not fits or clusters == 0 or not 2 <= root <= clusters + 1 or fat_length << shift < (clusters + 2) * 4:
        return None
    return ExfatBoot(1 << shift, offset, length, fat, fat_length, heap, clusters, root, 1 << cluster_shift, fats, flags)


def _fat(data: bytes) -> FatBoot | None:
    (jump, _, sector, cluster, reserved, fats, root, total16, media, spf16, _, _, hidden, total32) = (
        _FAT.unpack_from(data)
    )
    if not (jump[0] == 0xE9 or (jump[0] == 0xEB and jump[2] in (0x90, 0x00))):
        return None
    if sector not in _SECTORS or not _power_of_two(cluster) or reserved < 1 or fats not in (1, 2) or media < 0xF0:
        return None
    spf32, _, _, root_cluster, fsinfo, backup = _FAT32.unpack_from(data, 0x24)
    wide = spf16 == 0
    total, spf = total16 or total32, spf16 or spf32
    if wide != (root == 0) or not spf or not total:
        return None
    data_start = reserved + fats * spf + -(-root * 32 // sector)
    clusters = (total - data_start) // cluster if total > data_start else 0
    bits = 32 if wide else 12 if clusters < 4085 else 16
    if not clusters or spf * sector * 8 < (clusters + 2) * bits or (bits == 16 and clusters >= 65525):
        return None
    if wide and not 2 <= root_cluster <= clusters + 1:
        return None
    kind: BootKind = "fat32" if wide else "fat12" if bits == 12 else "fat16"
    return FatBoot(kind, sector, cluster, reserved, fats, spf, root, total, media, hidden, clusters,
                   root_cluster if wide else 0, fsinfo if wide else 0,
                   backup if wide and 0 < backup < reserved else 0)  # fmt: skip
