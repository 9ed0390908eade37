"""The drop-off strategy on simulated drives, against what people do: power cycles, and the time of a decision.

A few drives of each layout, for a look; the published tables come from ``python -m tests.bench.dropoff --write``.
"""

from __future__ import annotations

from functools import partial

from engine.rescue.strategy import next_pass
from tests.bench.dropoff.board import Board
from tests.bench.dropoff.drives import Drive
from tests.bench.dropoff.layouts import LAYOUTS, PUBLISHED_SEEDS, make
from tests.bench.dropoff.ours import Ours, as_map
from tests.bench.dropoff.play import RIVALS, go
from tests.bench.dropoff.table import OURS, measure
from tests.bench.report import Report

AIM = 1.45


def run(report: Report) -> None:
    """The measure, and the time of a decision late in a rescue."""
    quick = [name for name in LAYOUTS if name not in ("random 40", "periodic", "stripes")]
    layouts, seeds = (quick, PUBLISHED_SEEDS[:1]) if report.small else (list(LAYOUTS), PUBLISHED_SEEDS[:3])
    figures = measure(seeds, layouts)
    for rival in RIVALS:
        report.value(f"measure, against {rival}", figures.score(OURS), "", figures.score(rival), rival, aim=1.0)
    for layout in layouts:
        least = figures.score("halving", [layout])
        report.value(f"measure, {layout}", figures.score(OURS, [layout]), "", least, "halving")
    for layout in ("random 40", "periodic"):
        ours, board = _late(layout, 40)
        decide = partial(next_pass, as_map(board), ours.history, ours.costs)
        report.time(f"a decision after {len(ours.history)} runs, {layout}", decide)


def _late(layout: str, runs: int) -> tuple[Ours, Board]:
    """A rescue after so many runs."""
    drive = Drive(make(layout, PUBLISHED_SEEDS[0]), PUBLISHED_SEEDS[0])
    ours, board = Ours(), Board(drive.size)
    for _ in range(runs):
        choice = ours.choose(board)
        if choice is None:
            break
        go(drive, board, *choice, ours.minds_slow)
    return ours, board
