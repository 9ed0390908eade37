"""What a campaign remembers, kept in the job's checkpoint: a killed runner or a rebooted machine goes on from it.

``about`` is written before a pass begins. When a run finds it, the pass's end was not seen: whatever it touched last is
taken for a killer unless the drive proves to be well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.errors import DamagedError
from engine.ranges import RangeSet
from engine.rescue.campaign.board import Decision
from engine.rescue.campaign.bus import Seat
from engine.rescue.campaign.drive import KnownDrive
from engine.rescue.strategy.records import Kind, Pass, Run

_DECISIONS = 100
_CYCLE_TIMES = 8
_FOR_RATE = 4 << 20
_SMALL = 4096
_READS = 500
_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class About:
    """The pass that was about to run. ``before``: the kept map it began with; ``attachment`` of the drive then,
    ``boot`` of this machine; ``hung_at``: where a read was found hanging; ``put_back``: areas whose failed marks were
    taken off for it."""

    made: Pass
    before: str = ""
    attachment: str = ""
    boot: str = ""
    hung_at: int | None = None
    put_back: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """An area that a person wants tried next."""

    start: int
    end: int
    reverse: bool = False
    killers: bool = False


@dataclass(slots=True)
class Budget:
    """What may be spent, as it stands now: from the settings, changed on request. None: no limit."""

    max_cycles: int | None = None
    end_time: float | None = None
    min_bytes_per_cycle: int | None = None
    hang_limit_s: float = 60.0


@dataclass(slots=True)
class Memory:
    """All of it. ``dead`` says why the drive's power has to be cut before it is read again; empty: it is well.
    ``dead_attachment`` is the token (``drive.attachment``) of the attachment that died, ``seat`` where the drive sits,
    ``read_only`` whether the kernel had been told that nobody may write to it.

    ``cycle_bytes``: rescued before the first cycle, after the first ...; ``vain``: cycles in a row that brought
    nothing; ``runs`` the passes as the strategy knows them. Learned: ``best_rate`` in bytes per second, the seconds
    that a small read, the beginning and end of a pass, and (the last) power cycles take; 0: not known yet.
    """

    known: KnownDrive | None = None
    runs: list[Run] = field(default_factory=list)
    cycles: int = 0
    cycle_bytes: list[int] = field(default_factory=lambda: [0])
    skipped: RangeSet = RangeSet()
    budget: Budget = field(default_factory=Budget)
    dead: str = ""
    dead_attachment: str = ""
    seat: Seat | None = None
    read_only: bool = False
    about: About | None = None
    wish: Wish | None = None
    vain: int = 0
    best_rate: float = 0.0
    read_seconds: float = 0.0
    pass_seconds: float = 0.0
    cycle_times: list[float] = field(default_factory=list)
    resets: int = 0
    decisions: list[Decision] = field(default_factory=list)

    def decide(self, text: str) -> None:
        """Keep a sentence."""
        self.decisions.append(Decision(round(time.time(), 3), text))
        del self.decisions[:-_DECISIONS]

    def took(self, seconds: float) -> None:
        """A power cycle took so long."""
        self.cycle_times.append(round(seconds, 1))
        del self.cycle_times[:-_CYCLE_TIMES]

    def ran(self, gained: int, cluster: int, ran_s: float, whole_s: float) -> None:
        """A pass rescued so many bytes in reads of ``cluster`` bytes; ddrescue took ``ran_s`` of its ``whole_s``."""
        if gained >= _FOR_RATE and ran_s > 0:
            self.best_rate = max(self.best_rate, gained / ran_s)
        if cluster <= _SMALL and gained >= _READS * cluster:
            self.read_seconds = _mean(self.read_seconds, ran_s * cluster / gained)
        self.pass_seconds = _mean(self.pass_seconds, max(0.1, whole_s - ran_s))

    def killers(self, finished: RangeSet) -> RangeSet:
        """Where the drive was lost, less what was read there after all."""
        return RangeSet(run.killer for run in self.runs if run.killed and run.killer is not None).subtract(finished)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        about = self.about
        return {
            "known": self.known.to_json() if self.known is not None else None,
            "runs": [run.to_json() for run in self.runs],
            "cycles": self.cycles,
            "cycle_bytes": list(self.cycle_bytes),
            "skipped": [list(pair) for pair in self.skipped],
            "budget": asdict(self.budget),
            "dead": self.dead,
            "dead_attachment": self.dead_attachment,
            "seat": None if self.seat is None else self.seat.to_json(),
            "read_only": self.read_only,
            "about": None if about is None else asdict(about),
            "wish": None if self.wish is None else asdict(self.wish),
            "vain": self.vain,
            "best_rate": self.best_rate,
            "read_seconds": self.read_seconds,
            "pass_seconds": self.pass_seconds,
            "cycle_times": list(self.cycle_times),
            "resets": self.resets,
            "decisions": [asdict(one) for one in self.decisions],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Memory:
        """From ``to_json``. Raises ``DamagedError``: without its memory a campaign would touch what killed before."""
        try:
            return cls(
                known=KnownDrive.from_json(value["known"]) if value["known"] else None,
                runs=[Run.from_json(one) for one in value["runs"]],
                cycles=int(value["cycles"]),
                cycle_bytes=[int(one) for one in value["cycle_bytes"]] or [0],
                skipped=RangeSet((int(start), int(end)) for start, end in value["skipped"]),
                budget=Budget(**value["budget"]),
                dead=str(value["dead"]),
                dead_attachment=str(value["dead_attachment"]),
                seat=Seat(**value["seat"]) if value["seat"] else None,
                read_only=bool(value.get("read_only", False)),
                about=_about(value["about"]) if value["about"] else None,
                wish=Wish(**value["wish"]) if value["wish"] else None,
                vain=int(value["vain"]),
                best_rate=float(value["best_rate"]),
                read_seconds=float(value["read_seconds"]),
                pass_seconds=float(value["pass_seconds"]),
                cycle_times=[float(one) for one in value["cycle_times"]],
                resets=int(value["resets"]),
                decisions=[Decision(float(one["time"]), str(one["text"])) for one in value["decisions"]],
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DamagedError(
                f"what this campaign remembers of the drive cannot be read: {error}", code="bad-memory",
                advice="start a new one with the same map; mark places known to kill as bad sectors first",
            ) from error  # fmt: skip


def _about(value: Mapping[str, Any]) -> About:
    made = Pass(**{**value["made"], "kind": Kind(value["made"]["kind"])})
    back = tuple((int(start), int(end)) for start, end in value["put_back"])
    return About(made, str(value["before"]), str(value["attachment"]), str(value["boot"]), value["hung_at"], back)


def _mean(old: float, new: float) -> float:
    """A mean in which the newest counts most."""
    return new if old <= 0 else old + _WEIGHT * (new - old)
