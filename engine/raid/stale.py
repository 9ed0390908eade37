"""Which member is stale: it dropped out of the array, which went on without it, and was put back among the others.

Rows that still agree give the geometry. In the others, exchanging the right member for the XOR of the rest makes a row
whose parity is where it must be; exchanging another one puts a mixture of files where data should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.raid.fold import columns_of, costs_of
from engine.raid.reading import Explained, lacking, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.raid.sample import Sample, Sampler

_LEAST_ROWS = 24


@dataclass(frozen=True, slots=True)
class Stale:
    """``costs[m]``: mean cost of the disagreeing rows when ``m`` is computed from the others; ``member`` is the one
    with the lowest (None: no clear one), ``share`` of rows that disagree."""

    member: int | None
    share: float
    costs: tuple[float, ...]


def find_stale(
    sampler: Sampler, sample: Sample, explained: Explained, step: Callable[[], None] | None = None
) -> Stale | None:
    """Judge the rows that do not balance inside the array; None when there are hardly any."""
    import numpy as np

    filled = (~sample.zero).sum(axis=1) >= 2
    inside = np.flatnonzero(sample.balanced & filled)
    if not inside.size:
        return None
    within = np.zeros(len(sample), bool)
    within[inside[0] : inside[-1] + 1] = True
    odd = filled & ~sample.balanced & within
    share = float(odd.sum() / max(1, (filled & within).sum()))
    if int(odd.sum()) < _LEAST_ROWS or share < 0.005:
        return None
    costs: list[float] = []
    count = sample.members
    part = sample.pick(np.arange(len(sample)))
    for member in range(count):
        if step is not None:
            step()
        measured = measure(sampler, part, lacking(count, member))
        if measured is None:
            costs.append(float("inf"))
            continue
        kept = np.isin(measured.sample.position, sample.position[odd])
        position = measured.sample.position[kept]
        parity = columns_of(explained.fit, position, sample.granule)
        all_costs = costs_of(explained.fit, measured.costs[kept], position, sample.granule)
        telling = parity != member  # where it holds the parity itself, the exchange is right for any content
        costs.append(float(all_costs[telling].mean()) if int(telling.sum()) >= 8 else float("inf"))
    order = np.argsort(costs)
    best, second = costs[int(order[0])], costs[int(order[1])]
    clear = best < 0.5 * second and second - best > sample.granule / 512
    return Stale(int(order[0]) if clear else None, share, tuple(costs))
