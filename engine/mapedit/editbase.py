"""What an edit is, and what all kinds of edits read and write themselves with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from engine.errors import DamagedError
from engine.mapedit.pack import is_position, pack_ranges, unpack_ranges
from engine.mapedit.words import spans
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes.base import Value
from engine.mapfile.status import code_of
from engine.ranges import RangeSet
from engine.text import safe_text

NAME_LIMIT = 200
"""Names of other maps and sources are cut to this."""


@dataclass(frozen=True, slots=True)
class Made:
    """What an edit makes of a map. ``notes``: sentences for people; ``target``, ``domain`` as in a recipe's outcome."""

    map: Mapfile
    notes: tuple[str, ...] = ()
    target: RangeSet | None = None
    domain: RangeSet | None = None


class Edit(Protocol):
    """One edit."""

    kind: ClassVar[str]

    @property
    def settles(self) -> bool:
        """Whether ``perform`` sees to it that the next run reads what the edit made non-tried."""

    def apply(self, map_: Mapfile) -> Made:
        """The edited map. Pure; raises ``UsageError`` or ``NotFoundError`` where it makes no sense."""

    def title(self) -> str:
        """What it does, for the history: ``set 1.5 GiB-2 GiB to ?``."""

    def touched(self) -> RangeSet | None:
        """The positions it is about, for "was ..." in the history; None when it is about the whole map."""

    def to_json(self) -> dict[str, Any]:
        """As JSON values; ``edit_from_json`` reads them."""


def wrong(what: str) -> DamagedError:
    """The error for JSON that is no edit."""
    return DamagedError(f"this is no edit: {what}", code="bad-edit")


def status_of(value: Any) -> str:
    """A block status from JSON."""
    if not isinstance(value, str) or len(value) != 1:
        raise wrong("the status")
    code_of(value)
    return value


def two(value: Mapping[str, Any], *, empty: bool = False) -> tuple[int, int]:
    """Start and end from JSON."""
    start, end = value.get("start"), value.get("end")
    if start is None or end is None or not is_position(start) or not is_position(end):
        raise wrong("the range")
    if start > end or (start == end and not empty):
        raise wrong("the range")
    return int(start), int(end)


def pack_optional(ranges: RangeSet | None) -> Any:
    """Ranges for JSON; None stays None."""
    return None if ranges is None else pack_ranges(ranges)


def unpack_optional(value: Any) -> RangeSet | None:
    """Ranges from JSON; None stays None."""
    return None if value is None else unpack_ranges(value)


def where_words(ranges: RangeSet | None) -> str:
    """`` in RANGES``, or nothing."""
    return "" if ranges is None else f" in {spans(ranges)}"


def value_words(value: Value) -> str:
    """A recipe's value, short."""
    if isinstance(value, RangeSet):
        return spans(value)
    return safe_text(str(value), 40)
