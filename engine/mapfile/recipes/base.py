"""What a recipe is: data that a screen can show, and one pure function from map to map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.errors import NotFoundError, UsageError
from engine.mapfile.algebra import change_types
from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.text import format_exact, parse_range, parse_size, safe_text

Value = int | str | RangeSet
Kind = Literal["bytes", "count", "choice", "ranges"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something a recipe asks for. ``default`` None: the recipe finds it in the map, unless ``required``."""

    name: str
    kind: Kind
    help: str
    default: Value | None = None
    required: bool = False
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        """A value from text. Raises ``UsageError``."""
        if self.kind == "bytes":
            return parse_size(text)
        if self.kind == "ranges":
            return RangeSet(parse_range(part) for part in text.split(","))
        if self.kind == "choice":
            if text not in self.choices:
                raise UsageError(f"{self.name} is one of {', '.join(self.choices)}, not {safe_text(text, 40)!r}")
            return text
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise UsageError(f"{self.name} is a whole number, not {safe_text(text, 40)!r}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The prepared map, what was done in words (one sentence a line), and what the next run is meant to read.

    ``domain``: what the run has to be given as its domain (-i and -s, or a domain map), where the map alone cannot keep
    it away from the rest; None otherwise.
    """

    map: Mapfile
    explain: tuple[str, ...]
    target: RangeSet
    domain: RangeSet | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to prepare the next pass. ``function(map, values)`` is pure; ``values`` holds every parameter."""

    name: str
    title: str
    help: str
    function: Callable[[Mapfile, Mapping[str, Value | None]], Outcome]
    parameters: tuple[Parameter, ...] = ()
    order: int = 50

    def complete(self, values: Mapping[str, Value | None]) -> dict[str, Value | None]:
        """All parameters with their values or defaults. Raises ``UsageError``."""
        known = {parameter.name for parameter in self.parameters}
        for name in values:
            if name not in known:
                offer = ", ".join(sorted(known)) or "nothing"
                raise UsageError(f"the recipe {self.name} does not ask for {safe_text(name, 40)!r}",
                                 advice=f"it asks for {offer}")  # fmt: skip
        full: dict[str, Value | None] = {}
        for parameter in self.parameters:
            value = values.get(parameter.name)
            full[parameter.name] = parameter.default if value is None else value
            if full[parameter.name] is None and parameter.required:
                raise UsageError(f"the recipe {self.name} needs {parameter.name}: {parameter.help}")
        return full

    def prepare(self, map_: Mapfile, values: Mapping[str, Value | None]) -> Outcome:
        """Run it."""
        return self.function(map_, values)


def number(values: Mapping[str, Value | None], name: str, at_least: int = 0) -> int:
    """A numeric value. Raises ``UsageError`` when it is missing or too small."""
    value = values.get(name)
    if not isinstance(value, int) or value < at_least:
        raise UsageError(f"{name} must be a number of at least {at_least}")
    return value


def retry(map_: Mapfile, ranges: RangeSet | None, statuses: str = "*/-") -> tuple[Mapfile, RangeSet]:
    """Blocks of these statuses inside ``ranges`` (None: everywhere) back to non-tried; and the positions that hit."""
    hit = map_.ranges(statuses)
    if ranges is not None:
        hit = hit.intersect(ranges)
    return change_types(map_, statuses, "?", hit if ranges is not None else None), hit


def area_at(map_: Mapfile, position: int | None, statuses: str) -> tuple[int, int]:
    """The run of these statuses that holds ``position`` or is the first after it (None: the first of the map).

    Raises ``NotFoundError`` when there is none.
    """
    areas = map_.ranges(statuses)
    index = 0
    if position is not None:
        import numpy as np

        index = int(np.searchsorted(areas.ends, position, "right"))
    if index >= len(areas):
        where = "" if position is None else f" at or after {position}"
        raise NotFoundError(f"nothing of status {statuses} is left{where}", code="nothing-to-do")
    return int(areas.starts[index]), int(areas.ends[index])


def something(target: RangeSet) -> RangeSet:
    """The target itself. Raises ``NotFoundError`` when it is empty: a run with nothing to read is no next pass."""
    if not target:
        raise NotFoundError("the next run would have nothing to read", code="nothing-to-do")
    return target


def amount(ranges: RangeSet) -> str:
    """``1.5 MiB (1572864 B) in 3 areas``."""
    return f"{format_exact(ranges.total)} in {len(ranges)} area{'' if len(ranges) == 1 else 's'}"


FROM_START = "The status line becomes 0x0 ? 1: the next run begins at the start, in pass 1."
"""The sentence for ``resume.from_the_start``."""
