"""The jobs: recordings extracted, recordings looked for by their clock. Both go on where they were stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.atomic import write_json
from engine.cases import is_case, load_case, record
from engine.dvr import Recordings
from engine.errors import UsageError
from engine.jobs.context import JobContext
from engine.recordings import clockwork
from engine.recordings.extracting import Order, standing_facts, take
from engine.recordings.look import Place, opened
from engine.source import Source

EXTRACT, SCAN = "recordings-extract", "recordings-scan"


def extract(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: those of ``Place`` (absolute paths) and ``Order``; ``target`` (absolute); ``variant`` (which finding);
    ``deep``; ``scan``: the folder of a clock scan whose recordings are meant, or null.

    Result: ``written``, ``missing_bytes``, ``problems``; all files are in the job's ``written.json``.
    """
    place = _place(arguments)
    target = Path(str(arguments.get("target")))
    if not target.is_absolute():
        raise UsageError("target is an absolute path", code="job-arguments")
    order = Order.of(arguments)
    with opened(place) as source:
        recordings = _recordings(arguments, source)
        done = take(
            source, recordings, target, order, reporter=job, journal=job.work_directory / "journal",
            follow=lambda standing: job.facts(**standing_facts(standing)),
        )  # fmt: skip
    write_json(job.directory / "written.json", done.document())
    told = {
        "written": len(done.taken), "bytes": sum(one.size for one in done.taken),
        "missing_bytes": sum(one.missing_bytes for one in done.taken), "problems": len(done.problems),
        "target": str(target),
    }  # fmt: skip
    if is_case(place.path):
        record(load_case(place.path), "recordings-extracted", **told)
    return told


def _recordings(arguments: dict[str, Any], source: Source) -> Recordings:
    from engine.dvr import probe, read
    from engine.errors import NotFoundError

    scan = arguments.get("scan")
    if scan is not None:
        return clockwork.load(Path(str(scan))).recordings(source)
    deep = bool(arguments.get("deep"))
    findings = probe(source, deep=deep)
    if not findings:
        raise NotFoundError("no recorder's file system is on it", path=source.path)
    return read(source, findings[min(int(arguments.get("variant") or 0), len(findings) - 1)], deep=deep)


def scan(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: those of ``Place``. Result: ``pieces``, ``joins``, ``ties``, ``recordings``, ``unread_bytes``; the
    pieces are in the job's work folder (``clockwork.load``)."""
    place = _place(arguments)
    with opened(place) as source:
        found = clockwork.scan_into(source, job.work_directory, job)
    puzzle = found.puzzle
    told = {
        "pieces": len(puzzle.pieces), "joins": len(puzzle.joins), "ties": len(puzzle.ties),
        "recordings": len(found.recordings().titles), "unread_bytes": found.unread.total,
    }  # fmt: skip
    if is_case(place.path):
        record(load_case(place.path), "recordings-scanned", **told)
    return told


def scan_folder(directory: Path) -> Path:
    """Where the scan of a job directory keeps its pieces."""
    return directory / "work"


def _place(arguments: dict[str, Any]) -> Place:
    where = arguments.get("source")
    if not isinstance(where, str) or not os.path.isabs(where):
        raise UsageError("source is an absolute path", code="job-arguments")
    return Place.of(arguments)
