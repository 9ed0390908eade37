"""What is to be written, shown before it is done: offset, old bytes, new bytes, reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import RefusedError
from engine.source import Source
from engine.source.base import ReadError

SECTOR = 512
"""The unit in which a crash may tear a write, and in which it is told apart what was written."""


@dataclass(frozen=True, slots=True)
class Write:
    """One run of bytes at ``offset``. ``old`` and ``new`` are equally long and not empty (``ValueError``)."""

    offset: int
    old: bytes
    new: bytes
    reason: str

    def __post_init__(self) -> None:
        if self.offset < 0 or not self.new or len(self.old) != len(self.new):
            raise ValueError("a write replaces bytes by as many bytes, at an offset that is not negative")

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + len(self.new)

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"offset": self.offset, "old_hex": self.old.hex(), "new_hex": self.new.hex(), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class WritePlan:
    """Writes in the order in which they are made, so that a whole copy of everything exists at any moment.

    ``size`` is that of the target in bytes: the plan fits no other. ``code`` names the repair; ``notes`` say what a
    person should know before agreeing. Writes do not overlap and lie inside the target (``ValueError``).
    """

    code: str
    title: str
    size: int
    writes: tuple[Write, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        position = 0
        for write in sorted(self.writes, key=lambda one: one.offset):
            if write.offset < position or write.end > self.size:
                raise ValueError("writes of a plan lie inside the target and do not overlap")
            position = write.end

    def shifted(self, distance: int, size: int) -> WritePlan:
        """The same plan for what lies below a window: every offset ``distance`` higher, on a target of ``size``."""
        writes = tuple(replace(write, offset=write.offset + distance) for write in self.writes)
        return replace(self, size=size, writes=writes)

    @property
    def total(self) -> int:
        """How many bytes are written."""
        return sum(len(write.new) for write in self.writes)

    @classmethod
    def from_json(cls, value: Mapping[str, Any], size: int) -> WritePlan:
        """What ``to_json`` gave, for a target of ``size``. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
        writes = tuple(
            Write(int(one["offset"]), bytes.fromhex(one["old_hex"]), bytes.fromhex(one["new_hex"]), str(one["reason"]))
            for one in value["writes"]
        )
        return cls(str(value["code"]), str(value["title"]), size, writes, tuple(str(note) for note in value["notes"]))

    def to_json(self) -> dict[str, Any]:
        """``{"writes": [...]}`` and the plan's words."""
        return {
            "code": self.code,
            "title": self.title,
            "notes": list(self.notes),
            "writes": [write.to_json() for write in self.writes],
        }


class Draft:
    """A plan in the making: present bytes are read from the source, and never guessed.

    Whole sectors around a change must have been read. What is in a hole of the source, or on a sector that the medium
    refuses, is not written to: the rest of the sector could not be kept, and nothing could be taken back.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._writes: list[Write] = []
        self._notes: list[str] = []

    def put(self, offset: int, new: bytes, reason: str) -> None:
        """Plan ``new`` at ``offset``. Sectors that hold it already are left out.

        Raises ``RefusedError`` (code ``unread``) over a hole, ``ValueError`` outside the source.
        """
        old = self.present(offset, len(new))
        for start, end in _changed(offset, old, new):
            self._writes.append(Write(offset + start, old[start:end], new[start:end], reason))

    def note(self, text: str) -> None:
        """Something to know before agreeing."""
        self._notes.append(text)

    def present(self, offset: int, size: int) -> bytes:
        """The bytes there now, from sectors that were read whole. Raises as ``put``."""
        unit = max(SECTOR, self._source.sector_size)
        self._source.check_inside(offset, size)
        low = offset - offset % unit
        high = min(self._source.size, -(-(offset + size) // unit) * unit)
        advice = "finish the rescue, or work on a copy of the image without its map"
        try:
            reading = self._source.read(low, high - low)
        except ReadError as error:
            raise RefusedError(
                "the sectors to be changed cannot be read", code="unread", path=self._source.path, offset=error.offset,
                advice="image the drive first and work on the image",
            ) from error  # fmt: skip
        if reading.holes:
            raise RefusedError(
                "the sectors to be changed were never read", code="unread", path=self._source.path,
                offset=reading.holes[0][0], advice=advice,
            )  # fmt: skip
        return reading.data[offset - low : offset - low + size]

    def plan(self, code: str, title: str) -> WritePlan:
        """The finished plan; without writes when everything is as it should be."""
        return WritePlan(code, title, self._source.size, tuple(self._writes), tuple(self._notes))


def _changed(offset: int, old: bytes, new: bytes) -> Iterable[tuple[int, int]]:
    """The parts of a write, cut at sectors of the target, that differ; neighbours joined."""
    runs: list[tuple[int, int]] = []
    position = 0
    while position < len(new):
        end = min(len(new), position + SECTOR - (offset + position) % SECTOR)
        if old[position:end] != new[position:end]:
            if runs and runs[-1][1] == position:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((position, end))
        position = end
    return runs
