"""A campaign whose target fills up, or whose map cannot be saved: it stops, nothing is lost, and it goes on later."""

from __future__ import annotations

import dataclasses
import subprocess

import pytest

from engine.jobs import JobState, resume
from engine.rescue.campaign.verdict import Finding
from tests.engine.rescue.campaigning import MIB, assert_saved, campaign, killers, switch
from tests.engine.rescue.driving import (
    assert_true_image,
    begin,
    kept_full,
    status,
    wait_end,
    wait_status,
    why_failed,
)
from tests.failing_disk import FailingDisk, Profile, make_image
from tests.support import needs_fuse, needs_root, needs_tool

pytestmark = [needs_tool("ddrescue"), needs_fuse(), pytest.mark.full]


@pytest.fixture
def small_fs(tmp_path):
    """A file system of 128 MiB in memory."""
    needs_root()
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize(
    ("what", "code", "finding"),
    [("image", "no-space", Finding.TARGET_FULL), ("map", "map-unwritable", Finding.MAP_UNWRITABLE)],
)
def test_no_room_ends_it_with_everything_saved_and_it_goes_on_later(tmp_path, small_fs, what, code, finding):
    original = make_image(tmp_path / "original", 8 * MIB)
    profile = Profile(faults=tuple(killers((1 * MIB, 512))), bytes_per_second=800e3)
    with FailingDisk(original, profile) as disk:
        made = campaign(disk.device, tmp_path / "out", switch(disk), edges=False)
        made = dataclasses.replace(made, **{what: str(small_fs / what)})
        job = begin(made)
        wait_status(job, lambda now: now.campaign and now.campaign.cycles == 1 and now.rescued > MIB)
        with kept_full(small_fs) as filler:
            job = wait_end(job)
        assert job.state is JobState.FAILED
        # A full disk may also be met first where the state of the map before the pass is kept.
        assert job.error.code in (code, "no-space"), why_failed(job)
        if job.error.code == code:
            assert status(job).campaign.verdict == finding
        first = assert_true_image(made, original, disk).ranges("+")
        assert first.total >= MIB
        filler.unlink()
        job = wait_end(resume(job.directory))
        assert job.state is JobState.DONE, why_failed(job)
        assert disk.cycles == 1, "no cycle is spent for a target that is full"
        assert_saved(made, original, disk, 0.99)
