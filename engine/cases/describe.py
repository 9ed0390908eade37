"""A case or a source in plain facts, for JSON output and for screens."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.cases.case import Case
from engine.cases.generations import list_generations
from engine.cases.history import read_history
from engine.errors import RescueError, outside
from engine.source import open_path


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a case keeps of its source: absolute path, bytes (None when it could not be opened), sector, identity."""

    path: str
    size: int | None
    sector_size: int
    identity: Mapping[str, Any]


def source_facts(path: str | os.PathLike[str]) -> SourceFacts:
    """Facts of a device (from what the system knows of it: the device itself is not read) or of an image file.

    Raises ``OutsideError`` when nothing is there.
    """
    absolute = os.path.abspath(path)
    try:
        mode = os.stat(absolute).st_mode
    except OSError as error:
        raise outside(error, "cannot find the source", path) from error
    if stat.S_ISBLK(mode):
        from engine.devices import identify

        identity = identify(absolute)
        if identity is not None:
            return SourceFacts(absolute, identity.size_bytes, identity.logical_sector, asdict(identity))
    with open_path(absolute) as source:
        return SourceFacts(absolute, source.size, source.sector_size, {})


def _file(path: Path) -> dict[str, Any]:
    try:
        facts = path.stat()
    except OSError:
        return {"path": str(path), "exists": False, "size": None, "allocated": None}
    return {"path": str(path), "exists": True, "size": facts.st_size, "allocated": facts.st_blocks * 512}


def describe_case(case: Case) -> dict[str, Any]:
    """The case as one JSON document. A map that cannot be read is told in ``map_error``, not raised."""
    totals: dict[str, int] | None = None
    map_error: str | None = None
    if os.path.exists(case.map):
        from engine.mapfile import read_map

        try:
            totals = read_map(case.map).totals().as_dict()["bytes"]
        except RescueError as error:
            map_error = str(error)
    jobs = sum(1 for entry in case.jobs_dir.iterdir() if entry.is_dir()) if case.jobs_dir.is_dir() else 0
    return {
        "case": str(case.directory),
        "title": case.title,
        "created": case.created,
        "source": {
            "path": case.source_path,
            "size": case.source_size,
            "sector_size": case.sector_size,
            "identity": dict(case.identity),
        },
        "image": _file(case.image),
        "map": _file(case.map),
        "bytes": totals,
        "map_error": map_error,
        "generations": len(list_generations(case)),
        "jobs": jobs,
        "actions": len(read_history(case)),
    }
