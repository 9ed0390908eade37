"""A simulated drive: killers, some of them flaky, and slow zones; and the least number of power cycles it can cost."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

SIZE = 1 << 24
"""Clusters of a drive."""

SLOW_AFTER = 64
"""Clusters of a slow zone that are read until a run that minds slowness ends."""

Span = tuple[int, int]


def joined(spans: Iterable[Span], size: int = SIZE) -> list[Span]:
    """Spans cut to the drive, sorted, overlapping and touching ones joined."""
    out: list[Span] = []
    for start, end in sorted((max(0, int(a)), min(size, int(b))) for a, b in spans):
        if end <= start:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


@dataclass(frozen=True)
class Layout:
    """What is wrong with a drive.

    ``flaky``: how often a run that crosses a killer from side to side would be killed on average, if it went on; 0 for
    killers that kill at the first touch.
    """

    killers: tuple[Span, ...]
    slow: tuple[Span, ...] = ()
    flaky: float = 0.0
    size: int = SIZE


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the position it reached, and ``killed``, ``slow`` or ``finished``."""

    end: int
    how: str

    @property
    def killed(self) -> bool:
        return self.how == "killed"


class Drive:
    """A drive with this layout. Chance comes from the seed, the killer and how often it was touched."""

    def __init__(self, layout: Layout, seed: int = 0) -> None:
        self.size = layout.size
        self.killers = joined(layout.killers, layout.size)
        self.slow = joined(layout.slow, layout.size)
        self.flaky, self.seed = layout.flaky, seed
        self.starts, self.ends = [a for a, _ in self.killers], [b for _, b in self.killers]
        self.touches = [0] * len(self.killers)

    def run(self, start: int, step: int, limit: int, minds_slow: bool = False) -> Outcome:
        """Read from ``start`` upwards (``step`` 1) or downwards (-1) until ``limit``."""
        end, killed = self._next_kill(start, step, limit)
        if minds_slow:
            stop = self._slow_stop(start, step)
            if stop is not None and (stop < end if step > 0 else stop > end):
                return Outcome(stop, "slow")
        return Outcome(end, "killed" if killed else "finished")

    def _next_kill(self, start: int, step: int, limit: int) -> tuple[int, bool]:
        index = bisect_right(self.ends, start) if step > 0 else bisect_left(self.starts, start) - 1
        while 0 <= index < len(self.killers):
            low, high = self.killers[index]
            at = max(low, start) if step > 0 else min(high, start)
            if at >= limit if step > 0 else at <= limit:
                break
            self.touches[index] += 1
            at += step * self._survives(index, self.touches[index])
            if (at < min(limit, high)) if step > 0 else (at > max(limit, low)):
                return at, True
            index += step
        return limit, False

    def _survives(self, index: int, touch: int) -> int:
        """How many clusters of a killer can be read before it kills, at this touch."""
        if not self.flaky:
            return 0
        low, high = self.killers[index]
        return int(random.Random(f"{self.seed}/{index}/{touch}").expovariate(self.flaky / (high - low)))

    def _slow_stop(self, start: int, step: int) -> int | None:
        """Where a run from here ends for slowness; None when it meets no slow zone."""
        for low, high in self.slow if step > 0 else reversed(self.slow):
            if step > 0 and high > start:
                return min(max(low, start) + SLOW_AFTER, high)
            if step < 0 and low < start:
                return max(min(high, start) - SLOW_AFTER, low)
        return None

    def segments(self) -> list[Span]:
        """The readable spans between killers."""
        out, at = [], 0
        for low, high in self.killers:
            if low > at:
                out.append((at, low))
            at = high
        if at < self.size:
            out.append((at, self.size))
        return out

    def readable(self) -> int:
        """Clusters outside of killers (what a flaky killer gives by chance does not count)."""
        return sum(end - start for start, end in self.segments())

    def stretches(self) -> list[int]:
        """Readable clusters between those killers that stop the first run across them; all do unless they are flaky."""
        out, at = [0], 0
        for index, (low, high) in enumerate(self.killers):
            out[-1] += low - at
            at = high
            if self._survives(index, 1) < high - low:
                out.append(0)
        out[-1] += self.size - at
        return out


def lower_bound(drive: Drive, part: float) -> int:
    """Power cycles that nobody who has to find the killers by touching them can do without.

    Every readable stretch ends at a killer, so reading one costs a cycle, but for the last: count the largest ones that
    make up this part. (Who can tell where a killer will be stays below it.)
    """
    sizes = sorted(drive.stretches(), reverse=True)
    want, have = part * sum(sizes), 0
    for index, size in enumerate(sizes):
        have += size
        if have >= want:
            return index
    return max(0, len(sizes) - 1)
