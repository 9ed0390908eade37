"""What the rescue screen follows: the job's state, its status file, its journal and the map, all read from files.

Never the drive, never the process. ``look`` runs in a background thread; what has not changed is not read again, and a
map that takes long to read is read less often.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cases import Case, is_case, load_case
from engine.errors import NotFoundError, RescueError
from engine.jobs import Event, Job, JobState, JournalTail, list_jobs, load
from engine.rescue.status import RescueStatus, read_status

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile

KIND = "rescue"
_KEPT_EVENTS = 500
_LONG_READ_S, _READ_SHARE = 0.05, 10
"""A map that takes long to read is read again only after this many times as long."""

Mark = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class News:
    """Everything there is to show at one moment. ``problem`` says why the map on show is missing or old."""

    case: Case | None = None
    job: Job | None = None
    status: RescueStatus | None = None
    map: Mapfile | None = None
    map_path: Path | None = None
    map_time: float | None = None
    problem: str = ""
    writes_to: str = ""
    """The block device that the image is, if it is one."""
    events: tuple[Event, ...] = ()

    @property
    def live(self) -> bool:
        """A process works on the rescue now."""
        return self.job is not None and self.job.live

    @property
    def lost(self) -> bool:
        """Its process was killed: what the status says last is not how things are now."""
        return self.job is not None and self.job.state is JobState.LOST


class RescueFeed:
    """Follows one case directory, one job directory or one mapfile. Not for several threads at once."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._news = News()
        self._job_directory: Path | None = None
        self._tail: JournalTail | None = None
        self._map_mark: Mark | None = None
        self._map_cost_s = 0.0
        self._map_read_at = 0.0
        self._status_mark: Mark | None = None

    @property
    def news(self) -> News:
        """What the last look found."""
        return self._news

    def look(self) -> News:
        """Look at the files once. Raises ``RescueError`` when the target itself cannot be read."""
        news = self._news
        if os.path.isdir(self.target):
            if is_case(self.target):
                case = news.case or load_case(self.target)
                job = self._newest_job(case)
                news = replace(news, case=case, map_path=case.map, job=job)
            else:
                news = replace(news, job=load(self.target), case=news.case or self._case_around())
        else:
            news = replace(news, map_path=self.target)
        if news.job is not None:
            news = self._look_at_job(news, news.job)
        self._news = self._look_at_map(news)
        return self._news

    def _case_around(self) -> Case | None:
        """The case a job directory lies in: CASE/jobs/JOB."""
        around = self.target.absolute().parent.parent
        try:
            return load_case(around) if is_case(around) else None
        except RescueError:
            return None  # the job can be shown without it

    def _newest_job(self, case: Case) -> Job | None:
        """The rescue to follow: a live one, else the newest. Names begin with their time."""
        known = self._job_directory
        if known is not None and os.path.isdir(known):
            job = load(known)
            if job.live:
                return job
        jobs = [job for job in list_jobs(case.jobs_dir).jobs if job.kind == KIND]
        return next((job for job in jobs if job.live), jobs[0] if jobs else None)

    def _look_at_job(self, news: News, job: Job) -> News:
        if job.directory != self._job_directory:
            self._job_directory = job.directory
            self._tail, self._status_mark = JournalTail(job.directory), None
            news = replace(news, status=None, events=())
        mark = _mark(job.directory / "rescue.json")
        if mark != self._status_mark:
            status = read_status(job.directory)
            if status is not None:
                self._status_mark = mark
                news = replace(news, status=status)
        assert self._tail is not None
        fresh = self._tail.read()
        if fresh:
            news = replace(news, events=(*news.events, *fresh)[-_KEPT_EVENTS:])
        if news.status is not None and news.status.map:
            image = news.status.image
            writes_to = image if job.live and image and is_block_device(image) else ""
            news = replace(news, map_path=Path(news.status.map), writes_to=writes_to)
        elif news.map_path is None and isinstance(job.arguments.get("map"), str):
            news = replace(news, map_path=Path(job.arguments["map"]))
        return news

    def _look_at_map(self, news: News) -> News:
        path = news.map_path
        if path is None:
            return replace(news, problem="no map yet")
        mark = _mark(path)
        now = time.monotonic()
        if mark is None:
            # ddrescue writes its map in place: for an instant there is none. The one on show stays.
            return news if news.map is not None and news.live else replace(news, problem="there is no map yet")
        rest = _READ_SHARE * self._map_cost_s if self._map_cost_s > _LONG_READ_S else 0.0
        if mark == self._map_mark or now - self._map_read_at < rest:
            return news
        from engine.mapfile import read_map

        try:
            found = read_map(path)
        except RescueError as error:
            if news.live and news.map is not None:
                return news  # caught while it was being written; the next look will do
            return replace(news, problem=error.message)
        if news.live and news.map is not None and found.end < news.map.end:
            return news  # cut at the end of a line: whole to look at, but not all of it
        self._map_mark, self._map_read_at = mark, now
        self._map_cost_s = time.monotonic() - now
        return replace(news, map=found, map_time=mark[0] / 1e9, problem="")


def is_block_device(path: str) -> bool:
    """Whether a path is a block device: an image that goes there is a write to a medium."""
    try:
        return stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        return False


def _mark(path: Path) -> Mark | None:
    """Time, size and inode of a file: differs after every save."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def drawn_domain(map: Mapfile, size: int | None) -> tuple[int, int]:
    """The bytes of a map that are worth drawing. A map whose end nobody knew (2^63-1) is drawn up to the source's
    ``size`` when that is known, else a little beyond what was tried."""
    start, end = map.start, map.end
    if size is not None and size > start:
        return start, max(size, end) if not map.open_ended else size
    if map.open_ended:
        tried = map.ranges("+*/-")
        last = int(tried.ends[-1]) if tried else start
        return start, min(end, last + max(1 << 20, (last - start) // 10))
    return start, end


def require_job(news: News) -> Job:
    """The job, or ``NotFoundError`` that says how to begin one."""
    if news.job is None:
        raise NotFoundError("there is no rescue here yet", code="no-job", advice="set one up first")
    return news.job
