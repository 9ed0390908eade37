"""Documents in an image: those with a header by it, those without by the sectors that their FATs mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.ole2.evidence import Evidence, Int64s, gather
from engine.ole2.read import read_document, used_sectors
from engine.ole2.structs import FAT_MARK
from engine.progress import SILENT, Reporter, check
from engine.source import Source, WindowSource

_LARGEST = 1 << 22
"""Sector numbers of a 2 GiB document."""
_MARKS = 32
_FEW = 8
_PAIRS = 4
_NEAR = 24


@dataclass(frozen=True, slots=True)
class Found:
    """A document may begin at ``start`` and has at most ``size`` bytes. ``header``: a signature stands there; else
    ``votes`` rows say that it must begin there."""

    start: int
    size: int
    sector_size: int
    header: bool
    votes: int

    def source(self, image: Source) -> Source:
        """Its bytes, for ``solve``; a start before the image (its header cut off) is moved into it."""
        start = max(0, self.start)
        return WindowSource(image, start, min(self.size - (start - self.start), image.size - start))


def scan(image: Source, *, reporter: Reporter = SILENT, phase: int = 0) -> list[Found]:
    """Where documents begin, in order. What is found without a header still has to be verified (``solve``): a part of
    it is noise."""
    evidence = gather(image, phase=phase, reporter=reporter, limit=_LARGEST, message="looking for documents")
    found = {one.start: one for one in _with_header(image, evidence, reporter)}
    covered = sorted((one.start, one.start + one.size) for one in found.values())
    starts = np.array([start for start, _ in covered], np.int64)
    for one in sorted(_headless(evidence), key=lambda one: -one.votes):
        at = int(np.searchsorted(starts, one.start, "right")) - 1
        inside = at >= 0 and one.start < covered[at][1]
        if not inside and one.start not in found:
            found[one.start] = one
    ordered = sorted(found.values(), key=lambda one: one.start)
    return [_bounded(one, image.size) for one in ordered]


def _bounded(one: Found, end: int) -> Found:
    size = max(0, min(one.size, end - one.start))
    return Found(one.start, size, one.sector_size, one.header, one.votes)


def _with_header(image: Source, evidence: Evidence, reporter: Reporter) -> Iterator[Found]:
    end = 0
    for start in evidence.header_at.tolist():
        check(reporter)
        window = WindowSource(image, start, image.size - start)
        document = read_document(window)
        size = (used_sectors(document) + 1) * document.pages.sector_size
        if not document.streams or size <= document.pages.sector_size:
            continue
        if start < end:  # embedded in the one before
            continue
        end = start + size
        yield Found(start, size, document.pages.sector_size, True, len(document.fat_list))


def _headless(evidence: Evidence) -> Iterator[Found]:
    """The bases from which rows stand in sectors that they mark themselves, with as large a size as the rows describe.

    For each row every mark of it is tried as its own place; that one is taken from which the most of its other marks
    fall on table rows too.
    """
    rows = evidence.table_at
    index = _indexes(evidence)
    marked = np.flatnonzero((index >= 0) & (evidence.marks > 0))
    for size in (512, 4096):
        votes: Counter[int] = Counter()
        in_all: Counter[int] = Counter()
        reach: dict[int, int] = {}
        for row in marked.tolist():
            first = int(index[row])
            places = np.flatnonzero(evidence.table[row] == FAT_MARK)
            marks = (places[:_MARKS] + first + 1) * size
            at = int(rows[row]) - (first // 128 % 8 * 512 if size == 4096 else 0)
            bases = at - marks
            hits = _hits(rows, bases, marks)
            if places.size > 1 and int(hits.max()) * 2 < places.size:  # its own sector is marked by another row
                few = marks[:: max(1, marks.size // _FEW)][:_FEW]
                near = rows[max(0, row - _NEAR) : row + _NEAR + 1]
                bases = np.unique(near[:, None] - few[None, :])
                hits = _hits(rows, bases, few)
            for base in bases[(hits == hits.max()) & (bases >= -size)][:2].tolist():
                votes[base] += int(hits.max())
                in_all[base] += int(places.size)
                reach[base] = max(reach.get(base, 0), first + size // 4, in_all[base] * (size // 4))
        for base, number, length in _by_pairs(evidence, index, marked, size):
            votes[base] += number
            reach[base] = max(reach.get(base, 0), length)
        for base, number in votes.items():
            sectors = _extent(evidence, index, base, size, reach[base])
            if _has_root(evidence, base, sectors * size, size):
                yield Found(base, (sectors + 1) * size, size, False, number)


def _indexes(evidence: Evidence) -> Int64s:
    """The first sector that each row describes; a row of marks without a vote follows the row right before it."""
    index = evidence.votes[:, 0].copy()
    for row in np.flatnonzero((index < 0) & (evidence.marks > 0)).tolist():
        if row and index[row - 1] >= 0 and evidence.table_at[row] - evidence.table_at[row - 1] == 512:
            index[row] = index[row - 1] + 128
    return index


def _by_pairs(evidence: Evidence, index: Int64s, marked: Int64s, size: int) -> Iterator[tuple[int, int, int]]:
    """Where rows mark each other: (base, votes, sectors described) of bases that several pairs of a mark and a row
    nearby speak for."""
    rows, few = evidence.table_at, marked[evidence.marks[marked] <= _FEW]
    pairs: list[Int64s] = []
    ends: list[Int64s] = []
    for row in few.tolist():
        first = int(index[row])
        marks = np.flatnonzero(evidence.table[row] == FAT_MARK) + first + 1
        near = rows[max(0, row - _NEAR) : row + _NEAR + 1]
        bases = np.unique(near[:, None] - marks[None, :] * size)
        pairs.append(bases)
        ends.append(np.full(bases.size, first + size // 4))
    if not pairs:
        return
    every, reach = np.concatenate(pairs), np.concatenate(ends)
    order = np.lexsort((reach, every))
    every, reach = every[order], reach[order]
    last = np.flatnonzero(np.concatenate((every[1:] != every[:-1], [True])))
    counts = np.diff(np.concatenate(([-1], last)))
    for at, count in zip(last[counts >= _PAIRS].tolist(), counts[counts >= _PAIRS].tolist(), strict=True):
        if every[at] >= -size:
            yield int(every[at]), int(count), int(reach[at]) + size // 4


def _extent(evidence: Evidence, index: Int64s, base: int, size: int, sectors: int) -> int:
    """Sectors that the rows inside describe, which can take in further rows."""
    for _ in range(8):
        low, high = np.searchsorted(evidence.table_at, (base + size, base + (sectors + 1) * size))
        inside = index[low:high]
        inside = inside[inside <= 8 * sectors]
        longer = int(inside.max()) + size // 4 if inside.size else 0
        if longer <= sectors:
            break
        sectors = longer
    return sectors


def _hits(rows: Int64s, bases: Int64s, marks: Int64s) -> Int64s:
    """For each base how many of the marked sectors hold a table row."""
    wanted = bases[:, None] + marks[None, :]
    found = np.minimum(np.searchsorted(rows, wanted), rows.size - 1)
    hits: Int64s = (rows[found] == wanted).sum(axis=1)
    return hits


def _has_root(evidence: Evidence, base: int, length: int, size: int) -> bool:
    """Whether a root entry stands on a sector of that document."""
    low, high = np.searchsorted(evidence.root_at, (base + size, base + size + length))
    return bool(((evidence.root_at[low:high] - base) % size == 0).any())


def find_documents(image: Source, *, reporter: Reporter = SILENT) -> list[Found]:
    """``scan``, with what it found without a header verified; sizes are those that the FATs tell."""
    from engine.ole2.solver import Choices, solve

    found = scan(image, reporter=reporter)
    good = [one for one in found if one.header]
    for one in sorted((one for one in found if not one.header), key=lambda one: -one.votes):
        check(reporter)
        if any(other.start < one.start + one.sector_size and one.start < other.start + other.size for other in good):
            continue
        base = min(0, one.start)
        window = one.source(image)
        best = solve(window, Choices(base=base, sector_size=one.sector_size), most=2).best
        if best is None or not best.good or best.verification.failed or best.invented:
            continue
        size = (used_sectors(best.document) + 1) * one.sector_size
        good.append(Found(one.start, min(size, image.size - one.start), one.sector_size, False, one.votes))
    return sorted(good, key=lambda one: one.start)
