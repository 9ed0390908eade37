"""Boot sectors of FAT, exFAT and NTFS seen alike: what checks and repairs need of them beside the recognisers.

Positions inside a volume are in bytes from its start unless a name says sectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.partitions.volumes import exfat, fat, ntfs
from engine.partitions.volumes.bits import u16, u32, u64

BootKind = Literal["fat12", "fat16", "fat32", "exfat", "ntfs"]
EXFAT_REGION = 12
"""Sectors of an exFAT boot region; the backup follows the main one."""


@dataclass(frozen=True, slots=True)
class Boot:
    """A boot sector whose numbers agree with each other.

    ``size`` is the least partition that holds the volume (for NTFS with its backup boot sector), in bytes. ``hidden``
    is the distance in sectors that boot code adds to every address: hidden sectors, for exFAT the partition offset.
    ``region`` are the bytes that are copied as one; ``backup`` where the copy of them lies, None when there is none.
    ``fsinfo`` is the place of FAT32's FSInfo sector.
    """

    kind: BootKind
    sector_size: int
    size: int
    hidden: int
    region: int
    backup: int | None
    fsinfo: int | None
    detail: fat.Bpb | exfat.Boot | ntfs.Boot

    @property
    def hidden_offset(self) -> int:
        """Where the distance stands."""
        return 0x40 if self.kind == "exfat" else 0x1C

    @property
    def hidden_size(self) -> int:
        """How many bytes it has."""
        return 8 if self.kind == "exfat" else 4

    @property
    def title(self) -> str:
        """The name for people."""
        return {"ntfs": "NTFS", "exfat": "exFAT"}.get(self.kind, self.kind.upper())

    @property
    def template(self) -> str:
        """The template that explains it."""
        return {"fat32": "fat32-boot", "exfat": "exfat-boot", "ntfs": "ntfs-boot"}.get(self.kind, "fat-boot")


def parse_boot(data: bytes) -> Boot | None:
    """Decode the first 512 bytes of a volume; None unless it is a FAT, exFAT or NTFS boot sector without fault."""
    if len(data) < 512:
        return None
    ntfs_boot = ntfs.parse(data)
    if ntfs_boot is not None:
        size = ntfs_boot.sector_size
        return Boot("ntfs", size, (ntfs_boot.total + 1) * size, u32(data, 0x1C), max(512, size),
                    ntfs_boot.total * size, None, ntfs_boot)  # fmt: skip
    exfat_boot = exfat.parse(data)
    if exfat_boot is not None:
        size = exfat_boot.sector_size
        region = EXFAT_REGION * size
        return Boot("exfat", size, exfat_boot.total * size, u64(data, 0x40), region, region, None, exfat_boot)
    bpb = fat.parse(data)
    if bpb is None:
        return None
    size = bpb.sector_size
    number = u16(data, 0x30)
    kind: BootKind = "fat32" if bpb.kind == "fat32" else "fat12" if bpb.kind == "fat12" else "fat16"
    wide = kind == "fat32"
    return Boot(kind, size, bpb.total * size, u32(data, 0x1C), size,
                bpb.backup * size if wide and bpb.backup else None,
                number * size if wide and 0 < number < bpb.reserved else None, bpb)  # fmt: skip
