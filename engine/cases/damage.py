"""What holes cost the files of an open volume, and what must be read first, as a domain map of the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.cases.volumes import OpenVolume
from engine.errors import RescueError
from engine.filesystems.content import Contents
from engine.filesystems.hits import Hit, Hits, files_hit, listed, missing_in
from engine.filesystems.index import Entry, Index
from engine.filesystems.media import KNOWN, seconds
from engine.filesystems.pick import Wish, seen_from_disk, wanted
from engine.priorities import write_domain
from engine.ranges import RangeSet

_MAX_TIMED = 500


@dataclass(frozen=True, slots=True)
class Damage:
    """What ``holes`` (of the volume) cost. Lists are handed out in parts, most missing bytes first."""

    index: Index
    holes: RangeSet
    hits: Hits

    def files(self, first: int = 0, count: int | None = 100) -> Iterator[Hit]:
        return listed(self.index, self.hits.owners, self.hits.bytes, first, count)

    def directories(self, first: int = 0, count: int | None = 100) -> Iterator[Hit]:
        return listed(self.index, self.hits.directories, self.hits.directory_bytes, first, count)

    def deleted(self, first: int = 0, count: int | None = 100) -> Iterator[Hit]:
        return listed(self.index, self.hits.deleted, self.hits.deleted_bytes, first, count)

    def path(self, number: int) -> str:
        """Of an entry."""
        return self.index.path(self.index.entry(number))

    def ranges(self, entry: Entry) -> RangeSet:
        """Which bytes of a file are missing, as positions in it."""
        return missing_in(self.index, entry, self.holes)


def damage(opened: OpenVolume) -> Damage:
    """By the map of now; the index is used as it is."""
    holes = opened.holes
    return Damage(opened.index, holes, files_hit(opened.index, holes))


def timed(opened: OpenVolume, hits: Iterable[Hit]) -> dict[int, float]:
    """Seconds of playing time that recordings lack (by entry), where their header tells how long they play."""
    found: dict[int, float] = {}
    with Contents(opened.index, opened.source) as contents:
        looked = 0
        for hit in hits:
            extension = hit.entry.name.rpartition(".")[2].lower()
            if extension not in KNOWN or not hit.entry.size:
                continue
            looked += 1
            if looked > _MAX_TIMED:
                break
            try:
                whole = seconds(contents.open(hit.entry), extension)
            except RescueError:
                continue
            if whole is not None:
                found[hit.entry.id] = round(whole * hit.missing / hit.entry.size, 2)
    return found


@dataclass(frozen=True, slots=True)
class MadeDomain:
    """A domain map that was saved. ``wanted``: positions on the disk; ``missing`` bytes of it have not been read."""

    path: Path
    wanted: RangeSet
    missing: int
    size: int


def make_domain(
    opened: OpenVolume, wish: Wish, path: Path, *, force: bool = False, offset: int = 0
) -> MadeDomain:
    """Save what a wish names as a domain map of the disk. ``offset``: where the window that is open begins on it."""
    start = opened.volume.start
    ranges = seen_from_disk(wanted(opened.index, wish), start + offset)
    if wish.what == "metadata":  # and what finds the volume: the partition table
        ranges = ranges.union(RangeSet.of(0, min(start + offset, 1 << 20)))
    size = opened.disk.size + offset
    made = write_domain(path, ranges, size, unit=max(512, opened.disk.sector_size), force=force)
    missing = made.wanted.intersect(opened.disk.holes.shift(offset)).total
    return MadeDomain(path, made.wanted, missing, size)
