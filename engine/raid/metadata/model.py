"""What a metadata superblock says of an array and of the member it lies on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.raid.layout import Layout


@dataclass(frozen=True, slots=True)
class Super:
    """``kind``: ``md-0.90``, ``md-1.0`` ... ``ddf``, ``ldm``; ``at``: the byte of the member where it lies. ``role``:
    the drive that this member is (None: spare, unknown). ``data_offset`` and ``data_size`` in bytes of the member.
    ``events``: a counter that grows with every change: a member with a lower one is stale. ``set_id`` names the array.
    """

    kind: str
    at: int
    level: int | None
    layout: Layout | None
    strip: int | None
    drives: int | None
    role: int | None
    data_offset: int | None
    data_size: int | None
    events: int | None
    updated: float | None
    set_id: str
    name: str = ""
    problems: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether it tells all that an assembly needs."""
        needed = (self.layout, self.strip, self.drives, self.role, self.data_offset)
        return self.level in (4, 5) and None not in needed

    def to_json(self) -> dict[str, Any]:
        """Offsets and sizes in bytes; ``role`` from 0, as the metadata count it."""
        return {
            "kind": self.kind, "at": self.at, "level": self.level,
            "layout": None if self.layout is None else str(self.layout), "strip_size": self.strip,
            "drives": self.drives, "role": self.role, "data_offset": self.data_offset, "data_size": self.data_size,
            "events": self.events, "updated": self.updated, "set": self.set_id, "name": self.name,
            "problems": list(self.problems),
        }  # fmt: skip
