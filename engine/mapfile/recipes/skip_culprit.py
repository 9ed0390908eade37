"""Mark the place that kills the drive as bad, and leave what follows it untried."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.errors import NotFoundError, UsageError
from engine.mapfile.algebra import change_types
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import FROM_START, Outcome, Parameter, Recipe, Value, amount, number
from engine.mapfile.resume import from_the_start
from engine.mapfile.status import UNFINISHED
from engine.ranges import RangeSet

FORWARDS, BACKWARDS, AUTO = "forwards", "backwards", "auto"


def _run_behind(areas: RangeSet, inside: int, edge: int, *, backwards: bool = False) -> RangeSet:
    """The part of the area that holds ``inside`` on the far side of ``edge``; empty when nothing holds it."""
    if inside < 0 or inside not in areas:
        return RangeSet()
    index = int(np.searchsorted(areas.starts, inside, "right")) - 1
    start, end = int(areas.starts[index]), int(areas.ends[index])
    return RangeSet.of(start, edge) if backwards else RangeSet.of(edge, end)


def _doubtful(map_: Mapfile, behind: RangeSet) -> RangeSet:
    """The failed areas that a drop-off leaves: bad sectors only beside non-trimmed or non-scraped ones.

    Bad sectors that stand alone stay: they were read one by one, or are a culprit that was marked before.
    """
    failed = map_.ranges("*/-").intersect(behind)
    processed = map_.ranges("*/")
    if not processed:
        return processed
    nearest = np.searchsorted(processed.ends, failed.starts, "right")
    chosen = nearest < len(processed)
    chosen &= processed.starts[np.minimum(nearest, len(processed) - 1)] < failed.ends
    return RangeSet.from_arrays(failed.starts[chosen], failed.ends[chosen])


def prepare(map_: Mapfile, values: Mapping[str, Value | None]) -> Outcome:
    """N sectors from the position on, in the run's direction, become bad; what failed behind them non-tried."""
    sector = number(values, "sector", 1)
    size = number(values, "sectors", 1) * sector
    given = values.get("at")
    at = map_.position if given is None else number(values, "at")
    backwards = values.get("direction") == BACKWARDS or (
        values.get("direction") == AUTO and map_.phase in "?-" and map_.current_pass % 2 == 0
    )
    if backwards:
        high = -(-at // sector) * sector
        low, high = max(map_.start, high - size), min(high, map_.end)
    else:
        low = at // sector * sector
        low, high = max(map_.start, low), min(low + size, map_.end)
    if low >= high:
        raise UsageError(f"position {at} is outside of the map ({map_.start}-{map_.end})", code="outside-map")
    culprit = map_.ranges(UNFINISHED, low, high)
    if not culprit:
        raise NotFoundError(f"all of {low}-{high} is finished", code="nothing-to-do", advice="name another position")
    areas = map_.ranges(UNFINISHED)
    behind = _run_behind(areas, low - 1, low, backwards=True) if backwards else _run_behind(areas, high, high)
    doubtful = _doubtful(map_, behind)
    made = change_types(map_, "*/-", "?", doubtful) if doubtful else map_
    made = change_types(made, UNFINISHED, "-", culprit)
    target = made.ranges("?")
    lines = (
        f"The culprit, {low}-{high}, is marked as bad sectors: {amount(culprit)}.",
        f"What follows it ({'backwards' if backwards else 'forwards'}) is left non-tried: {amount(behind)}.",
        f"The next run tries all that is non-tried: {amount(target)}.",
        FROM_START,
        "Bad sectors are not read again unless retries (-r) are asked for.",
    )
    return Outcome(from_the_start(made.merged()), lines, target)


RECIPES = (
    Recipe(
        "skip-culprit", "skip the culprit",
        "Marks N sectors at the position bad and sets the failed run that follows back to non-tried. For the place "
        "where the drive dropped off. Finished blocks are never touched.",
        prepare,
        (
            Parameter("at", "bytes", "where the drive died; without it the position of the status line"),
            Parameter("sectors", "count", "how many sectors to give up", 128),
            Parameter("sector", "bytes", "the size of a sector", 512),
            Parameter("direction", "choice", "which way the run went", AUTO, choices=(AUTO, FORWARDS, BACKWARDS)),
        ),
        order=40,
    ),
)  # fmt: skip
