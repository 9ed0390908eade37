"""Recordings as JSON values: the keys of ``dvr list --json``."""

from __future__ import annotations

from typing import Any

from engine.dvr.model import Extent, Missing, RecorderFile, Recordings, Title
from engine.errors import Problem


def recordings_document(recordings: Recordings, *, extents: bool = False) -> dict[str, Any]:
    """All that is known. ``extents`` adds where each part stands."""
    finding = recordings.finding
    return {
        "recorder": recordings.recorder,
        "family": finding.family,
        "variant": recordings.variant,
        "confidence": recordings.confidence,
        "reasons": list(recordings.reasons),
        "rung": str(finding.rung),
        "base": finding.base,
        "swapped": finding.swapped,
        "readable": finding.readable,
        "advice": finding.advice,
        "label": recordings.label,
        "titles": [title_document(title, extents=extents) for title in recordings.titles],
        "files": [file_document(file) for file in recordings.files],
        "structures_bytes": recordings.structures.total,
        "problems": [problem_document(problem) for problem in recordings.problems],
    }


def title_document(title: Title, *, extents: bool = False) -> dict[str, Any]:
    """One title. Times in seconds of programme, positions in bytes."""
    made = {
        "id": title.id,
        "name": title.name,
        "kind": title.kind,
        "recorded_at": title.recorded_at.isoformat() if title.recorded_at else None,
        "channel": title.channel,
        "input": title.input,
        "genre": title.genre,
        "locked": title.locked,
        "size": title.size,
        "parts": len(title.parts),
        "duration_s": None if title.duration_s is None else round(title.duration_s, 3),
        "deleted": title.deleted,
        "edited": [{"kind": str(edit.kind), "words": edit.words} for edit in title.edited],
        "plays": [
            {"title": one.title, "name": one.name, "start_s": round(one.start_s, 3), "end_s": round(one.end_s, 3)}
            for one in title.plays
        ],
        "chapters": [{"time_s": round(one.time_s, 3), "name": one.name} for one in title.chapters],
        "rung": str(title.rung),
        "role": title.role,
        "aspect": title.aspect,
        "scrambled": title.scrambled,
        "problems": [problem_document(problem) for problem in title.problems],
        "thumbnail": None,
        **missing_document(title.missing),
    }
    if extents:
        made["extents"] = [_extent(extent) for extent in title.extents]
    return made


def missing_document(missing: Missing) -> dict[str, Any]:
    """What is missing, in bytes and in seconds of programme, with where."""
    return {
        "missing_bytes": missing.bytes,
        "missing_s": None if missing.seconds is None else round(missing.seconds, 3),
        "unplaced_bytes": missing.unplaced,
        "unknown_missing": missing.unknown,
        "missing": [
            {"start": gap.start, "end": gap.end, "start_s": _rounded(gap.start_s), "end_s": _rounded(gap.end_s),
             "exact": gap.exact}
            for gap in missing.gaps
        ],
    }  # fmt: skip


def file_document(file: RecorderFile) -> dict[str, Any]:
    """One of the recorder's own files."""
    return {
        "path": file.path,
        "size": file.size,
        "modified": file.modified.isoformat() if file.modified else None,
        "role": file.role,
        "deleted": file.deleted,
        "rung": str(file.rung),
        "missing_bytes": file.missing.bytes,
        "problems": [problem_document(problem) for problem in file.problems],
    }


def problem_document(problem: Problem) -> dict[str, Any]:
    """A problem."""
    return {"code": problem.code, "message": problem.message, "offset": problem.offset}


def _extent(extent: Extent) -> dict[str, int | None]:
    return {"start": extent.start, "size": extent.size}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
