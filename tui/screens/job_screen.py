"""A screen over one job that can be stopped and goes on: the part that is the same for all of them."""

from __future__ import annotations

from engine.jobs import Job, StopRequest, resume, stop
from tui import background
from tui.screens.base import DeckScreen

_GOES_ON = "it goes on when you leave; J shows all jobs"
_STOPPING = "stopping after the present block ..."
_FOR_NOW = (_GOES_ON, _STOPPING)
"""What is wiped when the job has ended."""


class JobScreen(DeckScreen):
    """Subclasses keep their job in ``_job``, begin it with ``background.start(..., self._begun)``, and have the keys of
    ``action_stop`` and ``action_resume``.
    """

    _followed: Job | None = None

    @property
    def _job(self) -> Job | None:
        return self._followed

    @_job.setter
    def _job(self, job: Job | None) -> None:
        before, self._followed = self._followed, job
        ended = before is not None and before.live and (job is None or not job.live)
        if ended and self.prompt.text in _FOR_NOW:
            self.say("")

    def _begun(self, job: Job) -> None:
        self.say(_GOES_ON)
        self.deck.bridge.look_now()

    def action_stop(self) -> None:
        """Ask it to stop; it can go on."""
        job = self._job
        if job is not None:
            background.start(self, lambda: stop(job.directory), self._told_to_stop)

    def _told_to_stop(self, _request: StopRequest) -> None:
        self.say(_STOPPING)
        self.deck.bridge.look_now()

    def action_resume(self) -> None:
        """Go on where it was stopped."""
        job = self._job
        if job is not None:
            background.start(self, lambda: resume(job.directory), self._begun)
