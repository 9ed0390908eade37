"""One pass over a source: candidates, walked, and the better of those that claim the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import TYPE_CHECKING, Any

from engine.carve.everywhere import EverywhereScanner
from engine.carve.find import Find, make_find
from engine.carve.outcome import HEAD, WALKED, Outcome, Status
from engine.carve.scan import BLOCK, CHUNK, Hit, Scanner
from engine.carve.view import Reader
from engine.carve.walking import walk
from engine.progress import SILENT, Reporter, check

if TYPE_CHECKING:
    from engine.carve.signatures import Signature
    from engine.source.base import Source

_MOST_INSIDE = 1000
"""Parts of one find that are listed; the rest is only counted."""
_WASTE, _WASTE_SHARE = 128 << 20, 4
"""Bytes that walks of one type may read in vain: so many at first, and so many for each byte that was scanned. Files
that break cost about their own length; only data made of nothing but beginnings reach this."""


@dataclass(slots=True)
class State:
    """How far a pass is, as saved between runs. ``position``: the next start to look at; ``wasted``: bytes that walks
    of each type read in vain; ``skipped``: beginnings that were not followed because their type had wasted too much.
    """

    position: int = 0
    owned_start: int = 0
    owned_end: int = 0
    inside: int = 0
    streams: dict[str, int] = field(default_factory=dict)
    wasted: dict[str, int] = field(default_factory=dict)
    skipped: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "position": self.position, "owned_start": self.owned_start, "owned_end": self.owned_end,
            "inside": self.inside, "streams": dict(self.streams), "wasted": dict(self.wasted), "skipped": self.skipped,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> State:
        """What ``to_json`` gave."""
        return cls(
            int(value["position"]), int(value["owned_start"]), int(value["owned_end"]), int(value["inside"]),
            {str(kind): int(end) for kind, end in value["streams"].items()},
            {str(kind): int(count) for kind, count in value.get("wasted", {}).items()}, int(value.get("skipped", 0)),
        )  # fmt: skip


def carve(
    source: Source, signatures: Sequence[Signature], *, block: int = BLOCK, everywhere: bool = False,
    state: State | None = None, reporter: Reporter = SILENT, checkpoint: Callable[[State], None] | None = None,
) -> Iterator[Find]:  # fmt: skip
    """Every find in order of its start, whole or damaged, best reading of each place.

    Starts are multiples of ``block``; ``everywhere`` looks for the strong signatures at any byte too.
    ``state`` is brought forward as the pass goes; ``checkpoint`` is called between chunks, when every find before
    ``state.position`` was given out. Raises ``CancelledError``, ``ReadError``.
    """
    import numpy as np

    state = state if state is not None else State()
    scanner, reader = Scanner(signatures, block), Reader(source)
    anywhere = EverywhereScanner(signatures) if everywhere else None
    reach = max(scanner.reach, 5 * 192 + 8)
    buffer = bytearray(min(CHUNK + -(-reach // BLOCK) * BLOCK, source.size))
    while state.position < source.size:
        check(reporter)
        limit = min(CHUNK, source.size - state.position)
        size = min(len(buffer), source.size - state.position)
        source.read_into(state.position, memoryview(buffer)[:size])  # filler is zeros: no signature begins with them
        hits = scanner.hits(np.frombuffer(buffer, np.uint8, size), state.position, limit)
        if anywhere is not None:
            more = anywhere.hits(memoryview(buffer)[:size], state.position, limit)
            hits = merge(hits, more, key=lambda hit: hit.start)
        yield from _settle(hits, reader, state)
        state.position += limit
        reporter.update(state.position, source.size)
        if checkpoint is not None:
            checkpoint(state)


def _settle(hits: Iterator[Hit], reader: Reader, state: State) -> Iterator[Find]:
    """Walk candidates; of those at one place, the best."""
    waiting: list[Hit] = []
    for hit in hits:
        if waiting and hit.start != waiting[0].start:
            yield from _place(waiting, reader, state)
            waiting = []
        waiting.append(hit)
    if waiting:
        yield from _place(waiting, reader, state)


def _place(hits: list[Hit], reader: Reader, state: State) -> Iterator[Find]:
    start = hits[0].start
    if start < state.owned_end:
        strong = next((hit for hit in hits if not hit.signature.weak), None)
        if strong is not None and start != state.owned_start:
            state.inside += 1
            if state.inside <= _MOST_INSIDE:
                size = min(BLOCK, state.owned_end - start)
                part = Outcome(size, Status.OPEN, HEAD, "a part of the file around it")
                yield make_find(strong.signature, start, part, state.owned_start)
        return
    best: tuple[tuple[bool, int, int], Find] | None = None
    seen: set[Signature] = set()
    for hit in hits:
        if hit.signature in seen:
            continue
        seen.add(hit.signature)
        if hit.signature.stream and start < state.streams.get(hit.signature.kind, 0):
            continue
        kind, before = hit.signature.kind, reader.asked
        if state.wasted.get(kind, 0) > _WASTE + _WASTE_SHARE * start:
            state.skipped += 1
            continue
        outcome = walk(reader, start, hit.signature)
        whole = outcome is not None and outcome.status is Status.COMPLETE
        if not whole:
            state.wasted[kind] = state.wasted.get(kind, 0) + reader.asked - before
        if outcome is None:
            continue
        if hit.signature.stream:
            state.streams[hit.signature.kind] = start + outcome.end
        rank = (whole, outcome.confidence, outcome.end)
        if best is None or rank > best[0]:
            best = (rank, make_find(hit.signature, start, outcome))
        if whole and outcome.confidence >= WALKED:
            break
    if best is None:
        return
    find = best[1]
    if find.proven:
        state.owned_start, state.owned_end, state.inside = start, start + find.size, 0
    yield find
