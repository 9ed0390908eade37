"""What proofs are made of: places where a structure must be, and whether it is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.source.base import ReadError

if TYPE_CHECKING:
    from engine.source import Source

_MOST = 4 << 20


@dataclass(slots=True)
class Points:
    """Places where something was right or wrong. ``units``: distinct stretches of ``unit`` bytes in which it was right;
    a wrong order is often right in the first strip."""

    source: Source
    unit: int
    good: int = 0
    bad: int = 0
    units: set[int] = field(default_factory=set)
    told: dict[str, list[int]] = field(default_factory=dict)
    first_bad: tuple[str, int] | None = None

    def read(self, offset: int, size: int) -> bytes | None:
        """Bytes of the volume; None where it ends, or where nobody has read them: that proves nothing."""
        if offset < 0 or size <= 0 or size > _MOST or offset + size > self.source.size:
            return None
        try:
            reading = self.source.read(offset, size)
        except ReadError:
            return None
        return reading.data if reading.whole else None

    def check(self, what: str, offset: int, right: bool) -> bool:
        """Count one place."""
        counts = self.told.setdefault(what, [0, 0])
        if right:
            self.good += 1
            counts[0] += 1
            self.units.add(offset // self.unit)
        else:
            self.bad += 1
            if self.first_bad is None:
                self.first_bad = (what, offset)
        counts[1] += 1
        return right

    def words(self) -> list[str]:
        """One line for each kind of place."""
        return [f"{good} of {all_} {what}" for what, (good, all_) in self.told.items()]


def le(data: bytes, at: int, size: int) -> int:
    """A little-endian number."""
    return int.from_bytes(data[at : at + size], "little")


def be(data: bytes, at: int, size: int) -> int:
    """A big-endian number."""
    return int.from_bytes(data[at : at + size], "big")


def spread(count: int, most: int) -> list[int]:
    """At most ``most`` numbers below ``count``: the first ones, and the rest evenly."""
    if count <= most:
        return list(range(count))
    head = most // 4
    rest = most - head
    return list(range(head)) + [head + (count - head - 1) * k // max(1, rest - 1) for k in range(rest)]


__all__ = ["Points", "be", "le", "spread"]
