"""What a detection says: verdict, strip and sequence, ranked candidates, and how sure each of it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.errors import Problem
from engine.raid.layout import Geometry, Layout, words_of_order
from engine.raid.metadata.model import Super


@dataclass(frozen=True, slots=True)
class Candidate:
    """One whole assembly. ``score`` 0..1 is the calibrated confidence that it is right in all of it; ``proven``:
    whether
    file systems were found standing in it; ``delayed`` rows show in the geometry."""

    geometry: Geometry
    score: float
    evidence: tuple[str, ...]
    proven: bool = False
    offset_known: bool = True

    @property
    def name(self) -> str:
        """The layout as it is called; delayed parity is a kind of its own."""
        return "delayed" if self.geometry.delay > 1 else str(self.geometry.layout)

    def to_json(self) -> dict[str, Any]:
        """Members are numbered from 1, as given; null is the missing drive."""
        geometry = self.geometry
        order = [None if member is None else member + 1 for member in geometry.order]
        return {
            "layout": self.name, "rotation": str(geometry.layout), "order": order, "strip_size": geometry.strip,
            "data_offset": geometry.data_offset, "data_offsets": list(geometry.offsets),
            "missing": geometry.missing, "delay": geometry.delay, "first_delay": geometry.first_delay,
            "rows": geometry.rows, "score": round(self.score, 4), "proven": self.proven,
            "offset_known": self.offset_known, "evidence": list(self.evidence),
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Candidate:
        """Read back what ``to_json`` gave."""
        order = tuple(None if member is None else int(member) - 1 for member in value["order"])
        geometry = Geometry(
            Layout(value["rotation"]), int(value["strip_size"]), order, tuple(int(o) for o in value["data_offsets"]),
            int(value["delay"]), int(value["first_delay"]), None if value["rows"] is None else int(value["rows"]),
        )  # fmt: skip
        return cls(geometry, float(value["score"]), tuple(str(one) for one in value["evidence"]),
                   bool(value["proven"]), bool(value["offset_known"]))  # fmt: skip


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A member as it was found. ``standing``: ``member``, ``stale``, ``foreign``, ``blank`` or ``unknown``; ``zero``:
    share of looked-at granules that are empty; ``entropy``: mean bits for each byte of the rest; ``supers``: what its
    metadata say."""

    number: int
    path: str
    size: int
    standing: str
    why: str
    zero: float
    entropy: float
    supers: tuple[Super, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Numbered from 1."""
        return {
            "member": self.number + 1, "path": self.path, "size": self.size, "standing": self.standing,
            "why": self.why, "zero": round(self.zero, 4), "entropy": round(self.entropy, 3),
            "metadata": [one.to_json() for one in self.supers],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class SizeScore:
    """One strip (or parity run) size that was tried: 0 is parity that never moves. ``cost`` relative to the best, 1."""

    run: int
    cost: float
    sequence: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class HeatRow:
    """Parity evidence of one strip position: for each column 0..1 (1: nothing speaks against its being the parity;
    None: nothing is known there)."""

    position: int
    heat: tuple[float | None, ...]
    parity: int | None


@dataclass(frozen=True, slots=True)
class Detection:
    """The answer.

    ``verdict``: ``found`` (the first candidate is sure), ``likely``, ``sequence-only`` (strip and sequence hold, the
    rest does not), ``not-enough-evidence``, ``encrypted`` (cannot be told from contents), ``no-parity``, ``mirror``,
    ``raid6``. ``strip_size`` and ``sequence`` are None when even they are not known. ``columns``: the members (None:
    computed) that heat and sequence speak of.
    """

    verdict: str
    words: str
    members: tuple[MemberFacts, ...]
    candidates: tuple[Candidate, ...] = ()
    run: int | None = None
    strip_size: int | None = None
    phase: int | None = None
    sequence: tuple[int | None, ...] | None = None
    sequence_score: float = 0.0
    z: float = 0.0
    columns: tuple[int | None, ...] = ()
    sizes: tuple[SizeScore, ...] = ()
    heat: tuple[HeatRow, ...] = ()
    heat_run: int = 16384
    balanced: float = 0.0
    signal: float = 0.0
    read: int = 0
    probed: int = 0
    granules: int = 0
    unread: int = 0
    bases: tuple[int, ...] = ()
    problems: tuple[Problem, ...] = ()
    health: tuple[tuple[int, str], ...] = field(default=())

    @property
    def best(self) -> Candidate | None:
        """The first candidate."""
        return self.candidates[0] if self.candidates else None

    def to_json(self) -> dict[str, Any]:
        """The document of ``raid detect --json``."""
        return {
            "verdict": self.verdict, "words": self.words, "strip_size": self.strip_size, "run": self.run,
            "phase": self.phase,
            "sequence": None if self.sequence is None else [_number(m) for m in self.sequence],
            "sequence_score": round(self.sequence_score, 4), "z": round(self.z, 2),
            "candidates": [one.to_json() for one in self.candidates],
            "members": [one.to_json() for one in self.members],
            "columns": [_number(m) for m in self.columns],
            "sizes": [{"run": s.run, "cost": round(s.cost, 4), "sequence": [_number(m) for m in s.sequence]}
                      for s in self.sizes],
            "heat": [{"position": h.position, "heat": [None if x is None else round(x, 3) for x in h.heat],
                      "parity": h.parity} for h in self.heat],
            "heat_run": self.heat_run,
            "balanced": round(self.balanced, 4), "signal": round(self.signal, 2), "read": self.read,
            "probed": self.probed, "granules": self.granules, "unread_granules": self.unread,
            "bases": list(self.bases), "health": [list(one) for one in self.health],
            "problems": [{"code": p.code, "message": p.message} for p in self.problems],
        }  # fmt: skip


def _number(member: int | None) -> int | None:
    return None if member is None else member + 1


def sequence_words(sequence: tuple[int | None, ...]) -> str:
    """``4-3-2-1``: members from 1, ``x`` for the missing one."""
    return words_of_order(sequence, "-")
