"""A drive for the strategy's tests: what a campaign would do with a pass, on byte ranges, at once."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.rescue.strategy import Costs, Done, How, Kind, Pass, Run, next_pass
from engine.rescue.strategy.worth import tier

Span = tuple[int, int]


def overlaps(spans: list[Span], low: int, high: int) -> bool:
    """Whether any of these ascending spans meets ``[low, high)``."""
    index = bisect_right(spans, (low, 1 << 63)) - 1
    return any(a < high and b > low for a, b in spans[max(0, index) : index + 2])


@dataclass
class Patient:
    """Bytes that kill, that give errors, that are slow (all ascending); and every read that was lost."""

    size: int
    killers: list[Span] = field(default_factory=list)
    errors: list[Span] = field(default_factory=list)
    slow: list[Span] = field(default_factory=list)
    sector: int = 512
    lost: list[Span] = field(default_factory=list)

    def run(self, known: Mapfile, made: Pass, within: RangeSet | None = None) -> tuple[Mapfile, Run]:
        """Do what ddrescue would do: read what is untried in the pass's range, end at the first killer."""
        wanted = "?*/-" if made.retry_failed else "?*/" if made.trim else "?"
        ranges = known.ranges(wanted, made.start, made.stop)
        spans = list(ranges if within is None else ranges.intersect(within))
        gained, cluster = 0, made.cluster_size
        for low, high in reversed(spans) if made.reverse else spans:
            at = high if made.reverse else low
            while low < at if made.reverse else at < high:
                stop = self._event(at, low, high, made)
                if stop != at:
                    good = (stop, at) if made.reverse else (at, stop)
                    known, gained, at = known.set_range(*good, "+"), gained + good[1] - good[0], stop
                if at == (low if made.reverse else high):
                    break
                read = self._read(at, low, high, cluster, made.reverse)
                if overlaps(self.killers, *read):
                    self.lost.append(read)
                    return self._end(known, made, at, How.KILLED, gained, read)
                if overlaps(self.errors, *read):
                    known = known.set_range(*read, "-" if read[1] - read[0] <= self.sector else "*")
                else:
                    known, gained = known.set_range(*read, "+"), gained + read[1] - read[0]
                    if made.stop_when_slow and overlaps(self.slow, *read):
                        return self._end(known, made, read[0] if made.reverse else read[1], How.SLOW, gained, None)
                at = read[0] if made.reverse else read[1]
        how = How.ERRORS if known.ranges("*/-", made.start, made.stop) else How.FINISHED
        return self._end(known, made, made.start if made.reverse else made.stop, how, gained, None)

    def _event(self, at: int, low: int, high: int, made: Pass) -> int:
        """How far from here all is well: up to the read that meets something."""
        faults = self.killers + self.errors + (self.slow if made.stop_when_slow else [])
        cluster = made.cluster_size
        if made.reverse:
            near = max((min(b, at) for a, b in faults if a < at and b > low), default=low)
            return low if near <= low else min(at, -(-near // cluster) * cluster)
        near = min((max(a, at) for a, b in faults if b > at and a < high), default=high)
        return high if near >= high else max(at, near // cluster * cluster)

    def _read(self, at: int, low: int, high: int, cluster: int, reverse: bool) -> Span:
        if reverse:
            return max(low, (at - 1) // cluster * cluster), at
        return at, min(high, (at // cluster + 1) * cluster)

    def _end(
        self, known: Mapfile, made: Pass, end: int, how: How, gained: int, read: Span | None
    ) -> tuple[Mapfile, Run]:
        if read is not None:
            known = known.set_range(*read, "-" if read[1] - read[0] <= self.sector else "*")
        partial = bool(made.tier)
        return known, Run(made.start, made.size, made.reverse, end, how, gained, read, made.cluster_size, partial)


@dataclass
class Campaign:
    """A rescue of a patient to its end, every decision kept."""

    patient: Patient
    costs: Costs
    known: Mapfile
    history: list[Run] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    done: Done | None = None

    @classmethod
    def of(cls, patient: Patient, costs: Costs | None = None) -> Campaign:
        return cls(patient, costs or Costs(sector_size=patient.sector), Mapfile.new(0, patient.size))

    @property
    def cycles(self) -> int:
        return sum(run.killed for run in self.history)

    def step(self) -> Pass | None:
        """One decision and its run; None when it is over."""
        made = next_pass(self.known, self.history, self.costs)
        if isinstance(made, Done):
            self.done = made
            return None
        self.passes.append(made)
        within = tier(self.costs.valuable, made.tier) if made.tier else None
        self.known, run = self.patient.run(self.known, made, within)
        self.history.append(run)
        return made

    def go(self, most: int, until: int | None = None) -> Campaign:
        """At most so many passes, or until so many bytes are had."""
        while len(self.passes) < most and (until is None or self.known.totals().finished < until):
            if self.step() is None:
                break
        return self

    def readable(self) -> RangeSet:
        """What a perfect rescue brings."""
        bad = RangeSet(self.patient.killers + self.patient.errors)
        return RangeSet.of(0, self.patient.size).subtract(bad)


EDGES = (Kind.EDGE,)
"""Passes that may touch what is known to kill."""
