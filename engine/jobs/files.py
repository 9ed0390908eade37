"""The jobs over files of a volume: making the index, and taking files out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.cases import is_case, load_case, record
from engine.errors import UsageError
from engine.jobs.context import JobContext

INDEX_KIND, TAKE_KIND = "file-index", "file-extract"


def index(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``source`` (absolute path), ``map`` (absolute path or null), ``window`` ([start, end] or null),
    ``volume`` (where it begins, in bytes), ``orphans`` (or null), ``index`` (absolute path or null: its own place).

    Result: ``entries, files, directories, deleted, unread_bytes, problems, family, index``.
    """
    from engine.cases.volumes import open_volume

    with open_volume(**_place(arguments), again=True, orphans=arguments.get("orphans"), reporter=job) as opened:
        told = {**opened.index.counts, "index": str(opened.index.file)}
    _note(arguments, "files-indexed", volume=arguments.get("volume"), **told)
    return told


def take(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: as of ``index``, and ``choice`` (``Choice.to_json``), ``target`` (absolute path of a folder; of a
    file when ``what`` is not ``files``), ``what`` (``files``, ``unallocated``, ``slack``), ``verify``.

    Result: ``Taken.to_json`` without the list, or ``path, bytes, sha256, missing_bytes``.
    """
    from engine.cases.taking import Choice, take_regions
    from engine.cases.taking import take as take_files
    from engine.cases.volumes import open_volume

    target = arguments.get("target")
    if not isinstance(target, str) or not os.path.isabs(target):
        raise UsageError("target is an absolute path", code="job-arguments")
    journal = job.directory / "extract"
    journal.mkdir(exist_ok=True)
    with open_volume(**_place(arguments), reporter=job) as opened:
        what = arguments.get("what", "files")
        if what == "files":
            choice = Choice.from_json(dict(arguments.get("choice") or {}))
            taken = take_files(opened, choice, Path(target), journal=journal, verify=bool(arguments.get("verify")),
                               reporter=job)  # fmt: skip
            told = {key: value for key, value in taken.to_json().items() if key != "written"}
            told["failed"] = told["failed"][:20]
        else:
            written, _ = take_regions(opened, str(what), Path(target), journal=journal / what, reporter=job)
            told = {"path": str(written.path), "bytes": written.size, "sha256": written.sha256,
                    "missing_bytes": written.missing.total}  # fmt: skip
    _note(arguments, "files-extracted", volume=arguments.get("volume"), what=what, target=target, **{
        key: value for key, value in told.items() if not isinstance(value, list)})  # fmt: skip
    return told


def _place(arguments: dict[str, Any]) -> dict[str, Any]:
    where, window = arguments.get("source"), arguments.get("window")
    if not isinstance(where, str) or not os.path.isabs(where):
        raise UsageError("source is an absolute path", code="job-arguments")
    index_path = arguments.get("index")
    return {
        "where": where, "map": arguments.get("map"), "volume": arguments.get("volume"),
        "window": None if window is None else (int(window[0]), int(window[1])),
        "index": None if index_path is None else Path(str(index_path)),
    }  # fmt: skip


def _note(arguments: dict[str, Any], action: str, **facts: Any) -> None:
    if is_case(arguments["source"]):
        record(load_case(arguments["source"]), action, **facts)
