"""Members of ZFS pools: four labels of 256 KiB, two at the start and two at the end, each with a list of facts (XDR)
and a ring of uberblocks.

Facts: ZFS On-Disk Specification.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.partitions.volumes.bits import b32, b64, u64
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

_LABEL, _LIST, _LIST_SIZE, _RING = 256 << 10, 16 << 10, 112 << 10, 128 << 10
_UBER = 0x00BAB10C
_FRONT = 4 << 20
_MAX_DEPTH = 4


def examine(view: View) -> Volume | None:
    """The member at the view's start, by any of the labels."""
    ends = [] if view.size is None else [view.size // _LABEL * _LABEL - back * _LABEL for back in (2, 1)]
    for place in (0, _LABEL, *ends, *(copy - _LIST for copy in view.copies)):
        facts = _facts(view, place)
        if facts and place in _places(facts):
            return _volume(view, facts, place)
    return None


def _facts(view: View, place: int) -> dict[str, int | str]:
    """What the label at ``place`` says of pool and disk; empty when it is none."""
    head = view.get(place + _LIST, 12)
    if head is None or head[0] != 1 or head[1] > 1:  # XDR, and the byte order of the host that wrote it
        return {}
    data = view.get(place + _LIST, _LIST_SIZE)
    facts = dict(_pairs(data)) if data is not None else {}
    return facts if "pool_guid" in facts and "guid" in facts else {}


def _size(facts: dict[str, int | str]) -> int | None:
    space = facts.get("asize")
    return space + _FRONT + 2 * _LABEL if isinstance(space, int) and 0 < space < 1 << 62 else None


def _places(facts: dict[str, int | str]) -> list[int]:
    """Where the four labels stand."""
    size = _size(facts)
    return [0, _LABEL] if size is None else [0, _LABEL, *(size // _LABEL * _LABEL - back * _LABEL for back in (2, 1))]


def _labels(view: View, facts: dict[str, int | str], shift: int) -> list[int]:
    """Which of the four places hold a label of this disk, when the volume begins ``shift`` bytes later."""
    places = [place + shift for place in _places(facts)]
    return [place for place in places if _facts(view, place).get("guid") == facts["guid"]]


def _volume(view: View, facts: dict[str, int | str], place: int) -> Volume:
    found = Findings(view)
    found.seen("label", place)
    if place:
        found.problem("superblock-bad", f"the first label is bad, that at +{place} is good")
    mine = _labels(view, facts, 0)
    # A label does not say which of the four it is: seen from a wrong start, fewer of them are in their places.
    elsewhere = max(len(_labels(view, facts, place - one)) for one in _places(facts) if one != place)
    for other in mine:
        if other != place:
            found.confirm("label", other, _LABEL, len(mine) > elsewhere)
    if len(mine) > elsewhere:
        ring = view.get(place + _RING, _LABEL - _RING)
        good = None if ring is None else any(
            u64(ring, offset) == _UBER or b64(ring, offset) == _UBER for offset in range(0, len(ring), 1024)
        )
        found.confirm("uberblocks", place + _RING, _LABEL - _RING, good)
    name = facts.get("name")
    return Volume(
        "zfs_member", view.start, _size(facts), label=name if isinstance(name, str) else "",
        uuid=str(facts["pool_guid"]), by_backup=place > 0, confirmation=found.confirmation,
        evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


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


def locate(view: View) -> list[int]:
    """The list stands 16 KiB behind the beginning of one of the four labels."""
    facts = _facts(view, -_LIST)
    return [-place - _LIST for place in _places(facts)] if facts else []


# XDR, little-endian host, and the first fact of every list: the version.
FAMILY = Family("zfs", examine, (
    Mark(0, b"\1\1", has(20, b"\0\0\0\7version"), locate), Mark(0, b"\1\0", has(20, b"\0\0\0\7version"), locate),
))  # fmt: skip
