"""Sectors that look like FAT or mini FAT at one base and sector size, and the index each votes for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.ole2.evidence import ROW, Evidence, index_votes
from engine.ole2.pages import Pages, Words
from engine.ole2.structs import FAT_MARK

Int64s = npt.NDArray[np.int64]
_MAX_WIDE = 40_000
"""4096-byte table sectors looked at: 160 MB of them describe 160 GB."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Table-like sectors in ascending order. ``votes[i]`` are the two indexes (-1: none) that row i can have, with the
    number of its entries that say so in ``support``; ``marks`` counts entries that say "FAT sector"."""

    sectors: Int64s
    words: Words
    votes: Int64s
    support: Int64s
    marks: Int64s

    def __len__(self) -> int:
        return int(self.sectors.size)

    def find(self, sector: int) -> int | None:
        """The row that stands in a sector."""
        at = int(np.searchsorted(self.sectors, sector))
        return at if at < len(self) and int(self.sectors[at]) == sector else None

    def marked_by(self, row: int, index: int) -> Int64s:
        """The sectors that row marks as FAT when it stands at ``index`` of the FAT."""
        found: Int64s = np.flatnonzero(self.words[row] == FAT_MARK) + index * self.words.shape[1]
        return found


def table_rows(pages: Pages, evidence: Evidence) -> Rows:
    """The table rows of a pass as sectors of ``pages``."""
    distance = evidence.table_at - pages.base
    if pages.sector_size == ROW:
        keep = (distance % ROW == 0) & (distance >= ROW)
        sectors = distance[keep] // ROW - 1
        votes = np.where(evidence.votes[keep] >= 0, evidence.votes[keep] // pages.words, -1)
        return Rows(sectors, evidence.table[keep], votes, evidence.support[keep], evidence.marks[keep])
    aligned = (distance % ROW == 0) & (distance >= pages.sector_size)
    sectors = np.unique(distance[aligned] // pages.sector_size - 1)[:_MAX_WIDE]
    kept, rows = [], []
    limit = np.uint32(16 * pages.count + 4096)
    for sector in sectors.tolist():
        words, lost = pages.table([sector])
        if not lost.any() and bool(((words + np.uint32(4)) <= limit + np.uint32(4)).all()):
            kept.append(sector)
            rows.append(words)
    words = np.array(rows, np.uint32).reshape(len(rows), pages.words)
    first, support = index_votes(words, pages.words)
    votes = np.where(first >= 0, first // pages.words, -1)
    return Rows(np.array(kept, np.int64), words, votes, support, (words == FAT_MARK).sum(axis=1).astype(np.int64))
