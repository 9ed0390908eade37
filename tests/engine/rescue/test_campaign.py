"""Whole campaigns by the job in its own process, with the real ddrescue, of drives that drop off in every way."""

from __future__ import annotations

import fcntl
import tempfile
from pathlib import Path

import pytest

from engine.jobs import JobState, resume
from engine.rescue.campaign.board import Phase
from engine.rescue.status import State
from tests.engine.rescue.campaigning import (
    MIB,
    assert_saved,
    campaign,
    killers,
    known_killers_were_left_alone,
    pair,
    switch,
    told,
)
from tests.engine.rescue.driving import (
    events,
    rescue,
    result_map,
    status,
    wait_end,
    why_failed,
)
from tests.failing_disk import (
    Drop,
    Error,
    FailingDisk,
    Flaky,
    Hang,
    Power,
    Profile,
    Return,
    Slow,
    make_image,
    scatter,
)
from tests.support import needs_fuse, needs_loop, needs_tool

pytestmark = [needs_tool("ddrescue"), needs_fuse()]

AS_FILE_AND_DEVICE = pytest.mark.parametrize("loop", [False, pytest.param(True, marks=pytest.mark.full)], indirect=True)
"""Read through FUSE alone, and as a real block device in front of it."""


@pytest.fixture
def alone():
    """One test with a loop device at a time: a drive that is away leaves its number to the next one that comes, and has
    none of its own to be told by."""
    needs_loop()
    with open(Path(tempfile.gettempdir()) / "rescuedeck-loop-tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def loop(request):
    if request.param:
        request.getfixturevalue("alone")
    return request.param


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 8 * MIB)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return make_image(tmp_path_factory.mktemp("large") / "original", 64 * MIB)


def cycles_until(job, share, whole):
    """Power cycles that were used when this share had been rescued."""
    brought = 0
    for cycles, count in enumerate(job.result["cycle_bytes"]):
        brought += count
        if brought >= share * whole:
            return cycles
    raise AssertionError(f"never: {job.result}")


# -- what the campaign is for: few power cycles ----------------------------------------------------------------------


@pytest.mark.full
@AS_FILE_AND_DEVICE
def test_three_small_killers_on_64_mib(tmp_path, large, loop):
    faults = killers((10 * MIB + 4096, 4096), (30 * MIB, 512), (47 * MIB + 512, 4096))
    with FailingDisk(large, faults, loop=loop) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), max_cycles=7, cycle_worth_s=8.0)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert cycles_until(job, 0.9999, disk.truth().readable_bytes) <= 7
        assert disk.cycles == job.result["cycles"] <= 7
        known_killers_were_left_alone(disk, job)
        assert_saved(made, large, disk, 0.9999)


@AS_FILE_AND_DEVICE
def test_one_large_killer_on_64_mib(tmp_path, large, loop):
    with FailingDisk(large, killers((21 * MIB, 2 * MIB)), loop=loop) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), max_cycles=2, edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert disk.cycles <= 2
        known_killers_were_left_alone(disk, job)
        assert_saved(made, large, disk, 0.99)


@pytest.mark.full
@AS_FILE_AND_DEVICE
def test_twelve_scattered_killers_on_64_mib(tmp_path, large, loop):
    faults = scatter(killers((0, 4096))[0], 12, 64 * MIB, seed=3)
    with FailingDisk(large, faults, loop=loop) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), max_cycles=24)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert disk.cycles <= 24
        known_killers_were_left_alone(disk, job)
        assert_saved(made, large, disk)


# -- every way to be lost ----------------------------------------------------------------------------------------------


def test_every_way_to_drop_off(tmp_path, original):
    modes = ("offline", "gone", "removed")
    faults = [Drop(offset=at * MIB, size=512, mode=mode) for at, mode in zip((2, 4, 6), modes, strict=True)]
    with FailingDisk(original, faults) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert {fault for _, fault in lost_by(disk)} == {0, 1, 2}
        kinds = [event.kind for event in events(job) if event.kind in ("drop-off", "power", "returned")]
        assert kinds == ["drop-off", "power", "returned"] * disk.cycles
        known_killers_were_left_alone(disk, job)
        assert_saved(made, original, disk, 0.99)
        seen = status(job)
        assert seen.campaign.phase is Phase.ENDED
        assert seen.campaign.cycles == disk.cycles
        assert len(seen.campaign.cycle_bytes) == disk.cycles + 1
        assert sum(seen.campaign.cycle_bytes) == job.result["rescued"]
        for at in (2, 4, 6):
            assert any(start <= at * MIB < end for start, end in seen.campaign.killers)


def lost_by(disk):
    """The reads that lost the drive, each with the number of the fault."""
    return [(read.seq, read.fault) for read in disk.reads() if read.outcome == "drop"]


@pytest.mark.parametrize("power", [pytest.param(switch, marks=pytest.mark.full), pair])
def test_a_read_that_hangs_is_freed_by_the_power(tmp_path, original, power):
    with FailingDisk(original, [Hang(offset=3 * MIB, size=512)]) as disk:
        made = campaign(disk.device, tmp_path / "out", power(disk), hang_limit_s=1.5, edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert disk.cycles == 1
        assert told(job, "hang")[0]["position"] <= 3 * MIB
        assert_saved(made, original, disk, 0.99)
        assert len([one for one in disk.touches(3 * MIB, 512) if one.outcome == "hang"]) == 1


@AS_FILE_AND_DEVICE
def test_a_flaky_place_and_bad_sectors_beside_killers(tmp_path, original, loop):
    faults = [
        Error(offset=1 * MIB, size=1024),
        Flaky(offset=3 * MIB, size=128 << 10, outcome="drop", probability=0.1),
        Error(offset=6 * MIB, size=512),
    ]
    with FailingDisk(original, Profile(faults=tuple(faults), seed=5), loop=loop) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), max_cycles=10, edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert 0 < disk.cycles <= 10
        known_killers_were_left_alone(disk, job)
        assert_saved(made, original, disk, 0.98)
        bad = result_map(made).ranges("-")
        assert bad.intersect(type(bad)([(1 * MIB, 1 * MIB + 1024)])).total == 1024


@pytest.mark.full
@AS_FILE_AND_DEVICE
def test_a_slow_zone_is_put_off_and_read_in_the_end(tmp_path, loop):
    original = make_image(tmp_path / "original", 5 * MIB)
    faults = (Slow(offset=4 * MIB, size=512 << 10, bytes_per_second=150e3), *killers((4 * MIB + (768 << 10), 512)))
    with FailingDisk(original, Profile(faults=faults, bytes_per_second=1e6), loop=loop) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), slow_after_s=1.0, slow_share=0.4, edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        findings = [one.text for one in status(job).campaign.decisions]
        assert any("has become slow" in text for text in findings), findings
        assert_saved(made, original, disk, 0.99)


# -- how it comes back -------------------------------------------------------------------------------------------------


@pytest.mark.full
def test_it_comes_back_under_another_name(tmp_path, original):
    power = Power(rename=True, settle_seconds=0.2)
    with FailingDisk(original, Profile(faults=tuple(killers((3 * MIB, 512))), power=power)) as disk:
        made = campaign(disk.by_id, tmp_path / "out", switch(disk), edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert disk.path.name == "disk-2"
        assert_saved(made, original, disk, 0.99)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"serial": "OTHER"}, "other-drive"),
        pytest.param({"size": 4 * MIB}, "not-returned", marks=pytest.mark.full),
    ],
)
@AS_FILE_AND_DEVICE
def test_another_drive_is_refused(tmp_path, original, loop, change, code):
    power = Power(returns={1: Return(identity=change)})
    with FailingDisk(original, Profile(faults=tuple(killers((3 * MIB, 512))), power=power), loop=loop) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), wait_s=1.0, tries=2)
        job = rescue(made)
        assert job.state is JobState.FAILED
        assert job.error.code == code
        assert "saved" in job.error.advice
        first = result_map(made).ranges("+").total
        assert first > 2 * MIB
        # not one byte of it was taken, not even on a second attempt
        job = wait_end(resume(job.directory))
        assert job.error.code == code
        assert result_map(made).ranges("+").total == first
        assert_saved(made, original, disk, 0.3)


@AS_FILE_AND_DEVICE
def test_a_drive_that_no_longer_comes_back_ends_the_campaign_with_everything_saved(tmp_path, original, loop):
    faults = tuple(killers((3 * MIB, 512), (5 * MIB, 512)))
    with FailingDisk(original, Profile(faults=faults, power=Power(dies_after_cycles=1)), loop=loop) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), wait_s=1.0, tries=2)
        job = rescue(made)
        assert job.state is JobState.FAILED
        assert job.error.code == "not-returned"
        assert disk.state == "dead"
        assert disk.cycles == 1 + 2
        seen = status(job)
        assert seen.state is State.FAILED
        assert seen.campaign.phase is Phase.ENDED
        assert_saved(made, original, disk, 0.7)


# -- behind a real block device ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rename", [pytest.param(False, marks=pytest.mark.full), True])
def test_behind_a_loop_device(tmp_path, original, alone, rename):
    faults = tuple(killers((3 * MIB, 512), (5 * MIB, 4096)))
    profile = Profile(faults=faults, power=Power(rename=rename, settle_seconds=0.1))
    with FailingDisk(original, profile, loop=True) as disk:
        source = disk.by_id if rename else disk.device
        made = campaign(source, tmp_path / "out", switch(disk), edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert 2 <= disk.cycles <= 4
        known_killers_were_left_alone(disk, job)
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_a_hang_behind_a_loop_device(tmp_path, original, alone):
    with FailingDisk(original, [Hang(offset=3 * MIB, size=512)], loop=True) as disk:
        made = campaign(disk.device, tmp_path / "out", pair(disk), hang_limit_s=1.5, edges=False)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert disk.cycles == 1
        assert_saved(made, original, disk, 0.99)


# -- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.full
def test_nothing_readable_is_left_between_two_killers_of_one_read_and_little_gain_is_told(tmp_path, original):
    """By itself it goes on to the last readable sector; that cycles bring little is said, and it ends before long."""
    first = 3 * MIB + 4096
    faults = killers((first, 512), (first + 8192, 512), (first + 32768, 4096))
    with FailingDisk(original, faults) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk))
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert_saved(made, original, disk, 1.0)
        notes = [facts["message"] for facts in told(job, "note")]
        assert any("power cycles brought" in text for text in notes), notes
        assert disk.cycles <= 16
        known_killers_were_left_alone(disk, job)
