"""APFS containers: the superblock in block 0 and its copies in the ring of checkpoints, each with a checksum.

Facts: Apple File System Reference; containers of mkapfs.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.partitions.volumes.bits import fletcher64, is_power, u32, u64, uuid
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

_MAX_RING = 65536
_RING_START = range(4096, 9 * 4096, 4096)
"""The ring of checkpoints begins in block 1, and every second or third block of it is a superblock."""


@dataclass(frozen=True, slots=True)
class Super:
    """A superblock. ``ring`` is the first block and the number of blocks of the checkpoint descriptors; ``own`` the
    block of the ring that this checkpoint's superblock has."""

    block: int
    blocks: int
    uuid: str
    transaction: int
    ring: tuple[int, int]
    own: int
    checksum: bool | None


def parse(data: bytes, whole: bytes | None = None) -> Super | None:
    """From the first 512 bytes of a block; ``whole`` is that block, for its checksum."""
    block, blocks = u32(data, 36), u64(data, 40)
    if data[32:36] != b"NXSB" or not is_power(block, 4096, 65536) or not blocks or blocks * block >= 1 << 63:
        return None
    count, base, index, length = u32(data, 104), u64(data, 112), u32(data, 136), u32(data, 140)
    if not 0 < count <= _MAX_RING or not 0 < base < blocks or index >= count or not 0 < length <= count:
        return None
    good = None if whole is None else fletcher64(whole) == u64(whole, 0)
    own = base + (index + length - 1) % count
    return Super(block, blocks, uuid(data[72:88]), u64(data, 16), (base, count), own, good)


def _at(view: View, place: int) -> Super | None:
    data = view.get(place, 512)
    sup = parse(data) if data else None
    return None if sup is None or data is None else parse(data, view.get(place, sup.block))


def examine(view: View) -> Volume | None:
    """The container at the view's start, by block 0 or by the superblock of a checkpoint."""
    sup = _at(view, 0)
    if sup is not None:
        return _volume(view, sup, 0)
    for place in (*view.copies, *_RING_START):
        sup = _at(view, place) if place > 0 else None
        if sup is not None and place == sup.own * sup.block and sup.checksum:
            return _volume(view, sup, place)
    return None


def _volume(view: View, sup: Super, place: int) -> Volume:
    found = Findings(view)
    found.seen("superblock of a checkpoint" if place else "superblock", place)
    if place:
        found.problem("superblock-bad", f"block 0 is bad, the superblock of a checkpoint at +{place} is good")
    if sup.checksum is False:
        found.problem("superblock-bad", "the superblock's checksum is wrong", place)
    ring = sup.own * sup.block
    if not place:
        other = _at(view, ring)
        good = None if view.get(ring, 512) is None else other is not None and other.uuid == sup.uuid
        found.confirm("superblock of a checkpoint", ring, sup.block, good)
    else:
        # The block before the superblock of a checkpoint is its map.
        count = sup.ring[1]
        before = (sup.ring[0] + (sup.own - sup.ring[0] - 1) % count) * sup.block
        block = view.get(before, sup.block)
        good = None if block is None else fletcher64(block) == u64(block, 0) and u64(block, 16) == sup.transaction
        found.confirm("map of the checkpoint", before, sup.block, good)
    return Volume(
        "apfs", view.start, sup.blocks * sup.block, uuid=sup.uuid, block_size=sup.block, by_backup=place > 0,
        checksum=sup.checksum, confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def locate(view: View) -> list[int]:
    """Block 0, or the last block of a checkpoint, which says where in the ring that is."""
    sup = _at(view, 0)
    if sup is None or not sup.checksum:
        return [] if sup is None else [0]
    return [0, -sup.own * sup.block]


FAMILY = Family("apfs", examine, (Mark(32, b"NX", has(32, b"NXSB"), locate),))
