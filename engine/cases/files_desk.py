"""The files of an image for a screen: one volume, its index, what the map of now says; everything as frozen values.

Made for image files and cases; devices are read in jobs only. Methods may be called from background threads.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from engine.cases.case import is_case, load_case
from engine.cases.damage import Damage, MadeDomain, damage, make_domain
from engine.cases.opening import open_source
from engine.cases.subject import Subject
from engine.cases.volumes import OpenVolume, VolumeAt, index_place, is_index_of, list_volumes
from engine.errors import DamagedError, NotFoundError, RefusedError
from engine.filesystems import kinds
from engine.filesystems.content import Contents
from engine.filesystems.hits import overwritten
from engine.filesystems.index import Entry, Index
from engine.filesystems.media import KNOWN, seconds
from engine.filesystems.pick import Wish
from engine.filesystems.preview import Look, look
from engine.ranges import RangeSet
from engine.source import Source, WindowSource

View = Literal["tree", "hit", "deleted", "search"]
_MAX_BUBBLED = 200_000
_MAX_LISTED = 200_000


@dataclass(frozen=True, slots=True)
class Health:
    """What the map says of an entry: ``missing`` bytes of it (of a directory: of what lies below), ``files`` below that
    are hit, ``unread`` bytes of the directory itself."""

    missing: int = 0
    files: int = 0
    unread: int = 0


NO_LACK = Health()


@dataclass(frozen=True, slots=True)
class Overview:
    """The volume as a whole; None in ``damage`` while there is no map."""

    volume: VolumeAt
    family: str
    size: int
    counts: dict[str, Any]
    problems: tuple[tuple[int, str], ...]
    mapped: bool
    stale: bool
    damage: Damage
    health: dict[int, Health] = field(repr=False)
    copies: tuple[tuple[str, int], ...] = ()
    index: Path | None = None

    def of(self, entry: Entry) -> Health:
        """The health of an entry."""
        return self.health.get(entry.holder, NO_LACK)


@dataclass(frozen=True, slots=True)
class Details:
    """All about one entry. ``places``: (position in the file, on the disk or None, bytes) of the first ones."""

    entry: Entry
    path: str
    health: Health
    ranges: RangeSet
    places: tuple[tuple[int, int | None, int], ...]
    place_count: int
    free: tuple[int, int] | None
    seconds: float | None
    other_names: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries of a view; ``paths`` by number for flat ones, ``trail`` the directory's own for a tree."""

    entries: tuple[Entry, ...]
    paths: dict[int, str] = field(repr=False)
    trail: str


def volumes(subject: Subject) -> list[VolumeAt]:
    """The volumes of an image. Raises ``RescueError``."""
    _refuse_device(subject)
    with open_source(subject.path, map=subject.map) as source:
        return list_volumes(source)


def _refuse_device(subject: Subject) -> None:
    image = subject.image
    if image.exists() and stat.S_ISBLK(os.stat(image).st_mode):
        raise RefusedError(
            "files are shown of images, not of devices", code="device", path=image,
            advice="image the device first; rescuedeck fs reads a device on the command line",
        )  # fmt: skip


class _Kept(WindowSource):
    def close(self) -> None:
        """The disk is closed by who opened it."""


class FilesDesk:
    """One volume of a subject."""

    def __init__(self, subject: Subject, volume: VolumeAt) -> None:
        _refuse_device(subject)
        self.subject, self.volume = subject, volume
        self._index: Index | None = None
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._overview: Overview | None = None

    @property
    def index_path(self) -> Path:
        """Where the index belongs."""
        path = index_place(self.subject.path, self.volume.start)
        assert path is not None
        return path

    def job_arguments(self) -> dict[str, Any]:
        """What the jobs over this volume are told."""
        return {
            "source": os.path.abspath(self.subject.path),
            "map": None if self.subject.map is None else os.path.abspath(self.subject.map), "window": None,
            "volume": self.volume.start, "index": str(self.index_path.absolute()),
        }  # fmt: skip

    def close(self) -> None:
        """Give the index back."""
        with self._lock:
            if self._index is not None:
                self._index.close()
                self._index = None

    def refresh(self) -> Overview | None:
        """What the index and the map of now say; None while there is no index of this volume."""
        with self._lock, self._open() as opened:
            if opened is None:
                return None
            told = damage(opened)
            index = opened.index
            mapped = self.subject.map_path is not None
            self._overview = Overview(
                self.volume, index.family, index.size, index.counts, tuple(index.problems), mapped, opened.stale, told,
                self._health(index, told), tuple((str(a), int(b)) for a, b in index.facts["copies"]), index.file,
            )  # fmt: skip
            return self._overview

    @contextmanager
    def _open(self) -> Iterator[OpenVolume | None]:
        """The volume with its index; the caller holds the lock."""
        path = self.index_path
        try:
            facts = os.stat(path)
            now = (facts.st_ino, facts.st_mtime_ns)
        except OSError:
            now = None
        if now is None:
            yield None
            return
        with open_source(self.subject.path, map=self.subject.map) as disk:
            size = min(self.volume.size, disk.size - self.volume.start)
            source: Source = _Kept(disk, self.volume.start, size)
            if self._index is None or self._stamp != now:
                if self._index is not None:
                    self._index.close()
                self._index = None
                try:
                    index = Index(path)
                except (NotFoundError, DamagedError):
                    yield None
                    return
                if not is_index_of(index, source, self.volume):
                    index.close()
                    yield None
                    return
                self._index, self._stamp = index, now
            yield OpenVolume(self.volume, disk, source, self._index, made=False)

    @contextmanager
    def _known(self) -> Iterator[Index]:
        """The index alone, as it was at the last look: the image is not touched."""
        with self._lock:
            if self._index is not None and self._overview is not None:
                yield self._index
                return
        with self._needed() as opened:
            yield opened.index

    @contextmanager
    def _needed(self) -> Iterator[OpenVolume]:
        with self._lock, self._open() as opened:
            if opened is None:
                raise NotFoundError("there is no index of these files yet", code="no-index", advice="make it first")
            yield opened

    # --- lists

    def listing(self, view: View, directory: int = 1, words: str = "") -> Listing:
        """The entries of a view, ready to show. Raises ``RescueError``."""
        with self._known() as index:
            if view == "tree":
                return Listing(tuple(index.children(directory)), {}, "/" + index.path(index.entry(directory)))
            if view == "search":
                found = index.search(words)
            elif view == "deleted":
                where = f"WHERE state & {kinds.DELETED} AND kind IN ({kinds.FILE}, {kinds.STREAM}) AND size > 0"
                found = list(islice(index.everything(where), _MAX_LISTED))
            else:
                found = self._hit(index)
            return Listing(tuple(found), {entry.id: index.path(entry) for entry in found}, "")

    def _hit(self, index: Index) -> list[Entry]:
        """Directories that lack entries, names whose records were never read, then files by what they lack."""
        if self._overview is None:
            return []
        hits = self._overview.damage.hits
        owners = [*hits.directories.tolist(), *index.unread(), *hits.owners.tolist()][:_MAX_LISTED]
        found = index.entries(owners)
        return [found[owner] for owner in dict.fromkeys(owners) if owner in found]

    def path(self, entry: Entry) -> str:
        """Its path on the volume, not safe to print."""
        with self._known() as index:
            return index.path(entry)

    def parent(self, number: int) -> Entry:
        """The directory that an entry is in."""
        with self._known() as index:
            return index.entry(index.entry(number).parent or 1)

    def details(self, entry: Entry) -> Details:
        """All about one."""
        with self._known() as index:
            overview = self._overview
            pieces = index.pieces(entry)
            base = self.volume.start
            places = tuple(
                (piece.position, base + piece.start if piece.start >= 0 else None, piece.span) for piece in pieces[:4]
            )
            plain = overview is not None and not entry.is_directory
            lacking = overview.damage.ranges(entry) if overview is not None and plain else RangeSet()
            health = overview.of(entry) if overview is not None else NO_LACK
            share = overwritten(index, entry) if entry.deleted else None
            found = Details(entry, index.path(entry), health, lacking, places, len(pieces), share, None,
                            len(index.twins(entry.holder)), entry.problem)  # fmt: skip
        extension = entry.name.rpartition(".")[2].lower()
        if extension not in KNOWN or not entry.size or not lacking:
            return found
        with self._needed() as opened, Contents(opened.index, opened.source) as contents:
            time = seconds(contents.open(entry), extension)
        return found if time is None else replace(found, seconds=time * lacking.total / entry.size)

    def preview(self, entry: Entry, width: int, height: int) -> Look:
        """A look into a file. Raises ``RescueError``."""
        with self._needed() as opened, Contents(opened.index, opened.source) as contents:
            return look(contents.open(entry), width, height)

    # --- what must be read first

    def domain(self, wish: Wish, path: Path) -> MadeDomain:
        """Save a domain map; an older one of that name is kept as ``NAME.1``."""
        with self._needed() as opened:
            return make_domain(opened, wish, path, force=path.exists())

    @property
    def default_domain(self) -> Path:
        """Where a domain map goes when nobody says otherwise."""
        if is_case(self.subject.path):
            return load_case(self.subject.path).directory / "first.map"
        return self.subject.path.with_name(self.subject.path.name + ".first.map")

    # --- health of directories

    def _health(self, index: Index, told: Damage) -> dict[int, Health]:
        hits = told.hits
        found: dict[int, Health] = {}
        if len(hits) <= _MAX_BUBBLED:
            parents = index.parents(hits.owners.tolist())
            level: dict[int, list[int]] = {}
            for owner, amount in zip(hits.owners.tolist(), hits.bytes.tolist(), strict=True):
                found[owner] = Health(missing=amount)
                parent = parents.get(owner, 0)
                if parent:
                    sums = level.setdefault(parent, [0, 0])
                    sums[0] += amount
                    sums[1] += 1
            self._rise(index, level, found)
        else:
            for owner, amount in zip(hits.owners.tolist(), hits.bytes.tolist(), strict=True):
                found[owner] = Health(missing=amount)
        for owner, amount in zip(hits.directories.tolist(), hits.directory_bytes.tolist(), strict=True):
            before = found.get(owner, NO_LACK)
            found[owner] = Health(before.missing, before.files, amount)
        return found

    def _rise(self, index: Index, level: dict[int, list[int]], found: dict[int, Health]) -> None:
        """Sums of what is below, one storey after the other up to the root."""
        for _ in range(400):
            if not level:
                return
            above: dict[int, list[int]] = {}
            parents = index.parents(level)
            for number, (missing, files) in level.items():
                before = found.get(number, NO_LACK)
                found[number] = Health(before.missing + missing, before.files + files, before.unread)
                parent = parents.get(number, 0)
                if parent:
                    sums = above.setdefault(parent, [0, 0])
                    sums[0] += missing
                    sums[1] += files
            level = above
