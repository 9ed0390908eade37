"""A small real job: writes a scratch file step by step, keeps checkpoints, and verifies it at the end.

It shows whether jobs run, stop, go on and survive a logout on this machine, and touches nothing but its own folder.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from engine.atomic import append_line
from engine.errors import DamagedError, UsageError
from engine.jobs.context import JobContext
from engine.progress import check

_MAX_STEPS = 1_000_000
_CHECKPOINT_STEPS = 10


def run(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``steps`` (one line each, default 20), ``pause_s`` between them (default 0.25).

    Result: ``steps``, ``sha256`` of the file, ``runs``.
    """
    steps, pause_s = arguments.get("steps", 20), arguments.get("pause_s", 0.25)
    if not isinstance(steps, int) or not 0 < steps <= _MAX_STEPS or not isinstance(pause_s, (int, float)):
        raise UsageError("steps is a number from 1 to 1000000, pause_s one of seconds", code="job-arguments")
    path = job.work_directory / "steps.txt"
    done = int((job.saved or {}).get("done", 0))
    job.update(done, steps, "steps", "goes on" if done else "begins")
    while done < steps:
        check(job)
        append_line(path, b"%d" % done, durable=False)
        done += 1
        job.update(done, steps, "steps", "writes")
        if done % _CHECKPOINT_STEPS == 0 or done == steps:
            _keep(path, done, job)
        if job.wait(pause_s):
            _keep(path, done, job)
    job.update(done, steps, "steps", "verifies")
    return {"steps": done, "sha256": _verify(path, steps), "runs": job.run_number}


def _keep(path: os.PathLike[str], done: int, job: JobContext) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    job.checkpoint({"done": done})


def _verify(path: os.PathLike[str], steps: int) -> str:
    """Each number from 0 must be there in order; a run that was killed may have written some of them twice."""
    digest = hashlib.sha256()
    expected = 0
    with open(path, "rb") as stream:
        for line in stream:
            digest.update(line)
            number = int(line)
            if number > expected:
                raise DamagedError(f"step {expected} is missing in the scratch file", path=path)
            expected = max(expected, number + 1)
    if expected != steps:
        raise DamagedError(f"the scratch file ends at step {expected} of {steps}", path=path)
    return digest.hexdigest()
