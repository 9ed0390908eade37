"""Try everything beyond the first failure again: what failed there after a drop-off was never really read."""

from __future__ import annotations

from collections.abc import Mapping

from engine.mapfile.cells import first_area
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import FROM_START, Outcome, Recipe, Value, amount, area_at, retry, something
from engine.mapfile.resume import from_the_start
from engine.mapfile.status import FAILED
from engine.ranges import RangeSet


def prepare(map_: Mapfile, _values: Mapping[str, Value | None]) -> Outcome:
    """The first failed block stays; failed blocks behind it become non-tried."""
    map_ = map_.merged()
    start, _ = area_at(map_, None, FAILED)
    block = map_.block(map_.index_at(start) or 0)
    made, hit = retry(map_, RangeSet.of(block.end, max(block.end, map_.end)))
    target = something(made.ranges("?"))
    before = target.clip(0, block.start)
    lines = [
        f"The first failure, at {block.start} ({block.size} bytes, {block.status}), stays as it is.",
        f"Failed blocks beyond it become non-tried: {amount(hit)}.",
        f"The next run tries all that is non-tried: {amount(target)}"
        + (f", of which {amount(before)} before the failure." if before else "."),
        FROM_START,
    ]
    if first_area(made, "*/") is not None:
        lines.append("Run it with --no-trim and --no-scrape, or the failure itself is read again.")
    return Outcome(from_the_start(made.merged()), tuple(lines), target)


RECIPES = (
    Recipe(
        "beyond-first-failure", "retry everything beyond the first failure",
        "When a drive drops off, ddrescue marks the rest of the disk as failed although it was never read. The block "
        "where it began stays marked; everything failed behind it becomes non-tried.",
        prepare, order=20,
    ),
)  # fmt: skip
