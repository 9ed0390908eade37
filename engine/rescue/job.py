"""The rescue as a job with the standard strategy: pass after pass until nothing sensible is left."""

from __future__ import annotations

from typing import Any

from engine.errors import CancelledError, OutsideError, RescueError
from engine.mapfile.model import Mapfile
from engine.rescue.arguments import RescueArguments
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending
from engine.rescue.passrun import Why
from engine.rescue.plan import LEFT, Plan, next_pass, single_pass
from engine.rescue.recipes import RECIPES
from engine.rescue.session import GONE_ADVICE, RescueJob, Session
from engine.rescue.status import State
from engine.rescue.turn import Turn, run_pass

_ADVICE = {
    Ending.SOURCE_GONE: GONE_ADVICE,
    Ending.SOURCE_LIES: "make sure that it is the same drive; power-cycle it before going on",
    Ending.SOURCE_SIZE: "it is another drive, or it shows only a part of itself: power-cycle it",
    Ending.UNALIGNED: "check the sector size, or read without direct access",
    Ending.WRITE_ERROR: "check the target's disk, then resume",
    Ending.NO_SPACE: "make room, then resume",
    Ending.MAP_UNWRITABLE: "make room where the map lies, then resume",
    Ending.NO_GOOD_READ: "begin elsewhere, or run it again",
    Ending.KILLED: "resume: what was read after the map was last saved is read again",
}


def run(arguments: dict[str, Any], job: RescueJob) -> dict[str, Any]:
    """The job function of kind ``rescue``: arguments as ``RescueArguments.to_json``, result as ``Session.result``.

    Raises ``CancelledError`` when stopped, ``OutsideError`` when something outside failed.
    """
    with Session(RescueArguments.from_json(arguments), job) as session:
        try:
            if session.arguments.strategy == "drop-off":
                from engine.rescue.campaign.job import Campaign

                return Campaign(session).run()
            return Rescue(session).run()
        except CancelledError:
            session.event("paused", reason="stopped on request", resumable=True)
            session.monitor.idle()
            session.monitor.write(State.STOPPED, "stopped; can be resumed", stopping_s=None)
            raise
        except RescueError as error:
            session.event("error", code=error.code, message=error.message, advice=error.advice)
            session.monitor.idle()
            session.monitor.write(State.FAILED, error.message, error.advice or "", stopping_s=None)
            raise


class Rescue:
    """The loop: obey requests, choose a pass, run it, look at its end."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._limit = ""

    def run(self) -> dict[str, Any]:
        """To the end."""
        known = self.session.prepare()
        desk = self.session.desk
        while True:
            known = self._obey(known)
            plan = self._plan(known)
            if plan.next is not None:
                known = self._after(run_pass(self.session, known, plan.next, plan.reason))
            elif desk.forced:
                desk.forced = ""
                known = self._pause(plan.reason)
            else:
                return self._done(known, plan.reason)

    def _plan(self, known: Mapfile | None) -> Plan:
        session, desk = self.session, self.session.desk
        domain = session.monitor.domain
        if self._limit and not desk.forced:
            return Plan(None, self._limit)
        name, done = (desk.forced, desk.forced_done) if desk.forced else (desk.recipe, desk.recipe_done)
        if not name:
            retries = session.arguments.retries
            return next_pass(
                known, session.history, session.options, size=session.size, domain=domain, retries=retries
            )
        title = RECIPES[name].title
        if done:
            return Plan(None, f"the recipe {title!r} has been run")
        chosen = single_pass(name, known, session.options, size=session.size, domain=domain)
        return Plan(chosen, f"{'chosen by hand' if desk.forced else 'asked for'}: {title}")

    def _after(self, turn: Turn) -> Mapfile | None:
        """Go on after an end that allows it. Raises ``OutsideError`` for the others, with what to do."""
        outcome = turn.judged.outcome
        if turn.ending == Ending.LIMIT:
            self._limit = outcome.message
        by_request = turn.ending == Ending.STOPPED and turn.ran.why is Why.REQUEST
        if by_request or turn.ending in (Ending.FINISHED, Ending.LIMIT, LEFT):
            return turn.known
        code = "device-gone" if turn.ending == Ending.SOURCE_GONE else turn.ending
        raise OutsideError(outcome.full, code=code, advice=_ADVICE.get(outcome.ending))

    def _obey(self, known: Mapfile | None) -> Mapfile | None:
        """Between passes: a stop, then requests. Returns the map, which may have been edited during a pause."""
        self.session.stop_if_asked()
        while requests := self.session.desk.waiting():
            for request in requests:
                if request.action == "pause":
                    known = self._pause("paused on request", release=request.release_map)
                elif request.action == "options":
                    self.session.set_options(RescueOptions.from_json(request.values))
                    self.session.monitor.take_map(known)
                elif request.action in ("recipe", "strategy"):
                    self._limit = ""
        return known

    def _pause(self, reason: str, release: bool = False) -> Mapfile | None:
        """Wait for a request that says how to go on. With ``release`` the map may be edited meanwhile."""
        session = self.session
        session.event("paused", reason=reason, resumable=True)
        if release:
            session.release()
        while True:
            session.monitor.write(State.PAUSED, reason, "the map is free for editing" if release else "")
            session.wait(1.0)
            request = session.desk.next_while_paused()
            if request is None:
                continue
            if release:
                try:
                    session.hold()
                except RescueError as error:
                    session.desk.answer(request, f"cannot go on: {error.message}")
                    continue
                release = False
            session.desk.accept(request)
            if request.action != "pause":
                self._limit = ""
                return session.reread()
            if request.release_map:  # it was paused with its map held, and now somebody wants to edit that
                session.release()
                release = True

    def _done(self, known: Mapfile | None, reason: str) -> dict[str, Any]:
        session = self.session
        result = session.result(known, reason)
        session.event("done", **{name: item for name, item in result.items() if name != "passes"})
        session.record("rescue-ended", reason=reason, rescued=result["rescued"], missing=result["missing"])
        session.monitor.take_map(known)
        session.monitor.write(State.DONE, reason, stopping_s=None)
        return result


