"""The rescue as a job: checks, then pass after pass, the map guarded after each, until nothing sensible is left."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.cases import generations_folder, keep_map, load_case, record
from engine.devices.drive_state import Look, judge, look
from engine.errors import CancelledError, OutsideError, RefusedError, RescueError
from engine.mapfile.lock import foreign_ddrescue, hold_map
from engine.mapfile.model import Mapfile
from engine.mapfile.status import NAMES
from engine.mapfile.write import write_map
from engine.progress import Reporter
from engine.rescue.arguments import RescueArguments, default_options
from engine.rescue.capabilities import Capabilities, probe
from engine.rescue.checks import Severity, check_options
from engine.rescue.command import Command, build
from engine.rescue.domain import domain_of, totals_in
from engine.rescue.dry_run import run_preflight
from engine.rescue.liveness import baseline
from engine.rescue.monitor import Monitor
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending
from engine.rescue.passes import Judged, judge_pass, made_ready, tuned
from engine.rescue.passrun import PassRun, Ran, Why, facts_of
from engine.rescue.plan import LEFT, Pass, PassRecord, Plan, next_pass, single_pass
from engine.rescue.preflight import Severity as Weight
from engine.rescue.preflight import raise_if_refused
from engine.rescue.recipes import RECIPES
from engine.rescue.recover import read_or_recover
from engine.rescue.requests import Desk
from engine.rescue.size import source_size
from engine.rescue.status import RateHistory, RescueStatus, State, read_status

_LEFTOVER_S = 60.0
_JOURNAL_S = 60.0
_ADVICE = {
    Ending.SOURCE_GONE: "cut the drive's power, restore it, and resume; everything rescued so far is kept",
    Ending.SOURCE_LIES: "make sure that it is the same drive; power-cycle it before going on",
    Ending.SOURCE_SIZE: "it is another drive, or it shows only a part of itself: power-cycle it",
    Ending.UNALIGNED: "check the sector size, or read without direct access",
    Ending.WRITE_ERROR: "check the target's disk, then resume",
    Ending.NO_SPACE: "make room, then resume",
    Ending.MAP_UNWRITABLE: "make room where the map lies, then resume",
    Ending.NO_GOOD_READ: "begin elsewhere, or run it again",
    Ending.KILLED: "resume: what was read after the map was last saved is read again",
}


class RescueJob(Reporter, Protocol):
    """What this job needs of its runner (``engine.jobs.context.JobContext``)."""

    saved: Mapping[str, Any] | None
    lock_fd: int

    @property
    def directory(self) -> Path:
        """The job's directory."""

    @property
    def work_directory(self) -> Path:
        """Its folder for scratch files."""

    def facts(self, **values: Any) -> None:
        """Live values for the list of jobs."""

    def checkpoint(self, saved: Mapping[str, Any] | None = None) -> bool:
        """Keep what a resumed run must know."""

    def wait(self, seconds: float) -> bool:
        """Sleep until then or until a stop is asked for."""


def run(arguments: dict[str, Any], job: RescueJob) -> dict[str, Any]:
    """The job function of kind ``rescue``: arguments as ``RescueArguments.to_json``, result as ``Rescue.result``."""
    return Rescue(RescueArguments.from_json(arguments), job).run()


class Rescue:
    """One rescue, from its checks to its end. The job's directory gets ``rescue.json`` each second."""

    def __init__(self, arguments: RescueArguments, job: RescueJob) -> None:
        self.arguments = arguments
        self.job = job
        self.history = [PassRecord.from_json(entry) for entry in (job.saved or {}).get("passes", [])]
        self.was_running = str((job.saved or {}).get("running") or "")
        self.emergency = str((job.saved or {}).get("emergency") or "")
        self.options = arguments.options or default_options(arguments.source)
        self.size = source_size(arguments.source)
        self.well: Look | None = None
        self.case = load_case(Path(arguments.case)) if arguments.case is not None else None
        self.maps = generations_folder(arguments.map, self.case)
        old = read_status(job.directory)
        status = RescueStatus(
            State.CHECKING, time.time(), source=arguments.source, image=arguments.image, map=arguments.map,
            size=self.size, strategy=arguments.strategy, started=old.started if old else time.time(),
            pass_index=old.pass_index if old else 0, history=old.history if old else RateHistory(),
            events=old.events if old else (), request=old.request if old else 0,
        )  # fmt: skip
        self.monitor = Monitor(job.directory, status, None)
        self.desk = Desk(job.directory, self.monitor, arguments.recipe)
        self._journalled = 0.0
        self._limit = ""
        self._map_hold = contextlib.ExitStack()

    # -- the whole ------------------------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """To the end. Raises ``CancelledError`` when stopped, ``OutsideError`` when something outside failed."""
        try:
            with self._map_hold:
                return self._run()
        except CancelledError:
            self.event("paused", reason="stopped on request", resumable=True)
            self.monitor.idle()
            self.monitor.write(State.STOPPED, "stopped; can be resumed", stopping_s=None)
            raise
        except RescueError as error:
            self.event("error", code=error.code, message=error.message, advice=error.advice)
            self.monitor.idle()
            self.monitor.write(State.FAILED, error.message, error.advice or "", stopping_s=None)
            raise

    def _run(self) -> dict[str, Any]:
        self.monitor.write(State.CHECKING, "checking drive, image and map")
        capabilities = probe()
        self._check_options(capabilities)
        self._wait_for_leftover()
        self._hold()
        known = self._recover()
        self._set_domain()
        self._preflight(known)
        self.well = baseline(self.arguments.source)
        if known is not None:
            self.monitor.take_map(known)
            totals = self.monitor.totals
            self.monitor.write(State.CHECKING, "ready", rescued_at_start=totals.finished if totals else 0)
        while True:
            known = self._obey(known)
            plan = self._plan(known)
            if plan.next is not None:
                known = self._one_pass(capabilities, known, plan.next, plan.reason)
            elif self.desk.forced:
                self.desk.forced = ""
                known = self._pause(plan.reason)
            else:
                return self._done(known, plan.reason)

    def _plan(self, known: Mapfile | None) -> Plan:
        desk, arguments = self.desk, self.arguments
        domain = self.monitor.domain
        if self._limit and not desk.forced:
            return Plan(None, self._limit)
        if desk.forced:
            if desk.forced_done:
                return Plan(None, f"the recipe {RECIPES[desk.forced].title!r} has been run")
            chosen = single_pass(desk.forced, known, self.options, size=self.size, domain=domain)
            return Plan(chosen, f"chosen by hand: {RECIPES[desk.forced].title}")
        if desk.recipe:
            if desk.recipe_done:
                return Plan(None, f"the recipe {RECIPES[desk.recipe].title!r} has been run")
            chosen = single_pass(desk.recipe, known, self.options, size=self.size, domain=domain)
            return Plan(chosen, f"asked for: {RECIPES[desk.recipe].title}")
        return next_pass(
            known, self.history, self.options, size=self.size, domain=domain, retries=arguments.retries
        )

    # -- before the first pass --------------------------------------------------------------------------------------

    def _check_options(self, capabilities: Capabilities) -> None:
        found = check_options(self.options, capabilities)
        against = [one for one in found if one.severity is Severity.REFUSED]
        dangers = [one for one in found if one.severity is Severity.DANGER]
        if against:
            raise RefusedError("; ".join(one.message for one in against), code="bad-options")
        if dangers and not self.arguments.insist:
            words = "; ".join(f"{one.option} {one.message}" for one in dangers)
            raise RefusedError(words, code="dangerous-options", advice="insist (--force) if that is what you want")

    def _wait_for_leftover(self) -> None:
        """A ddrescue of a killed runner ends by itself once its read returns; a second one must not start before."""
        end = time.monotonic() + _LEFTOVER_S
        while (holder := foreign_ddrescue(self.arguments.map)) is not None:
            if time.monotonic() > end or not self.was_running:
                raise RefusedError(
                    f"process {holder.pid} ({holder.command}) works on this map",
                    code="map-held",
                    path=self.arguments.map,
                    advice="it ends when its read returns: cut the drive's power if it hangs, then resume",
                )
            self.monitor.write(State.CHECKING, f"waiting for ddrescue of an earlier run to end (process {holder.pid})")
            if self.job.wait(1.0):
                raise CancelledError("stopped on request", advice="what was done so far is kept")

    def _hold(self) -> None:
        self._map_hold.enter_context(hold_map(self.arguments.map, f"rescuedeck rescue {self.job.directory.name}"))

    def _recover(self) -> Mapfile | None:
        """The map as it is, or put together from older states when a crash or a full disk left a broken one."""
        allow = self.arguments.recover_map or bool(self.was_running or self.emergency)
        known, told = read_or_recover(
            self.arguments.map, self.maps, allow=allow, emergency=self.emergency
        )
        if told and known is not None:
            write_map(self.arguments.map, known)
            self.event("note", message=told)
            if self.emergency:
                Path(self.emergency).unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # the job's own folder, or one that holds more
                    Path(self.emergency).parent.rmdir()
                self.emergency = ""
        return known

    def _set_domain(self) -> None:
        self.monitor.domain = domain_of(self.options, self.size)

    def _preflight(self, known: Mapfile | None) -> None:
        checks = run_preflight(dataclasses.replace(self.arguments, options=self.options), known)
        for one in checks:
            if one.severity is Weight.WARN:
                self.event("note", code=one.code, message=one.message, advice=one.advice)
        raise_if_refused(checks)

    # -- one pass ---------------------------------------------------------------------------------------------------

    def _one_pass(self, capabilities: Capabilities, known: Mapfile | None, chosen: Pass, reason: str) -> Mapfile | None:
        arguments = self.arguments
        self._still_the_same_drive()
        last = self.history[-1] if self.history else None
        if known is not None:
            ready = made_ready(known, chosen.recipe, last.recipe if last else "", last.ending if last else "")
            if ready is not known:
                write_map(arguments.map, ready)
                known = ready
        options = tuned(chosen.options, known, arguments.image)
        command = build(capabilities, options, arguments.source, arguments.image, arguments.map)
        keep_map(arguments.map, self.maps, f"before {RECIPES[chosen.recipe].title}", command=command.shown)
        before = known if known is not None else Mapfile.new(0, self.size or 0)
        index = self.monitor.status.pass_index + 1
        self.event(
            "pass", number=index, recipe=chosen.recipe, title=RECIPES[chosen.recipe].title, reason=reason,
            command=command.shown, start=chosen.start, size=chosen.size, direction=chosen.direction,
        )  # fmt: skip
        self._checkpoint(chosen.recipe)
        self.monitor.write(
            State.RUNNING, "starting ddrescue", recipe=chosen.recipe, recipe_title=RECIPES[chosen.recipe].title,
            reason=reason, command=command.shown, pass_index=index,
        )  # fmt: skip
        ran = self._drive(command, options)
        judged = judge_pass(
            ran, before, arguments, options, size=self.size, well=self.well, started=known is not None
        )
        self._keep(judged, ran)
        keep_map(arguments.map, self.maps, f"after {RECIPES[chosen.recipe].title}: {judged.outcome.message}")
        return self._after(judged, ran, before, chosen)

    def _drive(self, command: Command, options: RescueOptions) -> Ran:
        end = (options.input_position or 0) + options.size if options.size is not None else self.size
        if self.size is not None and end is not None:
            end = min(end, self.size)
        shift = 0 if options.output_position is None else options.output_position - (options.input_position or 0)
        one = PassRun(
            self.arguments, command, self.monitor,
            work=self.job.work_directory, well=self.well, image_end=None if end is None else end + shift,
            pass_fds=(self.job.lock_fd,) if self.job.lock_fd >= 0 else (),
            cancelled=self.job.cancelled, ask=self.desk.ask, tell=self.event, progress=self._progress,
            kill_asked=lambda: self.desk.kill,
        )  # fmt: skip
        try:
            ran = one.run()
        finally:
            self.desk.kill = False
        self.monitor.idle(ran.run_time_s)
        return ran

    def _still_the_same_drive(self) -> None:
        if self.well is None:
            return
        verdict = judge([self.well, look(self.well.name)])
        if not verdict.usable:
            raise OutsideError(
                f"the drive is not ready: {'; '.join(verdict.reasons) or verdict.condition}",
                code="device-gone",
                path=self.arguments.source,
                advice=_ADVICE[Ending.SOURCE_GONE],
            )

    def _keep(self, judged: Judged, ran: Ran) -> None:
        """Save the map the guard made of what the run left, and say why."""
        repaired = judged.repaired
        reasons = repaired.reasons if repaired is not None else ()
        if judged.known is None or not (reasons or ran.emergency):
            return
        try:
            write_map(self.arguments.map, judged.known)
        except OutsideError as error:
            if ran.emergency is not None:
                error.advice = f"the newest map is {ran.emergency}: make room, then resume, which puts it back"
                self.emergency = str(ran.emergency)
                self._checkpoint("")
            raise
        if reasons and not judged.outcome.dropped:
            self.event("note", message="; ".join(reasons))

    def _after(self, judged: Judged, ran: Ran, before: Mapfile, chosen: Pass) -> Mapfile | None:
        outcome, known = judged.outcome, judged.known
        ending: str = outcome.ending
        if ran.request is not None and ran.request.action == "end-pass" and ending == Ending.STOPPED:
            ending = LEFT
        domain = self.monitor.domain
        after = totals_in(known, domain) if known is not None else None
        self.history.append(
            PassRecord(chosen.recipe, ending, totals_in(before, domain).bytes, after.bytes if after else (0,) * 5)
        )
        self.monitor.take_map(known)
        self._checkpoint("")
        self.desk.ended(chosen.recipe, ending)
        if outcome.dropped:
            self._tell_drop(judged, ran)
        if self.case is not None:
            facts = {"recipe": chosen.recipe, "ending": ending, "gained": self.history[-1].gained}
            record(self.case, "rescue-pass", message=outcome.message, **facts)
        self.monitor.write(State.RUNNING, outcome.message, stopping_s=None)
        if ran.stuck or self.job.cancelled():
            raise CancelledError("stopped on request", advice="what was done so far is kept")
        if ending in (Ending.FINISHED, LEFT, Ending.LIMIT) or (ending == Ending.STOPPED and ran.why is Why.REQUEST):
            if ending == Ending.LIMIT:
                self._limit = outcome.message
            return known
        code = "device-gone" if ending == Ending.SOURCE_GONE else ending
        raise OutsideError(outcome.full, code=code, advice=_ADVICE.get(outcome.ending))

    def _tell_drop(self, judged: Judged, ran: Ran) -> None:
        repaired = judged.repaired
        suspect = repaired.suspect if repaired is not None else None
        self.event(
            "drop-off",
            message=judged.outcome.message,
            position=suspect[0] if suspect else ran.position,
            suspect_size=suspect[1] - suspect[0] if suspect else None,
            not_believed=repaired.restored.total if repaired is not None else 0,
            reasons=list(repaired.reasons) if repaired is not None else [],
            **facts_of(ran),
        )

    # -- requests, events, the end ------------------------------------------------------------------------------------

    def _obey(self, known: Mapfile | None) -> Mapfile | None:
        """Between passes: a stop, then requests. Returns the map, which may have been edited during a pause."""
        if self.job.cancelled():
            raise CancelledError("stopped on request", advice="what was done so far is kept")
        while requests := self.desk.waiting():
            for request in requests:
                if request.action == "pause":
                    known = self._pause("paused on request", release=request.release_map)
                elif request.action == "options":
                    self.options = RescueOptions.from_json(request.values)
                    self._set_domain()
                    self.monitor.take_map(known)
                elif request.action in ("recipe", "strategy"):
                    self._limit = ""
        return known

    def _pause(self, reason: str, release: bool = False) -> Mapfile | None:
        """Wait for a request that says how to go on. With ``release`` the map may be edited meanwhile."""
        self.event("paused", reason=reason, resumable=True)
        if release:
            self._map_hold.close()
        while True:
            self.monitor.write(State.PAUSED, reason, "the map is free for editing" if release else "")
            if self.job.wait(1.0):
                raise CancelledError("stopped on request", advice="what was done so far is kept")
            request = self.desk.next_while_paused()
            if request is None:
                continue
            if release:
                try:
                    self._hold()
                except RescueError as error:
                    self.desk.answer(request, f"cannot go on: {error.message}")
                    continue
                release = False
            self.desk.accept(request)
            if request.action != "pause":
                self._limit = ""
                known, _ = read_or_recover(self.arguments.map, self.maps, allow=False)
                self.monitor.take_map(known)
                return known

    def event(self, kind: str, **facts: Any) -> None:
        """Into the journal and the status."""
        self.job.event(kind, **facts)
        self.monitor.event(kind, facts)

    def _progress(self, headline: str) -> None:
        status, totals = self.monitor.status, self.monitor.totals
        if totals is None:
            return
        self.job.update(totals.finished, sum(totals.bytes), "B", status.alert or headline)
        snap = status.snapshot
        position = snap.position if snap is not None else None
        self.job.facts(position=position, bad=totals.bytes[4], recipe=status.recipe)
        if time.monotonic() - self._journalled >= _JOURNAL_S:
            self._journalled = time.monotonic()
            self.job.event("progress", **progress_facts(status))

    def _checkpoint(self, running: str) -> None:
        passes = [record.to_json() for record in self.history]
        self.job.checkpoint({"passes": passes, "running": running, "emergency": self.emergency})
        self.was_running = running

    def _done(self, known: Mapfile | None, reason: str) -> dict[str, Any]:
        result = self.result(known, reason)
        self.event("done", **{name: item for name, item in result.items() if name != "passes"})
        if self.case is not None:
            record(self.case, "rescue-ended", reason=reason, rescued=result["rescued"], missing=result["missing"])
        self.monitor.take_map(known)
        self.monitor.write(State.DONE, reason, stopping_s=None)
        return result

    def result(self, known: Mapfile | None, reason: str) -> dict[str, Any]:
        """What the rescue brought: bytes per status inside the domain, whether all of it is there, and the passes."""
        totals = totals_in(known, self.monitor.domain) if known is not None else None
        amounts = dict(zip(NAMES, totals.bytes, strict=True)) if totals is not None else {}
        missing = totals.unfinished if totals is not None else self.size or 0
        return {
            "reason": reason,
            "rescued": amounts.get("finished", 0),
            "missing": missing,
            "bad": amounts.get("bad_sector", 0),
            "complete": missing == 0,
            "bytes": amounts,
            "passes": [record.to_json() for record in self.history],
        }


def progress_facts(status: RescueStatus) -> dict[str, Any]:
    """The facts of a ``progress`` event."""
    snap = status.snapshot
    return {
        "position": snap.position if snap is not None else status.map_position,
        "rescued": status.rescued,
        "bad": status.bytes.get("bad_sector", 0),
        "rate": status.current_rate,
        "remaining_s": status.remaining.seconds,
    }
