"""The difference between two block lists, exact to the line, in both directions: what undo and redo are made of.

A patch holds the block lines that went and those that came, and nothing of what stayed, so that its size goes with
the edit and not with the map. Applying one costs a copy of the arrays (milliseconds at a million blocks).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.mapfile.model import Codes, Comment, Int64s, Mapfile, Totals

Indexes = npt.NDArray[np.int32]
Line = tuple[int, str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """One side of a patch: the block lines that only it has. ``at`` counts within the ``count`` lines of the middle."""

    count: int
    at: Indexes
    starts: Int64s
    codes: Codes
    end: int
    line: Line
    comments: tuple[Comment, ...] | None
    totals: Totals | None

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.at.nbytes + self.starts.nbytes + self.codes.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """From one map to another and back. ``first``: how many block lines at the beginning both share.

    ``low`` and ``high`` bound the positions at which anything changed, in bytes; equal when only the status line did.
    """

    first: int
    old: Lines
    new: Lines
    low: int
    high: int

    @classmethod
    def between(cls, before: Mapfile, after: Mapfile) -> Patch:
        """What leads from ``before`` to ``after``."""
        starts_a, starts_b = before.bounds[:-1], after.bounds[:-1]
        codes_a, codes_b = before.codes, after.codes
        if before.bounds is after.bounds and codes_a is codes_b:
            first, tail = starts_a.size, 0
        else:
            least = min(starts_a.size, starts_b.size)
            first = _common(starts_a[:least], starts_b[:least], codes_a[:least], codes_b[:least])
            least -= first
            tail = _common(
                starts_a[starts_a.size - least :][::-1], starts_b[starts_b.size - least :][::-1],
                codes_a[codes_a.size - least :][::-1], codes_b[codes_b.size - least :][::-1],
            ) if least else 0  # fmt: skip
        high_a, high_b = starts_a.size - tail, starts_b.size - tail
        mid_a, mid_b = starts_a[first:high_a], starts_b[first:high_b]
        gone, come = _unmatched(mid_a, codes_a[first:high_a], mid_b, codes_b[first:high_b])
        same_comments = before.comments == after.comments

        def side(map_: Mapfile, at: Indexes, starts: Int64s, codes: Codes) -> Lines:
            return Lines(
                starts.size, at, starts[at].copy(), codes[at].copy(), int(map_.bounds[-1]),
                (map_.position, map_.phase, map_.current_pass), None if same_comments else map_.comments,
                map_.totals() if map_._totals else None,
            )  # fmt: skip

        low, high = _window(before, after, first, tail)
        return cls(
            first, side(before, gone, mid_a, codes_a[first:high_a]), side(after, come, mid_b, codes_b[first:high_b]),
            low, high,
        )  # fmt: skip

    @property
    def empty(self) -> bool:
        """Whether both maps have the same block list, status line and comments."""
        return not self.old.at.size and not self.new.at.size and self.old.end == self.new.end and (
            self.old.line == self.new.line and self.old.comments is None
        )  # fmt: skip

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.old.nbytes + self.new.nbytes

    def forwards(self, map_: Mapfile) -> Mapfile:
        """The later map from the earlier one."""
        return _swap(map_, self.first, self.old, self.new)

    def backwards(self, map_: Mapfile) -> Mapfile:
        """The earlier map from the later one, to the letter."""
        return _swap(map_, self.first, self.new, self.old)


def _common(starts_a: Int64s, starts_b: Int64s, codes_a: Codes, codes_b: Codes) -> int:
    """How many entries agree from the beginning on."""
    differs = starts_a != starts_b
    differs |= codes_a != codes_b
    if not differs.size:
        return 0
    at = int(np.argmax(differs))
    return at if differs[at] else int(differs.size)


def _unmatched(starts_a: Int64s, codes_a: Codes, starts_b: Int64s, codes_b: Codes) -> tuple[Indexes, Indexes]:
    """Which entries only the one and only the other list has."""
    if starts_a.size and starts_b.size and _rising(starts_a) and _rising(starts_b):
        at = np.minimum(np.searchsorted(starts_b, starts_a), starts_b.size - 1)
        both = (starts_b[at] == starts_a) & (codes_b[at] == codes_a)
        alone = np.ones(starts_b.size, bool)
        alone[at[both]] = False
        return np.flatnonzero(~both).astype(np.int32), np.flatnonzero(alone).astype(np.int32)
    return np.arange(starts_a.size, dtype=np.int32), np.arange(starts_b.size, dtype=np.int32)


def _rising(starts: Int64s) -> bool:
    return bool((starts[1:] > starts[:-1]).all())


def _window(before: Mapfile, after: Mapfile, first: int, tail: int) -> tuple[int, int]:
    """The positions between the common beginning and the common end."""
    same = first + tail >= max(len(before), len(after)) and before.end == after.end
    if same and (len(before) or before.start == after.start):
        return before.end, before.end
    low = min(int(before.bounds[min(first, len(before))]), int(after.bounds[min(first, len(after))]))
    if tail:
        return low, int(after.bounds[len(after) - tail])
    return low, max(before.end, after.end)


def _swap(map_: Mapfile, first: int, out: Lines, into: Lines) -> Mapfile:
    position, phase, current_pass = into.line
    comments = map_.comments if into.comments is None else into.comments
    if not out.at.size and not into.at.size and out.end == into.end:
        return replace(map_, position=position, phase=phase, current_pass=current_pass, comments=comments, raw=None)
    after = first + out.count
    stays, comes = np.ones(out.count, bool), np.zeros(into.count, bool)
    stays[out.at], comes[into.at] = False, True
    starts, codes = np.empty(into.count, np.int64), np.empty(into.count, np.uint8)
    starts[comes], codes[comes] = into.starts, into.codes
    starts[~comes], codes[~comes] = map_.bounds[first:after][stays], map_.codes[first:after][stays]
    bounds = np.concatenate((map_.bounds[:first], starts, map_.bounds[after:]))
    bounds[-1] = into.end
    return replace(
        map_, bounds=bounds, codes=np.concatenate((map_.codes[:first], codes, map_.codes[after:])),
        position=position, phase=phase, current_pass=current_pass, comments=comments, raw=None,
        _totals=[into.totals] if into.totals is not None else [],
    )  # fmt: skip
