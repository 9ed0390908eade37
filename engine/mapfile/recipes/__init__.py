"""Recipes: how to prepare a map for the next pass. Each is one small module with data and a pure function.

A module of this folder that holds ``RECIPES`` is found by itself; nothing else has to be changed for a new one.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from engine.errors import UsageError
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import Outcome, Recipe, Value
from engine.text import safe_text


@cache
def all_recipes() -> tuple[Recipe, ...]:
    """Every recipe, in the order in which they are offered."""
    found: list[Recipe] = []
    for module in pkgutil.iter_modules(__path__):
        found.extend(getattr(import_module(f"{__name__}.{module.name}"), "RECIPES", ()))
    return tuple(sorted(found, key=lambda recipe: (recipe.order, recipe.name)))


def find_recipe(name: str) -> Recipe:
    """The recipe of this name. Raises ``UsageError``."""
    for recipe in all_recipes():
        if recipe.name == name:
            return recipe
    raise UsageError(
        f"there is no recipe {safe_text(name, 60)!r}", code="no-recipe",
        advice="use one of " + ", ".join(recipe.name for recipe in all_recipes()),
    )  # fmt: skip


def apply_recipe(name: str, map_: Mapfile, values: Mapping[str, Value | None] | None = None) -> Outcome:
    """Prepare a map by a recipe; values that are not given take their defaults.

    Raises ``UsageError`` for what the recipe cannot do, ``NotFoundError`` when the map has nothing for it to work on.
    """
    recipe = find_recipe(name)
    return recipe.prepare(map_, recipe.complete(values or {}))
