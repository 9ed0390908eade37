"""Playing strategies against drives, and the measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tests.bench.dropoff import byhand
from tests.bench.dropoff.board import Board, Run
from tests.bench.dropoff.drives import Drive, Layout, lower_bound
from tests.bench.dropoff.rivals import Exponential, Halving, HalvingWidth, Strategy

PARTS = (0.9, 0.99, 0.999)
"""Parts of the readable clusters at which cycles are counted."""

LIMIT = 3000
"""Power cycles after which a strategy is stopped (and counted with so many)."""

MOST_IN_VAIN = 20
"""Runs in a row that bring nothing and kill nothing, after which a strategy is stopped."""

Player = Callable[[Layout, int], list[int]]
"""From a layout and its seed to the power cycles spent when each of ``PARTS`` was reached."""


def wanted(drive: Drive) -> list[int]:
    """Clusters that make up each part."""
    readable = drive.readable()
    return [math.ceil(part * readable) for part in PARTS]


def play(strategy: Strategy, layout: Layout, seed: int) -> list[int]:
    """Let a strategy rescue a drive until the last part is reached."""
    drive, board = Drive(layout, seed), Board(layout.size)
    goals = wanted(drive)
    spent: list[int] = []
    have = cycles = vain = 0
    while cycles < LIMIT and vain < MOST_IN_VAIN:
        choice = strategy.choose(board)
        if choice is None:
            break
        run, counted = go(drive, board, *choice, strategy.minds_slow)
        have += counted
        while len(spent) < len(goals) and have >= goals[len(spent)]:
            spent.append(cycles)
        if len(spent) == len(goals):
            return spent
        cycles += run.how == "killed"
        vain = 0 if run.brought or run.how == "killed" else vain + 1
    return spent + [max(cycles, LIMIT)] * (len(goals) - len(spent))


def go(drive: Drive, board: Board, start: int, step: int, limit: int, minds_slow: bool) -> tuple[Run, int]:
    """One run over what is untried, entered on the board; and how much of it counts."""
    end, how, brought, counted = limit, "finished", 0, 0
    for begin, stop in board.pieces(start, step, limit):
        outcome = drive.run(begin, step, stop, minds_slow)
        brought += board.cut(begin, step, outcome)
        counted += abs(outcome.end - begin) - _by_chance(drive, begin, outcome.end)
        if outcome.how != "finished":
            end, how = outcome.end, outcome.how
            break
    board.runs.append(Run(start, step, end, how, brought))
    return board.runs[-1], counted


def _by_chance(drive: Drive, one: int, two: int) -> int:
    """Clusters of flaky killers in what was read: they do not count."""
    if not drive.flaky:
        return 0
    low, high = min(one, two), max(one, two)
    return sum(max(0, min(high, end) - max(low, start)) for start, end in drive.killers)


def _player(make: Callable[[], Strategy]) -> Player:
    return lambda layout, seed: play(make(), layout, seed)


def _counted(count: Callable[[Drive, Sequence[int]], list[int]]) -> Player:
    def player(layout: Layout, seed: int) -> list[int]:
        drive = Drive(layout, seed)
        return count(drive, wanted(drive))

    return player


RIVALS: dict[str, Player] = {
    "naive": _counted(byhand.repeated),
    "both ends": _counted(byhand.both_ends),
    "by hand": _counted(byhand.by_hand),
    "exponential": _player(Exponential),
    "halving": _player(Halving),
    "halving, width": _player(HalvingWidth),
}


def bounds(layout: Layout, seed: int) -> list[int]:
    """The lower bound for each of ``PARTS``."""
    return [lower_bound(Drive(layout, seed), part) for part in PARTS]


def ratio(cycles: int, bound: int) -> float:
    """What the measure is made of."""
    return (cycles + 1) / (bound + 1)


def geometric_mean(values: Sequence[float]) -> float:
    """The measure: the geometric mean of the ratios."""
    return math.exp(sum(math.log(value) for value in values) / len(values))
