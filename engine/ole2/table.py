"""Allocation tables: chains followed run by run, bounded whatever the table says."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from engine.ole2.pages import Flags, Words
from engine.ole2.structs import DIFAT_MARK, END, FAT_MARK, FREE, MAX_REGULAR


@dataclass(slots=True)
class Budget:
    """How many steps a piece of work may take in all: tables can make every stream pass through every sector."""

    left: int

    def take(self, steps: int = 1) -> bool:
        """Whether so many steps are still allowed."""
        self.left -= steps
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Chain:
    """Sectors in order as runs (first, count).

    ``stop`` is how it ends: ``end`` properly; ``lost`` the next link was never read; ``free``, ``mark`` (a table's
    sector) or ``outside`` the next link leads there; ``loop`` it comes back to itself; ``budget`` it was not followed
    further; ``none`` there is no chain.
    """

    runs: tuple[tuple[int, int], ...] = ()
    stop: str = "none"

    @property
    def length(self) -> int:
        """Sectors."""
        return sum(count for _, count in self.runs)

    @property
    def start(self) -> int | None:
        """The first sector."""
        return self.runs[0][0] if self.runs else None

    def sectors(self, limit: int | None = None) -> list[int]:
        """Sector by sector, at most ``limit``."""
        out: list[int] = []
        for first, count in self.runs:
            room = count if limit is None else min(count, limit - len(out))
            if room <= 0:
                break
            out.extend(range(first, first + room))
        return out

    def cut(self, length: int) -> Chain:
        """Its first ``length`` sectors."""
        runs: list[tuple[int, int]] = []
        for first, count in self.runs:
            if length <= 0:
                break
            runs.append((first, min(count, length)))
            length -= count
        return Chain(tuple(runs), self.stop)


def repeated(words: Words) -> int:
    """How many of the words are there already (sorting: numpy's own ``unique`` hashes, which is many times slower)."""
    ordered = np.sort(words)
    return int((ordered[1:] == ordered[:-1]).sum())


def chain_of(sectors: list[int], stop: str = "end") -> Chain:
    """Sectors joined to runs."""
    runs: list[tuple[int, int]] = []
    for sector in sectors:
        if runs and sector == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((sector, 1))
    return Chain(tuple(runs), stop)


def special(word: int) -> str:
    """How a chain ends at a link that is no sector number."""
    return {END: "end", FREE: "free", FAT_MARK: "mark", DIFAT_MARK: "mark"}.get(word, "outside")


class Table:
    """A FAT or mini FAT. ``words[n]`` is the successor of sector n; ``lost[n]`` says that nobody knows it."""

    __slots__ = ("_breaks", "lost", "words")

    def __init__(self, words: Words, lost: Flags | None = None) -> None:
        self.words = words
        self.lost = np.zeros(words.size, bool) if lost is None else lost
        self._breaks: list[int] | None = None

    def __len__(self) -> int:
        return int(self.words.size)

    @property
    def breaks(self) -> list[int]:
        """Entries that do not lead to the very next sector, in order; a run ends at each."""
        if self._breaks is None:
            following = np.arange(1, self.words.size + 1, dtype=np.uint32)
            off = (self.words != following) | self.lost
            if off.size:
                off[-1] = True
            self._breaks = np.flatnonzero(off).tolist()
        return self._breaks

    def walk(self, start: int, budget: Budget | None = None, limit: int | None = None) -> Chain:
        """The chain from ``start``; it ends early once it has ``limit`` sectors (then with stop ``budget``)."""
        if start > MAX_REGULAR:
            return Chain((), "none" if start in (END, FREE) else special(start))
        breaks, size = self.breaks, len(self)
        runs: list[tuple[int, int]] = []
        seen: set[int] = set()
        length, here = 0, start
        while True:
            if here >= size:
                return Chain(tuple(runs), "outside")
            last = breaks[bisect_left(breaks, here)]
            if last in seen:
                return Chain(tuple(runs), "loop")
            seen.add(last)
            runs.append((here, last - here + 1))
            length += last - here + 1
            if self.lost[last]:
                return Chain(tuple(runs), "lost")
            word = int(self.words[last])
            if word > MAX_REGULAR:
                return Chain(tuple(runs), special(word))
            if (budget is not None and not budget.take()) or (limit is not None and length >= limit):
                return Chain(tuple(runs), "budget")
            here = word

    def targets(self) -> Words:
        """How often each sector is somebody's successor."""
        known = self.words[~self.lost]
        regular = known[known < len(self)]
        return np.bincount(regular, minlength=len(self)).astype(np.uint32)

    def heads(self) -> list[int]:
        """Sectors where a chain begins: in use, nobody's successor."""
        count = self.targets()
        in_use = (self.words <= MAX_REGULAR) | (self.words == END) | self.lost
        return np.flatnonzero(in_use & (count == 0)).tolist()
