"""Running whole rescues in tests: the real job process, the real ddrescue, waits without fixed times."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.jobs import Event, Job, JobState, JournalTail, load, start
from engine.mapfile import Mapfile, read_map
from engine.rescue.arguments import RescueArguments, default_options
from engine.rescue.options import RescueOptions
from engine.rescue.status import RescueStatus, read_status
from tests.failing_disk import FailingDisk, first_difference

PATIENCE_S = 240.0


def arguments(source: Path | str, folder: Path, **more: Any) -> RescueArguments:
    """A rescue of ``source`` into ``folder``; ``options`` as a mapping are laid over the defaults of the source."""
    options = more.pop("options", {})
    if not isinstance(options, RescueOptions):
        options = default_options(str(source)).with_values(**options)
    folder.mkdir(exist_ok=True)
    return RescueArguments(
        str(source), str(folder / "image"), str(folder / "map"), options=options, **{"min_free": 0, **more}
    )


def fill(place: Path, leave: int = 0) -> Path:
    """Take the room of a file system but for ``leave`` bytes; the file that takes it."""
    filler = place / "filler"
    with open(filler, "ab", buffering=0) as file:
        while (room := os.statvfs(place).f_bavail * 4096 - leave) > 0:
            try:
                file.write(bytes(min(room, 1 << 20)))
            except OSError:  # somebody else took the last of it meanwhile
                break
    return filler


@contextmanager
def kept_full(place: Path) -> Iterator[Path]:
    """Filled again and again: what a job gives up of its own room must not make the file system look free."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(0.02):
            fill(place)

    filler = fill(place)
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(again)
        try:
            yield filler
        finally:
            over.set()
            work.result()


def begin(made: RescueArguments) -> Job:
    """Start the job in a process of its own."""
    return start("rescue", made.to_json(), made.jobs_directory, "test")


def wait_until(what: Callable[[], Any], why: str | Callable[[], str] = "it did not happen") -> Any:
    """Poll until ``what`` is true; what it returned."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(why if isinstance(why, str) else why())


def wait_end(job: Job) -> Job:
    """The job when it no longer runs."""

    def ended() -> Job | None:
        now = load(job.directory)
        return None if now.live else now

    return wait_until(ended, lambda: f"the job did not end: {read_status(job.directory)}")


def rescue(made: RescueArguments) -> Job:
    """Start and wait."""
    return wait_end(begin(made))


def events(job: Job, kind: str = "") -> list[Event]:
    """The journal's events of a kind (all of the rescue's own without one)."""
    found = JournalTail(job.directory).read()
    return [event for event in found if (event.kind == kind if kind else not event.kind.startswith("job-"))]


def status(job: Job) -> RescueStatus:
    """The status file; it must be there."""
    found = read_status(job.directory)
    assert found is not None
    return found


def wait_status(job: Job, what: Callable[[RescueStatus], Any]) -> RescueStatus:
    """Wait until the status says something; a job that has ended will never say it."""

    def seen() -> RescueStatus | None:
        now = load(job.directory)
        found = read_status(job.directory)
        if found is not None and what(found):
            return found
        assert now.live or now.state is JobState.QUEUED, f"it ended before it said so: {why_failed(now)}"
        return None

    return wait_until(seen, lambda: f"the status never said so: {read_status(job.directory)}")


def why_failed(job: Job) -> str:
    """For assertion messages."""
    log = job.directory / "stderr.log"
    return f"{job.state} {job.error} {log.read_text() if log.exists() else ''}"


def result_map(made: RescueArguments) -> Mapfile:
    """The map that the rescue left."""
    return read_map(made.map)


def assert_true_image(made: RescueArguments, original: Path, disk: FailingDisk | None = None) -> Mapfile:
    """Every byte that the map calls finished is that of the original; with a disk, nothing readable is called bad."""
    known = result_map(made)
    assert first_difference(original, made.image, list(known.ranges("+"))) is None
    if disk is not None:
        readable = disk.truth().readable
        for start, end in known.ranges("-"):
            assert not any(low < end and start < high for low, high in readable), f"false bad sector in {start}-{end}"
        assert disk.violations() == []
    return known
