"""Keep what is finished and try all the rest again."""

from __future__ import annotations

from collections.abc import Mapping

from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import FROM_START, Outcome, Recipe, Value, amount, retry, something
from engine.mapfile.resume import from_the_start


def prepare(map_: Mapfile, _values: Mapping[str, Value | None]) -> Outcome:
    """Every failed block becomes non-tried."""
    made, hit = retry(map_, None)
    target = something(made.ranges("?"))
    return Outcome(
        from_the_start(made.merged()),
        (
            f"Failed blocks become non-tried: {amount(hit)}.",
            f"The next run tries everything that is not finished: {amount(target)}.",
            FROM_START,
        ),
        target,
    )


RECIPES = (
    Recipe(
        "keep-finished", "keep finished, retry all the rest",
        "Finished blocks stay; all others become non-tried, as if they had never been read. For a drive with which "
        "good areas were marked bad, after it dropped off or with another cable.",
        prepare, order=10,
    ),
)  # fmt: skip
