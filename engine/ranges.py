"""Half-open byte ranges and sets of them: the only interval arithmetic in the house.

A ``RangeSet`` is immutable: sorted, disjoint, non-touching ``[start, end)`` pairs in two int64 arrays. numpy is
imported late, since most plain commands never need it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int64s = npt.NDArray[np.int64]

MAX_POSITION = (1 << 63) - 1


class RangeSet:
    """An immutable set of byte positions, kept as ranges."""

    __slots__ = ("ends", "starts")

    starts: Int64s
    ends: Int64s

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        """From (start, end) pairs in any order, overlapping or not; empty ones are dropped."""
        import numpy as np

        listed = list(pairs)
        both = np.array(listed, dtype=np.int64).reshape(len(listed), 2)
        made = RangeSet.from_arrays(both[:, 0], both[:, 1])
        self.starts, self.ends = made.starts, made.ends

    @classmethod
    def _raw(cls, starts: Int64s, ends: Int64s) -> RangeSet:
        made = cls.__new__(cls)
        made.starts, made.ends = starts, ends
        return made

    @classmethod
    def from_arrays(cls, starts: Int64s, ends: Int64s) -> RangeSet:
        """From arrays of starts and ends in any order; sorts, joins overlapping and touching ones."""
        import numpy as np

        keep = ends > starts
        starts, ends = np.asarray(starts[keep], np.int64), np.asarray(ends[keep], np.int64)
        if starts.size and bool((starts < 0).any()):
            raise ValueError("a range begins below 0")
        if starts.size < 2:
            return cls._raw(starts.copy(), ends.copy())
        if bool((starts[1:] < starts[:-1]).any()):
            order = np.argsort(starts, kind="stable")
            starts, ends = starts[order], ends[order]
        reach = np.maximum.accumulate(ends)
        first = np.concatenate(([True], starts[1:] > reach[:-1]))
        last = np.concatenate((first[1:], [True]))
        return cls._raw(starts[first], reach[last])

    @classmethod
    def sorted_apart(cls, starts: Int64s, ends: Int64s) -> RangeSet:
        """From arrays that are known to be sorted, with gaps between the ranges and none below 0: not looked at."""
        return cls._raw(starts.copy(), ends.copy())

    @classmethod
    def of(cls, start: int, end: int) -> RangeSet:
        """The one range ``[start, end)``, or the empty set."""
        return cls([(start, end)]) if end > start else cls()

    def __len__(self) -> int:
        return int(self.starts.size)

    def __bool__(self) -> bool:
        return bool(self.starts.size)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    def __eq__(self, other: object) -> bool:
        import numpy as np

        if not isinstance(other, RangeSet):
            return NotImplemented
        return np.array_equal(self.starts, other.starts) and np.array_equal(self.ends, other.ends)

    def __hash__(self) -> int:
        return hash((self.starts.tobytes(), self.ends.tobytes()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{start}-{end}" for start, end in list(self)[:4])
        return f"RangeSet({shown}{', ...' if len(self) > 4 else ''})"

    @property
    def total(self) -> int:
        """How many bytes the set holds."""
        return int((self.ends - self.starts).sum())

    def __contains__(self, position: int) -> bool:
        import numpy as np

        index = int(np.searchsorted(self.starts, position, "right")) - 1
        return index >= 0 and position < int(self.ends[index])

    def overlaps(self, start: int, end: int) -> bool:
        """Whether any byte of ``[start, end)`` is in the set."""
        import numpy as np

        index = int(np.searchsorted(self.ends, start, "right"))
        return end > start and index < self.starts.size and int(self.starts[index]) < end

    def clip(self, start: int, end: int) -> RangeSet:
        """The part inside ``[start, end)``; costs two binary searches and the slice."""
        import numpy as np

        low = int(np.searchsorted(self.ends, start, "right"))
        high = int(np.searchsorted(self.starts, end, "left"))
        if end <= start or low >= high:
            return RangeSet()
        starts, ends = self.starts[low:high].copy(), self.ends[low:high].copy()
        starts[0], ends[-1] = max(int(starts[0]), start), min(int(ends[-1]), end)
        return RangeSet._raw(starts, ends)

    def shift(self, distance: int) -> RangeSet:
        """Every position moved by ``distance``; what falls below 0 is cut off."""
        kept = self.clip(max(0, -distance), MAX_POSITION)
        return RangeSet._raw(kept.starts + distance, kept.ends + distance)

    def union(self, other: RangeSet) -> RangeSet:
        """Positions in either set."""
        import numpy as np

        return RangeSet.from_arrays(
            np.concatenate((self.starts, other.starts)), np.concatenate((self.ends, other.ends))
        )

    def complement(self, start: int, end: int) -> RangeSet:
        """Positions of ``[start, end)`` that are not in the set."""
        import numpy as np

        inside = self.clip(start, end)
        return RangeSet.from_arrays(
            np.concatenate((np.array([start], np.int64), inside.ends)),
            np.concatenate((inside.starts, np.array([end], np.int64))),
        )

    def intersect(self, other: RangeSet) -> RangeSet:
        """Positions in both sets."""
        import numpy as np

        if not self or not other:
            return RangeSet()
        low = np.searchsorted(other.ends, self.starts, "right")
        high = np.searchsorted(other.starts, self.ends, "left")
        count = high - low  # never below 0: what ends at or before a range's start also begins before its end
        mine = np.repeat(np.arange(self.starts.size), count)
        first = np.repeat(np.cumsum(count) - count, count)
        theirs = np.arange(mine.size) - first + np.repeat(low, count)
        return RangeSet.from_arrays(
            np.maximum(self.starts[mine], other.starts[theirs]), np.minimum(self.ends[mine], other.ends[theirs])
        )

    def subtract(self, other: RangeSet) -> RangeSet:
        """Positions in this set that are not in ``other``."""
        if not self or not other:
            return self
        return self.intersect(other.complement(0, MAX_POSITION))
