"""Taking files out of a volume: which ones, under which names, whole ones apart from holed ones, and a manifest."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from engine.atomic import write_atomic, write_json
from engine.cases.volumes import OpenVolume
from engine.errors import NotFoundError, Problem, RescueError, UsageError, outside
from engine.extract import Item, Options, Report, Written, extract, make_folder, safe_name
from engine.extract.sidecar import write_sidecar
from engine.filesystems import kinds
from engine.filesystems.content import Contents
from engine.filesystems.hits import files_hit, overwritten
from engine.filesystems.index import Entry, Index
from engine.filesystems.slack import Region, extents, rows, slack, unallocated
from engine.progress import SILENT, Reporter, check
from engine.source import ExtentSource

MANIFEST = "rescue-files.jsonl"
_CHUNK = 10_000
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files leave. ``entries``: these and all below them (empty: the whole volume). ``names``: shell patterns, of
    which a name must match one. ``types``: extensions. ``complete``: only files without a missing byte; ``holed``: only
    those with one. ``deleted``: deleted files too (True), only these (None), or not (False)."""

    entries: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    complete: bool = False
    holed: bool = False
    deleted: bool | None = False
    system: bool = False

    @property
    def whole_folders(self) -> bool:
        """Nothing but folders was asked for, so that those without a file belong to it too."""
        return not (self.names or self.types or self.complete or self.holed or self.deleted is None)

    def to_json(self) -> dict[str, Any]:
        return {
            "entries": list(self.entries), "names": list(self.names), "types": list(self.types),
            "complete": self.complete, "holed": self.holed, "deleted": self.deleted, "system": self.system,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Choice:
        """Raises ``UsageError``."""
        try:
            deleted = value.get("deleted", False)
            return cls(
                tuple(int(one) for one in value.get("entries", ())), tuple(str(one) for one in value.get("names", ())),
                tuple(str(one) for one in value.get("types", ())), bool(value.get("complete")),
                bool(value.get("holed")), None if deleted is None else bool(deleted), bool(value.get("system")),
            )  # fmt: skip
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError("that choice of files cannot be read", code="job-arguments") from error


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it. ``folders``: made without a file in them, because they are empty on the volume too.
    ``mismatched``: files that read back otherwise than they were written."""

    files: int = 0
    folders: int = 0
    bytes: int = 0
    holed: int = 0
    missing: int = 0
    failed: tuple[Problem, ...] = ()
    mismatched: tuple[str, ...] = ()
    verified: int = 0
    written: tuple[tuple[str, int, str, int], ...] = field(default=())
    """(path below the target, size, SHA-256, missing bytes) of the first thousand."""

    def to_json(self) -> dict[str, Any]:
        return {
            "files": self.files, "folders": self.folders, "bytes": self.bytes, "holed": self.holed,
            "missing_bytes": self.missing,
            "failed": [{"code": one.code, "message": one.message} for one in self.failed[:1000]],
            "failed_count": len(self.failed), "verified": self.verified, "mismatched": list(self.mismatched),
            "written": [{"path": path, "size": size, "sha256": digest, "missing_bytes": missing}
                        for path, size, digest, missing in self.written],
        }  # fmt: skip


def chosen(opened: OpenVolume, choice: Choice) -> list[Entry]:
    """The files of a choice, in the order they lie on the volume, so that a slow drive reads forward."""
    index = opened.index
    wanted = _scope(index, choice)
    hit = set(files_hit(index, opened.holes).owners.tolist()) if choice.complete or choice.holed else set()
    types = {one.lower().lstrip(".") for one in choice.types}
    kept = [
        entry for entry in index.everything()
        if (wanted is None or entry.id in wanted) and _fits(entry, choice, types, hit)
    ]  # fmt: skip
    firsts = _first_places(index)
    return sorted(kept, key=lambda entry: (firsts.get(entry.holder, -1), entry.id))


def _scope(index: Index, choice: Choice) -> set[int] | None:
    wanted: set[int] | None = None
    for number in choice.entries:
        wanted = (wanted or set()) | set(index.below(number))
    return wanted


def empty_folders(opened: OpenVolume, choice: Choice) -> list[str]:
    """Paths of the folders of a choice that hold nothing on the volume; not those of which a part was never read, nor
    those where the walk met damage: nobody knows what is in them.
    """
    if not choice.whole_folders:
        return []
    index = opened.index
    wanted = _scope(index, choice)
    folders: dict[int, Entry] = {}
    parents: set[int] = set()
    for entry in index.everything():
        parents.add(entry.parent)
        if entry.kind == kinds.DIRECTORY and not entry.state and (wanted is None or entry.id in wanted):
            folders[entry.id] = entry
    unread = set(files_hit(index, opened.holes).directories.tolist())
    return [index.path(folders[number]) for number in sorted(set(folders) - parents - unread - {1})]


def _make_folders(paths: list[str], target: Path) -> list[Problem]:
    """Those that could not be made."""
    failed = []
    for path in paths:
        try:
            make_folder(target, Path(safe_name(path)))
        except RescueError as error:
            failed.append(Problem(error.code, error.message))
    return failed


def _first_places(index: Index) -> dict[int, int]:
    import numpy as np

    owners, at = np.unique(index.places.owner, return_index=True)
    return dict(zip(owners.tolist(), index.places.start[at].tolist(), strict=True))


def _fits(entry: Entry, choice: Choice, types: set[str], hit: set[int]) -> bool:
    if entry.size is None or entry.kind not in (kinds.FILE, kinds.STREAM, kinds.SYSTEM):
        return False
    if entry.kind == kinds.SYSTEM and not choice.system:
        return False
    if choice.deleted is not True and entry.deleted != (choice.deleted is None):
        return False
    if choice.complete and (entry.holder in hit or entry.lost):
        return False
    if choice.holed and entry.holder not in hit and not entry.lost:
        return False
    if types and entry.name.lower().rpartition(".")[2] not in types:
        return False
    name = entry.name.lower()
    return not choice.names or any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in choice.names)


def _item(index: Index, contents: Contents, entry: Entry, volume_start: int) -> Item:
    path = index.path(entry)
    facts: dict[str, Any] = {"path": path, "inode": entry.inode, "volume_start": volume_start}
    if entry.state:
        facts["state"] = kinds.state_words(entry.state)
    name = path
    if entry.deleted:
        name = f"deleted/{path}"
        share = overwritten(index, entry)
        if share is not None:
            facts["blocks_free_bytes"], facts["blocks_bytes"] = share
    if entry.kind == kinds.STREAM:
        head, _, stream = name.rpartition(":")
        name = f"{head}.stream.{stream}"
    return Item(name, contents.open(entry), entry.modified, facts)


def take(
    opened: OpenVolume, choice: Choice, target: Path, *, journal: Path | None = None, verify: bool = False,
    reporter: Reporter = SILENT,
) -> Taken:  # fmt: skip
    """Write the chosen files below ``target``, under their own paths made safe.

    Whole files have no sidecar; ``rescue-files.jsonl`` lists all with their SHA-256. Holed ones are named and have one
    each. With ``journal`` (a folder) the same call goes on after a stop. Raises ``NotFoundError`` (nothing chosen).
    """
    entries, folders = chosen(opened, choice), empty_folders(opened, choice)
    if not entries and not folders:
        raise NotFoundError("no file fits that choice", code="nothing-chosen", advice="loosen the filters")
    hit = set(files_hit(opened.index, opened.holes).owners.tolist())
    whole = [entry for entry in entries if entry.holder not in hit and not entry.lost]
    holed = [entry for entry in entries if entry.holder in hit or entry.lost]
    total = sum(entry.size or 0 for entry in entries)
    step = _Steps(reporter, total)
    reports: list[Report] = []
    with Contents(opened.index, opened.source) as contents:
        number = 0
        for part, sidecar in ((whole, False), (holed, True)):
            waiting = iter(part)
            while chunk := list(islice(waiting, _CHUNK)):
                items = [_item(opened.index, contents, entry, opened.volume.start) for entry in chunk]
                book = None if journal is None else journal / f"part-{number}.journal"
                options = Options(journal=book, purpose=f"files-{number}", sidecar=sidecar)
                reports.append(extract(items, target, options, step))
                step.add(sum(item.content.size for item in items))
                number += 1
    written = [one for report in reports for one in report.written]
    for one in written:
        if one.missing and not one.item.content.holes:
            write_sidecar(one)
    if written:
        _keep_manifest(written, target)
    mismatched = _verify(written, reporter) if verify else ()
    unmade = _make_folders(folders, target)
    failed = (*(one.problem for report in reports for one in report.failed), *unmade)
    lacking = [one for one in written if one.missing]
    return Taken(
        len(written), len(folders) - len(unmade), sum(one.size for one in written), len(lacking),
        sum(one.missing.total for one in lacking), failed,
        tuple(str(path.relative_to(target)) for path in mismatched), len(written) if verify else 0,
        tuple((os.path.relpath(one.path, target), one.size, one.sha256, one.missing.total) for one in written[:1000]),
    )  # fmt: skip


class _Steps:
    """One progress over several calls of ``extract``."""

    def __init__(self, below: Reporter, total: int) -> None:
        self._below, self._total, self._before = below, total, 0

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        self._below.update(self._before + done, self._total, unit, message)

    def event(self, kind: str, **facts: Any) -> None:
        self._below.event(kind, **facts)

    def cancelled(self) -> bool:
        return self._below.cancelled()

    def add(self, done: int) -> None:
        self._before += done


def _keep_manifest(written: list[Written], target: Path) -> None:
    """Lines of this extraction after those of earlier ones into the same folder."""
    lines = {json.loads(line)["file"]: line for line in _manifest(written, target)}
    earlier = []
    try:
        for line in (target / MANIFEST).read_bytes().splitlines(keepends=True):
            row = json.loads(line)
            if isinstance(row, dict) and row.get("file") not in lines and line.endswith(b"\n"):
                earlier.append(line)
    except (OSError, ValueError):
        earlier = []
    write_atomic(target / MANIFEST, b"".join([*earlier, *lines.values()]), mode=0o644, keep=1)


def _manifest(written: list[Written], target: Path) -> Iterator[bytes]:
    for one in written:
        row = {
            "file": os.path.relpath(one.path, target), "path": one.item.facts.get("path"), "size": one.size,
            "sha256": one.sha256, "missing_bytes": one.missing.total, "modified": one.item.modified,
        }  # fmt: skip
        yield json.dumps(row).encode("ascii") + b"\n"


def _verify(written: list[Written], reporter: Reporter) -> tuple[Path, ...]:
    """Files that read back otherwise than their SHA-256 says."""
    bad: list[Path] = []
    done, total = 0, sum(one.size for one in written)
    for one in written:
        check(reporter)
        digest = hashlib.sha256()
        try:
            with open(one.path, "rb") as stream:
                while data := stream.read(_BLOCK):
                    digest.update(data)
                    done += len(data)
                    reporter.update(done, total, "B", "verifying")
        except OSError as error:
            raise outside(error, "cannot read back a file", one.path) from error
        if digest.hexdigest() != one.sha256:
            bad.append(one.path)
    return tuple(bad)


def take_regions(
    opened: OpenVolume, what: str, out: Path, *, nonzero: bool = False, force: bool = False,
    journal: Path | None = None, reporter: Reporter = SILENT,
) -> tuple[Written, list[Region]]:  # fmt: skip
    """``unallocated`` or ``slack`` as one file with ``OUT.map.json``, which says for each run where on the disk it was
    and whose slack it is. ``nonzero``: leave out regions that hold zeros only. Raises ``NotFoundError`` when none."""
    index, volume = opened.index, opened.source
    regions = slack(index, volume.size) if what == "slack" else unallocated(index)
    if nonzero:
        regions = [region for region in regions if _has_content(opened, region)]
    regions = [region for region in regions if region.start + region.size <= volume.size]
    if not regions:
        words = "free space is not known of this file system" if what != "slack" and index.free is None else "none"
        raise NotFoundError(f"there is no {what} space to write: {words}", code="nothing-chosen")
    content = ExtentSource(volume, extents(regions, volume.size))
    item = Item(out.name, content, None, {"what": what, "volume_start": opened.volume.start})
    options = Options(journal=journal, purpose=what, existing="replace" if force else "rename", sidecar=False)
    report = extract([item], out.parent, options, reporter)
    written = report.written[0]
    document = {
        "what": what, "file": written.path.name, "bytes": written.size, "sha256": written.sha256,
        "missing": [[low, high] for low, high in written.missing],
        "regions": list(rows(index, regions, opened.volume.start)),
    }  # fmt: skip
    write_json(written.path.with_name(written.path.name + ".map.json"), document, mode=0o644)
    return written, regions


def _has_content(opened: OpenVolume, region: Region) -> bool:
    """Whether any byte that was read differs from zero; what was never read counts as content."""
    for at in range(region.start, region.start + region.size, _BLOCK):
        reading = opened.source.read(at, min(_BLOCK, region.start + region.size - at))
        if reading.holes or any(reading.data):
            return True
    return False
