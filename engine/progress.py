"""Progress and cancellation: every long engine function takes a ``Reporter``; nothing prints."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.errors import CancelledError


class Reporter(Protocol):
    """Where long work tells how far it is, and asks whether it should stop."""

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        """Say how far it is; cheap, may be called often."""

    def event(self, kind: str, **facts: Any) -> None:
        """Record something that happened (JSON values only)."""

    def cancelled(self) -> bool:
        """Whether the person asked to stop; work ends at the next safe point."""


class Silent:
    """A reporter for callers who want neither progress nor cancellation."""

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        return

    def event(self, kind: str, **facts: Any) -> None:
        return

    def cancelled(self) -> bool:
        return False


SILENT = Silent()


def check(reporter: Reporter) -> None:
    """Raise ``CancelledError`` when the person asked to stop."""
    if reporter.cancelled():
        raise CancelledError("stopped on request", advice="what was done so far is kept")


@dataclass(slots=True)
class RateMeter:
    """Bytes (or items) per second over the last ``window_s`` seconds, from monotonic time.

    A rate since the beginning hides that a drive has just become slow; a rate of one second jumps.
    """

    window_s: float = 30.0
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, done: int, now: float | None = None) -> None:
        """Record the running total ``done`` at monotonic time ``now``."""
        now = time.monotonic() if now is None else now
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[0][0] > self.window_s:
            self._samples.popleft()

    @property
    def rate(self) -> float | None:
        """Units per second, or None while there is nothing to measure between."""
        if len(self._samples) < 2:
            return None
        (t0, d0), (t1, d1) = self._samples[0], self._samples[-1]
        if t1 <= t0:
            return None
        return max(0.0, (d1 - d0) / (t1 - t0))


def snapshot(done: int, total: int | None, unit: str, rate: float | None) -> Mapping[str, Any]:
    """The progress object of job states and JSON output."""
    return {"done": done, "total": total, "unit": unit, "rate": rate}
