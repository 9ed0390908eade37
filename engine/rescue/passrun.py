"""One pass: ddrescue from its start to its end, watched each second, stopped when something demands it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from engine.devices.drive_state import Look, judge, look
from engine.errors import CancelledError
from engine.mapfile.model import Mapfile
from engine.rescue.arguments import RescueArguments
from engine.rescue.command import Command
from engine.rescue.control import Request
from engine.rescue.monitor import Monitor
from engine.rescue.process import RescueProcess
from engine.rescue.space import Ballast, free_bytes, too_little
from engine.rescue.status import Snapshot, State
from engine.text import format_duration

_LOOK_S = 1.0
_SPACE_S = 3  # a fast drive fills the usual margin within a second: keep room for as long at its rate
_LEAVE_S = 3.0
_EMERGENCY = "ddrescue.map"
_READS = ("reading", "")


class Why(StrEnum):
    """Why we asked ddrescue to end."""

    NONE = ""
    CANCELLED = "cancelled"
    REQUEST = "request"
    HANG = "hang"
    GONE = "gone"
    SLOW = "slow"
    TIME = "time"
    SPACE = "space"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a pass left. ``trusted`` and ``seen`` as in ``MapWatch``; ``why`` is why we stopped it, if we did.

    ``sign`` tells of a death of the drive seen while it ran. ``emergency`` is a map saved elsewhere because its own
    place was full. ``stuck``: the process could not be waited for.
    """

    returncode: int
    stderr: str
    ending_line: str
    why: Why
    request: Request | None
    sign: str
    seen: Mapfile | None
    trusted: Mapfile | None
    direction: str
    position: int | None
    hung: bool
    emergency: Path | None
    stuck: bool
    run_time_s: float
    detail: str = ""


class Attendant(Protocol):
    """Somebody who watches a pass along with us, and can free a reader that hangs."""

    @property
    def hang_limit_s(self) -> float:
        """A read that takes longer hangs."""

    def look(self, snap: Snapshot) -> tuple[Why, str] | None:
        """Each second: a reason to end the pass, in words, or None."""

    def hangs(self, snap: Snapshot) -> State:
        """Each second while a read hangs although the end was asked for; returns the state to be shown."""


class PassRun:
    """Runs one command. ``ask`` gives a request that must end the pass, ``tell`` records an event."""

    def __init__(
        self,
        arguments: RescueArguments,
        command: Command,
        monitor: Monitor,
        *,
        work: Path,
        well: Look | None,
        image_end: int | None,
        pass_fds: tuple[int, ...],
        cancelled: Callable[[], bool],
        ask: Callable[[], Request | None],
        tell: Callable[..., None],
        progress: Callable[[str], None],
        kill_asked: Callable[[], bool],
        attendant: Attendant | None = None,
    ) -> None:
        self._attendant = attendant
        self._arguments = arguments
        self._monitor = monitor
        self._well = well
        self._image_end = image_end
        self._cancelled, self._ask, self._tell, self._progress = cancelled, ask, tell, progress
        self._kill_asked = kill_asked
        self._work = work
        self._home = Path(tempfile.mkdtemp(prefix="rescuedeck-"))
        self._ballast = Ballast(arguments.map)
        self._ballast.make()
        self._why, self._sign, self._detail = Why.NONE, "", ""
        self._request: Request | None = None
        self._hung = self._hang_told = False
        self._replies = 0
        self._last: Snapshot | None = None
        self._process = RescueProcess(
            command, arguments.source, arguments.image, arguments.map,
            directory=str(work), home=str(self._home), pass_fds=pass_fds,
        )  # fmt: skip

    def run(self) -> Ran:
        """To its end. Raises ``CancelledError`` only when even killing did not end it."""
        process = self._process
        stuck = False
        try:
            while process.poll(_LOOK_S):
                self._second()
        except CancelledError:  # a second request to stop: no waiting for a clean end
            self._why = Why.CANCELLED
            stuck = not self._end_now()
        seen = process.watch.current
        self._monitor.take_map(seen)
        self._ballast.drop()
        emergency = self._emergency_map()
        snap = self._last
        return Ran(
            returncode=process.returncode if process.returncode is not None else -9,
            stderr=process.stderr,
            ending_line=process.screen.ending,
            why=self._why,
            request=self._request,
            sign=self._sign,
            seen=seen,
            trusted=process.watch.trusted,
            direction=process.screen.first_direction or "forwards",
            position=snap.position if snap is not None and snap.exact else None,
            hung=self._hung,
            emergency=emergency,
            stuck=stuck,
            run_time_s=process.run_time_s,
            detail=self._detail,
        )

    def _second(self) -> None:
        process = self._process
        snap = process.snapshot()
        if not snap.process_state:
            return
        self._last = snap
        self._monitor.take_map(process.watch.current)
        self._monitor.take_snapshot(snap, time.monotonic())
        self._look_for_reasons(snap)
        if snap.asks_for_map:
            self._answer()
        elif self._replies:  # settled; a signal sent while it waits for the answer would break that off
            self._stop(Why.MAP, "the map could not be saved until its ballast was given up")
        stopping = process.stop_sent is not None
        state = State.STOPPING if stopping else State.RUNNING
        if self._attendant is not None and stopping and snap.still_s >= self._hang_limit_s and snap.doing in _READS:
            self._hung = True
            state = self._attendant.hangs(snap)
        headline = self._headline(snap)
        self._monitor.write(
            state,
            headline,
            self._alert(snap),
            stopping_s=time.monotonic() - process.stop_sent if process.stop_sent is not None else None,
            free_bytes=free_bytes(self._arguments.image),
        )
        self._progress(headline)

    def _look_for_reasons(self, snap: Snapshot) -> None:
        if self._cancelled():
            self._stop(Why.CANCELLED)
        if self._process.stop_sent is not None and self._kill_asked():
            self._process.kill()
        request = self._ask()
        if request is not None and self._why is Why.NONE:
            self._request = request
            self._stop(Why.REQUEST)
        self._watch_drive()
        self._watch_hang(snap)
        reason = self._attendant.look(snap) if self._attendant is not None else None
        if reason is not None:
            self._stop(*reason)
        arguments = self._arguments
        least = arguments.min_free and max(arguments.min_free, _SPACE_S * (snap.current_rate or 0))
        short = too_little(arguments.image, arguments.map, self._image_end, least)
        if short:
            self._stop(Why.SPACE, short)

    def _stop(self, why: Why, detail: str = "") -> None:
        """Ask it to end, once; the first reason is the one that counts, but a cancel outranks a request."""
        if self._why is Why.NONE or (why is Why.CANCELLED and self._why is Why.REQUEST):
            self._why, self._detail = why, detail
        if self._process.stop_sent is None:
            self._process.stop()

    def _watch_drive(self) -> None:
        if self._well is None or self._sign:
            return
        verdict = judge([self._well, look(self._well.name)])
        if not verdict.usable:
            self._sign = verdict.reasons[0] if verdict.reasons else str(verdict.condition)
            self._stop(Why.GONE, self._sign)

    @property
    def _hang_limit_s(self) -> float:
        return self._attendant.hang_limit_s if self._attendant is not None else self._arguments.hang_limit_s

    def _watch_hang(self, snap: Snapshot) -> None:
        if snap.still_s < self._hang_limit_s or snap.doing not in _READS:
            self._hang_told = False
            return
        if self._hang_told:
            return
        self._hang_told = self._hung = True
        self._tell(
            "hang", position=snap.position, seconds=round(snap.still_s, 1), state=snap.process_state, exact=snap.exact
        )
        if self._arguments.stop_on_hang:
            self._sign = f"a read at {snap.position} did not come back for {snap.still_s:.0f} s"
            self._stop(Why.HANG, self._sign)

    def _answer(self) -> None:
        """The map cannot be written: give the ballast free and try again, then save it elsewhere, then give up."""
        self._replies += 1
        if self._replies == 1:
            self._ballast.drop()
            self._process.answer("")
        else:
            self._process.answer("e" if self._replies == 2 else "q")

    def _alert(self, snap: Snapshot) -> str:
        process = self._process
        waits = format_duration(snap.still_s)
        where = f" at {snap.position}" if snap.position is not None and snap.exact else ""
        if process.stop_sent is not None and snap.still_s > 2 and snap.process_state == "D":
            reason = "the target does not take data" if snap.doing == "writing" else f"a read{where} is stuck"
            return f"stopping: {reason} in the kernel for {waits}; nothing can end it but the device or its power"
        if snap.still_s >= self._hang_limit_s:
            if snap.doing in ("writing", "saving the map"):
                return f"the target has not taken any data for {waits}"
            if snap.doing in _READS:
                return f"a read{where} has not come back for {waits}: cut the drive's power and restore it"
        if self._sign:
            return f"the drive is gone: {self._sign}"
        if snap.asks_for_map:
            return "the map cannot be saved: no room?"
        return self._detail or snap.map_problem * (snap.map_age_s is None or snap.map_age_s > 10)

    def _headline(self, snap: Snapshot) -> str:
        if self._process.stop_sent is not None:
            words = {
                Why.SPACE: "stopping: no room", Why.GONE: "stopping: the drive is gone",
                Why.HANG: "stopping after a hang", Why.SLOW: "stopping: the drive has become slow",
                Why.TIME: "stopping: the time is up", Why.MAP: "stopping: the map cannot be saved",
            }  # fmt: skip
            return words.get(self._why, "stopping after the read under way")
        return snap.message or "starting ddrescue"

    def _end_now(self) -> bool:
        """Kill it and wait a little; False when it is stuck in the kernel and must be left behind."""
        self._process.kill()
        end = time.monotonic() + _LEAVE_S
        while time.monotonic() < end:
            if not self._process.poll(0.5):
                return True
        self._process.close()
        return False

    def _emergency_map(self) -> Path | None:
        """A map that ddrescue saved elsewhere (an attempt on a full disk leaves an empty one); else clean up."""
        saved = [place / _EMERGENCY for place in (self._work, self._home)]
        found = max((path for path in saved if path.exists()), key=lambda path: path.stat().st_size, default=None)
        if found is not None and found.stat().st_size:
            return found
        for path in saved:
            path.unlink(missing_ok=True)
        self._home.rmdir()
        return None


def facts_of(ran: Ran) -> dict[str, Any]:
    """What of a pass goes into the journal."""
    return {"returncode": ran.returncode, "hung": ran.hung, "last_read": ran.position, "stopped_for": str(ran.why)}
