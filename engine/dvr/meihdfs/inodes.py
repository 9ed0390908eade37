"""Inodes: what is in a page, and where the runs of a file are."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.dvr.cutting import join
from engine.dvr.disk import Disk, Piece
from engine.dvr.meihdfs.structs import BLOCK, PAGE, RUNS, RUNS_AT, SECTOR, Version
from engine.dvr.model import Extent, Rung
from engine.dvr.pack import is_pack
from engine.errors import Problem

_MAX_MORE_PAGES = 256
_OTHER_UNIT = 0x600


@dataclass(frozen=True, slots=True)
class Inode:
    """An inode page. ``at`` counts from FS; ``runs`` as (block, offset, length)."""

    number: int
    at: int
    generation: int
    directory: bool
    factor: int
    pages: int
    size: int
    modified: datetime | None
    runs: tuple[tuple[int, int, int], ...]
    unread_runs: int = 0
    rung: Rung = Rung.DIRECTORY

    @property
    def incomplete(self) -> bool:
        """A file with a size and no run at all."""
        return not self.directory and self.size > 0 and not self.runs


def parse_inode(piece: Piece, version: Version, rung: Rung = Rung.DIRECTORY) -> Inode | None:
    """The inode in a page, or None when it is none: link count 1, mode of a file or a directory."""
    head = piece.get(0, 0x34)
    if head is None:
        return None
    generation, number, factor, pages, size = struct.unpack_from("<IIIIQ", head)
    links, mode = struct.unpack_from("<HH", head, 0x1C)
    if links != 1 or mode >> 8 not in (0x81, 0x41):
        return None
    directory = mode >> 8 == 0x41
    runs, lost = ((), 0) if directory else parse_runs(piece, RUNS_AT)
    return Inode(
        number, piece.offset, generation, directory, factor, pages, size,
        version.time(struct.unpack_from("<I", head, 0x28)[0]), runs, lost, rung,
    )  # fmt: skip


def parse_runs(piece: Piece, at: int) -> tuple[tuple[tuple[int, int, int], ...], int]:
    """Runs up to the first one that begins at block 0, and how many are unread."""
    runs: list[tuple[int, int, int]] = []
    lost = 0
    for place in range(at, min(at + 12 * RUNS, len(piece.data) - 11), 12):
        if not piece.whole and not piece.has(place, 12):
            lost += 1
            continue
        run = struct.unpack_from("<III", piece.data, place)
        if run[0] == 0:
            break
        runs.append(run)
    return tuple(runs), lost


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a file's bytes are."""

    extents: tuple[Extent, ...]
    unplaced: int
    problems: tuple[Problem, ...]


def place(disk: Disk, inode: Inode, *, video: bool, name: str) -> Placed:
    """The extents of a file (positions in the source), cut at its size.

    Where a run begins inside its block two units are thinkable: sectors of 512 bytes, or 0x600. Of a video the one
    with a pack there is taken, otherwise 512.
    """
    problems: list[Problem] = []

    def wrong(code: str, words: str) -> None:
        problems.append(Problem(code, f"{name}: {words}", inode.at + disk.base))

    runs = inode.runs + _more_runs(disk, inode, video, wrong)
    left = inode.size
    if left > disk.size:
        wrong("file-size", f"its size of {left} bytes is more than the disk has")
        left = disk.size
    extents: list[Extent] = []
    for block, offset, length in runs:
        if left <= 0:
            break
        size = min(length * max(1, inode.factor) * SECTOR, left)
        start = block * BLOCK + offset * SECTOR
        if offset:
            start = _inside_block(disk, block, offset, video, wrong)
        there = max(0, min(size, disk.size - start))
        if there < size:
            wrong("outside", f"a run (block {block}, {size} bytes) ends outside the disk")
        if there:
            extents.append(Extent(start + disk.base, there))
        left -= size if there == size else there
        if there < size:
            continue
    placed = sum(extent.size for extent in extents)
    wanted = min(inode.size, disk.size)
    unplaced = max(0, wanted - placed)
    if unplaced:
        wrong("runs-short", f"{unplaced} of its {inode.size} bytes have no place")
    if inode.unread_runs:
        wrong("runs-lost", f"up to {inode.unread_runs} of its runs are unread: what follows is out of step")
    return Placed(join(extents), unplaced, tuple(problems))


def _inside_block(disk: Disk, block: int, offset: int, video: bool, wrong: Callable[[str, str], None]) -> int:
    places = [block * BLOCK + offset * unit for unit in (SECTOR, _OTHER_UNIT)]
    heads = [disk.get(at, 14) for at in places]
    packs = [head is not None and is_pack(head) for head in heads]
    if video and packs[1] and not packs[0]:
        wrong("run-offset", f"a run begins {offset} x 0x600 bytes into its block: there is a pack")
        return places[1]
    if not (video and packs[0]):
        wrong("run-offset", f"a run begins {offset} x 512 bytes into its block, as nothing speaks against it")
    return places[0]


def _more_runs(
    disk: Disk, inode: Inode, video: bool, wrong: Callable[[str, str], None]
) -> tuple[tuple[int, int, int], ...]:
    """Runs in the pages behind the first, of which there is no sample: where they stand is told by what fits."""
    if len(inode.runs) < RUNS or inode.pages < 2:
        return ()
    found: list[tuple[int, int, int]] = []
    for number in range(1, min(inode.pages, _MAX_MORE_PAGES)):
        piece = disk.piece(inode.at + number * PAGE, PAGE)
        disk.note(inode.at + number * PAGE, PAGE)
        for at in (RUNS_AT, 0x320, 0x10, 0):
            runs, _ = parse_runs(piece, at)
            if runs and _fits(disk, runs[0], inode.factor, video):
                wrong("more-runs", f"{len(runs)} more runs are in page {number + 1} of its inode, from {at:#x} on")
                found += runs
                break
        else:
            wrong("runs-lost", f"page {number + 1} of its inode holds no runs that fit")
            break
    return tuple(found)


def _fits(disk: Disk, run: tuple[int, int, int], factor: int, video: bool) -> bool:
    block, offset, length = run
    start = block * BLOCK + offset * SECTOR
    if not length or start + length * max(1, factor) * SECTOR > disk.size + BLOCK:
        return False
    head = disk.get(start, 14)
    return not video or head is None or is_pack(head)
