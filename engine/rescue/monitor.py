"""From snapshots to the status file: rates, history, estimate, alerts, the tail of the events; once a second."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import OutsideError
from engine.mapfile.model import Mapfile, Totals
from engine.mapfile.status import NAMES
from engine.ranges import RangeSet
from engine.rescue.domain import totals_in
from engine.rescue.estimate import Estimator, RateRecorder
from engine.rescue.status import Remaining, RescueStatus, Snapshot, State, write_status

_EVENTS_KEPT = 50
_STILL_S = 3.0


class Monitor:
    """Keeps the status of one rescue. ``status`` is what was written last."""

    def __init__(self, directory: Path, status: RescueStatus, domain: RangeSet | None) -> None:
        self.status = status
        self.domain = domain
        self._directory = directory
        self._recorder = RateRecorder()
        self._estimator = Estimator()
        self._events: deque[Mapping[str, Any]] = deque(status.events, maxlen=_EVENTS_KEPT)
        self._map: Mapfile | None = None
        self._totals: Totals | None = None
        self._ended_s = self._running_s = 0.0
        self._last: float | None = None
        self._gained_before: int | None = None

    @property
    def totals(self) -> Totals | None:
        """Bytes and areas of the last map inside the domain."""
        return self._totals

    def event(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Add an event to the tail that the screen shows."""
        self._events.append({"event": kind, "time": time.time(), **facts})

    def take_map(self, known: Mapfile | None) -> None:
        """The newest whole map; counted only when it is another one."""
        if known is None or known is self._map:
            return
        self._map, self._totals = known, totals_in(known, self.domain)
        if self._gained_before is None:
            self._gained_before = self._totals.finished

    def limit_to(self, domain: RangeSet | None) -> None:
        """Another part of the source is what this rescue is about."""
        self.domain = domain
        if self._map is None or self._totals is None:
            return
        before, self._totals = self._totals, totals_in(self._map, domain)
        if self._gained_before is not None:  # the average goes on with what was gained, not with what is counted now
            self._gained_before += self._totals.finished - before.finished

    def take_snapshot(self, snap: Snapshot, now: float) -> None:
        """One second of a running ddrescue: rates and the estimate. ``now`` is monotonic."""
        passed = 0.0 if self._last is None else min(now - self._last, 10.0)
        self._last = now
        self._running_s = snap.run_time_s
        rate = 0 if snap.still_s > _STILL_S else snap.current_rate or 0
        if passed:
            self._recorder.add(rate, passed)
        if self._totals is not None:
            self._estimator.add(now, snap.phase, self._totals)
        self.status = dataclasses.replace(self.status, snapshot=snap, current_rate=float(rate))

    def idle(self, ran_s: float = 0.0) -> None:
        """No ddrescue runs any more, after one that ran ``ran_s`` seconds: only such time counts for the average."""
        self._last = None
        self._ended_s += ran_s
        self._running_s = 0.0
        self.status = dataclasses.replace(self.status, snapshot=None, current_rate=None, remaining=Remaining())

    def write(self, state: State, headline: str, alert: str = "", **more: Any) -> RescueStatus:
        """Compose and save the status. A full disk must not end the rescue: the old status then simply stays."""
        totals = self._totals
        changes: dict[str, Any] = {"state": state, "updated": time.time(), "headline": headline, "alert": alert, **more}
        changes["history"] = self._recorder.history
        changes["events"] = tuple(self._events)
        if totals is not None:
            changes["bytes"] = dict(zip(NAMES, totals.bytes, strict=True))
            changes["areas"] = dict(zip(NAMES, totals.areas, strict=True))
            changes["domain_bytes"] = sum(totals.bytes)
            changes["average_rate"] = self._average(totals)
            if self.status.snapshot is not None:
                changes["remaining"] = self._estimator.remaining(totals)
        if self._map is not None:
            changes["map_position"], changes["map_phase"] = self._map.position, self._map.phase
        self.status = dataclasses.replace(self.status, **changes)
        try:
            write_status(self._directory, self.status)
        except OutsideError:
            pass  # shown by the job's own state, which keeps a reserve for this
        return self.status

    def _average(self, totals: Totals) -> float | None:
        seconds = self._ended_s + self._running_s
        if seconds < 1 or self._gained_before is None:
            return None
        return max(0.0, (totals.finished - self._gained_before) / seconds)
