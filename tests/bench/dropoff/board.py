"""What a strategy may know in the simulation: untried gaps, how their borders look, kills and runs so far."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
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
    """A run: from where, in which direction, where it ended, and how."""

    start: int
    step: int
    end: int
    how: str


@dataclass
class Board:
    """The state of a rescue. ``kills`` are touched clusters."""

    size: int
    gaps: list[Gap] = field(default_factory=list)
    kills: list[int] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gaps = [Gap(0, self.size)]

    def gap_at(self, start: int, step: int) -> int:
        """Index of the gap in which a run from here begins. Raises ``ValueError``."""
        index = bisect_right(self.gaps, start, key=lambda gap: gap.start) - 1
        if step < 0 and index >= 0 and self.gaps[index].start == start:
            index -= 1
        if index < 0 or not self.gaps[index].start <= start <= self.gaps[index].end:
            raise ValueError(f"nothing is untried at {start}")
        return index

    def add(self, start: int, step: int, outcome: Outcome) -> int:
        """Enter a run; the number of clusters it brought."""
        index, end = self.gap_at(start, step), outcome.end
        old = self.gaps[index]
        low, high = (start, end) if step > 0 else (end, start)
        if outcome.killed:
            touched = end if step > 0 else end - 1
            insort(self.kills, touched)
            low, high = min(low, touched), max(high, touched + 1)
        if low < old.start or high > old.end:
            raise ValueError(f"{low}-{high} was not wholly untried")
        brought = abs(end - start)
        lost_low = outcome.killed and (step < 0 or not brought)
        lost_high = outcome.killed and (step > 0 or not brought)
        pieces = [Gap(old.start, low, old.hard_start, lost_low), Gap(high, old.end, lost_high, old.hard_end)]
        self.gaps[index : index + 1] = [gap for gap in pieces if gap.size > 0]
        self.runs.append(Run(start, step, end, outcome.how))
        return brought

    def touched_before(self, position: int) -> int | None:
        """The last touched cluster below a position."""
        index = bisect_left(self.kills, position) - 1
        return self.kills[index] if index >= 0 else None
