"""How a drive is doing right now, from sysfs alone: running, offline, gone, or hung. It is never asked itself.

A hang shows only over time: requests wait and none is answered. Take a ``look`` each second and ``judge`` the row.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.devices.model import Counters
from engine.devices.sysfs import SECTOR, read_counters
from engine.host.roots import HERE, Roots, read_int, read_text

_GONE = ("cancel", "deleted", "deleting", "dead")
_RUNNING = (None, "running", "live", "created", "new")


class Condition(StrEnum):
    """What can be told of a drive from outside."""

    RUNNING = "running"
    BUSY = "busy"  # the kernel resets or reconnects it: wait
    HUNG = "hung"  # requests wait, none is answered
    EMPTY = "empty"  # the node is there, its size is 0
    OFFLINE = "offline"  # the kernel has given up; every read fails at once
    GONE = "gone"  # no such device any more, or another one under its name


@dataclass(frozen=True, slots=True)
class Look:
    """What sysfs said at one moment. ``at`` is monotonic time in seconds; ``present``: the name is there."""

    name: str
    at: float
    present: bool
    node: bool
    state: str | None
    size: int
    diskseq: int | None
    counters: Counters | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The condition and the signs for it, in words. ``waiting_s`` is how long requests have gone unanswered."""

    condition: Condition
    reasons: tuple[str, ...]
    waiting_s: float = 0.0
    new_errors: int = 0

    @property
    def usable(self) -> bool:
        """Reads may succeed."""
        return self.condition in (Condition.RUNNING, Condition.BUSY)


def look(name: str, roots: Roots = HERE, now: float | None = None) -> Look:
    """Read the signs of the disk of that kernel name. Cheap, needs no privilege, does not block on the disk."""
    directory = roots.block / name
    return Look(
        name=name,
        at=time.monotonic() if now is None else now,
        present=directory.exists(),
        node=roots.devno_of(roots.node_path(name)) is not None,
        state=read_text(directory / "device" / "state"),
        size=(read_int(directory / "size") or 0) * SECTOR,
        diskseq=read_int(directory / "diskseq"),
        counters=read_counters(directory),
    )


def judge(looks: Sequence[Look], *, hang_after_s: float = 10.0) -> Verdict:
    """What a row of looks at one disk (oldest first, the first one from when it was well) says about it now."""
    if not looks:
        raise ValueError("nothing to judge")
    first, last = looks[0], looks[-1]
    errors = _errors(last) - _errors(first)
    words = [f"{errors} failed commands since the start"] if errors > 0 else []
    waiting = _waiting(looks)
    condition, reason = _condition(first, last, waiting, hang_after_s)
    if reason:
        words.insert(0, reason)
    return Verdict(condition, tuple(words), waiting, max(0, errors))


def _condition(first: Look, last: Look, waiting_s: float, hang_after_s: float) -> tuple[Condition, str]:
    if not last.present:
        return Condition.GONE, f"{last.name} is no longer there"
    if first.diskseq is not None and last.diskseq is not None and first.diskseq != last.diskseq:
        return Condition.GONE, f"{last.name} was unplugged; what bears its name now was attached later"
    if last.state in _GONE:
        return Condition.GONE, f"the kernel is removing it ({last.state})"
    if last.state is not None and "offline" in last.state:
        return Condition.OFFLINE, f"the kernel has given up on it ({last.state})"
    if last.size == 0:
        return Condition.EMPTY, "its size is 0"
    if first.size != last.size:
        return Condition.EMPTY, f"its size changed from {first.size} to {last.size} bytes"
    if waiting_s >= hang_after_s:
        return Condition.HUNG, f"no answer for {waiting_s:.0f} s while requests wait"
    if last.state not in _RUNNING:
        return Condition.BUSY, f"the kernel says: {last.state}"
    if first.node and not last.node:
        return Condition.GONE, "its device node is gone"
    return Condition.RUNNING, ""


def _errors(one: Look) -> int:
    return (one.counters.errors or 0) if one.counters is not None else 0


def _outstanding(counters: Counters) -> int:
    """Requests without an answer; the SCSI counters also see commands that the kernel is repeating."""
    gap = 0
    if counters.requested is not None and counters.done is not None:
        gap = counters.requested - counters.done
    return max(counters.in_flight, gap)


def _waiting(looks: Sequence[Look]) -> float:
    """Seconds since the last sign of an answer, as far back as the looks go; 0 when nothing waits."""
    last = looks[-1]
    if last.counters is None or not last.counters.in_flight:
        return 0.0
    since = last.at
    for one in reversed(looks):
        counters = one.counters
        if counters is None or not _outstanding(counters):
            break
        if (counters.completed, counters.done) != (last.counters.completed, last.counters.done):
            break
        since = one.at
    return last.at - since


def looks_ill(first: Look, second: Look | None = None) -> str | None:
    """Why a drive should not be asked for its health now; None when nothing speaks against it.

    ``second`` is a look a moment later: requests that wait in both, with none answered between, are a hang. A gap in
    the SCSI counters alone is not: commands that timed out once stay in it for ever.
    """
    last = second or first
    if not last.present:
        return "it is not there"
    if last.state not in _RUNNING:
        return f"the kernel says: {last.state}"
    if last.size == 0:
        return "its size is 0"
    if second is None or first.counters is None or second.counters is None:
        return None
    quiet = (first.counters.completed, first.counters.done) == (second.counters.completed, second.counters.done)
    if quiet and first.counters.in_flight and second.counters.in_flight:
        return f"{_outstanding(second.counters)} requests wait and none was answered"
    return None
