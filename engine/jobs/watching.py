"""Watching jobs: any number of watchers, none of which the job knows of."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import NotFoundError, RescueError
from engine.jobs.directory import STATE, JobDirectory
from engine.jobs.journal import JournalTail
from engine.jobs.kinds import RUNNER, Runner
from engine.jobs.lock import is_held
from engine.jobs.model import Event, Job
from engine.jobs.snapshot import load


@dataclass(frozen=True, slots=True)
class Change:
    """A job as it is now, and what its journal has gained since the last change."""

    job: Job
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Poll:
    """``jobs``: all that are there, to be handed to the next poll; ``changed``: those that differ from before (new ones
    included); ``gone``: directories that were known and are no job any more; ``problems``: what could not be read."""

    jobs: Mapping[Path, Job]
    changed: tuple[Job, ...]
    gone: tuple[Path, ...]
    problems: Mapping[Path, RescueError]


def poll(directories: Iterable[Path], known: Mapping[Path, Job], *, runner: Runner = RUNNER) -> Poll:
    """Look at job directories once; a state file whose time has not changed is not read again.

    For a timer: ``last = poll(registry.known(), last.jobs)``. A live job's lock is tried each time, because a killed
    runner changes no file. Never waits; raises nothing.
    """
    jobs: dict[Path, Job] = {}
    changed: list[Job] = []
    problems: dict[Path, RescueError] = {}
    for path in dict.fromkeys(directories):
        before = known.get(path)
        try:
            now = before if before is not None and _same(path, before) else load(path, runner.kinds)
        except NotFoundError:
            continue
        except RescueError as error:
            problems[path] = error
            continue
        jobs[path] = now
        if now != before:
            changed.append(now)
    gone = tuple(path for path in known if path not in jobs and path not in problems)
    return Poll(jobs, tuple(changed), gone, problems)


def _same(path: Path, before: Job) -> bool:
    try:
        status = os.lstat(path / STATE)
    except OSError:
        return False
    if (status.st_mtime_ns, status.st_ino) != before.mark or before.orphan:
        return False
    if not before.live:
        return True
    with JobDirectory(path) as directory:
        return is_held(directory)


def watch(
    directory: str | os.PathLike[str],
    *,
    after: int = 0,
    period_s: float = 0.5,
    sleep: Callable[[float], object] = time.sleep,
    runner: Runner = RUNNER,
) -> Iterator[Change]:
    """Follow a job until it does not run any more: at first all events numbered above ``after``, then what is new.

    The first change comes at once, the last one holds the job's end and all its events. Raises as ``load``.
    """
    tail = JournalTail(directory, after=after)
    before: Job | None = None
    while True:
        job = load(directory, runner.kinds)
        events = tuple(tail.read())
        if job != before or events:
            yield Change(job, events)
        if not job.live:
            return
        before = job
        sleep(period_s)
