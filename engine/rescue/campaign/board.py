"""What watchers see of a campaign beside what every rescue shows: the ``campaign`` part of the status file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_LISTED = 1000
"""At most so many killers, areas and cycles are listed; the newest cycles, the lowest killers."""


class Phase(StrEnum):
    """What the campaign does now."""

    CHECKING = "checking"  # before the first pass
    CHOOSING = "choosing"  # the next pass is being decided
    READING = "reading"
    ENDING = "ending"  # ddrescue has been asked to end, or a read hangs until the power goes
    CUTTING = "cutting"  # node being deleted, power being cut
    OFF = "off"  # without power for a while
    RESTORING = "restoring"  # power coming on
    NEEDS_POWER = "needs-power"  # a person has to cut and restore the power: see ``needs``
    WAITING = "waiting"  # for the drive to come back
    SETTLING = "settling"  # it is back and gets its time
    PROVING = "proving"  # a place known good is read
    PAUSED = "paused"
    BY_HAND = "by-hand"  # paused, the map is free for editing
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class NextPass:
    """The pass that runs, or would run next. Bytes; ``gain`` is what it is expected to bring, ``risk`` the probability
    that it costs a power cycle; ``kind`` as in ``strategy.records.Kind``, or ``by-hand``."""

    kind: str
    start: int
    size: int
    reverse: bool = False
    cluster_size: int = 65536
    gain: int = 0
    risk: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One sentence of what was decided or found, and when (seconds since 1970)."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """The campaign at a glance. Bytes; times in seconds since 1970; ranges half-open.

    ``waits_for`` is one sentence on what the present phase waits for, ``since`` when the phase began, ``until_s`` how
    long it may take from then (None: as long as it takes). ``needs`` is what a person has to do now, empty for nothing.
    ``drive`` is the drive in words, ``node`` what is read now, ``switch`` the power command as one would type it
    (empty: a person is the switch).

    ``cycles`` are power cycles used; of the budget a None means no limit, ``end_time`` is when it has to be over.
    ``cycle_bytes`` is what was rescued before the first cycle, after the first, and so on; its last entry grows while
    a pass runs. ``next`` is the pass under way or the one that comes, ``reason`` its sentence. ``verdict`` says what
    the last pass came to (``campaign.verdict.Finding``), ``verdict_words`` in a sentence. ``resets`` counts signs of
    controller resets since the job began. ``requests`` are the actions of ``control.send`` that make sense now.
    """

    phase: Phase = Phase.CHECKING
    waits_for: str = ""
    since: float = 0.0
    until_s: float | None = None
    needs: str = ""
    drive: str = ""
    node: str = ""
    switch: str = ""
    cycles: int = 0
    max_cycles: int | None = None
    end_time: float | None = None
    min_bytes_per_cycle: int | None = None
    cycle_bytes: tuple[int, ...] = ()
    killers: tuple[tuple[int, int], ...] = ()
    skipped: tuple[tuple[int, int], ...] = ()
    next: NextPass | None = None
    reason: str = ""
    verdict: str = ""
    verdict_words: str = ""
    resets: int = 0
    hang_limit_s: float = 0.0
    decisions: tuple[Decision, ...] = ()
    requests: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON values; ``from_json`` gives an equal one back."""
        # once a second, and after a day there are hundreds of killers: no ``asdict``, which copies them one by one
        value = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        value["phase"] = str(self.phase)
        value["next"] = dataclasses.asdict(self.next) if self.next is not None else None
        value["decisions"] = [{"time": one.time, "text": one.text} for one in self.decisions]
        for name in ("killers", "skipped"):
            value[name] = [list(pair) for pair in getattr(self, name)]
        for name in ("cycle_bytes", "requests"):
            value[name] = list(getattr(self, name))
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CampaignStatus:
        """From ``to_json``; names of a newer version are left out. Raises what a wrong mapping raises."""
        known = _known(cls, value)
        known["phase"] = Phase(known["phase"])
        known["next"] = NextPass(**_known(NextPass, known["next"])) if known.get("next") else None
        known["decisions"] = tuple(Decision(float(one["time"]), str(one["text"])) for one in known.get("decisions", ()))
        for name in ("killers", "skipped"):
            known[name] = tuple((int(start), int(end)) for start, end in known.get(name, ()))
        known["cycle_bytes"] = tuple(int(count) for count in known.get("cycle_bytes", ()))
        known["requests"] = tuple(str(action) for action in known.get("requests", ()))
        return cls(**known)


def _known(kind: type[Any], value: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: item for name, item in value.items() if name in names}
