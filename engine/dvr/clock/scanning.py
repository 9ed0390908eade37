"""The scan: a source read once from end to end, its packs made into pieces as they come."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.dvr.clock.headers import Audio, Bools, Int64s, Words, audio_of, candidates, ordinary, packs_at
from engine.dvr.clock.model import Piece, Scan
from engine.dvr.clock.reading import BATCH, STEP, Batch, ReadAhead
from engine.dvr.pack import CLOCK_HZ, CLOCK_WRAP, PACK_SIZE
from engine.errors import DamagedError
from engine.progress import SILENT, Reporter, check
from engine.ranges import RangeSet
from engine.source import Source

SMALLEST = 8
"""Packs in the shortest piece that is kept; shorter ones are no use to anybody, and single packs may be chance."""
_SETTLE = 4096
_SHARE = 0.05
_SHORTEST = 43_000 * 25_200
"""Ticks of 27 MHz between two packs at mux rate 25200 are 43886; a little less is let pass (rounded clocks)."""
_EVERY = 512 << 20
_MOST_BREAKS = 1 << 18
Checkpoint = Callable[[bytes], None]


@dataclass(slots=True)
class _Lane:
    """Packs of one alignment and byte order, made into pieces. Rows count blocks of 2048 bytes from ``phase``."""

    phase: int
    swapped: bool
    hits: int = 0
    last: tuple[int, int, int] | None = None
    stamp: tuple[int, int, int, int] | None = None
    begins: list[Int64s] = field(default_factory=list)
    ends: list[Int64s] = field(default_factory=list)
    breaks: list[Int64s] = field(default_factory=list)
    watching: bool = True
    """Off once the audio of this disk turned out to keep no grid at all: the breaks then say nothing."""

    def feed(self, heads: Words, first_row: int) -> None:
        """The heads of the next blocks, the first of which is row ``first_row``."""
        if not heads.shape[0]:
            return
        usual, looked_at = self._usual(heads)
        exact = packs_at(heads, looked_at, self.swapped)
        packs = usual.copy()
        packs[exact.rows] = True
        self.hits += int(np.count_nonzero(packs))
        if not exact.rows.size:
            self.stamp = None
            return
        row, clock, mux = self.last if self.last is not None else (-2, 0, 1)
        before_rows = np.concatenate(([row - first_row], exact.rows[:-1]))
        before_clocks = np.concatenate(([clock], exact.clocks[:-1]))
        step = (exact.clocks - before_clocks) % CLOCK_WRAP
        cut = step * exact.mux < _SHORTEST
        cut |= step > CLOCK_HZ
        cut |= exact.rows - before_rows != 1
        cut &= ~usual[exact.rows]
        index = np.flatnonzero(cut)
        if index.size:
            self.begins.append(np.stack((exact.rows[index] + first_row, exact.clocks[index], exact.mux[index])))
            ending = np.stack((before_rows[index] + first_row, before_clocks[index]))
            self.ends.append(ending[:, 1:] if self.last is None and index[0] == 0 else ending)
        if index.size and index[0] == 0:
            self.stamp = None
        self._watch_audio(audio_of(heads, packs, self.swapped), first_row, exact.rows[index])
        self.last = (int(exact.rows[-1]) + first_row, int(exact.clocks[-1]), int(exact.mux[-1]))

    def _usual(self, heads: Words) -> tuple[Bools, Int64s]:
        """Rows that only go on as packs do, and all rows that must be read exactly: the others, the row before each of
        them (where a piece may end), and the last."""
        if self.last is None:
            return np.zeros(heads.shape[0], np.bool_), candidates(heads, self.swapped)
        usual = ordinary(heads, self.swapped, self.last[2], _SHORTEST)
        near = ~usual
        near[:-1] |= near[1:]
        near[-1] = True
        return usual, np.flatnonzero(near)

    def _watch_audio(self, audio: Audio, first_row: int, cuts: Int64s) -> None:
        """Note where the audio time stamps do not go on within a piece. ``cuts``: rows where pieces begin."""
        if not audio.rows.size:
            self.stamp = None if cuts.size else self.stamp
            return
        piece = np.searchsorted(cuts, audio.rows, "right")
        known = self.stamp if self.stamp is not None and piece[0] == 0 else None
        first = known or (int(audio.stamps[0]), 0, 0, 0)
        stamps = np.concatenate(([first[0]], audio.stamps))
        ticks = np.concatenate(([first[1]], audio.ticks))
        counts = np.concatenate(([first[2]], audio.counts))
        owner = np.concatenate(([piece[0]], piece))
        step = (stamps[1:] - stamps[:-1]) % (1 << 33)
        same = (ticks[:-1] == ticks[1:]) & (owner[:-1] == owner[1:])
        off = step % audio.ticks
        broken = np.minimum(off, audio.ticks - off) > 2
        told = counts[:-1] > 0  # this packet says how many frames begin in it: the next one follows them
        broken |= told & (np.abs(step - counts[:-1] * audio.ticks) > 2)
        # Where it does not say, a step far beyond the one before is looked at.
        usual = np.concatenate(([first[3]], np.where(same, step, 0)[:-1]))
        broken |= ~told & (usual > 0) & (step > 2 * usual + audio.ticks)
        broken &= same
        if self.watching and broken.any():
            self.breaks.append(audio.rows[broken] + first_row)
            if sum(part.size for part in self.breaks) > _MOST_BREAKS:
                self.breaks, self.watching = [], False
        last = (int(audio.stamps[-1]), int(audio.ticks[-1]), int(audio.counts[-1]), int(step[-1]) if same[-1] else 0)
        self.stamp = last if piece[-1] == cuts.size else None

    def table(self) -> Int64s:
        """Pieces as rows of (start byte, packs, first clock, last clock, mux rate), the short ones left out."""
        if self.last is None or not self.begins:
            return np.zeros((0, 5), np.int64)
        begins = np.concatenate(self.begins, axis=1)
        ends = np.concatenate([*self.ends, np.array([[self.last[0]], [self.last[1]]], np.int64)], axis=1)
        packs = ends[0] - begins[0] + 1
        found = np.stack((begins[0] * PACK_SIZE + self.phase, packs, begins[1], ends[1], begins[2]), axis=1)
        kept: Int64s = found[packs >= SMALLEST]
        return kept

    def tidy(self) -> None:
        """Fold the lists into one array each, and forget pieces that are too short."""
        if len(self.breaks) >= 64:
            self.breaks = [np.concatenate(self.breaks)]
        if len(self.begins) < 64:
            return
        begins, ends = np.concatenate(self.begins, axis=1), np.concatenate(self.ends, axis=1)
        closed = ends.shape[1]
        keep = np.ones(begins.shape[1], np.bool_)
        keep[:closed] = ends[0] - begins[0, :closed] + 1 >= SMALLEST
        self.begins, self.ends = [begins[:, keep]], [ends[:, keep[:closed]]]


def scan(
    source: Source, reporter: Reporter = SILENT, *, saved: bytes | None = None, checkpoint: Checkpoint | None = None
) -> Scan:
    """Read ``source`` and find all pieces. What nobody has read is passed over; a read error costs its 64 KiB.

    The alignment (four phases of 512 bytes) and the byte order are found out from the packs themselves. ``checkpoint``
    is given the state every 512 MiB and at a stop; ``saved`` is such a state, to go on from. Raises ``CancelledError``,
    ``ReadError`` when the device is gone.
    """
    work = _Scanner(source) if saved is None else _Scanner.restored(source, saved)
    told = work.position
    ahead = ReadAhead(source, work.position, phases=work.phases, step=STEP, batch=BATCH)
    try:
        check(reporter)
        for batch in ahead:
            work.step(batch)
            ahead.phases = work.phases
            reporter.update(work.position, source.size, "B", f"{work.pieces} pieces")
            if checkpoint is not None and work.position - told >= _EVERY:
                checkpoint(work.state())
                told = work.position
            check(reporter)
    except BaseException:
        if checkpoint is not None:
            checkpoint(work.state())
        raise
    finally:
        ahead.close()
    reporter.update(source.size, source.size, "B")
    return work.result()


class _Scanner:
    def __init__(self, source: Source) -> None:
        self._source = source
        self.position = 0
        self._lanes = [_Lane(phase, swapped) for swapped in (False, True) for phase in range(0, PACK_SIZE, 512)]
        self._settled = False
        self._unread: list[tuple[int, int]] = []
        self._holes = source.holes

    @property
    def pieces(self) -> int:
        """About how many there are so far."""
        return max(sum(int(part.shape[1]) for part in lane.begins) for lane in self._lanes)

    @property
    def phases(self) -> tuple[int, ...]:
        """Where in 2048 bytes the blocks begin that are still looked at."""
        return tuple(sorted({lane.phase for lane in self._lanes}))

    def step(self, batch: Batch) -> None:
        """The next batch."""
        for lane in self._lanes:
            heads = batch.heads[lane.phase]
            count = -(-(batch.end - batch.start - lane.phase) // PACK_SIZE)
            if count > 0:
                lane.feed(heads[:count], batch.start // PACK_SIZE)
                lane.tidy()
        self._unread += batch.unread
        self.position = batch.end
        if not self._settled:
            self._settle()

    def _settle(self) -> None:
        total = sum(lane.hits for lane in self._lanes)
        if total >= _SETTLE:
            self._choose(total)

    def _choose(self, total: int) -> None:
        best = max(self._lanes, key=lambda lane: lane.hits)
        self._lanes = [lane for lane in self._lanes if lane is best or (
            lane.swapped == best.swapped and lane.hits > total * _SHARE)]  # fmt: skip
        self._settled = True

    def result(self) -> Scan:
        """All pieces in the order of the disk."""
        if not self._settled:
            self._choose(sum(lane.hits for lane in self._lanes))
        table = np.concatenate([lane.table() for lane in self._lanes])
        table = table[np.argsort(table[:, 0], kind="stable")]
        pieces = [
            Piece(number, start, packs * PACK_SIZE, first, last, mux)
            for number, (start, packs, first, last, mux) in enumerate(table.tolist(), 1)
        ]
        breaks = sorted(
            int(row) * PACK_SIZE + lane.phase for lane in self._lanes for part in lane.breaks for row in part
        )
        unread = RangeSet(self._unread).union(self._holes)
        return Scan(self._source.size, self._lanes[0].swapped, pieces, tuple(breaks), unread)

    # --- going on

    def state(self) -> bytes:
        """Everything needed to go on from ``position``."""
        stream = io.BytesIO()
        arrays: dict[str, Any] = {
            "head": np.array([2, self._source.size, self.position, self._settled, len(self._lanes)], np.int64),
            "unread": np.array(self._unread, np.int64).reshape(-1, 2),
        }
        for number, lane in enumerate(self._lanes):
            last = lane.last or (-1, -1, -1)
            stamp = lane.stamp or (-1, -1, -1, -1)
            arrays[f"{number}.lane"] = np.array(
                [lane.phase, lane.swapped, lane.hits, *last, *stamp, lane.watching], np.int64
            )
            arrays[f"{number}.begins"] = _together(lane.begins, 3)
            arrays[f"{number}.ends"] = _together(lane.ends, 2)
            arrays[f"{number}.breaks"] = np.concatenate([np.zeros(0, np.int64), *lane.breaks])
        np.savez(stream, **arrays)
        return stream.getvalue()

    @classmethod
    def restored(cls, source: Source, saved: bytes) -> _Scanner:
        """The scanner that ``state`` was taken of. Raises ``DamagedError`` when it is of something else."""
        made = cls(source)
        try:
            with np.load(io.BytesIO(saved), allow_pickle=False) as arrays:
                version, size, position, settled, lanes = (int(value) for value in arrays["head"])
                if version != 2 or size != source.size:
                    raise ValueError("another source")
                made.position, made._settled = position, bool(settled)
                made._unread = [(int(low), int(high)) for low, high in arrays["unread"]]
                made._lanes = [_lane(arrays, number) for number in range(lanes)]
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise DamagedError(
                "the kept state of the scan cannot be used", code="scan-state", path=source.path,
                advice="begin the scan again",
            ) from error  # fmt: skip
        return made


def _lane(arrays: Any, number: int) -> _Lane:
    phase, swapped, hits, row, clock, mux, stamp, ticks, count, step, watching = (
        int(value) for value in arrays[f"{number}.lane"]
    )
    return _Lane(
        phase, bool(swapped), hits,
        None if mux < 0 else (row, clock, mux), None if ticks < 0 else (stamp, ticks, count, step),
        [arrays[f"{number}.begins"]], [arrays[f"{number}.ends"]], [arrays[f"{number}.breaks"]],
        bool(watching),
    )  # fmt: skip


def _together(parts: list[Int64s], rows: int) -> Int64s:
    return np.concatenate([np.zeros((rows, 0), np.int64), *parts], axis=1)
