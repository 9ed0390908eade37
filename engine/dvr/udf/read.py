"""The tree of a UDF disk, and its titles."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from engine.dvr.disk import Disk, Piece
from engine.dvr.dvdvr.files import content, looks_like_management, read_titles, role_of
from engine.dvr.model import Finding, RecorderFile, Recordings, Rung
from engine.dvr.pack import is_pack
from engine.dvr.sweep import blocks_in
from engine.dvr.udf.entries import Entry, read_entry
from engine.dvr.udf.structs import BLOCK, FILE_ENTRY, FILE_ID, FILE_SET, long_ad, name_of, read_tag
from engine.errors import Problem
from engine.progress import SILENT, Reporter
from engine.source import Source
from engine.text import safe_text

_MAX_FILES = 50_000
_MAX_DEPTH = 24
_MAX_DIRECTORY = 8 << 20
_MAX_DIRECTORIES = 64 << 20
"""Bytes of all directories together."""
_LOOSE_SEARCHED = 2 << 30
_VIDEO_TYPES = (5, 249)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A record of a directory. ``block``: of the file entry."""

    name: str
    block: int
    directory: bool
    deleted: bool
    parent: bool


def read(source: Source, finding: Finding, *, deep: bool = False, reporter: Reporter = SILENT) -> Recordings:
    """Files and titles under ``finding``, whose base is logical block 0 of the partition."""
    disk = Disk(source, finding.base, reporter)
    walk = _Walk(disk, finding.rung)
    root, label = _file_set(disk, finding)
    if root is not None:
        walk.tree(root, "")
    if root is None or walk.lost or deep:
        walk.loose(disk.size if deep else min(disk.size, _LOOSE_SEARCHED), deleted=root is not None and not walk.lost)
    titles, disc = read_titles(disk, walk.files, one_volume=True)
    return Recordings(finding, tuple(titles), tuple(walk.files), disk.structures, tuple(disk.problems), disc or label)


def _file_set(disk: Disk, finding: Finding) -> tuple[int | None, str]:
    """Block of the root directory's file entry and the volume's name."""
    if finding.place is None:
        return None, ""
    at = finding.place - finding.base
    data = disk.get(at, 512)
    tag = read_tag(data)
    disk.note(at, 512)
    if data is None or tag is None or tag.kind != FILE_SET:
        disk.problem("file-set-lost", "the file set descriptor is lost: the tree is put together from its parts", at)
        return None, ""
    if tag.crc_right is False:
        disk.problem("crc", "the CRC of the file set descriptor is wrong", at)
    field = data[112:240]
    return long_ad(data, 400).block, safe_text(name_of(field[: min(field[127], 127)]), 64) if field[127] else ""


def identifiers(disk: Disk, piece: Piece, where: int) -> Iterator[Identifier]:
    """All records of a directory's content; after a damaged one goes on at the next that looks like one."""
    at = 0
    while at + 38 <= len(piece.data):
        head = piece.get(at, 38)
        tag = read_tag(head)
        if head is None or tag is None or tag.kind != FILE_ID:
            following = _next_record(piece, at + 4)
            if not piece.has(at, following - at) or any(piece.data[at:following]):
                disk.problem("directory-unread", "a record of a directory is unread or damaged", where)
            at = following
            continue
        flags, name_size, use_size = head[18], head[19], struct.unpack_from("<H", head, 36)[0]
        end = at + 38 + use_size + name_size
        name = piece.get(at + 38 + use_size, name_size)
        if name is None:
            disk.problem("directory-unread", "the name of a directory's record is unread", where)
            name = b"\x08?"
        yield Identifier(name_of(name), long_ad(head, 20).block, bool(flags & 2), bool(flags & 4), bool(flags & 8))
        at = (end + 3) & ~3


def root_names(disk: Disk, root: Entry) -> list[Identifier]:
    """The records of a directory that is read for a look only."""
    body = content(disk, RecorderFile("", root.extents, min(root.size, _MAX_DIRECTORY)))
    return [one for one in identifiers(disk, body, root.block * BLOCK) if not one.parent and not one.deleted]


def _next_record(piece: Piece, at: int) -> int:
    """Where the next record begins (at a multiple of 4), the end when there is none."""
    while (at := piece.data.find(b"\x01\x01", at)) >= 0:
        if at % 4 == 0 and piece.has(at, 38):
            tag = read_tag(piece.data[at : at + 16])
            if tag is not None and tag.kind == FILE_ID:
                return at
        at += 1
    return len(piece.data)


class _Walk:
    """Going through the tree, each file entry once."""

    def __init__(self, disk: Disk, rung: Rung) -> None:
        self.disk, self.rung = disk, rung
        self.files: list[RecorderFile] = []
        self.seen: set[int] = set()
        self.lost = False
        self.left = _MAX_DIRECTORIES

    def tree(self, root: int, prefix: str, rung: Rung | None = None) -> None:
        """From a directory's file entry down."""
        rung = rung or self.rung
        waiting = [(root, prefix, 0)]
        self.seen.add(root)
        while waiting:
            block, path, depth = waiting.pop()
            entry = read_entry(self.disk, block)
            if entry is None or not entry.directory:
                self.lost = True
                self.disk.problem("entry-lost", f"the directory {path or '/'} is lost", block * BLOCK)
                continue
            before = len(self.disk.problems)
            if entry.size > _MAX_DIRECTORY:
                self.disk.problem("directory-size", f"the directory {path or '/'} claims {entry.size} bytes")
            body = self.listing(entry)
            for one in identifiers(self.disk, body, block * BLOCK):
                if one.parent:
                    continue
                shown = path + safe_text(one.name.replace("/", "_"), 120)
                if len(self.files) >= _MAX_FILES:
                    self.disk.problem("too-many", f"more than {_MAX_FILES} files: the rest is left out")
                    return
                self._one(one, shown, depth, waiting, rung)
            self.lost |= any(problem.code == "directory-unread" for problem in self.disk.problems[before:])

    def listing(self, entry: Entry) -> Piece:
        """The content of a directory, as long as all of them together are not too much."""
        size = min(entry.size, _MAX_DIRECTORY, self.left)
        if size < min(entry.size, _MAX_DIRECTORY):
            self.disk.problem("too-many", "the directories are larger than any recorder writes: the rest is left out")
        self.left -= size
        return content(self.disk, RecorderFile("", entry.extents, size))

    def _one(self, one: Identifier, shown: str, depth: int, waiting: list[tuple[int, str, int]], rung: Rung) -> None:
        if one.deleted:
            entry = read_entry(self.disk, one.block, note=False) if one.block and one.block not in self.seen else None
            if entry is not None and not entry.directory:
                self.add(entry, shown, rung, deleted=True)
            else:
                self.files.append(RecorderFile(shown, (), 0, role=role_of(shown), deleted=True))
            return
        if one.block in self.seen:
            self.disk.problem("twice", f"{shown} names a file entry that has a name already", one.block * BLOCK)
            return
        self.seen.add(one.block)
        if one.directory:
            if depth < _MAX_DEPTH:
                waiting.append((one.block, f"{shown}/", depth + 1))
            return
        entry = read_entry(self.disk, one.block)
        if entry is None:
            self.lost = True
            self.disk.problem("entry-lost", f"the file entry of {shown} is lost", one.block * BLOCK)
            lost = Problem("entry-lost", "its file entry is lost", one.block * BLOCK + self.disk.base)
            self.files.append(RecorderFile(shown, (), 0, role=role_of(shown), problems=(lost,)))
        else:
            self.add(entry, shown, rung)

    def add(self, entry: Entry, path: str, rung: Rung, *, deleted: bool = False) -> None:
        """A file."""
        if entry.crc_right is False:
            self.disk.problem("crc", f"the CRC of the file entry of {path} is wrong", entry.block * BLOCK)
        size = sum(extent.size for extent in entry.extents) + entry.unplaced
        self.files.append(RecorderFile(
            path, entry.extents, size, entry.modified, role_of(path), deleted, rung, entry.unplaced
        ))  # fmt: skip

    def loose(self, high: int, *, deleted: bool) -> None:
        """File entries that no directory led to: directories first, since they name the others."""
        found = [block for block in entry_blocks(self.disk, high) if block not in self.seen]
        entries = [entry for block in found if (entry := read_entry(self.disk, block)) is not None]
        named: set[int] = set()
        folders = [entry for entry in entries if entry.directory]
        for entry in folders:
            body = self.listing(entry)
            named |= {one.block for one in identifiers(self.disk, body, entry.block * BLOCK) if not one.parent}
        for entry in folders:
            if entry.block not in named and entry.block not in self.seen and not deleted:
                self.tree(entry.block, "", Rung.ORPHAN)
        for entry in entries:
            if entry.block in self.seen or entry.directory or entry.file_type not in _VIDEO_TYPES:
                continue
            self.seen.add(entry.block)
            name = f"block-{entry.block}.{self._ending(entry)}"
            if not (deleted and name.endswith("DAT")):
                self.add(entry, name, Rung.ORPHAN, deleted=deleted)

    def _ending(self, entry: Entry) -> str:
        first = next((extent.start for extent in entry.extents), None)
        if first is not None and is_pack(self.disk.get(first - self.disk.base, 14)):
            return "VRO"
        file = RecorderFile("", entry.extents, entry.size)
        return "IFO" if looks_like_management(content(self.disk, file)) else "DAT"


def entry_blocks(disk: Disk, high: int) -> list[int]:
    """Blocks that hold a file entry which knows its own place."""
    import numpy as np

    found: list[int] = []
    for first, rows in blocks_in(disk, 0, high, BLOCK):
        kind = rows[:, 0].astype(np.int64) | rows[:, 1].astype(np.int64) << 8
        for row in np.flatnonzero((kind == FILE_ENTRY) | (kind == FILE_ENTRY + 5)).tolist():
            tag = read_tag(rows[row, :16].tobytes())
            if tag is not None and tag.location == first + row and len(found) < _MAX_FILES:
                found.append(first + row)
    return found
