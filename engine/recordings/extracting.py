"""Titles out of a disk: exact bytes first, then, on request, put together by ffmpeg, and a picture beside each."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.atomic import append_line
from engine.dvr import Recordings, Title
from engine.errors import DamagedError, OutsideError, Problem
from engine.extract import Item, Options, Standing, Written, extract, safe_component
from engine.extract.names import with_mark
from engine.progress import SILENT, Reporter, check
from engine.ranges import RangeSet
from engine.recordings.items import Wish, chosen, file_items, stem, timestamp, title_items
from engine.recordings.pictures import can_picture, picture_path, sample_of_file, save_png
from engine.recordings.remux import Container, Remux, remux
from engine.source import Source

JOURNAL = ".dvr-extract.journal"
_RAW = ".dvr-parts"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to leave and how. ``ids`` None: every title. ``files``: the recorder's own files instead.

    ``container``: put parts together by ffmpeg without coding anew (None: exact bytes). ``keep``: the exact bytes stay
    beside what was put together. ``pictures``: a PNG of the first frame beside each title (where ffmpeg is).
    """

    ids: tuple[str, ...] | None = None
    files: bool = False
    parts: bool = False
    fill: bool = False
    container: Container | None = None
    aspect: str = ""
    keep: bool = False
    pictures: bool = True

    def arguments(self) -> dict[str, Any]:
        """As a job takes it."""
        return {
            "ids": None if self.ids is None else list(self.ids), "files": self.files, "parts": self.parts,
            "fill": self.fill, "container": self.container, "aspect": self.aspect, "keep": self.keep,
            "pictures": self.pictures,
        }  # fmt: skip

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> Order:
        """From a job's arguments."""
        ids, container, aspect = arguments.get("ids"), arguments.get("container"), arguments.get("aspect")
        return cls(
            None if ids is None else tuple(str(one) for one in ids), bool(arguments.get("files")),
            bool(arguments.get("parts")), bool(arguments.get("fill")),
            "mkv" if container == "mkv" else "mpg" if container == "mpg" else None,
            aspect if aspect in ("4:3", "16:9") else "", bool(arguments.get("keep")),
            bool(arguments.get("pictures", True)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """One file that was written. ``id`` of its title, or the path of the recorder's file."""

    id: str
    path: Path
    size: int
    sha256: str
    missing_bytes: int
    picture: Path | None = None

    def document(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "id": self.id, "path": str(self.path), "size": self.size, "sha256": self.sha256,
            "missing_bytes": self.missing_bytes, "thumbnail": None if self.picture is None else str(self.picture),
        }  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """Everything that was written, and what could not be."""

    taken: list[Taken] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "written": [one.document() for one in self.taken],
            "problems": [{"code": one.code, "message": one.message} for one in self.problems],
        }


def take(
    source: Source, recordings: Recordings, target: Path, order: Order, *, reporter: Reporter = SILENT,
    follow: Any = None, journal: Path | None = None,
) -> Outcome:  # fmt: skip
    """Write what ``order`` asks for below ``target``; the same call goes on after a stop or a crash.

    ``follow`` is told the ``Standing`` of the present item. Raises as ``extract``.
    """
    view = recordings.view(source)
    purpose = _purpose(source, order)
    mine = journal is not None  # then it goes with the job, which may have to be run again
    journal = target / JOURNAL if journal is None else journal
    out = Outcome()
    if order.files:
        items = file_items(recordings.files, view)
        owners: list[Title | None] = [None] * len(items)
    else:
        titles = chosen(recordings, order.ids)
        together = order.container is not None
        done = _remuxed(journal, purpose) if together else {}
        out.taken += [one for title in titles for one in done.get(title.id, ())]
        titles = [title for title in titles if title.id not in done]
        wish = Wish(order.parts or together, order.fill)
        items, owners = [], []
        for title in titles:
            made = title_items(recordings, [title], view, wish)
            if together:
                made = [_hidden(item, title) for item in made]
            items += made
            owners += [title] * len(made)
    target.mkdir(parents=True, exist_ok=True)
    report = extract(items, target, Options(journal=journal, purpose=purpose), reporter, follow)
    out.problems += [one.problem for one in report.failed]

    def note(id_: str, taken: Sequence[Taken]) -> None:
        if order.container is not None:
            line = {"purpose": purpose, "id": id_, "taken": [one.document() for one in taken]}
            append_line(_notes(journal), json.dumps(line).encode("ascii"))

    _after(target, order, list(report.written), owners, out, note, _Begun(_notes(journal), purpose), reporter)
    if not mine:
        journal.unlink(missing_ok=True)
        _notes(journal).unlink(missing_ok=True)
    return out


class _Begun:
    """Where a title is put together: noted before, so that a run after a crash replaces what that left."""

    def __init__(self, notes: Path, purpose: str) -> None:
        self._notes, self._purpose = notes, purpose
        self._known: dict[str, Path] = {}
        try:
            lines = notes.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                value = json.loads(line)
                if value["purpose"] == purpose and "begun" in value:
                    self._known[str(value["begun"])] = Path(value["path"])
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):  # the line that a crash cut
                continue

    def place(self, id_: str, path: Path) -> Path:
        """``path``, or where an earlier run began, cleared."""
        if id_ in self._known:
            self._known[id_].unlink(missing_ok=True)
            return self._known[id_]
        path = _free(path)
        line = {"purpose": self._purpose, "begun": id_, "path": str(path)}
        append_line(self._notes, json.dumps(line).encode("ascii"))
        return path


def _notes(journal: Path) -> Path:
    return journal.with_name(journal.name + ".together")


def _remuxed(journal: Path, purpose: str) -> dict[str, list[Taken]]:
    """Titles that an earlier run put together already (their parts are gone)."""
    try:
        lines = _notes(journal).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    found: dict[str, list[Taken]] = {}
    for line in lines:
        try:
            value = json.loads(line)
            taken = [
                Taken(str(one["id"]), Path(one["path"]), int(one["size"]), str(one["sha256"]),
                      int(one["missing_bytes"]), None if one["thumbnail"] is None else Path(one["thumbnail"]))
                for one in value["taken"]
            ]  # fmt: skip
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):  # the line that a crash cut
            continue
        if value["purpose"] == purpose and all(one.path.exists() for one in taken):
            found[str(value["id"])] = taken
    return found


def _purpose(source: Source, order: Order) -> str:
    facts = repr((source.path, source.size, sorted(order.arguments().items(), key=str)))
    return hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()


def _hidden(item: Item, title: Title) -> Item:
    return Item(f"{_RAW}/{safe_component(title.id)}/{item.name}", item.content, item.modified, item.facts, item.filled)


def _after(
    target: Path, order: Order, written: Sequence[Written],
    owners: Sequence[Title | None], out: Outcome, note: Callable[[str, Sequence[Taken]], None], begun: _Begun,
    reporter: Reporter,
) -> None:  # fmt: skip
    by_title: dict[str, list[Written]] = {}
    for one in written:
        title = owners[one.index]
        if title is None:
            out.taken.append(Taken(one.item.name, one.path, one.size, one.sha256, one.missing.total))
        else:
            by_title.setdefault(title.id, []).append(one)
    known = {title.id: title for title in owners if title is not None}
    for id_, files in by_title.items():
        check(reporter)
        title = known[id_]
        pictured = order.pictures and can_picture()
        stream = sample_of_file(files[0].path) if pictured else b""  # the disk itself is read once only
        if order.container is not None:
            files = _together(target, order, title, files, out, begun, reporter)
        picture = _picture(stream, title, files[0].path) if pictured else None
        taken = [
            Taken(id_, one.path, one.size, one.sha256, one.missing.total, picture if number == 0 else None)
            for number, one in enumerate(files)
        ]
        out.taken += taken
        note(id_, taken)


def _together(
    target: Path, order: Order, title: Title, files: list[Written], out: Outcome, begun: _Begun, reporter: Reporter
) -> list[Written]:  # fmt: skip
    """The parts as one file; when ffmpeg cannot, the parts as they are, and a problem."""
    assert order.container is not None
    holed = any(one.missing for one in files)
    name = f"{stem(title)}.{order.container}"
    path = begun.place(title.id, target / (with_mark(name, ".holed") if holed else name))
    try:
        remux([one.path for one in files], path, title, Remux(order.container, order.aspect), reporter)
    except (DamagedError, OutsideError) as error:
        out.problems.append(Problem(error.code, f"{title.shown_name}: {error.message}"))
        return files
    stamp = timestamp(title.recorded_at)
    if stamp is not None:
        os.utime(path, (stamp, stamp))
    made = Written(files[0].item, files[0].index, path, path.stat().st_size, _sha256(path), _all_missing(files))
    _remux_sidecar(made, files)
    if order.keep:
        return [made, *files]
    for one in files:
        one.path.unlink()
        one.path.with_name(one.path.name + ".rescue.json").unlink(missing_ok=True)
    for folder in (files[0].path.parent, files[0].path.parent.parent):
        try:
            folder.rmdir()
        except OSError:  # other titles' parts are still in it
            break
    return [made]


def _all_missing(files: Sequence[Written]) -> RangeSet:
    """Lost bytes of the parts, counted in the parts put together (their places in the new file are not known)."""
    found, at = RangeSet(), 0
    for one in files:
        found = found.union(one.missing.shift(at))
        at += one.size
    return found


def _remux_sidecar(made: Written, files: Sequence[Written]) -> None:
    from engine.atomic import write_json
    from engine.extract.sidecar import document, sidecar_path

    value = document(made)
    value.update(
        remuxed=True, missing_is_of="the parts one after the other",
        parts=[document(one) for one in files], source_ranges=None, missing_source=None,
    )  # fmt: skip
    write_json(sidecar_path(made.path), value, mode=0o644, durable=bool(made.missing))


def _free(path: Path) -> Path:
    number, found = 2, path
    while os.path.lexists(found):
        found = path.with_name(with_mark(path.name, f" ({number})"))
        number += 1
    return found


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _picture(stream: bytes, title: Title, beside: Path) -> Path | None:
    path = picture_path(beside)
    try:
        save_png(stream, path, aspect=title.aspect)
    except (DamagedError, OutsideError):  # no picture is no reason to call a file that was written failed
        return None
    return path


def standing_facts(standing: Standing) -> dict[str, Any]:
    """For a job's facts."""
    return {"item": standing.facts()}
