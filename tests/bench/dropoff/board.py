"""What a strategy may know in the simulation: untried gaps, how their borders look, kills and runs so far."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.bench.dropoff.drives import Outcome


class Gap(NamedTuple):
    """Untried clusters. A border is ``hard`` where a killer was touched just behind it."""

    start: int
    end: int
    hard_start: bool = False
    hard_end: bool = False

    @property
    def size(self) -> int:
        return self.end - self.start


class Run(NamedTuple):
    """A run: from where, in which direction, where it ended, how, and the clusters it brought."""

    start: int
    step: int
    end: int
    how: str
    brought: int


@dataclass
class Board:
    """The state of a rescue. ``kills`` are touched clusters."""

    size: int
    gaps: list[Gap] = field(default_factory=list)
    kills: list[int] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gaps = [Gap(0, self.size)]

    def pieces(self, start: int, step: int, limit: int) -> list[tuple[int, int]]:
        """What is untried between two positions, in the order of reading: (from, to)."""
        low, high = min(start, limit), max(start, limit)
        inside = [(max(gap.start, low), min(gap.end, high)) for gap in self.gaps if gap.start < high and gap.end > low]
        return inside if step > 0 else [(end, begin) for begin, end in reversed(inside)]

    def cut(self, start: int, step: int, outcome: Outcome) -> int:
        """Enter what was read from ``start`` on inside one gap; the number of clusters it brought."""
        index = bisect_right(self.gaps, start, key=lambda gap: gap.start) - 1
        if step < 0 and self.gaps[index].start == start:
            index -= 1
        old, end = self.gaps[index], outcome.end
        low, high = (start, end) if step > 0 else (end, start)
        if outcome.killed:
            touched = end if step > 0 else end - 1
            insort(self.kills, touched)
            low, high = min(low, touched), max(high, touched + 1)
        brought = abs(end - start)
        lost_low = outcome.killed and (step < 0 or not brought)
        lost_high = outcome.killed and (step > 0 or not brought)
        pieces = [Gap(old.start, low, old.hard_start, lost_low), Gap(high, old.end, lost_high, old.hard_end)]
        self.gaps[index : index + 1] = [gap for gap in pieces if gap.size > 0]
        return brought
