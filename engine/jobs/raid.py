"""Jobs on arrays: the detection over members, and an assembled array written as an image."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.atomic import write_json
from engine.cases import open_source
from engine.cases.arrays import Member, opened_members
from engine.cases.exporting import export_image, refuse_target
from engine.errors import UsageError
from engine.jobs.context import JobContext
from engine.jobs.results import read_result

if TYPE_CHECKING:
    from engine.raid.model import Detection

DETECT, EXPORT = "raid-detect", "raid-export"
_RESULT = "detection.json"
_MOST_RESULT = 16 << 20


def members_of(arguments: list[dict[str, Any]]) -> list[Member]:
    """Members as a job's arguments hold them: ``path``, ``map``, ``sector_size``."""
    found = []
    for one in arguments:
        if not isinstance(one, dict) or not os.path.isabs(str(one.get("path", ""))):
            raise UsageError("a member is an absolute path", code="job-arguments")
        map_, sectors = one.get("map"), one.get("sector_size")
        found.append(Member(Path(one["path"]), None if map_ is None else Path(map_),
                            None if sectors is None else str(sectors)))  # fmt: skip
    return found


def arguments_of(members: list[Member]) -> list[dict[str, Any]]:
    """The other way."""
    return [
        {"path": os.path.abspath(m.path), "map": None if m.map is None else os.path.abspath(m.map),
         "sector_size": m.sector_size}
        for m in members
    ]  # fmt: skip


def detect(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``members`` (see ``members_of``), ``budget`` (bytes of each member, or null).

    Result: ``verdict``, ``read``; the whole answer is in the job's directory (``load_detection``).
    """
    from engine.raid.detect import BUDGETS
    from engine.raid.detect import detect as look

    with opened_members(members_of(arguments["members"])) as sources:
        found = look(sources, budget=int(arguments.get("budget") or BUDGETS[-1]), reporter=job)
    write_json(job.directory / _RESULT, found.to_json())
    return {"verdict": found.verdict, "read": found.read, "candidates": len(found.candidates)}


def load_detection(directory: str | os.PathLike[str]) -> Detection:
    """What a finished detection found. Raises ``OutsideError``, ``DamagedError``."""
    from engine.raid.saved import from_json

    return from_json(read_result(directory, _RESULT, "the result of the detection", most=_MOST_RESULT))


def export(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``source`` (absolute path of a description of an array), ``target`` (absolute), ``force``."""
    source, target = str(arguments["source"]), Path(str(arguments["target"]))
    if not os.path.isabs(source) or not target.is_absolute():
        raise UsageError("source and target are absolute paths", code="job-arguments")
    if not job.resumed:
        refuse_target(target, [source], force=bool(arguments.get("force")))
    with open_source(source) as array:
        done = export_image(array, target, job, facts={"array": source}, journal=job.directory / "export.json",
                            force=bool(arguments.get("force")))  # fmt: skip
    return done.to_json()
