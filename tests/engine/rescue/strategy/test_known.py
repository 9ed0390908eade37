"""What a decision is told: places that kill, ground tried in vain, gaps and their sides, budgets, worth. By hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import UsageError
from engine.mapfile.model import Mapfile
from engine.ranges import MAX_POSITION, RangeSet
from engine.rescue.strategy import Costs, How, Run, budgets, edges, sizes
from engine.rescue.strategy.known import MAX_GAPS, MAX_SUSPECTS, in_vain, look, touched
from engine.rescue.strategy.worth import tier, value

S = 512
C = 4096
COSTS = Costs(sector_size=S, cluster_size=C)


def blocks(*parts: tuple[int, str]) -> Mapfile:
    at, made = 0, []
    for size, status in parts:
        made.append((at, size, status))
        at += size
    return Mapfile.from_blocks(made)


def run(start: int, stop: int, end: int, how: How, gained: int = 1, **more: object) -> Run:
    facts: dict[str, object] = {"reverse": False, "cluster": C, **more}
    reverse = bool(facts.pop("reverse"))
    return Run(start, stop - start, reverse, end, how, gained, **facts)  # type: ignore[arg-type]


# -- places that kill --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", list(How))
def test_only_runs_that_cost_a_cycle_touched_a_killer(how):
    found = touched([run(0, 100_000, 50_000, how, killer=(50_000, 50_512))], S)
    assert found == ([(50_000, 50_512)] if how in (How.KILLED, How.HUNG) else [])


def test_a_killer_nobody_saw_is_one_read_behind_the_end():
    assert touched([run(0, 100_000, 50_000, How.KILLED)], S) == [(50_000, 50_000 + C)]
    assert touched([run(0, 100_000, 50_000, How.KILLED, reverse=True)], S) == [(50_000 - C, 50_000)]
    assert touched([run(0, 100_000, 100, How.KILLED, reverse=True)], S) == [(0, 100)], "not below the beginning"
    assert touched([run(0, 9, 9, How.KILLED, killer=(9, 9))], S) == [(9, 10)], "never empty"


def test_a_run_that_died_at_once_touched_its_first_sector_too():
    killer = (70_000, 70_512)
    assert touched([run(1000, 90_000, 70_000, How.KILLED, 0, killer=killer)], S) == [killer, (1000, 1512)]
    up = run(1000, 90_000, 70_000, How.HUNG, 0, killer=killer, reverse=True)
    assert touched([up], S) == [killer, (90_000 - S, 90_000)]
    assert touched([run(1000, 1100, 1000, How.KILLED, 0, killer=killer)], S)[1] == (1000, 1100), "no more than it was"


@pytest.mark.parametrize(
    ("how", "partial", "wanted"),
    [
        (How.FINISHED, False, (1000, 9000)), (How.ERRORS, False, (1000, 9000)),
        (How.FINISHED, True, (1000, 1000 + C)), (How.STOPPED, False, (1000, 1000 + C)),
        (How.SLOW, False, (1000, 1000 + C)), (How.KILLED, False, None), (How.HUNG, False, None),
    ],
)  # fmt: skip
def test_what_was_run_over_in_vain(how, partial, wanted):
    found = in_vain([run(1000, 9000, 1000, how, 0, partial=partial)])
    assert found == (RangeSet.of(*wanted) if wanted else RangeSet())
    assert not in_vain([run(1000, 9000, 1000, how, 1, partial=partial)]), "it gained something"
    mirrored = in_vain([run(1000, 9000, 9000, how, 0, partial=partial, reverse=True)])
    if wanted:
        assert mirrored == RangeSet.of(10_000 - wanted[1], 10_000 - wanted[0])
    short = in_vain([run(1000, 1100, 1000, how, 0, partial=partial)])
    assert short == (RangeSet.of(1000, 1100) if wanted else RangeSet())


# -- gaps --------------------------------------------------------------------------------------------------------------

M = 1 << 20


def test_gaps_and_what_borders_them():
    """Read, killer, untried, read, untried, killer, untried: which sides are hard."""
    known = blocks((M, "+"), (C, "*"), (M - C, "?"), (M, "+"), (M, "?"), (C, "*"), (M - C, "?"))
    history = [run(0, M * 6, M, How.KILLED, M, killer=(M, M + C)),
               run(2 * M, 6 * M, 4 * M, How.KILLED, M, killer=(4 * M, 4 * M + C))]  # fmt: skip
    found = look(known, history, COSTS)
    assert (found.start, found.end, found.size, found.kills) == (0, 5 * M, 5 * M, 2)
    assert list(zip(found.gaps.starts.tolist(), found.gaps.ends.tolist(), strict=True)) == [
        (M + C, 2 * M), (3 * M, 4 * M), (4 * M + C, 5 * M),
    ]  # fmt: skip
    assert found.gaps.hard_start.tolist() == [True, False, True]
    assert found.gaps.hard_end.tolist() == [False, True, False]
    assert found.gaps.left.tolist() == [0, 0, 1]
    assert found.gaps.right.tolist() == [1, 1, 2]
    assert not found.gaps.slow.any()
    assert found.dead.starts.tolist() == [M, 4 * M]
    assert found.dead.exact_start.tolist() == [True, False]
    assert found.dead.exact_end.tolist() == [False, False]
    assert found.missing == 3 * M
    assert not found.failed, "the failed blocks are the killers themselves"
    assert found.untried.total == 3 * M - 2 * C
    assert found.blank == known.ranges("?")


def test_killers_at_the_borders_are_exact_there():
    known = blocks((C, "*"), (M, "?"), (C, "*"))
    history = [run(0, M + 2 * C, 0, How.KILLED, killer=(0, C)),
               run(0, M + 2 * C, M + 2 * C, How.KILLED, killer=(M + C, M + 2 * C), reverse=True)]  # fmt: skip
    dead = look(known, history, COSTS).dead
    assert (dead.exact_start.tolist(), dead.exact_end.tolist()) == ([True, False], [False, True])


def test_what_was_read_after_all_kills_no_more():
    known = blocks((M, "+"), (M, "?"))
    history = [run(0, 2 * M, M - 2 * C, How.KILLED, killer=(M - 2 * C, M + C))]
    found = look(known, history, COSTS)
    assert (found.dead.starts.tolist(), found.dead.ends.tolist()) == ([M], [M + C])
    assert found.untried == RangeSet.of(M + C, 2 * M)


@pytest.mark.parametrize("count", [MAX_SUSPECTS, MAX_SUSPECTS + 1])
def test_so_many_failed_blocks_may_be_killers(count):
    known = Mapfile.new(0, (count + 1) * 16 * M)
    for number in range(count):
        known = known.set_range((number + 1) * 16 * M, (number + 1) * 16 * M + S, "*")
    assert len(look(known, [], COSTS).dead) == (count if count <= MAX_SUSPECTS else 0)
    reached = [run(0, known.end, known.end, How.ERRORS)]
    assert not len(look(known, reached, COSTS).dead), "a run made them, and lived"
    assert look(known, reached, COSTS).failed.total == count * S


def test_gaps_are_joined_over_little_and_never_over_a_killer():
    small, large = 16 * C, 16 * C + S
    for between, joined in ((small, True), (large, False)):
        known = blocks((M, "?"), (between, "+"), (M, "?"))
        assert len(look(known, [], COSTS).gaps) == (1 if joined else 2)
    known = blocks((M, "?"), (S, "*"), (M, "?"))
    killed = [run(0, 2 * M, M, How.KILLED, killer=(M, M + S))]
    assert len(look(known, killed, COSTS).gaps) == 2
    many = Mapfile.from_blocks((n * M, M, "?+"[n % 2]) for n in range(2 * MAX_GAPS + 50))
    assert len(look(many, [], COSTS).gaps) <= MAX_GAPS
    assert look(many, [], COSTS).untried == many.ranges("?")


def test_slow_ground_is_put_off():
    known = blocks((M, "+"), (63 * M, "?"))
    found = look(known, [run(0, 64 * M, M, How.SLOW)], COSTS)
    assert found.gaps.starts.tolist() == [M, 2 * M]
    assert found.gaps.slow.tolist() == [True, False], "256 clusters"
    again = look(known, [run(0, 64 * M, M, How.SLOW), run(2 * M, 64 * M, 2 * M, How.SLOW)], COSTS)
    assert again.gaps.starts.tolist() == [M, 4 * M], "twice as much beside such ground"
    backwards = look(known, [run(0, 64 * M, 60 * M, How.SLOW, reverse=True)], COSTS)
    assert backwards.gaps.starts.tolist() == [M, 59 * M, 60 * M]
    assert backwards.gaps.slow.tolist() == [False, True, False]
    assert not look(known, [run(0, 64 * M, M, How.STOPPED)], COSTS).gaps.slow.any()


def test_the_domain_may_be_larger_than_the_map():
    known = Mapfile.from_blocks([(2 * M, M, "+")])
    found = look(known, [], Costs(domain=RangeSet([(M, 3 * M), (4 * M, 5 * M)])))
    assert found.untried == RangeSet([(M, 2 * M), (4 * M, 5 * M)])
    assert found.missing == 2 * M
    nothing = look(known, [], Costs(domain=RangeSet()))
    assert (nothing.size, nothing.missing, len(nothing.gaps)) == (0, 0, 0)


# -- failed blocks, and the edges of killers ---------------------------------------------------------------------------


def test_trimming_takes_the_stretch_with_most_and_crosses_no_killer():
    known = blocks(
        (S, "*"), (M, "+"), (2 * S, "/"), (M, "?"), (3 * S, "*"), (M, "+"), (S, "/"), (M, "+"), (C, "*"), (M, "+"),
        (3 * S, "*"), (M, "+"),
    )  # fmt: skip
    killer = 4 * M + 7 * S
    assert known.status_at(killer) == "*"
    assert edges.trimming(look(Mapfile.new(0, M, "+"), [], COSTS)) is None
    history = [
        run(0, known.end, killer, How.KILLED, killer=(killer, killer + C)),
        run(0, known.end, known.end, How.ERRORS),
    ]
    found = edges.trimming(look(known, history, COSTS))
    assert found is not None
    assert (found.start, found.end) == (2 * M + 3 * S, killer - M), "4 sectors between untried ground and the killer"
    assert (found.reverse, found.gain) == (False, 2.0 * S)
    assert 0 < found.risk < 0.5


def narrowed(known: Mapfile, *history: Run) -> edges.Ground | None:
    return edges.narrowing(look(known, history, COSTS), COSTS)


def killed(low: int, high: int, **more: object) -> Run:
    facts: dict[str, object] = {"killer": (low, high), **more}
    return run(0, 8 * M, high if facts.get("reverse") else low, How.KILLED, **facts)  # type: ignore[arg-type]


def test_the_edge_of_a_killer_is_met_from_the_side_that_is_read():
    lost = killed(M, M + C)
    below = narrowed(blocks((M, "+"), (7 * M, "?")), lost)
    assert below is not None
    assert (below.start, below.end, below.reverse, below.gain) == (M, M + C, False, C / 2)
    above = narrowed(blocks((M + C, "?"), (7 * M - C, "+")), killed(M, M + C, reverse=True))
    assert above is not None
    assert (above.start, above.end, above.reverse) == (M, M + C, True)
    both = narrowed(blocks((M, "+"), (C, "?"), (7 * M - C, "+")), lost)
    assert both is not None
    assert not both.reverse
    for border in ((0, C), (8 * M - C, 8 * M)):
        at_border = narrowed(Mapfile.new(0, 8 * M), killed(*border))
        assert at_border is not None
        assert (at_border.start, at_border.end, at_border.reverse, at_border.gain) == (*border, border[0] > 0, C / 2)
    assert below.risk == above.risk > 0.5


def test_between_untried_ground_the_middle_is_tried_and_less_believed():
    """Off a middle in whole sectors; a part of a lost read is believed in proportion."""
    odd = narrowed(Mapfile.new(0, 8 * M), killed(M, M + 7 * S))
    assert odd is not None
    assert (odd.start, odd.end, odd.reverse) == (M + 3 * S, M + 7 * S, False)
    assert odd.gain == pytest.approx(7 * S * 0.5 * 0.1)
    known = Mapfile.new(0, 8 * M)
    inner = narrowed(known, killed(4 * M, 4 * M + S), killed(M, M + 8 * S), killed(M + 6 * S, M + 7 * S))
    assert inner is not None
    assert (inner.start, inner.end) == (M + 3 * S, M + 6 * S)
    assert inner.gain == pytest.approx(6 * S * 0.5 * 0.1 * 6 / 8)


def test_single_sectors_that_killed_or_were_read_through_give_nothing_more():
    known = blocks((M, "+"), (7 * M, "?"))
    assert narrowed(known, killed(M, M + S)) is None
    assert narrowed(known) is None
    lost = killed(M, M + C)
    for how, cluster, partial, left in (
        (How.ERRORS, S, False, False), (How.FINISHED, S, False, False), (How.ERRORS, S, True, True),
        (How.ERRORS, 2 * S, False, True), (How.STOPPED, S, False, True),
    ):  # fmt: skip
        through = run(M, M + C, M + C, how, 1, cluster=cluster, partial=partial)
        assert (narrowed(known, lost, through) is not None) == left, (how, cluster, partial)
    vain = run(M, M + C, M, How.STOPPED, 0, cluster=S)
    found = narrowed(known, lost, vain)
    assert found is not None
    assert (found.start, found.end) == (M + S + 3 * S, M + C), "the first read was in vain: from the middle of the rest"


def test_the_larger_part_comes_first():
    known = blocks((M, "+"), (C, "?"), (M, "+"), (2 * C, "?"), (5 * M, "+"))
    two = narrowed(known, killed(M, M + C), killed(2 * M + C, 2 * M + 3 * C))
    assert two is not None
    assert (two.start, two.end, two.gain) == (2 * M + C, 2 * M + 3 * C, C)


# -- budgets, sizes, worth ---------------------------------------------------------------------------------------------


def state(*runs: Run):
    return look(blocks((M, "+"), (M, "?")), runs, COSTS)


def test_cycles_allowed_may_be_used_up_but_not_exceeded():
    killed = run(0, 2 * M, M, How.KILLED, killer=(M, M + S))
    assert budgets.spent(state(killed), Costs(max_cycles=1)) is None
    over = budgets.spent(state(killed, killed), Costs(max_cycles=1))
    assert over is not None
    assert over.code == "cycles"
    assert budgets.spent(state(), Costs(max_cycles=0)) is None


def test_time_left_must_do_for_a_pass_and_for_the_cycle_before_it():
    killed, well = run(0, 2 * M, M, How.KILLED, killer=(M, M + S)), run(0, 2 * M, M, How.STOPPED)
    for runs, needed in (((), 4.0), ((well,), 4.0), ((killed, well), 4.0), ((well, killed), 64.0)):
        assert budgets.spent(state(*runs), Costs(seconds_left=needed, pass_seconds=4.0, cycle_seconds=60.0)) is None
        over = budgets.spent(state(*runs), Costs(seconds_left=needed - 0.01, pass_seconds=4.0, cycle_seconds=60.0))
        assert over is not None
        assert over.code == "time"


def test_what_a_cycle_has_to_bring():
    missing = state()
    assert budgets.least_yield(missing, Costs(min_bytes_per_cycle=77)) == 77.0
    assert budgets.least_yield(missing, Costs()) == M / budgets.HOPELESS
    assert budgets.least_yield(missing, Costs(automatic=False)) == 64.0
    assert budgets.least_yield(missing, Costs(edges=False)) == 64.0
    assert budgets.given_up(missing, Costs(), 0.0).code == "nothing-left"
    assert budgets.given_up(missing, Costs(), 0.1).code == "yield"


def test_the_price_of_a_pass():
    assert budgets.price(Costs(pass_seconds=6.0, cycle_seconds=60.0)) == pytest.approx(0.1)
    assert budgets.price(Costs(pass_seconds=60.0, cycle_seconds=60.0)) == 0.3
    assert budgets.price(Costs(pass_seconds=0.0, cycle_seconds=60.0)) == 0.02
    assert budgets.price(Costs(pass_seconds=60.0, cycle_seconds=60.0, automatic=False)) == pytest.approx(0.1)
    assert budgets.cycle_seconds(Costs(cycle_seconds=900.0, automatic=False)) == 900.0


def test_reads_are_as_small_as_time_allows():
    costs = Costs(sector_size=512, cluster_size=4096, read_seconds=0.001, pass_seconds=1.0, cycle_seconds=10.0)
    assert [sizes.cluster(costs, n * 512, 0.0) for n in (1000, 1001, 2000, 2001, 8000, 8001)] == [
        512, 1024, 1024, 2048, 4096, 4096,
    ]  # fmt: skip
    assert sizes.cluster(costs, 5000 * 512, 1.0) == 512, "half a cycle, at this risk"
    assert sizes.cluster(costs, 5001 * 512, 1.0) == 1024
    assert [sizes.unit(costs, n * 512) for n in (5000, 5001)] == [512, 1024]


def test_what_is_wanted_first_by_its_factor():
    one, two, three = RangeSet.of(0, 10), RangeSet.of(5, 20), RangeSet.of(100, 110)
    valuable = ((one, 2.0), (three, 9.0), (two, 4.0))
    assert [list(tier(valuable, count)) for count in range(5)] == [
        [], [(100, 110)], [(5, 20), (100, 110)], [(0, 20), (100, 110)], [(0, 20), (100, 110)],
    ]  # fmt: skip
    worth = value(RangeSet([(0, 50), (105, 200)]), Costs(valuable=valuable))
    sums = [float(worth.upto(np.array([at], float))[0]) for at in (0, 5, 10, 20, 50, 105, 110, 200, 300)]
    assert np.diff([0.0, *sums]).tolist() == [0.0, 10.0, 20.0, 40.0, 30.0, 0.0, 45.0, 90.0, 0.0]
    assert value(RangeSet(), COSTS).upto(np.array([5.0])).tolist() == [0.0]


def test_passes_may_begin_where_the_largest_wanted_ranges_do():
    """Of each set and each gap the four largest; what another set holds already counts with that one."""
    many = RangeSet([(at * 100, at * 100 + size) for at, size in enumerate((5, 60, 20, 50, 40, 30))])
    worth = value(RangeSet.of(0, 1000), Costs(valuable=((many, 2.0), (RangeSet.of(130, 150), 9.0))))
    assert [list(one) for one in worth.valuable] == [
        [(130, 150)], [(0, 5), (100, 130), (150, 160), (200, 220), (300, 350), (400, 440), (500, 530)],
    ]  # fmt: skip
    edges_ = worth.edges(np.array([0, 320]), np.array([1000, 420]))
    assert edges_.shape == (2, 16)
    assert set(edges_[0].tolist()) == {0, 130, 150, 300, 350, 400, 440, 100, 500, 530}
    assert set(edges_[1].tolist()) == {320, 350, 400, 420}
    assert value(RangeSet.of(0, 9), COSTS).edges(np.array([0]), np.array([9])).shape == (1, 0)


# -- what is saved -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sound"),
    [
        ({"end": 0}, True), ({"end": MAX_POSITION}, True), ({"end": -1}, False), ({"gained": 0}, True),
        ({"cluster": 1}, True), ({"cluster": 0}, False), ({"size": 1}, True), ({"killer": [5, 6]}, True),
        ({"killer": [6, 6]}, False), ({"killer": [-1, 6]}, False), ({"killer": [5, MAX_POSITION]}, True),
        ({"killer": [5, MAX_POSITION + 1]}, False), ({"killer": None}, True), ({"size": MAX_POSITION}, True),
        ({"size": MAX_POSITION + 1}, False), ({"partial": True}, True),
    ],
)  # fmt: skip
def test_limits_of_a_saved_run(change, sound):
    saved = run(0, 100, 50, How.KILLED).to_json() | change
    if not sound:
        with pytest.raises(ValueError, match="not a run"):
            Run.from_json(saved)
        return
    made = Run.from_json(saved)
    assert made.to_json() == saved
    del saved["partial"]
    assert Run.from_json(saved).partial is False


@pytest.mark.parametrize(
    ("facts", "sound"),
    [
        ({"sector_size": 512, "cluster_size": 512}, True), ({"sector_size": 1, "cluster_size": 1}, True),
        ({"read_seconds": 0.0, "pass_seconds": 0.0}, True), ({"read_seconds": -1.0}, False),
        ({"pass_seconds": -1.0}, False), ({"bytes_per_second": 0.0}, False), ({"cycle_seconds": 0.1}, True),
        ({"valuable": ((RangeSet(), 0.0),)}, False), ({"valuable": ((RangeSet(), 0.1), (RangeSet(), -1.0))}, False),
    ],
)  # fmt: skip
def test_limits_of_costs(facts, sound):
    if sound:
        Costs(**facts)
    else:
        with pytest.raises(UsageError):
            Costs(**facts)
