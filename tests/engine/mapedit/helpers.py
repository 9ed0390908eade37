"""Random edits of every kind."""

from __future__ import annotations

import random

from engine.mapedit.edits import (
    ApplyRecipe,
    ChangeTypes,
    Clip,
    Combine,
    Edit,
    Extend,
    Invert,
    MergeBlocks,
    Restore,
    SetLine,
    SetStatus,
    Shift,
    SplitAt,
)
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes import all_recipes
from engine.mapfile.recipes.base import Value
from engine.mapfile.status import CHARS
from engine.ranges import RangeSet
from tests.engine.mapfile.helpers import random_map

UNIT = 512


def ranges_in(rng: random.Random, map_: Mapfile, most: int = 8) -> RangeSet:
    """Some ranges inside a map, of whole sectors or of odd bytes."""
    unit = rng.choice([1, UNIT])
    found = []
    for _ in range(rng.randrange(1, most + 1)):
        start = rng.randrange(map_.start, map_.end) // unit * unit
        found.append((max(start, map_.start), min(map_.end, start + rng.randrange(1, 40_000) * unit // UNIT + unit)))
    return RangeSet(found)


def _domain(rng: random.Random, map_: Mapfile) -> RangeSet | None:
    return ranges_in(rng, map_) if rng.random() < 0.5 else None


def _recipe(rng: random.Random, map_: Mapfile) -> ApplyRecipe:
    recipe = rng.choice(all_recipes())
    values: dict[str, Value | None] = {}
    for parameter in recipe.parameters:
        if parameter.name == "size":
            values["size"] = rng.randrange(1, 2000) * UNIT
        elif parameter.name == "at":
            values["at"] = rng.randrange(map_.end)
        elif parameter.kind == "ranges":
            values[parameter.name] = ranges_in(rng, map_)
    return ApplyRecipe(recipe.name, values)


def random_edit(rng: random.Random, map_: Mapfile, *, extent: bool = True) -> Edit:
    """An edit that may well be refused by this map. ``extent`` False: none that moves the map's ends."""
    kind = rng.randrange(12 if extent else 9)
    if kind in (0, 1):
        return SetStatus(ranges_in(rng, map_), rng.choice(CHARS))
    if kind == 2:
        position, phase = rng.choice([None, rng.randrange(map_.end)]), rng.choice([None, *"?*/-F+"])
        return SetLine(position, phase, rng.choice([None, 3]))
    if kind == 3:
        return SplitAt(tuple(rng.randrange(map_.start, map_.end) for _ in range(rng.randrange(1, 9))))
    if kind == 4:
        return MergeBlocks(_domain(rng, map_))
    if kind == 5:
        other = random_map(rng, unit=UNIT)
        return Combine.with_map(rng.choice(["and", "or", "xor", "minus"]), other, "other.map", _domain(rng, map_))
    if kind == 6:
        old = "".join(rng.sample(CHARS, rng.randrange(1, 5)))
        return rng.choice([ChangeTypes(old, rng.choice(CHARS), _domain(rng, map_)), Invert(_domain(rng, map_))])
    if kind == 7:
        return _recipe(rng, map_)
    if kind == 8:
        other = random_map(rng, unit=UNIT)
        return Restore.from_map(other, "generation 3", ranges_in(rng, map_).clip(map_.start, min(map_.end, other.end)))
    if kind == 9:
        return Shift(rng.choice([1, -1]) * rng.randrange(1, 300) * UNIT)
    if kind == 10:
        start = rng.randrange(map_.start, map_.end) // UNIT * UNIT
        domain = Clip.to_domain(ranges_in(rng, map_), rng.choice(CHARS))
        return rng.choice([Clip(start, map_.end), Clip(map_.start, max(start, map_.start + 1)), domain])
    return Extend(0, map_.end + rng.randrange(1, 100) * UNIT, rng.choice(CHARS))
