"""Edits of a map as frozen data: each can be written as JSON, read back, described, and applied by a pure function.

An edit carries everything it needs (another map's finished ranges, a piece of an older state), so that replaying it
does not depend on files that have changed since. What comes out is a map and remarks; the status line is settled by
``perform`` unless the edit is about the status line itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from engine.errors import DamagedError, UsageError
from engine.mapedit.pack import is_position, pack_ranges, pack_runs, unpack_ranges, unpack_runs
from engine.mapedit.paint import merge_in, paint, put_pieces, shifted, split
from engine.mapedit.words import exact, line_words, place, span, spans
from engine.mapfile import algebra
from engine.mapfile.model import Mapfile, Runs
from engine.mapfile.recipes import apply_recipe, find_recipe
from engine.mapfile.recipes.base import Value
from engine.mapfile.status import code_of
from engine.ranges import RangeSet
from engine.text import safe_text

_NAME_LIMIT = 200


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


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Give positions one status. Positions outside of the map are an error."""

    ranges: RangeSet
    status: str
    kind: ClassVar[str] = "set"
    settles: ClassVar[bool] = True

    def apply(self, map_: Mapfile) -> Made:
        """Paint it."""
        return Made(paint(map_, self.ranges, self.status))

    def title(self) -> str:
        """In words."""
        code_of(self.status)
        return f"set {spans(self.ranges)} to {self.status}"

    def touched(self) -> RangeSet | None:
        """The ranges."""
        return self.ranges

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "ranges": pack_ranges(self.ranges), "status": self.status}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> SetStatus:
        return cls(unpack_ranges(value.get("ranges")), _status(value.get("status")))


@dataclass(frozen=True, slots=True)
class SetLine:
    """Write the status line by hand; what is None stays."""

    position: int | None = None
    phase: str | None = None
    current_pass: int | None = None
    kind: ClassVar[str] = "header"
    settles: ClassVar[bool] = False

    def apply(self, map_: Mapfile) -> Made:
        """Another status line."""
        return Made(map_.with_status_line(self.position, self.phase, self.current_pass))

    def title(self) -> str:
        """In words."""
        if None not in (self.position, self.phase, self.current_pass):
            return f"status line {line_words(self.position or 0, self.phase or '?', self.current_pass or 1)}"
        parts = [f"position {place(self.position)}" if self.position is not None else "",
                 f"status {self.phase}" if self.phase is not None else "",
                 f"pass {self.current_pass}" if self.current_pass is not None else ""]  # fmt: skip
        return "status line: " + (", ".join(part for part in parts if part) or "nothing")

    def touched(self) -> RangeSet | None:
        """No positions."""
        return RangeSet()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "position": self.position, "phase": self.phase, "pass": self.current_pass}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> SetLine:
        position, phase, number = value.get("position"), value.get("phase"), value.get("pass")
        if position is not None and not is_position(position):
            raise _wrong("the position")
        if phase is not None and (not isinstance(phase, str) or len(phase) != 1):
            raise _wrong("the status")
        if number is not None and not is_position(number):
            raise _wrong("the pass")
        return cls(position, phase, number)


@dataclass(frozen=True, slots=True)
class SplitAt:
    """Cut the block that holds each position in two, both of its status. ddrescue joins them again when it saves."""

    positions: tuple[int, ...]
    kind: ClassVar[str] = "split"
    settles: ClassVar[bool] = False

    def apply(self, map_: Mapfile) -> Made:
        """The same statuses, more blocks."""
        return Made(split(map_, self.positions))

    def title(self) -> str:
        """In words."""
        more = f" and {len(self.positions) - 3} more places" if len(self.positions) > 3 else ""
        return "split at " + ", ".join(place(position) for position in self.positions[:3]) + more

    def touched(self) -> RangeSet | None:
        """No status changes."""
        return RangeSet()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "positions": list(self.positions)}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> SplitAt:
        positions = value.get("positions")
        if not isinstance(positions, list) or not all(is_position(number) for number in positions):
            raise _wrong("the positions")
        return cls(tuple(positions))


@dataclass(frozen=True, slots=True)
class MergeBlocks:
    """Join neighbours of one status, everywhere or inside ranges."""

    ranges: RangeSet | None = None
    kind: ClassVar[str] = "merge"
    settles: ClassVar[bool] = False

    def apply(self, map_: Mapfile) -> Made:
        """The same statuses, fewer blocks."""
        return Made(map_.merged() if self.ranges is None else merge_in(map_, self.ranges))

    def title(self) -> str:
        """In words."""
        return "join neighbours of one status" + _where(self.ranges)

    def touched(self) -> RangeSet | None:
        """No status changes."""
        return RangeSet()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "ranges": _optional(self.ranges)}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> MergeBlocks:
        return cls(_read_optional(value.get("ranges")))


@dataclass(frozen=True, slots=True)
class Shift:
    """Move every position by ``distance`` bytes. Up: a non-tried block fills from 0; down: below 0 is cut."""

    distance: int
    kind: ClassVar[str] = "shift"
    settles: ClassVar[bool] = True

    def apply(self, map_: Mapfile) -> Made:
        """The shifted map; the status line's position moves along."""
        return Made(*shifted(map_, self.distance))

    def title(self) -> str:
        """In words."""
        return f"shift {'up' if self.distance >= 0 else 'down'} by {exact(abs(self.distance))}"

    def touched(self) -> RangeSet | None:
        """The whole map."""
        return None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "distance": self.distance}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Shift:
        distance = value.get("distance")
        if not isinstance(distance, int) or isinstance(distance, bool) or not is_position(abs(distance)):
            raise _wrong("the distance")
        return cls(distance)


@dataclass(frozen=True, slots=True)
class Clip:
    """Keep only ``[start, end)``: to the source's size, to a partition, to the span of a domain."""

    start: int
    end: int
    kind: ClassVar[str] = "clip"
    settles: ClassVar[bool] = True

    def apply(self, map_: Mapfile) -> Made:
        """The rest is gone from the map."""
        made = map_.clipped(self.start, self.end)
        if not len(made):
            raise UsageError(f"the map ({span(map_.start, map_.end)}) has nothing in {span(self.start, self.end)}",
                             code="outside-map")  # fmt: skip
        if self.start > 0:
            return Made(made, ("The map now begins above 0: ddrescue puts a non-tried block before it when it runs.",))
        return Made(made)

    def title(self) -> str:
        """In words."""
        return f"clip to {span(self.start, self.end)}"

    def touched(self) -> RangeSet | None:
        """The whole map."""
        return None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "start": self.start, "end": self.end}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Clip:
        return cls(*_two(value))


@dataclass(frozen=True, slots=True)
class Extend:
    """Grow the map to cover ``[start, end)``; new ground gets ``status``."""

    start: int
    end: int
    status: str = "?"
    kind: ClassVar[str] = "extend"
    settles: ClassVar[bool] = True

    def apply(self, map_: Mapfile) -> Made:
        """A longer map."""
        return Made(map_.extended(self.start, self.end, self.status))

    def title(self) -> str:
        """In words."""
        return f"extend to {span(self.start, self.end)} with {self.status}"

    def touched(self) -> RangeSet | None:
        """Only ground that the map did not cover."""
        return RangeSet()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "start": self.start, "end": self.end, "status": self.status}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Extend:
        return cls(*_two(value), _status(value.get("status")))


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
        return cls(operation, name[:_NAME_LIMIT], other.ranges("+"), other.start, other.end, domain)

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
        return f"{self.operation} {safe_text(self.name, 60) or 'another map'}" + _where(self.domain)

    def touched(self) -> RangeSet | None:
        """The whole map, or the domain."""
        return self.domain

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "operation": self.operation, "name": self.name, "start": self.start,
                "end": self.end, "finished": pack_ranges(self.finished), "domain": _optional(self.domain)}  # fmt: skip

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Combine:
        operation, name = value.get("operation"), value.get("name")
        if operation not in OPERATIONS or not isinstance(name, str):
            raise _wrong("the operation")
        start, end = _two(value, empty=True)
        finished = unpack_ranges(value.get("finished"))
        if finished and not (start <= int(finished.starts[0]) and int(finished.ends[-1]) <= end):
            raise _wrong("the other map")
        return cls(operation, name[:_NAME_LIMIT], finished, start, end, _read_optional(value.get("domain")))


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
        return f"change types {self.old},{self.new}" + _where(self.domain)

    def touched(self) -> RangeSet | None:
        """The whole map, or the domain."""
        return self.domain

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "old": self.old, "new": self.new, "domain": _optional(self.domain)}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> ChangeTypes:
        old, new = value.get("old"), value.get("new")
        if not isinstance(old, str) or not isinstance(new, str) or not 0 < len(old) < 50 or not 0 < len(new) < 50:
            raise _wrong("the types")
        return cls(old, new, _read_optional(value.get("domain")))


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
        return "invert" + _where(self.domain)

    def touched(self) -> RangeSet | None:
        """The whole map, or the domain."""
        return self.domain

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "domain": _optional(self.domain)}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Invert:
        return cls(_read_optional(value.get("domain")))


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
        given = [f"{name}={_value_words(value)}" for name, value in self.values.items() if value is not None]
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
            raise _wrong("the recipe")
        read: dict[str, Value | None] = {}
        for key, item in values.items():
            if isinstance(item, dict):
                read[str(key)] = unpack_ranges(item.get("ranges"))
            elif item is None or (isinstance(item, (int, str)) and not isinstance(item, bool)):
                read[str(key)] = item
            else:
                raise _wrong("the recipe's values")
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
            return cls(source[:_NAME_LIMIT], (other.runs(other.start, other.end),), line, (other.start, other.end))
        pieces = tuple(other.runs(start, end) for start, end in ranges.clip(other.start, other.end))
        return cls(source[:_NAME_LIMIT], pieces)

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
            raise _wrong("what to restore")
        read_line = None
        if line is not None:
            if not (isinstance(line, list) and len(line) == 3 and is_position(line[0]) and isinstance(line[1], str)
                    and is_position(line[2])):  # fmt: skip
                raise _wrong("the status line")
            read_line = (line[0], line[1], line[2])
        if extent is not None and not (isinstance(extent, list) and len(extent) == 2 and all(map(is_position, extent))):
            raise _wrong("the extent")
        return cls(source[:_NAME_LIMIT], tuple(unpack_runs(piece) for piece in pieces), read_line,
                   None if extent is None else (extent[0], extent[1]))  # fmt: skip


KINDS: Mapping[str, Any] = {
    edit.kind: edit
    for edit in (SetStatus, SetLine, SplitAt, MergeBlocks, Shift, Clip, Extend, Combine, ChangeTypes, Invert,
                 ApplyRecipe, Restore)
}  # fmt: skip
"""Every kind of edit by its name in JSON."""


def edit_from_json(value: Any) -> Edit:
    """An edit from ``to_json``. Raises ``DamagedError`` (``bad-edit``), or ``UsageError`` for an unknown recipe."""
    if not isinstance(value, Mapping) or value.get("kind") not in KINDS:
        raise _wrong("unknown kind")
    made: Edit = KINDS[value["kind"]]._read(value)
    return made


def _wrong(what: str) -> DamagedError:
    return DamagedError(f"this is no edit: {what}", code="bad-edit")


def _status(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1:
        raise _wrong("the status")
    code_of(value)
    return value


def _two(value: Mapping[str, Any], *, empty: bool = False) -> tuple[int, int]:
    start, end = value.get("start"), value.get("end")
    if start is None or end is None or not is_position(start) or not is_position(end):
        raise _wrong("the range")
    if start > end or (start == end and not empty):
        raise _wrong("the range")
    return int(start), int(end)


def _optional(ranges: RangeSet | None) -> Any:
    return None if ranges is None else pack_ranges(ranges)


def _read_optional(value: Any) -> RangeSet | None:
    return None if value is None else unpack_ranges(value)


def _where(ranges: RangeSet | None) -> str:
    return "" if ranges is None else f" in {spans(ranges)}"


def _value_words(value: Value) -> str:
    if isinstance(value, RangeSet):
        return spans(value)
    return safe_text(str(value), 40)

