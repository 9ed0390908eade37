"""Recipes: their list, and a map prepared by one."""

from __future__ import annotations

import argparse
from typing import Any

from engine.errors import UsageError
from engine.mapedit.edits import ApplyRecipe
from engine.mapfile.recipes import all_recipes, find_recipe
from engine.mapfile.recipes.base import Recipe, Value
from engine.text import safe_text
from tui.commands.map.shared import carry_out, open_map, ranges_of
from tui.commands.output import Output


def _recipe(args: argparse.Namespace, out: Output) -> int:
    if args.list:
        _list_recipes(all_recipes(), out)
        return 0
    if args.recipe is None or args.map is None:
        raise UsageError("a recipe and a map are needed", advice="see rescuedeck map recipe --list")
    recipe = find_recipe(args.recipe)
    edit = ApplyRecipe(recipe.name, _values(recipe, args.values))
    more: dict[str, Any] = {"domain_written": None}
    if args.domain is not None:
        more["domain_written"] = _save_domain(args, edit)
    code = carry_out(args, out, edit, **more)
    if args.domain is not None:
        out.line(f"the areas are saved as a domain map: --domain-mapfile={safe_text(args.domain)}")
    return code


def _values(recipe: Recipe, given: list[str]) -> dict[str, Value | None]:
    kinds = {parameter.name: parameter for parameter in recipe.parameters}
    values: dict[str, Value | None] = {}
    for pair in given:
        key, found, text = pair.partition("=")
        if not found:
            raise UsageError(f"{safe_text(pair, 60)!r} is not KEY=VALUE")
        if key in kinds and kinds[key].kind == "ranges":
            values[key] = ranges_of(text)
        else:
            values[key] = kinds[key].parse(text) if key in kinds else text
    return values


def _save_domain(args: argparse.Namespace, edit: ApplyRecipe) -> str:
    from engine.mapedit.paint import paint
    from engine.mapfile.model import Mapfile
    from engine.mapfile.store import save_as

    map_ = open_map(args.map)
    domain = edit.apply(map_).domain
    if domain is None:
        raise UsageError("this recipe does not keep to areas: it needs no domain map")
    save_as(args.domain, paint(Mapfile.new(0, map_.end), domain, "+"), force=args.force)
    return str(args.domain)


def _list_recipes(recipes: tuple[Recipe, ...], out: Output) -> None:
    out.document({
        "recipes": [
            {
                "name": recipe.name, "title": recipe.title, "help": recipe.help,
                "parameters": [
                    {"name": p.name, "kind": p.kind, "help": p.help, "default": p.default, "required": p.required,
                     "choices": list(p.choices)}
                    for p in recipe.parameters
                ],
            }
            for recipe in recipes
        ]
    })  # fmt: skip
    for recipe in recipes:
        out.line(f"{recipe.name}: {recipe.title}")
        out.line(f"    {recipe.help}")
        for p in recipe.parameters:
            default = "needed" if p.required else "found in the map" if p.default is None else f"default {p.default}"
            out.line(f"    --with {p.name}=...  {p.help} ({default})")


VERBS = {"recipe": _recipe}
