"""Jobs on strange sectors: looking at an image (a device is read in a job only), and converting it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.cases.sectors import check, convert, guards_json, look
from engine.errors import UsageError
from engine.jobs.context import JobContext

DETECT, CONVERT = "sectors-detect", "sectors-convert"


def _source(arguments: dict[str, Any]) -> tuple[str, str | None]:
    source, map_ = str(arguments["source"]), arguments.get("map")
    if not os.path.isabs(source):
        raise UsageError("source is an absolute path", code="job-arguments")
    return source, None if map_ is None else str(map_)


def detect(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``source``, ``map`` (or null), ``guards``: check every guard too. Result: as ``sectors detect``."""
    source, map_ = _source(arguments)
    found = look(source, map_, job)
    told = found.to_json()
    if arguments.get("guards") and found.protection is not None:
        told |= guards_json(check(source, map_, found, job))
    return told


def run_convert(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``source``, ``map``, ``target`` (absolute), ``format`` (or null: as found), ``force``."""
    source, map_ = _source(arguments)
    target = Path(str(arguments["target"]))
    if not target.is_absolute():
        raise UsageError("target is an absolute path", code="job-arguments")
    chosen = arguments.get("format")
    done = convert(
        source, map_, target, job, format=None if chosen is None else str(chosen),
        journal=job.directory / "convert.json", force=bool(arguments.get("force")) or job.resumed,
    )  # fmt: skip
    return done.to_json()
