"""First look at a set of members: which are empty, equal, or do not belong; what XOR says of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.raid.sample import Sample

COMPLETE = 0.97
SOME = 0.10
_LEAST = 32


@dataclass(frozen=True, slots=True)
class Triage:
    """Shares of the granules that can tell (two members hold something there).

    ``balanced``: the XOR of all is zero. ``others[m]``: the XOR of all but ``m`` is zero. ``blank``: members that are
    empty where others hold something. ``twins``: pairs of members that are equal.
    """

    granules: int
    balanced: float
    others: tuple[float, ...]
    blank: tuple[int, ...]
    twins: tuple[tuple[int, int], ...]

    @property
    def foreign(self) -> int | None:
        """The member without which all others balance; None when there is none."""
        if self.balanced >= COMPLETE or len(self.others) < 4:
            return None
        best = max(range(len(self.others)), key=lambda m: self.others[m])
        return best if self.others[best] >= COMPLETE else None

    @property
    def raid6(self) -> bool:
        """Whether leaving out one member or another balances the rest, row by row: what is left out is RAID6's Q."""
        several = [share for share in self.others if share > 0.3 / len(self.others)]
        return (
            len(self.others) >= 4 and self.balanced < 0.5 and sum(self.others) > 0.9
            and len(several) > len(self.others) // 2 and max(self.others) < 0.8
        )  # fmt: skip


def triage(sample: Sample) -> Triage:
    """Count."""
    import numpy as np

    count = sample.members
    occupied = ~sample.zero
    filled = occupied.sum(axis=1)
    telling = filled >= 2
    granules = int(telling.sum())
    blank = []
    for member in range(count):
        rows = filled - occupied[:, member] >= 2
        if int(rows.sum()) >= _LEAST and float(sample.zero[rows, member].mean()) > 0.985:
            blank.append(member)
    others = []
    for member in range(count):
        # Where the member is empty itself, leaving it out says nothing.
        rows = (filled - occupied[:, member] >= 2) & occupied[:, member]
        others.append(float(sample.others[rows, member].mean()) if int(rows.sum()) >= _LEAST else 0.0)
    twins = []
    for low in range(count):
        for high in range(low + 1, count):
            rows = occupied[:, low] | occupied[:, high]
            # Equal entropy to the last bit over hundreds of granules is equal content for this purpose.
            same = np.abs(sample.entropy[rows, low] - sample.entropy[rows, high]) < 1e-4
            if int(rows.sum()) >= _LEAST and float(same.mean()) > COMPLETE:
                twins.append((low, high))
    balanced = float(sample.balanced[telling].mean()) if granules else 0.0
    return Triage(granules, balanced, tuple(others), tuple(blank), tuple(twins))
