"""Drawing a map: many blocks folded into few cells, and finding blocks. Milliseconds at a million blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.mapfile.model import Codes, Int64s, Mapfile
from engine.mapfile.status import CHARS, NO_CODE, flags_of

# the worst status in a set of flags (bits 1 << code), and whether the set holds more than one
_WORST = np.array([flags.bit_length() - 1 if flags else NO_CODE for flags in range(32)], np.uint8)
_MIXED = np.array([flags.bit_count() > 1 for flags in range(32)], bool)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A row of cells over ``[edges[0], edges[-1])``; cell i covers ``[edges[i], edges[i+1])``.

    ``flags``: statuses present (bit ``1 << code``); 0 where the map has nothing. ``worst``: the worst of them as a
    code, ``NO_CODE`` for none. ``mixed``: more than one. ``bytes``: bytes per cell and code (count x 5), or None.
    """

    edges: Int64s
    flags: Codes
    worst: Codes
    mixed: npt.NDArray[np.bool_]
    bytes: Int64s | None = None

    def __len__(self) -> int:
        return int(self.flags.size)

    def text(self, outside: str = " ") -> str:
        """One status character per cell (the worst); ``outside`` where the map has nothing."""
        return "".join(outside if code == NO_CODE else CHARS[code] for code in self.worst.tolist())

    def cell_of(self, position: int) -> int | None:
        """The cell that holds a position, or None."""
        index = int(np.searchsorted(self.edges, position, "right")) - 1
        return index if 0 <= index < len(self) else None


def cell_edges(start: int, end: int, count: int) -> Int64s:
    """``count + 1`` edges that divide ``[start, end)`` evenly, to the byte and without overflow."""
    size = end - start
    whole, rest = divmod(size, count)
    index = np.arange(count + 1, dtype=np.int64)
    # index * rest stays below count^2
    return start + index * np.int64(whole) + index * np.int64(rest) // np.int64(count)


def cells(map_: Mapfile, start: int, end: int, count: int, *, with_bytes: bool = False) -> Cells:
    """Fold ``[start, end)`` of a map into at most ``count`` cells (fewer when there are fewer bytes).

    Raises ``UsageError`` for an empty range or no cells.
    """
    if not 0 <= start < end or count < 1:
        raise UsageError(f"cannot draw {start}-{end} in {count} cells", code="bad-range")
    count = min(count, end - start, 1 << 24)
    edges = cell_edges(start, end, count)
    flags = np.zeros(count, np.uint8)
    amounts = np.zeros((count, 5), np.int64) if with_bytes else None
    low, high = max(start, map_.start), min(end, map_.end)
    if low < high and len(map_):
        first = int(np.searchsorted(map_.bounds, low, "right")) - 1
        last = int(np.searchsorted(map_.bounds, high, "left"))
        bounds, codes = map_.bounds[first : last + 1], map_.codes[first:last]
        # the cells that lie in the map at least in part
        from_cell = int(np.searchsorted(edges, low, "right")) - 1
        to_cell = int(np.searchsorted(edges, high, "left"))
        left = np.maximum(edges[from_cell:to_cell], low)
        right = np.minimum(edges[from_cell + 1 : to_cell + 1], high)
        begin = np.searchsorted(bounds, left, "right") - 1
        finish = np.searchsorted(bounds, right, "left") - 1  # the last block in the cell
        bits = np.left_shift(np.uint8(1), codes)
        # reduceat folds up to the next cell's first block; the last block may be shared with it
        flags[from_cell:to_cell] = np.bitwise_or.reduceat(bits, begin) | bits[finish]
        if amounts is not None:
            amounts[from_cell:to_cell] = _amounts(bounds, codes, left, right, begin, finish)
    return Cells(edges, flags, _WORST[flags], _MIXED[flags], amounts)


def _amounts(bounds: Int64s, codes: Codes, left: Int64s, right: Int64s, begin: Int64s, finish: Int64s) -> Int64s:
    sizes = np.diff(bounds)
    made = np.empty((left.size, 5), np.int64)
    within = begin == finish  # the whole cell lies in one block
    shared = np.append(begin[1:], -1) == finish  # its last block goes on in the next cell, and counts there
    head = left - bounds[begin]
    tail = right - bounds[np.where(shared, finish, finish + 1)]
    for code in range(5):
        whole = np.add.reduceat(sizes * (codes == code), begin)
        cut = np.where(codes[begin] == code, head, 0) - np.where(codes[finish] == code, tail, 0)
        made[:, code] = np.where(within, np.where(codes[begin] == code, right - left, 0), whole - cut)
    return made


@dataclass(frozen=True, slots=True)
class Area:
    """A run of blocks, in bytes."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def _chosen(map_: Mapfile, statuses: str) -> npt.NDArray[np.bool_]:
    chosen: npt.NDArray[np.bool_] = (np.left_shift(np.uint8(1), map_.codes) & np.uint8(flags_of(statuses))) != 0
    return chosen


def next_block(map_: Mapfile, position: int, statuses: str) -> int | None:
    """The index of the first block of these statuses that begins after ``position``, or None."""
    low = int(np.searchsorted(map_.bounds[:-1], position, "right"))
    found = _chosen(map_, statuses)[low:]
    at = int(np.argmax(found)) if found.size else 0
    return low + at if found.size and found[at] else None


def previous_block(map_: Mapfile, position: int, statuses: str) -> int | None:
    """The index of the last block of these statuses that begins before ``position``, or None."""
    high = int(np.searchsorted(map_.bounds[:-1], position, "left"))
    found = _chosen(map_, statuses)[:high][::-1]
    at = int(np.argmax(found)) if found.size else 0
    return high - 1 - at if found.size and found[at] else None


def largest_area(map_: Mapfile, statuses: str, start: int = 0, end: int = (1 << 63) - 1) -> Area | None:
    """The largest run of these statuses (neighbours joined, the first of equals) inside ``[start, end)``, or None."""
    areas = map_.ranges(statuses, start, end)
    if not areas:
        return None
    index = int(np.argmax(areas.ends - areas.starts))
    return Area(int(areas.starts[index]), int(areas.ends[index]))


def first_area(map_: Mapfile, statuses: str) -> Area | None:
    """The first run of these statuses, or None (``first_area(map, FAILED)``: the first failure)."""
    areas = map_.ranges(statuses)
    return Area(int(areas.starts[0]), int(areas.ends[0])) if areas else None


def last_area(map_: Mapfile, statuses: str) -> Area | None:
    """The last run of these statuses, or None."""
    areas = map_.ranges(statuses)
    return Area(int(areas.starts[-1]), int(areas.ends[-1])) if areas else None
