"""Where a rescue's things lie: from what a person names to a rescue's arguments, and back from a map to its past."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cases import case_of_map, is_case, load_case
from engine.errors import UsageError
from engine.jobs import Job, list_jobs
from engine.rescue.arguments import RescueArguments
from engine.rescue.plan import PassRecord

_CHECKPOINT = "checkpoint.json"
_MAX_CHECKPOINT = 4 << 20


def arguments_for(source: str | None, image: str | None, map_path: str | None, **more: Any) -> RescueArguments:
    """Arguments from three paths, or from a case alone (given as ``source``), which knows all three.

    A map that belongs to a case makes the rescue one of that case. Raises ``UsageError``, ``DamagedError``.
    """
    if source is not None and image is None and map_path is None and is_case(source):
        case = load_case(source)
        if case.source_path is None:
            raise UsageError("the case does not know its drive yet", path=source, advice="name drive, image and map")
        return RescueArguments(
            case.source_path, str(case.image), str(case.map), case=str(case.directory.absolute()), **more
        )
    if source is None or image is None or map_path is None:
        raise UsageError("a rescue needs SOURCE, IMAGE and MAP, or a case", code="usage")
    found = case_of_map(map_path)
    case_directory = str(found.directory.absolute()) if found is not None else None
    return RescueArguments(
        os.path.abspath(source), os.path.abspath(image), os.path.abspath(map_path), case=case_directory, **more
    )


def past_passes(map_path: str) -> list[PassRecord]:
    """The passes of the newest rescue job of this map, as its checkpoint kept them; none when there is no such job."""
    job = _newest_job(map_path)
    try:
        return [] if job is None else [PassRecord.from_json(one) for one in _checkpoint(job.directory)["passes"]]
    except (ValueError, KeyError, TypeError, OverflowError):
        return []


def past_campaign(map_path: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """The newest campaign of this map: what it remembers (``campaign.memory``, as JSON values) and the arguments of its
    job; None without one."""
    job = _newest_job(map_path)
    found = _checkpoint(job.directory).get("campaign") if job is not None else None
    return (found, job.arguments) if job is not None and isinstance(found, Mapping) else None


def _newest_job(map_path: str) -> Job | None:
    case = case_of_map(map_path)
    folder = case.jobs_dir if case is not None else Path(os.path.abspath(map_path) + ".jobs")
    wanted = os.path.realpath(map_path)
    for job in list_jobs(folder).jobs:
        if job.kind == "rescue" and os.path.realpath(str(job.arguments.get("map"))) == wanted:
            return job
    return None


def _checkpoint(directory: Path) -> Mapping[str, Any]:
    try:
        with open(directory / _CHECKPOINT, "rb") as file:
            saved = json.loads(file.read(_MAX_CHECKPOINT))
    except (OSError, ValueError, RecursionError):
        return {}
    return saved if isinstance(saved, Mapping) else {}
