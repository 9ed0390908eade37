"""Requests to a running rescue: a small file in the job's directory, numbered, replaced atomically, validated.

Any screen or command may write it; the job reads it once a second, acts, and tells in its status which number it has
acted upon and what became of it. Stopping for good is the job's own affair (SIGTERM through the jobs room).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.atomic import Pathish, write_json
from engine.errors import UsageError
from engine.rescue.campaign import wishes
from engine.rescue.options import RescueOptions
from engine.rescue.status import read_status

FILE_NAME = "control.json"
ACTIONS = ("pause", "resume", "recipe", "strategy", "options", "end-pass", "kill", *wishes.ACTIONS)
"""pause: stop ddrescue cleanly and wait (``release_map``: let go of the map meanwhile, so that it can be edited);
resume: go on; recipe: from now on run this recipe (``name``) and then pause; strategy: back to the strategy's own
choice; options: use these options (``values``) for the passes to come; end-pass: stop this pass and choose the next;
kill: SIGKILL for a ddrescue that was asked to end and does not. What only a campaign takes: ``campaign.wishes``."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``now``: stop the running pass for it; otherwise it counts from the next pass on."""

    number: int
    action: str
    name: str = ""
    now: bool = True
    release_map: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


def send(directory: Pathish, action: str, **facts: Any) -> int:
    """Leave a request for the rescue in ``directory``; returns its number, to be looked for in the status.

    Facts: ``name``, ``now``, ``release_map``, ``values`` as in ``Request``. A request that is not yet seen is replaced.
    Raises ``UsageError``.
    """
    if action not in ACTIONS:
        raise UsageError(f"{action!r} is no request to a rescue", code="bad-request")
    last = read_request(directory)
    status = read_status(directory)
    number = max(last.number if last else 0, status.request if status else 0) + 1
    request = parse({"number": number, "action": action, **facts})
    write_json(
        Path(directory) / FILE_NAME,
        {
            "number": request.number,
            "action": request.action,
            "name": request.name,
            "now": request.now,
            "release_map": request.release_map,
            "values": dict(request.values),
        },
    )
    return number


def parse(value: Any) -> Request:
    """A request from JSON, checked. Raises ``UsageError``."""
    if not isinstance(value, Mapping):
        raise UsageError("a request is a set of names and values", code="bad-request")
    number, action, values = value.get("number"), value.get("action"), value.get("values", {})
    if not isinstance(number, int) or isinstance(number, bool) or number < 1 or action not in ACTIONS:
        raise UsageError("a request has a number and a known action", code="bad-request")
    name = value.get("name", "")
    if not isinstance(name, str) or len(name) > 100:
        raise UsageError("a request's name is a short text", code="bad-request")
    if not isinstance(values, Mapping):
        raise UsageError("a request's values are a set of names and values", code="bad-request")
    campaign = action in wishes.ACTIONS
    checked = wishes.check(str(action), values) if campaign else RescueOptions.from_json(values).to_json()
    now, release = value.get("now", True) is True, value.get("release_map", False) is True
    return Request(number, str(action), name, now, release, checked)


def read_request(directory: Pathish) -> Request | None:
    """The request that lies in the job's directory, or None. Raises ``UsageError`` when it makes no sense."""
    try:
        text = (Path(directory) / FILE_NAME).read_bytes()[: 1 << 16]
    except FileNotFoundError:
        return None
    try:
        return parse(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise UsageError("the control file cannot be read", code="bad-request") from error
