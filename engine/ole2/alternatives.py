"""What else could be the FAT's sectors, the directory or the mini FAT of a solution: for choosing by hand."""

from __future__ import annotations

from dataclasses import dataclass

from engine.ole2.evidence import Evidence
from engine.ole2.fat_rows import Rows, table_rows
from engine.ole2.pages import Pages
from engine.ole2.solve_directory import DirectorySet, solve_directory
from engine.ole2.solve_mini import MiniSet, solve_mini
from engine.ole2.solver import Candidate, surviving_header
from engine.ole2.table import Budget
from engine.source import Source


@dataclass(frozen=True, slots=True)
class FatLine:
    """A FAT sector of a solution: its place in the order, where it stands in the original, and what speaks for it.

    ``votes``: entries that say this index; ``marked``: the FAT marks it; ``alive``: a table was read there; ``others``:
    sectors that vote for the same index.
    """

    index: int
    sector: int
    offset: int
    votes: int
    marked: bool
    alive: bool
    others: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Everything that was in question at a base and sector size."""

    fat: tuple[FatLine, ...]
    directories: tuple[DirectorySet, ...]
    mini_fats: tuple[MiniSet, ...]


def alternatives(original: Source, evidence: Evidence, candidate: Candidate) -> Alternatives:
    """Look at what a solution chose among, in the original's bytes."""
    pages = Pages(original, candidate.base, candidate.sector_size)
    rows = table_rows(pages, evidence)
    document = candidate.document
    fat = document.fat
    header = surviving_header(pages)
    tables = {*document.fat_list, *document.difat_list}
    directories = solve_directory(pages, evidence, fat, tables, None if header is None else header.directory_start)
    claimed = fat.words == 0
    claimed[:] = False
    claimed[[sector for sector in (*tables, *document.directory.sectors(pages.count)) if sector < claimed.size]] = True
    budget = Budget(2 * len(fat) + 4096)
    for stream in document.streams:
        if not stream.mini and stream.entry.start <= 0xFFFFFFFA:
            for first, count in fat.walk(stream.entry.start, budget).runs:
                claimed[first : first + count] = True
    minis = solve_mini(pages, rows, fat, document.entries, claimed, None if header is None else header.mini_fat_start)
    lines = tuple(_fat_line(rows, candidate, k, sector) for k, sector in enumerate(document.fat_list))
    return Alternatives(lines, tuple(directories), tuple(minis))


def _fat_line(rows: Rows, candidate: Candidate, k: int, sector: int) -> FatLine:
    document = candidate.document
    row = rows.find(sector)
    votes = 0
    if row is not None:
        votes = max((int(rows.support[row, c]) for c in (0, 1) if int(rows.votes[row, c]) == k), default=0)
    words = document.fat.words
    marked = sector < words.size and int(words[sector]) == 0xFFFFFFFD
    voting = rows.sectors[(rows.votes[:, 0] == k)].tolist() if len(rows) else []
    others = tuple(int(one) for one in voting if one != sector)[:8]
    return FatLine(k, sector, document.pages.offset(sector) + candidate.base, votes, marked, row is not None, others)
