"""The history of a case in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cases.case import load_case
from engine.cases.history import Action, record
from engine.report.model import Step
from engine.text import format_exact

_WORDS: Mapping[str, str] = {
    "case-created": "the case was made",
    "rescue-pass": "a pass of ddrescue ended",
    "rescue-started": "the rescue was started",
    "rescue-ended": "the rescue ended",
    "campaign-pass": "a pass of the drop-off campaign ended",
    "drop-off": "the drive dropped off",
    "power": "the drive's power was cycled",
    "returned": "the drive came back",
    "map-saved": "the map was edited by hand and saved",
    "partitions-searched": "lost partitions were searched",
    "repaired": "a repair was written into the image",
    "repair-completed": "an interrupted repair was completed",
    "repair-undone": "a repair was taken back",
    "copy-repaired": "a repair was written into a copy",
    "carved": "files were searched by their signatures",
    "files-indexed": "the files of a volume were listed",
    "files-extracted": "files were got out",
    "files-carved": "files found by their signatures were got out",
    "report-written": "a report was written",
    "recordings-extracted": "recordings were got out",
    "recordings-scanned": "recordings were searched by their clock",
}
_BYTES = frozenset({"gained", "rescued", "missing", "missing_bytes", "bytes", "size"})
_HIDDEN = frozenset({"sha256", "undo", "undo_file", "map", "job"})
_MOST_FACTS = 8


def sentence(action: Action) -> Step:
    """One action; one that is not known keeps its own name, so that nothing is left out."""
    words = _WORDS.get(action.action, action.action.replace("-", " "))
    message = action.facts.get("message") or action.facts.get("reason") or action.facts.get("title")
    told = [f"{words}: {message}" if message else words]
    for key, value in list(action.facts.items())[:_MOST_FACTS]:
        if key in ("message", "reason", "title") or key in _HIDDEN or value in (None, "", [], {}):
            continue
        told.append(_fact(key, value))
    return Step(action.time, "; ".join(told))


def _fact(key: str, value: Any) -> str:
    name = key.replace("_", " ")
    if key in _BYTES and isinstance(value, int) and not isinstance(value, bool):
        return f"{name.removesuffix(' bytes')} {format_exact(value)}"
    if isinstance(value, bool):
        return name if value else f"not {name}"
    text = str(value)
    return f"{name} {text if len(text) <= 120 else text[:117] + '...'}"


def note(case: Path, path: Path) -> None:
    """Into the history of a case: its report is written. Raises ``RescueError``."""
    record(load_case(case), "report-written", path=str(path))
