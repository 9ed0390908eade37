"""Which jobs a person means by a word on the command line: a case, a folder, a job directory, or a job's name."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import NotFoundError, RescueError, UsageError
from engine.jobs import registry
from engine.jobs.directory import SPEC
from engine.jobs.kinds import RUNNER, Runner
from engine.jobs.model import Job
from engine.jobs.snapshot import load
from engine.jobs.store import Listing, list_jobs
from engine.text import safe_text

_CASE_JOBS = "jobs"


def find_jobs(where: str | os.PathLike[str] | None = None, *, runner: Runner = RUNNER) -> Listing:
    """The jobs meant by ``where``, newest first.

    A job directory: that job. A case, or a folder of jobs: all in it. Otherwise the name of a known job, or its
    beginning. None: all known jobs and those of a case in the current folder. Raises ``NotFoundError`` when ``where``
    is nothing of this, and as ``load`` for a job directory.
    """
    if where is None:
        return _merge([_of(registry.known(), runner), list_jobs(_CASE_JOBS, runner=runner)])
    path, word = Path(where), os.fspath(where)
    if os.path.exists(path / SPEC) or os.path.islink(path):
        return Listing((load(path, runner.kinds),), ())
    if word and os.path.isdir(path):
        return _merge([list_jobs(path, runner=runner), list_jobs(path / _CASE_JOBS, runner=runner)])
    named = [known for known in registry.known() if word and known.name.startswith(word)]
    if not named:
        raise NotFoundError(
            f"there is no job, case or folder {safe_text(word, 200)!r}",
            code="no-job",
            advice="jobs list shows what is known here",
        )
    return _of(named, runner)


def find_one(
    where: str | os.PathLike[str] | None,
    wanted: Callable[[Job], bool],
    *,
    what: str,
    otherwise_newest: bool = False,
    runner: Runner = RUNNER,
) -> Job:
    """The one job meant by ``where`` for which ``wanted`` holds.

    A job that was named itself is taken as it is. When none is wanted, the newest is taken if ``otherwise_newest``;
    else ``NotFoundError``, which says that there is no ``what`` job. Several: ``UsageError`` with their names.
    """
    listing = find_jobs(where, runner=runner)
    jobs = listing.jobs
    fitting = [job for job in jobs if wanted(job)]
    if len(fitting) == 1:
        return fitting[0]
    if len(fitting) > 1:
        names = ", ".join(job.id for job in fitting[:5])
        raise UsageError(f"there are {len(fitting)} {what} jobs", code="several-jobs", advice=f"name one: {names}")
    if len(jobs) == 1 or (jobs and otherwise_newest):
        return jobs[0]
    if not jobs and len(listing.problems) == 1:
        raise listing.problems[0]
    raise NotFoundError(f"there is no {what} job", code="no-job", advice="jobs list shows what is known here")


def _of(paths: Sequence[Path], runner: Runner) -> Listing:
    jobs: list[Job] = []
    problems: list[RescueError] = []
    for path in paths:
        try:
            jobs.append(load(path, runner.kinds))
        except RescueError as error:
            problems.append(error)
    return Listing(tuple(jobs), tuple(problems))


def _merge(listings: Sequence[Listing]) -> Listing:
    jobs = {os.path.realpath(job.directory): job for listing in listings for job in listing.jobs}
    problems = {str(problem): problem for listing in listings for problem in listing.problems}
    newest = sorted(jobs.values(), key=lambda job: (job.created, job.id), reverse=True)
    return Listing(tuple(newest), tuple(problems.values()))
