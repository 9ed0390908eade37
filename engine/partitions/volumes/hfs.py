"""HFS, HFS+ and HFSX: volume header (HFS: master directory block) and its alternate near the end. Big-endian.

Facts: Apple's Technical Note 1150 and "Inside Macintosh: Files". UUIDs as blkid makes them out of the volume's id.
"""

from __future__ import annotations

import hashlib
import uuid as uuids
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from engine.partitions.volumes.bits import b16, b32, b64, is_power, u8
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import big, power
from engine.partitions.volumes.view import Findings, View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows

_KINDS = {b"H+\0\4": "hfsplus", b"HX\0\5": "hfsx"}
_UUID_SPACE = uuids.UUID("b3e20f39-f292-11d6-97a4-00306543ecac").bytes
_LEAF, _HEADER_NODE = 0xFF, 1


@dataclass(frozen=True, slots=True)
class Header:
    """A plausible volume header. ``size`` is the volume's in bytes, ``catalog`` the offset of the catalog's B-tree."""

    kind: str
    block: int
    size: int
    catalog: int
    catalog_size: int
    volume_id: bytes
    label: str


def parse(data: bytes) -> Header | None:
    """From the 512 bytes of an HFS+ or HFSX volume header or of an HFS master directory block."""
    if data[:2] == b"BD":
        return _parse_old(data)
    kind = _KINDS.get(data[:4])
    block, blocks = b32(data, 40), b32(data, 44)
    if kind is None or not is_power(block, 512, 1 << 20) or not blocks or b32(data, 48) > blocks:
        return None
    first, count = b32(data, 288), b32(data, 292)  # first extent of the catalog file
    if not 0 < first < blocks or not count:
        return None
    return Header(kind, block, block * blocks, first * block, min(b64(data, 272), block * count), data[104:112], "")


def _parse_old(data: bytes) -> Header | None:
    blocks, block, first = b16(data, 18), b32(data, 20), b16(data, 28)
    length = u8(data, 36)
    if not blocks or not block or block % 512 or first < 3 or not 1 <= length <= 27 or b16(data, 34) > blocks:
        return None
    catalog, count = b16(data, 150), b16(data, 152)  # first extent of the catalog file
    if catalog >= blocks or not count or catalog + count > blocks or b16(data, 14) >= first:
        return None
    size = blocks * block + (first + 2) * 512
    label = data[37 : 37 + length].decode("mac-roman", "replace")
    return Header("hfs", block, size, first * 512 + catalog * block, count * block, data[116:124], label)


def examine(view: View) -> Volume | None:
    """The volume at the view's start, by its header or by the alternate 1024 bytes before its end."""
    data = view.get(1024, 512)
    head = parse(data) if data else None
    if head is not None:
        return _volume(view, head, 1024)
    for place in (*view.copies, *([] if view.size is None else [view.size - 1024])):
        data = view.get(place, 512) if place > 1024 else None
        head = parse(data) if data else None
        if head is not None and place == head.size - 1024:
            return _volume(view, head, place)
    return None


def _volume(view: View, head: Header, place: int) -> Volume:
    found = Findings(view)
    backup = place != 1024
    name = "master directory block" if head.kind == "hfs" else "volume header"
    found.seen(f"alternate {name}" if backup else name, place)
    if backup:
        found.problem("superblock-bad", f"the {name} is bad, its alternate at +{place} is good")
    else:
        copy = view.get(head.size - 1024, 512)
        other = parse(copy) if copy else None
        if other is not None and (other.kind, other.size) == (head.kind, head.size):
            found.confirm(f"alternate {name}", head.size - 1024, 512, True)
    node = view.get(head.catalog, 512)
    good = None if node is None else _is_tree(node)
    found.confirm("catalog B-tree", head.catalog, 512, good)
    label = head.label or (_root_name(view, head, node) if node and good else "")
    return Volume(
        head.kind, view.start, head.size, label=label, uuid=_uuid(head.volume_id), block_size=head.block,
        by_backup=backup, confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _is_tree(node: bytes) -> bool:
    """A header node: no links back, kind 1, three records, and a possible size of nodes."""
    return not b32(node, 4) and u8(node, 8) == _HEADER_NODE and b16(node, 10) == 3 and is_power(
        b16(node, 32), 512, 32768
    )


def _root_name(view: View, head: Header, node: bytes) -> str:
    """HFS+: the volume's name is that of the root folder, the first record of the first leaf (its parent is 1)."""
    size, leaf = b16(node, 32), b32(node, 24)
    if not leaf or (leaf + 1) * size > head.catalog_size:
        return ""
    data = view.get(head.catalog + leaf * size, size)
    if data is None or u8(data, 8) != _LEAF or not b16(data, 10):
        return ""
    key = data[b16(data, size - 2) :]
    length = b16(key, 6)
    if b32(key, 2) != 1 or length > 255:
        return ""
    return key[8 : 8 + 2 * length].decode("utf-16-be", "replace")


def _uuid(volume_id: bytes) -> str:
    """As blkid: version 3 of the volume's 64-bit id in Apple's name space."""
    if not any(volume_id) or len(volume_id) < 8:
        return ""
    digest = bytearray(hashlib.md5(_UUID_SPACE + volume_id, usedforsecurity=False).digest())
    digest[6] = digest[6] & 0x0F | 0x30
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuids.UUID(bytes=bytes(digest)))


def locate(view: View) -> list[int]:
    """Either the header, 1024 bytes from the start, or the alternate, 1024 bytes before the end."""
    data = view.get(0, 512)
    head = parse(data) if data else None
    return [] if head is None else [-1024, 1024 - head.size]


def _sieve_plus(rows: Rows) -> Mask:
    block = big(rows, 40, 4)
    made = power(block) & (block >= 512) & (big(rows, 44, 4) > 0) & (rows[:, 2] == 0) & (rows[:, 3] <= 5)
    return cast("Mask", made)


def _sieve_old(rows: Rows) -> Mask:
    block, length = big(rows, 20, 4), rows[:, 36]
    return cast("Mask", (block > 0) & (block % 512 == 0) & (big(rows, 18, 2) > 0) & (length >= 1) & (length <= 27))


FAMILY = Family(
    "hfs", examine,
    (Mark(0, b"H+", _sieve_plus, locate), Mark(0, b"HX", _sieve_plus, locate), Mark(0, b"BD", _sieve_old, locate)),
)  # fmt: skip
