"""Strip size and the drives' sequence: parity evidence folded over every period, and members assigned to its slots.

``evidence[g][m]`` is what it costs to say that member ``m`` holds the parity of granule ``g``: the bytes of entropy by
which it falls short of the highest in that granule, capped, so that odd places (copies whose XOR is sparse) cannot
outvote the rest. The true parity costs next to nothing everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.raid.assign import assign

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

CAP = 1 / 8
"""Of the granule: the most that one granule may say against a member."""
SEGMENTS = 24
LEAST_PERIODS = 6
LEAST_PLACES = 5
_MOST_BINS = 16 * (16 << 20) // 4096


@dataclass(frozen=True, slots=True)
class Fit:
    """Parity stays on a member for ``run`` bytes; from byte ``phase`` on it lies on ``slots[0]``, then ``slots[1]``,
    ...

    ``run`` 0: it always lies on ``slots[0]``. ``slots`` are columns of the evidence. ``z``: by how many standard errors
    it beats the best other reading, over segments of the members; ``rival`` is that reading's run. ``quality`` 0..1:
    how
    much of the cost that chance would have is saved.
    """

    run: int
    phase: int
    slots: tuple[int, ...]
    cost: float
    z: float = 0.0
    rival: int = 0
    quality: float = 0.0
    periods: int = 0
    places: int = 0

    @property
    def enough(self) -> bool:
        """Whether it was seen in enough periods and places to mean anything."""
        return self.places >= LEAST_PLACES and (self.run == 0 or self.periods >= LEAST_PERIODS)


def evidence(entropy: npt.NDArray[np.float32], granule: int) -> Floats:
    """The cost matrix of a sample's entropies."""
    import numpy as np

    short = entropy.max(axis=1, keepdims=True) - entropy
    capped: Floats = np.minimum(short, granule * CAP).astype(np.float64)
    return capped


def sizes_to_try(granule: int, largest: int = 16 << 20, more: Sequence[int] = ()) -> list[int]:
    """Powers of two and three times powers of two, in bytes, from one granule on."""
    found = set(more)
    size = granule
    while size <= largest:
        found |= {size, size * 3 // 2 // granule * granule or size}
        size *= 2
    return sorted(one for one in found if one >= granule and one % granule == 0)


def costs_of(fit: Fit, costs: Floats, position: Ints, granule: int) -> Floats:
    """What each granule says against the reading ``fit``."""
    import numpy as np

    return np.take_along_axis(costs, columns_of(fit, position, granule)[:, None], axis=1)[:, 0]


def columns_of(fit: Fit, position: Ints, granule: int) -> Ints:
    """The column that holds the parity of each granule, by the reading ``fit``."""
    import numpy as np

    slots = np.array(fit.slots, np.int64)
    if fit.run == 0:
        return np.full(position.size, slots[0])
    slot = (position * granule + granule // 2 - fit.phase) // fit.run % slots.size
    found: Ints = slots[slot]
    return found


def fit_size(costs: Floats, position: Ints, granule: int, run: int) -> Fit:
    """The best phase and assignment for a parity run of ``run`` bytes."""
    import numpy as np

    members = costs.shape[1]
    span = run // granule
    period = span * members
    bins = position % period
    folded = np.stack([np.bincount(bins, costs[:, m], minlength=period) for m in range(members)])
    sums = np.zeros((members, 2 * period + 1))
    np.cumsum(np.concatenate((folded, folded), axis=1), axis=1, out=sums[:, 1:])
    table = np.empty((span, members, members))
    for slot in range(members):
        low = slot * span
        table[:, :, slot] = (sums[:, low + span : low + 2 * span] - sums[:, low : low + span]).T
    bound = table.min(axis=1).sum(axis=1)
    best: tuple[float, int, list[int]] | None = None
    for phase in np.argsort(bound, kind="stable").tolist():
        if best is not None and bound[phase] >= best[0]:
            break
        cheapest = table[phase].argmin(axis=0).tolist()
        if len(set(cheapest)) == members:
            total, found = float(bound[phase]), cheapest
        else:
            total, found = assign(table[phase].tolist())
        if best is None or total < best[0]:
            best = (total, phase, found)
    assert best is not None
    return Fit(run, best[1] * granule, tuple(best[2]), best[0])


def fit_fixed(costs: Floats) -> list[Fit]:
    """The readings in which one member always holds the parity, best first."""
    sums = costs.sum(axis=0)
    return sorted((Fit(0, 0, (m,), float(total)) for m, total in enumerate(sums)), key=lambda fit: fit.cost)


def rank(
    costs: Floats, position: Ints, window: Ints, granule: int, *, sizes: Sequence[int] | None = None, span: int = 0
) -> list[Fit]:
    """All readings, best first; the first has its ``z``, ``quality`` and counts filled in."""
    import numpy as np

    members = costs.shape[1]
    tried = [
        size
        for size in (sizes or sizes_to_try(granule))
        if size // granule * members <= _MOST_BINS and (not span or size * members * 2 <= span)
    ]
    fits = [fit_size(costs, position, granule, size) for size in tried] + fit_fixed(costs)
    fits.sort(key=lambda fit: fit.cost)
    best = fits[0]
    mine = costs_of(best, costs, position, granule)
    rivals = list(fits[1:6]) + _exchanged(best)
    z, rival = min(
        ((_z(costs_of(other, costs, position, granule) - mine, window), other.run) for other in rivals),
        key=lambda pair: pair[0],
    )
    chance = float(costs.mean(axis=1).sum())
    telling = costs.max(axis=1) > granule / 512
    place = max(64 << 10, min(1 << 20, span // 16)) if span else 1 << 20
    period = best.run // granule * members if best.run else 1
    fits[0] = replace(
        best, z=z, rival=rival, quality=max(0.0, 1 - best.cost / chance) if chance else 0.0,
        periods=int(np.unique(position[telling] // period).size),
        places=int(np.unique(position[telling] * granule // place).size),
    )  # fmt: skip
    return fits


def _exchanged(fit: Fit) -> list[Fit]:
    """The same run with two members exchanged: what else the sequence could be."""
    found = []
    for low in range(len(fit.slots)):
        for high in range(low + 1, len(fit.slots)):
            slots = list(fit.slots)
            slots[low], slots[high] = slots[high], slots[low]
            found.append(replace(fit, slots=tuple(slots)))
    return found


def _z(difference: Floats, window: Ints) -> float:
    """Mean over standard error of a difference, by segments of the members that hold about as many granules each."""
    import numpy as np

    starts = np.flatnonzero(np.concatenate(([True], window[1:] != window[:-1])))
    by_window = np.add.reduceat(difference, starts)
    if by_window.size < 3:
        return 0.0
    count = min(SEGMENTS, by_window.size)
    edges = np.arange(count) * by_window.size // count
    parts = np.add.reduceat(by_window, edges)
    error = float(parts.std(ddof=1)) / count**0.5
    mean = float(parts.mean())
    if mean <= 0:
        return 0.0
    return min(99.0, mean / error) if error > 0 else 99.0


def dominant(costs: Floats, granule: int) -> int | None:
    """The member that looks like the parity far more often than its turn: a disk whose filler is the XOR of others.

    After md's first recovery, never-written rows show that picture over the rotating one.
    """
    import numpy as np

    members = costs.shape[1]
    ordered = np.sort(costs, axis=1)
    clear = ordered[:, 1] - ordered[:, 0] > granule / 128
    if int(clear.sum()) < 64:
        return None
    wins = np.bincount(costs[clear].argmin(axis=1), minlength=members)
    winner = int(wins.argmax())
    return winner if wins[winner] > 1.15 / members * int(clear.sum()) else None
