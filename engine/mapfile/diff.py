"""What an edit does, in bytes: which statuses moved to which, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.mapfile.algebra import codes_at, merge_edges
from engine.mapfile.model import Mapfile
from engine.mapfile.status import CHARS, NO_CODE
from engine.ranges import RangeSet


@dataclass(frozen=True, slots=True)
class Move:
    """Bytes that had status ``old`` and now have ``new``; ``""`` stands for "not in the map"."""

    old: str
    new: str
    bytes: int
    ranges: RangeSet

    @property
    def loses(self) -> bool:
        """Whether rescued bytes are no longer called rescued."""
        return self.old == "+"


def moves(before: Mapfile, after: Mapfile) -> tuple[Move, ...]:
    """All changes between two maps, the largest first."""
    if before.bounds is after.bounds and before.codes is after.codes:
        return ()
    edges = merge_edges([before.bounds, after.bounds])
    at = edges[:-1]
    old, new = codes_at(before, at), codes_at(after, at)
    kind = old.astype(np.int64) * 256 + new
    found = []
    for pair in np.unique(kind[old != new]).tolist():
        chosen = kind == pair
        ranges = RangeSet.from_arrays(at[chosen], edges[1:][chosen])
        found.append(Move(_char(pair >> 8), _char(pair & 255), ranges.total, ranges))
    return tuple(sorted(found, key=lambda move: -move.bytes))


def _char(code: int) -> str:
    return "" if code == NO_CODE else CHARS[code]
