"""Searching a source for volumes that no table names."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import DamagedError
from engine.partitions.peek import Peek
from engine.partitions.read import tables_of
from engine.partitions.search.collect import MARKS, Candidate, Collector
from engine.partitions.search.judge import Disk, Recognised, judge
from engine.partitions.search.model import FoundTable, SearchResult
from engine.partitions.search.scanner import Scanner
from engine.partitions.search.tables import TABLE_MARKS, TableCollector
from engine.partitions.search.walk import Boundaries, Unread, probe, sweep
from engine.progress import SILENT, Reporter, check
from engine.source import Source

Checkpoint = Callable[[dict[str, Any]], object]
_CHECKPOINT_S = 5.0
_VERSION = 1


class _Search:
    """One search: the scanner, what it gathered, and how it goes on after a stop."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.peek = Peek(source)
        self.scanner = Scanner([*MARKS, *TABLE_MARKS])
        self.collector = Collector(self.peek)
        self.tables = TableCollector(self.peek)
        self.unread = Unread()
        self.position = 0
        self.fresh: list[Candidate] = []

    def found(self, index: int, position: int) -> None:
        if index < len(MARKS):
            self.fresh += self.collector.add(index, position)
        else:
            self.tables.add(index - len(MARKS), position)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": _VERSION, "size": self.source.size, "position": self.position,
            "candidates": self.collector.to_json(), "tables": self.tables.to_json(),
            "unread": self.unread.ranges, "unread_bytes": self.unread.total, "dropped": self.collector.dropped,
        }  # fmt: skip

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Raises ``DamagedError`` when it was kept for another source or by another version."""
        if saved.get("version") != _VERSION or saved.get("size") != self.source.size:
            raise DamagedError("what was kept of this search does not fit the source", code="search-state",
                               advice="start the search anew")  # fmt: skip
        self.position = int(saved["position"])
        self.collector.restore(saved["candidates"])
        self.collector.dropped = int(saved["dropped"])
        self.tables.restore(saved["tables"])
        self.unread = Unread([(int(low), int(high)) for low, high in saved["unread"]], int(saved["unread_bytes"]))


def search(
    source: Source,
    *,
    deep: bool = False,
    reporter: Reporter = SILENT,
    saved: Mapping[str, Any] | None = None,
    checkpoint: Checkpoint | None = None,
    sector_size: int | None = None,
) -> SearchResult:
    """Find volumes and tables.

    Quick: where partitions begin (every MiB and cylinder that no volume covers, ends of volumes, what the tables on
    the disk name). ``deep``: every sector of 512 bytes. Holes of the source are skipped and reported. A deep search
    calls ``checkpoint`` every few seconds with a JSON value from which ``saved`` goes on. Raises ``CancelledError`` on
    request (after a checkpoint), ``ReadError`` when the device is gone.
    """
    work = _Search(source)
    tree = tables_of(work.peek, sector_size=sector_size)
    unit = sector_size or tree.sector_size
    present = tuple((node.start, node.size) for node in tree.partitions() if node.kind in ("primary", "logical"))
    if deep:
        if saved is not None:
            work.restore(saved)
        _deep(work, reporter, checkpoint)
    else:
        _quick(work, [place for start, size in present for place in (start, start + size)], reporter)
    reporter.update(source.size, source.size, "B", "verifies what was found")
    recognised: list[Recognised] = []
    for candidate in work.collector.candidates():
        check(reporter)
        volume = work.collector.examine(candidate)
        if volume is not None:
            recognised.append((volume, candidate))
    disk = Disk(source.size, unit, present, tree.scheme == "none")
    tables = _marked(work.tables.tables(unit, {volume.start for volume, _ in recognised}), present)
    return SearchResult(
        deep, source.size, unit, work.position, tuple(judge(recognised, tables, disk)), tuple(tables),
        tuple(work.unread.ranges), work.unread.total, work.collector.dropped,
    )  # fmt: skip


def _deep(work: _Search, reporter: Reporter, checkpoint: Checkpoint | None) -> None:
    kept = time.monotonic()
    try:
        for position in sweep(
            work.source, work.scanner, work.found, work.unread, start=work.position, reporter=reporter
        ):
            work.position = position
            work.fresh.clear()
            reporter.update(position, work.source.size, "B", "searches every sector")
            if checkpoint is not None and time.monotonic() - kept >= _CHECKPOINT_S:
                checkpoint(work.to_json())
                kept = time.monotonic()
    finally:
        if checkpoint is not None:
            checkpoint(work.to_json())


def _quick(work: _Search, known: list[int], reporter: Reporter) -> None:
    """Volumes are looked at as they are found: no regular place inside a good one is looked at, but its end is."""
    size = work.source.size
    boundaries = Boundaries(size, known)
    while places := boundaries.batch():
        check(reporter)
        probe(work.source, work.scanner, work.found, places)
        for candidate in work.fresh:
            volume = work.collector.examine(candidate)
            if volume is None or not volume.trusted or volume.size is None:
                continue
            boundaries.add(volume.start + volume.size)
            boundaries.add(volume.start + volume.size + volume.tail)
            if not volume.by_backup and volume.start <= places[-1]:
                boundaries.skip(volume.start + volume.size)
        work.fresh.clear()
        work.position = max(work.position, min(places[-1], size))
        reporter.update(work.position, size, "B", "looks where partitions begin")
    for low, high in work.source.holes:
        work.unread.add(low, high)


def _marked(tables: list[FoundTable], present: tuple[tuple[int, int], ...]) -> list[FoundTable]:
    """Tables that say what the present ones say."""
    from dataclasses import replace

    named = set(present)
    return [
        replace(table, present=all((entry.start, entry.size) in named for entry in table.entries)) for table in tables
    ]
