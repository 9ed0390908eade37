"""Waiting for real job processes, and seeing to it that none is left."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from engine.errors import RescueError
from engine.jobs import Job, load, stop
from tests.engine.jobs.job_kinds import KINDS_OF_TESTS

PATIENCE_S = 60.0


def look(directory: Path) -> Job:
    return load(directory, KINDS_OF_TESTS)


def until(directory: Path, wanted: Callable[[Job], bool]) -> Job:
    """The job as soon as it is as wanted; fails after a minute."""
    end = time.monotonic() + PATIENCE_S
    while True:
        job = look(directory)
        if wanted(job):
            return job
        assert time.monotonic() < end, f"still {job.state} {job.progress} {job.message} {job.error}"
        time.sleep(0.02)


def until_ended(directory: Path) -> Job:
    return until(directory, lambda job: not job.live)


def eventually(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.02)


def kill_runner(directory: Path) -> Job:
    """kill -9 the process of a live job; the job as lost."""
    request = stop(directory, force=True)
    assert request.signal == signal.SIGKILL.name
    return until(directory, lambda job: not job.live)


def end_all(parent: Path) -> None:
    """Kill whatever still holds a job below ``parent``."""
    for spec in parent.rglob("spec.json"):
        try:
            if look(spec.parent).live:
                stop(spec.parent, force=True)
        except RescueError:
            continue
