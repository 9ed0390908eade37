"""What is known about a drive: untried gaps and what borders them, places that kill, ground that was put off.

Made from the map (what is rescued) and the runs so far (what killed). A failed block of the map that no run died at is
an ordinary bad place: it is no killer and borders nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.mapfile.model import Mapfile
from engine.ranges import MAX_POSITION, RangeSet
from engine.rescue.strategy.records import Costs, How, Run

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MAX_GAPS = 400
"""Untried gaps are joined over what lies between them (never over a killer) until there are no more than this."""

MAX_SUSPECTS = 64
"""So many failed blocks of unknown origin may be killers."""

_REACH = 16
"""Gaps are joined anyway over so many clusters."""


@dataclass(frozen=True, slots=True, eq=False)
class Dead:
    """Places that kill, ascending, touching ones joined, less what was read there after all.

    ``exact_start`` / ``exact_end``: the killer begins (ends) here, for it was read right up to here.
    """

    starts: Int64s
    ends: Int64s
    exact_start: Bools
    exact_end: Bools

    def __len__(self) -> int:
        return int(self.starts.size)


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Untried ground that may be read now, ascending.

    ``hard_start`` / ``hard_end``: a killer is next to the gap on that side, nothing between was read. ``left`` /
    ``right``: index in ``Known.dead`` of the next killer below and above (-1, ``len(dead)``: none). ``slow``: the drive
    was slow here.
    """

    starts: Int64s
    ends: Int64s
    slow: Bools
    hard_start: Bools
    hard_end: Bools
    left: Int64s
    right: Int64s

    def __len__(self) -> int:
        return int(self.starts.size)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The state of a rescue from ``start`` to ``end``, the first and the last byte of its domain.

    ``untried``: what the gaps hold; ``blank``: all that was never tried. ``failed``: ordinary failed blocks that were
    neither trimmed nor scraped. ``missing``: bytes of the domain that are not rescued.
    """

    start: int
    end: int
    finished: RangeSet
    untried: RangeSet
    blank: RangeSet
    failed: RangeSet
    missing: int
    dead: Dead
    gaps: Gaps
    runs: tuple[Run, ...]

    @property
    def size(self) -> int:
        """Bytes from the domain's first to its last."""
        return self.end - self.start

    @property
    def kills(self) -> int:
        """Power cycles that the runs cost."""
        return sum(run.killed for run in self.runs)


def look(known: Mapfile, history: Sequence[Run], costs: Costs) -> Known:
    """All that a decision needs to know. Raises ``UsageError`` for a map of a source of unknown size."""
    domain = domain_of(known, costs)
    low, high = (int(domain.starts[0]), int(domain.ends[-1])) if domain else (0, 0)
    runs = tuple(history)
    finished = known.ranges("+").intersect(domain)
    untried = known.ranges("?").intersect(domain)
    if domain and (low < known.start or high > known.end):
        untried = untried.union(domain.subtract(RangeSet.of(known.start, known.end)))
    killing = RangeSet(touched(runs, costs.sector_size)).union(_unexplained(known, runs))
    dead = killing.intersect(domain).subtract(finished)
    vain = in_vain(runs)
    kept = dead.union(vain)
    free = untried.subtract(kept)
    slow = _slow(runs, costs).intersect(free)
    quick = free.subtract(slow)
    reach = max(costs.cluster_size * _REACH, (high - low) >> 16)
    fast_starts, fast_ends = _joined(quick, kept.union(slow), reach)
    slow_starts, slow_ends = _joined(slow, kept.union(quick), reach)
    places = _dead(dead, finished, low, high)
    gaps = _gaps(fast_starts, fast_ends, slow_starts, slow_ends, places, finished)
    failed = known.ranges("*/").intersect(domain).subtract(kept)
    return Known(low, high, finished, free, untried, failed, domain.total - finished.total, places, gaps, runs)


def domain_of(known: Mapfile, costs: Costs) -> RangeSet:
    """What the rescue is about."""
    if costs.domain is not None:
        return costs.domain
    if known.open_ended:
        raise UsageError(
            "the size of the source is not known", code="no-size", advice="give the drive's size, or a range to rescue"
        )
    return RangeSet.of(known.start, known.end)


def touched(runs: Sequence[Run], sector: int) -> list[tuple[int, int]]:
    """The reads at which runs died, and the first sector of those that died at once."""
    out = []
    for run in runs:
        if not run.killed:
            continue
        place = run.killer
        if place is None:
            place = (run.end - run.cluster, run.end) if run.reverse else (run.end, run.end + run.cluster)
        low = min(max(place[0], 0), MAX_POSITION - 1)
        out.append((low, min(max(place[1], low + 1), MAX_POSITION)))
        if not run.gained:
            size = min(sector, run.size)
            out.append((run.stop - size, run.stop) if run.reverse else (run.start, run.start + size))
    return out


def _unexplained(known: Mapfile, runs: Sequence[Run]) -> RangeSet:
    """Failed blocks that no run made: a few of them may well be what the drive died of before; many are bad sectors."""
    reached = RangeSet([(min(run.begin, run.end), max(run.begin, run.end)) for run in runs])
    failed = known.ranges("*/-").subtract(reached)
    return failed if len(failed) <= MAX_SUSPECTS else RangeSet()


def in_vain(runs: Sequence[Run]) -> RangeSet:
    """What was run over with the drive alive and nothing gained: not tried again.

    All of it where the run came to its end, else the first read.
    """
    out = []
    for run in runs:
        if run.killed or run.gained:
            continue
        whole = run.how in (How.FINISHED, How.ERRORS) and not run.partial
        size = run.size if whole else min(run.size, run.cluster)
        out.append((run.stop - size, run.stop) if run.reverse else (run.start, run.start + size))
    return RangeSet(out)


def _slow(runs: Sequence[Run], costs: Costs) -> RangeSet:
    """What to leave for later: some ground from where a run became slow, twice as much if that adjoins such ground."""
    out: list[tuple[int, int]] = []
    for run in runs:
        if run.how is not How.SLOW:
            continue
        size = max(costs.cluster_size * 256, run.size >> 8)
        size = max([size, *(2 * (high - low) for low, high in out if run.begin in (low, high))])
        low, high = (run.end - size, run.end) if run.reverse else (run.end, run.end + size)
        low, high = max(low, run.start), min(high, run.stop)
        if low < high:
            out.append((low, high))
    return RangeSet(out)


def _dead(ground: RangeSet, finished: RangeSet, low: int, high: int) -> Dead:
    exact_start = np.isin(ground.starts, finished.ends) | (ground.starts == low)
    exact_end = np.isin(ground.ends, finished.starts) | (ground.ends == high)
    return Dead(ground.starts, ground.ends, exact_start, exact_end)


def _joined(free: RangeSet, walls: RangeSet, reach: int) -> tuple[Int64s, Int64s]:
    """The gaps: untried ranges, joined where little, and nothing that must not be read, lies between them."""
    starts, ends = free.starts, free.ends
    if starts.size < 2:
        return starts, ends
    between = starts[1:] - ends[:-1]
    blocked = np.searchsorted(walls.ends, ends[:-1], "right") != np.searchsorted(walls.starts, starts[1:], "left")
    while True:
        cut = blocked | (between > reach)
        first = np.concatenate((np.array([True]), cut))
        last = np.concatenate((cut, np.array([True])))
        if int(first.sum()) <= MAX_GAPS or reach >= MAX_POSITION >> 1 or bool(blocked[cut].all()):
            return starts[first], ends[last]
        reach <<= 1


def _gaps(
    fast_starts: Int64s, fast_ends: Int64s, slow_starts: Int64s, slow_ends: Int64s, dead: Dead, finished: RangeSet
) -> Gaps:
    starts, ends = np.concatenate((fast_starts, slow_starts)), np.concatenate((fast_ends, slow_ends))
    slow = np.arange(starts.size) >= fast_starts.size
    order = np.argsort(starts, kind="stable")
    starts, ends, slow = starts[order], ends[order], slow[order]
    left = np.searchsorted(dead.ends, starts, "right") - 1
    right = np.searchsorted(dead.starts, ends, "left")
    no, far = np.full(1, -1, np.int64), np.full(1, MAX_POSITION, np.int64)
    below = np.concatenate((dead.ends, no))[left]
    above = np.concatenate((dead.starts, far))[right]
    read_below = np.concatenate((finished.ends, no))[np.searchsorted(finished.ends, starts, "right") - 1]
    read_above = np.concatenate((finished.starts, far))[np.searchsorted(finished.starts, ends, "left")]
    return Gaps(starts, ends, slow, below > read_below, above < read_above, left, right)
