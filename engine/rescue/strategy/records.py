"""What goes in and comes out of a decision: runs so far, what things cost, and the next pass. Positions are bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.errors import UsageError
from engine.ranges import MAX_POSITION, RangeSet


class How(StrEnum):
    """How a run ended."""

    KILLED = "killed"  # the drive is gone
    HUNG = "hung"  # a read never returned; it takes a power cycle as well
    FINISHED = "finished"
    ERRORS = "errors"  # finished, with ordinary bad sectors on the way
    SLOW = "slow"  # ended by us, because the drive became slow
    STOPPED = "stopped"  # ended for any other reason that is not the drive's


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was made.

    It was to read ``[start, start + size)``, from the end downwards if ``reverse``. ``end`` is the border between what
    it reached and what it did not: all good reads lie below it, or above it if ``reverse``. ``killer``: the read at
    which the drive was lost, half-open; None where nobody knows: then it is taken to be one read of ``cluster`` bytes
    behind ``end``. ``gained``: bytes rescued. ``partial``: it kept to a part of its range (``Pass.tier``).
    """

    start: int
    size: int
    reverse: bool
    end: int
    how: How
    gained: int
    killer: tuple[int, int] | None = None
    cluster: int = 65536
    partial: bool = False

    @property
    def killed(self) -> bool:
        """Whether it cost a power cycle."""
        return self.how in (How.KILLED, How.HUNG)

    @property
    def stop(self) -> int:
        """Where ``[start, stop)`` ends."""
        return self.start + self.size

    @property
    def begin(self) -> int:
        """The border at which it began."""
        return self.stop if self.reverse else self.start

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "start": self.start, "size": self.size, "reverse": self.reverse, "end": self.end, "how": str(self.how),
            "gained": self.gained, "killer": list(self.killer) if self.killer else None, "cluster": self.cluster,
            "partial": self.partial,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Run:
        """From ``to_json``. Raises ``ValueError``."""
        try:
            killer = value["killer"]
            numbers = {key: int(value[key]) for key in ("start", "size", "end", "gained", "cluster")}
            place = None if killer is None else (int(killer[0]), int(killer[1]))
            made = cls(
                reverse=bool(value["reverse"]), how=How(value["how"]), killer=place,
                partial=bool(value.get("partial", False)), **numbers,
            )  # fmt: skip
        except (KeyError, TypeError, IndexError, OverflowError) as error:
            raise ValueError(f"not a run: {error}") from error
        spans = [(made.start, made.stop), place or (0, 1)]
        ordered = all(0 <= low < high <= MAX_POSITION for low, high in spans)
        if not ordered or not 0 <= made.end <= MAX_POSITION or made.gained < 0 or made.cluster <= 0:
            raise ValueError("not a run: positions make no sense")
        return made


@dataclass(frozen=True, slots=True)
class Costs:
    """What things cost, what may be spent, and what the rescue is about. Sizes in bytes, times in seconds.

    ``domain``: positions wanted (None: all that the map covers). ``valuable``: positions wanted first, each set with
    the factor by which its bytes count more; the sets come in the order of their factors. ``max_cycles``: power cycles
    in all. ``seconds_left``: until the time is up. ``min_bytes_per_cycle``: end when no pass is expected to bring so
    much for a cycle.
    ``edges``: go back to the edges of killers when all else is had.
    """

    cycle_seconds: float = 60.0
    automatic: bool = True
    bytes_per_second: float = 50e6
    read_seconds: float = 2e-4
    pass_seconds: float = 4.0
    sector_size: int = 512
    cluster_size: int = 65536
    domain: RangeSet | None = None
    valuable: tuple[tuple[RangeSet, float], ...] = ()
    max_cycles: int | None = None
    seconds_left: float | None = None
    min_bytes_per_cycle: int | None = None
    edges: bool = True

    def __post_init__(self) -> None:
        sound = (
            self.sector_size > 0
            and self.cluster_size >= self.sector_size
            and self.cluster_size % self.sector_size == 0
            and min(self.cycle_seconds, self.bytes_per_second) > 0
            and min(self.read_seconds, self.pass_seconds) >= 0
            and all(factor > 0 for _, factor in self.valuable)
        )
        if not sound:
            raise UsageError(
                "these costs make no sense", code="bad-costs",
                advice="sizes, times and factors are positive, and a cluster is a whole number of sectors",
            )  # fmt: skip


class Kind(StrEnum):
    """What a pass is for."""

    FIRST = "first"  # nothing is known yet
    READ = "read"  # starts beside what was read
    JUMP = "jump"  # starts in untried ground
    SLOW = "slow"  # what was put off for slowness
    EDGE = "edge"  # the edge of a killer, in small reads
    TRIM = "trim"  # ordinary bad sectors, away from killers


@dataclass(frozen=True, slots=True)
class Pass:
    """The next pass: untried bytes of ``[start, start + size)``, from the end downwards if ``reverse``.

    ``cluster_size``: bytes of one read. ``stop_when_slow``: end it when the drive becomes slow. ``trim``: this pass is
    for failed blocks (trimming and scraping allowed); all others neither trim nor scrape. ``retry_failed``: failed
    blocks of the range are to be taken for untried ones. ``gain``: bytes it is expected to bring. ``risk``: the
    probability that it costs a power cycle. ``tier``: only what is in the first so many sets of ``Costs.valuable`` is
    to be read (``worth.tier``); 0: all that is wanted.
    """

    kind: Kind
    start: int
    size: int
    reverse: bool
    cluster_size: int
    stop_when_slow: bool
    trim: bool
    retry_failed: bool
    gain: int
    risk: float
    reason: str
    tier: int = 0

    @property
    def stop(self) -> int:
        """Where the range ends."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is to be read any more. ``code``: ``complete``, ``nothing-left``, ``cycles``, ``time`` or ``yield``."""

    code: str
    reason: str
