"""Writing a job's state, journal and checkpoint: bounded, atomic, and never a reason for the work to end.

When the disk is full the work goes on and says so. Two small reserve files make that possible: the first is given up
for the state that tells it, the second for the last words of the job. The journal gets neither before the end: it could
eat either up before the state was written, so its events wait in memory until both reserves stand again.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import OutsideError
from engine.jobs.directory import (
    CHECKPOINT,
    JOURNAL,
    JOURNAL_OLD,
    STATE,
    JobDirectory,
    is_full,
)
from engine.jobs.journal import MAX_LINE, SEGMENT_BYTES, last_seq
from engine.jobs.model import plain

RESERVES = ("reserve.1", "reserve.2")
RESERVE_BYTES = 64 << 10
LOG_BYTES = 1 << 20
_LOG_KEPT = 256 << 10
_QUEUE = 1000
_RETRY_S = 2.0


class Ledger:
    """The one writer of a job directory while its lock is held. May be used from several threads."""

    def __init__(self, directory: JobDirectory, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._lock = threading.RLock()
        self._seq = last_seq(directory)
        self._queue: deque[bytes] = deque()
        self._dropped = 0
        self._troubles: dict[str, str] = {}
        self._next_restore = 0.0
        self._whole = self._make_reserves()

    @property
    def trouble(self) -> str:
        """What cannot be saved, and why; empty when all is well."""
        with self._lock:
            parts = list(self._troubles.values())
            if self._dropped:
                parts.append(f"{self._dropped} events could not be kept")
            return "; ".join([*parts, "the work goes on"]) if parts else ""

    def save_state(self, state: Mapping[str, Any], *, vital: bool = False, last: bool = False) -> bool:
        """Replace the state file; ``vital`` (its life has changed): durable; ``last`` uses all reserves."""
        with self._lock:
            self._restore()

            def save() -> None:
                self._directory.save(STATE, encode({**state, "warning": self.trouble}), durable=vital)

            return self._try("the state", save, releases=2 if last else 1)

    def record(self, kind: str, facts: Mapping[str, Any]) -> bool:
        """Append an event; False when it could not be written now: it waits (among the last 1000) to be tried again."""
        with self._lock:
            self._seq += 1
            entry = {"seq": self._seq, "time": round(time.time(), 3), "event": kind}
            line = encode({**entry, **plain(facts), **entry})
            if len(line) > MAX_LINE:
                line = encode({**entry, "too_large": True})
            self._queue.append(line)
            return self.flush()

    def flush(self, *, last: bool = False) -> bool:
        """Write the events that wait; False when some still do."""
        with self._lock:
            while self._queue:
                if not self._may_append(last) or not self._try("the journal", self._append_first, releases=2 * last):
                    if len(self._queue) > _QUEUE:
                        self._queue.popleft()
                        self._dropped += 1
                    return False
                self._queue.popleft()
            if self._dropped:
                lost, self._dropped = self._dropped, 0
                return self.record("job-events-lost", {"count": lost})
            return True

    def shorten(self) -> None:
        """Give up the oldest events that wait, so that the newest fit into a reserve."""
        with self._lock:
            while len(self._queue) > 1 and sum(map(len, self._queue)) > RESERVE_BYTES // 2:
                self._queue.popleft()
                self._dropped += 1

    def _may_append(self, last: bool) -> bool:
        return last or self._whole or not self._troubles

    def _append_first(self) -> None:
        if self._directory.size(JOURNAL) >= self._segment_bytes:
            self._directory.replace(JOURNAL, JOURNAL_OLD)
        self._directory.append(JOURNAL, self._queue[0])

    def checkpoint(self, saved: Mapping[str, Any] | None) -> bool:
        """Make the journal durable, then what a resumed run shall know; False when that was not possible.

        Events that wait for room do not hold ``saved`` up: without it the work itself could not go on.
        """
        with self._lock:
            done = self.flush() and self._try("the journal", lambda: self._directory.sync(JOURNAL))
            if saved is None:
                return done
            data = json.dumps(saved, allow_nan=False).encode("ascii")

            def save() -> None:
                self._directory.save(CHECKPOINT, data, durable=True)

            return self._try("the checkpoint", save, releases=1)

    def bound_log(self) -> None:
        """Keep the log of what was printed within its size."""
        with self._lock:
            self._try("the log", lambda: self._directory.bound_log(LOG_BYTES, _LOG_KEPT))

    def close(self) -> None:
        """Give the reserves back."""
        with self._lock:
            self._release(len(RESERVES))

    def _try(self, what: str, action: Callable[[], None], *, releases: int = 0) -> bool:
        """Whether it could be done, at need in the room of the first ``releases`` reserves."""
        try:
            action()
        except OutsideError as error:
            self._troubles[what] = f"cannot save {what} ({error.message.partition(': ')[2] or error.message})"
            if not is_full(error) or not self._release(releases):
                return False
            try:
                action()
            except OutsideError:
                return False
            return True  # said, but the disk is still full: the trouble stands until the reserve could be made again
        if self._whole:
            self._troubles.pop(what, None)
        return True

    def _release(self, count: int) -> bool:
        if not count:
            return False
        freed = False
        for name in RESERVES[:count]:
            try:
                freed |= self._directory.unlink(name)
            except OutsideError:
                continue
        self._whole = False
        return freed

    def _restore(self) -> None:
        if self._whole or time.monotonic() < self._next_restore:
            return
        self._next_restore = time.monotonic() + _RETRY_S
        self._whole = self._make_reserves()

    def _make_reserves(self) -> bool:
        try:
            return all(self._directory.reserve(name, RESERVE_BYTES) for name in RESERVES)
        except OutsideError:
            return False


def encode(value: Mapping[str, Any]) -> bytes:
    """One line of ASCII JSON; what JSON cannot say is left out."""
    try:
        return json.dumps(value, allow_nan=False).encode("ascii")
    except (ValueError, TypeError):
        return json.dumps(plain(value), allow_nan=False).encode("ascii")
