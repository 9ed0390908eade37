"""The jobs of carving: the scan that fills a catalogue, and the writing of chosen finds."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.atomic import write_json
from engine.carve.areas import carve_areas
from engine.carve.carving import State, carve
from engine.carve.catalogue import CatalogueWriter, append_find, newest, read_about, read_finds
from engine.carve.find import Find
from engine.carve.scan import BLOCK
from engine.carve.signatures import chosen
from engine.carve.writing import write_finds
from engine.cases import is_case, load_case, open_source, record
from engine.errors import UsageError
from engine.jobs.context import JobContext
from engine.ranges import RangeSet

SCAN, WRITE, PIECES = "carve-scan", "carve-write", "carve-pieces"
_CATALOGUE = "finds.jsonl"
_AREAS = "areas.json"


def catalogue_path(directory: Path) -> Path:
    """Where the scan that runs in this job directory keeps its catalogue."""
    return directory / "work" / _CATALOGUE


def scan(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``source`` (absolute path), ``map``, ``window`` ([start, end] or null), ``types`` (list or null),
    ``block`` (bytes), ``everywhere``, ``free`` (only where no file lies), ``catalogue`` (absolute path or null: in the
    directory of the job).

    Result: ``finds``, ``whole``, ``bytes``, ``catalogue``, ``skipped`` (beginnings not followed, see ``State``).
    """
    where = _absolute(arguments, "source")
    target = arguments.get("catalogue")
    path = Path(target) if isinstance(target, str) else job.work_directory / _CATALOGUE
    window = arguments.get("window")
    part = None if window is None else (int(window[0]), int(window[1]))
    types = arguments.get("types")
    block = int(arguments.get("block") or BLOCK)
    if block < BLOCK or block & block - 1:
        raise UsageError("the block is a power of two of at least 512 bytes", code="job-arguments")
    saved = job.saved
    state = State.from_json(dict(saved["state"])) if saved else State()
    with open_source(
        where, map=arguments.get("map"), window=part, sector_size=arguments.get("sector_size")
    ) as source:  # fmt: skip
        about = {"source": where, "size": source.size, "map": arguments.get("map"), "window": window, "block": block}
        writer = CatalogueWriter(path, about, length=int(saved["length"]) if saved else None)
        held: list[Find] = []
        counts = {"finds": 0, "whole": 0}
        if saved:
            counts.update({key: int(saved["counts"][key]) for key in counts})

        def keep(now: State) -> None:
            writer.add(held)
            for find in held:
                counts["finds"] += find.inside is None
                counts["whole"] += find.proven and find.inside is None
            held.clear()
            job.facts(**counts)
            job.checkpoint({"state": now.to_json(), "length": writer.sync(), "counts": dict(counts)})

        try:
            how: dict[str, Any] = {
                "block": block, "everywhere": bool(arguments.get("everywhere")), "state": state, "reporter": job,
                "checkpoint": keep,
            }  # fmt: skip
            kinds = chosen(frozenset(types) if types else None)
            if arguments.get("free"):
                areas = RangeSet((int(low), int(high)) for low, high in _free(arguments, part, saved, job))
                finds = carve_areas(source, areas, kinds, **how)
            else:
                finds = carve(source, kinds, **how)
            for find in finds:
                held.append(find)
        finally:
            writer.close()
    told = {**counts, "bytes": state.position, "catalogue": str(path), "skipped": state.skipped}
    if is_case(where):
        record(load_case(where), "carved", **counts)
    return told


def write(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``catalogue`` (absolute path), ``target`` (absolute path of a folder), ``chosen`` (starts, or null for
    all finds that are not parts of others), ``map`` (null: the one of the scan), ``partial`` (damaged ones too).

    Result: ``written`` (paths), ``bytes``, ``missing_bytes``.
    """
    catalogue = Path(_absolute(arguments, "catalogue"))
    target = Path(_absolute(arguments, "target"))
    about = read_about(catalogue)
    wanted = arguments.get("chosen")
    starts = None if wanted is None else {int(start) for start in wanted}
    partial = bool(arguments.get("partial", True))
    finds = [
        find for find in newest(read_finds(catalogue))
        if (find.inside is None if starts is None else find.start in starts)
        and (partial or find.status.value == "complete")
    ]  # fmt: skip
    window = about.get("window")
    with open_source(
        str(about["source"]), map=arguments.get("map") or about.get("map"),
        window=None if window is None else (int(window[0]), int(window[1])),
    ) as source:  # fmt: skip
        report = write_finds(source, finds, target, reporter=job, journal=job.directory / "written.json")
    if is_case(str(about["source"])):
        record(
            load_case(str(about["source"])), "files-carved", target=str(target), files=len(report.written),
            missing_bytes=report.missing_bytes,
        )  # fmt: skip
    return {
        "written": [str(one.path) for one in report.written[:10_000]], "files": len(report.written),
        "failed": len(report.failed), "missing_bytes": report.missing_bytes,
        "duplicates": len(report.written) - len({one.sha256 for one in report.written}),
    }  # fmt: skip


def pieces(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``catalogue`` (absolute path), ``start`` (of the broken find), ``map``, ``cluster`` (bytes),
    ``most_gap`` (clusters). The find that was put together goes into the catalogue.

    Result: ``found``, ``extents``, ``reason``.
    """
    from engine.carve.fragments import Search, repair
    from engine.carve.signatures import table

    catalogue = Path(_absolute(arguments, "catalogue"))
    about = read_about(catalogue)
    finds = newest(read_finds(catalogue))
    broken = next((find for find in finds if find.start == int(arguments["start"]) and find.inside is None), None)
    if broken is None:
        raise UsageError("there is no find at that place", code="job-arguments")
    kind = broken.kind if any(one.kind == broken.kind for one in table()) else "zip"
    signature = next(one for one in table() if one.kind == kind)
    taken = RangeSet(
        (start, start + size)
        for find in finds
        if find is not broken and find.status.value == "complete" and find.confidence >= 3
        for start, size in find.extents
    )
    cluster = int(arguments.get("cluster") or 4096)
    search = Search(cluster=cluster, most_gap=int(arguments.get("most_gap") or 4096), taken=taken)
    with open_source(str(about["source"]), map=arguments.get("map") or about.get("map")) as source:
        found = repair(source, broken, signature, search, job)
    if found is not None:
        append_find(catalogue, found)
    return {
        "found": found is not None,
        "extents": [] if found is None else [list(extent) for extent in found.extents],
        "reason": "" if found is None else found.reason,
    }


def _free(
    arguments: dict[str, Any], window: tuple[int, int] | None, saved: Mapping[str, Any] | None, job: JobContext
) -> list[list[int]]:
    """What is free, found once and kept: a resumed scan must go on in the very same areas."""
    from engine.cases.free_space import free_space

    kept = job.directory / _AREAS
    if saved is not None and kept.exists():
        return [list(pair) for pair in json.loads(kept.read_bytes())]
    free, notes = free_space(arguments["source"], map=arguments.get("map"), window=window, reporter=job)
    for note in notes:
        job.event("carve-note", message=note)
    write_json(kept, [[low, high] for low, high in free])
    return [[low, high] for low, high in free]


def _absolute(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not os.path.isabs(value):
        raise UsageError(f"{name} is an absolute path", code="job-arguments")
    return value
