"""The job that searches a source for lost partitions; it goes on where it was stopped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from engine.atomic import write_json
from engine.cases import is_case, load_case, open_source, record
from engine.errors import UsageError
from engine.jobs.context import JobContext
from engine.jobs.results import read_result

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

    return SearchResult.from_json(read_result(directory, _RESULT, "the result of the search", most=_MAX_RESULT))
