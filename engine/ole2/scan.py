"""Documents in an image: those with a header by it, those without by the sectors that their FATs mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.ole2.evidence import Evidence, gather
from engine.ole2.read import read_document, used_sectors
from engine.ole2.structs import FAT_MARK
from engine.progress import SILENT, Reporter, check
from engine.source import Source, WindowSource

_LARGEST = 1 << 22
"""Sector numbers of a 2 GiB document."""
_NEAR = 16
_MARKS = 32
_CHUNK = 4096


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
    """Every base that marks vote for, with as large a size as its rows describe."""
    marked = np.flatnonzero((evidence.votes[:, 0] >= 0) & (evidence.marks > 0))
    count = evidence.table_at.size
    for size in (512, 4096):
        votes: Counter[int] = Counter()
        marked_in_all: Counter[int] = Counter()
        reach: dict[int, int] = {}
        for low in range(0, marked.size, _CHUNK):
            for row in marked[low : low + _CHUNK].tolist():
                first = int(evidence.votes[row, 0])
                places = np.flatnonzero(evidence.table[row] == FAT_MARK)
                amount = int(places.size)
                marks = places[:_MARKS] + first
                near = evidence.table_at[max(0, row - _NEAR) : min(count, row + _NEAR + 1)]
                bases = np.unique(near[:, None] - (marks[None, :] + 1) * size)
                for base in bases[bases >= -size].tolist():
                    votes[base] += 1
                    marked_in_all[base] += amount
                    reach[base] = max(reach.get(base, 0), first + size // 4, marked_in_all[base] * (size // 4))
        # One vote is all that a document of a single FAT sector has; take those whose own row is the marked one.
        strong = {
            base: number for base, number in votes.items()
            if (number > 1 or _own(evidence, base, size)) and _has_root(evidence, base, reach[base] * size, size)
        }  # fmt: skip
        for base, number in strong.items():
            yield Found(base, (reach[base] + 1) * size, size, False, number)


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
        best = solve(window, Choices(base=base, sector_size=one.sector_size)).best
        if best is None or not best.good or best.verification.failed or best.invented:
            continue
        size = (used_sectors(best.document) + 1) * one.sector_size
        good.append(Found(one.start, min(size, image.size - one.start), one.sector_size, False, one.votes))
    return sorted(good, key=lambda one: one.start)


def _own(evidence: Evidence, base: int, size: int) -> bool:
    """Whether a row stands where it marks itself from this base."""
    at = int(np.searchsorted(evidence.table_at, base + size))
    last = min(evidence.table_at.size, at + 4 * _NEAR)
    for row in range(at, last):
        sector, rest = divmod(int(evidence.table_at[row]) - base - size, size)
        word = sector - int(evidence.votes[row, 0])
        if not rest and evidence.votes[row, 0] >= 0 and 0 <= word < 128 and evidence.table[row][word] == FAT_MARK:
            return True
        if rest == 0 and sector > 4096:
            break
    return False
