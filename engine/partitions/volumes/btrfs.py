"""btrfs: superblock at 64 KiB with mirrors at 64 MiB and 256 GiB, each with a checksum; the root of the chunk tree.

Facts: btrfs' on-disk format; volumes of mkfs.btrfs with each of its checksums.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from engine.partitions.volumes.bits import crc32c, is_power, text, u8, u16, u32, u64, uuid, xxh64
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

PLACES = (64 << 10, 64 << 20, 256 << 30)
_SIZE = 4096
_MAGIC = b"_BHRfS_M"
_CHUNK_ITEM = 228


@dataclass(frozen=True, slots=True)
class Super:
    """A plausible superblock; ``size`` is that of this device, ``chunks`` the system chunks as (logical, length,
    [(device, physical)])."""

    place: int
    sector: int
    node: int
    size: int
    device: int
    devices: int
    chunk_root: int
    chunks: tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...]
    label: str
    uuid: str
    checksum: bool | None


def parse(data: bytes) -> Super | None:
    """From the 4096 bytes of a superblock; None when its numbers make no volume."""
    place, sector, node = u64(data, 0x30), u32(data, 0x90), u32(data, 0x94)
    if data[0x40:0x48] != _MAGIC or place not in PLACES:
        return None
    if not is_power(sector, 512, 65536) or not is_power(node, 512, 65536):
        return None
    size, devices = u64(data, 0xD1), u64(data, 0x88)
    if not devices or size <= PLACES[0] or size >= 1 << 63:
        return None
    return Super(place, sector, node, size, u64(data, 0xC9), devices, u64(data, 0x58), _chunks(data),
                 text(data[0x12B:0x22B]), uuid(data[0x20:0x30]), checksum_good(data, u16(data, 0xC4)))  # fmt: skip


def checksum_good(block: bytes, kind: int) -> bool | None:
    """Whether the checksum at the head of a superblock or node is right; None for a kind that is not known."""
    body, stored = block[32:], block[:32]
    if kind == 0:
        return u32(stored, 0) == crc32c(body) ^ 0xFFFFFFFF
    if kind == 1:
        return u64(stored, 0) == xxh64(body)
    if kind == 2:
        return stored == hashlib.sha256(body).digest()
    if kind == 3:
        return stored == hashlib.blake2b(body, digest_size=32).digest()
    return None


def _chunks(data: bytes) -> tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...]:
    """The array of system chunks in the superblock: where the chunk tree can be found before any tree is read."""
    found = []
    offset, end = 0x32B, 0x32B + min(u32(data, 0xA0), 2048)
    while offset + 65 <= end and u8(data, offset + 8) == _CHUNK_ITEM:
        logical, length, count = u64(data, offset + 9), u64(data, offset + 17), u16(data, offset + 61)
        places = range(offset + 65, offset + 65 + 32 * min(count, 60), 32)
        stripes = tuple((u64(data, place), u64(data, place + 8)) for place in places)
        found.append((logical, length, stripes))
        offset += 65 + 32 * count
    return tuple(found)


def examine(view: View) -> Volume | None:
    """The btrfs device at the view's start, by its superblock or a mirror."""
    damaged: Super | None = None
    for place in PLACES:
        data = view.get(place, _SIZE)
        sup = parse(data) if data else None
        if sup is not None and sup.place == place:
            if sup.checksum is not False:
                return _volume(view, sup)
            damaged = damaged or sup
    return None if damaged is None else _volume(view, damaged)


def _volume(view: View, sup: Super) -> Volume:
    found = Findings(view)
    mirror = sup.place != PLACES[0]
    found.seen("mirror of the superblock" if mirror else "superblock", sup.place)
    if mirror:
        found.problem("superblock-bad", f"the superblock is bad, its mirror at +{sup.place} is good")
    if sup.checksum is False:
        found.problem("superblock-bad", "the superblock's checksum is wrong", sup.place)
    for place in PLACES:
        data = view.get(place, _SIZE) if place != sup.place and place + _SIZE <= sup.size else None
        other = parse(data) if data else None
        if other is not None and other.uuid == sup.uuid and other.device == sup.device and other.place == place:
            found.confirm("mirror of the superblock", place, _SIZE, True)
    for logical, length, stripes in sup.chunks:
        if logical <= sup.chunk_root < logical + length:
            for device, physical in stripes:
                if device == sup.device:
                    offset = physical + sup.chunk_root - logical
                    node = view.get(offset, 64)
                    good = None if node is None else uuid(node[32:48]) == sup.uuid and u64(node, 48) == sup.chunk_root
                    found.confirm("root of the chunk tree", offset, 64, good)
    return Volume(
        "btrfs", view.start, sup.size, label=sup.label, uuid=sup.uuid, block_size=sup.sector, by_backup=mirror,
        checksum=sup.checksum, confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def locate(view: View) -> list[int]:
    """A superblock says at which of the three places it stands."""
    data = view.get(0, _SIZE)
    sup = parse(data) if data else None
    return [] if sup is None else [-sup.place]


FAMILY = Family("btrfs", examine, (Mark(64, b"_B", has(64, _MAGIC), locate),))
