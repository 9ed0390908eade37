"""The kinds of volumes: named as ``blkid`` does (but FAT by its width, and HFSX by itself), and the types that fit."""

from __future__ import annotations

from dataclasses import dataclass

BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"


@dataclass(frozen=True, slots=True)
class Kind:
    """``mbr_type`` and ``gpt_type`` are what a new table entry for it gets; ``container`` holds other volumes."""

    title: str
    mbr_type: int
    gpt_type: str
    container: bool = False


KINDS: dict[str, Kind] = {
    "fat12": Kind("FAT12", 0x01, BASIC_DATA),
    "fat16": Kind("FAT16", 0x0E, BASIC_DATA),
    "fat32": Kind("FAT32", 0x0C, BASIC_DATA),
    "exfat": Kind("exFAT", 0x07, BASIC_DATA),
    "ntfs": Kind("NTFS", 0x07, BASIC_DATA),
    "ReFS": Kind("ReFS", 0x07, BASIC_DATA),
    "BitLocker": Kind("BitLocker", 0x07, BASIC_DATA, container=True),
    "ext2": Kind("ext2", 0x83, LINUX),
    "ext3": Kind("ext3", 0x83, LINUX),
    "ext4": Kind("ext4", 0x83, LINUX),
    "jbd": Kind("ext journal device", 0x83, LINUX),
    "xfs": Kind("XFS", 0x83, LINUX),
    "btrfs": Kind("btrfs", 0x83, LINUX),
    "f2fs": Kind("F2FS", 0x83, LINUX),
    "jfs": Kind("JFS", 0x83, LINUX),
    "nilfs2": Kind("NILFS2", 0x83, LINUX),
    "reiserfs": Kind("ReiserFS", 0x83, LINUX),
    "swap": Kind("Linux swap", 0x82, "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"),
    "crypto_LUKS": Kind("LUKS", 0x83, LINUX, container=True),
    "LVM2_member": Kind("LVM2 physical volume", 0x8E, "E6D6D379-F507-44C2-A23C-238F2A3DF928", container=True),
    "linux_raid_member": Kind("Linux RAID member", 0xFD, "A19D880F-05FC-4D3B-A006-743F0F84911E", container=True),
    "zfs_member": Kind("ZFS member", 0xBF, "6A898CC3-1DD2-11B2-99A6-080020736631", container=True),
    "hfs": Kind("HFS", 0xAF, "48465300-0000-11AA-AA11-00306543ECAC"),
    "hfsplus": Kind("HFS+", 0xAF, "48465300-0000-11AA-AA11-00306543ECAC"),
    "hfsx": Kind("HFSX", 0xAF, "48465300-0000-11AA-AA11-00306543ECAC"),
    "apfs": Kind("APFS", 0xAF, "7C3457EF-0000-11AA-AA11-00306543ECAC"),
    "iso9660": Kind("ISO 9660", 0x96, BASIC_DATA),
    "udf": Kind("UDF", 0x07, BASIC_DATA),
    "udf-swapped": Kind("UDF, 16-bit words swapped (recorder)", 0x07, BASIC_DATA),
    "udf-bare": Kind("UDF tree without volume (Panasonic recorder)", 0x07, BASIC_DATA),
    "meihdfs": Kind("MEIHDFS (Panasonic recorder)", 0xDA, BASIC_DATA),
    "pioneer": Kind("Pioneer / Sony recorder", 0xDA, BASIC_DATA),
    "tivo": Kind("TiVo recorder", 0xDA, BASIC_DATA),
    "topfield": Kind("Topfield recorder", 0xDA, BASIC_DATA),
    "hikvision": Kind("Hikvision recorder", 0xDA, BASIC_DATA),
    "dhfs": Kind("DHFS4.1 (Dahua recorder)", 0xDA, BASIC_DATA),
    "wfs": Kind("WFS (CCTV recorder)", 0xDA, BASIC_DATA),
}


def title(kind: str) -> str:
    """The name of a kind for people."""
    known = KINDS.get(kind)
    return kind if known is None else known.title
