"""All families of volumes, in the order in which they win when several signatures stand on one volume."""

from __future__ import annotations

from engine.partitions.volumes import (
    apfs,
    btrfs,
    exfat,
    ext,
    fat,
    hfs,
    linux,
    luks,
    lvm,
    md,
    ntfs,
    ntfs_mft,
    optical,
    recorders,
    swap,
    windows,
    xfs,
    zfs,
)  # fmt: skip
from engine.partitions.volumes.family import Family

# Containers first: what they hold may begin at the same sector. FAT late: it has no signature of its own.
FAMILIES: tuple[Family, ...] = (
    luks.FAMILY, lvm.FAMILY, md.FAMILY, zfs.FAMILY, *windows.FAMILIES,
    ext.FAMILY, xfs.FAMILY, btrfs.FAMILY, ntfs.FAMILY, ntfs_mft.FAMILY, exfat.FAMILY, *linux.FAMILIES,
    apfs.FAMILY, hfs.FAMILY, swap.FAMILY, *optical.FAMILIES, fat.FAMILY, *recorders.FAMILIES,
)  # fmt: skip
