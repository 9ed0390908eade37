"""What comes when untried ground is read: failed blocks away from killers, and the edges of killers in small reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ranges import RangeSet
from engine.rescue.strategy.known import Known, in_vain, touched
from engine.rescue.strategy.records import Costs, How

_HALF = 0.5
_TRIM_RISK = 0.05
_EDGE_RISK = 0.95
_INNER = 0.1
"""P(there is something good between the edges of a lost read), before anything was tried in there."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Bytes to be tried again: a span, from which side, and what it is expected to bring and to risk."""

    start: int
    end: int
    reverse: bool
    gain: float
    risk: float


def trimming(known: Known) -> Ground | None:
    """The stretch with the most ordinary failed blocks."""
    if not known.failed:
        return None
    failed = known.failed
    # nothing that kills and nothing untried may lie in it
    walls = known.blank.union(RangeSet.from_arrays(known.dead.starts, known.dead.ends))
    stretch = np.searchsorted(walls.ends, failed.starts, "right")
    amounts = np.bincount(stretch, weights=(failed.ends - failed.starts).astype(float))
    inside = np.flatnonzero(stretch == int(amounts.argmax()))
    start, end = int(failed.starts[inside[0]]), int(failed.ends[inside[-1]])
    return Ground(start, end, False, float(amounts.max()) * _HALF, _TRIM_RISK)


def narrowing(known: Known, costs: Costs) -> Ground | None:
    """The part of lost reads larger than a sector that promises most: from a side up to which all is read, or, where a
    killer was met on both sides, from its middle on. The smaller such a part has become, the less is believed of it.
    """
    sector = costs.sector_size
    spots = RangeSet([place for place in touched(known.runs, sector) if place[1] - place[0] <= sector])
    # what was read in single sectors to the end has nothing more to give
    ended = [run for run in known.runs if run.how in (How.FINISHED, How.ERRORS) and not run.partial]
    through = [run for run in ended if run.cluster <= sector]
    spots = spots.union(RangeSet([(run.start, run.stop) for run in through])).union(in_vain(known.runs))
    ground = RangeSet.from_arrays(known.dead.starts, known.dead.ends).subtract(spots)
    if not ground:
        return None
    low = np.isin(ground.starts, known.finished.ends) | (ground.starts == known.start)
    high = np.isin(ground.ends, known.finished.starts) | (ground.ends == known.end)
    sizes = (ground.ends - ground.starts).astype(float)
    within = np.searchsorted(known.dead.starts, ground.starts, "right") - 1
    inner = _INNER * sizes / (known.dead.ends - known.dead.starts)[within]
    gains = sizes * _HALF * np.where(low | high, 1.0, inner)
    best = int(gains.argmax())
    start, end = int(ground.starts[best]), int(ground.ends[best])
    if not low[best] and not high[best]:
        start += (end - start) // 2 // sector * sector
    return Ground(start, end, bool(high[best] and not low[best]), float(gains[best]), _EDGE_RISK)
