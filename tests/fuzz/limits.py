"""The bounds that every input must keep: processor time, work, memory. What breaks one is a fault like a crash.

- ``CPU_S`` seconds of processor time (ours, not the machine's: a busy machine changes nothing), with the fuzzer's
  instrumentation in the code, which makes it two to four times slower;
- on a disk: ``sparse.MOST_READS`` readings, and ``sparse.MOST_TIMES_SIZE`` times its size (at least 64 MiB);
- ``MEMORY`` bytes of address space beyond what the process had when fuzzing began.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

CPU_S = 10.0
MEMORY = 384 << 20


class TooLong(BaseException):  # noqa: N818 - no handler of the parsers may take it for an error of theirs
    """The processor time of one input is spent."""


class TooMuchWork(BaseException):  # noqa: N818
    """A parser read more than any honest way through that disk needs."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TooLong(f"more than {CPU_S:.0f} s of processor time")


@contextmanager
def time_limit() -> Iterator[None]:
    """``TooLong`` is raised inside after ``CPU_S`` of processor time. Only in the main thread."""
    before = signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, CPU_S, CPU_S / 10)  # rings again: a wide handler may have swallowed the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def limit_memory(more: int = MEMORY) -> None:
    """This process cannot grow by more than ``more`` bytes from now on: beyond it is a ``MemoryError``."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    # Only the soft limit: a worker process of the engine sets its own.
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
