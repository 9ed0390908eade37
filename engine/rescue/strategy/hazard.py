"""How many killers are to be expected where: a rate everywhere, and more of them near known ones.

The rate at a distance d from the nearest known killer is h + c/d up to a distance D. Many such (h, c, D) are kept, each
with the probability that the runs so far give it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from engine.rescue.strategy.known import Known
from engine.rescue.strategy.widths import Widths

Floats = npt.NDArray[np.float64]

RATES = tuple(0.4 * 2.2**step for step in range(9))
"""h: killers in the whole domain."""

CLOSENESS = (0.0, 0.1, 0.4, 1.2)
"""c: killers that follow within a factor e of distance."""

REACHES = (0.01, 0.3)
"""D: how far a group of killers goes, as a part of the domain."""

_GRID = np.array([*product(RATES, CLOSENESS, REACHES)])
_PRIOR = np.array([{0.0: 0.4, 0.1: 0.25, 0.4: 0.2, 1.2: 0.15}[c] for _, c, _ in _GRID])
_KEEP = 8


@dataclass(frozen=True, slots=True, eq=False)
class Hazard:
    """The likely (h, c, D), with their probabilities. Distances are parts of the domain, none below ``floor``."""

    h: Floats
    c: Floats
    reach: Floats
    weight: Floats
    floor: float

    def between(self, low: Floats, high: Floats, left: Floats, right: Floats) -> Floats:
        """Killers expected in ``[low, high)``, with known ones at ``left`` and ``right``; (n, hypotheses)."""
        return _expected(low, high, left, right, self.h, self.c, self.reach, self.floor)

    def rate(self, distance: Floats) -> Floats:
        """Killers per domain at this distance from the nearest known one, the mean of all hypotheses."""
        d = np.maximum(distance, self.floor)[:, None]
        return np.asarray((self.h + np.where(d < self.reach, self.c / d, 0.0)) @ self.weight)

    @property
    def overall(self) -> float:
        """The rate away from all known killers."""
        return float(self.h @ self.weight)


def _expected(
    low: Floats, high: Floats, left: Floats, right: Floats, h: Floats, c: Floats, reach: Floats, floor: float
) -> Floats:
    """Integral of h + c/d. Each argument but the hypotheses has n values; the nearer known killer counts."""
    middle = np.clip((left + right) / 2, low, high)
    below = _logs(low - left, middle - left, reach, floor)
    above = _logs(right - high, right - middle, reach, floor)
    return np.asarray((high - low)[:, None] * h + c * (below + above))


def _logs(near: Floats, far: Floats, reach: Floats, floor: float) -> Floats:
    """Integral of 1/d from near to far, cut at reach; infinite distances give 0."""
    one = np.clip(near, floor, 1e9)[:, None]
    two = np.clip(far, floor, 1e9)[:, None]
    return np.asarray(np.log(np.maximum(np.minimum(two, reach), np.minimum(one, reach)) / np.minimum(one, reach)))


def learn(known: Known, widths: Widths, cluster: int) -> Hazard:
    """Weigh the hypotheses by how far each run came and where it was killed."""
    size = float(max(1, known.size))
    floor = cluster / size
    h, c, reach = _GRID[:, 0], _GRID[:, 1], _GRID[:, 2]
    log = np.log(_PRIOR)
    paths = _paths(known)
    if paths.size:
        low, high, left, right, kill, ahead = ((paths[:, k] - known.start) / size for k in range(6))
        killed = paths[:, 6] > 0
        log = log - _expected(low, high, left, right, h, c, reach, floor).sum(axis=0)
        distance = np.maximum(np.minimum(kill - left, right - kill), floor)[killed, None]
        rate = h + np.where(distance < reach, c / distance, 0.0)
        # the other side of a killer that was known is no news
        old = widths.density(np.maximum(ahead, floor)[killed] * size) * size
        fresh = 1.0 / (1.0 + old / (rate @ (_PRIOR / _PRIOR.sum())))
        log = log + (fresh[:, None] * np.log(rate)).sum(axis=0)
    weight = np.exp(log - log.max())
    keep = np.argsort(-weight, kind="stable")[:_KEEP]
    keep = keep[weight[keep] > 1e-4]
    return Hazard(h[keep], c[keep], reach[keep], weight[keep] / weight[keep].sum(), floor)


def _paths(known: Known) -> Floats:
    """For each run that read all of its way: its span, the killers known then below and above it, where it was killed,
    and the distance from there to the known one ahead (all as positions), and whether it was killed."""
    out = []
    places: list[int] = []
    nowhere = 1e30
    for run in known.runs:
        low, high = (run.end, run.stop) if run.reverse else (run.start, run.end)
        low, high = max(low, known.start), min(high, known.end)
        if high > low and not run.partial:
            index = bisect_left(places, low)
            left = float(places[index - 1]) if index else -nowhere
            right = float(places[index]) if index < len(places) else nowhere
            if right < high:  # read beyond a place that had killed: it is flaky
                right = nowhere
            kill = float(low if run.reverse else high)
            ahead = kill - left if run.reverse else right - kill
            out.append((float(low), float(high), left, right, kill, known.start + ahead, float(run.killed)))
        if run.killed:
            insort(places, run.end - 1 if run.reverse else run.end)
    return np.array(out)
