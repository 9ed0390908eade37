"""A plain folder with IFO and VRO files, read as one source: its files one after the other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.dvr.disk import Disk
from engine.dvr.dvdvr.files import pairs, read_titles, role_of
from engine.dvr.model import Extent, Finding, RecorderFile, Recordings
from engine.errors import NotFoundError, UsageError
from engine.source import FileSource, Source, SplitSource

ENDINGS = ("IFO", "BUP", "VRO")
_MAX_FILES = 5000
_MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the folder: its path below it, where it begins in the source, its size and change time."""

    path: str
    start: int
    size: int
    modified: datetime


class FolderSource(SplitSource):
    """IFO, BUP and VRO files of a folder and those below it (symbolic links are not followed)."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        opened: list[Source] = []
        members: list[Member] = []
        start = 0
        try:
            for path in found_files(Path(folder)):
                file = FileSource(path)
                opened.append(file)
                modified = datetime.fromtimestamp(path.stat().st_mtime)  # noqa: DTZ006 - shown as local time
                members.append(Member(str(path.relative_to(folder)), start, file.size, modified))
                start += file.size
            if not opened:
                raise NotFoundError(
                    "no IFO or VRO file in that folder", path=folder,
                    advice="name the folder that holds DVD_RTAV, or the disk's image",
                )  # fmt: skip
        except BaseException:
            for source in opened:
                source.close()
            raise
        super().__init__(opened, os.fspath(folder))
        self.members = tuple(members)


def found_files(folder: Path) -> list[Path]:
    """The files that count, in order of their paths."""
    if not folder.is_dir():
        raise UsageError("it is not a folder", path=folder)
    found: list[Path] = []
    base = len(folder.parts)
    for root, folders, names in os.walk(folder):
        if len(Path(root).parts) - base >= _MAX_DEPTH:
            folders.clear()
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix[1:].upper() in ENDINGS and path.is_file() and not path.is_symlink():
                found.append(path)
        if len(found) > _MAX_FILES:
            break
    return found[:_MAX_FILES]


def probe(source: Source) -> list[Finding]:
    """A finding when it is a folder with management files or VROs."""
    if not isinstance(source, FolderSource):
        return []
    names = [member.path for member in source.members]
    found = [pair for pair in pairs(_files(source)) if pair.video or pair.ifo or pair.backup]
    reasons = tuple(f"{role_of(name)} {name}" for name in names[:8])
    whole = any(pair.video and (pair.ifo or pair.backup) for pair in found)
    return [Finding("dvd-vr", "folder", "DVD-VR files in a folder", 0.95 if whole else 0.6, reasons)] if found else []


def read(source: Source, finding: Finding) -> Recordings:
    """The titles of the folder."""
    if not isinstance(source, FolderSource):
        raise UsageError("it is not a folder")
    disk = Disk(source)
    files = _files(source)
    titles, label = read_titles(disk, files, one_volume=True)
    return Recordings(finding, tuple(titles), tuple(files), disk.structures, tuple(disk.problems), label)


def _files(source: FolderSource) -> list[RecorderFile]:
    from engine.text import safe_text

    return [
        RecorderFile(safe_text(member.path), (Extent(member.start, member.size),) if member.size else (),
                     member.size, member.modified, role_of(member.path))
        for member in source.members
    ]  # fmt: skip
