"""The desk where requests arrive: read from the control file, sorted by when they count, answered in the status."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from engine.errors import UsageError
from engine.rescue.campaign import wishes
from engine.rescue.control import FILE_NAME, Request, read_request
from engine.rescue.monitor import Monitor
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending
from engine.rescue.plan import LEFT
from engine.rescue.recipes import RECIPES, RecipeKind

_ENDS_PASS = ("pause", "recipe", "strategy", "options", "end-pass")


class Desk:
    """Requests to one rescue, and what they chose.

    ``recipe`` is the one pass that the job was started for; ``forced`` a recipe that was asked for meanwhile: it runs
    once, then the rescue pauses. ``kill`` is set by a request to end a ddrescue that does not stop. ``against`` says
    why options cannot come into force.
    """

    def __init__(
        self, directory: Path, monitor: Monitor, recipe: str, against: Callable[[RescueOptions], str] | None = None
    ) -> None:
        self._directory = directory
        self._against = against
        self._monitor = monitor
        self._mark: tuple[int, int] | None = None
        self._queue: list[Request] = []
        self.recipe, self.recipe_done = recipe, False
        self.forced, self.forced_done = "", False
        self.kill = False

    def ask(self) -> Request | None:
        """Called each second while a pass runs: a request that must end it now, or None."""
        request = self._fresh()
        if request is None:
            return None
        if request.action == "kill":
            self.kill = True
            self.answer(request, "ending ddrescue at once")
            return None
        if request.action == "resume":
            self.answer(request, "nothing is paused")
            return None
        problem = self._problem(request)
        if problem:
            self.answer(request, problem)
            return None
        self._queue.append(request)
        if request.now and request.action in _ENDS_PASS:
            self.answer(request, "stopping the pass under way")
            return request
        self.answer(request, "after this pass")
        return None

    def waiting(self) -> list[Request]:
        """Called between passes: requests whose time has come. Recipes and strategies are taken note of here."""
        request = self._fresh()
        if request is not None and request.action not in ("kill", "resume"):
            problem = self._problem(request)
            if problem:
                self.answer(request, problem)
            else:
                self._queue.append(request)
        taken, self._queue = self._queue, []
        for one in taken:
            self.accept(one)
        return taken

    def next_while_paused(self) -> Request | None:
        """A request that ends the pause, or None; others are answered here."""
        request = self._fresh()
        if request is None:
            return None
        problem = "no ddrescue runs" if request.action in ("kill", "end-pass") else self._problem(request)
        if problem:
            self.answer(request, problem)
            return None
        if request.action == "options":  # its values are taken by those who ask what waits between passes
            self._queue.append(request)
        return request

    def accept(self, request: Request) -> None:
        """Take a request as what counts from now on."""
        if request.action == "recipe":
            self.forced, self.forced_done = request.name, False
        elif request.action in ("strategy", "resume"):
            self.forced, self.forced_done = "", False
            if request.action == "strategy":
                self.recipe = ""
        self.answer(request, f"{request.action} accepted")

    def ended(self, recipe: str, ending: str) -> None:
        """A pass has ended: what was to be run once has been run."""
        if ending not in (Ending.FINISHED, LEFT, Ending.LIMIT):
            return
        if self.forced == recipe:
            self.forced_done = True
        elif self.recipe == recipe:
            self.recipe_done = True

    def answer(self, request: Request, text: str) -> None:
        """Tell in the status which request was seen and what became of it."""
        self._tell(request.number, text)

    def _tell(self, number: int, text: str) -> None:
        self._monitor.status = dataclasses.replace(self._monitor.status, request=number, answer=text)

    def _fresh(self) -> Request | None:
        """The request in the control file when it is another than the last; nonsense is answered and passed over."""
        try:
            facts = os.stat(self._directory / FILE_NAME)
        except OSError:
            return None
        mark = (facts.st_mtime_ns, facts.st_ino)
        if mark == self._mark:
            return None
        self._mark = mark
        try:
            request = read_request(self._directory)
        except UsageError as error:
            self._tell(self._monitor.status.request, f"a request was not understood: {error.message}")
            return None
        return request if request is not None and request.number > self._monitor.status.request else None


    def _problem(self, request: Request) -> str:
        """Why a request cannot be met; empty when it can."""
        if request.action in wishes.ACTIONS:
            return "only the strategy for drives that drop off takes this"
        if request.action == "options" and self._against is not None:
            return self._against(RescueOptions.from_json(request.values))
        if request.action != "recipe":
            return ""
        recipe = RECIPES.get(request.name)
        return "" if recipe is not None and recipe.kind is RecipeKind.PASS else f"there is no pass {request.name!r}"
