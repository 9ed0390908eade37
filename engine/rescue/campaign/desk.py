"""Requests to a campaign: what counts at once is done here, what needs the loop waits for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.rescue.control import Request
from engine.rescue.monitor import Monitor
from engine.rescue.options import RescueOptions
from engine.rescue.requests import Desk

AT_ONCE = ("budget", "skip-area", "unskip-area")
_FOR_LOOP = ("pause", "take-over", "try-area", "options", "end-pass", "power-cycle")
_GO_ON = ("resume", "hand-back")
_NOT_HERE = ("recipe", "strategy")
_SENSELESS = {
    "resume": "nothing is paused", "hand-back": "nothing is paused", "power-done": "no power is needed now",
    "kill": "no ddrescue runs",
}  # fmt: skip


class CampaignDesk(Desk):
    """``apply`` carries out what counts at once; it returns whether the pass under way has to end for it."""

    def __init__(
        self,
        directory: Path,
        monitor: Monitor,
        apply: Callable[[Request], bool],
        against: Callable[[RescueOptions], str] | None = None,
    ) -> None:
        super().__init__(directory, monitor, "", against)
        self._apply = apply
        self.needs_power = False
        """A read hangs until a person cuts the power."""

    def ask(self) -> Request | None:
        """During a pass: a request that must end it now, or None."""
        request = self._fresh()
        if request is None:
            return None
        if request.action == "kill":
            self.kill = True
            self.answer(request, "ending ddrescue at once")
            return None
        if request.action in AT_ONCE:
            return request if self._at_once(request) else None
        problem = self._refusal(request)
        if request.action == "power-done" and self.needs_power:
            problem = "the read in flight still hangs: it ends when the power goes"
        if problem:
            self.answer(request, problem)
            return None
        self._queue.append(request)
        self.answer(request, "stopping the pass under way" if request.now else "after this pass")
        return request if request.now else None

    def waiting(self) -> list[Request]:
        """Between passes: requests for the loop, in their order."""
        request = self.meanwhile()
        if request is not None:
            self._queue.append(request)
        taken, self._queue = self._queue, []
        for one in taken:
            self.answer(one, f"{one.action} accepted")
        return taken

    def meanwhile(self, *also: str) -> Request | None:
        """While the drive is brought back, or between passes: a request for the loop (or one of ``also``), or None.

        What counts at once is done, what makes no sense now is answered.
        """
        request = self._fresh()
        if request is None:
            return None
        if request.action in AT_ONCE:
            self._at_once(request)
            return None
        if request.action in also:
            return request
        problem = self._refusal(request)
        if problem:
            self.answer(request, problem)
            return None
        return request

    def put_off(self, request: Request) -> None:
        """Keep a request for the loop."""
        self._queue.append(request)
        self.answer(request, "as soon as the drive is back")

    def next_while_paused(self) -> Request | None:
        """A request that ends the pause (or changes it), or None."""
        return self.meanwhile(*_GO_ON)

    def _at_once(self, request: Request) -> bool:
        ends = self._apply(request)
        self.answer(request, f"{request.action} accepted")
        return ends

    def _refusal(self, request: Request) -> str:
        """Why the loop cannot take it; empty when it can."""
        if request.action in _NOT_HERE:
            return "a campaign chooses its passes: ask for an area, or take over by hand"
        if request.action == "options":
            return self._problem(request)
        return _SENSELESS.get(request.action, "not now") if request.action not in _FOR_LOOP else ""
