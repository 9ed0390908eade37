"""Building the index of a volume: its own structures, then every directory, allocated ones first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import DamagedError, OutsideError
from engine.filesystems import kinds
from engine.filesystems.entry import EntryMaker
from engine.filesystems.layout import Layout, copies_of, layout_of
from engine.filesystems.layout.model import Runs
from engine.filesystems.layout.ntfs import shorter_streams
from engine.filesystems.places import DIRECTORY, META, SYSTEM
from engine.filesystems.reader import Listed, Reader, Row, WorkerDied
from engine.filesystems.reading import CarefulSource, MirrorSource
from engine.filesystems.store import VERSION, Writer
from engine.progress import SILENT, Reporter, check
from engine.ranges import RangeSet
from engine.source import Source

_BATCH = 32
_MAX_ENTRIES = 50_000_000
_MAX_PROBLEMS = 1000
_MAX_DEATHS = 200
_ORPHANS_ARE_CHEAP = ("ntfs", "ext2", "ext3", "ext4")


@dataclass(frozen=True, slots=True)
class Built:
    """What was indexed. ``unread``: bytes that the walk asked for and nobody has read."""

    family: str
    entries: int
    files: int
    directories: int
    deleted: int
    unread: int
    problems: int

    def to_json(self) -> dict[str, Any]:
        return {"family": self.family, "entries": self.entries, "files": self.files, "directories": self.directories,
                "deleted": self.deleted, "unread_bytes": self.unread, "problems": self.problems}  # fmt: skip


def build(
    source: Source, path: Path, *, orphans: bool | None = None, reporter: Reporter = SILENT,
    about: dict[str, Any] | None = None, kind: str | None = None,
) -> Built:  # fmt: skip
    """Index the volume that ``source`` is (from its first byte) into the database ``path``; replaces an older one.

    ``orphans``: look for deleted files without a name too (None: where that is cheap; on FAT and exFAT it reads the
    whole volume). ``about`` goes into the index (``Index.about``). Raises ``DamagedError`` (no file system that can be
    read), ``OutsideError``, ``CancelledError``.
    """
    careful = CarefulSource(source)
    mirrored = MirrorSource(careful, copies_of(careful))
    with Reader(mirrored, kind=kind) as reader:
        family = reader.facts.family
        wanted = family in _ORPHANS_ARE_CHEAP if orphans is None else orphans
        writer = Writer(path)
        try:
            return _Building(mirrored, reader, writer, wanted, reporter, about or {}).run()
        except BaseException:
            writer.drop()
            raise


class _Building:
    def __init__(
        self, source: MirrorSource, reader: Reader, writer: Writer, orphans: bool, reporter: Reporter,
        about: dict[str, Any],
    ) -> None:  # fmt: skip
        self._source, self._reader, self._writer = source, reader, writer
        self._orphans, self._reporter, self._about = orphans, reporter, about
        self._problems: list[list[Any]] = []
        self._problem_count = self._deaths = self._listed = 0
        self._waiting: deque[tuple[int, int, bool, bool]] = deque()
        self._later: deque[tuple[int, int, bool, bool]] = deque()
        self._seen: set[int] = set()
        facts = reader.facts
        self._total = facts.last - facts.first if facts.family in ("ntfs", "ext2", "ext3", "ext4", "hfs+") else None

    def run(self) -> Built:
        self._reporter.update(0, None, "files", "the volume's own structures")
        facts, holes = self._reader.facts, self._source.holes
        own = self._own_files()
        layout = layout_of(self._source, facts.family, lambda name: own.get(name, ()))
        if layout is None:
            self._problem(0, "how the volume is laid out cannot be told: free space stays unknown")
        valid = self._valid_sizes(own, layout)
        self._maker = EntryMaker(self._writer, facts, layout, holes, valid, self._problem)
        root = self._maker.root(self._stat(facts.root))
        self._seen.add(facts.root)
        self._waiting.append((facts.root, root, False, False))
        for number in self._own_numbers():
            self._maker.system(self._stat(number), number, root)
        self._walk()
        return self._finish(layout)

    # --- the volume's own files

    def _stat(self, number: int) -> Row | None:
        try:
            return self._reader.stat(number)
        except WorkerDied:
            self._problem(0, f"the reader crashed over record {number}")
            return None

    def _own_numbers(self) -> list[int]:
        return [7, 8] if self._reader.facts.family.startswith("ext") else []

    def _own_files(self) -> dict[str, Runs]:
        found: dict[str, Runs] = {}
        family, block = self._reader.facts.family, self._reader.facts.block_size
        if family not in ("ntfs", "exfat", "hfs+"):
            return found
        try:
            for row in self._reader.list([self._reader.facts.root]):
                if isinstance(row, Row) and row.name.startswith("$") and row.name_flags & 1:
                    found.setdefault(row.name, _runs(row, block))
        except (WorkerDied, DamagedError) as error:
            self._problem(0, f"the root directory cannot be read: {error}")
        if family == "ntfs" and not found.get("$MFT"):
            for name, number in (("$MFT", 0), ("$MFTMirr", 1), ("$LogFile", 2), ("$Bitmap", 6), ("$Boot", 7)):
                row_ = self._stat(number)
                if row_ is not None:
                    found[name] = _runs(row_, block)
        return found

    def _valid_sizes(self, own: dict[str, Runs], layout: Layout | None) -> dict[tuple[int, int], int]:
        if self._reader.facts.family != "ntfs" or layout is None or not own.get("$MFT"):
            return {}
        place_ = layout.record(0)
        return {} if place_ is None else shorter_streams(self._source, own["$MFT"], place_[1])

    # --- directories

    def _walk(self) -> None:
        while self._waiting or self._later:
            check(self._reporter)
            queue = self._waiting or self._later
            batch = [queue.popleft() for _ in range(min(_BATCH, len(queue)))]
            self._list(batch)
            if self._maker.count > _MAX_ENTRIES:
                self._problem(0, f"more than {_MAX_ENTRIES} entries: the rest is left out")
                return

    def _list(self, batch: Sequence[tuple[int, int, bool, bool]]) -> None:
        rows: list[Row] = []
        done = 0
        try:
            for row in self._reader.list([inode for inode, _id, _deleted, _orphan in batch]):
                if isinstance(row, Listed):
                    self._take(batch[done], rows, row.problem)
                    done, rows = done + 1, []
                else:
                    rows.append(row)
            return
        except (WorkerDied, DamagedError) as error:
            died = error
        self._deaths += 1
        if self._deaths > _MAX_DEATHS:
            raise OutsideError(
                "the file system reader crashes over and over", code="reader-crash",
                advice="the volume is damaged badly: carve it instead",
            ) from died  # fmt: skip
        rest = batch[done:]
        if len(batch) == 1:
            self._take(batch[0], rows, "the reader crashed over this directory")
            return
        for one in rest:
            self._list([one])

    def _take(self, place_: tuple[int, int, bool, bool], rows: list[Row], problem: str | None) -> None:
        inode, parent, deleted, orphan = place_
        if problem is not None:
            self._problem(parent, problem)
        for row in rows:
            if row.meta is not None and row.meta[0] == 11:
                if self._orphans and row.name == "$OrphanFiles" and row.inode not in self._seen:
                    self._seen.add(row.inode)
                    number = self._maker.orphanage(row, parent)
                    self._later.append((row.inode, number, True, True))
                continue
            number = self._maker.entry(row, parent, deleted=deleted, orphan=orphan)
            goes_on = self._maker.last_kind == kinds.DIRECTORY and not self._maker.last_state & (
                kinds.REUSED | kinds.UNREAD
            )
            if goes_on and row.inode not in self._seen:
                gone = bool(self._maker.last_state & kinds.DELETED)
                if not gone:
                    self._seen.add(row.inode)
                (self._later if gone else self._waiting).append((row.inode, number, gone, orphan))
                if gone:
                    self._seen.add(row.inode)
        self._listed += 1
        total = None if self._total is None else max(self._total, self._maker.count)
        self._reporter.update(self._maker.count, total, "files", f"{self._listed} directories")

    # --- the end

    def _needed(self, layout: Layout | None, touched: RangeSet) -> RangeSet:
        """The library reads in chunks of 64 KiB: what of ``touched`` is a structure that it needed."""
        if layout is None or not touched:
            return touched
        return touched.intersect(layout.metadata.union(self._writer.places_of((DIRECTORY, META, SYSTEM))))

    def _problem(self, entry: int, message: str) -> None:
        self._problem_count += 1
        if len(self._problems) < _MAX_PROBLEMS:
            self._problems.append([entry, message])

    def _finish(self, layout: Layout | None) -> Built:
        facts, maker = self._reader.facts, self._maker
        touched = self._needed(layout, self._reader.touched)
        size = layout.size if layout is not None else min(self._source.size, facts.blocks * facts.block_size)
        sets = {"touched": touched, "holes": self._source.holes, "metadata": RangeSet()}
        if layout is not None:
            sets |= {"metadata": layout.metadata, "unknown": layout.unknown, "bad": layout.bad, "tail": layout.tail}
            if layout.free is not None:
                sets["free"] = layout.free
        built = Built(facts.family, maker.count, maker.files, maker.directories, maker.deleted, touched.total,
                      self._problem_count)  # fmt: skip
        told = {
            "version": VERSION, "family": facts.family, "block_size": facts.block_size, "uuid": facts.uuid,
            "unit": layout.unit if layout is not None else facts.block_size, "size": size,
            "volume_size": self._source.size, "made": time.time(), "orphans": self._orphans, "about": self._about,
            "problems": self._problems, "counts": built.to_json(), "restarts": self._deaths,
            "copies": [[copy.what, mended.total] for copy, mended in self._source.used],
        }  # fmt: skip
        areas = [] if layout is None else [(area.start, area.end, area.what) for area in layout.areas]
        self._writer.finish(told, areas, sets)
        return built


def _runs(row: Row, block: int) -> Runs:
    """Where an own file lies: its unnamed data stream, or the named ``$Bad`` of ``$BadClus`` (placed blocks only)."""
    found: list[tuple[int, int]] = []
    for stream in row.streams:
        if stream.flags & 4 or (stream.type not in (1, 128, 4352) or (stream.name and stream.name != "$Bad")):
            continue
        found += [(address * block, count * block) for _at, address, count, flags in stream.runs if not flags & 3]
    return found


