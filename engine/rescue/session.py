"""What every rescue has, whatever its strategy: map held, checks made, history kept, events told, status written.

A strategy (``job`` for the standard one) decides which pass comes next; ``turn`` runs it inside a session.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.cases import generations_folder, load_case, record
from engine.devices.drive_state import Look, judge, look
from engine.errors import CancelledError, OutsideError, RefusedError, RescueError
from engine.mapfile.lock import Holder, foreign_ddrescue, hold_map, lock_holder
from engine.mapfile.model import Mapfile
from engine.mapfile.status import NAMES
from engine.mapfile.write import write_map
from engine.progress import Reporter
from engine.rescue.arguments import RescueArguments, default_options
from engine.rescue.capabilities import Capabilities, probe
from engine.rescue.checks import Severity, check_options
from engine.rescue.domain import domain_of, totals_in
from engine.rescue.dry_run import run_preflight
from engine.rescue.liveness import baseline
from engine.rescue.monitor import Monitor
from engine.rescue.options import RescueOptions
from engine.rescue.plan import PassRecord
from engine.rescue.preflight import Severity as Weight
from engine.rescue.preflight import raise_if_refused
from engine.rescue.recover import read_or_recover
from engine.rescue.requests import Desk
from engine.rescue.size import source_size
from engine.rescue.status import RateHistory, RescueStatus, State, read_status
from engine.text import safe_text

_HOLDS = "rescuedeck rescue "
"""How a rescue calls itself in the lock of its map; the job's name follows."""
_LEFTOVER_S = 60.0
_JOURNAL_S = 60.0
GONE_ADVICE = "cut the drive's power, restore it, and resume; everything rescued so far is kept"


class RescueJob(Reporter, Protocol):
    """What a rescue needs of its runner (``engine.jobs.context.JobContext``)."""

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


class Session:
    """One rescue while it runs. A context manager that lets go of the map at its end.

    ``history`` holds the passes of this job, earlier runs of it included; ``options`` those that every pass shares;
    ``well`` how the drive looked when it was well (None for a file); ``memory`` gives what a strategy wants kept with
    every checkpoint, by name.
    """

    def __init__(self, arguments: RescueArguments, job: RescueJob) -> None:
        saved = job.saved or {}
        self.arguments = arguments
        self.job = job
        self.history = [PassRecord.from_json(entry) for entry in saved.get("passes", [])]
        self.was_running = str(saved.get("running") or "")
        self.emergency = str(saved.get("emergency") or "")
        self.options = arguments.options or default_options(arguments.source)
        if isinstance(saved.get("options"), Mapping):  # changed while it ran
            self.options = RescueOptions.from_json(saved["options"])
        self.size = source_size(arguments.source)
        self.well: Look | None = None
        self.case = load_case(Path(arguments.case)) if arguments.case is not None else None
        self.maps = generations_folder(arguments.map, self.case)
        self.monitor = Monitor(job.directory, _first_status(arguments, job, self.size), None)
        self.desk = Desk(job.directory, self.monitor, arguments.recipe, self.against)
        self.capabilities: Capabilities | None = None
        self.memory: Callable[[], Mapping[str, Any]] = dict
        self._map_hold = contextlib.ExitStack()
        self._journalled = 0.0

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._map_hold.close()
        self._figures(self.monitor.status.headline)  # those of the last pass's end, not of its last whole second

    # -- before the first pass ------------------------------------------------------------------------------------

    def prepare(self) -> Mapfile | None:
        """Everything up to the first pass; returns the map (None: there is none yet).

        Raises ``OutsideError`` and its kinds: no ddrescue, refused by a check, map held, drive missing.
        """
        known = self.prepare_map()
        self.prepare_drive(known)
        return known

    def prepare_map(self, free: Callable[[Holder], None] | None = None) -> Mapfile | None:
        """The part of ``prepare`` that does not need the drive: options, the map held and recovered.

        ``free`` is called each second while a ddrescue of an earlier run lives on; it may cut the drive's power.
        """
        self.monitor.write(State.CHECKING, "checking drive, image and map")
        self.capabilities = probe()
        self._check_options(self.capabilities)
        self._wait_for_leftover(free)
        self.hold()
        known = self._recover()
        self.set_options(self.options)
        return known

    def prepare_drive(self, known: Mapfile | None) -> None:
        """The part of ``prepare`` that needs it: the checks before the start, how it looks while it is well."""
        self._preflight(known)
        self.well = baseline(self.arguments.source)
        if known is not None:
            self.monitor.take_map(known)
            totals = self.monitor.totals
            self.monitor.write(State.CHECKING, "ready", rescued_at_start=totals.finished if totals else 0)

    def against(self, options: RescueOptions) -> str:
        """Why these options cannot come into force while it runs; empty when they can."""
        try:
            domain = domain_of(options, self.size)
        except RescueError as error:
            return str(error)
        if domain is not None and not domain.total:
            return "not taken: these options leave nothing of the source to read"
        found = [one for one in check_options(options, self.capabilities) if one.severity is not Severity.NOTE]
        against = [one for one in found if one.severity is Severity.REFUSED or not self.arguments.insist]
        return f"not taken: {'; '.join(f'{one.option} {one.message}' for one in against)}" if against else ""

    def _check_options(self, capabilities: Capabilities) -> None:
        found = check_options(self.options, capabilities)
        against = [one for one in found if one.severity is Severity.REFUSED]
        dangers = [one for one in found if one.severity is Severity.DANGER]
        if against:
            raise RefusedError("; ".join(one.message for one in against), code="bad-options")
        if dangers and not self.arguments.insist:
            words = "; ".join(f"{one.option} {one.message}" for one in dangers)
            raise RefusedError(words, code="dangerous-options", advice="insist (--force) if that is what you want")

    def _wait_for_leftover(self, free: Callable[[Holder], None] | None) -> None:
        """A ddrescue of a killed runner ends by itself once its read returns; a second one must not start before."""
        end = time.monotonic() + _LEFTOVER_S
        running = lock_holder(self.arguments.map)
        if running is not None:
            job = running.command.removeprefix(_HOLDS)
            ours = running.command.startswith(_HOLDS)
            raise RefusedError(
                f"the map is being written by process {running.pid} ({running.command})",
                code="map-held",
                path=self.arguments.map,
                advice=f"it runs already; to watch it: rescuedeck jobs attach {job}" if ours else "stop that first",
            )
        while (holder := foreign_ddrescue(self.arguments.map)) is not None:
            if (time.monotonic() > end and free is None) or not self.was_running:
                raise RefusedError(
                    f"process {holder.pid} works on this map ({safe_text(holder.command, 200)})",
                    code="map-held",
                    path=self.arguments.map,
                    advice=f"wait until it ends, or end it: kill -INT {holder.pid}. If it does not end, a read hangs: "
                    "that ends only when the drive's power is cut",
                )
            self.monitor.write(State.CHECKING, f"waiting for ddrescue of an earlier run to end (process {holder.pid})")
            if free is not None:
                free(holder)
            self.wait(1.0)

    def hold(self) -> None:
        """Take the map for ourselves. Raises ``RefusedError`` when somebody else writes it."""
        self._map_hold.enter_context(hold_map(self.arguments.map, f"{_HOLDS}{self.job.directory.name}"))

    def release(self) -> None:
        """Let go of the map, so that it can be edited."""
        self._map_hold.close()

    def _recover(self) -> Mapfile | None:
        """The map as it is, or put together from older states when a crash or a full disk left a broken one."""
        allow = self.arguments.recover_map or bool(self.was_running or self.emergency)
        known, told = read_or_recover(self.arguments.map, self.maps, allow=allow, emergency=self.emergency)
        if told and known is not None:
            write_map(self.arguments.map, known)
            self.event("note", message=told)
            if self.emergency:
                Path(self.emergency).unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # the job's own folder, or one that holds more
                    Path(self.emergency).parent.rmdir()
                self.emergency = ""
        return known

    def reread(self) -> Mapfile | None:
        """The map after others may have edited it."""
        known, _ = read_or_recover(self.arguments.map, self.maps, allow=False)
        self.monitor.take_map(known)
        return known

    def set_options(self, options: RescueOptions) -> None:
        """These options from now on, and the domain they ask for."""
        self.options = options
        self.monitor.limit_to(domain_of(options, self.size))
        self.monitor.status = dataclasses.replace(self.monitor.status, options=options.to_json())

    def _preflight(self, known: Mapfile | None) -> None:
        checks = run_preflight(dataclasses.replace(self.arguments, options=self.options), known)
        for one in checks:
            if one.severity is Weight.WARN:
                self.event("note", code=one.code, message=one.message, advice=one.advice)
        raise_if_refused(checks)

    # -- while it runs ----------------------------------------------------------------------------------------------

    def still_the_same_drive(self) -> None:
        """Raise ``OutsideError`` when the drive is gone, given up, or another one bears its name."""
        if self.well is None:
            return
        verdict = judge([self.well, look(self.well.name)])
        if not verdict.usable:
            raise OutsideError(
                f"the drive is not ready: {'; '.join(verdict.reasons) or verdict.condition}",
                code="device-gone",
                path=self.arguments.source,
                advice=GONE_ADVICE,
            )

    def stop_if_asked(self) -> None:
        """Raise ``CancelledError`` when a stop was asked for."""
        if self.job.cancelled():
            raise CancelledError("stopped on request", advice="what was done so far is kept")

    def wait(self, seconds: float) -> None:
        """Sleep; raises ``CancelledError`` when a stop is asked for."""
        if self.job.wait(seconds):
            self.stop_if_asked()

    def event(self, kind: str, **facts: Any) -> None:
        """Into the journal and the status."""
        self.job.event(kind, **facts)
        self.monitor.event(kind, facts)

    def progress(self, headline: str) -> None:
        """Once a second: the job's own figures, and once a minute a line in its journal."""
        self._figures(self.monitor.status.alert or headline)
        status = self.monitor.status
        if self.monitor.totals is not None and time.monotonic() - self._journalled >= _JOURNAL_S:
            self._journalled = time.monotonic()
            self.job.event("progress", **progress_facts(status))

    def _figures(self, message: str) -> None:
        status, totals = self.monitor.status, self.monitor.totals
        if totals is None:
            return
        self.job.update(totals.finished, sum(totals.bytes), "B", message)
        snap = status.snapshot
        position = snap.position if snap is not None else None
        self.job.facts(position=position, bad=totals.bytes[4], recipe=status.recipe)

    def checkpoint(self, running: str) -> bool:
        """Keep what a resumed run must know; ``running`` names the recipe under way, empty between passes.

        False when it could not be kept.
        """
        passes = [one.to_json() for one in self.history]
        kept = self.job.checkpoint(
            {**self.memory(), "passes": passes, "running": running, "emergency": self.emergency,
             "options": self.options.to_json()}
        )  # fmt: skip
        self.was_running = running
        return kept

    def record(self, action: str, **facts: Any) -> None:
        """Into the history of the case, where there is one."""
        if self.case is not None:
            record(self.case, action, **facts)

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
            "passes": [one.to_json() for one in self.history],
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


def _first_status(arguments: RescueArguments, job: RescueJob, size: int | None) -> RescueStatus:
    """The status to begin with; a resumed job goes on with its history, events and count of passes."""
    old = read_status(job.directory)
    return RescueStatus(
        State.CHECKING, time.time(), source=arguments.source, image=arguments.image, map=arguments.map,
        size=size, strategy=arguments.strategy, started=old.started if old else time.time(),
        pass_index=old.pass_index if old else 0, history=old.history if old else RateHistory(),
        events=old.events if old else (), request=old.request if old else 0,
    )  # fmt: skip
