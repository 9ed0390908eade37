"""The job that searches a source for bytes; finds are kept as they come, and it goes on where it was stopped."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic import append_line
from engine.cases import open_source
from engine.errors import UsageError, outside
from engine.hex.patterns import Pattern
from engine.hex.search import MOST_FINDS, State, search
from engine.jobs.context import JobContext

KIND = "hex-search"
_FINDS = "finds.jsonl"
_BATCH = 2000
_KEEP_S = 1.0
_LONGEST_LINE = 1 << 20


def run(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``source`` (absolute path of an image, a device or a case), ``map`` (absolute path or null),
    ``window`` ([start, end] or null), ``pattern`` (as ``Pattern.to_json``), ``start`` (where it begins, in bytes).

    Result: as ``Outcome.to_json``; the finds are in the job's directory (``load_finds``).
    """
    where = arguments.get("source")
    if not isinstance(where, str) or not os.path.isabs(where):
        raise UsageError("source is an absolute path", code="job-arguments")
    pattern = Pattern.from_json(dict(arguments.get("pattern") or {}))
    window = arguments.get("window")
    part = None if window is None else (int(window[0]), int(window[1]))
    state = State(int(arguments.get("start") or 0)) if job.saved is None else State.from_json(job.saved)
    path = job.directory / _FINDS

    waiting: list[tuple[int, int]] = []
    kept = time.monotonic()

    def save() -> None:
        """Finds first, then the state that counts them."""
        for at in range(0, len(waiting), _BATCH):
            append_line(path, json.dumps(waiting[at : at + _BATCH]).encode())
        waiting.clear()
        job.checkpoint(state.to_json())

    def keep(_state: State) -> None:
        nonlocal kept
        if time.monotonic() - kept >= _KEEP_S:
            save()
            kept = time.monotonic()

    with open_source(where, map=arguments.get("map"), window=part) as source:
        try:
            outcome = search(source, pattern, waiting.extend, state=state, reporter=job, keep=keep)
        finally:
            save()
    return outcome.to_json()


@dataclass(slots=True)
class FindsTail:
    """The finds of a job as far as it has come; ``more`` reads what is new. A find told twice (a job that was killed
    and went on) counts once."""

    directory: Path
    _offset: int = 0

    def more(self, known: set[tuple[int, int]]) -> list[tuple[int, int]]:
        """New finds, which are added to ``known``. Raises ``OutsideError``."""
        path = self.directory / _FINDS
        try:
            with open(path, "rb") as stream:
                stream.seek(self._offset)
                lines = stream.read(_LONGEST_LINE * 8)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise outside(error, "cannot read the finds", path) from error
        whole = lines.rfind(b"\n") + 1
        self._offset += whole
        new = []
        for line in lines[:whole].split(b"\n"):
            for find in _parsed(line):
                if find not in known and len(known) < MOST_FINDS:
                    known.add(find)
                    new.append(find)
        return new


def _parsed(line: bytes) -> list[tuple[int, int]]:
    try:
        listed = json.loads(line) if line else []
        return [(int(at), int(size)) for at, size in listed]
    except (ValueError, TypeError, RecursionError, OverflowError):
        return []  # the line that a crash cut: the job finds the same again when it goes on
