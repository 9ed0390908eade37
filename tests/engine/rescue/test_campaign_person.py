"""A campaign and a person: who pulls the plug, asks for areas, pauses, takes over, and changes the budget."""

from __future__ import annotations

import sys
import time

import pytest

from engine.jobs import JobState, load, resume, stop
from engine.mapfile import hold_map, read_map, write_map
from engine.rescue import control
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.settings import PowerSwitch
from engine.rescue.status import State, read_status
from tests.engine.rescue.campaigning import (
    MIB,
    assert_saved,
    campaign,
    killers,
    known_killers_were_left_alone,
    lost_at,
    switch,
    told,
)
from tests.engine.rescue.driving import (
    begin,
    rescue,
    result_map,
    status,
    wait_end,
    wait_status,
    wait_until,
    why_failed,
)
from tests.failing_disk import FailingDisk, Hang, Profile, make_image
from tests.support import needs_fuse, needs_loop, needs_tool

pytestmark = [needs_tool("ddrescue"), needs_fuse()]


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 4 * MIB)


def slow(original, *faults):
    """A disk slow enough for a person."""
    return FailingDisk(original, Profile(faults=faults, bytes_per_second=800e3))


def needs_power(job):
    return wait_status(job, lambda now: now.state is State.NEEDS_POWER)


def pull_the_plug_whenever_asked(disk, job):
    """A person who does what the page says, until the job ends."""

    def ended():
        seen = read_status(job.directory)
        if seen is not None and seen.state is State.NEEDS_POWER and disk.state == "offline":
            disk.power_cycle()
        return not load(job.directory).live

    wait_until(ended, lambda: f"the job did not end: {read_status(job.directory)}")
    return load(job.directory)


def answered(job, number):
    return wait_status(job, lambda now: now.request >= number)


# -- the plug --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("acknowledge", [False, pytest.param(True, marks=pytest.mark.full)])
def test_a_person_is_asked_and_the_return_of_the_drive_is_seen(tmp_path, original, acknowledge):
    with FailingDisk(original, killers((2 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", None, edges=False)
        job = begin(made)
        seen = needs_power(job)
        assert seen.campaign.phase is Phase.NEEDS_POWER
        assert "cut the power of" in seen.campaign.needs == seen.alert
        assert "power-done" in seen.campaign.requests
        assert wait_until(lambda: told(job, "power"))[0]["action"] == "needs-person"
        disk.power_cycle()
        if acknowledge:
            control.send(job.directory, "power-done")
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        assert job.result["cycles"] == disk.cycles == 1
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_it_is_said_when_the_drive_was_seen_already(tmp_path, original):
    with FailingDisk(original, killers((2 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", None, edges=False, settle_s=4.0)
        job = begin(made)
        needs_power(job)
        disk.power_cycle()
        wait_status(job, lambda now: now.campaign.phase is Phase.SETTLING)
        number = control.send(job.directory, "power-done")
        assert answered(job, number).answer == "looking for the drive already"
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        assert job.result["cycles"] == disk.cycles == 1
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_what_is_said_to_be_done_is_not_believed_before_the_drive_answers(tmp_path, original):
    needs_loop()
    with FailingDisk(original, killers((2 * MIB, 512)), loop=True) as disk:
        made = campaign(disk.device, tmp_path / "out", None, edges=False, wait_s=1.0)
        job = begin(made)
        needs_power(job)
        control.send(job.directory, "power-done")
        again = wait_status(job, lambda now: now.state is State.NEEDS_POWER and now.campaign.cycles == 1)
        assert "does not answer" in again.campaign.waits_for
        disk.power_cycle()
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_a_person_frees_a_read_that_hangs(tmp_path, original):
    with FailingDisk(original, [Hang(offset=2 * MIB, size=512)]) as disk:
        made = campaign(disk.device, tmp_path / "out", None, hang_limit_s=2.0, edges=False)
        job = begin(made)
        seen = needs_power(job)
        assert seen.snapshot.process_state == "D"
        number = control.send(job.directory, "power-done")
        assert "still hangs" in answered(job, number).answer
        disk.power_cycle()
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        assert len(lost_at(disk)) == 1
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_a_power_command_that_fails_is_told_and_a_person_asked(tmp_path, original):
    with FailingDisk(original, killers((2 * MIB, 512))) as disk:
        broken = PowerSwitch(cycle=(sys.executable, "-c", "import sys; sys.exit('no such hub')"), off_seconds=0)
        made = campaign(disk.device, tmp_path / "out", broken, edges=False)
        job = begin(made)
        needs_power(job)
        assert "no such hub" in wait_until(lambda: told(job, "power"))[0]["problem"]
        disk.power_cycle()
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_stopping_while_it_waits_for_a_person(tmp_path, original):
    with FailingDisk(original, killers((2 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", None, edges=False)
        job = begin(made)
        needs_power(job)
        stop(job.directory)
        job = wait_end(job)
        assert job.state is JobState.STOPPED, why_failed(job)
        job = resume(job.directory)  # the drive is as dead as before
        needs_power(job)
        disk.power_cycle()
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        assert_saved(made, original, disk, 0.99)


# -- requests --------------------------------------------------------------------------------------------------


def test_an_area_is_skipped_and_allowed_again(tmp_path, original):
    with FailingDisk(original, killers((1 * MIB, 512), (2 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", None, edges=False)
        job = begin(made)
        needs_power(job)
        area = {"start": 3 * MIB, "end": 4 * MIB}
        number = control.send(job.directory, "skip-area", values=area)
        assert answered(job, number).campaign.skipped == ((3 * MIB, 4 * MIB),)
        disk.power_cycle()
        wait_status(job, lambda now: now.state is State.NEEDS_POWER and now.campaign.cycles == 1)
        assert disk.touches(3 * MIB, MIB) == []
        number = control.send(job.directory, "unskip-area", values=area)
        assert answered(job, number).campaign.skipped == ()
        job = pull_the_plug_whenever_asked(disk, job)
        assert job.state is JobState.DONE, why_failed(job)
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_what_is_left_alone_to_the_end_is_missing(tmp_path, original):
    with FailingDisk(original, killers((1 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", None, edges=False)
        job = begin(made)
        needs_power(job)
        answered(job, control.send(job.directory, "skip-area", values={"start": 3 * MIB, "end": 4 * MIB}))
        job = pull_the_plug_whenever_asked(disk, job)
        assert job.state is JobState.DONE, why_failed(job)
        assert disk.touches(3 * MIB, MIB) == []
        assert not job.result["complete"]
        assert result_map(made).ranges("?", 3 * MIB).total == MIB


@pytest.mark.full
def test_an_area_is_tried_next(tmp_path, original):
    with FailingDisk(original, killers((1 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", None, edges=False)
        job = begin(made)
        needs_power(job)
        values = {"start": 3 * MIB, "end": 3 * MIB + 65536, "reverse": True}
        control.send(job.directory, "try-area", values=values)
        job = pull_the_plug_whenever_asked(disk, job)
        assert job.state is JobState.DONE, why_failed(job)
        wished = told(job, "pass")[1]
        assert (wished["start"], wished["size"], wished["direction"]) == (3 * MIB, 65536, "backwards")
        assert wished["reason"].startswith("asked for")
        assert_saved(made, original, disk, 0.99)


def test_a_known_killer_is_tried_again_only_when_that_is_said(tmp_path, original):
    with FailingDisk(original, killers((2 * MIB, 512), times=1)) as disk:
        made = campaign(disk.device, tmp_path / "out", None, edges=False)
        job = begin(made)
        needs_power(job)
        values = {"start": 2 * MIB - 65536, "end": 2 * MIB + 65536, "killers": True}
        control.send(job.directory, "try-area", values=values)
        disk.power_cycle()
        job = wait_end(job)
        assert job.result["complete"], why_failed(job)  # it was to kill only once
        assert_saved(made, original, disk)


@pytest.mark.full
def test_pause_and_go_on(tmp_path, original):
    with slow(original) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk))
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        control.send(job.directory, "pause")
        seen = wait_status(job, lambda now: now.state is State.PAUSED)
        assert seen.campaign.phase is Phase.PAUSED
        control.send(job.directory, "resume")
        job = wait_end(job)
        assert job.result["complete"], why_failed(job)
        assert len(told(job, "paused")) == 1


@pytest.mark.full
def test_taking_over_by_hand_and_handing_back(tmp_path, original):
    with slow(original) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), edges=False)
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        control.send(job.directory, "take-over")
        wait_status(job, lambda now: now.campaign.phase is Phase.BY_HAND)
        with hold_map(made.map):
            untried = read_map(made.map).ranges("?")
            start, end = int(untried.ends[-1]) - 65536, int(untried.ends[-1])
            write_map(made.map, read_map(made.map).set_range(start, end, "-"))
            number = control.send(job.directory, "hand-back")
            assert "cannot go on" in answered(job, number).answer
        control.send(job.directory, "hand-back")
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        # what was marked as bad by hand is not tried
        assert disk.touches(start, end - start) == []
        assert list(result_map(made).ranges("-")) == [(start, end)]


@pytest.mark.full
def test_a_power_cycle_on_request(tmp_path, original):
    with slow(original) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk))
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        control.send(job.directory, "power-cycle")
        job = wait_end(job)
        assert job.result["complete"], why_failed(job)
        assert disk.cycles == 1


@pytest.mark.full
def test_what_makes_no_sense_is_answered(tmp_path, original):
    with slow(original) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk))
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        for action, facts, words in (
            ("recipe", {"name": "scrape"}, "chooses its passes"),
            ("resume", {}, "nothing is paused"),
            ("power-done", {}, "no power is needed"),
        ):
            number = control.send(job.directory, action, **facts)
            assert words in answered(job, number).answer
        stop(job.directory)
        assert wait_end(job).state is JobState.STOPPED


# -- budgets --------------------------------------------------------------------------------------------------


def test_the_budget_of_cycles_ends_it(tmp_path, original):
    faults = killers((1 * MIB, 512), (2 * MIB, 512), (3 * MIB, 512))
    with FailingDisk(original, faults) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), max_cycles=1)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert job.result["code"] == "cycles"
        assert disk.cycles == 1
        assert len(lost_at(disk)) == 2  # and after the last cycle it was read as far as it would go
        assert job.result["lost"]
        assert_saved(made, original, disk, 0.4)


@pytest.mark.full
def test_the_budget_can_be_raised_meanwhile(tmp_path, original):
    faults = killers((1 * MIB, 512), (2 * MIB, 512))
    with FailingDisk(original, faults) as disk:
        made = campaign(disk.device, tmp_path / "out", None, max_cycles=1, edges=False)
        job = begin(made)
        needs_power(job)
        number = control.send(job.directory, "budget", values={"max_cycles": None})
        assert answered(job, number).campaign.max_cycles is None
        job = pull_the_plug_whenever_asked(disk, job)
        assert job.state is JobState.DONE, why_failed(job)
        assert disk.cycles == 2
        assert_saved(made, original, disk, 0.99)


def test_the_time_of_the_budget_ends_it_in_the_middle_of_a_pass(tmp_path, original):
    with slow(original) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk))
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        control.send(job.directory, "budget", values={"end_time": time.time()})
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        assert job.result["code"] == "time"
        assert 0 < result_map(made).ranges("+").total < 4 * MIB
        assert_saved(made, original, disk, 0.0)


def test_cycles_that_bring_too_little_end_it(tmp_path, original):
    faults = killers(*((at * 65536, 512) for at in range(4, 64, 4)))
    with FailingDisk(original, faults) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), min_bytes_per_cycle=2 * MIB)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert job.result["code"] == "yield"
        assert disk.cycles <= 4
        known_killers_were_left_alone(disk, job)


def test_what_is_wanted_first_is_read_first(tmp_path, original):
    wanted = tmp_path / "wanted.map"
    write_map(wanted, read_map_of(4 * MIB).set_range(3 * MIB, 3 * MIB + 65536, "+"))
    with FailingDisk(original, killers((1 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), first=((str(wanted), 1e6),), edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        reads = [one for one in disk.reads() if one.touched]
        assert 3 * MIB <= reads[0].offset < 3 * MIB + 65536
        assert_saved(made, original, disk, 0.99)


def read_map_of(size):
    from engine.mapfile import Mapfile

    return Mapfile.new(0, size)


def test_the_status_says_everything(tmp_path, original):
    with FailingDisk(original, killers((2 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), max_cycles=9, edges=False)
        job = rescue(made)
        seen = status(job)
        assert seen.state is State.DONE
        now = seen.campaign
        assert now.switch.endswith("cycle")
        assert (now.cycles, now.max_cycles) == (1, 9)
        assert now.drive.startswith(str(disk.device))
        assert now.reason == seen.headline
        assert now.verdict
        texts = [one.text for one in now.decisions]
        assert any("the drive was lost" in text for text in texts)
        assert any("the drive is back" in text for text in texts)
        assert told(job, "pass")[-1]["reason"] in texts
