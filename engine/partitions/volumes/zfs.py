"""Members of ZFS pools: four labels of 256 KiB, two at the start and two at the end, each with a list of facts (XDR)
and a ring of uberblocks.

Facts: ZFS On-Disk Specification.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.partitions.volumes.bits import b32, b64, u64
from engine.partitions.volumes.family import Family
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.view import Findings, View

_LABEL, _LIST, _LIST_SIZE, _RING = 256 << 10, 16 << 10, 112 << 10, 128 << 10
_UBER = 0x00BAB10C
_FRONT = 4 << 20
_MAX_DEPTH = 4


def examine(view: View) -> Volume | None:
    """The member at the view's start, by any of the labels."""
    ends = [] if view.size is None else [view.size // _LABEL * _LABEL - back * _LABEL for back in (2, 1)]
    for place in (0, _LABEL, *ends):
        head = view.get(place + _LIST, 12) if place >= 0 else None
        if head is None or head[0] != 1 or head[1] > 1:  # XDR, and the byte order of the host that wrote it
            continue
        data = view.get(place + _LIST, _LIST_SIZE)
        facts = dict(_pairs(data)) if data is not None else {}
        if "pool_guid" not in facts or "guid" not in facts:
            continue
        found = Findings(view)
        backup = place > 0
        found.seen(f"label at +{place}", place)
        if backup:
            found.problem("superblock-bad", f"the first label is bad, that at +{place} is good")
        ring = view.get(place + _RING, _LABEL - _RING)
        good = None if ring is None else any(
            u64(ring, offset) == _UBER or b64(ring, offset) == _UBER for offset in range(0, len(ring), 1024)
        )
        found.confirm("uberblocks", place + _RING, _LABEL - _RING, good)
        space, name, guid = facts.get("asize"), facts.get("name"), facts["pool_guid"]
        return Volume(
            "zfs_member", view.start, space + _FRONT + 2 * _LABEL if isinstance(space, int) and space else None,
            label=name if isinstance(name, str) else "", uuid=str(guid), by_backup=backup,
            confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
        )  # fmt: skip
    return None


def _pairs(data: bytes, offset: int = 12, depth: int = 0) -> Iterator[tuple[str, int | str]]:
    """Names with numbers (type 8) and strings (type 9); lists inside (type 19) are walked too."""
    while offset + 20 <= len(data) and depth < _MAX_DEPTH:
        size = b32(data, offset)
        if size < 20 or offset + size > len(data):
            return
        length = b32(data, offset + 8)
        kind_at = offset + 12 + (length + 3 & ~3)
        if kind_at + 12 > offset + size:
            return
        name = data[offset + 12 : offset + 12 + length].decode("ascii", "replace")
        kind, value = b32(data, kind_at), kind_at + 8
        if kind == 8:
            yield name, b64(data, value)
        elif kind == 9:
            yield name, data[value + 4 : value + 4 + min(b32(data, value), 256)].decode("utf-8", "replace")
        elif kind == 19 and name == "vdev_tree":
            yield from ((key, item) for key, item in _pairs(data, value + 8, depth + 1) if key == "asize")
        offset += size


FAMILY = Family("zfs", examine)
