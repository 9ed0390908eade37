"""Searching a source for a pattern: only bytes that were read, in order from a place on, with a state to go on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import CancelledError
from engine.hex.patterns import Pattern
from engine.progress import SILENT, Reporter
from engine.source import Source
from engine.source.base import ReadError

BLOCK = 4 << 20
PIECE = 1 << 16
"""What a failed read leaves out."""
MOST_FINDS = 100_000
"""A search ends when it has found so many: nobody looks through more."""
Found = Callable[[list[tuple[int, int]]], None]
"""Takes finds as (offset, size)."""


@dataclass(slots=True)
class Outcome:
    """``searched`` bytes of content; ``unread`` bytes that nobody has read and ``refused`` ones that could not be read
    now were not searched. ``full``: it ended early with ``MOST_FINDS``."""

    finds: int = 0
    searched: int = 0
    unread: int = 0
    refused: int = 0
    full: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a job's result, and as a state to go on from."""
        return {"finds": self.finds, "searched": self.searched, "unread": self.unread, "refused": self.refused,
                "full": self.full}  # fmt: skip


@dataclass(slots=True)
class State:
    """Where a search is: ``done`` bytes of the way that begins at ``start`` and wraps around at the end."""

    start: int = 0
    done: int = 0
    outcome: Outcome = field(default_factory=Outcome)

    def to_json(self) -> dict[str, Any]:
        """For ``from_json``."""
        return {"start": self.start, "done": self.done, **self.outcome.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> State:
        """The state that ``to_json`` told."""
        finds, searched, unread, refused = (int(value[key]) for key in ("finds", "searched", "unread", "refused"))
        outcome = Outcome(finds, searched, unread, refused, bool(value["full"]))
        return cls(int(value["start"]), int(value["done"]), outcome)


def search(
    source: Source,
    pattern: Pattern,
    found: Found,
    *,
    state: State | None = None,
    reporter: Reporter = SILENT,
    keep: Callable[[State], None] | None = None,
) -> Outcome:
    """Every match in ``source``, told in batches to ``found``; from ``state.start`` to the end, then from 0 on.

    No match lies over a byte that nobody has read. ``keep`` is called after each block with a state from which the
    search goes on. Raises ``CancelledError`` when the reporter says so.
    """
    at = state if state is not None else State()
    compiled, outcome = pattern.compiled(), at.outcome
    # Most of many disks is zeros, in which searching is slowest: unless the pattern can stand there, pass it over.
    in_zeros = bool(compiled.finds(bytes(2 * compiled.longest), 2 * compiled.longest))
    zeros = bytes(BLOCK)
    for low, high, behind in _way(source.size, at):
        if outcome.full:
            break
        if reporter.cancelled():
            raise CancelledError("the search was stopped", advice="it can go on")
        hits: list[tuple[int, int]] = []
        for start, data in _content(source, low, min(high + compiled.longest - 1, behind), outcome, high):
            if start < high and (in_zeros or not _is_zeros(data, zeros)):
                hits += [(start + offset, size) for offset, size in compiled.finds(data, high - start, start)]
        room = MOST_FINDS - outcome.finds
        outcome.full = len(hits) >= room
        if hits:
            found(hits[:room])
        outcome.finds += min(room, len(hits))
        at.done += high - low
        reporter.update(at.done, source.size, "B")
        if keep is not None:
            keep(at)
    return outcome


def _is_zeros(data: bytes, zeros: bytes) -> bool:
    """Compared, which ends at the first other byte."""
    return all(data.startswith(zeros[: len(data) - at], at) for at in range(0, len(data), len(zeros)))


def _way(size: int, state: State) -> Iterator[tuple[int, int, int]]:
    """The blocks that are left as (start, end, where reading must end): from the start on, then those before it."""
    start = min(max(0, state.start), size)
    done = state.done
    for low, high in ((start, size), (0, start)):
        length = high - low
        if done >= length:
            done -= length
            continue
        position = low + done
        done = 0
        while position < high:
            end = min(high, position - position % BLOCK + BLOCK)
            yield position, end, size
            position = end


def _content(source: Source, low: int, high: int, outcome: Outcome, counted: int) -> Iterator[tuple[int, bytes]]:
    """Stretches of content of ``[low, high)``; what lies behind ``counted`` is looked into, but counted later."""
    holes = list(source.holes.clip(low, high))
    outcome.unread += sum(max(0, min(end, counted) - start) for start, end in holes)
    position = low
    for start, end in [*holes, (high, high)]:
        if start > position:
            yield from _read(source, position, start, outcome, counted)
        position = end


def _read(source: Source, low: int, high: int, outcome: Outcome, counted: int) -> Iterator[tuple[int, bytes]]:
    """A stretch; where the medium refuses it, the pieces of it that can be read, each tried once and none by sectors:
    this is no way to read a failing drive."""
    inside = max(0, min(high, counted) - low)
    try:
        data = source.read(low, high - low).data
    except ReadError:
        if high - low <= PIECE:
            outcome.refused += inside
            return
        for start in range(low, high, PIECE):
            yield from _read(source, start, min(high, start + PIECE), outcome, counted)
        return
    outcome.searched += inside
    yield low, data
