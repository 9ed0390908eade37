"""Running whole campaigns in tests: the real job, the real ddrescue, a failing disk with a power switch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.jobs import Job
from engine.rescue.arguments import RescueArguments
from engine.rescue.campaign.settings import CampaignSettings, PowerSwitch
from tests.engine.rescue.driving import arguments, assert_true_image, events
from tests.failing_disk import Drop, FailingDisk

MIB = 1 << 20
_LOST = ("drop", "hang")


def switch(disk: FailingDisk) -> PowerSwitch:
    """The disk's own power switch as one command."""
    return PowerSwitch(cycle=tuple(disk.power_command("cycle")), off_seconds=0)


def pair(disk: FailingDisk) -> PowerSwitch:
    """The same as two commands."""
    return PowerSwitch(off=tuple(disk.power_command("off")), on=tuple(disk.power_command("on")), off_seconds=0)


def campaign(source: Path | str, folder: Path, power: PowerSwitch | None, **more: Any) -> RescueArguments:
    """A campaign of ``source`` into ``folder``; ``more`` are campaign settings, or arguments of a rescue.

    Small reads: on a busy machine they would grow, and more would be lost with each.
    """
    facts = {"settle_s": 0.0, "wait_s": 3.0, "cycle_worth_s": 1.0, "cluster_size": 4096}
    own = {name for name in more if name in CampaignSettings.__dataclass_fields__}
    settings = CampaignSettings(switch=power or PowerSwitch(), **(facts | {name: more.pop(name) for name in own}))
    return arguments(source, folder, strategy="drop-off", campaign=settings, **more)


def killers(*places: tuple[int, int], **more: Any) -> list[Drop]:
    """Faults that take the drive off the bus."""
    return [Drop(offset=at, size=size, **more) for at, size in places]


def assert_saved(made: RescueArguments, original: Path, disk: FailingDisk, share: float = 1.0) -> None:
    """No wrong byte, no false bad sector, nobody wrote to the drive, and at least this share of what can be read."""
    known = assert_true_image(made, original, disk)
    truth = disk.truth()
    assert known.ranges("+").total >= share * truth.readable_bytes, known.totals()
    assert known.end == truth.size


def lost_at(disk: FailingDisk) -> list[tuple[int, int, int]]:
    """Every read at which the drive was lost: number, half-open range."""
    return [(read.seq, read.offset, read.offset + read.size) for read in disk.reads() if read.outcome in _LOST]


def known_killers_were_left_alone(disk: FailingDisk, job: Job, *, killed: bool = False) -> None:
    """No read that lost the drive was made again: what lies in one is later read in smaller reads only, or not at all.

    Each loss is a read of its own, and there are not more of them than power cycles (and one at the end). Cycles are
    counted before they happen: who is ``killed`` in between counts one too many, never one too few.
    """
    lost = lost_at(disk)
    assert len(lost) <= disk.cycles + 1
    reads = disk.reads()
    for number, start, end in lost:
        again = [one for one in reads if one.seq > number and one.touched]
        inside = [one for one in again if one.offset < end and start < one.offset + one.size]
        assert all(one.size < end - start for one in inside), (start, end, inside)
    assert job.result is None or disk.cycles <= job.result["cycles"] <= disk.cycles + killed


def told(job: Job, kind: str) -> list[dict[str, Any]]:
    """The facts of the journal's events of a kind."""
    return [dict(event.facts) for event in events(job, kind)]
