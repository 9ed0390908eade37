"""What a job looks like from outside: frozen values read from its directory."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.progress import snapshot


class JobState(StrEnum):
    """Where a job is in its life. LOST: the state file says it runs, but its lock is free: the runner was killed."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"

    @property
    def live(self) -> bool:
        """A process works on it now."""
        return self in (JobState.STARTING, JobState.RUNNING, JobState.STOPPING)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far: ``done`` of ``total`` (None: unknown) in ``unit``, ``rate`` in units per second over the last 30 s."""

    done: int = 0
    total: int | None = None
    unit: str = "B"
    rate: float | None = None

    def document(self) -> dict[str, Any]:
        """The progress object of JSON output."""
        return dict(snapshot(self.done, self.total, self.unit, self.rate))


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, ready to be shown."""

    message: str
    code: str = "failed"
    advice: str | None = None
    exit_code: int = 3


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal. ``seq`` counts up without gaps over all runs; a gap shows that lines were lost."""

    seq: int
    time: float
    kind: str
    facts: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The event as a JSON object, time as ISO 8601."""
        return {"event": self.kind, "time": iso(self.time), "seq": self.seq, **self.facts}


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its directory told it at one moment. Times are seconds since 1970; strings are safe for a screen.

    ``started`` is the begin of the latest run, ``elapsed_s`` the working time of all runs. ``progressed`` is when
    ``done`` last grew. ``facts`` are the kind's own live values (position, pass, bad bytes ...), as it gave them: not
    made safe. ``warning`` tells what the job could not do for itself (disk full). ``orphan``: the runner is dead, but
    a program it started still works and holds the directory. ``mark`` identifies the version of the state file.
    """

    id: str
    directory: Path
    kind: str
    title: str
    arguments: Mapping[str, Any]
    created: float
    state: JobState
    progress: Progress = field(default_factory=Progress)
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    warning: str = ""
    started: float | None = None
    updated: float | None = None
    progressed: float | None = None
    finished: float | None = None
    elapsed_s: float = 0.0
    runs: int = 0
    pid: int | None = None
    stop_requests: int = 0
    stop_requested: float | None = None
    error: JobError | None = None
    result: Mapping[str, Any] | None = None
    resumable: bool = False
    orphan: bool = False
    mark: tuple[int, int] = (0, 0)

    @property
    def live(self) -> bool:
        """A process works on it now."""
        return self.state.live

    @property
    def remaining_s(self) -> float | None:
        """Seconds left at the present rate; None when that cannot be said (see ``eta.remaining_text``)."""
        total, rate = self.progress.total, self.progress.rate
        if not self.live or total is None or not rate:
            return None
        return max(0.0, (total - self.progress.done) / rate)

    def document(self) -> dict[str, Any]:
        """The job as a JSON object of the command line."""
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "state": str(self.state),
            "progress": self.progress.document(),
            "started": iso(self.started),
            "message": self.message,
            "directory": str(self.directory),
            "elapsed_s": round(self.elapsed_s, 1),
            "remaining_s": self.remaining_s,
            "finished": iso(self.finished),
            "runs": self.runs,
            "pid": self.pid if self.live else None,
            "resumable": self.resumable,
            "warning": self.warning or None,
            "facts": dict(self.facts),
            "error": None
            if self.error is None
            else {"code": self.error.code, "message": self.error.message, "advice": self.error.advice},
            "result": None if self.result is None else dict(self.result),
        }


def iso(time_s: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC; None stays None, and so does a time that no calendar has."""
    if time_s is None:
        return None
    try:
        return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None


_MAX_TEXT = 4096
_MAX_DEPTH = 6
_MAX_ITEMS = 1000


def plain(value: Any, depth: int = 0) -> Any:
    """``value`` as bounded JSON values: work must not end because a fact was a path, a numpy number or not finite.

    Texts are cut to 4096 characters, lists and mappings to 1000 items, nesting to 6 levels.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value[:_MAX_TEXT])
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))[:_MAX_TEXT]
    if depth >= _MAX_DEPTH:
        return "..."
    if isinstance(value, Mapping):
        return {str(key)[:_MAX_TEXT]: plain(item, depth + 1) for key, item in list(value.items())[:_MAX_ITEMS]}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in list(value)[:_MAX_ITEMS]]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[: _MAX_TEXT // 2]).hex()
    return repr(value)[:_MAX_TEXT]
