"""Approach a bad area from its other end."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import NotFoundError
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import Outcome, Parameter, Recipe, Value, amount, area_at, number, retry
from engine.mapfile.status import UNFINISHED
from engine.ranges import RangeSet


def prepare(map_: Mapfile, values: Mapping[str, Value | None]) -> Outcome:
    """The unfinished area at the position becomes non-tried (bad sectors stay), to be read backwards from its end."""
    at = None if values.get("at") is None else number(values, "at")
    start, end = area_at(map_, at, UNFINISHED)
    area = RangeSet.of(start, end)
    made, hit = retry(map_, area, "*/")
    target = made.ranges("?").intersect(area)
    if not target:
        raise NotFoundError(
            f"the area {start}-{end} holds bad sectors only", code="nothing-to-do",
            advice="set them back to non-tried first (recipe keep-finished)",
        )  # fmt: skip
    begin = int(target.ends[-1])
    made = made.merged().with_status_line(begin, "?", 2)
    later = made.ranges("?").subtract(area)
    lines = [
        f"The area {start}-{end}: failed blocks become non-tried ({amount(hit)}); bad sectors stay.",
        f"The status line becomes 0x{begin:08X} ? 2: the next run begins at {begin} in pass 2, which goes backwards "
        "and leaves an area at its first error.",
    ]
    if later:
        lines.append(
            f"Other non-tried areas are read too: {amount(later)}. To stay inside this one add "
            f"--input-position={start} --size={end - start}."
        )
    return Outcome(made, tuple(lines), target)


RECIPES = (
    Recipe(
        "other-end", "approach a bad area from its other end",
        "Sets the first unfinished area (or the one at a position) back to non-tried, except for bad sectors, and "
        "makes the next run read it backwards from its end.",
        prepare, (Parameter("at", "bytes", "a position in or before the area; without it the first one"),), order=45,
    ),
)  # fmt: skip
