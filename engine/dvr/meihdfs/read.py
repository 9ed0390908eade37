"""All files and titles of a MEIHDFS disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.dvr.disk import Disk
from engine.dvr.dvdvr.files import content, looks_like_management, read_titles, role_of, stem_of
from engine.dvr.dvdvr.ifo import parse
from engine.dvr.dvdvr.model import SECTOR
from engine.dvr.meihdfs.directory import names
from engine.dvr.meihdfs.inodes import Inode, place
from engine.dvr.meihdfs.structs import ROOT, SIGNATURE, Version
from engine.dvr.meihdfs.volume import Volume
from engine.dvr.model import Finding, Part, RecorderFile, Recordings, Rung, Title
from engine.dvr.pack import is_pack
from engine.dvr.reused import mark_reused
from engine.errors import Problem
from engine.progress import SILENT, Reporter
from engine.source import Source
from engine.text import safe_text

_MAX_FILES = 50_000
_MAX_DEPTH = 16
STREAM_ROLE = "BDAV transport stream"


def version_in(finding: Finding) -> Version:
    """The version a finding tells of."""
    return Version(finding.variant, int(finding.variant[-1]))


def read(source: Source, finding: Finding, *, deep: bool = False, reporter: Reporter = SILENT) -> Recordings:
    """Files and titles under ``finding``. ``deep`` looks through all inode pages for files that were deleted."""
    disk = Disk(source, finding.base, reporter)
    volume = Volume(disk, version_in(finding), finding.rung, deep=deep)
    walk = _Walk(volume)
    walk.tree()
    if walk.lost or deep:
        if deep or volume.lowest is None:
            volume.loose()
        walk.rest(deleted=not walk.lost)
    files = [replace(file, role=_role(file)) for file in walk.files]
    titles, _ = read_titles(disk, files, one_volume=False)
    titles += [_stream(file) for file in files if file.role == "stream" and file.size]
    titles = [_deleted(title, walk.deleted) for title in titles]
    _report(volume)
    return Recordings(finding, tuple(mark_reused(titles)), tuple(files), disk.structures, tuple(disk.problems))


def _role(file: RecorderFile) -> str:
    return role_of(file.path)


def _stream(file: RecorderFile) -> Title:
    """A transport stream of an external disk: no management file describes it."""
    part = Part(file.path, file.extents, None, file.rung, file.unplaced)
    name = stem_of(file.path)[0]
    return Title(name, name, parts=(part,), recorded_at=file.modified, rung=file.rung, role=STREAM_ROLE,
                 deleted=file.deleted, problems=file.problems)  # fmt: skip


class _Walk:
    """Going through the tree, each inode once."""

    def __init__(self, volume: Volume) -> None:
        self.volume, self.disk = volume, volume.disk
        self.files: list[RecorderFile] = []
        self.seen: set[int] = set()
        self.lost = False
        self.deleted: set[str] = set()
        """Stems of files that no directory names."""

    def tree(self) -> None:
        """From the root down."""
        root = self.volume.inode(ROOT)
        if root is None or not root.directory:
            self.lost = True
            self.disk.problem("root-lost", "the root directory is lost: files are named by their inode numbers")
            return
        self.seen.add(ROOT)
        waiting: list[tuple[Inode, str, int]] = [(root, "", 0)]
        while waiting:
            directory, path, depth = waiting.pop()
            before = len(self.disk.problems)
            for name in names(self.disk, directory):
                shown = f"{path}{safe_text(name.text.replace('/', '_'))}"
                if len(self.files) >= _MAX_FILES:
                    self.disk.problem("too-many", f"more than {_MAX_FILES} files: the rest is left out")
                    return
                if name.inode is None:
                    self.files.append(RecorderFile(shown, (), 0, role="data", deleted=True))
                    continue
                if name.inode in self.seen:
                    self.disk.problem("twice", f"{shown} names inode {name.inode}, which has a name already")
                    continue
                self.seen.add(name.inode)
                inode = self.volume.inode(name.inode)
                if inode is None:
                    self.lost = True
                    self.disk.problem("inode-lost", f"{shown}: its inode {name.inode} is lost")
                    self.files.append(RecorderFile(
                        shown, (), 0, problems=(Problem("inode-lost", f"inode {name.inode} is lost"),)
                    ))  # fmt: skip
                elif inode.directory:
                    if depth < _MAX_DEPTH:
                        waiting.append((inode, f"{shown}/", depth + 1))
                else:
                    self.add(inode, shown)
            found = {problem.code for problem in self.disk.problems[before:]}
            self.lost |= bool(found & {"directory-unread", "directory-entry"})

    def add(self, inode: Inode, path: str, *, deleted: bool = False, video: bool | None = None) -> None:
        """A file."""
        is_video = path.upper().endswith(".VRO") if video is None else video
        placed = place(self.disk, inode, video=is_video, name=path)
        for problem in placed.problems:
            self.disk.problem(problem.code, problem.message, inode.at)
        size = sum(extent.size for extent in placed.extents) + placed.unplaced
        self.files.append(RecorderFile(
            path, placed.extents, size, inode.modified, "data", deleted, inode.rung, placed.unplaced,
            problems=placed.problems,
        ))  # fmt: skip

    def rest(self, *, deleted: bool) -> None:
        """Inodes that no directory names: of a lost directory, or (``deleted``) of deleted files."""
        loose: list[tuple[Inode, str]] = []
        current = {inode.at for number in self.seen if (inode := self.volume.inode(number)) is not None}
        for number in self.volume.numbers():
            if number in self.seen or len(self.files) >= _MAX_FILES:
                continue
            inode = self.volume.inode(number)
            if inode is None:
                found = self.volume.loose().get(number)
                inode = found.inode if found is not None else None
            if inode is None or inode.directory or not inode.size or inode.at in current:
                continue
            self.seen.add(number)
            kind = self._kind(inode)
            if kind == "data" and deleted:
                continue
            loose.append((replace(inode, rung=Rung.ORPHAN), kind))
        for inode, kind, stem in self._paired(loose):
            ending = {"video": "VRO", "management": "IFO", "copy": "BUP"}.get(kind, "DAT")
            self.add(inode, f"{stem}.{ending}", video=kind == "video")
            if deleted:
                self.deleted.add(stem.upper())

    def _kind(self, inode: Inode) -> str:
        """What a file without a name is, by its first bytes."""
        for video in (True, False):
            placed = place(self.disk, inode, video=video, name=f"inode {inode.number}")
            if not placed.extents or placed.extents[0].start is None:
                return "data"
            if is_pack(self.disk.get(placed.extents[0].start - self.disk.base, 14)):
                return "video"
        file = RecorderFile("", placed.extents, inode.size)
        return "management" if looks_like_management(content(self.disk, file)) else "data"

    def _paired(self, loose: list[tuple[Inode, str]]) -> list[tuple[Inode, str, str]]:
        """The files with names by number; a management file gets that of the VRO whose length it describes."""
        videos = [inode for inode, kind in loose if kind == "video"]
        taken: dict[int, str] = {}
        result = [(inode, "video", f"inode-{inode.number}") for inode in videos]
        for inode, kind in loose:
            if kind == "video":
                continue
            stem = f"inode-{inode.number}"
            partner = self._partner(inode, videos) if kind == "management" else None
            if partner is not None:
                # The second one that fits is the copy of the first.
                kind = "copy" if partner.number in taken else kind
                stem = taken.setdefault(partner.number, f"inode-{partner.number}")
            result.append((inode, kind, stem))
        return result

    def _partner(self, inode: Inode, videos: list[Inode]) -> Inode | None:
        placed = place(self.disk, inode, video=False, name="")
        piece = content(self.disk, RecorderFile("", placed.extents, inode.size))
        management = parse(piece, None, lambda _: None)
        vobs = [vob for vob in management.vobs if vob is not None] if management is not None else []
        if not vobs:
            return None
        end = max(vob.first_sector + vob.sectors for vob in vobs) * SECTOR
        fitting = [video for video in videos if 0 <= video.size - end < 4 << 20]
        return min(fitting, key=lambda video: (video.size - end, _apart(video.modified, inode.modified)), default=None)


def _apart(one: datetime | None, two: datetime | None) -> float:
    return abs((one - two).total_seconds()) if one is not None and two is not None else 1e12


def _deleted(title: Title, stems: set[str]) -> Title:
    stem = title.id.rpartition("-")[0] if title.id.upper() not in stems else title.id
    return replace(title, deleted=True) if stem.upper() in stems or title.id.upper() in stems else title


def _report(volume: Volume) -> None:
    """What is wrong with superblocks and tables."""
    disk = volume.disk
    head = disk.get(0, 512)
    if head is None or SIGNATURE.match(head, 8) is None:
        disk.problem("superblock-bad", "the first superblock is unread or bad", 0)
    tables = volume.tables(0)
    if not tables.by_number:
        disk.problem("tables-lost", "the inode tables of the first group are lost")
    elif tables.unread_pages:
        disk.problem("tables-unread", f"{tables.unread_pages} pages where inode tables stand are unread", 0)
