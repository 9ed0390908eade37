"""Everything a report tells, read from the case: nothing is guessed, and what could not be looked at is said."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cases import Case, load_case, open_source, read_history
from engine.errors import NotFoundError, RescueError
from engine.progress import SILENT, Reporter, check
from engine.report.model import Amount, CaseReport, Recording, Saved, Step, Volume
from engine.report.steps import sentence

if TYPE_CHECKING:
    from engine.cases.volumes import VolumeAt
    from engine.mapfile.model import Mapfile

MOST_STEPS, MOST_HITS, MOST_SAVED, MOST_RECORDINGS = 500, 200, 2000, 2000
_MOST_SIDECAR = 4 << 20
_BLOCK = 4 << 20
_STATUS = {
    "+": "read", "?": "not tried", "*": "failed, not trimmed", "/": "failed, not scraped", "-": "bad sectors",
}  # fmt: skip


def gather(directory: str | os.PathLike[str], *, digest: bool = False, reporter: Reporter = SILENT) -> CaseReport:
    """Read a case. ``digest``: the SHA-256 of the image too (reads all of it). Raises ``RescueError``,
    ``CancelledError``.
    """
    case = load_case(directory)
    notes: list[str] = []
    amounts, map_, problem = _map(case)
    exists = case.image.is_file()
    volumes: tuple[Volume, ...] = ()
    recordings: tuple[Recording, ...] = ()
    volumes_problem = recorder = ""
    if exists:
        volumes, volumes_problem = _volumes(case, notes)
        recorder, recordings = _recordings(case, notes)
    elif case.image.exists():
        notes.append("the image is a device: its contents were not looked at for this report")
    steps, left = _steps(case)
    saved, saved_left = _saved(case)
    return CaseReport(
        title=case.title, created=case.created, made=datetime.now(UTC).isoformat(timespec="seconds"),
        source=_source(case), image=str(case.image.name), image_size=case.image.stat().st_size if exists else None,
        image_sha256=_digest(case.image, reporter) if digest and exists else None,
        domain=None if map_ is None or map_.open_ended else sum(one.bytes for one in amounts),
        amounts=amounts, map=map_,
        map_problem=problem, steps=steps, steps_left_out=left, volumes=volumes, volumes_problem=volumes_problem,
        recorder=recorder, recordings=recordings, saved=saved, saved_left_out=saved_left, notes=tuple(notes),
    )  # fmt: skip


def _source(case: Case) -> tuple[tuple[str, str], ...]:
    known = case.identity
    facts = [
        ("drive", " ".join(str(known[key]) for key in ("vendor", "model") if known.get(key))),
        ("serial number", str(known.get("serial") or "")),
        ("WWN", str(known.get("wwn") or "")),
        ("connected by", str(known.get("transport") or "")),
        ("size", "" if case.source_size is None else f"{case.source_size} bytes"),
        ("sector", f"{case.sector_size} bytes" if case.source_path else ""),
        ("last seen as", case.source_path or ""),
    ]
    return tuple((name, text) for name, text in facts if text)


def _map(case: Case) -> tuple[tuple[Amount, ...], Mapfile | None, str]:
    if not os.path.lexists(case.map):
        return (), None, "nothing has been read yet: there is no map"
    from engine.mapfile import read_map
    from engine.mapfile.status import CHARS

    try:
        map_ = read_map(case.map)
    except RescueError as error:
        return (), None, str(error)
    totals = map_.totals()
    return tuple(
        Amount(letter, _STATUS[letter], int(count), int(areas))
        for letter, count, areas in zip(CHARS, totals.bytes, totals.areas, strict=True)
        if count or letter == "+"
    ), map_, ""  # fmt: skip


def _steps(case: Case) -> tuple[tuple[Step, ...], int]:
    actions = read_history(case)
    kept = actions if len(actions) <= MOST_STEPS else [*actions[: MOST_STEPS // 2], *actions[-MOST_STEPS // 2 :]]
    return tuple(sentence(action) for action in kept), len(actions) - len(kept)


def _volumes(case: Case, notes: list[str]) -> tuple[tuple[Volume, ...], str]:
    from engine.cases.volumes import list_volumes

    try:
        with open_source(case.directory) as source:
            listed = list_volumes(source)
    except RescueError as error:
        return (), str(error)
    return tuple(_volume(case, one, notes) for one in listed), ""


def _volume(case: Case, at: VolumeAt, notes: list[str]) -> Volume:
    from engine.cases.damage import damage
    from engine.cases.volumes import index_place, open_volume

    plain = Volume(at.title, at.label, at.start, at.size, why_not=at.why_not or "")
    place = index_place(case.directory, at.start)
    if at.why_not or place is None or not place.exists():
        return plain
    try:
        with open_volume(case.directory, volume=at.number, make=False) as opened:
            if opened.stale:
                notes.append(f"the list of files of the volume at {at.start} is older than the map: list them again")
            found = damage(opened)
            hits = tuple((hit.path, hit.entry.size or 0, hit.missing) for hit in found.files(0, MOST_HITS))
            count = len(found.hits.owners)
            return Volume(
                at.title, at.label, at.start, at.size, hurt=count,
                files=opened.index.counts.get("files"), missing=opened.holes.total, hits=hits,
            )  # fmt: skip
    except NotFoundError:
        return plain
    except RescueError as error:
        notes.append(f"files of the volume at {at.start}: {error}")
        return plain


def _recordings(case: Case, notes: list[str]) -> tuple[str, tuple[Recording, ...]]:
    from engine.recordings.look import Place, look

    try:
        looked = look(Place(case.directory), devices=False)
    except NotFoundError:
        return "", ()
    except RescueError as error:
        notes.append(f"recordings: {error}")
        return "", ()
    titles = looked.recordings.titles
    if len(titles) > MOST_RECORDINGS:
        notes.append(f"only the first {MOST_RECORDINGS} of {len(titles)} recordings are listed")
    return f"{looked.recordings.recorder} {looked.recordings.variant}".strip(), tuple(
        Recording(
            title.shown_name, "" if title.recorded_at is None else f"{title.recorded_at:%Y-%m-%d %H:%M}",
            title.duration_s, title.size, title.missing.bytes, title.missing.seconds,
        )
        for title in titles[:MOST_RECORDINGS]
    )  # fmt: skip


def _saved(case: Case) -> tuple[tuple[Saved, ...], int]:
    found = sorted(_sidecars(case.exports_dir), key=lambda one: one.path)
    return tuple(found[:MOST_SAVED]), max(0, len(found) - MOST_SAVED)


def _sidecars(folder: Path) -> Iterator[Saved]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.endswith(".rescue.json"):
                continue
            value = _document(Path(where, name))
            size, sha = value.get("size"), value.get("sha256")
            if not isinstance(size, int) or not isinstance(sha, str):
                continue
            path = Path(where, name.removesuffix(".rescue.json"))
            lacks = value.get("missing_bytes")
            yield Saved(str(path.relative_to(folder)), size, lacks if isinstance(lacks, int) else 0, sha)


def _document(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as stream:
            value = json.loads(stream.read(_MOST_SIDECAR))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _digest(path: Path, reporter: Reporter) -> str:
    engine = hashlib.sha256()
    size, done = path.stat().st_size, 0
    with open_source(path) as source:
        while done < size:
            check(reporter)
            data = source.read(done, _BLOCK).data
            if not data:
                break
            engine.update(data)
            done += len(data)
            reporter.update(done, size, message="hashing the image")
    return engine.hexdigest()
