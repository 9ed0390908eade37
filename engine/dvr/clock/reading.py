"""A source read ahead in its own thread. Of what it reads it keeps the first bytes of every block, nothing else.

The bytes of a block are looked at while they are in the processor's cache: one buffer is read into again and again, and
the heads of its blocks are put together for the thread that makes pieces of them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.dvr.pack import PACK_SIZE
from engine.source import Source
from engine.source.base import ReadError

Words = npt.NDArray[np.uint64]
STEP = 4 << 20
"""Bytes of one reading. Measured: smaller ones cost more calls, larger ones leave the cache."""
BATCH = 16 << 20
"""Bytes whose heads are handed over together at most: numpy wants some thousand blocks at once."""
HEAD = 64
"""Bytes kept of a block: a line of the processor's cache, in which pack header and first packet header end."""
PHASES = tuple(range(0, PACK_SIZE, 512))
_AHEAD = 2
_PATIENCE_S = 0.25
"""A slow source hands over what it has after this time, so that the screen moves and a stop is heard."""
_COARSE = 64 << 10


@dataclass(slots=True)
class Batch:
    """Heads of the blocks from ``start`` to ``end``. ``heads[phase]``: one row of 8 raw words for each block of 2048
    bytes that begins at ``start + phase`` (zeros behind the end of the source). ``unread``: what gave read errors."""

    start: int
    end: int
    heads: dict[int, Words]
    unread: list[tuple[int, int]] = field(default_factory=list)


class ReadAhead:
    """Batches from ``start`` on (a multiple of 2048), as an iterator; sparse stretches and holes are passed over.

    A batch is good until the next one is asked for. Errors come out where the batch would have: ``ReadError`` when the
    device is gone. ``close`` it in any case. ``phases`` may be narrowed while it runs; batches that were read before
    hold more.
    """

    def __init__(
        self, source: Source, start: int, *, phases: tuple[int, ...] = PHASES, step: int = STEP, batch: int = BATCH
    ) -> None:
        self._source, self._holes, self.phases = source, source.holes, phases
        self._holed = bool(self._holes)
        self._step, self._rows = step, max(step, batch) // PACK_SIZE
        self._ready: queue.SimpleQueue[Batch | BaseException | None] = queue.SimpleQueue()
        self._free: queue.SimpleQueue[dict[int, Words] | None] = queue.SimpleQueue()
        for _ in range(_AHEAD + 1):
            self._free.put({})
        self._buffer = bytearray(step)
        self._blocks = np.frombuffer(self._buffer, np.uint64).reshape(-1, PACK_SIZE // 8)
        self._thread = threading.Thread(target=self._run, args=(start,), name="read-ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Batch]:
        while (found := self._ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            rooms = {phase: room if room.base is None else room.base for phase, room in found.heads.items()}
            yield found
            self._free.put(rooms)

    def close(self) -> None:
        """Stop reading; waits for the read in flight."""
        self._free.put(None)
        self._thread.join()

    def _run(self, start: int) -> None:
        try:
            while (start := self._next(start)) < self._source.size:
                rooms = self._free.get()
                if rooms is None:
                    return
                batch = self._batch(start, rooms)
                start = batch.end
                self._ready.put(batch)
            self._ready.put(None)
        except BaseException as error:  # told to the thread that waits for the batch
            self._ready.put(error)

    def _next(self, start: int) -> int:
        """The step from ``start`` on that holds something; steps stand at multiples of their size."""
        at = start
        while at < self._source.size:
            there = self._source.next_data(at)
            if self._holed and there < self._source.size and self._holes.clip(there, there + 1):
                there = int(self._holes.clip(there, self._source.size).ends[0])
            if there == at:
                return max(start, at - at % self._step)
            at = there
        return self._source.size

    def _batch(self, start: int, rooms: dict[int, Words]) -> Batch:
        """What stands together from ``start`` on, until the batch is full or a person has waited long enough."""
        phases = self.phases
        for phase in phases:
            if phase not in rooms:
                rooms[phase] = np.empty((self._rows, HEAD // 8), np.uint64)
        batch = Batch(start, start, {})
        begun = time.monotonic()
        row = 0
        while True:
            count = self._read(batch)
            for phase in phases:
                first = phase // 8
                rooms[phase][row : row + count] = self._blocks[:count, first : first + HEAD // 8]
            row += count
            full = row + self._step // PACK_SIZE > self._rows or time.monotonic() - begun > _PATIENCE_S
            if full or batch.end >= self._source.size or self._next(batch.end) != batch.end:
                break
        batch.heads = {phase: rooms[phase][:row] for phase in phases}
        return batch

    def _read(self, batch: Batch) -> int:
        """The next step into the buffer; returns how many blocks begin in it."""
        start = batch.end
        size = min(self._step - start % self._step, self._source.size - start)
        view = memoryview(self._buffer)[:size]
        try:
            self._source.read_into(start, view)
        except ReadError as error:
            if error.code == "device-gone":
                raise
            self._around(batch, start, view)
        if size < self._step:
            memoryview(self._buffer)[size:] = bytes(self._step - size)
        batch.end = start + size
        return -(-size // PACK_SIZE)

    def _around(self, batch: Batch, start: int, view: memoryview) -> None:
        for low in range(0, len(view), _COARSE):
            part = view[low : low + _COARSE]
            try:
                self._source.read_into(start + low, part)
            except ReadError as error:
                if error.code == "device-gone":
                    raise
                part[:] = bytes(len(part))
                batch.unread.append((start + low, start + low + len(part)))
