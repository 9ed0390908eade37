"""ext2, ext3, ext4: superblocks, group descriptors, block bitmaps, inode tables."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from engine.filesystems.layout.model import Area, Layout, RunsOf, bits, bits_in, ranges_of
from engine.filesystems.reading import Copy, MirrorSource
from engine.ranges import RangeSet
from engine.source import Source

_SPARSE, _LARGE_META, _64BIT, _BIGALLOC, _GDT_CSUM, _META_CSUM, _SPARSE2 = 1, 0x10, 0x80, 0x200, 0x10, 0x400, 0x200
_BLOCK_UNINIT = 2
_MAX_GROUPS = 1 << 22
DESCRIPTORS = "group descriptors"


@dataclass(frozen=True, slots=True)
class Super:
    """The superblock's figures; sizes in bytes where not counts."""

    block: int
    first: int
    blocks: int
    per_group: int
    cluster: int
    clusters_per_group: int
    inodes_per_group: int
    inode: int
    descriptor: int
    reserved: int
    first_meta: int
    compatible: int
    incompatible: int
    readonly: int
    backups: tuple[int, int]

    @property
    def groups(self) -> int:
        return -(-(self.blocks - self.first) // self.per_group)

    def has_copy(self, group: int) -> bool:
        """Whether a group begins with a copy of the superblock."""
        if group in (0, 1) and not self.compatible & _SPARSE2:
            return True
        if self.compatible & _SPARSE2:
            return group == 0 or group in self.backups
        if not self.readonly & _SPARSE:
            return True
        return any(_is_power(group, base) for base in (3, 5, 7))


def _is_power(number: int, base: int) -> bool:
    while number > 1 and number % base == 0:
        number //= base
    return number == 1


def parse_super(data: bytes) -> Super | None:
    """From its 1024 bytes."""
    if len(data) < 1024 or data[56:58] != b"\x53\xef":
        return None
    (blocks_low,) = struct.unpack_from("<I", data, 4)
    first, shift, cluster_shift, per_group, clusters, inodes = struct.unpack_from("<IIIIII", data, 20)
    inode = struct.unpack_from("<H", data, 88)[0] if struct.unpack_from("<I", data, 76)[0] else 128
    compatible, incompatible, readonly = struct.unpack_from("<III", data, 92)
    (reserved,) = struct.unpack_from("<H", data, 206)
    (size,) = struct.unpack_from("<H", data, 254)
    (first_meta,) = struct.unpack_from("<I", data, 260)
    blocks = blocks_low | struct.unpack_from("<I", data, 336)[0] << 32 if incompatible & _64BIT else blocks_low
    if shift > 6 or not 8 <= per_group <= 1 << 20 or not inodes or not 64 <= inode <= 4096 or blocks <= first:
        return None
    block = 1024 << shift
    cluster = 1024 << cluster_shift if readonly & _BIGALLOC and cluster_shift <= 20 else block
    descriptor = max(32, size) if incompatible & _64BIT else 32
    found = Super(
        block, first, blocks, per_group, cluster, clusters if cluster != block else per_group, inodes, inode,
        descriptor, reserved, first_meta, compatible, incompatible, readonly, struct.unpack_from("<II", data, 588),
    )  # fmt: skip
    return found if found.groups <= _MAX_GROUPS and descriptor <= 1024 else None


def read_super(source: Source) -> Super | None:
    """The first superblock, or a copy at one of the places they have with default sizes."""
    for offset in (1024, 8193 << 10, 16384 << 11, 32768 << 12):
        reading = source.read(offset, 1024)
        if reading.whole and (found := parse_super(reading.data)) is not None:
            return found
    return None


def copies(source: Source) -> list[Copy]:
    """The superblock and the group descriptors stand once more in the next group that has a copy."""
    head = read_super(source)
    if head is None or head.groups < 2:
        return []
    found = []
    descriptors = -(-head.groups * head.descriptor // head.block) * head.block
    for group in [number for number in range(1, min(head.groups, 50)) if head.has_copy(number)][:4]:
        at = (head.first + group * head.per_group) * head.block
        found.append(Copy(1024, 1024, at, "superblock"))
        if not head.incompatible & _LARGE_META:
            found.append(Copy((head.first + 1) * head.block, descriptors, at + head.block, DESCRIPTORS))
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    block_bitmap: int
    inode_bitmap: int
    inode_table: int
    flags: int
    known: bool


def _descriptors(source: Source, head: Super) -> Iterator[_Group]:
    per_block = head.block // head.descriptor
    cached: tuple[int, bytes, RangeSet] = (-1, b"", RangeSet())
    for group in range(head.groups):
        number = group // per_block
        if head.incompatible & _LARGE_META and number >= head.first_meta:
            leader = number * per_block
            at = head.first + leader * head.per_group + (1 if head.has_copy(leader) else 0)
        else:
            at = head.first + 1 + number
        if cached[0] != at:
            reading = source.read(at * head.block, head.block)
            cached = (at, reading.data, RangeSet(reading.holes))
        low = group % per_block * head.descriptor
        data = cached[1][low : low + head.descriptor]
        position = at * head.block + low
        if len(data) < 32 or cached[2].overlaps(position, position + head.descriptor):
            yield _Group(0, 0, 0, 0, known=False)
            continue
        numbers = list(struct.unpack_from("<III", data, 0))
        if head.descriptor >= 64 and head.incompatible & _64BIT and len(data) >= 64:
            high = struct.unpack_from("<III", data, 32)
            numbers = [low_part | high_part << 32 for low_part, high_part in zip(numbers, high, strict=True)]
        flags = struct.unpack_from("<H", data, 18)[0] if head.readonly & (_GDT_CSUM | _META_CSUM) else 0
        yield _Group(numbers[0], numbers[1], numbers[2], flags, known=max(numbers) < head.blocks)


def layout(source: Source, family: str, _runs_of: RunsOf) -> Layout | None:
    """The layout from the group descriptors and bitmaps."""
    import numpy as np

    head = read_super(source)
    if head is None:
        return None
    block, total = head.block, min(head.blocks * head.block, source.size)
    areas = [Area(0, (head.first + 1) * block, "boot block and superblock")]
    table_blocks = -(-head.inodes_per_group * head.inode // block)
    descriptor_blocks = -(-head.groups * head.descriptor // block)
    unit = head.cluster
    units = -(-(head.blocks - head.first) * block // unit)
    used, unread = np.ones(units, bool), np.zeros(units, bool)
    base = head.first * block
    tables: list[int] = []
    # the kernel keeps only the first descriptors up to date: what a copy calls unused may be used since
    by_copy = isinstance(source, MirrorSource) and any(copy.what == DESCRIPTORS for copy, _ in source.used)
    for number, group in enumerate(_descriptors(source, head)):
        at = head.first + number * head.per_group
        areas += _group_head(head, number, at, descriptor_blocks)
        tables.append(group.inode_table * block if group.known else -1)
        first = number * head.clusters_per_group
        count = min(head.clusters_per_group, units - first)
        if not group.known:
            unread[first : first + count] = True
            continue
        for place, size, what in ((group.block_bitmap, 1, "block bitmap"), (group.inode_bitmap, 1, "inode bitmap"),
                                  (group.inode_table, table_blocks, "inode table")):  # fmt: skip
            if place:
                areas.append(Area(place * block, (place + size) * block, what))
        if group.flags & _BLOCK_UNINIT and not by_copy:
            used[first : first + count] = False
            continue
        reading = source.read(group.block_bitmap * block, -(-count // 8))
        used[first : first + count] = bits(reading.data, count)
        unread[first : first + count] = bits_in(RangeSet(reading.holes), group.block_bitmap * block, count)
    areas = [Area(area.start, min(area.end, total), area.what) for area in areas if area.start < total]
    own = RangeSet((area.start, area.end) for area in areas)
    free = ranges_of(~used & ~unread, base, unit).clip(0, total).subtract(own)

    def record(number: int) -> tuple[int, int] | None:
        group, index = divmod(number - 1, head.inodes_per_group)
        if not 0 <= group < len(tables) or tables[group] < 0:
            return None
        return tables[group] + index * head.inode, head.inode

    return Layout(family, unit, total, _joined(areas), free, ranges_of(unread, base, unit).clip(0, total).subtract(own),
                  RangeSet(), RangeSet(), record)  # fmt: skip


def _group_head(head: Super, number: int, at: int, descriptor_blocks: int) -> list[Area]:
    if not head.has_copy(number):
        return []
    blocks = 1
    if not head.incompatible & _LARGE_META:
        blocks += descriptor_blocks + head.reserved
    return [Area(at * head.block, (at + blocks) * head.block, "superblock copy and group descriptors")]


def _joined(areas: list[Area]) -> tuple[Area, ...]:
    """Areas of one kind that follow each other, joined; a large volume has hundreds of thousands."""
    found: list[Area] = []
    for area in sorted(areas, key=lambda one: (one.start, one.end)):
        if found and found[-1].what == area.what and area.start <= found[-1].end:
            found[-1] = Area(found[-1].start, max(found[-1].end, area.end), area.what)
        else:
            found.append(area)
    return tuple(found)
