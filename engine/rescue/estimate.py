"""How long it may still take, said honestly, and the history of the rate for a small chart.

ddrescue's own estimate divides everything that is left by the last rate, though copying, trimming and scraping differ
by orders of magnitude. Here each phase is measured by what it works off (non-tried, non-trimmed ... bytes), over the
last minute, and nothing is promised for phases that have not begun.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from engine.mapfile.model import Totals
from engine.mapfile.status import BAD_SECTOR, NON_SCRAPED, NON_TRIED, NON_TRIMMED
from engine.rescue.status import RateHistory, Remaining
from engine.text import format_duration, format_size

WINDOW_S = 60.0
_TOO_LONG_S = 2 * 86400
_LEAST_S = 3.0
_WORKS_ON = {"copying": NON_TRIED, "sweeping": NON_TRIED, "trimming": NON_TRIMMED, "scraping": NON_SCRAPED}
_MAX_RATES = 240


@dataclass(slots=True)
class Estimator:
    """Feed it totals; ask it for the time left. Times are monotonic seconds."""

    window_s: float = WINDOW_S
    _samples: deque[tuple[float, int]] = field(default_factory=deque)
    _phase: str = ""

    def add(self, now: float, phase: str, totals: Totals) -> None:
        """One second's totals; a new phase begins a new measurement."""
        if phase != self._phase:
            self._phase = phase
            self._samples.clear()
        code = _WORKS_ON.get(phase)
        if code is None:
            return
        left = totals.bytes[code]
        if self._samples and left > self._samples[-1][1]:  # a repaired map, or areas marked as untried again
            self._samples.clear()
        self._samples.append((now, left))
        while len(self._samples) > 2 and now - self._samples[0][0] > self.window_s:
            self._samples.popleft()

    @property
    def rate(self) -> float | None:
        """Bytes of the phase's own status worked off per second; None while there is nothing to measure between."""
        if len(self._samples) < 2:
            return None
        (first, before), (last, now) = self._samples[0], self._samples[-1]
        return None if last - first < _LEAST_S else max(0.0, (before - now) / (last - first))

    def remaining(self, totals: Totals) -> Remaining:
        """The time left in the phase under way, and what is known of the rest."""
        code = _WORKS_ON.get(self._phase)
        if code is None:
            bad = totals.bytes[BAD_SECTOR]
            text = f"unknown: {format_size(bad)} of bad sectors, each takes its time" if bad else "unknown"
            return Remaining(None, text)
        left, rate = totals.bytes[code], self.rate
        later = _later(self._phase, totals)
        if rate is None:
            return Remaining(None, "measuring" + later)
        if rate == 0:
            return Remaining(None, "unknown: nothing gets done now" + later)
        seconds = left / rate
        if seconds > _TOO_LONG_S:
            return Remaining(seconds, f"more than 2 days for {self._phase}" + later)
        return Remaining(seconds, f"{format_duration(seconds)} for {self._phase}" + later)


def _later(phase: str, totals: Totals) -> str:
    """What waits after this phase, which is slower by an unknown factor."""
    order = (NON_TRIED, NON_TRIMMED, NON_SCRAPED)
    mine = _WORKS_ON[phase]
    waiting = sum(totals.bytes[code] for code in order if code > mine)
    return f", then {format_size(waiting)} of slow areas" if waiting else ""


@dataclass(slots=True)
class RateRecorder:
    """Rates of the whole rescue in at most 240 numbers: when they are full, neighbours are joined and steps double."""

    step_s: float = 1.0
    _rates: list[int] = field(default_factory=list)
    _pending: list[tuple[float, float]] = field(default_factory=list)

    def add(self, rate: float, seconds: float = 1.0) -> None:
        """A rate in bytes/s that held for ``seconds``."""
        self._pending.append((max(0.0, rate), max(0.0, seconds)))
        while sum(length for _, length in self._pending) >= self.step_s:
            self._rates.append(self._take())
            if len(self._rates) > _MAX_RATES:
                odd = self._rates[len(self._rates) // 2 * 2 :]
                pairs = zip(self._rates[::2], self._rates[1::2], strict=False)
                self._rates = [(one + two) // 2 for one, two in pairs] + odd
                self.step_s *= 2

    def _take(self) -> int:
        """The mean over one step from what is pending; the rest of the last piece stays."""
        need, total = self.step_s, 0.0
        while need > 1e-9 and self._pending:
            rate, length = self._pending[0]
            used = min(length, need)
            total += rate * used
            need -= used
            if length - used > 1e-9:
                self._pending[0] = (rate, length - used)
            else:
                self._pending.pop(0)
        return round(total / self.step_s)

    @property
    def history(self) -> RateHistory:
        """As the screen gets it."""
        return RateHistory(self.step_s, tuple(self._rates))
