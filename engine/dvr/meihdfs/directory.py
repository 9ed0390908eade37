"""Directories: names and inode numbers, in a page with an inode's head and pages of names alone behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.dvr.disk import Disk, Piece
from engine.dvr.meihdfs.inodes import Inode
from engine.dvr.meihdfs.structs import (
    FIRST_NAMES,
    FIRST_NAMES_AT,
    MORE_NAMES,
    MORE_NAMES_AT,
    NAME_ENTRY,
    NAME_SIZE,
    PAGE,
)  # fmt: skip

MAX_PAGES = 4096
_DELETED = (0, 0xFFFFFFFF)
FILE, FOLDER = 1, 2


@dataclass(frozen=True, slots=True)
class Name:
    """An entry. ``inode`` None: deleted."""

    raw: bytes
    inode: int | None
    folder: bool

    @property
    def text(self) -> str:
        """The name, its padding off (not yet safe to print)."""
        return self.raw.partition(b"\0")[0].decode("ascii", "backslashreplace")


def names(disk: Disk, inode: Inode) -> Iterator[Name]:
    """All entries of a directory, deleted ones too. What is unread or damaged is stepped over and reported."""
    pages = max(1, min(inode.pages, MAX_PAGES))
    if inode.pages > MAX_PAGES:
        disk.problem("directory-size", f"directory {inode.number} claims {inode.pages} pages", inode.at)
    for number in range(pages):
        piece = disk.piece(inode.at + number * PAGE, PAGE)
        if not piece.data:
            return
        disk.note(inode.at + number * PAGE, PAGE)
        start, count = (FIRST_NAMES_AT, FIRST_NAMES) if number == 0 else (MORE_NAMES_AT, MORE_NAMES)
        if number == 0 and not _valid(piece, start):
            start = _search(piece)
            count = (PAGE - start) // NAME_ENTRY
        yield from _page(disk, piece, start, count, inode.number)


def _search(piece: Piece) -> int:
    """Where the entries begin on a disk whose area in front is of another length."""
    return next((at for at in range(0x100, PAGE - NAME_ENTRY + 1, 16) if _valid(piece, at)), FIRST_NAMES_AT)


def _valid(piece: Piece, at: int) -> bool:
    data = piece.get(at, NAME_ENTRY)
    if data is None:
        # Unread: the usual place is as good as any.
        return at == FIRST_NAMES_AT
    kind, length = int.from_bytes(data[4:6], "little"), int.from_bytes(data[6:8], "little")
    name = data[8:]
    return (
        kind in (FILE, FOLDER)
        and 1 <= length <= NAME_SIZE
        and all(0x20 < byte < 0x7F for byte in name[:length])
        and not any(name[length:])
    )


def _page(disk: Disk, piece: Piece, start: int, count: int, directory: int) -> Iterator[Name]:
    for at in range(start, min(start + count * NAME_ENTRY, PAGE - NAME_ENTRY + 1), NAME_ENTRY):
        data = piece.get(at, NAME_ENTRY)
        if data is None:
            disk.problem("directory-unread", f"entries of directory {directory} are unread", piece.offset + at)
            continue
        inode, kind, length = (int.from_bytes(data[a:b], "little") for a, b in ((0, 4), (4, 6), (6, 8)))
        if not any(data):
            continue
        if length > NAME_SIZE or kind not in (FILE, FOLDER) or not data[8]:
            if inode not in _DELETED:
                words = f"an entry of directory {directory} is damaged"
                disk.problem("directory-entry", words, piece.offset + at)
            continue
        yield Name(data[8 : 8 + length] or data[8:], None if inode in _DELETED else inode, kind == FOLDER)
