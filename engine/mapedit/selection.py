"""Selecting positions of a map: pure functions that give range sets, to be painted, read now, or restored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.errors import NotFoundError, UsageError
from engine.mapedit.overlays import Border
from engine.mapfile.model import Mapfile
from engine.ranges import MAX_POSITION, RangeSet
from engine.text import parse_range

_MAX_TYPED = 10_000


def block_at(map_: Mapfile, position: int) -> RangeSet:
    """The block as listed that holds a position; empty outside of the map."""
    index = map_.index_at(position)
    if index is None:
        return RangeSet()
    block = map_.block(index)
    return RangeSet.of(block.start, block.end)


def area_at(map_: Mapfile, position: int, statuses: str | None = None) -> RangeSet:
    """The run of blocks around a position whose status is one of ``statuses`` (None: the one there), joined."""
    here = map_.status_at(position)
    if here is None or (statuses is not None and here not in statuses):
        return RangeSet()
    return _piece_at(map_.ranges(statuses or here), position)


def by_status(map_: Mapfile, statuses: str, within: RangeSet | None = None, least: int = 0) -> RangeSet:
    """Every area of these statuses, inside ``within`` (None: everywhere); only areas of at least ``least`` bytes."""
    found = map_.ranges(statuses)
    if within is not None:
        found = found.intersect(within)
    if least > 1:
        large = found.ends - found.starts >= least
        found = RangeSet.from_arrays(found.starts[large], found.ends[large])
    return found


def typed(text: str) -> RangeSet:
    """Ranges as a person writes them: ``START-END`` or ``START+SIZE``, several with commas. Raises ``UsageError``."""
    parts = text.split(",")
    if len(parts) > _MAX_TYPED:
        raise UsageError("too many ranges")
    return RangeSet(parse_range(part) for part in parts)


def between_borders(position: int, borders: Sequence[Border], extent: tuple[int, int]) -> RangeSet:
    """From the last border at or before a position to the next one after it; the extent's ends are borders too."""
    return to_borders(RangeSet.of(position, position + 1), borders, extent)


def to_borders(ranges: RangeSet, borders: Sequence[Border], extent: tuple[int, int]) -> RangeSet:
    """Every range grown to the nearest borders on both sides (``borders`` in order, as ``borders_of`` gives them)."""
    edges = np.unique(np.array([extent[0], *(border.position for border in borders), extent[1]], np.int64))
    edges = edges[(edges >= extent[0]) & (edges <= extent[1])]
    inside = ranges.clip(*extent)
    low = np.searchsorted(edges, inside.starts, "right") - 1
    high = np.searchsorted(edges, inside.ends, "left")
    return RangeSet.from_arrays(edges[low], edges[high])


def border_near(position: int, borders: Sequence[Border], *, after: bool) -> Border:
    """The next border after a position, or the last one before it. Raises ``NotFoundError``."""
    chosen = [border for border in borders if (border.position > position if after else border.position < position)]
    if not chosen:
        raise NotFoundError(f"there is no border {'after' if after else 'before'} {position}", code="no-border")
    return chosen[0] if after else chosen[-1]


def grow(ranges: RangeSet, amount: int, extent: tuple[int, int]) -> RangeSet:
    """Every range longer by ``amount`` bytes at both ends, inside the extent; what meets is joined."""
    _not_below_0(amount)
    starts = np.maximum(ranges.starts, extent[0] + amount) - amount
    ends = np.minimum(ranges.ends, extent[1] - min(amount, extent[1])) + amount
    return RangeSet.from_arrays(starts, np.minimum(ends, extent[1])).clip(*extent)


def shrink(ranges: RangeSet, amount: int) -> RangeSet:
    """Every range shorter by ``amount`` bytes at both ends; those that are too short vanish."""
    _not_below_0(amount)
    long = (ranges.ends - ranges.starts) // 2 >= max(1, amount)
    return RangeSet.from_arrays(ranges.starts[long] + amount, ranges.ends[long] - amount)


def align(
    ranges: RangeSet, unit: int, extent: tuple[int, int], *, outwards: bool = True, origin: int = 0
) -> RangeSet:
    """Both ends of every range moved to multiples of ``unit`` bytes counted from ``origin`` (a partition's start).

    Outwards the range grows (inside the extent), inwards it shrinks, and may vanish. ``unit`` is a sector, a cluster
    or any other size: 512, 520 and powers of two alike.
    """
    if unit < 1 or not 0 <= origin <= MAX_POSITION:
        raise UsageError("a unit is at least one byte", code="bad-unit")
    starts, ends = ranges.starts - origin, ranges.ends - origin
    if outwards:
        last = (MAX_POSITION - origin) // unit * unit
        starts, ends = starts // unit * unit, np.where(ends > last, MAX_POSITION - origin, -(-ends // unit) * unit)
    else:
        last = (MAX_POSITION - origin) // unit * unit
        starts = np.where(starts > last, MAX_POSITION - origin, -(-starts // unit) * unit)
        ends = ends // unit * unit
    keep = ends > starts
    starts, ends = starts[keep] + origin, ends[keep] + origin
    return RangeSet.from_arrays(np.maximum(starts, extent[0]), np.minimum(ends, extent[1]))


def inverse(ranges: RangeSet, extent: tuple[int, int]) -> RangeSet:
    """Everything of the extent that is not selected."""
    return ranges.complement(*extent)


def toggle(ranges: RangeSet, other: RangeSet) -> RangeSet:
    """Add ``other``, or take it away where it is selected in full."""
    return ranges.subtract(other) if not other.subtract(ranges) else ranges.union(other)


def _piece_at(ranges: RangeSet, position: int) -> RangeSet:
    index = int(np.searchsorted(ranges.starts, position, "right")) - 1
    if index < 0 or position >= int(ranges.ends[index]):
        return RangeSet()
    return RangeSet.of(int(ranges.starts[index]), int(ranges.ends[index]))


def _not_below_0(amount: int) -> None:
    if amount < 0:
        raise UsageError("an amount is not below 0", code="bad-range")
