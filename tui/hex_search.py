"""The search of a hex view: its job, the finds as they come, and what is said about it."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from engine.cases.subject import Subject
from engine.hex.patterns import Pattern
from engine.jobs import Job, StopRequest, start, stop
from engine.jobs.hex_search import KIND, FindsTail
from engine.text import format_rate, format_size, safe_text
from tui.words import percent, plural


class Searching:
    """Finds are (offset, size), in order. Nothing here draws or waits; the screen calls ``read`` off the event loop."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._tail: FindsTail | None = None
        self._known: set[tuple[int, int]] = set()
        self.job: Job | None = None
        self.finds: tuple[tuple[int, int], ...] = ()

    @property
    def live(self) -> bool:
        """Whether it searches now."""
        return self.job is not None and self.job.live

    def begin(self, pattern: Pattern, at: int) -> Job:
        """Start a job that searches from ``at`` on. Raises ``RescueError``."""
        subject = self._subject
        map = subject.map
        arguments = {
            "source": os.path.abspath(subject.path), "map": None if map is None else os.path.abspath(map),
            "window": None if subject.window is None else list(subject.window), "pattern": pattern.to_json(),
            "start": at,
        }  # fmt: skip
        return start(KIND, arguments, subject.jobs_dir, title=f"{subject.path.name}: {pattern.text[:40]}")

    def stop(self) -> StopRequest | None:
        """Ask it to stop. Raises ``RescueError``."""
        return stop(self.job.directory) if self.job is not None else None

    def take(self, jobs: Sequence[Job]) -> bool:
        """The newest search of this very source among ``jobs``; True when it is another one than before."""
        wanted = os.path.abspath(self._subject.path)
        map = None if self._subject.map is None else os.path.abspath(self._subject.map)
        window = None if self._subject.window is None else list(self._subject.window)
        mine = [
            job for job in jobs
            if job.kind == KIND and job.arguments.get("source") == wanted and job.arguments.get("map") == map
            and job.arguments.get("window") == window
        ]  # fmt: skip
        before = self.job
        self.job = max(mine, key=lambda job: (job.created, job.id), default=None)
        other = (before.directory if before is not None else None) != (self.job.directory if self.job else None)
        if other:
            self._known, self.finds = set(), ()
            self._tail = FindsTail(self.job.directory) if self.job is not None else None
        return other

    def read(self) -> tuple[FindsTail | None, tuple[tuple[int, int], ...]]:
        """The finds so far, and of which search they are. Raises ``RescueError``."""
        tail, known = self._tail, self._known
        if tail is None:
            return None, ()
        while tail.more(known):
            pass
        return tail, tuple(sorted(known))

    def is_present(self, tail: FindsTail | None) -> bool:
        """Whether finds that were read are of the search that is followed now."""
        return tail is self._tail

    def following(self, at: int) -> tuple[int, int] | None:
        """The first find behind ``at``; the first of all when there is none."""
        index = bisect_right(self.finds, (at, 1 << 63))
        return self.finds[index % len(self.finds)] if self.finds else None

    def before(self, at: int) -> tuple[int, int] | None:
        """The last find before ``at``; the last of all when there is none."""
        return self.finds[bisect_left(self.finds, (at, 0)) - 1] if self.finds else None

    @property
    def wanted(self) -> str:
        """What is searched for, in words."""
        pattern = self.job.arguments.get("pattern") if self.job is not None else None
        if not isinstance(pattern, dict):
            return ""
        name = {"any-case": "any case", "regex": "regular expression"}.get(pattern.get("kind", ""), pattern.get("kind"))
        return f"{name} {safe_text(str(pattern.get('text', '')), 24)!r}"

    @property
    def words(self) -> str:
        """How far it is."""
        job = self.job
        if job is None:
            return ""
        found = plural(len(self.finds), "find", "finds")
        if job.live:
            done = job.progress
            if not done.total:
                return f"{self.wanted}: begins"
            share = percent(done.done, done.total)
            return f"{self.wanted}: {found}, {share} at {format_rate(done.rate)}  X stops it"
        if job.error is not None and job.result is None:
            return f"{self.wanted}: {found}; {job.error.message}"
        result = job.result or {}
        left = int(result.get("unread", 0)) + int(result.get("refused", 0))
        unread = f"; {format_size(left)} could not be searched" if left else ""
        full = " (and more: it ended there)" if result.get("full") else ""
        stopped = "" if job.result is not None else f" ({job.state})"
        return f"{self.wanted}: {found}{full}{stopped}{unread}"
