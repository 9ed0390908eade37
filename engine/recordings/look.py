"""The recordings of an image, a case, a folder or a device: opened read-only, read, closed again."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cases import is_case, load_case, open_source
from engine.cases.subject import Subject
from engine.errors import NotFoundError, RefusedError, outside
from engine.progress import SILENT, Reporter

if TYPE_CHECKING:
    from engine.dvr import Finding, Recordings, Title
    from engine.source import Source


@dataclass(frozen=True, slots=True)
class Place(Subject):
    """A case, an image, a device, or a folder of a recorder's own files."""

    def arguments(self) -> dict[str, Any]:
        """As a job takes it."""
        return {
            "source": os.path.abspath(self.path), "map": None if self.map is None else os.path.abspath(self.map),
            "window": None if self.window is None else list(self.window),
        }  # fmt: skip

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> Place:
        """From a job's arguments."""
        window = arguments.get("window")
        map_ = arguments.get("map")
        return cls(
            Path(str(arguments["source"])), None if map_ is None else Path(str(map_)),
            None if window is None else (int(window[0]), int(window[1])),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Looked:
    """All ways to understand the disk, the recordings under the chosen one, and what nobody has read.

    ``unread_structures``: bytes of the directory that nobody has read; ``size`` of the source."""

    findings: tuple[Finding, ...]
    recordings: Recordings
    size: int
    unread: int
    unread_structures: int
    mapped: bool


@contextmanager
def opened(place: Place, *, devices: bool = True) -> Iterator[Source]:
    """The source, closed at the end. ``devices`` False refuses a block device (the screens' rule)."""
    path = load_case(place.path).image if is_case(place.path) else place.path
    if is_case(place.path) and not path.exists():
        raise NotFoundError(
            "nothing of the disk was rescued yet", code="not-rescued", path=path,
            advice="rescue it first; V on the devices screen, or rescuedeck dvr list, looks at the drive itself",
        )  # fmt: skip
    if not devices:
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise outside(error, "cannot open the image", path) from error
        if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
            raise RefusedError(
                "a device is read in a process of its own only", code="device", path=path,
                advice="image the device first; rescuedeck dvr reads a device on the command line",
            )  # fmt: skip
    with _open(place, path) as source:
        yield source


def _open(place: Place, path: Path) -> Source:
    if not is_case(place.path) and path.is_dir():
        from engine.dvr.folder import FolderSource

        return FolderSource(path)
    return open_source(place.path, map=place.map, window=place.window)


def look(
    place: Place, *, variant: int = 0, deep: bool = False, devices: bool = True, reporter: Reporter = SILENT
) -> Looked:
    """Probe and read; ``variant`` chooses another finding than the best. Raises ``NotFoundError``, ``RescueError``."""
    from engine.dvr import probe, read

    with opened(place, devices=devices) as source:
        findings = probe(source, deep=deep, reporter=reporter)
        if not findings:
            raise NotFoundError(
                "no recorder's file system is on it", path=place.path,
                advice="the clock scan finds recordings without one (rescuedeck dvr scan)",
            )  # fmt: skip
        recordings = read(source, findings[min(variant, len(findings) - 1)], deep=deep, reporter=reporter)
        holes = source.holes
        structures = recordings.structures.intersect(holes).total
        return Looked(tuple(findings), recordings, source.size, holes.total, structures, place.mapped)


def place_of(title: Title, position: int) -> int | None:
    """Where on the disk a byte of a title's content stands; None where it has no place."""
    from engine.source import BytesSource, ExtentSource

    content = ExtentSource(BytesSource(b""), title.extents)
    return next((below for _, below, _ in content.runs(position, 1)), None) if position < content.size else None
