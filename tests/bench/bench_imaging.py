"""Imaging through the deck's own job against bare ddrescue on the same file: the watching should cost nothing.

In memory where there is room (/dev/shm), so that the figures are not those of a disk that others use as well.

``inside`` is the time from the first pass to the end of the rescue; ``whole`` also has what the job adds
once, whatever the size: a process of its own, the checks before the start, the last look at the map.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from engine.jobs import JobState, JournalTail, load, start
from engine.rescue.arguments import RescueArguments, default_options
from engine.tools import find_tool
from tests.bench.report import Report, command
from tests.failing_disk import make_image

MIB = 1 << 20


def run(report: Report) -> None:
    """One size; the best of several rounds, by turns."""
    tool = find_tool("ddrescue")
    if tool is None:
        report.skip("ddrescue is not installed")
        return
    size = (256 if report.small else 1024) * MIB
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and shutil.disk_usage(memory).free > 3 * size else report.folder
    if shutil.disk_usage(place).free < 3 * size:
        report.skip("not enough room")
        return
    with tempfile.TemporaryDirectory(prefix="rescuedeck-bench-", dir=place) as folder:
        _compare(report, tool, Path(folder), size)


def _compare(report: Report, tool: str, place: Path, size: int) -> None:
    source = make_image(place / "source", size)
    inside, whole, bare = [], [], []
    for _ in range(report.rounds):
        begin = time.perf_counter()
        inside.append(_job(source, _fresh(place / "copy")))
        whole.append(time.perf_counter() - begin)
        folder = _fresh(place / "copy")
        begin = time.perf_counter()
        command([tool, str(source), str(folder / "image"), str(folder / "map")], folder / "out")()
        bare.append(time.perf_counter() - begin)
    name = f"image {size // MIB} MiB"
    report.value(f"{name}, inside the job", min(inside), "s", min(bare), "ddrescue", aim=1.05)
    report.value(f"{name}, the whole job", min(whole), "s", min(bare), "ddrescue")
    report.value(f"{name}, rate", size / min(inside) / MIB, "MiB/s", size / min(bare) / MIB, "ddrescue")


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _job(source: Path, folder: Path) -> float:
    """Run a rescue; the seconds from its first pass to its end."""
    made = RescueArguments(
        str(source), str(folder / "image"), str(folder / "map"), options=default_options(str(source))
    )
    job = start("rescue", made.to_json(), made.jobs_directory, "bench")
    while job.live:
        time.sleep(0.02)
        job = load(job.directory)
    assert job.state is JobState.DONE, job.error
    times = {event.kind: event.time for event in JournalTail(job.directory).read()}
    return times["done"] - times["pass"]
