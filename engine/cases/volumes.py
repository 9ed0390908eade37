"""The volumes of a source, one chosen, and the index of its files: where it is kept, made when it is not there."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cases.case import is_case, load_case
from engine.cases.opening import open_source
from engine.errors import DamagedError, NotFoundError, OutsideError, UsageError
from engine.progress import SILENT, Reporter
from engine.source import Source, WindowSource
from engine.text import format_size, parse_size

if TYPE_CHECKING:
    from engine.filesystems.index import Index
    from engine.partitions.model import Node, Tree
    from engine.ranges import RangeSet

READABLE = frozenset({"fat12", "fat16", "fat32", "exfat", "ntfs", "ext2", "ext3", "ext4", "hfsplus", "hfsx", "iso9660"})
"""Kinds of volumes whose files can be read. One that was not recognised is tried; all others are refused."""
RECORDERS = frozenset({"udf-swapped", "udf-bare", "meihdfs", "pioneer", "tivo", "topfield", "hikvision", "dhfs", "wfs"})
"""Kinds of volumes that hold recordings instead."""
_FORCED = {"hfsplus": "HFS", "hfsx": "HFS", "iso9660": "ISO9660"}
_SMALL = 1 << 16
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class VolumeAt:
    """A volume of a disk. ``start``, ``size`` in bytes; ``number`` counts from 1 in the order shown; ``partition`` as
    Linux counts. ``why_not`` says why its files cannot be read, or None."""

    number: int
    start: int
    size: int
    kind: str
    title: str
    label: str
    partition: int | None
    why_not: str | None = None


def volumes_of(tree: Tree) -> list[VolumeAt]:
    """Every partition that may hold files, recognised or not."""
    found: list[VolumeAt] = []
    for node in tree.partitions():
        if node.kind not in ("primary", "logical", "volume") or node.size <= _SMALL:
            continue
        found.append(_volume(len(found) + 1, node, tree.size))
    return found


def _volume(number: int, node: Node, disk: int) -> VolumeAt:
    from engine.partitions.volumes.kinds import title

    volume = node.filesystem
    kind = volume.kind if volume is not None else ""
    name = title(kind) if kind else "not recognised"
    why = None
    if kind and kind not in READABLE:
        why = f"files of {name} cannot be read: The Sleuth Kit does not know it"
        if kind in RECORDERS:
            why = f"{name} holds recordings, not files: use rescuedeck dvr"
    size = max(0, min(node.size, disk - node.start))
    return VolumeAt(number, node.start, size, kind, name, volume.label if volume is not None else "", node.index, why)


def list_volumes(source: Source) -> list[VolumeAt]:
    """The volumes of a source; a source that is none of all that counts as one volume that may hold something."""
    from engine.partitions.read import read_tree

    found = volumes_of(read_tree(source))
    return found or [VolumeAt(1, 0, source.size, "", "not recognised", "", None)]


def choose_volume(volumes: list[VolumeAt], wanted: str | int | None) -> VolumeAt:
    """By its number, or by where it begins (``1048576``, ``2048s``); without a wish the only readable one.

    Raises ``UsageError`` when that does not name one, ``DamagedError`` when its files cannot be read.
    """
    readable = [volume for volume in volumes if volume.why_not is None and volume.kind] or [
        volume for volume in volumes if volume.why_not is None
    ]
    if wanted is None:
        if len(readable) == 1:
            return readable[0]
        if not readable:
            raise DamagedError(volumes[0].why_not or "there is no volume", code="unreadable-filesystem")
        listed = "; ".join(f"{one.number}: {one.title}, {format_size(one.size)} at {one.start}" for one in volumes)
        raise UsageError("there are several volumes", code="which-volume", advice=f"--volume N ({listed})")
    value = wanted if isinstance(wanted, int) else parse_size(wanted)
    for volume in volumes:
        if value == volume.start or (value == volume.number and not any(one.start == value for one in volumes)):
            if volume.why_not is not None:
                raise DamagedError(volume.why_not, code="unreadable-filesystem", offset=volume.start)
            return volume
    raise UsageError(f"there is no volume {wanted}", code="which-volume",
                     advice="rescuedeck fs volumes lists them")  # fmt: skip


def forced_kind(volume: VolumeAt) -> str | None:
    """What the library must be told, where two file systems share a volume (HFS+ with ISO 9660)."""
    return _FORCED.get(volume.kind)


def index_place(source: str | os.PathLike[str], volume_start: int, window_start: int = 0) -> Path | None:
    """Where the index of a volume belongs: in the case, or in a folder beside the image; None for a device."""
    name = f"volume-{window_start + volume_start}.sqlite"
    if is_case(source):
        return load_case(source).directory / "index" / name
    path = Path(source).absolute()
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
    except OSError:
        return None
    return path.with_name(path.name + ".index") / name


@dataclass(frozen=True, slots=True)
class OpenVolume:
    """A volume with its index. ``source`` is the volume alone, with the holes of now; ``disk`` what it lies on."""

    volume: VolumeAt
    disk: Source
    source: Source
    index: Index
    made: bool

    @property
    def holes(self) -> RangeSet:
        """Bytes of the volume that nobody has read."""
        return self.source.holes

    @property
    def stale(self) -> bool:
        """Another walk would find more: what the last one lacked has been read since."""
        return not self.made and self.index.is_stale(self.source.holes)


@contextmanager
def open_volume(
    where: str | os.PathLike[str], *, map: str | os.PathLike[str] | None = None,
    window: tuple[int, int] | None = None, volume: str | int | None = None, index: Path | None = None,
    again: bool = False, make: bool = True, orphans: bool | None = None, reporter: Reporter = SILENT,
) -> Iterator[OpenVolume]:  # fmt: skip
    """Open a volume and its index; the index is made when it is not there, is of something else, or ``again``.

    ``make`` False refuses to make it (``NotFoundError``). The index of a device without ``index`` is kept only while
    this is open. Raises ``RescueError``.
    """
    with open_source(where, map=map, window=window) as disk:
        chosen = choose_volume(list_volumes(disk), volume)
        with _window(disk, chosen) as source, _place(where, chosen, window, index) as path:
            opened, made = _index(path, source, chosen, again, make, orphans, reporter)
            with opened:
                yield OpenVolume(chosen, disk, source, opened, made)


class _Kept(WindowSource):
    def close(self) -> None:
        """The disk stays open: its owner closes it."""


def _window(disk: Source, volume: VolumeAt) -> Source:
    return _Kept(disk, volume.start, min(volume.size, disk.size - volume.start))


@contextmanager
def _place(
    where: str | os.PathLike[str], volume: VolumeAt, window: tuple[int, int] | None, index: Path | None
) -> Iterator[Path]:
    path = index or index_place(where, volume.start, window[0] if window else 0)
    if path is not None and os.access(_existing(path.parent), os.W_OK | os.R_OK):
        yield path
        return
    if index is not None:
        raise OutsideError("the index cannot be kept there", code="permission", path=index)
    with tempfile.TemporaryDirectory(prefix="rescuedeck-files-") as folder:
        yield Path(folder) / "volume.sqlite"


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _index(
    path: Path, source: Source, volume: VolumeAt, again: bool, make: bool, orphans: bool | None, reporter: Reporter
) -> tuple[Index, bool]:
    from engine.filesystems.build import build
    from engine.filesystems.index import Index

    if not again or not make:
        try:
            found = Index(path)
            same = is_index_of(found, source, volume)
            if same and (orphans is None or found.facts.get("orphans") == orphans):
                return found, False
            found.close()
        except (NotFoundError, DamagedError):
            if not make:
                raise
    if not make:
        raise NotFoundError("the index is of another volume", code="no-index", path=path, advice="make it again")
    about = {"start": volume.start, "head": _head(source)}
    build(source, path, orphans=orphans, reporter=reporter, about=about, kind=forced_kind(volume))
    return Index(path), True


def is_index_of(index: Index, source: Source, volume: VolumeAt) -> bool:
    """Whether an index was made of this volume: it begins at the same place with the same bytes (or, where these were
    never read, has the same size: a map can make a source longer than its image)."""
    about = index.facts.get("about", {})
    if about.get("start") != volume.start:
        return False
    head, now = about.get("head"), _head(source)
    if head is None or now is None:
        return index.facts.get("volume_size") == source.size
    return bool(head == now)


def _head(source: Source) -> str | None:
    from engine.source.base import ReadError

    try:
        reading = source.read(0, min(_HEAD, source.size))
    except ReadError:
        return None
    return hashlib.sha256(reading.data).hexdigest() if reading.whole else None
