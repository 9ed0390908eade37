"""Slack and free space as regions of the volume, each with what it is and whose: the map for carving and search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.filesystems.index import Index
from engine.filesystems.places import SLACK
from engine.ranges import RangeSet
from engine.source import Extent

_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Region:
    """``size`` bytes at ``start`` of the volume.

    ``what``: ``file-slack`` (behind a file's last byte, up to the end of its blocks; the first ``ram`` bytes lie in
    the file's last sector), ``beyond-valid`` (reserved, never written), ``volume-slack`` (behind the last whole unit),
    ``partition-slack`` (behind the file system), ``free`` or ``unknown`` (nobody has read whether it is free).
    ``owner`` is an entry's number, or None.
    """

    start: int
    size: int
    what: str
    owner: int | None = None
    ram: int = 0


def slack(index: Index, volume_size: int) -> list[Region]:
    """All slack, ascending. ``volume_size``: the partition's bytes."""
    places = index.places
    chosen = places.kind == SLACK
    found = [
        Region(start, size, "file-slack", owner, min(size, -start % _SECTOR))
        for start, size, owner in zip(
            places.start[chosen].tolist(), places.size[chosen].tolist(), places.owner[chosen].tolist(), strict=True
        )
    ]
    found += [Region(low, high - low, "volume-slack") for low, high in index.ranges("tail") or RangeSet()]
    if volume_size > index.size:
        found.append(Region(index.size, volume_size - index.size, "partition-slack"))
    return sorted(found, key=lambda region: region.start)


def unallocated(index: Index, *, unknown: bool = False) -> list[Region]:
    """Free space, ascending; with ``unknown`` also what may be free."""
    found = [Region(low, high - low, "free") for low, high in index.free or RangeSet()]
    if unknown:
        found += [Region(low, high - low, "unknown") for low, high in index.ranges("unknown") or RangeSet()]
    return sorted(found, key=lambda region: region.start)


def crossed(index: Index) -> RangeSet:
    """Slack that is also content: two files claim the same block."""
    return index.places.of(SLACK).intersect(index.content)


def extents(regions: list[Region], size: int) -> list[Extent]:
    """The regions back to back, as extents of the volume of ``size`` bytes."""
    return [Extent(region.start, min(region.size, size - region.start)) for region in regions if region.start < size]


def rows(index: Index, regions: list[Region], volume_start: int) -> Iterator[dict[str, Any]]:
    """The offset map: where each region went in the output, and where it is on the disk."""
    entries = index.entries({region.owner for region in regions if region.owner is not None})
    at = 0
    for region in regions:
        entry = None if region.owner is None else entries.get(region.owner)
        row: dict[str, Any] = {
            "offset": at, "size": region.size, "disk_offset": volume_start + region.start,
            "volume_offset": region.start, "what": region.what,
        }  # fmt: skip
        if entry is not None:
            row |= {"owner": index.path(entry), "ram_bytes": region.ram}
        yield row
        at += region.size
