"""A find: one line of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from engine.carve.outcome import WALKED, Outcome, Status
from engine.carve.signatures import Signature


@dataclass(frozen=True, slots=True)
class Find:
    """``extents``: (start, size) in the source, in the file's order.

    ``at``: where it is broken or unread, in bytes from the file's start. ``inside``: the start of the find that this
    one is a part of (a thumbnail, a member), or None.
    """

    kind: str
    category: str
    extension: str
    extents: tuple[tuple[int, int], ...]
    status: Status
    confidence: int
    reason: str
    at: int | None = None
    name: str = ""
    modified: float | None = None
    inside: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """Position of the first byte."""
        return self.extents[0][0]

    @property
    def size(self) -> int:
        """Bytes, as far as known."""
        return sum(size for _, size in self.extents)

    @property
    def proven(self) -> bool:
        """Complete, with an end that the structure or a checksum proves: less is never called whole."""
        return self.status is Status.COMPLETE and self.confidence >= WALKED

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "kind": self.kind, "category": self.category, "extension": self.extension,
            "extents": [list(extent) for extent in self.extents], "status": self.status.value,
            "confidence": self.confidence, "reason": self.reason, "at": self.at, "name": self.name,
            "modified": self.modified, "inside": self.inside, "facts": dict(self.facts),
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Find:
        """The find that ``to_json`` wrote. Raises ``ValueError``, ``KeyError``, ``TypeError`` for anything else."""
        extents = tuple((int(start), int(size)) for start, size in value["extents"])
        if not extents or any(start < 0 or size <= 0 for start, size in extents):
            raise ValueError("a find without bytes")
        kind, category, extension, reason = (
            intern(str(value[name])) for name in ("kind", "category", "extension", "reason")
        )  # the same few words in a hundred thousand finds
        return cls(
            kind, category, extension, extents, Status(value["status"]), int(value["confidence"]), reason, value["at"],
            str(value["name"]), value["modified"], value["inside"], dict(value["facts"]),
        )  # fmt: skip


def make_find(signature: Signature, start: int, outcome: Outcome, inside: int | None = None) -> Find:
    """What a walk found at ``start``, as one extent."""
    return Find(
        outcome.kind or signature.kind, signature.category, outcome.extension or signature.extension,
        ((start, outcome.end),), outcome.status, outcome.confidence, outcome.reason, outcome.at, outcome.name,
        outcome.modified, inside, outcome.facts,
    )  # fmt: skip
