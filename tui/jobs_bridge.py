"""Jobs as the screens see them: job directories are looked at once a second, and only changes are told.

The look happens in a daemon thread, because a case may lie on a network mount that does not answer.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump

from engine.jobs import Job, poll, registry
from tui.power_watch import Asking, PowerAsked, who_asks


class JobsChanged(Message):
    """Some job is not as it was; ``jobs`` are all of them, ``problems`` the (path, reason) of those not readable."""

    def __init__(self, jobs: tuple[Job, ...], problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__()
        self.jobs = jobs
        self.problems = problems

    def can_replace(self, message: Message) -> bool:
        """A newer look takes the place of one that waits."""
        return isinstance(message, JobsChanged)


class JobsBridge:
    """Looks at every job that this person has, and at those of a folder of jobs that is added."""

    def __init__(self, target: MessagePump, period_s: float) -> None:
        self._target = target
        self._period_s = period_s
        self._wake = threading.Event()
        self._ended = False
        self._folders: tuple[Path, ...] = ()
        self._known: Mapping[Path, Job] = {}
        self._problems: tuple[tuple[str, str], ...] | None = None
        self._asking: Asking = ()

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._run, daemon=True, name="jobs-bridge").start()

    def end(self) -> None:
        """Look no more."""
        self._ended = True
        self._wake.set()

    def look_now(self) -> None:
        """Do not wait for the next second: a job has just been started or stopped."""
        self._wake.set()

    def add_folder(self, folder: Path) -> None:
        """Also look at the jobs in ``folder`` (a case's), which may be unknown here when the case was moved."""
        if folder not in self._folders:
            self._folders = (*self._folders, folder)
            self.look_now()

    def _run(self) -> None:
        while not self._ended:
            self._look()
            self._wake.wait(self._period_s)
            self._wake.clear()

    def _look(self) -> None:
        found = poll([*registry.known(), *self._in_folders()], self._known)
        problems = tuple((str(path), error.message) for path, error in sorted(found.problems.items()))
        changed = bool(found.changed) or found.jobs.keys() != self._known.keys() or problems != self._problems
        self._known, self._problems = found.jobs, problems
        if changed and not self._ended:
            self._target.post_message(JobsChanged(tuple(found.jobs.values()), problems))
        asking = who_asks(found.jobs.values())
        if asking != self._asking and not self._ended:
            self._asking = asking
            self._target.post_message(PowerAsked(asking))

    def _in_folders(self) -> list[Path]:
        places = []
        for folder in self._folders:
            try:
                places += [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()]
            except OSError:
                continue  # not made yet, or gone with its disk
        return places
