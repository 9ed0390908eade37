"""What a campaign decides without a drive: wishes, domains, marks, what it learns, and a pass whose end nobody saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import OutsideError, UsageError
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.mapfile.write import write_map
from engine.ranges import MAX_POSITION, RangeSet
from engine.rescue.campaign import choose, drive, resume, trial, wishes
from engine.rescue.campaign.drive import KnownDrive, Proof
from engine.rescue.campaign.kernel import Sign
from engine.rescue.campaign.memory import About, Memory, Wish
from engine.rescue.campaign.settings import CampaignSettings, PowerSwitch
from engine.rescue.campaign.verdict import Finding, judge
from engine.rescue.guard import Repaired
from engine.rescue.liveness import Alive, Liveness
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending, Outcome
from engine.rescue.passes import Judged
from engine.rescue.passrun import Ran, Why
from engine.rescue.strategy import How, Kind, Pass, Run
from engine.tools import Finished

K = 65536
SIZE = 64 * K


def blocks(*parts: tuple[int, str]) -> Mapfile:
    at, made = 0, []
    for size, status in parts:
        made.append((at, size, status))
        at += size
    return Mapfile.from_blocks(made)


def killed_at(start: int, end: int) -> Run:
    return Run(0, SIZE, False, start, How.KILLED, start, (start, end), K)


# -- what may be read --------------------------------------------------------------------------------------------------


def test_a_wish_is_what_is_left_of_an_area():
    known = blocks((8 * K, "+"), (8 * K, "?"), (8 * K, "-"), (8 * K, "+"), (32 * K, "?"))
    memory = Memory(runs=[killed_at(20 * K, 22 * K)])
    made = choose.wished(Wish(4 * K, 30 * K), memory, known, 4096)
    assert made is not None
    assert (made.kind, made.start, made.stop, made.reverse) == (Kind.READ, 8 * K, 24 * K, False)
    assert (made.gain, made.cluster_size, made.retry_failed, made.trim) == (14 * K, 4096, True, False)
    at_the_edge = choose.wished(Wish(20 * K, 99 * K, True), memory, known, 4096)
    assert at_the_edge is not None
    assert (at_the_edge.start, at_the_edge.stop, at_the_edge.reverse) == (22 * K, SIZE, True)
    assert choose.wished(Wish(20 * K, 22 * K), memory, known, 4096) is None, "a place known to kill"
    asked = choose.wished(Wish(20 * K, 22 * K, killers=True), memory, known, 4096)
    assert asked is not None
    assert (asked.start, asked.stop) == (20 * K, 22 * K)
    assert choose.wished(Wish(0, 8 * K), memory, known, 4096) is None, "finished"
    assert choose.wished(Wish(SIZE, 2 * SIZE), memory, known, 4096) is None, "outside"


@settings(max_examples=15)  # each is written durably
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=6))
def test_a_domain_on_disk_is_the_area_and_nothing_else(pairs):
    import tempfile

    area = RangeSet((start, start + size) for start, size in pairs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domain"
        choose.write_domain(path, area)
        written = read_map(path)
    assert written.ranges("+") == area
    assert (written.start, written.end) == (0, MAX_POSITION)


@given(st.lists(st.sampled_from("?*/-+"), min_size=12, max_size=12), st.integers(0, 11), st.integers(1, 12))
def test_marks_touch_what_they_are_meant_for(statuses, start, size):
    known = Mapfile.from_blocks((at, 1, status) for at, status in enumerate(statuses))
    end = min(12, start + size)
    marked = choose.mark_killer(known, start, end)
    freed = choose.as_untried(known, RangeSet.of(start, end))
    for at, status in enumerate(statuses):
        inside = start <= at < end
        assert marked.status_at(at) == ("*" if inside and status == "?" else status)
        assert freed.status_at(at) == ("?" if inside else status)


def test_what_comes_next_keeps_to_what_is_wanted():
    settings, options = CampaignSettings(), RescueOptions().with_values(input_position=8 * K, size=16 * K)
    known = blocks((SIZE, "?"))
    made = choose.plan_next(known, Memory(), settings, options)
    assert isinstance(made, Pass)
    assert 8 * K <= made.start < made.stop <= 24 * K
    skipping = choose.plan_next(known, Memory(skipped=RangeSet.of(0, 20 * K)), settings, options)
    assert isinstance(skipping, Pass)
    assert 20 * K <= skipping.start < skipping.stop <= 24 * K
    wished = choose.plan_next(known, Memory(wish=Wish(30 * K, 31 * K)), settings, options)
    assert isinstance(wished, Pass)
    assert (wished.start, wished.stop) == (30 * K, 31 * K)
    spent = choose.plan_next(known, Memory(wish=Wish(SIZE, 2 * SIZE)), settings, options)
    assert spent == made, "a wish that asks for nothing is no reason to stop"
    endless = Mapfile.new(0, MAX_POSITION)
    with pytest.raises(UsageError, match="how large"):
        choose.plan_next(endless, Memory(), settings, RescueOptions())
    sized = choose.plan_next(endless, Memory(known=KnownDrive("/dev/x", SIZE)), settings, RescueOptions())
    assert isinstance(sized, Pass)
    assert sized.stop <= SIZE


def test_what_the_strategy_is_told(monkeypatch):
    monkeypatch.setattr(choose.time, "time", lambda: 1000.0)
    settings, options = CampaignSettings(cycle_worth_s=1.0), RescueOptions().with_values(sector_size=4096)
    area = RangeSet.of(0, SIZE)

    def told(**more):
        memory = Memory()
        for name, value in more.items():
            setattr(memory.budget if hasattr(memory.budget, name) else memory, name, value)
        return choose.costs(memory, settings, options, area, ((area, 4.0),))

    assert [told(end_time=at).seconds_left for at in (None, 900.0, 1000.0, 1000.5, 1600.0)] == [None, 0, 0, 0.5, 600]
    assert [told(best_rate=rate).bytes_per_second for rate in (0.0, 0.5, 7e6)] == [50e6, 1.0, 7e6]
    assert [told(read_seconds=one).read_seconds for one in (0.0, 0.5)] == [2e-4, 0.5]
    assert [told(pass_seconds=one).pass_seconds for one in (0.0, 9.0)] == [4.0, 9.0]
    assert told(cycle_times=[0.1]).cycle_seconds == 1.0, "at least what a cycle is worth"
    made = told(max_cycles=7, min_bytes_per_cycle=9)
    assert (made.max_cycles, made.min_bytes_per_cycle, made.edges) == (7, 9, settings.edges)
    assert (made.sector_size, made.cluster_size) == (4096, settings.cluster_size // 4096 * 4096)
    assert (made.domain, made.valuable) == (area, ((area, 4.0),))
    small = choose.costs(Memory(), CampaignSettings(cluster_size=512), options, area, ())
    assert small.cluster_size == 4096, "never less than a sector"


def test_no_option_of_a_pass_goes_back_to_what_killed():
    risky = RescueOptions().with_values(retry_passes=3, try_again=True, retrim=True, skip_size=65536, loose_domain=True)
    made = Pass(Kind.READ, 0, SIZE, False, 8192, True, False, False, 1, 0.5, "because")
    found = choose.options_for(made, risky, Path("/d"), (512, 5000))
    assert (found.retry_passes, found.try_again, found.retrim) == (None, False, False)
    assert (found.no_trim, found.no_scrape, found.no_sweep, found.skip_size) == (True, True, True, 0)
    assert (found.idirect, found.check_on_error, found.cpass, found.reverse) == (True, True, "1", False)
    assert found.loose_domain is False
    assert (found.input_position, found.size, found.domain_mapfile) == (512, 4488, "/d")
    assert (found.cluster_size, found.output_position) == (16, None)
    trimming = Pass(Kind.TRIM, 0, SIZE, False, 8192, True, True, False, 1, 0.5, "because")
    assert choose.options_for(trimming, risky, Path("/d"), (0, SIZE)).cluster_size == 1
    tiny = Pass(Kind.EDGE, 0, SIZE, False, 256, True, False, True, 1, 0.5, "because")
    assert choose.options_for(tiny, risky, Path("/d"), (0, SIZE)).cluster_size == 1


def test_what_may_be_read_for_a_pass():
    """Trimming takes failed blocks for untried but not bad sectors; without anything untried there is no pass."""
    known = blocks((8 * K, "-"), (8 * K, "*"), (8 * K, "/"), (8 * K, "+"))
    whole = RangeSet.of(0, 32 * K)

    def ready(**more):
        facts = {"trim": False, "retry_failed": False, **more}
        made = Pass(Kind.TRIM, 0, 32 * K, False, 512, False, facts["trim"], facts["retry_failed"], 1, 0.5, "because",
                    facts.get("tier", 0))  # fmt: skip
        return choose.ready(made, known, RangeSet(), whole, RangeSet(), 512, ((RangeSet.of(8 * K, 9 * K), 4.0),))

    assert ready() is None
    trimmed, retried = ready(trim=True), ready(retry_failed=True)
    assert trimmed is not None and retried is not None
    assert trimmed.map.ranges("?") == RangeSet.of(8 * K, 24 * K) == trimmed.put_back
    assert retried.map.ranges("?") == RangeSet.of(0, 24 * K) == retried.put_back
    assert (trimmed.map.position, trimmed.map.phase, trimmed.map.current_pass) == (0, "?", 1)
    assert trimmed.span == (0, 32 * K)
    wanted = ready(retry_failed=True, tier=1)
    assert wanted is not None
    assert wanted.area == RangeSet.of(8 * K, 9 * K), "only what is wanted first"


def test_a_new_memory_knows_nothing():
    memory = Memory()
    assert (memory.cycles, memory.cycle_bytes, memory.vain, memory.resets) == (0, [0], 0, 0)
    assert (memory.read_only, memory.dead, memory.known, memory.about, memory.wish) == (False, "", None, None, None)
    assert (memory.best_rate, memory.read_seconds, memory.pass_seconds) == (0.0, 0.0, 0.0)
    kept = memory.to_json() | {"cycle_bytes": []}
    assert Memory.from_json(kept).cycle_bytes == [0]
    wish, about = Wish(0, 5), About(Pass(Kind.READ, 0, 1, False, 1, False, False, False, 1, 0.5, ""))
    assert (wish.reverse, wish.killers, about.hung_at, about.put_back) == (False, False, None, ())


# -- what is learned ---------------------------------------------------------------------------------------------------


def test_speeds_are_learned_from_passes_that_tell_something():
    memory = Memory()
    memory.ran((4 << 20) - 1, K, 1.0, 1.5)
    assert (memory.best_rate, memory.read_seconds) == (0.0, 0.0), "too little for a rate, reads too large"
    assert memory.pass_seconds == 0.5
    memory.ran(4 << 20, K, 2.0, 2.0)
    assert memory.best_rate == 2 << 20
    assert memory.pass_seconds == pytest.approx(0.5 + 0.3 * (0.1 - 0.5))
    memory.ran(8 << 20, K, 8.0, 9.0)
    assert memory.best_rate == 2 << 20, "the best counts"
    memory.ran(8 << 20, K, 0.0, 1.0)
    assert memory.best_rate == 2 << 20
    memory.ran(499 * 4096, 4096, 5.0, 5.0)
    assert memory.read_seconds == 0.0
    memory.ran(500 * 4096, 4096, 5.0, 5.0)
    assert memory.read_seconds == pytest.approx(0.01)
    memory.ran(500 * 512, 512, 15.0, 15.0)
    assert memory.read_seconds == pytest.approx(0.01 + 0.3 * 0.02)


def test_only_the_last_cycles_and_decisions_are_kept():
    memory = Memory()
    for number in range(120):
        memory.took(number)
        memory.decide(str(number))
    assert memory.cycle_times == [float(number) for number in range(112, 120)]
    assert [one.text for one in memory.decisions] == [str(number) for number in range(20, 120)]


def test_only_runs_that_killed_have_killers():
    well = Run(0, SIZE, False, K, How.STOPPED, K, (5 * K, 6 * K), K)
    memory = Memory(runs=[killed_at(K, 3 * K), well, killed_at(8 * K, 9 * K)])
    assert list(memory.killers(RangeSet.of(2 * K, 8 * K + 512))) == [(K, 2 * K), (8 * K + 512, 9 * K)]


# -- requests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "values", "made"),
    [
        ("skip-area", {"start": 0, "end": 1}, {"start": 0, "end": 1}),
        ("unskip-area", {"start": 5, "end": MAX_POSITION}, {"start": 5, "end": MAX_POSITION}),
        ("try-area", {"start": 5, "end": 9}, {"start": 5, "end": 9, "reverse": False, "killers": False}),
        (
            "try-area",
            {"start": 5, "end": 9, "killers": True, "reverse": True},
            {"start": 5, "end": 9, "reverse": True, "killers": True},
        ),
        ("budget", {}, {}),
        ("budget", {"max_cycles": None, "end_time": None}, {"max_cycles": None, "end_time": None}),
        ("budget", {"max_cycles": 0, "end_time": 5}, {"max_cycles": 0, "end_time": 5.0}),
        ("budget", {"hang_limit_s": 1, "min_bytes_per_cycle": 7}, {"hang_limit_s": 1.0, "min_bytes_per_cycle": 7}),
        ("power-done", {}, {}),
    ],
)
def test_requests_that_make_sense(action, values, made):
    found = wishes.check(action, values)
    assert found == made
    assert {name: type(value) for name, value in found.items()} == {name: type(value) for name, value in made.items()}


@pytest.mark.parametrize(
    ("action", "values"),
    [
        ("skip-area", {}),
        ("skip-area", {"start": 0}),
        ("skip-area", {"start": 5, "end": 5}),
        ("skip-area", {"start": -1, "end": 5}),
        ("skip-area", {"start": 0, "end": MAX_POSITION + 1}),
        ("skip-area", {"start": False, "end": 5}),
        ("skip-area", {"start": 0, "end": 5.0}),
        ("skip-area", {"start": 0, "end": 5, "reverse": True}),
        ("try-area", {"start": 0, "end": 5, "reverse": 1}),
        ("try-area", {"start": 0, "end": 5, "killers": "yes"}),
        ("budget", {"max_cycles": -1}),
        ("budget", {"max_cycles": True}),
        ("budget", {"max_cycles": "5"}),
        ("budget", {"max_cycles": 1 << 31}),
        ("budget", {"hang_limit_s": None}),
        ("budget", {"hang_limit_s": 0.5}),
        ("budget", {"cycles": 5}),
        ("power-done", {"start": 5}),
        ("power-cycle", {"max_cycles": 5}),
    ],
)
def test_requests_that_make_none(action, values):
    with pytest.raises(UsageError, match=action) as caught:
        wishes.check(action, values)
    assert caught.value.code == "bad-request"


# -- the power switch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [False, True])
def test_power_is_restored_whatever_happens(monkeypatch, fails):
    called = []

    def run(command, *, timeout_s):
        called.append(command[0])
        return Finished(3 if fails and command[0] == "/off" else 0, "", "stuck relay")

    monkeypatch.setattr(trial.tools, "run", run)
    switch = PowerSwitch(off=("/off",), on=("/on",), off_seconds=0.0)
    if fails:
        with pytest.raises(OutsideError, match="status 3: stuck relay"):
            trial.try_switch(switch)
    else:
        assert trial.try_switch(switch).good
    assert called == ["/off", "/on"]


@pytest.mark.parametrize(
    ("sights", "went", "came"),
    [((None, "/dev/x"), True, True), (("/dev/x",), False, True), ((None,), True, False)],
)
def test_a_trial_says_whether_the_drive_went_and_came_back(monkeypatch, sights, went, came):
    left = list(sights)
    monkeypatch.setattr(trial.tools, "run", lambda command, *, timeout_s: Finished(0, "", ""))
    monkeypatch.setattr(
        trial, "look_for", lambda known: SimpleNamespace(path=left.pop(0) if len(left) > 1 else left[0])
    )
    switch = PowerSwitch(off=("/off",), on=("/on",), off_seconds=0.0)
    found = trial.try_switch(switch, KnownDrive("/dev/x", SIZE), wait_s=0.0)
    assert (found.went, found.came, found.good) == (went, came, went and came)
    with pytest.raises(UsageError):
        trial.try_switch(PowerSwitch())


# -- a pass whose end nobody saw ---------------------------------------------------------------------------------------


class Desk:
    """What `settle` needs of a session; the drive answers as it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, proof: Proof = Proof.SAME) -> None:
        self.arguments = SimpleNamespace(map=str(folder / "map"), image=str(folder / "image"))
        self.options = RescueOptions()
        self.told: list[str] = []
        self.asked: list[tuple[object, ...]] = []
        self.path: str | None = "/dev/x"
        monkeypatch.setattr(drive, "boot_of_this_machine", lambda: "boot")
        monkeypatch.setattr(drive, "look_for", lambda known: SimpleNamespace(path=self.path))
        monkeypatch.setattr(drive, "attachment", lambda path: "boot/7")
        monkeypatch.setattr(drive, "places_of", lambda *asked: self.asked.append(asked) or [])
        monkeypatch.setattr(drive, "prove", lambda *_: SimpleNamespace(proof=proof))

    def event(self, kind: str, **facts: object) -> None:
        self.told.append(kind)


PLAIN_FILE = KnownDrive("/dev/x", SIZE)


def memory_of(folder: Path, before: Mapfile, **more: object) -> Memory:
    write_map(folder / "before", before)
    made = Pass(Kind.READ, 16 * K, 32 * K, False, K, True, False, False, 32 * K, 0.5, "because")
    facts: dict[str, object] = {"before": str(folder / "before"), "attachment": "boot/7", "boot": "boot", **more}
    return Memory(known=PLAIN_FILE, about=About(made, **facts), cycle_bytes=[5, 7])  # type: ignore[arg-type]


BEFORE = blocks((16 * K, "+"), (48 * K, "?"))
AFTER = blocks((20 * K, "+"), (44 * K, "?")).with_status_line(20 * K, "?", 1)


def test_a_drive_that_was_well_all_the_time_has_no_killer(tmp_path, monkeypatch):
    desk, memory = Desk(tmp_path, monkeypatch), memory_of(tmp_path, BEFORE)
    made = resume.settle(desk, memory, AFTER, was_cut=False)
    assert made.same_blocks(AFTER)
    assert (memory.runs[-1].how, memory.runs[-1].killer, memory.runs[-1].gained) == (How.STOPPED, None, 4 * K)
    assert (memory.dead, memory.about, memory.cycle_bytes) == ("", None, [5, 7 + 4 * K])
    assert desk.told == ["note"]


@pytest.mark.parametrize(
    "doubt",
    ["cut", "hung", "boot", "no-boot", "attachment", "gone", "proof"],
)
def test_any_doubt_takes_the_place_for_a_killer(tmp_path, monkeypatch, doubt):
    facts = {"hung": {"hung_at": 20 * K + 512}, "boot": {"boot": "zero"}, "no-boot": {"boot": ""},
             "attachment": {"attachment": "boot/6"}}.get(doubt, {})  # fmt: skip
    desk = Desk(tmp_path, monkeypatch, Proof.OTHER if doubt == "proof" else Proof.SAME)
    desk.path = None if doubt == "gone" else desk.path
    memory = memory_of(tmp_path, BEFORE, **facts)
    made = resume.settle(desk, memory, AFTER, was_cut=doubt == "cut")
    killer = (20 * K + 512, 21 * K) if doubt == "hung" else (20 * K, 21 * K)
    assert memory.runs[-1].killer == killer
    assert memory.runs[-1].how is (How.HUNG if doubt == "hung" else How.KILLED)
    assert memory.runs[-1].gained == 4 * K
    assert memory.dead
    assert memory.dead_attachment == facts.get("attachment", "boot/7")
    assert f"lost at {killer[0]}: not read again" in memory.decisions[-1].text
    assert made.ranges("*") == RangeSet.of(*killer)
    assert made.ranges("+") == AFTER.ranges("+")
    assert read_map(tmp_path / "map").same_blocks(made)
    assert memory.about is None


def test_failures_of_a_drive_without_a_number_are_not_believed(tmp_path, monkeypatch):
    """Nobody knows whether its power was cut meanwhile."""
    failed = blocks((20 * K, "+"), (4 * K, "-"), (40 * K, "?"))
    desk, memory = Desk(tmp_path, monkeypatch), memory_of(tmp_path, BEFORE)
    made = resume.settle(desk, memory, failed, was_cut=False)
    assert memory.runs[-1].killer == (20 * K, 21 * K)
    assert made.ranges("*") == RangeSet.of(20 * K, 21 * K)
    assert made.ranges("?") == RangeSet.of(21 * K, SIZE)


def test_marks_that_were_taken_off_come_back(tmp_path, monkeypatch):
    before = blocks((16 * K, "+"), (8 * K, "-"), (40 * K, "?"))
    prepared_and_left = blocks((16 * K, "+"), (2 * K, "+"), (46 * K, "?")).with_status_line(18 * K, "?", 1)
    for cut in (False, True):
        desk = Desk(tmp_path, monkeypatch)
        memory = memory_of(tmp_path, before, put_back=((16 * K, 24 * K),))
        made = resume.settle(desk, memory, prepared_and_left, was_cut=cut)
        assert made.ranges("+") == RangeSet.of(0, 18 * K)
        assert made.ranges("?") == RangeSet.of(24 * K, SIZE)
        assert made.ranges("-").total + made.ranges("*").total == 6 * K


def test_a_lost_kept_map_counts_nothing_as_new(tmp_path, monkeypatch):
    desk, memory = Desk(tmp_path, monkeypatch), memory_of(tmp_path, BEFORE)
    (tmp_path / "before").unlink()
    made = resume.settle(desk, memory, AFTER, was_cut=False)
    assert memory.runs[-1].gained == 0
    assert made.ranges("+") == AFTER.ranges("+")


@pytest.mark.parametrize(
    ("reverse", "after", "cut", "end"),
    [
        (False, blocks((16 * K, "+"), (48 * K, "?")), False, 16 * K),
        (True, blocks((16 * K, "+"), (48 * K, "?")), False, 48 * K),
        (False, blocks((20 * K, "+"), (4 * K, "?"), (2 * K, "+"), (38 * K, "?")), False, 26 * K),
        (True, blocks((16 * K, "+"), (24 * K, "?"), (2 * K, "+"), (4 * K, "?"), (2 * K, "+"), (16 * K, "?")), False,
         40 * K),
        (False, blocks((20 * K, "+"), (44 * K, "*")), True, 20 * K),
        (True, blocks((16 * K, "+"), (24 * K, "*"), (8 * K, "+"), (16 * K, "?")), True, 40 * K),
    ],
)  # fmt: skip
def test_how_far_a_pass_got_that_nobody_saw_end(tmp_path, monkeypatch, reverse, after, cut, end):
    desk, memory = Desk(tmp_path, monkeypatch), memory_of(tmp_path, BEFORE)
    assert memory.about is not None
    memory.about = replace(memory.about, made=replace(memory.about.made, reverse=reverse))
    resume.settle(desk, memory, after.with_status_line(0, "+", 1), was_cut=cut)
    last = memory.runs[-1]
    assert (last.end, last.reverse, last.start, last.stop, last.partial) == (end, reverse, 16 * K, 48 * K, False)
    assert last.gained == after.ranges("+").total - 16 * K


def test_what_is_known_good_is_looked_for_where_the_image_has_it(tmp_path, monkeypatch):
    for facts, shift in (({}, 0), ({"output_position": 512}, 512),
                         ({"output_position": 0, "input_position": 4096}, -4096)):  # fmt: skip
        desk, memory = Desk(tmp_path, monkeypatch), memory_of(tmp_path, BEFORE)
        desk.options = RescueOptions().with_values(**facts)
        resume.settle(desk, memory, AFTER, was_cut=False)
        assert desk.asked == [(AFTER, desk.arguments.image, shift)]


def test_a_ddrescue_that_was_left_behind_is_waited_for_and_cut_off_when_it_hangs(tmp_path, monkeypatch):
    clock, seen = [100.0], SimpleNamespace(position=5 * K, doing="reading")
    monkeypatch.setattr(resume.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(resume.proc, "look", lambda *_: seen)
    desk, memory = Desk(tmp_path, monkeypatch), memory_of(tmp_path, BEFORE)
    desk.arguments.source = "/dev/x"
    memory.budget.hang_limit_s = 10.0
    shown: list[object] = []
    freed: list[float] = []
    kept: list[object] = []
    left = resume.Leftover(
        desk, None, memory, SimpleNamespace(phase=lambda *told: shown.append(told)),
        SimpleNamespace(free=lambda: freed.append(clock[0])), lambda: kept.append(memory.about.hung_at),
    )  # fmt: skip
    holder = SimpleNamespace(pid=1 << 30)

    def after(seconds: float) -> None:
        clock[0] += seconds
        left.free(holder)

    after(0)
    after(9.9)
    seen.position += 512
    after(0.2)
    after(9.9)
    assert (freed, memory.dead, memory.about.hung_at) == ([], "", None), "it goes on, so it lives"
    assert len(shown) == 4
    seen.doing = "writing"
    after(50)
    assert not freed, "what it does is no reading"
    seen.doing = "reading"
    after(0)
    after(1)
    assert freed == pytest.approx([170.0, 171.0]) and len(kept) == 1, "noted once, cut off until it is gone"
    assert memory.about.hung_at == kept[0] == 5 * K + 512
    assert (memory.dead != "", memory.dead_attachment, desk.told) == (True, "boot/7", ["hang"])


# -- what a pass came to, in words and numbers -------------------------------------------------------------------------


def found(ending, after, *, reverse=False, hung=None, signs=None, suspect=None, before=None):
    made = Pass(Kind.READ, 16 * K, 32 * K, reverse, K, True, False, False, 32 * K, 0.5, "because", 2)
    ran = Ran(1, "", "", Why.NONE, None, "", None, None, "forwards", hung, hung is not None, None, False, 1.0)
    judged = Judged(
        Outcome(ending, "words", 1), after, Repaired(after, (), RangeSet(), suspect), Liveness(Alive.UNKNOWN)
    )
    return judge(made, before or BEFORE, before or BEFORE, judged, ran, signs or {})


def test_where_a_pass_ended():
    for reverse, end in ((False, 16 * K), (True, 48 * K)):
        assert found(Ending.STOPPED, BEFORE, reverse=reverse).run.end == end, "it reached nothing"
    gained = blocks((16 * K, "+"), (4 * K, "?"), (2 * K, "+"), (3 * K, "*"), (39 * K, "?"))
    assert found(Ending.STOPPED, gained).run.end == 25 * K
    assert found(Ending.STOPPED, gained, reverse=True).run.end == 20 * K
    for reverse, end in ((False, 48 * K), (True, 16 * K)):
        assert found(Ending.FINISHED, gained, reverse=reverse).run.end == end
    killed = found(Ending.SOURCE_GONE, gained, suspect=(22 * K, 23 * K))
    assert (killed.run.end, killed.run.killer, killed.run.partial) == (22 * K, (22 * K, 23 * K), True)
    assert found(Ending.SOURCE_GONE, gained, suspect=(22 * K, 23 * K), reverse=True).run.end == 23 * K
    outside = blocks((16 * K, "+"), (34 * K, "?"), (2 * K, "+"), (12 * K, "?"))
    assert found(Ending.STOPPED, outside).run.end == 16 * K, "what lies outside of the pass does not count"


@pytest.mark.parametrize(
    ("position", "killer"),
    [
        (16 * K - 1, None), (16 * K, (16 * K, 17 * K)), (20 * K + 512, (20 * K + 512, 21 * K)),
        (48 * K - 1, (48 * K - 1, 48 * K)), (48 * K, None),
    ],
)  # fmt: skip
def test_a_hanging_read_is_the_killer_only_inside_the_pass(position, killer):
    made = found(Ending.SOURCE_GONE, BEFORE, hung=position)
    assert (made.finding, made.run.killer) == (Finding.HUNG, killer)
    assert f"a read at {position} did not come back" in made.words


def test_words_say_what_was_gained_and_what_the_controller_did():
    gained = blocks((16 * K, "+"), (16 * K, "+"), (32 * K, "?"))
    made = found(Ending.FINISHED, gained, signs={Sign.RESET: 3})
    assert made.words == "words; 1.0 MiB rescued; 3 controller resets"
    assert found(Ending.FINISHED, gained).words == "words; 1.0 MiB rescued"
    bad = blocks((16 * K, "+"), (16 * K, "+"), (K, "-"), (31 * K, "?"))
    assert found(Ending.FINISHED, bad, signs={Sign.RESET: 3}).words.count("reset") == 1
    lost = found(Ending.SOURCE_GONE, gained, suspect=(32 * K, 33 * K)).words
    assert lost == f"the drive was lost at {32 * K} (65536 bytes): words; 1.0 MiB rescued before"
    assert found(Ending.SOURCE_GONE, gained).words == "the drive was lost: words; 1.0 MiB rescued before"
