"""A drive that drops off the bus, rescued through the deck in a terminal: by a power command, and by hand."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from engine.cases import load_case
from engine.jobs import JobState, list_jobs, stop
from engine.mapfile import read_map
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.presets import StrategyPreset, load_strategy, save_strategy
from tests.failing_disk import Drop, FailingDisk, Power, Profile, make_image
from tests.support import needs_fuse, needs_tool
from tests.terminal.tmux import CHECKOUT, DECK, PATIENCE_S, Pane

pytestmark = [pytest.mark.terminal, pytest.mark.fuse, needs_tool("tmux"), needs_tool("ddrescue"), needs_fuse()]

SIZE = 4 << 20
KILLER = (5 << 19, 4096)


@contextmanager
def patient(tmp_path: Path, mode: Literal["gone", "removed"]) -> Iterator[tuple[FailingDisk, Path, Path]]:
    """A drive with one killer, a case for it, and what it holds; jobs are ended afterwards."""
    healthy = tmp_path / "healthy.img"
    make_image(healthy, SIZE)
    profile = Profile(
        faults=(Drop(offset=KILLER[0], size=KILLER[1], mode=mode),), power=Power(settle_seconds=0.1)
    )  # fmt: skip
    place = tmp_path / "place"
    place.mkdir()
    with FailingDisk(healthy, profile, workdir=tmp_path) as disk:
        case = place / "smith"
        argv = [sys.executable, "-m", "tui", "case", "create", str(case), "--source", str(disk.path)]
        subprocess.run(argv, check=True, cwd=CHECKOUT, capture_output=True, timeout=60)
        try:
            yield disk, case, healthy
        finally:
            for job in list_jobs(case / "jobs").jobs:
                if job.live:
                    stop(job.directory)
            if disk.state not in ("alive", "dead"):
                disk.power_cycle()  # whoever still hangs on it is let go


def set_up(pane: Pane) -> None:
    """From the start screen to the set-up of the case."""
    pane.until(r"smith/ +case")
    pane.keys("G", "Enter")
    pane.until(r"HISTORY")
    pane.keys("R")
    pane.until(r"strategy +\w")


def finish(case: Path, pane: Pane) -> str:
    """Wait for the end of the campaign; the last screen."""
    end = time.monotonic() + 2 * PATIENCE_S
    while not any(job.state in (JobState.DONE, JobState.FAILED) for job in list_jobs(case / "jobs").jobs):
        assert time.monotonic() < end, pane.text()
        time.sleep(0.1)
    return pane.until(r"^ (DONE|GAPS LEFT|FAILED)")


def compare(case_directory: Path, healthy: Path, disk: FailingDisk) -> None:
    """No wrong byte, no false mark; the killer alone is missing; nobody tried to write."""
    jobs = list_jobs(case_directory / "jobs").jobs
    assert [job.state for job in jobs] == [JobState.DONE], [job.error for job in jobs]
    case = load_case(case_directory)
    known = read_map(case.map)
    truth, image = healthy.read_bytes(), case.image.read_bytes()
    for start, end in known.ranges("+"):
        assert image[start:end] == truth[start:end]
    assert known.totals().finished >= SIZE * 99 // 100
    assert all(KILLER[0] < end and start < sum(KILLER) for start, end in known.ranges("-"))
    assert disk.violations() == []


def test_a_campaign_by_power_command_from_set_up_to_the_end(tmp_path: Path) -> None:
    with patient(tmp_path, "gone") as (disk, case, healthy), Pane(DECK, cwd=case.parent) as pane:
        switch = tmp_path / "switch"
        switch.write_text(f"#!/bin/sh\nexec {shlex.join(disk.power_command('cycle'))}\n")
        switch.chmod(0o755)
        save_strategy(case, StrategyPreset(campaign=CampaignSettings(edges=False)))
        set_up(pane)
        pane.keys("D")
        pane.until(r"power +by hand")
        pane.keys("Enter")
        pane.until(r"one command \(c\)")
        pane.keys("c")
        pane.until(r"cuts and restores the power: *$")
        pane.type(str(switch))
        pane.keys("Enter")
        pane.until(r"^ /.*/swit?c?h?")
        pane.keys("T")
        pane.until(r"CUTS THE POWER")
        pane.keys("y")
        pane.until(r"the drive went and came back|the power commands ran in")
        tried = disk.cycles
        assert tried == 1
        pane.keys("down", "down", "down", "down", "Enter")
        pane.until(r"^ settle: 2")
        pane.keys("BSpace", "1", "Enter")
        pane.until(r"settle +1 s")
        pane.keys("q")
        pane.until(r"strategy +drop-off")
        pane.until(r"s starts it|may start with s")
        pane.keys("s")
        pane.until(r"cycles +\d")
        pane.until(r"cycles +[1-9]")
        finish(case, pane)
        pane.keys("D")
        pane.until(r"power cycle")
        compare(case, healthy, disk)
        assert tried < disk.cycles <= tried + 6
        assert load_strategy(case).campaign.switch.cycle == (str(switch),)
        pane.keys("C-q")
        assert pane.status == 0


def test_a_campaign_by_hand_asks_and_lets_go(tmp_path: Path) -> None:
    with patient(tmp_path, "removed") as (disk, case, healthy), Pane(DECK, cwd=case.parent) as pane:
        save_strategy(case, StrategyPreset("drop-off", 60.0, CampaignSettings(settle_s=0.2, max_cycles=1, edges=False)))
        set_up(pane)
        pane.until(r"power by hand; at most 1 cycle;")
        pane.until(r"s starts it|may start with s")
        pane.keys("s")
        pane.until(r"CUT THE POWER OF THIS DRIVE")
        assert b"\a" in pane.sent()
        shown = pane.until(r"seen: not listed")
        assert "NOW  1." in shown
        assert "power cycle 1 of 1" in shown
        disk.power_off()
        disk.power_on()  # the plug is pulled, and put back
        disk.wait_present()
        finish(case, pane)
        assert "CUT THE POWER" not in pane.text()
        assert disk.cycles == 1
        job = list_jobs(case / "jobs").jobs[0]
        known = read_map(load_case(case).map)
        assert job.state is JobState.DONE
        truth, image = healthy.read_bytes(), load_case(case).image.read_bytes()
        assert all(image[start:end] == truth[start:end] for start, end in known.ranges("+"))
        assert disk.violations() == []


def test_giving_up_keeps_what_was_read(tmp_path: Path) -> None:
    with patient(tmp_path, "removed") as (disk, case, healthy), Pane(DECK, cwd=case.parent) as pane:
        save_strategy(case, StrategyPreset("drop-off", 60.0, CampaignSettings()))
        set_up(pane)
        pane.until(r"s starts it|may start with s")
        pane.keys("s")
        pane.until(r"CUT THE POWER OF THIS DRIVE")
        pane.until(r"seen: not listed")
        pane.keys("G")
        pane.until(r"Give up and end it")
        pane.keys("y")
        pane.until(r"^ STOPPED")
        assert [job.state for job in list_jobs(case / "jobs").jobs] == [JobState.STOPPED]
        known = read_map(load_case(case).map)
        truth, image = healthy.read_bytes(), load_case(case).image.read_bytes()
        assert known.totals().finished > 0
        assert all(image[start:end] == truth[start:end] for start, end in known.ranges("+"))
        assert disk.cycles == 0


@pytest.mark.full
def test_two_terminals_on_one_campaign(tmp_path: Path) -> None:
    """Both are asked, each may answer, and both are let go; one that is lost changes nothing."""
    with (
        patient(tmp_path, "removed") as (disk, case, healthy),
        Pane(DECK, cwd=case.parent) as one,
        Pane(DECK, cwd=case.parent) as two,
    ):
        save_strategy(case, StrategyPreset("drop-off", 60.0, CampaignSettings(settle_s=0.2, edges=False)))
        set_up(one)
        one.until(r"s starts it|may start with s")
        one.keys("s")
        for pane in (one, two):
            pane.until(r"CUT THE POWER OF THIS DRIVE")
            assert b"\a" in pane.sent()
        two.keys("q")
        two.until(r"smith/")
        two.keys("G", "Enter")
        two.until(r"HISTORY|JOBS")
        disk.power_cycle()
        one.keys("D")
        finish(case, one)
        assert "CUT THE POWER" not in two.text()
        compare(case, healthy, disk)
        assert disk.cycles == 1
