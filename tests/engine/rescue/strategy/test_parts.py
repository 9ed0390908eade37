"""The parts of the belief, each against drives of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mapfile.model import Mapfile
from engine.rescue.strategy import Costs, How, Run, extents, hazard, sizes, widths
from engine.rescue.strategy.belief import believe
from engine.rescue.strategy.field import points
from engine.rescue.strategy.known import look

GIB = 1 << 30
CLUSTER = 65536
SIZE = 1024 * GIB


def from_runs(*runs: Run) -> tuple[Mapfile, list[Run]]:
    """The map that these runs leave behind."""
    known = Mapfile.new(0, SIZE)
    for run in runs:
        low, high = (run.end, run.stop) if run.reverse else (run.start, run.end)
        known = known.set_range(low, high, "+") if high > low else known
        known = known.set_range(*run.killer, "*") if run.killer else known
    return known, list(runs)


def up(start: int, end: int) -> Run:
    return Run(start, SIZE - start, False, end, How.KILLED, end - start, (end, end + CLUSTER), CLUSTER)


def down(start: int, end: int) -> Run:
    return Run(0, start, True, end, How.KILLED, start - end, (end - CLUSTER, end), CLUSTER)


def test_widths_follow_what_was_measured():
    """Twenty killers of 1 MiB leave little doubt; without any, all orders of magnitude are alike."""
    nothing = widths.learn(np.zeros(0), np.zeros(0), float(SIZE), 512.0)
    assert nothing.beyond(4096) == pytest.approx(0.88, abs=0.08)
    assert 0.2 < nothing.beyond(float(1 << 30)) < 0.45
    measured = widths.learn(np.full(20, 1e6), np.full(20, 1.1e6), float(SIZE), 512.0)
    assert measured.beyond(2.5e5) > 0.85 and measured.beyond(4e6) < 0.15
    tail = measured.beyond(np.geomspace(600, SIZE, 50))
    assert (np.diff(tail) <= 1e-12).all() and tail.min() >= 0 and tail.max() <= 1


def test_places_with_the_same_distance_again_and_again_are_wide_killers():
    """Eight times a run from below died 3 GiB before a run from above did: no chance of sixteen killers."""
    runs = []
    for number in range(8):
        at = (40 + 110 * number) * GIB + number * 7 * GIB
        runs += [up(at - 20 * GIB, at), down(at + 23 * GIB, at + 3 * GIB)]
    known = look(*from_runs(*runs), Costs())
    belief = believe(known, Costs())
    between = known.dead.exact_start  # the lower place of each pair
    assert between.sum() == 8
    assert belief.extents.linked[between].min() > 0.8
    assert belief.extents.first.sum() == 8


def test_places_far_apart_are_two_killers():
    known = look(*from_runs(up(0, 200 * GIB), down(SIZE, 800 * GIB)), Costs())
    belief = believe(known, Costs())
    assert belief.extents.linked[0] < 0.3 and belief.extents.first.sum() == 2


def test_killers_in_a_group_raise_the_danger_near_them_only():
    runs, at = [up(0, 500 * GIB)], 500 * GIB
    for _ in range(9):
        start, at = at + GIB // 16, at + GIB // 4
        runs.append(up(start, at))
    known = look(*from_runs(*runs), Costs())
    grouped = extents.alone(known)
    dangers = hazard.learn(known, extents.learn_widths(known, grouped, 512), CLUSTER)
    near, far = dangers.rate(np.array([1e-3, 0.3]))
    assert near > 20 * far


def test_scattered_killers_are_counted():
    places = [int(SIZE * (n + 0.5) / 30) // CLUSTER * CLUSTER for n in range(30)]
    runs = [up(0, places[0])] + [up(a + GIB, b) for a, b in zip(places, places[1:], strict=False)]
    known = look(*from_runs(*runs), Costs())
    dangers = hazard.learn(known, extents.learn_widths(known, extents.alone(known), 512), CLUSTER)
    assert 18 < dangers.overall < 55


@pytest.mark.parametrize("shrink", [1.0, 0.985])
def test_regular_distances_are_predicted(shrink):
    """Five killers met, not all neighbours: the rest is predicted within a hundredth of the distance."""
    places, at, distance = [], 17 * GIB, 60 * GIB
    while at < SIZE:
        places.append(at // CLUSTER * CLUSTER)
        distance = int(distance * shrink)
        at += distance
    runs = [up(places[k] - 20 * GIB, places[k]) for k in (2, 3, 4, 6, 9)]
    known = look(*from_runs(*runs), Costs())
    belief = believe(known, Costs())
    assert belief.predictions and belief.disorder < 0.5
    best = max(belief.predictions, key=lambda one: one.weight)
    expected = best.begins * SIZE
    for place in places[5:9]:
        assert np.abs(expected - place).min() < 0.01 * 60 * GIB
    assert sum(one.weight for one in belief.predictions) <= 0.95, "it is never quite sure"


def test_killers_in_no_order_are_not_predicted():
    wrong = 0
    for seed in range(12):
        places = np.sort(np.random.default_rng(seed).integers(GIB, SIZE - GIB, 8) // CLUSTER * CLUSTER).tolist()
        starts = [0, *[place + GIB // 2 for place in places[:-1]]]
        runs = [up(a, b) for a, b in zip(starts, places, strict=True) if b > a]
        belief = believe(look(*from_runs(*runs), Costs()), Costs())
        wrong += belief.disorder < 0.5
    assert wrong <= 2


def test_points_are_aligned_ascending_and_inside():
    starts, ends = np.array([1000, 10 * CLUSTER, 5]), np.array([GIB + 7, 11 * CLUSTER, 6])
    made = points(starts, ends, CLUSTER, np.empty((3, 0), np.int64))
    assert (np.diff(made, axis=1) >= 0).all()
    assert (made[:, 0] == starts).all() and (made[:, -1] == ends).all()
    inner = (made > starts[:, None]) & (made < ends[:, None])
    assert (made[inner] % CLUSTER == 0).all()


def test_small_drives_are_read_in_sectors_and_large_ones_in_clusters():
    costs = Costs()
    assert sizes.unit(costs, 64 << 20) == 512
    assert sizes.unit(costs, 1 << 40) == costs.cluster_size
    assert sizes.cluster(costs, 1 << 20, 0.5) == 512
    assert sizes.cluster(costs, 1 << 39, 0.5) == costs.cluster_size
