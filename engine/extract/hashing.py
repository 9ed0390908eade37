"""SHA-256 beside the copying: a thread that hashes one buffer while the next is read and written."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

CHUNK = 256 << 10
"""Bytes in a buffer: enough for few switches between the threads, small enough for the processor's cache (writing from
buffers of 2 MiB was measured at six times the cost)."""
_BUFFERS = 8
_ZEROS = bytes(1 << 20)


class Hasher:
    """Hashes what it is fed, in order, in its own thread. Buffers come from ``buffer`` and go back by ``feed``."""

    def __init__(self) -> None:
        self._free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        for _ in range(_BUFFERS):
            self._free.put(bytearray(CHUNK))
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._sum = hashlib.sha256()
        self._thread = threading.Thread(target=self._run, name="hashing", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def begin(self) -> None:
        """A new sum. What was fed before has been asked for, or is no longer wanted."""
        self._wait()
        self._sum = hashlib.sha256()

    def buffer(self) -> bytearray:
        """A buffer of ``CHUNK`` bytes to fill; waits until one is free."""
        return self._free.get()

    def feed(self, buffer: bytearray, size: int) -> None:
        """The first ``size`` bytes of ``buffer`` come next; the buffer is not touched by the caller any more."""
        total = self._sum

        def work() -> None:
            total.update(memoryview(buffer)[:size])
            self._free.put(buffer)

        self._work.put(work)

    def zeros(self, size: int) -> None:
        """``size`` zero bytes come next."""
        total = self._sum

        def work() -> None:
            left = size
            while left:
                count = min(left, len(_ZEROS))
                total.update(memoryview(_ZEROS)[:count])
                left -= count

        self._work.put(work)

    def digest(self) -> str:
        """The sum of all that was fed."""
        self._wait()
        return self._sum.hexdigest()

    def _wait(self) -> None:
        ready = threading.Event()
        self._work.put(ready.set)
        ready.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._work.put(None)
        self._thread.join()
