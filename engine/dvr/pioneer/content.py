"""From a programme to the bytes of its files: chain (FOT), file (FAT), block directory, block lists."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.dvr.cutting import join
from engine.dvr.model import Extent, Rung
from engine.dvr.pack import is_pack
from engine.dvr.pioneer.layouts import BLOCK, LIST_ENTRIES, MAX_RUN
from engine.dvr.pioneer.tables import FileEntry, Programme, Tables
from engine.errors import Problem

MAX_EXTENTS = 1_000_000
UNREAD = ("block-directory-lost", "block-list-lost")
"""Codes of problems that reading more of the disk may mend."""
_MAX_STEPS = 200_000


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file and its bytes. ``extents`` are positions in the source; ``unplaced``: bytes of it whose place is lost."""

    entry: FileEntry
    extents: tuple[Extent, ...]
    unplaced: int
    problems: tuple[Problem, ...] = ()
    rung: Rung = Rung.DIRECTORY

    @property
    def index_right(self) -> bool | None:
        """Whether the entry holds its own index; None when unread."""
        return None if self.entry.own is None else self.entry.own == self.entry.index


@dataclass(slots=True)
class Contents:
    """Files of one disk, each followed once. A block list belongs to one file: who reaches it first has it."""

    tables: Tables
    _files: dict[int, FileContent | None] = field(default_factory=dict)
    _owners: dict[int, int] = field(default_factory=dict)
    _extents: int = 0
    _steps: int = 0

    def chain(self, programme: Programme, first: int | None = None) -> tuple[list[int], list[Problem]]:
        """FAT indices of a programme in playing order, and what is wrong with the chain."""
        found: list[int] = []
        seen: set[int] = set()
        problems: list[Problem] = []
        index = programme.first if first is None else first
        while index and len(found) < programme.count:
            self._steps += 1
            if index in seen or self._steps > _MAX_STEPS:
                problems.append(
                    self._problem("chain-loop", f"its chain of files comes back to link {index}", programme.at)
                )
                break
            seen.add(index)
            link = self.tables.link(index)
            if link is None:
                problems.append(
                    self._problem("chain-lost", f"link {index} of its chain of files is lost", programme.at)
                )
                break
            if link[0]:
                found.append(link[0])
            index = link[1]
        if not problems and len(found) < programme.count:
            words = f"its chain ends after {len(found)} of {programme.count} files"
            problems.append(self._problem("chain-short", words, programme.at))
        return found, problems

    def peek(self, index: int) -> FileEntry | None:
        """The FAT entry, not followed."""
        return self.tables.file(index)

    def file(self, index: int, owner: int = 0) -> FileContent | None:
        """The file of a FAT index with its extents; None when the entry is lost or holds nothing."""
        if index not in self._files:
            entry = self.tables.file(index)
            self._files[index] = None if entry is None or not entry.block_directory else self._follow(entry)
        return self._files[index]

    @property
    def reached(self) -> set[int]:
        """FAT indices that were followed."""
        return set(self._files)

    def owned(self, block: int) -> bool:
        """Whether a file that was followed owns a block directory or block list."""
        return block in self._owners

    def loose_list(self, block: int) -> tuple[Extent, ...]:
        """The runs of a block list that no file leads to."""
        entry = FileEntry(0, None, None, None, None, block * BLOCK)
        runs: list[tuple[int, int]] = []
        self._read_list(entry, block, runs, [])
        return join(Extent(start * BLOCK + self.tables.disk.base, count * BLOCK) for start, count in runs)

    def _follow(self, entry: FileEntry) -> FileContent:
        problems: list[Problem] = []
        runs: list[tuple[int, int]] = []
        if entry.own is not None and entry.own != entry.index:
            words = f"file {entry.index} calls itself {entry.own}"
            problems.append(self._problem("file-index", words, entry.at))
        for block in self._lists(entry, problems):
            self._read_list(entry, block, runs, problems)
        blocks = sum(count for _, count in runs)
        unplaced = 0
        if entry.size_blocks is not None and entry.size_blocks > blocks:
            if entry.size_blocks > self.tables.block_count:
                words = f"file {entry.index} claims {entry.size_blocks} blocks, more than the disk has"
                problems.append(self._problem("file-size", words, entry.at))
            else:
                unplaced = (entry.size_blocks - blocks) * BLOCK
                short = entry.size_blocks - blocks
                words = f"{short} of {entry.size_blocks} blocks of file {entry.index} have no place"
                problems.append(self._problem("runs-short", words, entry.at))
        elif entry.size_blocks and entry.size_blocks < blocks:
            runs = self._surplus(entry, runs, blocks, problems)
        base = self.tables.disk.base
        extents = join(Extent(start * BLOCK + base, count * BLOCK) for start, count in runs)
        return FileContent(entry, extents, unplaced, tuple(problems))

    def _lists(self, entry: FileEntry, problems: list[Problem]) -> list[int]:
        """Blocks of the file's block lists, zero entries between them stepped over."""
        return [
            block for block in self._addresses(entry.block_directory or 0, entry, problems, "block directory")
            if self._own(block, entry, problems)
        ]  # fmt: skip

    def _addresses(self, block: int, entry: FileEntry, problems: list[Problem], what: str) -> list[int]:
        if not 0 < block < self.tables.block_count:
            words = f"the {what} of file {entry.index} would be outside the disk"
            problems.append(self._problem("outside", words, entry.at))
            return []
        if not self._own(block, entry, problems):
            return []
        piece = self.tables.raw_block(block)
        found = []
        for row in piece.rows(">I4x", 0, LIST_ENTRIES):
            if row is not None and row[0]:
                found.append(row[0])
        if not piece.whole:
            words = f"the {what} of file {entry.index} is unread in part"
            problems.append(self._problem("block-directory-lost", words, piece.offset))
        return found

    def _own(self, block: int, entry: FileEntry, problems: list[Problem]) -> bool:
        owner = self._owners.get(block)
        if owner is None:
            self._owners[block] = entry.index
            return True
        words = f"block {block} of the structures of file {entry.index} already belongs to file {owner}"
        problems.append(self._problem("shared", words, entry.at))
        return False

    def _read_list(self, entry: FileEntry, block: int, runs: list[tuple[int, int]], problems: list[Problem]) -> None:
        if not 0 < block < self.tables.block_count:
            words = f"a block list of file {entry.index} would be outside the disk"
            problems.append(self._problem("outside", words, entry.at))
            return
        piece = self.tables.raw_block(block)
        if not piece.whole:
            words = f"a block list of file {entry.index} is unread in part"
            problems.append(self._problem("block-list-lost", words, block * BLOCK))
        for number, row in enumerate(piece.rows(">IH2x", 0, LIST_ENTRIES)):
            if row is None or not row[0] or not row[1] & MAX_RUN:
                continue
            start, count = row[0], row[1] & MAX_RUN
            self._extents += 1
            if self._extents > MAX_EXTENTS:
                problems.append(
                    self._problem("too-many", "the tables name more runs than any recorder writes", entry.at)
                )
                return
            if start + count > self.tables.block_count:
                words = f"a run of file {entry.index} (blocks {start} to {start + count}) ends outside the disk"
                problems.append(self._problem("outside", words, block * BLOCK + number * 8))
                count = max(0, self.tables.block_count - start)
            if count:
                runs.append((start, count))

    def _surplus(
        self, entry: FileEntry, runs: list[tuple[int, int]], blocks: int, problems: list[Problem]
    ) -> list[tuple[int, int]]:
        """More blocks in the runs than the size says: kept when they go on as MPEG packs, cut off when not."""
        left = entry.size_blocks or 0
        for number, (start, count) in enumerate(runs):
            if left < count:
                data = self.tables.disk.get((start + left) * BLOCK, 14)
                words = f"file {entry.index} has {blocks} blocks where {entry.size_blocks} are said"
                if is_pack(data):
                    problems.append(self._problem("runs-long", f"{words}; the surplus is MPEG and kept", entry.at))
                    return runs
                problems.append(self._problem("runs-long", f"{words}; the surplus is no MPEG and left out", entry.at))
                return [*runs[:number], *([(start, left)] if left else [])]
            left -= count
        return runs

    def _problem(self, code: str, message: str, at: int) -> Problem:
        return Problem(code, message, at + self.tables.disk.base)
