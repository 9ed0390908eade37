"""Candidates gathered from hits: which volume, beginning where, was pointed at by which structures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.partitions.peek import Peek
from engine.partitions.volumes import Confirmation, Volume
from engine.partitions.volumes.family import Mark, examined
from engine.partitions.volumes.registry import FAMILIES
from engine.partitions.volumes.view import View

MARKS: list[Mark] = [mark for family in FAMILIES for mark in family.marks]
_FAMILY_OF = [number for number, family in enumerate(FAMILIES) for _ in family.marks]
_NAMES = {family.name: number for number, family in enumerate(FAMILIES)}
_MAX_POSITIONS = 32
_MAX_CANDIDATES = 20_000
_KEPT = 5_000


@dataclass(slots=True)
class Candidate:
    """Structures at ``positions`` (the first ones) say that a volume of ``family`` begins at ``start``."""

    family: int
    start: int
    positions: list[int] = field(default_factory=list)
    hits: int = 0


class Collector:
    """Gathers candidates; bounded whatever the disk holds."""

    def __init__(self, peek: Peek) -> None:
        self.peek = peek
        self.dropped = 0
        self._found: dict[tuple[int, int], Candidate] = {}

    def add(self, index: int, position: int) -> list[Candidate]:
        """A sector at ``position`` passed the sieve of ``MARKS[index]``; returns the candidates that are new."""
        mark = MARKS[index]
        places = mark.locate if isinstance(mark.locate, tuple) else mark.locate(View(self.peek, position))
        new = []
        for place in dict.fromkeys(places):
            start = position + place
            if not 0 <= start < self.peek.size:
                continue
            key = (_FAMILY_OF[index], start)
            candidate = self._found.get(key)
            if candidate is None:
                candidate = self._found[key] = Candidate(*key)
                new.append(candidate)
            candidate.hits += 1
            if len(candidate.positions) < _MAX_POSITIONS:
                candidate.positions.append(position)
        if len(self._found) > _MAX_CANDIDATES:
            self._prune()
        return new

    def examine(self, candidate: Candidate) -> Volume | None:
        """What stands at the candidate's start, with its structures as hints."""
        copies = tuple(position - candidate.start for position in candidate.positions if position > candidate.start)
        return examined(FAMILIES[candidate.family], View(self.peek, candidate.start, None, copies))

    def candidates(self) -> list[Candidate]:
        """All of them, by start."""
        return sorted(self._found.values(), key=lambda one: (one.start, one.family))

    def _prune(self) -> None:
        """Too many: those that nothing confirms go first, then those with the fewest hits."""
        kept = {}
        for key, candidate in self._found.items():
            volume = self.examine(candidate)
            if volume is not None and volume.confirmation is not Confirmation.CONTRADICTED:
                kept[key] = candidate
        if len(kept) > _KEPT:
            best = sorted(kept.items(), key=lambda item: (-item[1].hits, item[1].start))[:_KEPT]
            self.dropped += len(kept) - _KEPT
            kept = dict(best)
        self._found = kept

    def to_json(self) -> list[list[Any]]:
        """For a checkpoint."""
        return [[FAMILIES[one.family].name, one.start, one.hits, one.positions] for one in self.candidates()]

    def restore(self, rows: list[list[Any]]) -> None:
        """From a checkpoint; families that this version does not know are left out."""
        for name, start, hits, positions in rows:
            if name in _NAMES:
                key = (_NAMES[name], int(start))
                self._found[key] = Candidate(*key, [int(position) for position in positions], int(hits))
