"""What next_pass decides in situations that a person can check."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.errors import UsageError
from engine.mapfile.model import Mapfile
from engine.ranges import MAX_POSITION, RangeSet
from engine.rescue.strategy import Costs, Done, How, Kind, Pass, Run, next_pass
from tests.engine.rescue.strategy.patient import Campaign, Patient

MIB = 1 << 20
GIB = 1 << 30
CLUSTER = 65536
SIZE = 64 * GIB


def decide(known: Mapfile, *runs: Run, **costs: object) -> Pass:
    made = next_pass(known, runs, Costs(**costs))  # type: ignore[arg-type]
    assert isinstance(made, Pass), made
    return made


def died(start: int, end: int, stop: int = SIZE) -> Run:
    """Upwards from start, dead at end."""
    return Run(start, stop - start, False, end, How.KILLED, end - start, (end, end + CLUSTER))


def after(known: Mapfile, run: Run) -> Mapfile:
    """The map when this run, which met no bad sector, is over."""
    low, high = (run.end, run.stop) if run.reverse else (run.start, run.end)
    known = known.set_range(low, high, "+") if high > low else known
    return known.set_range(*run.killer, "*") if run.killer else known


def test_the_first_pass_leaves_out_the_beginning_and_the_next_ones_bring_it():
    patient = Patient(SIZE)
    campaign = Campaign.of(patient)
    first = campaign.step()
    assert first is not None
    assert first.kind is Kind.FIRST and 0 < first.start <= SIZE // 64 and first.stop == SIZE and not first.reverse
    second = campaign.step()
    assert second is not None
    assert (second.start, second.stop, second.reverse) == (0, first.start, True)
    assert campaign.step() is None
    assert campaign.done is not None and campaign.done.code == "complete" and campaign.cycles == 0


def test_one_killer_costs_one_cycle():
    """The bound of every strategy; and the far side of the killer is read without touching it."""
    at = 23 * GIB + 5 * CLUSTER
    campaign = Campaign.of(Patient(SIZE, [(at, at + 4 * CLUSTER)]))
    campaign.go(100, until=SIZE * 999 // 1000)
    assert campaign.cycles == 1 and campaign.known.totals().finished >= SIZE * 999 // 1000


def test_after_a_kill_it_starts_away_from_the_killer_and_says_so():
    run = died(0, 10 * GIB)
    made = decide(after(Mapfile.new(0, SIZE), run), run)
    begin = made.stop if made.reverse else made.start
    assert abs(begin - 10 * GIB) > GIB
    assert "killer at 10.0 GiB" in made.reason or "to" in made.reason
    assert made.reason.count(".") >= 1 and "\n" not in made.reason and made.reason[0].isupper()
    assert 0 < made.gain <= made.size and 0 <= made.risk <= 1


def test_a_gap_between_known_killers_is_read_up_to_shortly_before_them():
    """10 GiB is open at both ends beside finished ground, a killer at its far end: no reason to touch that."""
    run = died(0, 10 * GIB)
    back = Run(10 * GIB, SIZE - 10 * GIB, True, 12 * GIB, How.STOPPED, SIZE - 12 * GIB)
    known = after(after(Mapfile.new(0, SIZE), run), back)
    made = decide(known, run, back)
    assert made.reverse and made.stop == 12 * GIB and made.kind is Kind.READ
    assert 10 * GIB + CLUSTER < made.start < 11 * GIB
    assert "short of the killer at 10.0 GiB" in made.reason


def test_ordinary_bad_sectors_are_no_killers():
    """Errors without a death: the next pass goes on right behind them, and trims them in the end."""
    at = 20 * GIB
    errors = [(at + i * MIB, at + i * MIB + 512) for i in range(200)]
    campaign = Campaign.of(Patient(SIZE, errors=errors))
    campaign.go(50)
    assert campaign.cycles == 0
    assert [made.kind for made in campaign.passes] == [Kind.FIRST, Kind.READ, Kind.TRIM]
    assert campaign.passes[-1].trim and campaign.passes[-1].start == at
    assert campaign.known.totals().finished == SIZE - 200 * 512
    assert campaign.done is not None and campaign.done.code == "nothing-left"


def test_failed_blocks_of_unknown_origin_are_taken_for_killers_when_they_are_few():
    known = Mapfile.new(0, SIZE).set_range(0, 10 * GIB, "+").set_range(10 * GIB, 10 * GIB + CLUSTER, "*")
    made = decide(known)
    begin = made.stop if made.reverse else made.start
    assert abs(begin - 10 * GIB) > 64 * MIB
    known = Mapfile.new(0, SIZE).set_range(0, 10 * GIB, "+")
    for index in range(100):
        known = known.set_range((index + 1) * 64 * MIB, (index + 1) * 64 * MIB + 512, "-")
    made = decide(known)
    assert (made.start, made.reverse) == (10 * GIB, False)


def test_a_slow_zone_comes_after_the_rest_and_is_then_read_to_its_end():
    patient = Patient(SIZE, slow=[(30 * GIB, 30 * GIB + 600 * MIB)])
    campaign = Campaign.of(patient).go(100)
    assert campaign.known.totals().finished == SIZE and campaign.cycles == 0
    kinds = [made.kind for made in campaign.passes]
    slow = [made for made in campaign.passes if made.kind is Kind.SLOW]
    assert slow and not any(made.stop_when_slow for made in slow)
    assert all(made.stop_when_slow for made in campaign.passes if made.kind is not Kind.SLOW)
    assert kinds.index(Kind.SLOW) >= len(kinds) - len(slow), "read before the rest was had"


def test_valuable_ranges_come_first():
    wanted = RangeSet([(40 * GIB, 40 * GIB + 256 * MIB)])
    made = decide(Mapfile.new(0, SIZE), valuable=((wanted, 1000.0),))
    low, high = made.start, made.stop
    assert low <= 40 * GIB and high >= 40 * GIB + 256 * MIB
    begin = made.stop if made.reverse else made.start
    assert min(abs(begin - 40 * GIB), abs(begin - 40 * GIB - 256 * MIB)) <= 256 * MIB, "it begins beside what is wanted"


def test_what_is_wanted_first_comes_in_its_order_and_by_itself():
    """Many small pieces, then larger ones, then the rest: nothing else is touched before."""
    small = RangeSet([(place * GIB, place * GIB + 256 * 1024) for place in range(1, 60)])
    large = RangeSet([(5 * GIB, 9 * GIB), (30 * GIB, 31 * GIB)])
    campaign = Campaign.of(Patient(SIZE, [(20 * GIB, 20 * GIB + MIB)]), Costs(valuable=((large, 4.0), (small, 16.0))))
    campaign.go(200, until=campaign.readable().total)
    tiers = [made.tier for made in campaign.passes]
    assert tiers.count(1) < 20, "pieces that lie far apart are read in one pass"
    assert set(tiers) == {0, 1, 2}
    seen = Mapfile.new(0, SIZE)
    for made, run in zip(campaign.passes, campaign.history, strict=True):
        if made.tier != 1:
            break
        assert run.partial
        seen = campaign.patient.run(seen, made, small)[0]
    assert seen.ranges("+").intersect(small).total >= small.total * 0.9
    assert not seen.ranges("+").subtract(small)
    assert tiers.index(2) > tiers.index(1) and tiers.index(0) > tiers.index(2)
    assert "Wanted first (1 of 2): " in campaign.passes[0].reason
    assert not campaign.readable().subtract(campaign.known.ranges("+"))


def test_what_is_wanted_first_is_no_reason_to_waste_cycles():
    """When it lies in the worst of places, the rest comes before its last pieces."""
    killers = [(at, at + MIB) for at in range(10 * GIB, 11 * GIB, 16 * MIB)]
    wanted = RangeSet.of(10 * GIB, 11 * GIB)
    campaign = Campaign.of(Patient(SIZE, killers), Costs(valuable=((wanted, 1e6),)))
    campaign.go(400, until=SIZE * 98 // 100)
    assert campaign.cycles < 40, "not each of 64 killers was touched for it"


def test_the_domain_is_kept_to():
    domain = RangeSet([(5 * GIB, 6 * GIB), (9 * GIB, 20 * GIB)])
    patient = Patient(SIZE, [(10 * GIB, 10 * GIB + MIB)])
    campaign = Campaign.of(patient, Costs(domain=domain))
    campaign.go(200)
    outside = campaign.known.ranges("+*-/").subtract(domain)
    between = RangeSet.of(6 * GIB, 9 * GIB)
    assert not outside.subtract(between), outside
    assert campaign.known.ranges("+").intersect(domain).total >= domain.total - MIB - 2 * 512


@pytest.mark.parametrize(
    ("costs", "code"),
    [
        ({"max_cycles": 0}, "cycles"),
        ({"seconds_left": 0.0}, "time"),
        ({"min_bytes_per_cycle": 60 * GIB}, "yield"),
        ({"domain": RangeSet([(0, GIB)])}, "complete"),
        ({"domain": RangeSet()}, "complete"),
    ],
)
def test_budgets_end_it(costs, code):
    run = died(0, 10 * GIB)
    made = next_pass(after(Mapfile.new(0, SIZE), run), [run], Costs(**costs))
    assert isinstance(made, Done) and made.code == code
    assert made.reason.endswith(".") and "\n" not in made.reason


def test_so_many_cycles_as_allowed_are_used():
    """With 3 cycles allowed the drive may die a fourth time: only then a cycle would be needed that is not there."""
    killers = [(at * GIB, at * GIB + CLUSTER) for at in range(2, 60, 3)]
    campaign = Campaign.of(Patient(SIZE, killers), Costs(max_cycles=3)).go(500)
    assert campaign.done is not None and campaign.done.code == "cycles" and campaign.cycles == 4


def test_a_source_of_unknown_size_needs_a_domain():
    known = Mapfile.new(0, MAX_POSITION)
    with pytest.raises(UsageError):
        next_pass(known, [], Costs())
    assert isinstance(next_pass(known, [], Costs(domain=RangeSet.of(0, SIZE))), Pass)


@pytest.mark.parametrize("kind", ["few", "regular", "close", "slow"])
def test_where_a_drive_begins_changes_nothing(kind):
    """The same map and history somewhere else: the same pass there."""
    killers = {
        "few": [(at * GIB, at * GIB + 3 * CLUSTER) for at in (7, 21, 50)],
        "regular": [(at, at + 16 * CLUSTER) for at in range(GIB + 77 * CLUSTER, SIZE, 5 * GIB + 129 * CLUSTER)],
        "close": [(30 * GIB + at * 64 * MIB, 30 * GIB + at * 64 * MIB + 8 * MIB) for at in range(12)],
        "slow": [(9 * GIB, 9 * GIB + MIB)],
    }[kind]
    slow = [(30 * GIB, 31 * GIB)] if kind == "slow" else []
    campaign = Campaign.of(Patient(SIZE, killers, slow=slow)).go(7)
    for distance in (0, GIB, 1024 * GIB):
        runs = [
            replace(
                run, start=run.start + distance, end=run.end + distance,
                killer=(run.killer[0] + distance, run.killer[1] + distance) if run.killer else None,
            )
            for run in campaign.history
        ]  # fmt: skip
        moved = Mapfile(campaign.known.bounds + distance, campaign.known.codes)
        made = next_pass(moved, runs, campaign.costs)
        assert isinstance(made, Pass)
        back = replace(made, start=made.start - distance, reason="", gain=0, risk=0.0)
        if not distance:
            first, chance = back, made
        assert back == first
        assert made.risk == pytest.approx(chance.risk, rel=1e-6)
        assert made.gain == pytest.approx(chance.gain, rel=1e-6, abs=2)


def test_positions_near_the_end_of_all_positions_stay_exact():
    base = MAX_POSITION - 64 * GIB - 513
    known = Mapfile.new(base, base + 64 * GIB)
    end = base + 10 * GIB + 1
    run = Run(base, 64 * GIB, False, end, How.KILLED, 10 * GIB + 1, (end, end + 512))
    known = known.set_range(base, end, "+")
    made = next_pass(known, [run], Costs())
    assert isinstance(made, Pass)
    assert known.ranges("?", made.start, made.stop).total > 0
    assert end + 512 <= made.start < made.stop <= base + 64 * GIB


def test_the_same_question_has_the_same_answer_also_from_a_saved_history():
    killers = [(at * GIB, at * GIB + 3 * CLUSTER) for at in (7, 21, 22, 50)]
    campaign = Campaign.of(Patient(SIZE, killers)).go(12)
    saved = json.loads(json.dumps([run.to_json() for run in campaign.history]))
    restored = [Run.from_json(one) for one in saved]
    assert restored == campaign.history
    bounds, codes = campaign.known.bounds.copy(), campaign.known.codes.copy()
    again = next_pass(Mapfile(bounds, codes), restored, campaign.costs)
    assert again == next_pass(campaign.known, campaign.history, campaign.costs)


@pytest.mark.parametrize(
    "change",
    [{"size": 0}, {"start": -5}, {"how": "eaten"}, {"killer": [5]}, {"gained": -1}, {"end": 1 << 63}, {"size": "x"}],
)
def test_a_damaged_history_is_refused(change):
    good = died(0, GIB).to_json()
    assert Run.from_json(good).killed
    with pytest.raises(ValueError):
        Run.from_json(good | change)


@pytest.mark.parametrize(
    "costs", [{"sector_size": 0}, {"cluster_size": 700}, {"cycle_seconds": 0}, {"cluster_size": 256}]
)
def test_costs_that_make_no_sense_are_refused(costs):
    with pytest.raises(UsageError):
        Costs(**costs)


def test_a_pass_by_hand_is_worth_more_reading():
    """Where a person pulls the plug, a pass more costs less than a pull: it stops short more often."""
    killers = [(at * GIB, at * GIB + CLUSTER) for at in (9, 23, 31, 48)]
    sizes = SIZE * 9999 // 10000
    by_hand = Campaign.of(Patient(SIZE, killers), Costs(automatic=False)).go(500, until=sizes)
    quick = Campaign.of(Patient(SIZE, killers), Costs(cycle_seconds=6.0)).go(500, until=sizes)
    assert len(by_hand.passes) >= len(quick.passes) and by_hand.cycles <= quick.cycles


def test_regular_distances_are_found_out_and_said():
    period = 5 * GIB + 129 * CLUSTER
    killers = [(at, at + 16 * CLUSTER) for at in range(GIB + 77 * CLUSTER, SIZE, period)]
    campaign = Campaign.of(Patient(SIZE, killers))
    readable = campaign.readable().total
    campaign.go(300, until=readable * 95 // 100)
    assert campaign.known.totals().finished >= readable * 95 // 100
    assert campaign.cycles <= len(killers) // 2, "each killer would cost a cycle without prediction"
    assert any("regular distances" in made.reason for made in campaign.passes)
