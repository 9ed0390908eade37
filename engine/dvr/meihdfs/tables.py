"""Inode tables: which page is which table is told by the inodes they point to, not by their order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from engine.dvr.disk import Disk, Piece
from engine.dvr.meihdfs.structs import ENTRY, GROUP, PAGE, TABLE_ENTRIES, TABLE_HEAD, TABLE_PAGES, TABLES_AT

_SAMPLE = 8
_ONES = 0x00010001


@dataclass(frozen=True, slots=True)
class Table:
    """A page of pointers. ``number``: its inodes are ``340 * number`` and on; None: their pages are all unread."""

    at: int
    number: int | None
    generation: int
    pages: dict[int, int]
    """Entry -> page of the inode, counted from FS."""
    unread: int = 0


@dataclass(slots=True)
class Tables:
    """The current tables of a group, by number."""

    group: int
    by_number: dict[int, Table] = field(default_factory=dict)
    unread_pages: int = 0

    def page(self, inode: int) -> int | None:
        """The page of an inode; None when no table tells."""
        table = self.by_number.get(inode // TABLE_ENTRIES)
        return None if table is None else table.pages.get(inode % TABLE_ENTRIES)

    def knows(self, inode: int) -> bool:
        """Whether the table that would tell is here and read."""
        table = self.by_number.get(inode // TABLE_ENTRIES)
        return table is not None and not table.unread


def parse_table(piece: Piece, page_count: int) -> dict[int, int] | None:
    """Entries of a page, when it looks like a table: every entry free, or (page of the disk, 1, 1)."""
    import numpy as np

    data = piece.data
    if len(data) < PAGE:
        return None
    rows = np.frombuffer(data, np.uint8, TABLE_ENTRIES * ENTRY, TABLE_HEAD).reshape(TABLE_ENTRIES, ENTRY)
    words = rows.reshape(-1).view("<u4").reshape(TABLE_ENTRIES, 3)
    free = ~words.any(axis=1)
    used = (words[:, 2] == _ONES) & (words[:, 1] == 0) & (words[:, 0] > 0) & (words[:, 0] < page_count)
    if not piece.whole:
        there = np.array([piece.has(TABLE_HEAD + number * ENTRY, ENTRY) for number in range(TABLE_ENTRIES)])
        free, used = free | ~there, used & there
    odd = int((~(free | used)).sum())
    # An entry that is neither free nor used as known is stepped over, where the head is right and most are as known.
    if odd and not (_head_right(piece) and odd * 2 < int(used.sum())):
        return None
    return {int(number): int(words[number, 0]) for number in np.flatnonzero(used)} or None


def _head_right(piece: Piece) -> bool:
    """Generation, a second number, then zeros."""
    generation, second, zero = (piece.number(at, size, "little") for at, size in ((0, 4), (4, 4), (8, 8)))
    return bool(generation) and bool(second) and zero == 0


def read_tables(disk: Disk, group: int = 0) -> Tables:
    """The tables of a group: all pages at their usual place that are tables, each with its number. Of two with one
    number (an old copy) the one written later."""
    tables = Tables(group)
    start = group * GROUP + TABLES_AT
    page_count = max(0, disk.size // PAGE)
    for place in range(TABLE_PAGES):
        at = start + place * PAGE
        piece = disk.piece(at, PAGE)
        if not piece.has(0, PAGE):
            tables.unread_pages += 1
        entries = parse_table(piece, page_count)
        if entries is None:
            continue
        number = table_number(disk, entries)
        table = Table(at, number, piece.number(0, 4, "little") or 0, entries, sum(b - a for a, b in piece.unread))
        if number is None:
            continue
        other = tables.by_number.get(number)
        if other is None or (table.unread == 0, table.generation) > (other.unread == 0, other.generation):
            tables.by_number[number] = table
    for table in tables.by_number.values():
        disk.note(table.at, PAGE)
    return tables


def table_number(disk: Disk, entries: dict[int, int]) -> int | None:
    """The table's number, told by the numbers in the inodes it points to; None when they agree on none."""
    step = max(1, len(entries) // _SAMPLE)
    votes: Counter[int] = Counter()
    asked = 0
    for entry, page in list(entries.items())[::step][:_SAMPLE]:
        head = disk.get(page * PAGE, 0x20)
        if head is None:
            continue
        asked += 1
        inode = int.from_bytes(head[4:8], "little")
        if head[0x1C:0x1E] == b"\1\0" and inode >= entry and (inode - entry) % TABLE_ENTRIES == 0:
            votes[(inode - entry) // TABLE_ENTRIES] += 1
    if not votes:
        return None
    number, count = votes.most_common(1)[0]
    return number if 2 * count > asked else None
