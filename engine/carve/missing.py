"""Finds and the rescue map: what of each was never read, what must be read to make it whole, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.carve.find import Find
from engine.carve.outcome import Status
from engine.ranges import RangeSet


@dataclass(frozen=True, slots=True)
class Missing:
    """``unread``: positions in the source; ``open_end``: nobody knows yet where the file ends, so there may be more."""

    unread: RangeSet
    open_end: bool

    @property
    def total(self) -> int:
        """Bytes known to be missing."""
        return self.unread.total


def missing_of(find: Find, holes: RangeSet, sector: int = 512) -> Missing:
    """What of a find was never read. A walk that stopped at an unread place wants at least the sector there."""
    parts = RangeSet((start, start + size) for start, size in find.extents).intersect(holes)
    if find.status is not Status.UNREAD or find.at is None:
        return Missing(parts, False)
    place = _position(find, find.at)
    first = place // sector * sector
    wanted = RangeSet.of(first, first + sector).intersect(holes)
    return Missing(parts.union(wanted), True)


def _position(find: Find, at: int) -> int:
    for start, size in find.extents:
        if at < size:
            return start + at
        at -= size
    start, size = find.extents[-1]
    return start + size + at


def reread_order(finds: Iterable[tuple[Find, Missing]]) -> list[tuple[Find, Missing]]:
    """Those that lack something, the one that needs the fewest bytes first."""
    return sorted((pair for pair in finds if pair[1].total), key=lambda pair: (pair[1].total, pair[0].start))


def wanted(missing: Sequence[Missing]) -> RangeSet:
    """Everything that the chosen finds lack, as one set: what the next pass should read."""
    starts = [pair for one in missing for pair in one.unread]
    return RangeSet(starts)
