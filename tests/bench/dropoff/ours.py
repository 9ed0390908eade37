"""Our strategy in the simulation: the board as a map, its runs as a history."""

from __future__ import annotations

import numpy as np

from engine.mapfile.model import Mapfile
from engine.rescue.strategy import Costs, Done, How, Pass, Run, next_pass
from tests.bench.dropoff.board import Board

CLUSTER = 65536


class Ours:
    """``next_pass``, called with what a campaign would know."""

    minds_slow = True

    def __init__(self, costs: Costs | None = None) -> None:
        self.costs = costs or Costs(cluster_size=CLUSTER)
        self.history: list[Run] = []
        self.last: Pass | None = None

    def choose(self, board: Board) -> tuple[int, int, int] | None:
        if self.last is not None:
            self.history.append(_run(board, self.last))
        made = next_pass(as_map(board), self.history, self.costs)
        if isinstance(made, Done):
            return None
        self.last = made
        self.minds_slow = made.stop_when_slow
        low, high = made.start // CLUSTER, made.stop // CLUSTER
        return (high, -1, low) if made.reverse else (low, 1, high)


def as_map(board: Board) -> Mapfile:
    """Gaps are non-tried, touched clusters failed, the rest finished."""
    spans = sorted([(g.start, g.end, 1) for g in board.gaps] + [(k, k + 1, 2) for k in set(board.kills)])
    bounds, codes, at = [0], [], 0
    for low, high, code in spans:
        if low > at:
            bounds.append(low)
            codes.append(0)
        bounds.append(high)
        codes.append(code)
        at = high
    if at < board.size:
        bounds.append(board.size)
        codes.append(0)
    return Mapfile(np.array(bounds, np.int64) * CLUSTER, np.array(codes, np.uint8))


def _run(board: Board, made: Pass) -> Run:
    run = board.runs[-1]
    how = {"killed": How.KILLED, "slow": How.SLOW, "finished": How.FINISHED}[run.how]
    touched = run.end - 1 if run.step < 0 else run.end
    killer = (touched * CLUSTER, (touched + 1) * CLUSTER) if how is How.KILLED else None
    gained = run.brought * CLUSTER
    return Run(made.start, made.size, made.reverse, run.end * CLUSTER, how, gained, killer, CLUSTER)
