"""Campaigns of a disk with a number of its own behind a controller that neither sees it go nor come."""

from __future__ import annotations

import contextlib
import threading

import pytest

from engine.errors import OutsideError, RefusedError
from engine.rescue import control
from engine.rescue.job import run
from engine.rescue.status import State, read_status
from tests.engine.rescue.attached import OwnJob, attached
from tests.engine.rescue.campaigning import MIB, assert_saved, campaign, killers, lost_at, pair
from tests.engine.rescue.driving import wait_until
from tests.failing_disk import Error, FailingDisk, Profile, make_image
from tests.support import needs_fuse, needs_tool

pytestmark = [needs_tool("ddrescue"), needs_fuse()]


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 4 * MIB)


def test_the_node_is_deleted_before_the_power_goes_and_the_disk_is_found_by_a_rescan(tmp_path, original, monkeypatch):
    with (
        FailingDisk(original, killers((2 * MIB, 512))) as disk,
        attached(tmp_path / "machine", disk, monkeypatch) as machine,
    ):
        machine.machine.write(machine._directory, ro=1)  # somebody ran blockdev --setro
        made = campaign(machine.machine.dev / "sdb", tmp_path / "out", pair(disk), edges=False)
        job = OwnJob(tmp_path / "job")
        result = run(made.to_json(), job)
        assert result["cycles"] == disk.cycles == 1
        assert machine.said == ["delete sdb", "scan", "setro sdc"]
        assert [facts["action"] for facts in job.told("power")] == ["delete-node", "off", "on"]
        back = job.told("returned")[0]
        assert back["path"].endswith("/dev/sdc")
        assert "BAD-SSD-0002" in back["drive"]
        assert machine.read_only
        assert any("sdc is read-only again" in facts["message"] for facts in job.told("note"))
        seen = read_status(job.directory)
        assert seen.campaign.node.endswith("/dev/sdc")
        assert_saved(made, original, disk, 0.99)


@pytest.mark.full
def test_a_disk_with_another_number_is_never_read(tmp_path, original, monkeypatch):
    with (
        FailingDisk(original, killers((2 * MIB, 512))) as disk,
        attached(tmp_path / "machine", disk, monkeypatch) as machine,
    ):
        made = campaign(machine.machine.dev / "sdb", tmp_path / "out", pair(disk), wait_s=1.0, tries=2)
        job = OwnJob(tmp_path / "job")
        machine.serial = "ANOTHER-0003"  # from the next attachment on
        before = len(disk.reads())
        with pytest.raises(OutsideError) as error:
            run(made.to_json(), job)
        assert error.value.code == "not-returned"
        assert "saved" in error.value.advice
        lost = next(read.seq for read in disk.reads(before) if read.outcome == "drop")
        assert [read for read in disk.reads() if read.seq > lost and read.outcome == "ok"] == []
        assert_saved(made, original, disk, 0.4)


@pytest.mark.full
def test_a_person_says_that_it_was_done_and_the_bus_is_scanned(tmp_path, original, monkeypatch):
    with (
        FailingDisk(original, killers((2 * MIB, 512))) as disk,
        attached(tmp_path / "machine", disk, monkeypatch) as machine,
    ):
        made = campaign(machine.machine.dev / "sdb", tmp_path / "out", None, edges=False)
        job = OwnJob(tmp_path / "job")

        def person():
            wait_until(lambda: (seen := read_status(job.directory)) and seen.state is State.NEEDS_POWER)
            disk.power_cycle()
            control.send(job.directory, "power-done")

        thread = threading.Thread(target=person)
        thread.start()
        result = run(made.to_json(), job)
        thread.join()
        assert result["cycles"] == disk.cycles == 1
        assert machine.said == ["delete sdb", "scan"]
        assert "BAD-SSD-0002" in job.told("power")[1]["message"], "it is said which drive"
        assert_saved(made, original, disk, 0.99)


class Crash(BaseException):
    """The machine goes down."""


class Mortal(OwnJob):
    """A job whose machine goes down when it keeps its memory for the n-th time, just before or just after that."""

    def __init__(self, directory, number, kept):
        super().__init__(directory)
        self.left, self.kept = number, kept

    def checkpoint(self, saved=None):
        self.left -= 1
        if self.left or self.kept:
            super().checkpoint(saved)
        if not self.left:
            raise Crash
        return True


@pytest.mark.full
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "lost"])
@pytest.mark.parametrize("number", range(1, 10))
def test_a_reboot_at_any_moment(tmp_path, original, monkeypatch, number, kept):
    """It goes on from map and memory under a new boot, and the read that was lost is not made again."""
    with (
        FailingDisk(original, killers((2 * MIB, 512), (3 * MIB, 512))) as disk,
        attached(tmp_path / "machine", disk, monkeypatch) as machine,
    ):
        made = campaign(machine.machine.dev / "sdb", tmp_path / "out", pair(disk), edges=False)
        job = Mortal(tmp_path / "job", number, kept)
        with contextlib.suppress(Crash):
            run(made.to_json(), job)
            pytest.skip("it had come to its end before")
        boot = machine.machine.proc / "sys" / "kernel" / "random" / "boot_id"
        boot.write_text("99999999-aaaa-bbbb-cccc-222222222222\n")
        if machine.name:
            machine._deleted()
        if disk.state == "off":
            disk.power_on()
            disk.wait_present()
        if disk.state != "removed":
            machine.attach()  # found by the new boot, dead or alive
        again = OwnJob(tmp_path / "job", job.saved)
        if again.saved is None:  # nothing was kept yet: it begins anew, where the disk is now
            made = campaign(machine.machine.dev / machine.name, tmp_path / "out", pair(disk), edges=False)
        result = run(made.to_json(), again)
        assert disk.cycles <= result["cycles"] + 1
        lost = lost_at(disk)
        assert len(lost) == len({(start, end) for _, start, end in lost}) <= 4
        for seq, start, end in lost:
            later = [one for one in disk.reads() if one.seq > seq and one.touched]
            assert not [one for one in later if one.offset <= start and one.offset + one.size >= end]
        assert_saved(made, original, disk, 0.99)


def test_two_disks_of_the_same_number_are_refused(tmp_path, original, monkeypatch):
    with (
        FailingDisk(original, killers((2 * MIB, 512))) as disk,
        attached(tmp_path / "machine", disk, monkeypatch) as machine,
    ):
        attach = machine.attach

        def twice():
            machine.hidden = True
            attach()
            attach()
            machine.hidden = False

        machine.attach = twice
        made = campaign(machine.machine.dev / "sdb", tmp_path / "out", pair(disk), wait_s=5.0)
        with pytest.raises(RefusedError) as error:
            run(made.to_json(), OwnJob(tmp_path / "job"))
        assert error.value.code == "ambiguous-drive"


def test_resets_of_the_controller_are_told_from_bad_sectors(tmp_path, original, monkeypatch):
    profile = Profile(faults=(Error(offset=3 * MIB, size=512),), bytes_per_second=1500e3)
    with FailingDisk(original, profile) as disk, attached(tmp_path / "machine", disk, monkeypatch) as machine:
        made = campaign(machine.machine.dev / "sdb", tmp_path / "out", pair(disk), edges=False)
        job = OwnJob(tmp_path / "job")

        def kernel():
            while not disk.reads():
                over.wait(0.05)
            machine.log("ata7: hard resetting link")  # of another disk
            over.wait(0.05)
            machine.log("ata2: hard resetting link")

        over = threading.Event()
        thread = threading.Thread(target=kernel)
        thread.start()
        try:
            result = run(made.to_json(), job)
        finally:
            over.set()
            thread.join()
        assert result["cycles"] == 0
        notes = [facts for facts in job.told("note") if facts.get("code") == "kernel-reset"]
        assert len(notes) == 1 and "ata2" in notes[0]["message"]
        seen = read_status(job.directory).campaign
        assert seen.resets == 1
        assert any("the controller had to reset the drive" in one.text for one in seen.decisions)
        assert_saved(made, original, disk, 0.99)
