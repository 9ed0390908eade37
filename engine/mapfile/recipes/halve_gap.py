"""Halve the largest gap: jump into the middle of the largest area that is not finished."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import NotFoundError
from engine.mapfile.cells import largest_area
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import Outcome, Parameter, Recipe, Value, amount, number, retry
from engine.mapfile.status import UNFINISHED
from engine.ranges import RangeSet


def prepare(map_: Mapfile, values: Mapping[str, Value | None]) -> Outcome:
    """The largest unfinished area becomes non-tried (bad sectors stay); the next run begins in its middle."""
    align = number(values, "align", 1)
    found = largest_area(map_, UNFINISHED)
    if found is None:
        raise NotFoundError("everything is finished", code="nothing-to-do")
    middle = max(found.start, (found.start + found.size // 2) // align * align)
    area = RangeSet.of(found.start, found.end)
    made, hit = retry(map_, area, "*/")
    target = made.ranges("?").intersect(area)
    if not target:
        raise NotFoundError(
            f"the largest gap, {found.start}-{found.end}, holds bad sectors only", code="nothing-to-do",
            advice="set them back to non-tried first (recipe keep-finished)",
        )  # fmt: skip
    made = made.merged().with_status_line(middle, "?", 1)
    before = made.ranges("?").clip(0, middle)
    lines = [
        f"The largest gap is {found.start}-{found.end}, {found.size} bytes; its failed blocks become non-tried "
        f"({amount(hit)}), bad sectors stay.",
        f"The status line becomes 0x{middle:08X} ? 1: the next run begins in the middle, at {middle}, forwards.",
    ]
    if before:
        lines.append(f"What lies before it is left for pass 2, which comes back from the end: {amount(before)}.")
    return Outcome(made, tuple(lines), target)


RECIPES = (
    Recipe(
        "halve-gap", "halve the largest gap",
        "Begins the next run in the middle of the largest unfinished area: when the culprit's place is unknown, half "
        "of the gap is won in one go.",
        prepare, (Parameter("align", "bytes", "the middle is a multiple of this", 4096),), order=46,
    ),
)  # fmt: skip
