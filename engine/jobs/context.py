"""What a job's function is given: where to say how far it is, whether to stop, and what to remember for a resume."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from engine.errors import CancelledError
from engine.jobs.directory import JobDirectory
from engine.jobs.ledger import Ledger, encode
from engine.jobs.lock import here
from engine.jobs.model import Job, JobState, plain
from engine.progress import RateMeter

PERIOD_S = 0.5
"""State is written at most once in this time (but at once when the job's life changes)."""
HEARTBEAT_S = 5.0
_MAX_FACTS = 16 << 10
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def say(text: str) -> None:
    """Print to the job's log; a disk that is full must not end the work for that."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        return


class JobContext:
    """A ``Reporter`` for one run of a job. Made by the runner; its methods may be called from any thread.

    A thread of its own writes the state, so that a job whose main thread hangs in a read still shows a falling rate and
    that it was asked to stop.
    """

    def __init__(
        self,
        directory: JobDirectory,
        ledger: Ledger,
        before: Job,
        *,
        lock_fd: int = -1,
    ) -> None:
        self._dir = directory
        self._ledger = ledger
        self.lock_fd = lock_fd
        """Pass it to long-lived child programs (``pass_fds``): the job then stays held as long as one of them lives."""
        self.saved: Mapping[str, Any] | None = None
        """What the last ``checkpoint`` kept; None when there is nothing to go on from."""
        self.run_number = before.runs + 1
        """1 for the first run of this directory."""
        self._progress: tuple[int, int | None, str] = (
            before.progress.done,
            before.progress.total,
            before.progress.unit,
        )
        self._message = ""
        self._facts: dict[str, Any] = dict(before.facts)
        self._reported = False
        self._asked = False
        self._stop = threading.Event()
        self._signals = 0
        self._requests = 0
        self._requested: float | None = None
        self._working = False
        self._state = JobState.RUNNING
        self._meter = RateMeter(window_s=30.0)
        self._metered: tuple[int, int | None, str] | None = None
        self._progressed: float | None = None
        self._started = time.time()
        self._began = time.monotonic()
        self._elapsed_before = before.elapsed_s
        self._ending: dict[str, Any] = {"finished": None, "error": None, "result": None}
        self._written: dict[str, Any] = {}
        self._written_at = 0.0
        self._wake_r, self._wake_w = socket.socketpair()
        self._here = here()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._tick_lock = threading.RLock()

    # What the work calls

    @property
    def directory(self) -> Path:
        """The job directory. A kind may keep small ``*.json`` files in it; all else goes into ``work_directory``."""
        return self._dir.path

    @property
    def work_directory(self) -> Path:
        """A folder in the job directory for scratch files; made on first use, removed with the job."""
        return self._dir.make_work()

    @property
    def resumed(self) -> bool:
        """Whether this directory was run before."""
        return self.run_number > 1

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        """Say how far it is. Cheap: nothing is written here. An empty message leaves the last one."""
        self._progress = (done, total, unit)
        self._reported = True
        if message:
            self._message = message

    def facts(self, **values: Any) -> None:
        """Live values of this kind of work for its screen (JSON values, small); merged with those given before."""
        self._facts = {**self._facts, **plain(values)}

    def event(self, kind: str, **facts: Any) -> None:
        """Append something that happened to the journal; not for progress."""
        self._ledger.record(kind, facts)

    def checkpoint(self, saved: Mapping[str, Any] | None = None) -> bool:
        """Make the journal durable and, when given, keep ``saved`` for ``JobContext.saved`` of a later run.

        Call it after the data it speaks of is durable. False when it could not be kept (disk full): a resumed run then
        goes on from the checkpoint before; the state says so. Without ``saved``: when events could not be kept.
        """
        return self._ledger.checkpoint(saved)

    def cancelled(self) -> bool:
        """Whether a stop was asked for: finish the block, save, and raise ``CancelledError`` (``progress.check``)."""
        return self._asked

    def urgent(self) -> bool:
        """Whether a stop was asked for more than once: leave out what can be left out."""
        return max(self._signals, self._requests) > 1

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until a stop is asked for; returns ``cancelled()``."""
        until = time.monotonic() + seconds
        while not self._asked and (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, 1.0))
        return self._asked

    # What the runner calls

    def start(self) -> None:
        """Take the signals (main thread only), write the state and begin to keep it up to date."""
        for end in (self._wake_r, self._wake_w):
            end.setblocking(False)
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake_w.fileno(), warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._ledger.record("job-started", {"run": self.run_number, "pid": os.getpid()})
        self._ledger.checkpoint(None)
        self._write(vital=True)
        self._thread = threading.Thread(target=self._keep, name="job-state", daemon=True)
        self._thread.start()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While the work runs in the main thread, a second request to stop raises ``CancelledError`` there."""
        self._working = True
        try:
            yield
        finally:
            self._working = False

    def finish(
        self, state: JobState, *, result: dict[str, Any] | None = None, error: dict[str, Any] | None = None
    ) -> bool:
        """Write the end of the run; False when even that could not be saved."""
        self._closing = True
        self._wake_w.send(b"\0")
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._count_pending()
        with self._tick_lock:
            self._state = state
            self._ending = {"finished": time.time(), "error": error, "result": result}
            self._measure(time.monotonic())
            facts = {"state": str(state), "elapsed_s": round(self._elapsed(), 1)}
            if self._ledger.record("job-ended", facts if error is None else {**facts, "error": error}):
                self._ledger.checkpoint(None)
                done = self._write(vital=True, last=True)
            else:  # no room: the state goes first, then of the events what still fits
                self._ledger.shorten()
                done = self._write(vital=True, last=True)
                self._ledger.flush(last=True)
                self._ledger.checkpoint(None)
            self._ledger.close()
        signal.set_wakeup_fd(-1)
        return done

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # No lock may be taken here, so the event that ends ``wait`` is set by the other thread.
        self._signals += 1
        self._asked = True
        if self._signals == 2 and self._working:
            raise CancelledError("stopped at once on a second request", advice="what was done so far is kept")

    def _keep(self) -> None:
        while not self._closing:
            readable, _, _ = select.select([self._wake_r], [], [], PERIOD_S)
            try:
                self._tick(bool(readable))
            except Exception:  # whatever it is: the state must be kept up as long as the work goes on
                say(traceback.format_exc())
                time.sleep(PERIOD_S)

    def _tick(self, woken: bool) -> None:
        with self._tick_lock:
            asked = woken and self._count_pending()
            now = time.monotonic()
            self._measure(now)
            self._ledger.flush()
            self._ledger.bound_log()
            if asked:
                self._ledger.checkpoint(None)
                self._write(vital=True)
            elif now - self._written_at >= PERIOD_S and self._changed(now):
                self._write()

    def _count_pending(self) -> bool:
        # The kernel's signal reached the process even when the main thread is stuck in a read: the byte tells it here.
        try:
            data = self._wake_r.recv(4096)
        except BlockingIOError:
            return False
        asked = sum(byte in _SIGNALS for byte in data)
        if not asked:
            return False
        self._asked = True
        self._stop.set()
        self._requests += asked
        self._requested = self._requested or time.time()
        self._state = JobState.STOPPING
        self._ledger.record("job-stop", {"requests": self._requests})
        return True

    def _measure(self, now: float) -> None:
        current = self._progress
        if not self._reported:
            return
        last = self._metered
        if last is None or current[1:] != last[1:] or current[0] < last[0]:
            self._meter = RateMeter(window_s=30.0)  # another measure, or the first one of a resumed job
        if last is None or current[0] > last[0]:
            self._progressed = time.time()
        self._metered = current
        self._meter.add(current[0], now)

    def _elapsed(self) -> float:
        return self._elapsed_before + time.monotonic() - self._began

    def _visible(self) -> dict[str, Any]:
        done, total, unit = self._progress
        rate = self._meter.rate
        return {
            "state": str(self._state),
            "done": done,
            "total": total,
            "unit": unit,
            "rate": None if rate is None else round(rate, 1),
            "message": self._message,
            "facts": self._facts,
            "stop_requests": self._requests,
            "trouble": self._ledger.trouble,
        }

    def _changed(self, now: float) -> bool:
        return now - self._written_at >= HEARTBEAT_S or self._visible() != self._written

    def _write(self, *, vital: bool = False, last: bool = False) -> bool:
        with self._tick_lock:
            visible = self._visible()
            self._written, self._written_at = visible, time.monotonic()
            facts = plain(visible["facts"])
            if len(encode(facts)) > _MAX_FACTS:
                facts = {"too_large": True}
            state = {
                "version": 1,
                **visible,
                "message": plain(visible["message"]),
                "facts": facts,
                "pid": os.getpid(),
                "host": self._here,
                "runs": self.run_number,
                "started": self._started,
                "updated": time.time(),
                "progressed": self._progressed,
                "elapsed_s": round(self._elapsed(), 3),
                "stop_requested": self._requested,
                **self._ending,
            }
            del state["trouble"]
            return self._ledger.save_state(state, vital=vital, last=last)
