"""Places against holes: how many bytes of each of millions of places are missing, in a few array passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.ranges import RangeSet

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int64s = npt.NDArray[np.int64]


def below(holes: RangeSet, positions: Int64s) -> Int64s:
    """How many bytes of ``holes`` lie before each position."""
    import numpy as np

    if not holes:
        return np.zeros(positions.size, np.int64)
    before = np.concatenate((np.zeros(1, np.int64), np.cumsum(holes.ends - holes.starts)))
    index = np.searchsorted(holes.starts, positions, "right")
    inside = np.clip(positions - holes.starts[np.maximum(index - 1, 0)], 0, None)
    width = (holes.ends - holes.starts)[np.maximum(index - 1, 0)]
    found: Int64s = np.where(index > 0, before[np.maximum(index - 1, 0)] + np.minimum(inside, width), 0)
    return found


def missing(starts: Int64s, sizes: Int64s, holes: RangeSet) -> Int64s:
    """How many bytes of each place are in ``holes``."""
    return below(holes, starts + sizes) - below(holes, starts)


def touched(starts: Int64s, reach: Int64s, holes: RangeSet) -> Int64s:
    """Indexes of the places that any hole may touch; a superset, small when few are.

    ``starts`` ascend; ``reach`` is the running maximum of their ends.
    """
    import numpy as np

    low = np.searchsorted(reach, holes.starts, "right")
    high = np.searchsorted(starts, holes.ends, "left")
    indexes = RangeSet.from_arrays(low, high)
    if indexes.total > starts.size // 2:
        return np.arange(starts.size)
    count = indexes.ends - indexes.starts
    before = np.repeat(np.cumsum(count) - count, count)
    found: Int64s = np.arange(indexes.total) - before + np.repeat(indexes.starts, count)
    return found
