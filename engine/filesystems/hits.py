"""Files hit: what the holes of a map cost, by file, by own structure, by free space; the sums add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.filesystems import kinds
from engine.filesystems.index import Entry, Index
from engine.filesystems.join import missing, touched
from engine.filesystems.places import CONTENT, DELETED, DIRECTORY, LOST, PACKED, SLACK
from engine.ranges import RangeSet

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hit:
    """A file with missing bytes. ``lost`` of them have no known place; ``missing`` counts these too."""

    entry: Entry
    path: str
    missing: int

    @property
    def whole(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class Classes:
    """Missing bytes of the volume, each counted once: ``holes`` is the sum of the others.

    ``own``: the file system's structures and directories. ``free`` is None (and 0 in the sum) where the family does not
    tell it; ``unknown`` may be free or not; ``other`` is allocated but no file's: slack, and what no directory names.
    """

    holes: int
    content: int
    own: int
    free: int | None
    unknown: int
    other: int


@dataclass(frozen=True, slots=True)
class Hits:
    """Bytes that nobody has read, by what they are.

    ``owners`` and ``bytes``: entries with missing bytes and how many each, most first (files and streams; other names
    of one file are not counted again). ``directories`` and ``deleted`` are the same for these. ``lost``: bytes of files
    whose places are not known; ``slack``: of blocks behind the ends of files; ``outside``: behind the file system.
    """

    owners: Int64s
    bytes: Int64s
    directories: Int64s
    directory_bytes: Int64s
    deleted: Int64s
    deleted_bytes: Int64s
    classes: Classes
    slack: int
    lost: int
    outside: int

    def __len__(self) -> int:
        return int(self.owners.size)

    @property
    def missing(self) -> int:
        """Missing bytes of all files."""
        return int(self.bytes.sum())


def files_hit(index: Index, holes: RangeSet) -> Hits:
    """What ``holes`` (bytes of the volume that nobody has read) cost."""
    import numpy as np

    places = index.places
    volume = holes.clip(0, index.size)
    chosen = touched(places.start, places.reach, volume) if volume else np.zeros(0, np.int64)
    lack = missing(places.start[chosen], places.size[chosen], volume)
    chosen, lack = chosen[lack > 0], lack[lack > 0]
    kind = places.kind[chosen]
    plain = kind == CONTENT
    owners, amounts = [places.owner[chosen[plain]]], [lack[plain]]
    packed = chosen[kind == PACKED]
    if packed.size:
        unit = np.unique(np.stack((places.owner[packed], places.position[packed], places.span[packed])), axis=1)
        owners.append(unit[0])
        amounts.append(unit[2])
    lost = index.lost()
    if lost:
        both = np.array(lost, np.int64)
        owners.append(both[:, 0])
        amounts.append(both[:, 1])
    files, bytes_ = _summed(np.concatenate(owners), np.concatenate(amounts))
    of_directory, of_deleted = kind == DIRECTORY, kind == DELETED
    directories, directory_bytes = _summed(places.owner[chosen[of_directory]], lack[of_directory])
    deleted, deleted_bytes = _summed(places.owner[chosen[of_deleted]], lack[of_deleted])
    return Hits(
        files, bytes_, directories, directory_bytes, deleted, deleted_bytes, _classes(index, volume),
        slack=int(lack[kind == SLACK].sum()), lost=sum(n for _, n in lost), outside=holes.total - volume.total,
    )  # fmt: skip


def _classes(index: Index, volume: RangeSet) -> Classes:
    content = volume.intersect(index.content)
    rest = volume.subtract(content)
    own = rest.intersect(index.own)
    rest = rest.subtract(own)
    if index.free is None:
        return Classes(volume.total, content.total, own.total, None, rest.total, 0)
    free = rest.intersect(index.free)
    rest = rest.subtract(free)
    unknown = rest.intersect(index.ranges("unknown") or RangeSet())
    return Classes(
        volume.total, content.total, own.total, free.total, unknown.total, rest.total - unknown.total
    )


def _summed(owners: Int64s, amounts: Int64s) -> tuple[Int64s, Int64s]:
    """Sums by owner, the largest first."""
    import numpy as np

    if not owners.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(owners, kind="stable")
    owners, amounts = owners[order], amounts[order]
    first = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1])))
    sums = np.add.reduceat(amounts, first)
    back = np.argsort(-sums, kind="stable")
    return owners[first][back], sums[back]


def listed(index: Index, owners: Int64s, amounts: Int64s, first: int = 0, count: int | None = None) -> Iterator[Hit]:
    """The entries behind owners, with their paths; a part of them, so that a screen asks for what it shows."""
    stop = owners.size if count is None else min(owners.size, first + count)
    found = index.entries(owners[first:stop].tolist())
    for owner, amount in zip(owners[first:stop].tolist(), amounts[first:stop].tolist(), strict=True):
        entry = found.get(owner)
        if entry is not None:
            size = amount if entry.size is None else min(amount, entry.size)
            yield Hit(entry, index.path(entry), size)


def missing_in(index: Index, entry: Entry, holes: RangeSet) -> RangeSet:
    """Which bytes of a file are missing, as positions in it."""
    pairs: list[tuple[int, int]] = []
    packed = bool(entry.state & kinds.PACKED)
    for piece in index.pieces(entry):
        if piece.start == LOST:
            pairs.append((piece.position, piece.position + piece.span))
        elif piece.start >= 0:
            part = holes.clip(piece.start, piece.start + piece.size)
            if part and packed:
                pairs.append((piece.position, piece.position + piece.span))
            else:
                move = piece.position - piece.start
                pairs += [(low + move, high + move) for low, high in part]
    found = RangeSet(pairs)
    if entry.lost and not found:
        found = RangeSet.of(0, entry.size or 0)
    return found


def overwritten(index: Index, entry: Entry) -> tuple[int, int] | None:
    """Of a deleted file: (bytes of its blocks that are free now, bytes of its blocks); None when free space is not
    known or nothing of its places is."""
    placed = RangeSet((piece.start, piece.start + piece.size) for piece in index.pieces(entry) if piece.start >= 0)
    if index.free is None or not placed:
        return None
    return placed.intersect(index.free).total, placed.total
