"""Manual scraping as a practitioner does it, through the screen, with the real ddrescue and a drive that drops off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.cases import load_case
from engine.jobs import list_jobs, stop
from engine.mapfile import read_map, write_map
from engine.mapfile.lock import lock_holder
from tests.bench.bench_mapfile import random_map
from tests.failing_disk import Drop, FailingDisk, Profile, make_image
from tests.support import needs_fuse, needs_tool
from tests.terminal.tmux import CHECKOUT, DECK, Pane

pytestmark = [pytest.mark.terminal, needs_tool("tmux")]

SIZE = 16 << 20
KILLER = (7 << 20) + 37 * 512
PROFILE = Profile(faults=(Drop(offset=KILLER, size=512),))


@pytest.mark.fuse
@needs_tool("ddrescue")
@needs_fuse()
def test_a_drive_that_drops_off_is_scraped_by_hand(tmp_path: Path) -> None:
    """Forward pass until it drops, power cycle, backward pass, scraping of the middle until it drops, power cycle, the
    culprit marked by a recipe, the rest: one power cycle to meet the culprit, one to find its sector."""
    healthy = tmp_path / "healthy.img"
    make_image(healthy, SIZE)
    with FailingDisk(healthy, PROFILE, workdir=tmp_path) as disk:
        case = tmp_path / "smith"
        argv = [sys.executable, "-m", "tui", "case", "create", str(case), "--source", str(disk.path)]
        subprocess.run(argv, check=True, cwd=CHECKOUT, capture_output=True, timeout=60)
        try:
            with Pane([*DECK, "open", str(case)], cwd=tmp_path) as pane:
                forwards(pane)
                disk.power_cycle()
                backwards(pane)
                scrape(pane)
                disk.power_cycle()
                skip_and_finish(pane)
            assert disk.cycles == 2
            assert disk.violations() == []
            compare(case, healthy)
        finally:
            for job in list_jobs(case / "jobs").jobs:
                if job.live:
                    stop(job.directory)


def start(pane: Pane) -> None:
    pane.until(r"s starts it|may start with s")
    pane.keys("s")


def forwards(pane: Pane) -> None:
    pane.until("image the drive")
    pane.keys("R")
    start(pane)
    pane.until("FAILED")


def backwards(pane: Pane) -> None:
    pane.keys("S")
    pane.until("START")
    pane.keys("c")
    pane.until("> automatic")
    pane.keys("Down", "Down", "Down", "Enter")
    pane.until("recipe +fast copy backwards")
    start(pane)
    pane.until(r"99\.60 %")
    pane.until(r"GAPS LEFT")


def scrape(pane: Pane) -> None:
    """Only the cluster that is left, from the editor: the drive drops again, now at the very sector."""
    pane.keys("m")
    pane.until("map editor")
    pane.until("next run reads 64.0 KiB: trimming")
    pane.keys("f", "f", "m", "a")
    pane.until(r"selected 0x0000700000 .* 64\.0 KiB \(128 sectors\): \* 64\.0 KiB")
    pane.keys("x")
    pane.until(r"Read 64\.0 KiB .* now\?")
    pane.keys("y")
    pane.until("FAILED")
    pane.keys("q")
    pane.until(r"read: 18\.5 KiB .* more are finished")


def skip_and_finish(pane: Pane) -> None:
    """The culprit is marked by a recipe, what is behind it is read; the map says where it was."""
    pane.keys("f", "f")
    pane.until(f"0x{KILLER:08X}")
    pane.keys("c")
    pane.until("recipes")
    pane.keys("G", "Up", "Up", "Enter")
    pane.until(r"^ at \(where the drive died")
    pane.keys(".", "Enter")
    pane.until(r"^ sectors \(how many")
    pane.keys("C-u", "1", "Enter")
    pane.until(r"^ sector \(the size")
    pane.keys("Enter")
    pane.until(r"^ direction \(auto")
    pane.keys("Enter")
    # How the rescue calls what the dead drive did not give is its own affair; all of it is tried again.
    pane.until(r"-> \? non-tried +4[45]\.\d KiB")
    pane.keys("Enter")
    pane.until("1 edit, not saved")
    pane.keys("w")
    pane.until("a note for later")
    pane.type("the culprit is known")
    pane.keys("Enter")
    pane.until("saved; generation")
    pane.keys("m", "s")
    pane.until("select all of")
    pane.keys("?", "Enter")
    pane.until(r"selected .*: \? 45\.0 KiB|selected .*: \? 90 sectors")
    pane.keys("x")
    pane.until("Read .* now")
    pane.keys("y")
    pane.until(r"GAPS LEFT|DONE")
    pane.keys("q")
    pane.until("read: 45.0 KiB .* more are finished")
    shown = pane.text()
    assert "- 512 B" in shown
    assert "nothing to read" in shown
    pane.keys("K")
    pane.until("after fast copy backwards")
    pane.keys("Down", "Down")
    pane.until(r"before: the culprit\s+is known")
    pane.keys("C-q")
    assert pane.status == 0


def compare(case_directory: Path, healthy: Path) -> None:
    case = load_case(case_directory)
    known = read_map(case.map)
    image, truth = case.image.read_bytes(), healthy.read_bytes()
    assert list(known.ranges("?*/-")) == [(KILLER, KILLER + 512)]
    assert image[:KILLER] == truth[:KILLER]
    assert image[KILLER + 512 : SIZE] == truth[KILLER + 512 :]


@pytest.mark.fuse
@needs_tool("ddrescue")
@needs_fuse()
def test_a_running_rescue_gives_its_map_up_and_takes_it_back(tmp_path: Path) -> None:
    """Looked at while it runs, paused for an edit, edited, and gone on with: the edit counts."""
    healthy = tmp_path / "healthy.img"
    make_image(healthy, SIZE)
    with FailingDisk(healthy, Profile(bytes_per_second=3_000_000), workdir=tmp_path) as disk:
        case = tmp_path / "smith"
        argv = [sys.executable, "-m", "tui", "case", "create", str(case), "--source", str(disk.path)]
        subprocess.run(argv, check=True, cwd=CHECKOUT, capture_output=True, timeout=60)
        try:
            with Pane([*DECK, "open", str(case)], cwd=tmp_path, size=(120, 40)) as pane:
                pane.until("image the drive")
                pane.keys("R")
                start(pane)
                pane.until(r"rescued +[1-9]")
                pane.keys("m")
                pane.until("Pause the rescue, to edit its map")
                pane.keys("n")
                pane.until("LOOK ONLY")
                first = pane.until(r"^ \d+\.\d % rescued").split(" rescued")[0]
                pane.until(rf"^(?!{first} ).* rescued")  # it moves on
                pane.keys("s")
                pane.settled(0.3)
                assert "finished  ?" not in pane.text()
                pane.keys("q")
                pane.until("RUNNING")
                pane.keys("m")
                pane.until("Pause the rescue, to edit its map")
                pane.keys("y")
                pane.until("map editor")
                pane.until("saved$|saved ")
                assert lock_holder(load_case(case).map) is None
                pane.keys("G", "m", "r")
                pane.until("select .START-END")
                pane.type("15M+1M")
                pane.keys("Enter", "s", "-")
                pane.until("1 edit, not saved")
                pane.keys("w", "Enter")
                pane.until("saved; generation")
                pane.keys("q")
                pane.until("PAUSED")
                pane.keys("p")
                pane.until(r"GAPS LEFT|DONE")
        finally:
            for job in list_jobs(case / "jobs").jobs:
                if job.live:
                    stop(job.directory)
        known = read_map(load_case(case).map)
        assert known.ranges("+").total == SIZE, "the megabyte that was marked bad was retried and read"
        assert load_case(case).image.read_bytes() == healthy.read_bytes()
        marked = [read for read in disk.reads() if read.offset >= 15 << 20]
        assert marked, "and not before the passes for what was not tried"


def test_a_lost_terminal_loses_no_edit(tmp_path: Path) -> None:
    path = tmp_path / "disk.map"
    write_map(path, random_map(1000, 7))
    before = path.read_bytes()
    with Pane([*DECK, "open", str(path)], cwd=tmp_path) as pane:
        pane.until("next run reads")
        pane.keys("f", "-", "s", "?")
        pane.until("1 edit, not saved")
        pane.keys("m", "s")
        pane.until("select all of")
        pane.type("*/")
        pane.keys("Enter", "s", "-")
        pane.until("2 edits, not saved")
        pane.keys("u")
        pane.until("1 edit, not saved")
    # Leaving the block ends the terminal: the deck gets SIGHUP.
    assert path.read_bytes() == before
    with Pane([*DECK, "open", str(path)], cwd=tmp_path) as pane:
        pane.until(r"^ 1 edit of a lost session, .* r replay +s show +d discard")
        pane.keys("r")
        pane.until("1 edit is back, not saved yet")
        pane.keys("C-r")
        pane.until("2 edits, not saved")
        pane.keys("u", "w")
        pane.until("a note for later")
        pane.keys("Enter")
        pane.until("saved; generation 1")
        pane.keys("q")
    edited, old = read_map(path), random_map(1000, 7)
    first = next(block for block in old if block.status == "-" and block.start > 0)
    assert edited.same_blocks(old.set_range(first.start, first.end, "?"))


def test_a_step_and_an_edit_cost_little(tmp_path: Path) -> None:
    """On the line, in full colour at 80x24; the list beside the map is sent only once the cursor rests."""
    path = tmp_path / "disk.map"
    write_map(path, random_map(1000, 7))
    with Pane([*DECK, "open", str(path), "--theme", "dark"], cwd=tmp_path) as pane:
        pane.until("next run reads")
        pane.keys("f", "-")
        for keys, most in ((("Right",), 500), (("Down",), 500), (("n",), 500), (("s",), 1500), (("?",), 2000),
                           (("u",), 1000), (("v",), 800), (("Right",), 600)):  # fmt: skip
            before = pane.settled()
            pane.keys(*keys)
            sent = pane.settled() - before
            assert 0 < sent <= most, (keys, sent)
