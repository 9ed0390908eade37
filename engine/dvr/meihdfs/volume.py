"""Inodes by number, down the ladder: current tables, tables of the other groups, loose pages."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.dvr.disk import Disk, Piece
from engine.dvr.meihdfs.inodes import Inode, parse_inode
from engine.dvr.meihdfs.structs import (
    BLOCK,
    GROUP,
    INODE_BLOCKS,
    PAGE,
    SECTOR,
    TABLE_ENTRIES,
    Version,
)
from engine.dvr.meihdfs.tables import Tables, read_tables
from engine.dvr.model import Rung
from engine.dvr.sweep import blocks_in

MAX_GROUPS = 256
_MAX_NUMBER = 340 * 64


@dataclass(frozen=True, slots=True)
class Loose:
    """An inode page found by its own numbers."""

    inode: Inode
    score: tuple[int, int]
    """Generation, then whether it has runs."""


class Volume:
    """A MEIHDFS file system; ``disk`` counts from its superblock. ``deep`` looks for loose inodes on the whole disk."""

    def __init__(self, disk: Disk, version: Version, rung: Rung = Rung.DIRECTORY, *, deep: bool = False) -> None:
        self.disk, self.version, self.rung, self._deep = disk, version, rung, deep
        self.groups = min(MAX_GROUPS, max(1, -(-disk.size // GROUP)))
        self._tables: dict[int, Tables] = {}
        self._loose: dict[int, Loose] | None = None
        for group in range(self.groups):
            disk.note(group * GROUP, SECTOR)

    def tables(self, group: int) -> Tables:
        """Tables of a group, read once."""
        if group not in self._tables:
            self._tables[group] = read_tables(self.disk, group)
        return self._tables[group]

    @property
    def lowest(self) -> int | None:
        """The first group that has tables."""
        return next((group for group in range(self.groups) if self.tables(group).by_number), None)

    def at(self, page: int, rung: Rung) -> Inode | None:
        """The inode in a page of the disk."""
        piece = self.disk.piece(page * PAGE, PAGE)
        return parse_inode(piece, self.version, rung)

    def inode(self, number: int) -> Inode | None:
        """The current inode of a number, or the best other copy of it; None when there is none."""
        page = self.tables(0).page(number)
        found = self._checked(page, number, self.rung)
        if found is not None and not found.incomplete and not found.unread_runs:
            return found
        if page is None and self.tables(0).knows(number):
            return None
        for group in range(1, self.groups):
            other = self.tables(group).page(number)
            copy = self._checked(other, number, Rung.BACKUP) if other is not None and other != page else None
            if copy is not None and not copy.incomplete:
                return copy
        loose = self.loose().get(number) if found is None else None
        return loose.inode if loose is not None and found is None else found

    def _checked(self, page: int | None, number: int, rung: Rung) -> Inode | None:
        if page is None:
            return None
        found = self.at(page, rung)
        self.disk.note(page * PAGE, PAGE)
        if found is None or found.number != number:
            words = f"the page of inode {number} is unread or holds something else"
            self.disk.problem("inode-lost", words, page * PAGE)
            return None
        return found

    def numbers(self) -> list[int]:
        """Numbers of all inodes that the tables (of the first group that has any) or loose pages know."""
        group = self.lowest
        known = set()
        if group is not None:
            for number, table in self.tables(group).by_number.items():
                known |= {number * TABLE_ENTRIES + entry for entry in table.pages}
        if self._loose is not None:
            known |= set(self._loose)
        return sorted(known)

    def loose(self) -> dict[int, Loose]:
        """Inode pages in the blocks behind the management blocks of every group (``deep``: anywhere); of each number
        the newest copy."""
        if self._loose is None:
            self._loose = {}
            for group in range(self.groups):
                start = group * GROUP
                size = GROUP if self._deep else (INODE_BLOCKS + 1) * BLOCK
                self._scan(start + BLOCK, min(start + size, self.disk.size), self._loose)
        return self._loose

    def _scan(self, low: int, high: int, found: dict[int, Loose]) -> None:
        import numpy as np

        for first, rows in blocks_in(self.disk, low, high, PAGE):
            links = (rows[:, 0x1C] == 1) & (rows[:, 0x1D] == 0)
            mode = (rows[:, 0x1F] == 0x81) | (rows[:, 0x1F] == 0x41)
            for row in np.flatnonzero(links & mode).tolist():
                # Between the times and the runs an inode is empty; a page of a stream is not.
                if rows[row, 0x34:0x100].any():
                    continue
                piece = Piece((first + row) * PAGE, rows[row].tobytes())
                inode = parse_inode(piece, self.version, Rung.ORPHAN)
                if inode is None or inode.number >= _MAX_NUMBER:
                    continue
                loose = Loose(inode, (inode.generation, int(bool(inode.runs))))
                other = found.get(inode.number)
                if other is None or loose.score > other.score:
                    found[inode.number] = loose


def lowered(inode: Inode, rung: Rung) -> Inode:
    """The inode on a lower rung, unless it already stands there."""
    order = list(Rung)
    return inode if order.index(inode.rung) >= order.index(rung) else replace(inode, rung=rung)
