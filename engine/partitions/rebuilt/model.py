"""What is proposed instead of a lost boot sector, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.partitions.volumes import Evidence

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A boot sector. ``places`` are the offsets in the volume where it belongs, the backup first, in bytes; ``fsinfo``
    is where FAT32's FSInfo belongs.

    ``high``: two independent structures agree on every number that decides where things lie. ``medium``: one does.
    ``low``: the numbers are the usual ones, and nothing contradicts them. ``names`` are the first entries of the root
    directory as it reads through the proposal; ``notes`` say what could not be known.
    """

    kind: str
    title: str
    boot: bytes
    places: tuple[int, ...]
    fsinfo: int | None
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...]
    names: tuple[str, ...]
