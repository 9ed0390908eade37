"""What watchers of a rescue see: ``Snapshot`` of the running ddrescue and ``RescueStatus`` of the whole rescue.

The job writes ``RescueStatus`` to ``rescue.json`` in its directory once a second, so that any number of screens can
show everything without touching the drive, the map or the process.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.atomic import Pathish, write_atomic
from engine.rescue.campaign.board import CampaignStatus

FILE_NAME = "rescue.json"
"""The name of the status file inside the job's directory."""

_MAX_FILE = 4 << 20


class State(StrEnum):
    """Where the rescue as a whole stands."""

    CHECKING = "checking"  # before the first pass
    RUNNING = "running"
    STOPPING = "stopping"  # ddrescue has been asked to end, and has not yet
    PAUSED = "paused"  # no ddrescue runs; waits for a request
    NEEDS_POWER = "needs-power"  # a campaign waits for a person to cut and restore the drive's power
    DONE = "done"
    STOPPED = "stopped"  # by request; can be resumed
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at a running ddrescue, merged from its screen, /proc and its map. Bytes, seconds, bytes per second.

    ``position`` is the byte where the read in flight began when ``exact``, else the rounded one of the screen.
    ``still_s`` is how long neither position nor screen nor map has moved; ``doing`` says what the process waits for
    (``reading``, ``writing``, ``saving the map``, ``running``, ``ended``). ``last_good_read_s`` goes on growing while
    a read hangs. Map figures are those of the last map that could be read whole; ``map_age_s`` is its age.
    """

    time: float
    pid: int
    phase: str = ""
    message: str = ""
    pass_number: int | None = None
    direction: str = ""
    position: int | None = None
    exact: bool = False
    still_s: float = 0.0
    process_state: str = ""
    doing: str = ""
    current_rate: int | None = None
    average_rate: int | None = None
    error_rate: int | None = None
    read_errors: int | None = None
    slow_reads: int | None = None
    run_time_s: float = 0.0
    last_good_read_s: float | None = None
    map_age_s: float | None = None
    map_problem: str = ""
    asks_for_map: bool = False


@dataclass(frozen=True, slots=True)
class Remaining:
    """An estimate of the time left: ``seconds`` is None when nobody can know; ``text`` is for people."""

    seconds: float | None = None
    text: str = "unknown"


@dataclass(frozen=True, slots=True)
class RateHistory:
    """Bytes per second over the whole rescue, oldest first; each number is the mean of ``step_s`` seconds."""

    step_s: float = 1.0
    rates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RescueStatus:
    """Everything a screen shows of a rescue. Bytes, seconds; ``bytes``/``areas`` are keyed by status name.

    ``headline`` is one sentence on what happens now, ``alert`` one on what the person should know or do (empty when
    all is well). ``domain_bytes`` is what this rescue is about (the whole source, or the ranges asked for), and
    ``bytes``/``areas`` count inside it. ``request`` is the number of the last request from the control file that was
    acted upon, ``answer`` what became of it. ``options`` are those in force, as ``RescueOptions.to_json``.
    ``campaign`` is there with the strategy for drives that drop off.
    """

    state: State
    updated: float
    headline: str = ""
    alert: str = ""
    source: str = ""
    image: str = ""
    map: str = ""
    size: int | None = None
    strategy: str = ""
    recipe: str = ""
    recipe_title: str = ""
    reason: str = ""
    command: str = ""
    pass_index: int = 0
    started: float = 0.0
    stopping_s: float | None = None
    domain_bytes: int = 0
    rescued_at_start: int = 0
    bytes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    areas: Mapping[str, int] = dataclasses.field(default_factory=dict)
    map_position: int | None = None
    map_phase: str = ""
    current_rate: float | None = None
    average_rate: float | None = None
    remaining: Remaining = Remaining()
    history: RateHistory = RateHistory()
    free_bytes: int | None = None
    snapshot: Snapshot | None = None
    events: tuple[Mapping[str, Any], ...] = ()
    request: int = 0
    answer: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    campaign: CampaignStatus | None = None

    @property
    def rescued(self) -> int:
        """Finished bytes inside the domain."""
        return self.bytes.get("finished", 0)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; ``from_json`` gives an equal status back."""
        value = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("remaining", "snapshot"):
            value[name] = dataclasses.asdict(value[name]) if value[name] is not None else None
        value["history"] = {"step_s": self.history.step_s, "rates": list(self.history.rates)}
        value["campaign"] = self.campaign.to_json() if self.campaign is not None else None
        value["state"] = str(self.state)
        value["bytes"], value["areas"], value["options"] = dict(self.bytes), dict(self.areas), dict(self.options)
        value["events"] = [dict(event) for event in self.events]
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RescueStatus:
        """From ``to_json``; names of a newer version are left out. Raises ``ValueError`` for anything else."""
        if not isinstance(value, Mapping):
            raise ValueError("not a rescue status")
        try:
            known = _known(cls, value)
            known["state"] = State(known["state"])
            known["remaining"] = Remaining(**_known(Remaining, known.get("remaining") or {}))
            history = _known(RateHistory, known.get("history") or {})
            known["history"] = RateHistory(
                float(history.get("step_s", 1.0)), tuple(int(rate) for rate in history.get("rates", ()))
            )
            known["snapshot"] = Snapshot(**_known(Snapshot, known["snapshot"])) if known.get("snapshot") else None
            campaign = known.get("campaign")
            known["campaign"] = CampaignStatus.from_json(campaign) if campaign else None
            known["events"] = tuple(dict(event) for event in known.get("events", ()))
            known["bytes"] = {str(name): int(count) for name, count in dict(known.get("bytes", {})).items()}
            known["options"] = dict(known.get("options") or {})
            known["areas"] = {str(name): int(count) for name, count in dict(known.get("areas", {})).items()}
            return cls(**known)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not a rescue status: {error}") from error


def _known(kind: type[Any], value: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: item for name, item in value.items() if name in names}


def write_status(directory: Pathish, status: RescueStatus) -> None:
    """Replace the status file atomically. Not synced: it is rewritten each second, and the map holds the truth."""
    data = json.dumps(status.to_json(), separators=(",", ":")).encode("ascii")  # on one line: ten times as quick
    write_atomic(Path(directory) / FILE_NAME, data, durable=False)


def read_status(directory: Pathish) -> RescueStatus | None:
    """The status file of a job's directory; None when there is none yet or a power cut left it empty."""
    try:
        with open(Path(directory) / FILE_NAME, "rb") as file:
            value = json.loads(file.read(_MAX_FILE))
        return RescueStatus.from_json(value)
    except (OSError, ValueError, RecursionError):
        return None
