"""kill -9 of a campaign at every point: it goes on from map and memory, and touches no known killer again."""

from __future__ import annotations

import os
import signal
import time

import pytest

from engine.jobs import JobState, load, resume
from engine.rescue.campaign.board import Phase
from tests.engine.rescue.campaigning import (
    MIB,
    assert_saved,
    campaign,
    killers,
    known_killers_were_left_alone,
    lost_at,
    pair,
    switch,
)
from tests.engine.rescue.driving import begin, status, wait_end, wait_status, wait_until, why_failed
from tests.failing_disk import FailingDisk, Hang, Power, Profile, make_image
from tests.support import needs_fuse, needs_tool

pytestmark = [needs_tool("ddrescue"), needs_fuse()]


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 4 * MIB)


def kill(job):
    """kill -9 of the runner; the job when it is seen to be lost."""
    os.kill(load(job.directory).pid, signal.SIGKILL)
    wait_until(lambda: load(job.directory).state is JobState.LOST)
    return load(job.directory)


def go_on(job):
    job = wait_end(resume(job.directory))
    assert job.state is JobState.DONE, why_failed(job)
    return job


@pytest.mark.full
def test_while_it_reads(tmp_path, original):
    profile = Profile(faults=tuple(killers((1 * MIB, 512), (3 * MIB, 512))), bytes_per_second=800e3)
    with FailingDisk(original, profile) as disk:
        job = begin(campaign(disk.device, tmp_path / "out", switch(disk), edges=False))
        wait_status(job, lambda now: now.campaign and now.campaign.cycles == 1 and now.campaign.phase is Phase.READING)
        wait_until(lambda: disk.cycles == 1 and disk.reads(), "no cycle")
        time.sleep(0.5)
        before = status(job)
        kill(job)
        first = lost_at(disk)
        job = go_on(job)
        known_killers_were_left_alone(disk, job, killed=True)
        assert lost_at(disk)[: len(first)] == first
        assert status(job).campaign.cycles >= before.campaign.cycles
        made = campaign(disk.device, tmp_path / "out", switch(disk))
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_at_the_moment_of_the_loss(tmp_path, original):
    with FailingDisk(original, killers((2 * MIB, 512))) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), edges=False)
        job = begin(made)
        wait_until(lambda: disk.state == "offline", "it was never lost")
        if load(job.directory).live:
            kill(job)
        job = go_on(job)
        known_killers_were_left_alone(disk, job, killed=True)
        assert_saved(made, original, disk, 0.99)


def test_while_a_read_hangs(tmp_path, original):
    with FailingDisk(original, [Hang(offset=2 * MIB, size=512)]) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), hang_limit_s=2.0, edges=False)
        job = begin(made)
        disk.wait_state("hung")
        kill(job)
        job = go_on(job)
        assert disk.cycles == 1
        assert len(lost_at(disk)) == 1
        known_killers_were_left_alone(disk, job, killed=True)
        assert_saved(made, original, disk, 0.99)


@pytest.mark.parametrize(
    "phase",
    [
        Phase.OFF,
        *(
            pytest.param(phase, marks=pytest.mark.full)
            for phase in (Phase.CUTTING, Phase.RESTORING, Phase.WAITING, Phase.SETTLING)
        ),
    ],
)
def test_while_the_drive_is_brought_back(tmp_path, original, phase):
    profile = Profile(faults=tuple(killers((2 * MIB, 512))), power=Power(settle_seconds=0.5))
    with FailingDisk(original, profile) as disk:
        power = pair(disk)
        power = type(power)(off=power.off, on=power.on, off_seconds=0.4)
        made = campaign(disk.device, tmp_path / "out", power, settle_s=0.4, wait_s=10.0, edges=False)
        job = begin(made)
        wait_status(job, lambda now: now.campaign and now.campaign.phase in _from(phase))
        kill(job)
        job = go_on(job)
        assert disk.cycles <= 2
        assert len(lost_at(disk)) == 1
        assert status(job).campaign.cycles >= disk.cycles
        assert_saved(made, original, disk, 0.99)


def _from(phase):
    """This phase or a later one, should it be over before anybody looks."""
    order = [Phase.CUTTING, Phase.OFF, Phase.RESTORING, Phase.WAITING, Phase.SETTLING, Phase.PROVING]
    return order[order.index(phase) :]
