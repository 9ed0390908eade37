"""Reading a job directory: spec, state and lock together give the job as it is now. All is checked: it is data."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import DamagedError
from engine.jobs.directory import CHECKPOINT, SPEC, STATE, JobDirectory
from engine.jobs.kinds import KINDS, Kind
from engine.jobs.lock import here, is_held
from engine.jobs.model import Job, JobError, JobState, Progress
from engine.text import safe_text

MAX_SPEC = 4 << 20
MAX_STATE = 4 << 20
MAX_RESULT = 1 << 20
MAX_CHECKPOINT = 64 << 20


@dataclass(frozen=True, slots=True)
class Spec:
    """What was asked for; written once, before the start. ``asked_by``: uid, user and host, for people."""

    kind: str
    arguments: Mapping[str, Any]
    title: str
    created: float
    asked_by: Mapping[str, Any] = field(default_factory=dict)


def _object(directory: JobDirectory, name: str, limit: int) -> dict[str, Any] | None:
    data = directory.read(name, limit)
    if data is None:
        return None
    try:
        value = json.loads(data)
        if not isinstance(value, dict):
            raise ValueError("it holds no object")
    except (ValueError, RecursionError) as error:
        raise DamagedError(
            f"the file cannot be understood ({error})", code="job-damaged", path=directory.path / name
        ) from error
    return value


def read_spec(directory: JobDirectory) -> Spec:
    """The spec. Raises ``DamagedError``."""
    value = _object(directory, SPEC, MAX_SPEC)
    if value is None:
        raise DamagedError("the folder is no job: it has no spec.json", code="no-job", path=directory.path)
    kind, arguments, title = value.get("kind"), value.get("arguments"), value.get("title", "")
    if not isinstance(kind, str) or not isinstance(arguments, dict) or not isinstance(title, str):
        raise DamagedError("spec.json lacks kind or arguments", code="job-damaged", path=directory.path / SPEC)
    asked = value.get("asked_by")
    return Spec(kind, arguments, title, _number(value.get("created")) or 0.0, asked if isinstance(asked, dict) else {})


def read_state(directory: JobDirectory) -> dict[str, Any] | None:
    """The state file as it is; None when it is missing or damaged (a power cut may leave an empty one)."""
    try:
        return _object(directory, STATE, MAX_STATE)
    except DamagedError:
        return None


def read_checkpoint(directory: JobDirectory) -> Mapping[str, Any] | None:
    """What the last checkpoint kept, None when there was none. Raises ``DamagedError``."""
    return _object(directory, CHECKPOINT, MAX_CHECKPOINT)


def load_held(directory: JobDirectory, kinds: Mapping[str, Kind] = KINDS) -> Job:
    """The job as its last run left it, for a process that has just taken its lock. Raises ``DamagedError``."""
    spec = read_spec(directory)
    return build(
        directory.path, spec, read_state(directory), held=False, mark=directory.mark(STATE), kinds=kinds
    )


def load(directory: str | os.PathLike[str], kinds: Mapping[str, Kind] = KINDS) -> Job:
    """The job in ``directory`` as it is now.

    Raises ``NotFoundError`` (nothing there), ``DamagedError`` (not a job, or its spec is damaged), ``RefusedError``
    (another user's, a symbolic link, writable by others), ``OutsideError``.
    """
    with JobDirectory(directory) as opened:
        spec = read_spec(opened)
        held = is_held(opened)
        while True:
            mark = opened.mark(STATE)
            value = read_state(opened)
            # A job may end, or be started again, between the look at its lock and the one at its state.
            again = is_held(opened)
            if again == held:
                return build(opened.path, spec, value, held=held, mark=mark, kinds=kinds)
            held = again


def build(
    path: Path,
    spec: Spec,
    value: Mapping[str, Any] | None,
    *,
    held: bool,
    mark: tuple[int, int],
    kinds: Mapping[str, Kind] = KINDS,
) -> Job:
    """Put spec, state file and lock together; values of wrong type count as missing."""
    old = value or {}
    pid = _count(old.get("pid"))
    state = _state(old, held=held, known=value is not None)
    orphan = (
        held and state.live and pid is not None and old.get("host") == here() and not os.path.exists(f"/proc/{pid}")
    )
    warning = _text(old.get("warning"))
    if orphan:
        warning = "its runner was killed, but a program it started still works: stop the job, then resume it"
    kind = kinds.get(spec.kind)
    return Job(
        id=safe_text(path.name),
        directory=path,
        kind=safe_text(spec.kind, 100),
        title=safe_text(spec.title),
        arguments=spec.arguments,
        created=spec.created,
        state=state,
        progress=Progress(
            done=_count(old.get("done")) or 0,
            total=_count(old.get("total")),
            unit=_text(old.get("unit") or "B"),
            rate=_number(old.get("rate")) if state.live else None,
        ),
        message=_text(old.get("message")),
        facts=_mapping(old.get("facts")) or {},
        warning=warning,
        started=_number(old.get("started")),
        updated=_number(old.get("updated")),
        progressed=_number(old.get("progressed")),
        finished=_number(old.get("finished")),
        elapsed_s=_number(old.get("elapsed_s")) or 0.0,
        runs=_count(old.get("runs")) or 0,
        pid=pid,
        stop_requests=_count(old.get("stop_requests")) or 0,
        stop_requested=_number(old.get("stop_requested")),
        error=_error(old.get("error")),
        result=_mapping(old.get("result")),
        resumable=kind is not None
        and (state is JobState.QUEUED or (kind.resumable and not state.live and state is not JobState.DONE)),
        orphan=orphan,
        mark=mark,
    )


def _state(old: Mapping[str, Any], *, held: bool, known: bool) -> JobState:
    try:
        told = JobState(old.get("state", "queued"))
    except ValueError:
        told, known = JobState.QUEUED, False
    if held:
        return JobState.STARTING if told in (JobState.QUEUED, JobState.LOST) else told
    if told.live:
        return JobState.LOST
    # Without a readable state file nobody knows how far it came; a job that never ran has one that says "queued".
    return told if known else JobState.LOST


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        return None
    return value


def _text(value: Any) -> str:
    return safe_text(value) if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def _error(value: Any) -> JobError | None:
    if not isinstance(value, dict):
        return None
    advice = value.get("advice")
    exit_code = _count(value.get("exit_code"))
    return JobError(
        message=_text(value.get("message")) or "unknown",
        code=_text(value.get("code")) or "failed",
        advice=_text(advice) if isinstance(advice, str) else None,
        exit_code=exit_code if exit_code in (1, 2, 3, 130) else 3,
    )
