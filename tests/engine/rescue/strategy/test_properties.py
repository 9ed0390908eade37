"""What holds for any map, any history and any drive."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.rescue.strategy import Costs, Done, How, Kind, Pass, Run, next_pass
from tests.engine.rescue.strategy.patient import EDGES, Campaign, Patient, overlaps

SECTOR = 512
CODES = {"done": ("complete", "nothing-left", "cycles", "time", "yield")}

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def maps(draw: st.DrawFn) -> Mapfile:
    """Blocks of any status and size, from a sector to many clusters, on sector borders or off them."""
    grain = draw(st.sampled_from([1, SECTOR, SECTOR, 4096, 65536]))
    at = draw(st.sampled_from([0, 0, 0, 7 * grain, (1 << 53) + 1, (1 << 62)]))
    blocks = []
    for _ in range(draw(st.integers(0, 25))):
        size = grain * draw(st.integers(1, draw(st.sampled_from([2, 100, 100_000]))))
        blocks.append((at, size, draw(st.sampled_from("?????++*/-"))))
        at += size
    return Mapfile.from_blocks(blocks)


@st.composite
def runs(draw: st.DrawFn, low: int, high: int) -> Run:
    """A run somewhere, whether or not it fits the map."""
    span = max(1, high - low)
    start = low + draw(st.integers(0, span))
    size = draw(st.integers(1, span))
    reverse = draw(st.booleans())
    end = draw(st.integers(start, start + size))
    how = draw(st.sampled_from(list(How)))
    killer = None
    if how in (How.KILLED, How.HUNG) and draw(st.booleans()):
        cluster = draw(st.sampled_from([SECTOR, 4096, 65536]))
        killer = (max(0, end - cluster), end) if reverse and end else (end, end + cluster)
    gained = draw(st.one_of(st.just(0), st.integers(0, size)))
    return Run(start, size, reverse, end, how, gained, killer, draw(st.sampled_from([SECTOR, 65536])))


@st.composite
def questions(draw: st.DrawFn) -> tuple[Mapfile, list[Run], Costs]:
    known = draw(maps())
    history = draw(st.lists(runs(known.start, known.end), max_size=12))
    domain = None
    if draw(st.booleans()) and len(known):
        cuts = sorted(draw(st.lists(st.integers(known.start, known.end + 70_000), max_size=6)))
        domain = RangeSet(list(zip(cuts[::2], cuts[1::2], strict=False)))
    valuable: tuple[tuple[RangeSet, float], ...] = ()
    if draw(st.booleans()) and len(known):
        places = draw(st.lists(st.integers(known.start, known.end), min_size=2, max_size=6))
        valuable = ((RangeSet([(min(places), max(places))]), 50.0), (RangeSet([(places[0], places[0] + 4096)]), 1e4))
    costs = Costs(
        sector_size=SECTOR,
        cluster_size=draw(st.sampled_from([SECTOR, 4096, 65536, 1 << 20])),
        automatic=draw(st.booleans()),
        domain=domain,
        valuable=valuable,
        edges=draw(st.booleans()),
        max_cycles=draw(st.sampled_from([None, None, 1, 20])),
        min_bytes_per_cycle=draw(st.sampled_from([None, None, 1, 1 << 20])),
    )
    return known, history, costs


@relaxed
@given(questions())
def test_every_answer_is_sound(question):
    known, history, costs = question
    made = next_pass(known, history, costs)
    assert made == next_pass(known, list(history), costs)
    if isinstance(made, Done):
        assert made.code in CODES["done"] and made.reason.endswith(".")
        return
    domain = costs.domain if costs.domain is not None else RangeSet.of(known.start, known.end)
    low, high = int(domain.starts[0]), int(domain.ends[-1])
    assert low <= made.start < made.stop <= high
    wanted = known.ranges("?*/-" if made.retry_failed else "?*/" if made.trim else "?")
    covered = RangeSet.of(known.start, known.end)
    wanted = wanted.union(RangeSet.of(low, high).subtract(covered)).intersect(domain)
    assert wanted.clip(made.start, made.stop).total > 0, "nothing to read in it"
    assert made.cluster_size % costs.sector_size == 0 and made.cluster_size <= costs.cluster_size
    assert 0 <= made.risk <= 1 and 0 <= made.gain <= made.size
    assert made.reason[0].isupper() and made.reason.endswith(".") and "\n" not in made.reason
    if made.kind is not Kind.EDGE:
        for run in history:
            if run.killer is not None:
                touched = RangeSet.of(*run.killer).subtract(known.ranges("+")).intersect(domain)
                assert not touched.overlaps(made.start, made.stop), "it would touch a known killer"


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    """Small drives with faults of any kind, on sectors."""
    sectors = draw(st.integers(1, 4000))
    size = sectors * SECTOR

    def spans(most: int) -> list[tuple[int, int]]:
        made = []
        for _ in range(draw(st.integers(0, most))):
            at = draw(st.integers(0, sectors - 1)) * SECTOR
            made.append((at, min(size, at + draw(st.sampled_from([1, 1, 8, 200])) * SECTOR)))
        return list(RangeSet(made))

    return Patient(size, spans(6), spans(4), spans(2))


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a failing rescue is long to shrink
)  # fmt: skip
@given(patients(), st.sampled_from([SECTOR, 4096, 65536]), st.booleans())
def test_it_ends_and_every_pass_gains_or_learns(patient, cluster, fast):
    """Each pass rescues bytes or makes what may still be tried smaller; no killer is read twice in the same read."""
    campaign = Campaign.of(patient, Costs(cluster_size=cluster, cycle_seconds=60.0 if fast else 1e-3))
    for _ in range(4 * (patient.size // SECTOR) + 100):
        before, lost = campaign.known.totals().finished, len(patient.lost)
        dead = RangeSet(patient.lost).subtract(campaign.known.ranges("+"))
        made = campaign.step()
        if made is None:
            break
        run = campaign.history[-1]
        assert campaign.known.totals().finished - before == run.gained
        untried = campaign.known.ranges("?", made.start, made.stop).total
        assert run.gained or run.killed or run.how is How.ERRORS or not untried
        if len(patient.lost) > lost:
            read = patient.lost[-1]
            assert read not in patient.lost[:-1], "the same read was lost twice"
            if made.kind not in EDGES:
                assert not dead.overlaps(*read), "a place known to kill was touched again"
    assert campaign.done is not None and campaign.done.code in ("complete", "nothing-left", "yield")
    left = campaign.known.ranges("?")
    missed = left.intersect(campaign.readable()).total
    assert missed <= 64 * SECTOR + patient.size // 100, "too much was never tried"
    for low, high in campaign.known.ranges("+"):
        assert not overlaps(patient.killers, low, high) and not overlaps(patient.errors, low, high)


def test_edges_are_narrowed_from_both_sides():
    """A read of 64 KiB was lost to a killer of two sectors: in the end all else of it is had."""
    patient = Patient(256 << 20, [((64 << 20) + 9 * SECTOR, (64 << 20) + 11 * SECTOR)])
    campaign = Campaign.of(patient, Costs(cycle_seconds=1.0)).go(100)
    assert any(made.kind is Kind.EDGE for made in campaign.passes)
    assert campaign.known.totals().finished == patient.size - 2 * SECTOR
    assert campaign.cycles <= 3
    assert campaign.done is not None


def test_edges_are_left_alone_when_not_wanted():
    patient = Patient(256 << 20, [((64 << 20) + 9 * SECTOR, (64 << 20) + 11 * SECTOR)])
    campaign = Campaign.of(patient, Costs(cycle_seconds=1.0, edges=False)).go(100)
    assert campaign.cycles == 1 and not any(made.kind is Kind.EDGE for made in campaign.passes)


def test_a_pass_that_brings_nothing_is_not_given_again():
    """A run that ended at once although the drive lived, as when somebody stopped it: the answer changes."""
    known, history = Mapfile.new(0, 1 << 30), []
    seen = set()
    for _ in range(12):
        made = next_pass(known, history, Costs())
        if isinstance(made, Done):
            break
        assert isinstance(made, Pass)
        assert (made.start, made.size, made.reverse) not in seen
        seen.add((made.start, made.size, made.reverse))
        end = made.stop if made.reverse else made.start
        history.append(Run(made.start, made.size, made.reverse, end, How.STOPPED, 0))
