"""Try failed areas again by their size: the large ones for the bytes, the small ones for the odds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.errors import NotFoundError
from engine.mapfile.cells import first_area
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import FROM_START, Outcome, Parameter, Recipe, Value, amount, number, retry
from engine.mapfile.resume import from_the_start
from engine.mapfile.status import FAILED
from engine.ranges import RangeSet


def _by_size(larger: bool) -> Callable[[Mapfile, Mapping[str, Value | None]], Outcome]:
    def prepare(map_: Mapfile, values: Mapping[str, Value | None]) -> Outcome:
        size = number(values, "size", 1)
        areas = map_.ranges(FAILED)
        sizes = areas.ends - areas.starts
        chosen = sizes > size if larger else sizes < size
        wanted = RangeSet.from_arrays(areas.starts[chosen], areas.ends[chosen])
        words = "larger" if larger else "smaller"
        if not wanted:
            raise NotFoundError(f"no failed area is {words} than {size} bytes", code="nothing-to-do")
        made, hit = retry(map_, wanted)
        target = made.ranges("?")
        left = areas.subtract(wanted)
        lines = [
            f"Failed areas {words} than {size} bytes become non-tried: {amount(hit)}.",
            f"The other failed areas stay: {amount(left)}.",
            f"The next run tries all that is non-tried: {amount(target)}.",
            FROM_START,
        ]
        if first_area(made, "*/") is not None:
            lines.append("Run it with --no-trim and --no-scrape, or the areas that stay are read again as well.")
        return Outcome(from_the_start(made.merged()), tuple(lines), target)

    return prepare


_SIZE = Parameter("size", "bytes", "the limit in bytes", required=True)

RECIPES = (
    Recipe(
        "retry-larger", "retry failed areas larger than N",
        "Failed areas (whatever kinds of failed blocks they consist of) larger than the size become non-tried: most "
        "bytes for the fewest attempts.",
        _by_size(True), (_SIZE,), order=30,
    ),
    Recipe(
        "retry-smaller", "retry failed areas smaller than N",
        "Failed areas smaller than the size become non-tried: single sectors that may read on another day.",
        _by_size(False), (_SIZE,), order=31,
    ),
)  # fmt: skip
