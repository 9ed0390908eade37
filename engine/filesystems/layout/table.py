"""Which module knows which family."""

from __future__ import annotations

import struct

from engine.filesystems.layout import exfat, ext, fat, hfs, ntfs
from engine.filesystems.layout.model import Layout, RunsOf
from engine.filesystems.reading import Copy
from engine.source import Source

_LAYOUTS = {
    "fat12": fat.layout, "fat16": fat.layout, "fat32": fat.layout, "exfat": exfat.layout, "ntfs": ntfs.layout,
    "ext2": ext.layout, "ext3": ext.layout, "ext4": ext.layout, "hfs+": hfs.layout,
}  # fmt: skip


def layout_of(source: Source, family: str, runs_of: RunsOf) -> Layout | None:
    """The layout of a volume of that family; None when the family has none here (ISO 9660, UFS) or it is unreadable."""
    make = _LAYOUTS.get(family)
    if make is None:
        return None
    try:
        return make(source, family, runs_of)
    except (struct.error, ValueError, OverflowError, MemoryError):
        return None


def copies_of(source: Source) -> list[Copy]:
    """Structures of which the volume keeps a second copy, whatever its family is."""
    found: list[Copy] = []
    for module in (exfat, ntfs, ext, fat, hfs):
        try:
            found = module.copies(source)
        except (struct.error, ValueError, OverflowError):
            continue
        if found:
            break
    size = source.size
    return [copy for copy in found if copy.start >= 0 and copy.other >= 0 and copy.start + copy.size <= size]
