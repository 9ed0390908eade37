"""Edits of a map by itself: statuses of ranges, the status line, splits and joins, its extent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.errors import UsageError
from engine.mapedit.editbase import Made, pack_optional, status_of, two, unpack_optional, where_words, wrong
from engine.mapedit.pack import is_position, pack_ranges, unpack_ranges
from engine.mapedit.paint import merge_in, paint, shifted, split
from engine.mapedit.words import exact, line_words, place, span, spans
from engine.mapfile.model import Mapfile
from engine.mapfile.status import code_of
from engine.ranges import RangeSet


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
        return cls(unpack_ranges(value.get("ranges")), status_of(value.get("status")))


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
            raise wrong("the position")
        if phase is not None and (not isinstance(phase, str) or len(phase) != 1):
            raise wrong("the status")
        if number is not None and not is_position(number):
            raise wrong("the pass")
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
            raise wrong("the positions")
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
        return "join neighbours of one status" + where_words(self.ranges)

    def touched(self) -> RangeSet | None:
        """No status changes."""
        return RangeSet()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": self.kind, "ranges": pack_optional(self.ranges)}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> MergeBlocks:
        return cls(unpack_optional(value.get("ranges")))


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
            raise wrong("the distance")
        return cls(distance)


@dataclass(frozen=True, slots=True)
class Clip:
    """Keep only ``[start, end)``: to the source's size, to a partition. With a ``domain`` only what lies in it: the map
    then reaches from its first to its last byte, and what lies between its ranges gets ``status``.
    """

    start: int
    end: int
    domain: RangeSet | None = None
    status: str = "?"
    kind: ClassVar[str] = "clip"
    settles: ClassVar[bool] = True

    @classmethod
    def to_domain(cls, domain: RangeSet, status: str = "?") -> Clip:
        """Raises ``UsageError`` for an empty domain."""
        if not domain:
            raise UsageError("there is nothing in that domain", code="empty-domain")
        return cls(int(domain.starts[0]), int(domain.ends[-1]), domain, status)

    def apply(self, map_: Mapfile) -> Made:
        """The rest is gone from the map."""
        made = map_.clipped(self.start, self.end)
        if not len(made):
            raise UsageError(f"the map ({span(map_.start, map_.end)}) has nothing in {span(self.start, self.end)}",
                             code="outside-map")  # fmt: skip
        notes: list[str] = []
        if self.domain is not None:
            between = self.domain.complement(made.start, made.end)
            made = paint(made, between, self.status) if between else made
            notes.append(f"{exact(between.total)} between the domain's ranges are called {self.status} now: a map has "
                         "no gaps.")  # fmt: skip
        if self.start > 0:
            notes.append("The map now begins above 0: ddrescue puts a non-tried block before it when it runs.")
        return Made(made, tuple(notes))

    def title(self) -> str:
        """In words."""
        if self.domain is not None:
            return f"clip to the domain {spans(self.domain)}, {self.status} between"
        return f"clip to {span(self.start, self.end)}"

    def touched(self) -> RangeSet | None:
        """The whole map."""
        return None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        more = {} if self.domain is None else {"domain": pack_ranges(self.domain), "status": self.status}
        return {"kind": self.kind, "start": self.start, "end": self.end, **more}

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Clip:
        if value.get("domain") is None:
            return cls(*two(value))
        domain = unpack_ranges(value.get("domain"))
        if not domain:
            raise wrong("the domain")
        return cls.to_domain(domain, status_of(value.get("status")))


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
        return cls(*two(value), status_of(value.get("status")))
