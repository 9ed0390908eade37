"""Edits with something from elsewhere: another map, a change of types, a recipe, an older state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from engine.errors import UsageError
from engine.mapedit.editbase import (
    NAME_LIMIT,
    Made,
    pack_optional,
    two,
    unpack_optional,
    value_words,
    where_words,
    wrong,
)
from engine.mapedit.pack import is_position, pack_ranges, pack_runs, unpack_ranges, unpack_runs
from engine.mapedit.paint import paint, put_pieces
from engine.mapedit.words import spans
from engine.mapfile import algebra
from engine.mapfile.model import Mapfile, Runs
from engine.mapfile.recipes import apply_recipe, find_recipe
from engine.mapfile.recipes.base import Value
from engine.ranges import RangeSet
from engine.text import safe_text

OPERATIONS = ("and", "or", "xor", "minus")


@dataclass(frozen=True, slots=True)
class Combine:
    """Boolean algebra with another map, as ddrescuelog's -y, -z, -x; ``minus``: what the other has finished too becomes
    bad here. ``finished`` are the other's finished positions, ``start`` and ``end`` its extent.
    """

    operation: str
    name: str
    finished: RangeSet
    start: int
    end: int
    domain: RangeSet | None = None
    kind: ClassVar[str] = "combine"
    settles: ClassVar[bool] = True

    @classmethod
    def with_map(cls, operation: str, other: Mapfile, name: str = "", domain: RangeSet | None = None) -> Combine:
        """From the other map itself. Raises ``UsageError`` for an unknown operation."""
        if operation not in OPERATIONS:
            raise UsageError(f"{safe_text(operation, 20)!r} is no operation", advice=f"use {', '.join(OPERATIONS)}")
        return cls(operation, name[:NAME_LIMIT], other.ranges("+"), other.start, other.end, domain)

    def apply(self, map_: Mapfile) -> Made:
        """Block for block what ddrescuelog gives."""
        if self.operation == "minus":
            here = self.finished if self.domain is None else self.finished.intersect(self.domain)
            return Made(algebra.change_types(map_, "+", "-", here))
        other = paint(Mapfile.new(self.start, self.end), self.finished, "+")
        operation = {"and": algebra.and_maps, "or": algebra.or_maps, "xor": algebra.xor_maps}[self.operation]
        return Made(operation(map_, other, self.domain))

    def title(self) -> str:
        """In words."""
        return f"{self.operation} {safe_text(self.name, 60) or 'another map'}" + where_words(self.domain)

    def touched(self) -> RangeSet | None:
        """The whole map, or the domain."""
        return self.domain

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "kind": self.kind, "operation": self.operation, "name": self.name, "start": self.start, "end": self.end,
            "finished": pack_ranges(self.finished), "domain": pack_optional(self.domain),
        }  # fmt: skip

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Combine:
        operation, name = value.get("operation"), value.get("name")
        if operation not in OPERATIONS or not isinstance(name, str):
            raise wrong("the operation")
        start, end = two(value, empty=True)
        finished = unpack_ranges(value.get("finished"))
        if finished and not (start <= int(finished.starts[0]) and int(finished.ends[-1]) <= end):
            raise wrong("the other map")
        return cls(operation, name[:NAME_LIMIT], finished, start, end, unpack_optional(value.get("domain")))


@dataclass(frozen=True, slots=True)
class ChangeTypes:
    """Every block of status ``old[i]`` becomes ``new[i]`` (``ddrescuelog -a OLD,NEW``)."""

    old: str
    new: str
    domain: RangeSet | None = None
    kind: ClassVar[str] = "change-types"
    settles: ClassVar[bool] = True

    def apply(self, map_: Mapfile) -> Made:
        """Like ``tr``; the result is joined."""
        return Made(algebra.change_types(map_, self.old, self.new, self.domain))

    def title(self) -> str:
        """In words."""
        return f"change types {self.old},{self.new}" + where_words(self.domain)

    def touched(self) -> RangeSet | None:
        """The whole map, or the domain."""
        return self.domain

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "old": self.old, "new": self.new, "domain": pack_optional(self.domain)}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> ChangeTypes:
        old, new = value.get("old"), value.get("new")
        if not isinstance(old, str) or not isinstance(new, str) or not 0 < len(old) < 50 or not 0 < len(new) < 50:
            raise wrong("the types")
        return cls(old, new, unpack_optional(value.get("domain")))


@dataclass(frozen=True, slots=True)
class Invert:
    """Finished becomes bad, all else finished (``ddrescuelog -n``): to make a domain map, never to go on with."""

    domain: RangeSet | None = None
    kind: ClassVar[str] = "invert"
    settles: ClassVar[bool] = True

    def apply(self, map_: Mapfile) -> Made:
        """The inverted map."""
        return Made(algebra.invert(map_, self.domain),
                    ("What was not rescued is now called finished: use the result as a domain map only.",))  # fmt: skip

    def title(self) -> str:
        """In words."""
        return "invert" + where_words(self.domain)

    def touched(self) -> RangeSet | None:
        """The whole map, or the domain."""
        return self.domain

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "domain": pack_optional(self.domain)}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Invert:
        return cls(unpack_optional(value.get("domain")))


@dataclass(frozen=True, slots=True)
class ApplyRecipe:
    """Prepare the map for the next pass by a recipe and its values (see ``engine.mapfile.recipes``)."""

    name: str
    values: Mapping[str, Value | None] = field(default_factory=dict)
    kind: ClassVar[str] = "recipe"
    settles: ClassVar[bool] = False

    def apply(self, map_: Mapfile) -> Made:
        """The recipe's outcome."""
        outcome = apply_recipe(self.name, map_, self.values)
        return Made(outcome.map, outcome.explain, outcome.target, outcome.domain)

    def title(self) -> str:
        """In words."""
        given = [f"{name}={value_words(value)}" for name, value in self.values.items() if value is not None]
        return f"recipe {safe_text(self.name, 60)}" + (f" ({', '.join(given)})" if given else "")

    def touched(self) -> RangeSet | None:
        """The whole map."""
        return None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        values = {
            name: {"ranges": pack_ranges(value)} if isinstance(value, RangeSet) else value
            for name, value in self.values.items()
        }
        return {"kind": self.kind, "name": self.name, "values": values}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> ApplyRecipe:
        name, values = value.get("name"), value.get("values")
        if not isinstance(name, str) or not isinstance(values, dict):
            raise wrong("the recipe")
        read: dict[str, Value | None] = {}
        for key, item in values.items():
            if isinstance(item, dict):
                read[str(key)] = unpack_ranges(item.get("ranges"))
            elif item is None or (isinstance(item, (int, str)) and not isinstance(item, bool)):
                read[str(key)] = item
            else:
                raise wrong("the recipe's values")
        find_recipe(name)
        return cls(name, read)


@dataclass(frozen=True, slots=True)
class Restore:
    """Put back how things were elsewhere or before: pieces of another block list, and its status line unless None.

    ``source`` says where they come from (``generation 7``). ``extent``: the map's start and end then, for going back as
    a whole; None keeps this map's.
    """

    source: str
    pieces: tuple[Runs, ...]
    line: tuple[int, str, int] | None = None
    extent: tuple[int, int] | None = None
    kind: ClassVar[str] = "restore"

    @property
    def settles(self) -> bool:
        """Not when it brings its own status line."""
        return self.line is None

    @classmethod
    def from_map(cls, other: Mapfile, source: str, ranges: RangeSet | None = None) -> Restore:
        """From another state of the map: only ``ranges``, or all of it with its status line and extent."""
        if ranges is None:
            line = (other.position, other.phase, other.current_pass)
            return cls(source[:NAME_LIMIT], (other.runs(other.start, other.end),), line, (other.start, other.end))
        pieces = tuple(other.runs(start, end) for start, end in ranges.clip(other.start, other.end))
        return cls(source[:NAME_LIMIT], pieces)

    def apply(self, map_: Mapfile) -> Made:
        """The pieces in their places."""
        return Made(put_pieces(map_, self.pieces, self.line, self.extent))

    def title(self) -> str:
        """In words."""
        what = "all" if self.extent is not None else spans(self.touched() or RangeSet())
        return f"restore {what} from {safe_text(self.source, 60)}"

    def touched(self) -> RangeSet | None:
        """Where the pieces lie."""
        if self.extent is not None:
            return None
        return RangeSet((piece.start, piece.end) for piece in self.pieces)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "source": self.source, "pieces": [pack_runs(piece) for piece in self.pieces],
                "line": None if self.line is None else list(self.line),
                "extent": None if self.extent is None else list(self.extent)}  # fmt: skip

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Restore:
        source, pieces, line, extent = (value.get(key) for key in ("source", "pieces", "line", "extent"))
        if not isinstance(source, str) or not isinstance(pieces, list):
            raise wrong("what to restore")
        read_line = None
        if line is not None:
            if not (isinstance(line, list) and len(line) == 3 and is_position(line[0]) and isinstance(line[1], str)
                    and is_position(line[2])):  # fmt: skip
                raise wrong("the status line")
            read_line = (line[0], line[1], line[2])
        if extent is not None and not (isinstance(extent, list) and len(extent) == 2 and all(map(is_position, extent))):
            raise wrong("the extent")
        return cls(source[:NAME_LIMIT], tuple(unpack_runs(piece) for piece in pieces), read_line,
                   None if extent is None else (extent[0], extent[1]))  # fmt: skip
