"""The job that repairs many documents: the files of a folder, an image's finds, or a list of places."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from engine.atomic import append_line
from engine.cases.documents import Outcome, Place, documents_in, repair_one
from engine.cases.opening import open_source
from engine.errors import UsageError
from engine.jobs.context import JobContext
from engine.progress import check

KIND = "documents-repair"
OUTCOMES_FILE = "outcomes.jsonl"
_BEGUN = "begun.jsonl"
_MAX_LINE = 1 << 20


def run(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``target`` (absolute path of a folder for the copies), and one of ``folder`` (absolute path),
    ``image`` (absolute path: it is searched for documents, also headless ones) and ``places`` (list of {path, start,
    size, map, name}: the finds of a carving); ``map`` (absolute path or null, of the image), ``streams`` (save streams
    where no copy can be made), ``force``.

    Result: how many of each state, ``written``; the table is in the job's directory (``load_outcomes``). Goes on where
    it was stopped: what has an outcome is not done again.
    """
    target = arguments.get("target")
    if not isinstance(target, str) or not os.path.isabs(target):
        raise UsageError("target is an absolute path", code="job-arguments")
    places = list(_places(arguments, job))
    begun = _Begun(job.work_directory / _BEGUN)
    done = {(one.place.path, one.place.start) for one in load_outcomes(job.directory)}
    for number, place in enumerate(places):
        check(job)
        job.update(number, len(places), "documents", place.title)
        if (place.path, place.start) in done:
            continue
        outcome = repair_one(
            place, Path(target), force=bool(arguments.get("force")), streams=bool(arguments.get("streams", True)),
            reporter=_Quiet(job), begins=begun,
        )  # fmt: skip
        append_line(job.directory / OUTCOMES_FILE, json.dumps(outcome.to_json()).encode("ascii"))
    job.update(len(places), len(places), "documents")
    return summary(load_outcomes(job.directory))


class _Begun:
    """What was begun by this job: noted before it is written, so that a run after a crash may replace what it left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = set(path.read_text().splitlines()) if path.exists() else set()

    def __call__(self, out: Path) -> bool:
        line = json.dumps(str(out))
        if line in self._known:
            return True
        if not os.path.lexists(out):
            append_line(self._path, line.encode("ascii"))
            self._known.add(line)
        return False


class _Quiet:
    """The reporter of one document: it can be stopped, but the progress shown is that of the whole."""

    def __init__(self, job: JobContext) -> None:
        self._job = job

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        return

    def event(self, kind: str, **facts: Any) -> None:
        self._job.event(kind, **facts)

    def cancelled(self) -> bool:
        return self._job.cancelled()


def _places(arguments: dict[str, Any], job: JobContext) -> list[Place]:
    given = [name for name in ("folder", "image", "places") if arguments.get(name) is not None]
    if len(given) != 1:
        raise UsageError("name one of folder, image and places", code="job-arguments")
    if given == ["folder"]:
        folder = str(arguments["folder"])
        if not os.path.isdir(folder):
            raise UsageError("it is not a folder", code="job-arguments", path=folder)
        return list(documents_in(folder))
    if given == ["image"]:
        return find_places(str(arguments["image"]), arguments.get("map"), job)
    try:
        return [
            Place(str(one["path"]), one.get("start"), one.get("size"), one.get("map"), str(one.get("name") or ""))
            for one in arguments["places"]
        ]  # fmt: skip
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UsageError("places is a list of objects with a path", code="job-arguments") from error


def find_places(image: str, map: str | None, job: JobContext) -> list[Place]:
    """The documents in an image; kept in the job's checkpoint, so that a resumed job does not search again."""
    from engine.ole2.scan import find_documents

    if job.saved is not None and isinstance(job.saved.get("found"), list):
        found = [(int(start), int(size)) for start, size in job.saved["found"]]
    else:
        with open_source(image, map=map) as source:
            found = [(max(0, one.start), one.size) for one in find_documents(source, reporter=job)]
        job.checkpoint({"found": found})
    return [Place(image, start, size, map) for start, size in found]


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Counts by state and how many files were written."""
    counts: dict[str, int] = {}
    for one in outcomes:
        counts[one.state] = counts.get(one.state, 0) + 1
    return {"documents": len(outcomes), **counts, "written": sum(one.written is not None for one in outcomes)}


def load_outcomes(directory: str | os.PathLike[str]) -> list[Outcome]:
    """The table of outcomes of a job so far; lines that a crash cut are left out."""
    path = Path(directory) / OUTCOMES_FILE
    found: list[Outcome] = []
    if not path.exists():
        return found
    with open(path, "rb") as stream:
        for line in iter(lambda: stream.readline(_MAX_LINE), b""):
            try:
                found.append(Outcome.from_json(json.loads(line)))
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                continue
    return found
