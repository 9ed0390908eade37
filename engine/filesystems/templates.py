"""Templates of what file systems keep about files: FAT and exFAT directories, NTFS records, the ext superblock.

Sources: Microsoft's FAT and exFAT specifications, the NTFS documentation of the Linux-NTFS project, the kernel's
documentation of ext4.
"""

from __future__ import annotations

from engine.filesystems.templates_chain import FAT12_TABLE, FAT16_TABLE, FAT32_TABLE
from engine.filesystems.templates_fat import EXFAT_DIRECTORY, FAT_DIRECTORY
from engine.filesystems.templates_ntfs import MFT_RECORD
from engine.filesystems.templates_unix import EXT_INODE, EXT_SUPERBLOCK
from engine.template import Shape, Template

TEMPLATES: dict[str, Template | Shape] = {
    one.name: one
    for one in (FAT_DIRECTORY, FAT12_TABLE, FAT16_TABLE, FAT32_TABLE, EXFAT_DIRECTORY, MFT_RECORD, EXT_SUPERBLOCK,
                EXT_INODE)
}


def guess(data: bytes) -> str | None:
    """By signature: an NTFS record, or an ext superblock."""
    if data[:4] in (b"FILE", b"BAAD"):
        return MFT_RECORD.name
    # A superblock: its magic, a block size, and a state that exists.
    if data[56:58] == b"\x53\xef" and len(data) >= 1024 and data[24] <= 6 and data[58] <= 7:
        return EXT_SUPERBLOCK.name
    if data[:1] == b"." and data[:11] == b".          " and data[11] == 0x10:
        return FAT_DIRECTORY.name
    return None
