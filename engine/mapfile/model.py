"""The mapfile as a value: an immutable block list on arrays, the status line, and the text it came from.

A map of n blocks holds ``bounds`` (int64, n + 1 positions in bytes, block i is ``[bounds[i], bounds[i+1])``) and
``codes`` (uint8, n, see ``status``). Every change returns a new map; a range edit costs one copy of the arrays
(milliseconds at a million blocks) and carries the totals along. To undo an edit keep the ``Runs`` that it replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.mapfile.status import CHARS, MAX_POSITION, NAMES, PHASES, code_of, flags_of, is_phase
from engine.ranges import RangeSet

Int64s = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]


class Block(NamedTuple):
    """One line of the block list, in bytes."""

    start: int
    size: int
    status: str

    @property
    def end(self) -> int:
        return self.start + self.size


class Comment(NamedTuple):
    """A comment line (from its ``#`` on) and the index of the block it stands before; -1: before the status line."""

    before: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Totals:
    """Bytes and areas per status code. An area is a run of blocks of one status, neighbours joined."""

    bytes: tuple[int, int, int, int, int]
    areas: tuple[int, int, int, int, int]

    @property
    def finished(self) -> int:
        """Rescued bytes."""
        return self.bytes[0]

    @property
    def unfinished(self) -> int:
        """Bytes of every other status."""
        return sum(self.bytes[1:])

    def as_dict(self) -> dict[str, dict[str, int]]:
        """``{"bytes": {name: n}, "areas": {name: n}}``."""
        return {
            "bytes": dict(zip(NAMES, self.bytes, strict=True)),
            "areas": dict(zip(NAMES, self.areas, strict=True)),
        }


def _frozen(array: npt.NDArray[np.generic]) -> None:
    array.setflags(write=False)


def measure(bounds: Int64s, codes: Codes) -> Totals:
    """Bytes and (merged) areas per status of a block list."""
    sizes = np.diff(bounds)
    solid = sizes > 0
    if not solid.all():
        sizes, codes = sizes[solid], codes[solid]
    first = np.ones(codes.size, bool)
    np.not_equal(codes[1:], codes[:-1], out=first[1:])
    begins = codes[first]
    counts = np.bincount(begins, minlength=5)
    amounts = [int(np.sum(sizes, where=codes == code)) for code in range(5)]
    return Totals(tuple(amounts), tuple(int(n) for n in counts[:5]))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """A contiguous piece of a block list: what an edit puts in, or what it replaced (the inverse, kept for undo)."""

    bounds: Int64s
    codes: Codes

    def __post_init__(self) -> None:
        _frozen(self.bounds)
        _frozen(self.codes)

    @property
    def start(self) -> int:
        return int(self.bounds[0])

    @property
    def end(self) -> int:
        return int(self.bounds[-1])

    def __len__(self) -> int:
        return int(self.codes.size)

    def __iter__(self) -> Iterator[Block]:
        return _iterate(self.bounds, self.codes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Runs):
            return NotImplemented
        return np.array_equal(self.bounds, other.bounds) and np.array_equal(self.codes, other.codes)

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, start: int, end: int, status: str) -> Runs:
        """One block."""
        return cls(np.array([start, end], np.int64), np.array([code_of(status)], np.uint8))


def _iterate(bounds: Int64s, codes: Codes) -> Iterator[Block]:
    for at in range(0, codes.size, 4096):
        edges = bounds[at : at + 4097].tolist()
        for i, code in enumerate(codes[at : at + 4096].tolist()):
            yield Block(edges[i], edges[i + 1] - edges[i], CHARS[code])


@dataclass(frozen=True, slots=True, eq=False)
class Mapfile:
    """An immutable map. ``position`` in bytes; ``phase`` the status line's character; ``current_pass`` from 1 on.

    ``raw`` is the text that this map was read from, while nothing has been changed: it is written back as it is.
    """

    bounds: Int64s
    codes: Codes
    position: int = 0
    phase: str = "?"
    current_pass: int = 1
    comments: tuple[Comment, ...] = ()
    raw: bytes | None = field(default=None, repr=False)
    _totals: list[Totals] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if self.bounds.dtype != np.int64 or self.codes.dtype != np.uint8 or self.bounds.size != self.codes.size + 1:
            raise ValueError("bounds must be int64 of n + 1, codes uint8 of n")
        _frozen(self.bounds)
        _frozen(self.codes)

    # -- making ---------------------------------------------------------------------------------------------------

    @classmethod
    def new(cls, start: int, end: int, status: str = "?") -> Mapfile:
        """A map of one block; an empty one when ``end == start``."""
        if not 0 <= start <= end <= MAX_POSITION:
            raise UsageError(f"{start}-{end} is no range of positions", code="bad-range")
        if start == end:
            return cls(np.array([start], np.int64), np.zeros(0, np.uint8))
        return cls(np.array([start, end], np.int64), np.array([code_of(status)], np.uint8))

    @classmethod
    def from_blocks(cls, blocks: Iterable[tuple[int, int, str]]) -> Mapfile:
        """From contiguous (start, size, status) in order. Raises ``UsageError``."""
        bounds: list[int] = []
        codes: list[int] = []
        for start, size, status in blocks:
            if size <= 0 or start < 0 or start + size > MAX_POSITION or (bounds and start != bounds[-1]):
                raise UsageError(f"block {start}+{size} is empty or not contiguous", code="bad-range")
            if not bounds:
                bounds.append(start)
            bounds.append(start + size)
            codes.append(code_of(status))
        return cls(np.array(bounds or [0], np.int64), np.array(codes, np.uint8))

    # -- looking --------------------------------------------------------------------------------------------------

    @property
    def start(self) -> int:
        """Where the first block begins; 0 for an empty map."""
        return int(self.bounds[0])

    @property
    def end(self) -> int:
        """Where the last block ends: the source's size, or 2^63-1 when nobody knew it."""
        return int(self.bounds[-1])

    @property
    def open_ended(self) -> bool:
        """Whether the map reaches 2^63-1, that is, does not know the source's size."""
        return self.end == MAX_POSITION

    @property
    def phase_name(self) -> str:
        """``copying``, ``trimming``, ...; ``unknown`` for a character of a newer ddrescue."""
        return PHASES.get(self.phase, "unknown")

    def __len__(self) -> int:
        """Blocks as listed, neighbours of one status not joined."""
        return int(self.codes.size)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Block]:
        return _iterate(self.bounds, self.codes)

    def block(self, index: int) -> Block:
        """The block with this index (from 0)."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        start = int(self.bounds[index])
        return Block(start, int(self.bounds[index + 1]) - start, CHARS[self.codes[index]])

    def index_at(self, position: int) -> int | None:
        """The index of the block that holds a position, or None outside of the map."""
        if not self.start <= position < self.end:
            return None
        return int(np.searchsorted(self.bounds, position, "right")) - 1

    def status_at(self, position: int) -> str | None:
        """The status character at a position, or None outside of the map."""
        index = self.index_at(position)
        return None if index is None else CHARS[self.codes[index]]

    def totals(self) -> Totals:
        """Bytes and areas per status; counted once, then carried along by range edits."""
        if not self._totals:
            self._totals.append(measure(self.bounds, self.codes))
        return self._totals[0]

    def ranges(self, statuses: str, start: int = 0, end: int = MAX_POSITION) -> RangeSet:
        """The positions of any of these statuses inside ``[start, end)``, neighbours joined."""
        piece = self.runs(start, end)
        chosen = (np.left_shift(np.uint8(1), piece.codes) & np.uint8(flags_of(statuses))) != 0
        changes = np.flatnonzero(np.diff(chosen, prepend=False, append=False))
        edges = piece.bounds[changes]
        if bool((edges[1:] > edges[:-1]).all()):  # sorted, apart: nothing to sort and join (a million blocks, each key)
            return RangeSet.sorted_apart(edges[0::2], edges[1::2])
        return RangeSet.from_arrays(edges[0::2], edges[1::2])

    def holes(self, start: int, end: int) -> RangeSet:
        """What of ``[start, end)`` was never read: everything not finished, and what lies outside of the map."""
        return self.ranges("+", start, end).complement(start, end)

    def runs(self, start: int, end: int) -> Runs:
        """The blocks inside ``[start, end)``, cropped to it (and to the map)."""
        start, end = max(start, self.start), min(end, self.end)
        if start >= end:
            return Runs(np.array([min(start, self.end)], np.int64), np.zeros(0, np.uint8))
        low = int(np.searchsorted(self.bounds, start, "right")) - 1
        high = int(np.searchsorted(self.bounds, end, "left"))
        bounds = self.bounds[low : high + 1].copy()
        bounds[0], bounds[-1] = start, end
        return Runs(bounds, self.codes[low:high].copy())

    def runs_around(self, start: int, end: int) -> Runs:
        """Whole blocks that touch ``[start, end]``, one neighbour on each side included.

        Taken before ``set_range(start, end, ...)`` this is its exact inverse: ``edited.put(runs, merge=False)``.
        """
        if not len(self):
            return self.runs(start, end)
        low = max(0, int(np.searchsorted(self.bounds, start, "left")) - 1)
        high = min(len(self), int(np.searchsorted(self.bounds, end, "right")))
        return Runs(self.bounds[low : high + 1].copy(), self.codes[low:high].copy())

    def __eq__(self, other: object) -> bool:
        """Same status line and same block list (not joined); comments and text do not count."""
        if not isinstance(other, Mapfile):
            return NotImplemented
        return (
            (self.position, self.phase, self.current_pass) == (other.position, other.phase, other.current_pass)
            and np.array_equal(self.bounds, other.bounds)
            and np.array_equal(self.codes, other.codes)
        )

    __hash__ = None  # type: ignore[assignment]

    def same_blocks(self, other: Mapfile) -> bool:
        """Whether every byte has the same status in both maps (status lines and splits do not count)."""
        one, two = self.merged(), other.merged()
        return np.array_equal(one.bounds, two.bounds) and np.array_equal(one.codes, two.codes)

    # -- changing -------------------------------------------------------------------------------------------------

    def with_blocks(self, bounds: Int64s, codes: Codes, totals: Totals | None = None) -> Mapfile:
        """This map's status line and comments over other blocks."""
        return replace(self, bounds=bounds, codes=codes, comments=self._moved_comments(bounds), raw=None,
                       _totals=[totals] if totals else [])  # fmt: skip

    def _moved_comments(self, bounds: Int64s) -> tuple[Comment, ...]:
        """Comments inside the list stay before the block that begins where theirs did, or the next one."""
        if all(comment.before <= 0 for comment in self.comments):
            return self.comments
        moved = []
        for before, text in self.comments:
            if before > 0:
                before = max(1, int(np.searchsorted(bounds[:-1], self.bounds[before], "left")))
            moved.append(Comment(before, text))
        return tuple(moved)

    def with_status_line(
        self, position: int | None = None, phase: str | None = None, current_pass: int | None = None
    ) -> Mapfile:
        """Another status line; what is None stays. Raises ``UsageError``."""
        position = self.position if position is None else position
        phase = self.phase if phase is None else phase
        current_pass = self.current_pass if current_pass is None else current_pass
        if not 0 <= position <= MAX_POSITION or not 1 <= current_pass < 1 << 31 or not is_phase(phase):
            raise UsageError(f"{position} {phase!r} {current_pass} is no status line", code="bad-status-line")
        if (position, phase, current_pass) == (self.position, self.phase, self.current_pass):
            return self
        return replace(self, position=position, phase=phase, current_pass=current_pass, raw=None)

    def merged(self) -> Mapfile:
        """Neighbours of one status joined and empty blocks dropped; itself when there are none."""
        codes, bounds = self.codes, self.bounds
        keep = np.ones(codes.size, bool)
        np.not_equal(codes[1:], codes[:-1], out=keep[1:])
        if keep.all() and bool((bounds[1:] > bounds[:-1]).all()):
            return self
        solid = bounds[1:] > bounds[:-1]
        if not solid.all():
            codes, bounds = codes[solid], np.concatenate((bounds[:-1][solid], bounds[-1:]))
            keep = np.ones(codes.size, bool)
            np.not_equal(codes[1:], codes[:-1], out=keep[1:])
        return self.with_blocks(
            np.concatenate((bounds[:-1][keep], bounds[-1:])), codes[keep], self._totals[0] if self._totals else None
        )

    def set_range(self, start: int, end: int, status: str) -> Mapfile:
        """Give ``[start, end)`` one status and join it with equal neighbours. Raises ``UsageError`` outside."""
        return self.put(Runs.of(start, end, status))

    def put(self, runs: Runs, *, merge: bool = True) -> Mapfile:
        """Replace what lies in ``[runs.start, runs.end)`` by these runs. Raises ``UsageError`` outside of the map.

        ``merge`` joins neighbours of one status at the two seams (and inside the runs); without it the block list
        is spliced exactly, which undoes an edit to the letter.
        """
        start, end = runs.start, runs.end
        if start < self.start or end > self.end or end < start:
            raise UsageError(
                f"the range {start}-{end} is not inside the map ({self.start}-{self.end})",
                code="outside-map",
                advice="a range must lie inside the map; extend the map first",
            )
        if start == end:
            return self
        low = int(np.searchsorted(self.bounds, start, "right")) - 1
        high = int(np.searchsorted(self.bounds, end, "left"))
        # one neighbour on each side takes part: it may be split, or joined
        first, last = max(0, low - 1), min(len(self), high + 1)
        head = self.runs(int(self.bounds[first]), start)
        tail = self.runs(end, int(self.bounds[last]))
        bounds = np.concatenate((head.bounds[:-1], runs.bounds, tail.bounds[1:]))
        codes = np.concatenate((head.codes, runs.codes, tail.codes))
        if merge:
            keep = np.ones(codes.size, bool)
            np.not_equal(codes[1:], codes[:-1], out=keep[1:])
            bounds, codes = np.concatenate((bounds[:-1][keep], bounds[-1:])), codes[keep]
        totals = self._shifted_totals(first, last, bounds, codes)
        return self.with_blocks(
            np.concatenate((self.bounds[:first], bounds, self.bounds[last + 1 :])),
            np.concatenate((self.codes[:first], codes, self.codes[last:])),
            totals,
        )

    def _shifted_totals(self, first: int, last: int, bounds: Int64s, codes: Codes) -> Totals | None:
        """The totals after blocks first..last became others, from the difference alone; None when not yet counted."""
        if not self._totals:
            return None
        # areas may join across the piece's edges: count with the neighbours, on both sides alike
        low, high = max(0, first - 1), min(len(self), last + 1)
        before = measure(self.bounds[low : high + 1], self.codes[low:high])
        after = measure(
            np.concatenate((self.bounds[low:first], bounds, self.bounds[last + 1 : high + 1])),
            np.concatenate((self.codes[low:first], codes, self.codes[last:high])),
        )
        old = self._totals[0]
        return Totals(
            tuple(o + a - b for o, a, b in zip(old.bytes, after.bytes, before.bytes, strict=True)),  # type: ignore[arg-type]
            tuple(o + a - b for o, a, b in zip(old.areas, after.areas, before.areas, strict=True)),  # type: ignore[arg-type]
        )

    def clipped(self, start: int, end: int) -> Mapfile:
        """Only what lies in ``[start, end)``."""
        piece = self.runs(start, end)
        return self.with_blocks(piece.bounds, piece.codes)

    def extended(self, start: int, end: int, status: str = "?") -> Mapfile:
        """Grown to cover ``[start, end)``; new ground gets ``status`` and joins an equal neighbour."""
        if not 0 <= start <= end <= MAX_POSITION:
            raise UsageError(f"{start}-{end} is no range of positions", code="bad-range")
        if not len(self):
            made = Mapfile.new(start, end, status)
            return self.with_blocks(made.bounds, made.codes)
        code = np.array([code_of(status)], np.uint8)
        bounds, codes = self.bounds, self.codes
        if start < self.start:
            joins = codes[0] == code[0]
            bounds = np.concatenate((np.array([start], np.int64), bounds[1:] if joins else bounds))
            codes = codes if joins else np.concatenate((code, codes))
        if end > self.end:
            joins = codes[-1] == code[0]
            bounds = np.concatenate((bounds[:-1] if joins else bounds, np.array([end], np.int64)))
            codes = codes if joins else np.concatenate((codes, code))
        return self if codes is self.codes and bounds is self.bounds else self.with_blocks(bounds, codes)


