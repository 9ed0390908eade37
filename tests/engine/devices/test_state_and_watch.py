"""How a drive is doing, and waiting for it: on recorded looks, with a clock of our own."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from engine.devices import discover, identify
from engine.devices.drive_state import Condition, Look, judge, look, looks_ill
from engine.devices.model import Counters
from engine.devices.uevents import Uevents, parse_uevent
from engine.devices.watch import wait_for
from engine.errors import CancelledError, OutsideError, RefusedError
from engine.progress import Silent
from tests.engine.machine import FakeMachine, recorded_machine, sata

WELL = Look("sda", 0.0, True, True, "running", 1 << 30, 3, Counters(100, 0, 100, 100, 0))


def after(seconds: float, **changes) -> Look:
    counters = changes.pop("counters", WELL.counters)
    return replace(WELL, at=seconds, counters=counters, **changes)


@pytest.mark.parametrize(
    ("last", "condition"),
    [
        (after(5), Condition.RUNNING),
        (after(5, counters=Counters(900, 2, 902, 900, 0)), Condition.RUNNING),
        (after(5, present=False, node=False, size=0), Condition.GONE),
        (after(5, diskseq=4), Condition.GONE),
        (after(5, state="deleted"), Condition.GONE),
        (after(5, node=False), Condition.GONE),
        (after(5, state="offline"), Condition.OFFLINE),
        (after(5, state="transport-offline"), Condition.OFFLINE),
        (after(5, size=0), Condition.EMPTY),
        (after(5, size=1 << 20), Condition.EMPTY),
        (after(5, state="blocked"), Condition.BUSY),
        (after(5, state="resetting"), Condition.BUSY),
    ],
)
def test_conditions(last, condition):
    assert judge([WELL, last]).condition is condition


def test_a_hang_is_no_answer_for_long_enough():
    waiting = Counters(100, 2, 102, 100, 0)
    looks = [WELL] + [after(float(t), counters=waiting) for t in range(1, 10)]
    assert judge(looks, hang_after_s=10).condition is Condition.RUNNING
    assert judge(looks, hang_after_s=10).waiting_s == 8
    looks += [after(float(t), counters=waiting) for t in range(10, 13)]
    verdict = judge(looks, hang_after_s=10)
    assert (verdict.condition, verdict.waiting_s, verdict.usable) == (Condition.HUNG, 11, False)
    answered = after(13.0, counters=Counters(101, 1, 102, 101, 0))
    assert judge([*looks, answered], hang_after_s=10).condition is Condition.RUNNING


def test_a_slow_drive_that_answers_is_no_hang():
    looks = [after(float(t), counters=Counters(100 + t, 1, 101 + t, 100 + t, 0)) for t in range(60)]
    assert judge(looks, hang_after_s=10).condition is Condition.RUNNING


def test_a_gap_from_old_timeouts_is_no_hang():
    looks = [after(float(t), counters=Counters(100, 0, 120, 100, 20)) for t in range(60)]
    verdict = judge(looks, hang_after_s=10)
    assert (verdict.condition, verdict.waiting_s) == (Condition.RUNNING, 0)


def test_errors_are_counted_since_the_first_look():
    last = after(5, counters=Counters(100, 0, 100, 100, 7))
    assert judge([replace(WELL, counters=Counters(1, 0, 1, 1, 2)), last]).new_errors == 5


def test_looks_ill_needs_a_second_look_for_a_hang():
    waiting = after(1, counters=Counters(100, 2, 102, 100, 0))
    assert looks_ill(waiting) is None
    assert "2 requests wait" in (looks_ill(waiting, replace(waiting, at=2)) or "")
    assert looks_ill(waiting, after(2, counters=Counters(150, 2, 152, 150, 0))) is None
    assert looks_ill(after(1, state="offline")) == "the kernel says: offline"
    assert looks_ill(after(1, size=0)) == "its size is 0"
    assert looks_ill(after(1, present=False)) == "it is not there"


def test_looking_at_a_recorded_disk(tmp_path):
    machine = FakeMachine(tmp_path)
    sata(machine, "sda", 0, "ONE", 1, stat="10 0 80 4 20 0 0 0 3 60 60 5 0 0 0 2 0", device={"iorequest_cnt": "0x1f"})
    seen = look("sda", machine.roots, now=1.0)
    assert seen.counters == Counters(completed=37, in_flight=3, requested=0x1F, done=0x64, errors=0)
    assert (seen.present, seen.node, seen.state, seen.size) == (True, True, "running", 64 << 20)
    machine.remove("sda")
    gone = look("sda", machine.roots, now=2.0)
    assert (gone.present, gone.node, gone.counters) == (False, False, None)
    assert judge([seen, gone]).condition is Condition.GONE


def test_uevents_of_the_kernel_are_read_others_not():
    message = (
        b"add@/devices/pci0000:00/block/sdi\0ACTION=add\0DEVPATH=/devices/pci0000:00/block/sdi\0SUBSYSTEM=block\0"
        b"MAJOR=8\0DEVNAME=sdi\0DEVTYPE=disk\0DISKSEQ=30\0SEQNUM=1\0"
    )
    event = parse_uevent(message)
    assert event is not None
    assert (event.action, event.name, event.devtype, event.diskseq) == ("add", "sdi", "disk", 30)
    assert parse_uevent(b"libudev\0\xfe\xed\xca\xfe") is None
    assert parse_uevent(b"") is None
    odd = parse_uevent(b"add@/x\0DISKSEQ=\xff\0=\0NOVALUE\0")
    assert odd is not None
    assert odd.diskseq is None


def test_without_netlink_time_passes(monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(1, "not here")

    monkeypatch.setattr(socket, "socket", refuse)
    with Uevents() as events:
        assert not events.listening
        assert events.wait(0.01) == []


class Recorder(Silent):
    def __init__(self, cancel_after: int | None = None) -> None:
        self.events: list[tuple[str, dict]] = []
        self.asked = 0
        self.cancel_after = cancel_after

    def event(self, kind, **facts):
        self.events.append((kind, facts))

    def cancelled(self):
        self.asked += 1
        return self.cancel_after is not None and self.asked > self.cancel_after

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]


class World:
    """A machine that changes by script: step n runs before the n-th pause ends."""

    def __init__(self, machine: FakeMachine, *steps) -> None:
        self.machine, self.steps, self.now = machine, list(steps), 0.0

    def devices(self):
        return discover(self.machine.roots, everything=True, lsblk_program=None)

    def pause(self, seconds: float) -> None:
        self.now += max(seconds, 0.01)
        if self.steps:
            self.steps.pop(0)()

    def wait_for(self, known, timeout_s=30.0, reporter=None, **more):
        return wait_for(
            known, timeout_s, reporter or Recorder(), roots=self.machine.roots, list_devices=self.devices,
            pause=self.pause, clock=lambda: self.now, **more,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path) -> FakeMachine:
    return recorded_machine(tmp_path)


@pytest.fixture
def known(machine):
    found = identify(machine.dev / "sdb", machine.roots)
    assert found is not None
    return found


def nothing() -> None:
    return


def back(machine, name="sdi", serial="BAD-SSD-0002", wwn="naa.500a0751cafe0002", minor=128, **more):
    return sata(machine, name, minor, serial, 9, device={"model": "TESTDISK SSD BAD", "wwid": wwn}, **more)


def test_returns_under_another_name(machine, known):
    machine.remove("sdb")
    reporter = Recorder()
    found = World(machine, nothing, lambda: back(machine)).wait_for(known, reporter=reporter)
    assert found.path == str(machine.dev / "sdi")
    assert reporter.kinds == ["waiting", "returned"]


def test_another_drive_of_the_same_make_and_size_is_never_taken(machine, known):
    machine.remove("sdb")
    reporter = Recorder()
    world = World(machine, lambda: back(machine, serial="BAD-SSD-0003", wwn="naa.500a0751cafe0003"))
    with pytest.raises(OutsideError) as caught:
        world.wait_for(known, reporter=reporter)
    assert caught.value.code == "not-returned"
    assert 30 <= world.now < 32


def test_the_known_drive_with_another_size_is_never_taken_and_told_once(machine, known):
    machine.remove("sdb")
    reporter = Recorder()
    with pytest.raises(OutsideError):
        World(machine, lambda: back(machine, size=32 << 20)).wait_for(known, reporter=reporter)
    assert reporter.kinds == ["waiting", "other-drive"]
    assert "32.0 MiB" in reporter.events[1][1]["reason"]


def test_dead_node_is_not_taken_for_a_return(machine, known):
    (machine.sys / "block/sdb/device/state").write_text("offline\n")
    world = World(machine, nothing, lambda: (machine.sys / "block/sdb/device/state").write_text("running\n"))
    assert world.wait_for(known).path == str(machine.dev / "sdb")
    assert world.now >= 2


def test_dead_attachment_must_be_attached_anew(machine, known):
    def again() -> None:
        (machine.sys / "block/sdb/diskseq").write_text("99\n")

    world = World(machine, nothing, nothing, again)
    found = world.wait_for(known, dead_attachment=known.diskseq)
    assert world.now >= 3
    assert found.device is not None
    assert found.device.diskseq == 99


def test_two_that_fit_are_refused_at_once(machine, known):
    back(machine)
    with pytest.raises(RefusedError) as caught:
        World(machine).wait_for(known)
    assert caught.value.code == "ambiguous-drive"


def test_probable_needs_the_persons_word_or_the_contents(machine):
    known = identify(machine.dev / "sdh", machine.roots)  # a USB stick: its number is weak
    assert known is not None
    (machine.sys / "block/sdh/diskseq").write_text("77\n")
    reporter = Recorder()
    with pytest.raises(OutsideError):
        World(machine).wait_for(known, 5.0, reporter=reporter)
    assert "not-sure" in reporter.kinds
    assert World(machine).wait_for(known, 30.0, accept_probable=True).path == str(machine.dev / "sdh")
    asked = []

    def content(device, partition):
        asked.append(device.name)
        return True

    assert World(machine).wait_for(known, 30.0, content=content).path == str(machine.dev / "sdh")
    assert asked == ["sdh"]  # read once, however long the wait


def test_waits_for_udev_links_but_not_for_ever(machine):
    known = identify(machine.dev / "sda", machine.roots)
    assert known is not None
    assert known.by_id
    for link in known.by_id:
        (machine.dev / "disk/by-id" / link).unlink()
    world = World(machine, nothing, nothing, lambda: machine.link(known.by_id[0], "sda"))
    world.wait_for(known)
    assert 3 <= world.now < 4
    (machine.dev / "disk/by-id" / known.by_id[0]).unlink()
    world = World(machine)
    world.wait_for(known, settle_s=10.0)
    assert 10 <= world.now < 12


def test_cancelled(machine, known):
    machine.remove("sdb")
    with pytest.raises(CancelledError):
        World(machine).wait_for(known, None, Recorder(cancel_after=5))
