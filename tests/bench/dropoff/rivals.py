"""What people and simple programs do: the strategies that ours is compared with.

Each is a class with ``choose(board)``, which gives start, direction and limit of the next run, or None to give up.
"""

from __future__ import annotations

from typing import Protocol

from tests.bench.dropoff.board import Board, Gap

Choice = tuple[int, int, int]


class Strategy(Protocol):
    """A strategy in the simulation."""

    minds_slow: bool

    def choose(self, board: Board) -> Choice | None: ...


def _largest(board: Board) -> Gap:
    return max(board.gaps, key=lambda gap: gap.size)


class Halving:
    """Forward from the middle of the largest gap, again and again."""

    minds_slow = False

    def choose(self, board: Board) -> Choice | None:
        if not board.gaps:
            return None
        gap = _largest(board)
        return (gap.start + gap.end) // 2, 1, gap.end


class HalvingWidth:
    """Halving that counts a gap less, the more starts next to it were killed at once: the killer may fill it."""

    minds_slow = False

    def choose(self, board: Board) -> Choice | None:
        if not board.gaps:
            return None
        vain = {run.start for run in board.runs if run.how == "killed" and run.end == run.start}
        gap = max(board.gaps, key=lambda g: g.size / 2 ** ((g.start - 1 in vain) + (g.end in vain)))
        return (gap.start + gap.end) // 2, 1, gap.end


class Exponential:
    """Forward; after each kill a step over the bad place, doubled until a read works; what was stepped over last."""

    minds_slow = False

    def __init__(self) -> None:
        self.step = 1

    def choose(self, board: Board) -> Choice | None:
        if not board.gaps:
            return None
        if not board.runs:
            return 0, 1, board.size
        last = board.runs[-1]
        self.step = 1 if last.end != last.start else self.step * 2
        if last.step > 0 and last.how == "killed":
            for gap in board.gaps:
                if gap.start == last.end + 1 and gap.start + self.step < gap.end:
                    return gap.start + self.step, 1, gap.end
        gap = _largest(board)
        if not gap.hard_end:
            return gap.end, -1, gap.start
        self.step = 1
        return gap.start, 1, gap.end
