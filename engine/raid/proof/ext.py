"""ext2/3/4: copies of the superblock that carry their group, directories that name their own inode, extent blocks."""

from __future__ import annotations

from engine.raid.proof.points import Points, le, spread

_MOST_GROUPS = 64
_MOST_INODES = 900
_TABLE = 128 << 10


def prove(points: Points, start: int) -> bool:
    """Look at the volume at ``start``; False when there is none."""
    block0 = points.read(start + 1024, 1024)
    if block0 is None or le(block0, 56, 2) != 0xEF53 or le(block0, 90, 2) != 0:
        return False
    shift = le(block0, 24, 4)
    blocks, per, inodes = le(block0, 4, 4), le(block0, 32, 4), le(block0, 40, 4)
    size = le(block0, 88, 2) if le(block0, 76, 4) else 128
    sane = shift <= 6 and 0 < per <= 8 << (10 + shift) and 0 < inodes <= 8 << (10 + shift)
    if not sane or size < 128 or size & (size - 1) or size > 1024 << shift:
        return points.check("superblocks of ext", start + 1024, False)
    points.check("superblocks of ext", start + 1024, True)
    incompat, block, first = le(block0, 96, 4), 1024 << shift, le(block0, 20, 4)
    if incompat & 0x80:
        blocks |= le(block0, 336, 4) << 32
    groups = -(-(blocks - first) // per)
    for group in _with_copies(groups, le(block0, 100, 4) & 1):
        at = start + (first + group * per) * block
        copy = points.read(at, 1024)
        if copy is not None:
            right = le(copy, 56, 2) == 0xEF53 and copy[104:120] == block0[104:120] and le(copy, 90, 2) == group & 0xFFFF
            points.check("copies of the superblock", at, right)
    wide = le(block0, 254, 2) if incompat & 0x80 else 32
    wide = wide if wide in (32, 64, 128, 256, 512, 1024) else 32
    if not incompat & 0x10:  # meta_bg keeps its descriptors elsewhere
        _tables(points, start, block, blocks, start + (first + 1) * block, wide, groups, inodes, size)
    return True


def _with_copies(groups: int, sparse: int) -> list[int]:
    if not sparse:
        return [group for group in spread(groups, _MOST_GROUPS) if group]
    found = {1}
    for base in (3, 5, 7):
        power = base
        while power < groups:
            found.add(power)
            power *= base
    return sorted(group for group in found if group < groups)


def _tables(
    points: Points, start: int, block: int, blocks: int, at: int, wide: int, groups: int, inodes: int, size: int
) -> None:
    seen = 0
    for group in spread(groups, _MOST_GROUPS):
        descriptor = points.read(at + group * wide, wide)
        if descriptor is None:
            continue
        table = le(descriptor, 8, 4) | (le(descriptor, 40, 4) << 32 if wide >= 64 else 0)
        bitmaps = (le(descriptor, 0, 4), le(descriptor, 4, 4))
        inside = 0 < table < blocks and all(low > 0 for low in bitmaps)
        if not points.check("group descriptors", at + group * wide, inside) or le(descriptor, 18, 2) & 1:
            continue  # no inode of it was ever used
        unused = le(descriptor, 28, 2) | (le(descriptor, 50, 2) << 16 if wide >= 64 else 0)
        length = min(max(0, inodes - unused) * size, _TABLE) // size * size
        data = points.read(start + table * block, length) if length else None
        for index in range(length // size) if data is not None else ():
            if seen >= _MOST_INODES:
                return
            assert data is not None
            number = group * inodes + index + 1
            place = start + table * block + index * size
            seen += _inode(points, start, block, data[index * size : (index + 1) * size], number, place)


def _inode(points: Points, start: int, block: int, inode: bytes, number: int, place: int) -> bool:
    """A directory's first block names the inode; the blocks of an extent tree have their magic."""
    mode, extents = le(inode, 0, 2), bool(le(inode, 32, 4) & 0x80000)
    if mode >> 12 not in (4, 8) or not le(inode, 26, 2) or (number < 11 and number != 2):
        return False
    if not extents:
        if mode >> 12 != 4 or not le(inode, 40, 4):
            return False
        return _directory(points, start + le(inode, 40, 4) * block, number)
    if not points.check("roots of extent trees", place, le(inode, 40, 2) == 0xF30A) or not le(inode, 42, 2):
        return True
    if le(inode, 46, 2):  # a tree: its first child is a block of its own
        at = start + (le(inode, 56, 4) | le(inode, 60, 2) << 32) * block
        child = points.read(at, 12)
        if child is not None:
            points.check("blocks of extent trees", at, le(child, 0, 2) == 0xF30A)
        return True
    if mode >> 12 == 4:
        return _directory(points, start + (le(inode, 60, 4) | le(inode, 58, 2) << 32) * block, number)
    return False


def _directory(points: Points, at: int, number: int) -> bool:
    data = points.read(at, 24)
    if data is None:
        return False
    right = le(data, 0, 4) == number and le(data, 4, 2) == 12 and data[6] == 1 and data[8:9] == b"."
    points.check("directories that name themselves", at, right)
    return True
