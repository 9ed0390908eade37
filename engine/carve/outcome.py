"""What a walker says of a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How the walk ended."""

    COMPLETE = "complete"
    MORE = "more-data-needed"
    BROKEN = "broken"
    UNREAD = "unread"
    OPEN = "open-ended"


CHECKED, WALKED, SIZED, FOOTER, HEAD = 4, 3, 2, 1, 0
"""Confidence: 4 a checksum or a full decode passed; 3 the structure was walked to its proper end; 2 a size field, inner
structure partly checked; 1 a footer or a longest length; 0 the head only."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``end``: bytes from the start, exact when complete, else as far as the file reaches for certain.

    ``at``: where it is broken or unread (bytes from the start). ``certain_end``: an end known from a size field or a
    directory although the walk did not get there. ``good``: how far whole parts of the structure (chunks, members) are
    right, which may be less than ``end``. ``kind``: the type it turned out to be, when not the signature's own.
    """

    end: int
    status: Status
    confidence: int
    reason: str
    at: int | None = None
    certain_end: int | None = None
    good: int = 0
    kind: str | None = None
    extension: str | None = None
    name: str = ""
    modified: float | None = None
    facts: dict[str, str | int | float] = field(default_factory=dict)


def complete(
    end: int,
    confidence: int,
    reason: str,
    *,
    kind: str | None = None,
    extension: str | None = None,
    name: str = "",
    modified: float | None = None,
    known: Mapping[str, str | int | float] | None = None,
    **facts: str | int | float,
) -> Outcome:
    """A file that ends at ``end``."""
    return Outcome(
        end,
        Status.COMPLETE,
        confidence,
        reason,
        kind=kind,
        extension=extension,
        name=name,
        modified=modified,
        facts={**(known or {}), **facts},
    )
