"""XFS: a superblock and the header of the free-space tree at the head of every allocation group. Big-endian.

Facts: xfsprogs' xfs_format.h; volumes of mkfs.xfs with and without checksums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.partitions.volumes.bits import b16, b32, b64, crc32c, is_power, text, u32, uuid
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import big, has
from engine.partitions.volumes.view import Findings, View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows

_FEATURE_META_UUID = 0x4
_BLOCKS = (4096, 1024, 2048, 512, 8192, 16384, 32768, 65536)


@dataclass(frozen=True, slots=True)
class Super:
    """A plausible superblock; ``group_blocks`` is the length of an allocation group (AG) in blocks."""

    block: int
    blocks: int
    sector: int
    group_blocks: int
    groups: int
    label: str
    uuid: str
    crc_wanted: int | None

    @property
    def group_size(self) -> int:
        """Bytes from one AG to the next."""
        return self.group_blocks * self.block


def parse(data: bytes) -> Super | None:
    """From the first 512 bytes of an AG; None when they are no superblock."""
    block, blocks, version = b32(data, 4), b64(data, 8), b16(data, 100) & 15
    sector, group_blocks, groups = b16(data, 102), b32(data, 84), b32(data, 88)
    if data[:4] != b"XFSB" or not is_power(block, 512, 65536) or not is_power(sector, 512, 32768) or sector > block:
        return None
    if not 1 <= version <= 5 or not groups or not (groups - 1) * group_blocks < blocks <= groups * group_blocks:
        return None
    if blocks * block >= 1 << 63:
        return None
    return Super(block, blocks, sector, group_blocks, groups, text(data[108:120]), uuid(data[32:48]),
                 u32(data, 224) if version == 5 else None)  # fmt: skip


def group_number(data: bytes, sup: Super | None = None) -> int | None:
    """Which AG the free-space header (AGF) in ``data`` says that it belongs to; None when it is none."""
    if data[:4] != b"XAGF" or b32(data, 4) != 1:
        return None
    if sup is not None and not (b32(data, 8) < sup.groups and b32(data, 12) <= sup.group_blocks):
        return None
    return b32(data, 8)


def examine(view: View) -> Volume | None:
    """The XFS volume at the view's start, by its superblock or by that of another AG."""
    data = view.get(0, 512)
    sup = parse(data) if data else None
    if sup is not None and _number(view, 0, sup) in (0, None):
        return _volume(view, sup, 0)
    for place in (*view.copies, *_next_groups(view)):
        data = view.get(place, 512) if place > 0 else None
        sup = parse(data) if data else None
        if sup is not None and place % sup.group_size == 0 and _number(view, place, sup) == place // sup.group_size:
            return _volume(view, sup, place)
    return None


def _number(view: View, place: int, sup: Super) -> int | None:
    data = view.get(place + sup.sector, 512)
    return group_number(data, sup) if data else None


def _next_groups(view: View) -> list[int]:
    """AG 1, by what the header of AG 0 (a sector behind its superblock) says of the length of an AG."""
    places = []
    for sector in (512, 4096):
        data = view.get(sector, 512)
        if data is not None and group_number(data) == 0:
            places += [b32(data, 12) * block for block in _BLOCKS]
    return places


def _volume(view: View, sup: Super, place: int) -> Volume:
    found = Findings(view)
    number = place // sup.group_size
    found.seen(f"superblock of AG {number}" if number else "superblock", place)
    if number:
        found.problem("superblock-bad", f"the superblock is bad, that of AG {number} at +{place} is good")
    for group in sorted({0, number}):
        offset = group * sup.group_size + sup.sector
        data = view.get(offset, 512)
        found.confirm(f"AGF {group}", offset, 512, None if data is None else group_number(data, sup) == group)
    for group in (1, sup.groups - 1):
        if 0 < group < sup.groups and group != number:
            data = view.get(group * sup.group_size, 512)
            copy = parse(data) if data else None
            if copy is not None and copy.uuid == sup.uuid:
                found.confirm(f"superblock of AG {group}", group * sup.group_size, 512, True)
    good = _checksum(view, sup, place)
    if good is False:
        found.problem("superblock-bad", "the superblock's checksum is wrong", place)
    return Volume(
        "xfs", view.start, sup.blocks * sup.block, label=sup.label, uuid=sup.uuid, block_size=sup.block,
        sector_size=sup.sector, by_backup=place > 0, checksum=good, confirmation=found.confirmation,
        evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _checksum(view: View, sup: Super, place: int) -> bool | None:
    data = view.get(place, sup.sector) if sup.crc_wanted is not None else None
    if data is None:
        return None
    return crc32c(data[:224] + bytes(4) + data[228:]) ^ 0xFFFFFFFF == sup.crc_wanted


def locate(view: View) -> list[int]:
    """The superblock is the same in every AG: the AGF behind it tells which one this is."""
    data = view.get(0, 512)
    sup = parse(data) if data else None
    if sup is None:
        return []
    number = _number(view, 0, sup)
    return [0] if number is None else [-number * sup.group_size]


def sieve(rows: Rows) -> Mask:
    """Magic and a possible number of AGs."""
    return has(0, b"XFSB")(rows) & (big(rows, 88, 4) > 0) & (big(rows, 84, 4) > 0)


FAMILY = Family("xfs", examine, (Mark(0, b"XF", sieve, locate),))
