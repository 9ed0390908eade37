"""The job that searches a source for lost partitions; it goes on where it was stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.atomic import write_json
from engine.cases import is_case, load_case, open_source, record
from engine.errors import DamagedError, UsageError, outside
from engine.jobs.context import JobContext

if TYPE_CHECKING:
    from engine.partitions.search import SearchResult

KIND = "partition-search"
_RESULT = "finds.json"
_MAX_RESULT = 64 << 20


def run(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``source`` (absolute path of an image, a device or a case), ``map`` (absolute path or null),
    ``window`` ([start, end] in bytes or null), ``sector_size`` (or null), ``deep``.

    Result: ``volumes`` at top level, ``lost`` (not in the present table), ``unread_bytes``; all finds are in the job's
    directory (``load_result``).
    """
    from engine.partitions.search import search

    where, deep, saved = arguments.get("source"), bool(arguments.get("deep")), job.saved
    if not isinstance(where, str) or not os.path.isabs(where):
        raise UsageError("source is an absolute path", code="job-arguments")
    window = arguments.get("window")
    part = None if window is None else (int(window[0]), int(window[1]))
    with open_source(where, map=arguments.get("map"), window=part) as source:
        if saved is not None:
            job.event("search-goes-on", position=saved.get("position"))
        found = search(
            source, deep=deep, reporter=job, saved=saved, checkpoint=job.checkpoint,
            sector_size=arguments.get("sector_size"),
        )  # fmt: skip
    write_json(job.directory / _RESULT, found.to_json())
    told = {"volumes": len(found.volumes), "lost": len(found.lost), "unread_bytes": found.unread_bytes}
    if is_case(where):
        record(load_case(where), "partitions-searched", deep=deep, **told)
    return told


def load_result(directory: str | os.PathLike[str]) -> SearchResult:
    """What a finished job found. Raises ``OutsideError`` (not there yet), ``DamagedError``."""
    from engine.partitions.search import SearchResult

    path = Path(directory) / _RESULT
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MAX_RESULT + 1)
    except OSError as error:
        raise outside(error, "cannot read the result of the search", path) from error
    try:
        value = json.loads(data[:_MAX_RESULT])
    except (ValueError, RecursionError) as error:
        raise DamagedError("the result of the search is damaged", code="search-result", path=path) from error
    if not isinstance(value, dict):
        raise DamagedError("the result of the search is damaged", code="search-result", path=path)
    return SearchResult.from_json(value)
