"""What untried bytes are worth: those of valuable ranges count more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.ranges import RangeSet
from engine.rescue.strategy.records import Costs

Floats = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

SLOW_FACTOR = 0.05
"""What bytes of slow ground are worth: they come later."""

_EDGES = 4


def tier(valuable: Sequence[tuple[RangeSet, float]], count: int) -> RangeSet:
    """What the ``count`` sets with the largest factors hold."""
    made = RangeSet()
    for wanted, _ in sorted(valuable, key=lambda one: -one[1])[:count]:
        made = made.union(wanted)
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """A running sum over positions of bytes times their factor."""

    at: Floats
    sums: Floats
    valuable: tuple[RangeSet, ...]

    def upto(self, positions: Floats) -> Floats:
        """The worth of all that lies below."""
        return np.asarray(np.interp(positions, self.at, self.sums))

    def edges(self, starts: Int64s, ends: Int64s) -> Int64s:
        """Where the largest valuable ranges of each gap (row) begin and end; the gap's start where there are none."""
        if not self.valuable:
            return np.empty((starts.size, 0), np.int64)
        out = np.repeat(starts[:, None], 2 * _EDGES * len(self.valuable), axis=1)
        for row in range(starts.size):
            column = 0
            for wanted in self.valuable:
                inside = wanted.clip(int(starts[row]), int(ends[row]))
                best = np.argsort(inside.starts - inside.ends, kind="stable")[:_EDGES]
                out[row, column : column + best.size] = inside.starts[best]
                out[row, column + _EDGES : column + _EDGES + best.size] = inside.ends[best]
                column += 2 * _EDGES
        return out


def value(untried: RangeSet, costs: Costs) -> Worth:
    """The worth of all untried bytes."""
    parts: list[tuple[RangeSet, float]] = []
    rest = untried
    valuable = []
    for wanted, factor in sorted(costs.valuable, key=lambda one: -one[1]):
        inside = rest.intersect(wanted)
        if inside:
            parts.append((inside, factor))
            valuable.append(inside)
            rest = rest.subtract(wanted)
    parts.append((rest, 1.0))
    starts = np.concatenate([part.starts for part, _ in parts])
    ends = np.concatenate([part.ends for part, _ in parts])
    factors = np.concatenate([np.full(len(part), factor) for part, factor in parts])
    order = np.argsort(starts, kind="stable")
    starts, ends, factors = starts[order], ends[order], factors[order]
    at = np.stack((starts, ends), axis=1).ravel().astype(float)
    amount = np.stack((np.zeros(starts.size), (ends - starts) * factors), axis=1).ravel()
    if not at.size:
        at, amount = np.zeros(1), np.zeros(1)
    return Worth(at, np.cumsum(amount), tuple(valuable))
