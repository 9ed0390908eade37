"""Every action of a case with its time: an append-only journal, one JSON object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from engine.atomic import append_line
from engine.cases.case import Case
from engine.errors import outside

_MAX_LINE = 64 << 10


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done: ``time`` (ISO 8601, UTC), ``action`` (a slug such as ``rescue-started``), facts."""

    time: str
    action: str
    facts: Mapping[str, Any]


def record(case: Case, action: str, **facts: Any) -> None:
    """Append an action to the history, durably, before or after it is done as its name says."""
    entry = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "action": action, **facts}
    append_line(case.history_path, json.dumps(entry).encode("ascii"))


def read_history(case: Case, last: int | None = None) -> list[Action]:
    """The actions, oldest first; only the ``last`` ones when given. A line that a crash cut is left out."""
    found = list(islice(newest_first(case), last))
    found.reverse()
    return found


def newest_first(case: Case, only: Collection[str] | None = None) -> Iterator[Action]:
    """The actions from the newest back, each read when it is asked for: a long history costs what is looked at.

    ``only``: those with one of these names. Raises ``OutsideError``.
    """
    try:
        with open(case.history_path, "rb") as stream:
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise outside(error, "cannot read the history", case.history_path) from error
    wanted = None if only is None else re.compile(b"|".join(re.escape(json.dumps(name).encode()) for name in only))
    for line in reversed(lines):
        if wanted is not None and wanted.search(line) is None:
            continue
        try:
            entry = json.loads(line[:_MAX_LINE])
            action = Action(str(entry.pop("time")), str(entry.pop("action")), entry)
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            continue
        if only is None or action.action in only:
            yield action
