"""What comes next, in words: the one table for the case screen, the line above the keys and plain commands."""

from __future__ import annotations

from engine.cases.next_steps import Step, StepId
from engine.text import safe_text

WORDS: dict[StepId, str] = {
    "choose-drive": "choose the failing drive",
    "rescue": "set up the next pass",
    "watch": "watch the rescue",
    "resume": "go on with the stopped rescue",
    "mend-map": "mend the map, or go back to a kept one",
    "list-files": "list the files",
    "recordings": "see the recordings",
    "retry": "read only what hit files lack",
    "extract": "write out the files",
    "carve": "look for files by signature",
    "partitions": "search for lost partitions",
    "report": "write the report",
    "done": "done",
}
FIRST_RESCUE = "image the drive"


def step_words(step: Step) -> str:
    """``list the files of PHOTOS``."""
    words = FIRST_RESCUE if step.first else WORDS[step.id]
    return f"{words} of {safe_text(step.name, 24)}" if step.name and step.id in ("list-files", "extract") else words


def step_line(step: Step) -> str:
    """With the reason: for one line."""
    return f"{step_words(step)}: {step.reason}"
