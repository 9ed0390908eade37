"""What a layout says, and bit maps as ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from engine.ranges import RangeSet
from engine.source import Source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Runs = Sequence[tuple[int, int]]
"""(start, size) in bytes on the volume."""
RunsOf = Callable[[str], Runs]
"""The places of one of the file system's own files, by its name in the library's listing; empty when not there."""


@dataclass(frozen=True, slots=True)
class Area:
    """Bytes ``[start, end)`` that the file system keeps for itself."""

    start: int
    end: int
    what: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions in bytes on the volume. ``unit``: what is allocated at once. ``size``: what the file system covers.

    ``free`` is None when the family has no notion of it (or it is not known here). ``unknown``: what nobody can say
    whether it is free, since the bit map or FAT there was never read. ``bad``: marked bad by the file system.
    ``tail``: behind the last whole unit. ``record`` gives the (start, size) of a file's record by its number.
    """

    family: str
    unit: int
    size: int
    areas: tuple[Area, ...]
    free: RangeSet | None
    unknown: RangeSet = field(default_factory=RangeSet)
    bad: RangeSet = field(default_factory=RangeSet)
    tail: RangeSet = field(default_factory=RangeSet)
    record: Callable[[int], tuple[int, int] | None] = lambda _number: None

    @property
    def metadata(self) -> RangeSet:
        """All areas."""
        return RangeSet((area.start, area.end) for area in self.areas)


def ranges_of(chosen: npt.NDArray[np.bool_], base: int, unit: int) -> RangeSet:
    """Where ``chosen`` is true: element i is ``[base + i * unit, base + (i + 1) * unit)``."""
    import numpy as np

    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False)).astype(np.int64) * unit + base
    return RangeSet.from_arrays(edges[0::2], edges[1::2])


def bits(data: bytes, count: int, order: Literal["big", "little"] = "little") -> npt.NDArray[np.bool_]:
    """``count`` bits; those behind the data are set."""
    import numpy as np

    found = np.unpackbits(np.frombuffer(data, np.uint8), bitorder=order)[:count].astype(bool)
    if found.size < count:
        found = np.concatenate((found, np.ones(count - found.size, bool)))
    return found


def read_bitmap(
    source: Source, runs: Iterable[tuple[int, int]], count: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(used, unread) of ``count`` clusters, from a bitmap of a bit each that lies in ``runs`` (offset, size in bytes).

    What the runs do not reach counts as used and as unread; so does a bit in a hole as unread.
    """
    import numpy as np

    used, unread = np.ones(count, bool), np.ones(count, bool)
    at = 0
    for start, size in runs:
        wanted = min(count - at, size * 8)
        if wanted <= 0:
            break
        reading = source.read(start, -(-wanted // 8))
        got = min(wanted, len(reading.data) * 8)
        used[at : at + got] = bits(reading.data, got)
        unread[at : at + got] = bits_in(RangeSet(reading.holes), start, got)
        at += wanted
    return used, unread


def bits_in(holes: RangeSet, base: int, count: int, per_byte: int = 8) -> npt.NDArray[np.bool_]:
    """Which of ``count`` bits (or entries) lie in holes; the first one is in the byte at ``base``."""
    import numpy as np

    found = np.zeros(count, bool)
    for low, high in holes:
        found[max(0, (low - base) * per_byte) : max(0, (high - base) * per_byte)] = True
    return found
