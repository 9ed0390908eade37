"""A whole rescue as a person does it, in a terminal: choose, set up, start, zoom, lose the line, come back, finish."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.cases import load_case
from engine.jobs import Job, JobState, list_jobs, stop
from engine.mapfile import read_map
from tests.failing_disk import Error, FailingDisk, FailsNTimes, Profile, make_image
from tests.support import needs_fuse, needs_tool
from tests.terminal.tmux import CHECKOUT, DECK, PATIENCE_S, Pane

pytestmark = [pytest.mark.terminal, pytest.mark.fuse, needs_tool("tmux"), needs_tool("ddrescue"), needs_fuse()]

SIZE = 24 << 20
BAD = ((3 << 20, 8 * 512), (9 << 20, 512), ((17 << 20) + 512 * 3, 20 * 512))
PROFILE = Profile(
    bytes_per_second=4_000_000,
    faults=(
        *(Error(offset=offset, size=size) for offset, size in BAD),
        FailsNTimes(offset=13 << 20, size=512, times=2),
    ),
)


def the_job(case: Path) -> Job:
    """The one rescue of the case."""
    jobs = list_jobs(case / "jobs").jobs
    assert len(jobs) == 1
    return jobs[0]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_rescue_survives_its_terminal(tmp_path: Path, size: tuple[int, int]) -> None:
    place = tmp_path / "place"
    place.mkdir()
    healthy = tmp_path / "healthy.img"
    make_image(healthy, SIZE)
    with FailingDisk(healthy, PROFILE, workdir=tmp_path) as disk:
        case = place / "smith"
        argv = [sys.executable, "-m", "tui", "case", "create", str(case), "--source", str(disk.path)]
        subprocess.run(argv, check=True, cwd=CHECKOUT, capture_output=True, timeout=60)
        try:
            start_and_hang_up(place, size)
            assert the_job(case).live, "the rescue outlives the terminal"
            come_back_and_finish(place, size)
            compare(case, healthy)
        finally:
            for job in list_jobs(case / "jobs").jobs:
                if job.live:
                    stop(job.directory)


def start_and_hang_up(place: Path, size: tuple[int, int]) -> None:
    with Pane(DECK, cwd=place, size=size) as pane:
        pane.until(r"smith/ +case")
        pane.keys("G", "Enter")
        pane.until(r"rescue")
        pane.keys("R")
        pane.until(r"s starts it|may start with s")
        pane.keys("o")
        pane.until(r"--input-position")
        pane.keys("/")
        pane.type("idirect")
        pane.keys("Enter", "Enter")
        pane.until(r"--idirect +on")
        pane.keys("q")
        pane.until(r"Keep what was changed")
        pane.keys("y")
        pane.until(r"runs +ddrescue .*--idirect")
        pane.until(r"s starts it|may start with s")
        pane.keys("s")
        shown = pane.until(r"RUNNING +Copying")
        assert "rescued" in shown
        pane.until(r"rate now +\d")
        pane.keys("+", "+")
        pane.until(r"\[.*\].*cell \d")
        pane.keys("0")
        pane.until(r"\|-+\|")
    # Leaving the block ends the terminal: the deck gets SIGHUP.


def come_back_and_finish(place: Path, size: tuple[int, int]) -> None:
    with Pane(DECK, cwd=place, size=size) as pane:
        pane.until(r"^> ?rescue .*running|^ +rescue .*running")
        pane.keys("g", "Enter")
        pane.until(r"^ (RUNNING|GAPS LEFT)")
        end = time.monotonic() + 4 * PATIENCE_S
        while "GAPS LEFT" not in pane.text():
            assert time.monotonic() < end, pane.text()
            time.sleep(0.2)
        shown = pane.until(r"99\.\d\d %")
        assert len(shown.rstrip("\n").split("\n")) == size[1]
        pane.keys("n")
        pane.until(r"^ 0x00300000 3\.0 MiB")
        pane.keys("1")
        pane.until(r"cell 1 sector")
        assert "--------" in pane.text(), "eight bad sectors in a row"
        pane.keys("d")
        pane.until(r"command +ddrescue")
        pane.keys("End")
        pane.until(r"ended: state done")
        pane.keys("C-q")
        assert pane.status == 0


def compare(case_directory: Path, healthy: Path) -> None:
    """What the map calls rescued is the truth, and only what cannot be read is missing."""
    job = the_job(case_directory)
    assert job.state is JobState.DONE
    case = load_case(case_directory)
    known = read_map(case.map)
    truth = healthy.read_bytes()
    image = case.image.read_bytes()
    for start, end in known.ranges("+"):
        assert image[start:end] == truth[start:end]
    assert list(known.ranges("-")) == [(offset, offset + length) for offset, length in BAD]
    assert known.totals().finished == SIZE - sum(length for _, length in BAD)
