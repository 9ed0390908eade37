"""A source read ahead in its own thread, buffer by buffer, while the one before is looked at."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.dvr.pack import PACK_SIZE
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import ReadError

_AHEAD = 2
_COARSE = 64 << 10


@dataclass(slots=True)
class Chunk:
    """``size`` bytes from ``start``; a few more stand behind them in ``data`` (the rest of a block that begins in the
    last of them, zeros behind the end of the source). ``unread``: what gave read errors (zeros there)."""

    start: int
    size: int
    data: bytearray
    unread: list[tuple[int, int]] = field(default_factory=list)


class ReadAhead:
    """Chunks of ``size`` bytes from ``start`` on, as an iterator; sparse stretches and holes are passed over.

    A chunk is good until the next one is asked for. Errors come out where the chunk would have: ``ReadError`` when the
    device is gone. ``close`` it in any case.
    """

    def __init__(self, source: Source, start: int, size: int) -> None:
        self._source, self._size, self._holes = source, size, source.holes
        self._ready: queue.Queue[Chunk | BaseException | None] = queue.Queue()
        self._free: queue.Queue[bytearray | None] = queue.Queue()
        for _ in range(_AHEAD + 1):
            self._free.put(bytearray(size + PACK_SIZE))
        self._thread = threading.Thread(target=self._run, args=(start,), name="read-ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Chunk]:
        while (found := self._ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found
            self._free.put(found.data)

    def close(self) -> None:
        """Stop reading; waits for the read in flight."""
        self._free.put(None)
        self._thread.join()

    def _run(self, start: int) -> None:
        try:
            while (start := self._next(start)) < self._source.size:
                data = self._free.get()
                if data is None:
                    return
                self._ready.put(self._read(start, data))
                start += self._size
            self._ready.put(None)
        except BaseException as error:  # told to the thread that waits for the chunk
            self._ready.put(error)

    def _next(self, start: int) -> int:
        """The chunk from ``start`` on that holds something; chunks stand at multiples of their size."""
        at = start
        while at < self._source.size:
            there = self._source.next_data(at)
            inside = self._holes.clip(there, there + 1) if there < self._source.size else RangeSet()
            if inside:
                there = int(self._holes.clip(there, self._source.size).ends[0])
            if there == at:
                return max(start, at - at % self._size)
            at = there
        return self._source.size

    def _read(self, start: int, data: bytearray) -> Chunk:
        size = min(self._size, self._source.size - start)
        whole = min(size + PACK_SIZE, self._source.size - start)
        chunk = Chunk(start, size, data)
        view = memoryview(data)[:whole]
        try:
            self._source.read_into(start, view)
        except ReadError as error:
            if error.code == "device-gone":
                raise
            self._around(chunk, view)
        if whole < len(data):
            memoryview(data)[whole:] = bytes(len(data) - whole)
        return chunk

    def _around(self, chunk: Chunk, view: memoryview) -> None:
        for low in range(0, len(view), _COARSE):
            part = view[low : low + _COARSE]
            try:
                self._source.read_into(chunk.start + low, part)
            except ReadError as error:
                if error.code == "device-gone":
                    raise
                part[:] = bytes(len(part))
                high = min(low + len(part), chunk.size)
                if high > low:
                    chunk.unread.append((chunk.start + low, chunk.start + high))
