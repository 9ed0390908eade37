"""File entries: size, times and where the content is."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime

from engine.dvr.cutting import join
from engine.dvr.disk import Disk
from engine.dvr.model import Extent
from engine.dvr.udf.structs import (
    ALLOCATED,
    BLOCK,
    CONTINUED,
    EXTENDED_ENTRY,
    EXTENT_LIST,
    FILE_ENTRY,
    NOT_ALLOCATED,
    Allocation,
    long_ad,
    read_tag,
    time_of,
)

MAX_EXTENTS = 500_000
_MAX_LISTS = 10_000
DIRECTORY = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory. ``extents`` are positions in the source; ``unplaced`` bytes have no known place."""

    block: int
    file_type: int
    size: int
    modified: datetime | None
    extents: tuple[Extent, ...]
    unplaced: int
    crc_right: bool | None

    @property
    def directory(self) -> bool:
        """Whether it is one."""
        return self.file_type == DIRECTORY


def read_entry(disk: Disk, block: int, *, note: bool = True) -> Entry | None:
    """The file entry in a block (counted from the partition's start), or None when it is unread or none."""
    piece = disk.piece(block * BLOCK, BLOCK)
    tag = read_tag(piece.get(0, 16))
    if tag is None or tag.kind not in (FILE_ENTRY, EXTENDED_ENTRY):
        return None
    extended = tag.kind == EXTENDED_ENTRY
    head = piece.get(0, 216 if extended else 176)
    if head is None:
        return None
    if note:
        disk.note(block * BLOCK, BLOCK)
    full = read_tag(piece.data) if piece.whole else None
    size = struct.unpack_from("<Q", head, 56)[0]
    modified = time_of(head[92:104] if extended else head[84:96])
    ea_size, ad_size = struct.unpack_from("<II", head, 208 if extended else 168)
    start = (216 if extended else 176) + ea_size
    file_type, form = head[16 + 11], struct.unpack_from("<H", head, 16 + 18)[0] & 7
    if size > disk.size:
        disk.problem("file-size", f"the file entry in block {block} claims {size} bytes", block * BLOCK)
    wanted = min(size, disk.size)
    if form == 3:
        there = max(0, min(wanted, ad_size, BLOCK - start))
        place = block * BLOCK + start + disk.base
        extents: tuple[Extent, ...] = (Extent(place, there),) if there else ()
    elif form in (0, 1):
        extents = _extents(disk, block, (start, ad_size), form, wanted)
    else:
        disk.problem("allocation", f"the file entry in block {block} has an unknown kind of addresses", block * BLOCK)
        extents = ()
    unplaced = wanted - sum(extent.size for extent in extents)
    if unplaced:
        disk.problem("runs-short", f"{unplaced} of {size} bytes of a file have no place", block * BLOCK)
    return Entry(block, file_type, size, modified, extents, unplaced, None if full is None else full.crc_right)


def _extents(disk: Disk, block: int, where: tuple[int, int], form: int, wanted: int) -> tuple[Extent, ...]:
    """Extents of a file, through all of its lists of descriptors."""
    found: list[Extent] = []
    left = wanted
    seen = {block}
    at, size = where
    step = 8 if form == 0 else 16
    while True:
        piece = disk.piece(block * BLOCK, BLOCK)
        following: Allocation | None = None
        for place in range(at, min(at + size, BLOCK) - step + 1, step):
            data = piece.get(place, step)
            if data is None:
                disk.problem("runs-lost", "a list of a file's extents is unread in part", block * BLOCK + place)
                return join(found)
            one = long_ad(data)
            if one.size == 0 or left <= 0 or len(found) >= MAX_EXTENTS:
                return join(found)
            if one.kind == CONTINUED:
                following = one
                break
            left -= _add(disk, one, left, found)
        if following is None:
            return join(found)
        block = following.block
        head = disk.get(block * BLOCK, 24)
        tag = read_tag(head)
        if block in seen or len(seen) > _MAX_LISTS:
            disk.problem("runs-loop", "the lists of a file's extents come back to one another", block * BLOCK)
            return join(found)
        if head is None or tag is None or tag.kind != EXTENT_LIST:
            disk.problem("runs-lost", "a list of a file's extents is lost", block * BLOCK)
            return join(found)
        disk.note(block * BLOCK, BLOCK)
        seen.add(block)
        at, size = 24, min(struct.unpack_from("<I", head, 20)[0], BLOCK - 24)


def _add(disk: Disk, one: Allocation, left: int, found: list[Extent]) -> int:
    """One extent; how much of the file's size it fills."""
    size = min(one.size, left)
    if one.kind in (ALLOCATED, NOT_ALLOCATED):
        found.append(Extent(None, size))
        return size
    start = one.block * BLOCK
    there = max(0, min(size, disk.size - start))
    if there < size:
        disk.problem("outside", f"an extent of a file (block {one.block}) ends outside the disk")
    if there:
        found.append(Extent(start + disk.base, there))
    return size
