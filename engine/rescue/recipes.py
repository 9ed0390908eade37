"""Named recipes: what people do with ddrescue, as data, each with a sentence on what it does to the drive.

A pass says what is read next and in which manner; a modifier says how, and can be laid over any pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from engine.errors import UsageError
from engine.rescue.options import RescueOptions, Value
from engine.text import safe_text


class RecipeKind(StrEnum):
    """Whether a recipe chooses what is read, or how."""

    PASS = "pass"
    MODIFIER = "modifier"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe. ``changes`` are option values laid over the base options; ``statuses`` the blocks a pass works on."""

    name: str
    title: str
    explain: str
    changes: Mapping[str, Value]
    kind: RecipeKind = RecipeKind.PASS
    statuses: str = ""
    asks: tuple[str, ...] = ()


def _recipe(
    name: str, title: str, explain: str, statuses: str = "", asks: tuple[str, ...] = (), **changes: Value
) -> Recipe:
    kind = RecipeKind.PASS if statuses else RecipeKind.MODIFIER
    return Recipe(name, title, explain, MappingProxyType(changes), kind, statuses, asks)


_ALL = (
    _recipe(
        "copy", "fast copy",
        "Reads everything not yet tried in large pieces and jumps away from errors; neither trims nor scrapes, so that "
        "the drive spends its time where it still reads well. Comes first.",
        "?", no_trim=True, no_scrape=True, no_sweep=True,
    ),
    _recipe(
        "sweep", "copy what was skipped",
        "Reads the areas that were jumped over, in large pieces and without jumping. Visits bad neighbourhoods once.",
        "?", no_trim=True, no_scrape=True, skip_size=0,
    ),
    _recipe(
        "reverse", "fast copy backwards",
        "The fast copy from the end towards the beginning: bad areas are met from their other side, and a drive that "
        "reads ahead does so in the direction already done.",
        "?", no_trim=True, no_scrape=True, no_sweep=True, reverse=True,
    ),
    _recipe(
        "trim", "trim",
        "Reads each failed piece sector by sector from both edges up to the first bad sector. Two touches of bad "
        "sectors for each failed piece.",
        "?*", no_scrape=True,
    ),
    _recipe(
        "scrape", "scrape",
        "Reads the inside of the failed areas sector by sector. Slow, and hard on the drive: every bad sector is "
        "touched once.",
        "?*/",
    ),
    _recipe(
        "retry", "retry bad sectors",
        "Reads every bad sector once more, against the direction of the run before. Drives often give a sector at the "
        "third or tenth attempt.",
        "?*/-", retry_passes=1,
    ),
    _recipe(
        "retry-reverse", "retry bad sectors backwards",
        "Reads every bad sector once more from the end towards the beginning, so that the head comes from the other "
        "side.",
        "?*/-", retry_passes=1, reverse=True,
    ),
    _recipe(
        "retrim", "retry as failed pieces",
        "Takes all failed areas for untrimmed ones and goes over them again: bad sectors are tried in another order.",
        "?*/-", retrim=True,
    ),
    _recipe(
        "try-again", "start over on what failed",
        "Takes all failed areas for untried ones and reads them in large pieces again: right after the drive was "
        "gone, cooled or repaired.",
        "?*/-", try_again=True, retrim=True, no_trim=True, no_scrape=True,
    ),
    _recipe(
        "careful", "one careful pass for a drive that drops off",
        "One straight pass past the kernel's cache, without jumping, trimming or scraping; ends as soon as the drive "
        "stops answering, before anything behind the bad place is marked.",
        "?", idirect=True, check_on_error=True, no_trim=True, no_scrape=True, no_sweep=True, skip_size=0, cpass="1",
        map_save_interval=1, map_sync_interval=5,
    ),
    _recipe(
        "first-error", "stop at the first error",
        "One straight pass past the cache that ends at the first read error: for drives that every bad place kills.",
        "?", idirect=True, max_read_errors=0, no_trim=True, no_scrape=True, no_sweep=True, skip_size=0, cpass="1",
        map_save_interval=1, map_sync_interval=5,
    ),
    _recipe(
        "plain", "all phases",
        "What ddrescue does by itself: copy, trim and scrape in one run.",
        "?*/",
    ),
    _recipe("direct", "direct reading", "Reads past the kernel's cache: no read-ahead into bad places, single bad "
            "sectors instead of whole pages.", idirect=True),
    _recipe("buffered", "buffered reading", "Reads through the kernel's cache: for files and network sources that "
            "cannot be read directly.", idirect=False),
    _recipe("range", "a range", "Reads only this part of the drive.", asks=("input_position", "size")),
    _recipe("domain", "chosen areas", "Reads only what a second map marks as wanted (finished): partitions, used "
            "blocks, or all but a place that kills the drive.", asks=("domain_mapfile",)),
    _recipe("small", "small reads", "Reads 4 KiB at a time: loses less around an error, slower on the rest.",
            cluster_size=8),
    _recipe("gentle", "gently", "Reads no faster than a limit and rests after errors: for drives that heat up.",
            asks=("max_read_rate",), pause_on_error=1),
    _recipe("slow", "jump over slow areas", "Leaves areas that are much slower than the rest for later, also before an "
            "error is met.", min_read_rate=0),
    _recipe("sparse", "sparse image", "Leaves out blocks of zeros: the image takes less space. Only over a new image.",
            sparse=True),
    _recipe("preallocate", "reserve the space", "Takes the image's whole space at the start, so that it cannot run "
            "out.", preallocate=True),
    _recipe("timeout", "give up in time", "Ends the pass when nothing could be read for a while; cannot end a read "
            "that hangs.", asks=("timeout",)),
    _recipe("reopen", "reopen after errors", "Opens the drive again after each error: ends the run when it is gone, "
            "and helps drives that stay slow after an error.", reopen_on_error=True),
)  # fmt: skip

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _ALL})
"""All recipes by name: passes first, then modifiers."""

STANDARD = ("copy", "sweep", "trim", "scrape", "retry-reverse", "retry")
"""The order in which the standard strategy uses the passes: the most data for the least harm first."""


def find_recipe(name: str) -> Recipe:
    """A recipe by name. Raises ``UsageError``."""
    if name not in RECIPES:
        shown, advice = safe_text(name, 40), "rescue run --list-recipes shows all"
        raise UsageError(f"there is no recipe {shown!r}", code="no-recipe", advice=advice)
    return RECIPES[name]


def apply(recipe: Recipe, base: RescueOptions) -> RescueOptions:
    """The base options with a recipe laid over them."""
    return base.with_values(**recipe.changes)
