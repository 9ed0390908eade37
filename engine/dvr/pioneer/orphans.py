"""Table blocks that nothing points to any more, found by their own numbers.

A block of the file table holds own indices that rise by one and lead to block lists whose blocks begin with packs; a
block of the title table leads by chains to such files; a block list's runs lie on the disk and begin with packs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.dvr.disk import Disk, Piece
from engine.dvr.pack import is_pack
from engine.dvr.pioneer.layouts import BLOCK, LIST_ENTRIES, MAX_FILES, MAX_RUN, NAME_SIZE, Layout
from engine.dvr.pioneer.tables import Programme, Tables, file_entry, programmes_of
from engine.dvr.sweep import blocks_in

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Rows = npt.NDArray[np.uint8]
    Int64s = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

NEAR = 32 << 20
FIRST_PLACES = 1 << 30
_MAX_FOUND = 4096
_FEW = 6


@dataclass(slots=True)
class Found:
    """What a search saw: FAT blocks by number in their table, FNT blocks, block lists, block directories."""

    fat: dict[int, list[int]] = field(default_factory=dict)
    fnt: list[int] = field(default_factory=list)
    lists: list[int] = field(default_factory=list)


def lost(tables: Tables) -> bool:
    """Whether a part of the tables or of the directory area is lost. Reads every table block once."""
    for table in ("fnt", "fot", "fat"):
        for number in range(tables.slots(table)):
            tables.block(table, number)
    return any(tables.lost.values())


def windows(tables: Tables, *, deep: bool) -> list[tuple[int, int]]:
    """Where lost tables are looked for: near the known ones; at the start of the disk when none is known."""
    if deep:
        return [(0, tables.disk.size)]
    known = [
        number for table in ("fnt", "fot", "fat") for slot in range(tables.slots(table))
        if (number := tables.block_number(table, slot))
    ]  # fmt: skip
    if tables.directory is not None:
        known.append(tables.directory)
    if not known:
        return [(0, min(tables.disk.size, FIRST_PLACES))]
    spans: list[tuple[int, int]] = []
    for block in sorted(known):
        low, high = max(0, block * BLOCK - NEAR // 2), min(tables.disk.size, block * BLOCK + NEAR)
        if spans and low <= spans[-1][1]:
            spans[-1] = (spans[-1][0], high)
        else:
            spans.append((low, high))
    return spans[:16]


def complete(tables: Tables, programmes: list[Programme], *, deep: bool) -> tuple[list[Programme], list[int]]:
    """Lost table blocks put into ``tables.extra``; the programmes with those of title blocks found, and the blocks
    that look like block lists.

    Programmes of a title block whose place in the table is not known have slot 0.
    """
    found = Found()
    for low, high in windows(tables, deep=deep):
        search(tables.disk, tables.layout, low, high, found)
    if tables.directory is None and not found.fat and tables.disk.size > FIRST_PLACES and not deep:
        search(tables.disk, tables.layout, FIRST_PLACES, tables.disk.size, found)
    known = {
        number for table in ("fnt", "fot", "fat") for slot in range(tables.slots(table))
        if (number := tables.block_number(table, slot))
    }  # fmt: skip
    for number, blocks in sorted(found.fat.items()):
        if tables.block_number("fat", number) is not None or number >= tables.slots("fat"):
            continue
        fresh = [block for block in blocks if block not in known]
        if fresh:
            tables.extra["fat", number] = max(fresh, key=lambda block: _used(tables, block, number))
    result = list(programmes)
    for block in found.fnt:
        if block in known:
            continue
        tables.disk.note(block * BLOCK, BLOCK)
        result += programmes_of(tables.layout, tables.disk.piece(block * BLOCK, BLOCK), 0)
    return result, [block for block in found.lists if block not in known]


def _used(tables: Tables, block: int, number: int) -> int:
    piece, layout = tables.disk.piece(block * BLOCK, BLOCK), tables.layout
    first = number * layout.fat_per_block + 1
    entries = [file_entry(layout, piece, at * layout.fat_entry, first + at) for at in range(layout.fat_per_block)]
    return sum(1 for entry in entries if entry.own == entry.index)


def search(disk: Disk, layout: Layout, low: int, high: int, found: Found) -> None:
    """Look at every block of ``[low, high)`` for FAT blocks, FNT blocks and block lists of one layout."""
    limit = disk.size // BLOCK
    for first, rows in blocks_in(disk, low, high, BLOCK):
        for block in _fat_rows(rows, layout, limit):
            piece = Piece((first + block) * BLOCK, rows[block].tobytes())
            number = fat_block_number(disk, layout, piece)
            if number is not None and len(found.fat) < _MAX_FOUND:
                found.fat.setdefault(number, []).append(first + block)
        for block in _fnt_rows(rows, layout):
            piece = Piece((first + block) * BLOCK, rows[block].tobytes())
            if _titles(layout, piece) and len(found.fnt) < _MAX_FOUND:
                found.fnt.append(first + block)
        for block in _list_rows(rows, limit):
            if len(found.lists) < _MAX_FOUND and list_leads(disk, Piece(0, rows[block].tobytes())):
                found.lists.append(first + block)


def _fields(rows: Rows, at: int, step: int, count: int, width: int) -> Int64s:
    """Big-endian integers at ``at``, ``at + step``, ... of every row, as an int64 array (rows, count)."""
    import numpy as np

    value = np.zeros((len(rows), count), np.int64)
    for byte in range(width):
        value = value << 8 | rows[:, at + byte : at + byte + step * (count - 1) + 1 : step]
    return value


def _fat_rows(rows: Rows, layout: Layout, limit: int) -> Iterator[int]:
    import numpy as np

    count, step = layout.fat_per_block, layout.fat_entry
    own = _fields(rows, layout.file_index, step, count, 2)
    blocks = _fields(rows, layout.file_blocks, step, count, 4)
    sizes = _fields(rows, layout.file_size, step, count, 4)
    used = own > 0
    start = own - np.arange(count)
    first = np.where(used, start, 0).max(axis=1)
    good = ~used | ((start == first[:, None]) & (blocks < limit) & (sizes <= limit))
    filled = (used & (blocks > 0) & (sizes > 0)).any(axis=1)
    fits = (first >= 1) & ((first - 1) % count == 0) & (first <= MAX_FILES)
    yield from np.flatnonzero(good.all(axis=1) & filled & fits).tolist()


def _fnt_rows(rows: Rows, layout: Layout) -> Iterator[int]:
    import numpy as np

    step = layout.fnt_entry
    first = _fields(rows, layout.title_first[0], step, layout.fnt_per_block, layout.title_first[1])
    count = _fields(rows, layout.title_count[0], step, layout.fnt_per_block, layout.title_count[1])
    used = (count >= 1) & (count <= 999) & (first >= 1) & (first <= 0xFFFF)
    yield from np.flatnonzero((used | (count == 0)).all(axis=1) & used.any(axis=1)).tolist()


def _list_rows(rows: Rows, limit: int) -> Iterator[int]:
    import numpy as np

    # Most blocks are something else, as a few entries tell; all entries are looked at in what is left.
    maybe = np.flatnonzero(_runs_fit(rows, _FEW, limit))
    yield from maybe[_runs_fit(rows[maybe], LIST_ENTRIES, limit)].tolist()


def _runs_fit(rows: Rows, entries: int, limit: int) -> Flags:
    start = _fields(rows, 0, 8, entries, 4)
    count = _fields(rows, 4, 8, entries, 2) & MAX_RUN
    fits: Flags = ((start == 0) | ((count >= 1) & (start + count <= limit))).all(axis=1) & (start[:, 0] > 0)
    return fits


def fat_block_number(disk: Disk, layout: Layout, piece: Piece) -> int | None:
    """The number in its table of a block that looks like one of the FAT, when a file of it leads to packs."""
    for at in range(layout.fat_per_block):
        entry = file_entry(layout, piece, at * layout.fat_entry, 0)
        if not entry.own or not entry.block_directory:
            continue
        lists = disk.piece(entry.block_directory * BLOCK, BLOCK)
        first = next((a for n in range(LIST_ENTRIES) if (a := lists.number(n * 8, 4))), None)
        if first is not None and list_leads(disk, disk.piece(first * BLOCK, BLOCK)):
            return (entry.own - 1) // layout.fat_per_block
    return None


def list_leads(disk: Disk, piece: Piece) -> bool:
    """Whether the first runs of a block list begin with packs (what is unread says nothing)."""
    runs = [(start, count) for n in range(LIST_ENTRIES)
            if (start := piece.number(n * 8, 4)) and (count := piece.number(n * 8 + 4, 2) or 0) & MAX_RUN]  # fmt: skip
    heads = [disk.get(start * BLOCK, 14) for start, _ in runs[:4]]
    known = [head for head in heads if head is not None]
    return bool(known) and all(is_pack(head) for head in known)


def _titles(layout: Layout, piece: Piece) -> bool:
    """Whether a block that looks like one of the FNT holds titles: names that are names, dates where they belong."""
    found = programmes_of(layout, piece, 0)
    if layout.title_date is not None and any(programme.date is None for programme in found):
        return False
    return any(programme.raw_name[0] for programme in found) and all(is_name(one.raw_name) for one in found)


def is_name(raw: bytes) -> bool:
    """Whether 64 bytes look like a title: text, then padding."""
    name, _, rest = raw.partition(b"\0")
    return len(raw) == NAME_SIZE and not rest.strip(b"\0 ") and not any(byte < 0x20 for byte in name)
