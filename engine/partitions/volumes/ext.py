"""ext2, ext3, ext4: the superblock, its copies in block groups, group descriptors and the root directory's inode.

Facts: e2fsprogs' ext2_fs.h and Linux's documentation of ext4; which features make ext4 out of ext2 and ext3 as blkid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.partitions.volumes.bits import crc32c, is_power, text, u16, u32, uuid
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import little
from engine.partitions.volumes.view import Findings, View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows

_SIZE = 1024
_COMPAT_JOURNAL, _INCOMPAT_JOURNAL_DEVICE, _INCOMPAT_64BIT, _RO_CHECKSUM = 0x4, 0x8, 0x80, 0x400
_INCOMPAT_EXT3, _RO_EXT3 = 0x2 | 0x4 | 0x10, 0x1 | 0x2 | 0x4
_COPIES = (1, 3, 5, 7, 9)


@dataclass(frozen=True, slots=True)
class Super:
    """A plausible superblock; ``group`` is the block group that this copy says it stands in."""

    kind: str
    block: int
    blocks: int
    group_blocks: int
    first_block: int
    group: int
    inode_size: int
    descriptor: int
    wide: bool
    label: str
    uuid: str
    checksum: bool | None
    numbered: bool
    """False in revision 0: a copy does not say which group it stands in."""

    @property
    def groups(self) -> int:
        """How many block groups the volume has."""
        return -(-(self.blocks - self.first_block) // self.group_blocks)

    def place(self, group: int) -> int:
        """Offset of the superblock of that group in the volume."""
        if group == 0:
            return 1024
        return (group * self.group_blocks + self.first_block) * self.block


def parse(data: bytes) -> Super | None:
    """From the 1024 bytes of a superblock; None when its numbers make no volume."""
    shift, first, group_blocks = u32(data, 0x18), u32(data, 0x14), u32(data, 0x20)
    if u16(data, 0x38) != 0xEF53 or shift > 6 or u32(data, 0x4C) > 1 or not group_blocks:
        return None
    block = 1024 << shift
    dynamic = u32(data, 0x4C) == 1
    compat, incompat, ro = (u32(data, place) if dynamic else 0 for place in (0x5C, 0x60, 0x64))
    wide = bool(incompat & _INCOMPAT_64BIT)
    blocks = u32(data, 0x04) | (u32(data, 0x150) << 32 if wide else 0)
    group_inodes, inodes = u32(data, 0x28), u32(data, 0x00)
    inode_size = u16(data, 0x58) if dynamic else 128
    if first > 1 or blocks <= first or blocks * block >= 1 << 63 or not is_power(inode_size, 128, block):
        return None
    external = bool(incompat & _INCOMPAT_JOURNAL_DEVICE)
    if not external and (not group_inodes or not inodes or group_inodes > 8 * block or group_blocks > 8 * block << 16):
        return None
    descriptor = u16(data, 0xFE) if wide else 32
    if not is_power(descriptor, 32, 1024):
        return None
    kind = "ext4" if incompat & ~_INCOMPAT_EXT3 or ro & ~_RO_EXT3 else "ext3" if compat & _COMPAT_JOURNAL else "ext2"
    good = crc32c(data[:0x3FC]) == u32(data, 0x3FC) if ro & _RO_CHECKSUM else None
    found = Super("jbd" if external else kind, block, blocks, group_blocks, first, u16(data, 0x5A), inode_size,
                  descriptor, wide, text(data[0x78:0x88]), uuid(data[0x68:0x78]), good, dynamic)  # fmt: skip
    return found if found.group == 0 or found.group < found.groups else None


def examine(view: View) -> Volume | None:
    """The ext volume at the view's start, by its superblock or by a copy in another group."""
    data = view.get(1024, _SIZE)
    main = parse(data) if data else None
    if main is not None and main.group == 0:
        return _volume(view, main, 1024)
    for place in (*view.copies, *_usual()):
        data = view.get(place, _SIZE) if place > 1024 else None
        copy = parse(data) if data else None
        if copy is not None and not copy.numbered:
            group = max(0, place // copy.block - copy.first_block) // copy.group_blocks
            copy = replace(copy, group=group) if group < copy.groups else None
        if copy is not None and copy.group and copy.place(copy.group) == place:
            return _volume(view, copy, place)
    return None


def _usual() -> list[int]:
    """Where copies stand with the groups that mkfs makes: as many blocks as a bitmap of one block has bits."""
    places = []
    for block in (4096, 1024, 2048, 8192, 16384, 32768, 65536):
        first = 1 if block == 1024 else 0
        places += [(group * 8 * block + first) * block for group in _COPIES[:2]]
    return places


def _volume(view: View, sup: Super, place: int) -> Volume:
    found = Findings(view)
    found.seen(f"superblock of group {sup.group}" if place != 1024 else "superblock", place)
    if place != 1024:
        found.problem("superblock-bad", f"the superblock is bad, its copy in group {sup.group} at +{place} is good")
    if sup.checksum is False:
        found.problem("superblock-bad", "the superblock's checksum is wrong", place)
    if sup.kind == "jbd":
        found.confirmations += 1
    else:
        _root(view, sup, found)
        for group in _COPIES:
            if group < sup.groups and sup.place(group) != place:
                data = view.get(sup.place(group), _SIZE)
                copy = parse(data) if data else None
                if copy is not None and copy.group in (group, 0) and copy.uuid == sup.uuid:
                    found.confirm(f"superblock of group {group}", sup.place(group), _SIZE, True)
    return Volume(
        sup.kind, view.start, sup.blocks * sup.block, label=sup.label, uuid=sup.uuid, block_size=sup.block,
        by_backup=place != 1024, checksum=sup.checksum, confirmation=found.confirmation,
        evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _root(view: View, sup: Super, found: Findings) -> None:
    """The first group descriptor leads to the inode table, whose second inode is the root directory."""
    for group in (0, sup.group) if sup.group else (0,):
        # They begin in the block behind the superblock's; that of group 0 stands at 1024 whatever the size of blocks.
        offset = (1024 // sup.block + 1) * sup.block if group == 0 else sup.place(group) + sup.block
        data = view.get(offset, sup.descriptor)
        table = None
        if data is not None:
            low = [u32(data, place) for place in (0, 4, 8)]
            high = [u32(data, place) if sup.wide and sup.descriptor >= 64 else 0 for place in (0x20, 0x24, 0x28)]
            bitmap, other, table = (a | b << 32 for a, b in zip(low, high, strict=True))
            if not all(sup.first_block < block < sup.blocks for block in (bitmap, other, table)) or bitmap == other:
                found.confirm("group descriptors", offset, sup.descriptor, False)
                continue
            found.seen("group descriptors", offset)
        elif not found.confirm("group descriptors", offset, sup.descriptor, None):
            continue
        if table is not None:
            place = table * sup.block + sup.inode_size
            inode = view.get(place, 128)
            good = None if inode is None else u16(inode, 0) & 0xF000 == 0x4000 and u16(inode, 0x1A) >= 2
            if found.confirm("root directory's inode", place, 128, good):
                return


def locate(view: View) -> list[int]:
    """The copy names its group, and so its distance from the start."""
    data = view.get(0, _SIZE)
    sup = parse(data) if data else None
    if sup is None:
        return []
    if sup.numbered:
        return [-sup.place(sup.group)]
    return [-sup.place(group) for group in (0, *_COPIES) if group < sup.groups]


def sieve(rows: Rows) -> Mask:
    """Block size, first block, revision and a positive size."""
    return (
        (little(rows, 0x18, 4) <= 6) & (little(rows, 0x14, 4) <= 1) & (little(rows, 0x4C, 4) <= 1)
        & (little(rows, 0x20, 4) > 0) & (little(rows, 0x04, 4) > 0)
    )  # fmt: skip


FAMILY = Family("ext", examine, (Mark(56, b"\x53\xef", sieve, locate),))
