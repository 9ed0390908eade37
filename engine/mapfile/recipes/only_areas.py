"""Try only areas that matter: those that hold files, or first of all those that say where the files are."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import NotFoundError, UsageError
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import FROM_START, Outcome, Parameter, Recipe, Value, amount, retry
from engine.mapfile.resume import from_the_start
from engine.mapfile.status import UNFINISHED
from engine.ranges import RangeSet


def prepare(map_: Mapfile, values: Mapping[str, Value | None]) -> Outcome:
    """Failed blocks inside the areas become non-tried; the areas are the domain of the next run."""
    areas = values.get("areas")
    if not isinstance(areas, RangeSet):
        raise UsageError("areas must be ranges")
    inside = areas.clip(map_.start, map_.end)
    wanted = map_.ranges(UNFINISHED).intersect(inside)
    if not wanted:
        raise NotFoundError("all of these areas is finished", code="nothing-to-do")
    made, hit = retry(map_, inside)
    others = map_.ranges(UNFINISHED).subtract(inside)
    lines = [
        f"Failed blocks inside the areas become non-tried: {amount(hit)}.",
        f"The next run is to read these areas alone: {amount(wanted)} of them are not finished.",
        FROM_START,
    ]
    if others:
        lines.append(
            f"All else that is not finished stays as it is ({amount(others)}). Run ddrescue with the areas as its "
            "domain (--domain-mapfile, or --input-position and --size for a single one), or it is read as well."
        )
    return Outcome(from_the_start(made.merged()), tuple(lines), wanted, inside)


_AREAS = Parameter("areas", "ranges", "the areas: START-END or START+SIZE, several with commas", required=True)

RECIPES = (
    Recipe(
        "only-metadata", "only metadata first",
        "Tries only the areas that hold partition tables, file tables and folders again, before anything else: they "
        "say what else is worth reading. What lies elsewhere is left as it is.",
        prepare, (_AREAS,), order=24,
    ),
    Recipe(
        "only-files", "only the areas that hold files",
        "Tries only the areas that hold files again, and leaves free space alone for good.",
        prepare, (_AREAS,), order=25,
    ),
)  # fmt: skip
