"""The tables of one layout on one disk, read as they are asked for; each block once."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime

from engine.dvr.disk import Disk, Piece
from engine.dvr.pioneer.layouts import ADDRESS, BLOCK, CAPACITY, MAX_FILES, NAME_SIZE, Layout

_EMPTY = Piece(0, b"")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """An entry of the FAT: ``index`` by which it is reached, ``own`` index that it holds itself (None: unread)."""

    index: int
    own: int | None
    block_directory: int | None
    size_blocks: int | None
    date: datetime | None
    at: int


@dataclass(frozen=True, slots=True)
class Programme:
    """An entry of the FNT in use. ``slot`` counts from 1 over all slots; 0 for one in a block nothing points to."""

    slot: int
    first: int
    count: int
    raw_name: bytes
    source: int | None
    date: datetime | None
    locked: bool
    genre: int
    at: int
    other_first: int = 0


def time_stamp(data: bytes | None) -> datetime | None:
    """Eight bytes: year, month, day, hour, minute, second; None when not set or impossible."""
    if data is None:
        return None
    year, month, day, hour, minute, second = struct.unpack(">HBBBBBx", data)
    if not 1980 <= year < 2100:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the recorder knows no zone
    except ValueError:
        return None


class Tables:
    """Directory area at block ``directory`` and the tables behind it.

    ``extra``: table blocks found by their own numbers where the directory does not tell, as (table, number of the
    block in its table) -> block; tables are ``"fnt"``, ``"fot"``, ``"fat"``. ``block_count`` blocks lie on the disk.
    """

    def __init__(self, disk: Disk, layout: Layout, directory: int | None) -> None:
        self.disk, self.layout, self.directory = disk, layout, directory
        self.block_count = max(0, disk.size // BLOCK)
        self.extra: dict[tuple[str, int], int] = {}
        self.lost: dict[str, list[int]] = {"fnt": [], "fot": [], "fat": []}
        self._blocks: dict[int, Piece] = {}
        self._area: dict[str, Piece] = {}
        self._numbers: dict[str, list[int | None]] = {}

    def _addresses(self, table: str) -> Piece:
        if table not in self._area:
            layout = self.layout
            at, slots = {
                "fnt": (0, layout.fnt_slots), "fot": (layout.fot_at, layout.fot_slots),
                "fat": (layout.fat_at, layout.fat_slots), "visible": (layout.visible_at, CAPACITY // 4),
            }[table]  # fmt: skip
            if self.directory is None:
                self._area[table] = _EMPTY
            else:
                start = self.directory * BLOCK + at
                self.disk.note(start, slots * ADDRESS)
                self._area[table] = self.disk.piece(start, slots * ADDRESS)
        return self._area[table]

    def slots(self, table: str) -> int:
        """How many blocks the table can have."""
        return {"fnt": self.layout.fnt_slots, "fot": self.layout.fot_slots, "fat": self.layout.fat_slots}[table]

    def entry_size(self, table: str) -> int:
        """Bytes of an entry."""
        return {"fnt": self.layout.fnt_entry, "fot": self.layout.fot_entry, "fat": self.layout.fat_entry}[table]

    def block_number(self, table: str, number: int) -> int | None:
        """Block of the table's ``number``-th block: 0 when none is allocated, None when the directory is unread there
        or names a block that does not exist."""
        if (table, number) in self.extra:
            return self.extra[table, number]
        if table not in self._numbers:
            rows = self._addresses(table).rows(">I4x", 0, self.slots(table))
            numbers = [None if row is None or row[0] >= self.block_count else row[0] for row in rows]
            if table == "fot":
                # How long it is nobody knows for sure: behind what all files need, nonsense is the bitmap, no loss.
                need = -(-MAX_FILES // self.layout.fot_per_block)
                numbers[need:] = [number or 0 for number in numbers[need:]]
            self._numbers[table] = numbers
        return self._numbers[table][number]

    def block(self, table: str, number: int) -> Piece | None:
        """A table block, or None when there is none; what is unread or impossible is remembered in ``lost``."""
        block = self.block_number(table, number)
        if block == 0:
            return None
        if block is None:
            if number not in self.lost[table]:
                self.lost[table].append(number)
            return None
        if block not in self._blocks:
            self.disk.note(block * BLOCK, BLOCK)
            self._blocks[block] = piece = self.disk.piece(block * BLOCK, BLOCK)
            if not piece.whole and number not in self.lost[table]:
                self.lost[table].append(number)
        return self._blocks[block]

    def raw_block(self, block: int) -> Piece:
        """A block directory or block list."""
        self.disk.note(block * BLOCK, BLOCK)
        return self.disk.piece(block * BLOCK, BLOCK)

    def _entry(self, table: str, index: int) -> tuple[Piece, int] | None:
        """The block that holds the entry of a 1-based index, and where in it."""
        per_block = BLOCK // self.entry_size(table)
        number = (index - 1) // per_block
        if index < 1 or number >= self.slots(table):
            return None
        piece = self.block(table, number)
        return None if piece is None else (piece, (index - 1) % per_block * self.entry_size(table))

    def link(self, index: int) -> tuple[int, int] | None:
        """The FOT entry of an index: FAT index and next FOT index; None when it is not there."""
        found = self._entry("fot", index)
        data = found[0].get(found[1] + 8, 4) if found else None
        return None if data is None else struct.unpack(">HH", data)

    def file(self, index: int) -> FileEntry | None:
        """The FAT entry of an index; None when none of it is there."""
        found = self._entry("fat", index) if 1 <= index <= MAX_FILES else None
        return None if found is None else file_entry(self.layout, found[0], found[1], index)

    def programmes(self, number: int) -> list[Programme]:
        """Entries in use in one FNT block, unused ones between them stepped over."""
        piece = self.block("fnt", number)
        first = number * self.layout.fnt_per_block + 1
        return [] if piece is None else programmes_of(self.layout, piece, first)

    def visible(self) -> tuple[list[int], bool]:
        """Slot numbers in the order of the recorder's list, and whether all of the list could be read."""
        found: list[int] = []
        whole = True
        for row in self._addresses("visible").rows(">H", 0, CAPACITY):
            if row is None:
                # What comes after an unread stretch may still be an entry; after the end nothing is.
                whole = False
            elif row[0] == 0:
                break
            else:
                found.append(row[0])
        return found, whole


def file_entry(layout: Layout, piece: Piece, at: int, index: int) -> FileEntry:
    """The FAT entry at ``at`` of a block."""
    date = None if layout.file_date is None else time_stamp(piece.get(at + layout.file_date, 8))
    return FileEntry(
        index, piece.number(at + layout.file_index, 2), piece.number(at + layout.file_blocks, 4),
        piece.number(at + layout.file_size, 4), date, piece.offset + at,
    )  # fmt: skip


def programmes_of(layout: Layout, piece: Piece, first_slot: int) -> list[Programme]:
    """All entries in use in an FNT block. ``first_slot`` 0: its place in the table is not known."""
    found = []
    for number in range(layout.fnt_per_block):
        at = number * layout.fnt_entry
        first = piece.number(at + layout.title_first[0], layout.title_first[1])
        count = piece.number(at + layout.title_count[0], layout.title_count[1])
        other = layout.title_first_other
        other_first = piece.number(at + other[0], other[1]) or 0 if other else 0
        if first is None or count is None or count == 0:
            continue
        if not 1 <= first <= 0xFFFF and not 1 <= other_first <= 0xFFFF:
            continue
        name = piece.get(at + layout.title_name, NAME_SIZE) or b""
        locked = layout.title_locked is not None and piece.number(at + layout.title_locked, 1) == 1
        genre = piece.number(at + layout.title_genre, 1) or 0 if layout.title_genre is not None else 0
        date = None if layout.title_date is None else time_stamp(piece.get(at + layout.title_date, 8))
        found.append(Programme(
            first_slot + number if first_slot else 0, first, count, name, piece.number(at + layout.title_source, 2),
            date, locked, genre, piece.offset + at, other_first,
        ))  # fmt: skip
    return found
