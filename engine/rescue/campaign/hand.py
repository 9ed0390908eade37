"""A person's hand on a campaign: what was asked for is carried out, at once or between two passes."""

from __future__ import annotations

import dataclasses
import time
from typing import Protocol

from engine.errors import RescueError
from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.rescue.campaign import drive
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.desk import CampaignDesk
from engine.rescue.campaign.memory import Budget, Memory, Wish
from engine.rescue.campaign.show import Show
from engine.rescue.control import Request
from engine.rescue.options import RescueOptions
from engine.rescue.session import Session
from engine.rescue.strategy import Pass
from engine.text import format_size


class Steered(Protocol):
    """What of a campaign a hand moves."""

    known: Mapfile
    under_way: Pass | None

    def keep(self) -> None:
        """Save what it remembers."""

    def take(self, known: Mapfile) -> None:
        """This is the map now."""

    def lost(self, words: str, attachment: str, brought: int, *, asked: bool = False) -> None:
        """The drive has to be brought back."""


class Hand:
    """Requests to one campaign. ``desk`` is where they arrive."""

    def __init__(self, session: Session, memory: Memory, show: Show, campaign: Steered) -> None:
        self._session, self._memory, self._show, self._campaign = session, memory, show, campaign
        self.desk = CampaignDesk(session.job.directory, session.monitor, self.at_once, session.against)
        session.desk = self.desk

    def at_once(self, request: Request) -> bool:
        """Carry out what counts at once; whether the pass under way has to end for it."""
        memory, values = self._memory, dict(request.values)
        ends = False
        if request.action == "budget":
            memory.budget = dataclasses.replace(memory.budget, **values)
            memory.decide(f"the budget is now {_budget_words(memory.budget)}")
        else:
            start, end = int(values["start"]), int(values["end"])
            area = RangeSet.of(start, end)
            if request.action == "skip-area":
                memory.skipped = memory.skipped.union(area)
                made = self._campaign.under_way
                ends = made is not None and made.start < end and start < made.stop
                memory.decide(f"{start} to {end} is left alone on request")
            else:
                memory.skipped = memory.skipped.subtract(area)
                memory.decide(f"{start} to {end} may be read again on request")
        self._campaign.keep()
        self._show.note()
        return ends

    def obey(self) -> None:
        """Between passes: a stop, then what was asked for."""
        self._session.stop_if_asked()
        waiting = self.desk.waiting()
        while waiting:
            request = waiting.pop(0)
            if request.action in ("pause", "take-over"):
                waiting += self._pause(release=request.release_map or request.action == "take-over")
            elif request.action == "try-area":
                self._memory.wish = Wish(**request.values)
            elif request.action == "options":
                self._session.set_options(RescueOptions.from_json(request.values))
            elif request.action == "power-cycle":
                here = drive.attachment(self._session.arguments.source)
                self._campaign.lost("a power cycle was asked for", here, 1, asked=True)
            waiting = waiting or self.desk.waiting()

    def _pause(self, *, release: bool) -> list[Request]:
        """Wait until somebody says how to go on; the requests that said so. With ``release`` the map may be edited."""
        session = self._session
        words = "taken over by hand" if release else "paused on request"
        session.event("paused", reason=words, resumable=True)
        self._memory.decide(words)
        if release:
            session.release()
        while True:
            if release:  # what comes next is decided anew when the map is handed back
                self._show.note(next=None, reason="")
            self._show.phase(Phase.BY_HAND if release else Phase.PAUSED, words)
            session.wait(1.0)
            request = self.desk.next_while_paused()
            if request is None or request.action == "end-pass":
                continue
            if request.action in ("pause", "take-over"):
                if request.action == "take-over" and not release:
                    release, words = True, "taken over by hand"
                    session.release()
                self.desk.answer(request, f"{request.action} accepted")
                continue
            if release:
                try:
                    session.hold()
                    self._campaign.take(session.reread() or self._campaign.known)
                except RescueError as error:
                    self.desk.answer(request, f"cannot go on: {error.message}")
                    session.release()
                    continue
            self.desk.answer(request, f"{request.action} accepted")
            self._memory.decide("going on on request")
            return [] if request.action in ("resume", "hand-back") else [request]


def _budget_words(budget: Budget) -> str:
    parts = []
    if budget.max_cycles is not None:
        parts.append(f"{budget.max_cycles} power cycles")
    if budget.end_time is not None:
        parts.append(f"until {time.strftime('%Y-%m-%d %H:%M', time.localtime(budget.end_time))}")
    if budget.min_bytes_per_cycle:
        parts.append(f"{format_size(budget.min_bytes_per_cycle)} a cycle at least")
    return ", ".join(parts) or "without limits"
