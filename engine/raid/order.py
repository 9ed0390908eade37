"""Order, rotation and symmetry: which strip follows which.

The sequence of the drives leaves 2N + 2 ways: left and right symmetric (whose byte order does not depend on where row 0
is), and N turns each of left and right asymmetric. The right one is that in which data goes on from strip to strip.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.raid.continuity import PIECE, gain, packed, telling
from engine.raid.layout import ROTATING, Geometry, Layout
from engine.raid.reading import Explained, fetch

if TYPE_CHECKING:
    from engine.raid.sample import Sampler

_BATCH = 60
MOST_ROWS = 1500
_SURE = 8.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way to order the drives of a sequence: ``turn`` is the slot in which row 0 lies (symmetric: any, so 0)."""

    layout: Layout
    turn: int

    def drives(self, slots: tuple[int, ...]) -> tuple[int, ...]:
        """Columns in drive order."""
        turned = slots[self.turn :] + slots[: self.turn]
        return turned[::-1] if self.layout.left else turned


@dataclass(frozen=True, slots=True)
class Followed:
    """How well data goes on by one way: mean gain of a row in bytes; ``z``: standard errors by which the best way beats
    this one (0 for the best itself)."""

    way: Way
    gain: float
    z: float


@dataclass(frozen=True, slots=True)
class Ordering:
    """All ways, best first, and the rows they were judged by."""

    ways: tuple[Followed, ...]
    rows: int

    @property
    def z(self) -> float:
        """Standard errors between the best way and the next."""
        return self.ways[1].z if len(self.ways) > 1 and self.rows else 0.0


def all_ways(drives: int) -> list[Way]:
    """The 2N + 2 ways."""
    return [
        Way(layout, turn) for layout in ROTATING for turn in range(1 if layout.symmetric else drives)
    ]  # fmt: skip


def successors(way: Way, slots: tuple[int, ...], slot: int, following: int) -> list[tuple[int, int, bool]]:
    """Pairs of columns whose strips follow each other in a row of ``slot``: (from, to, whether to the next row), the
    next row being of slot ``following``."""
    count = len(slots)
    geometry = Geometry(way.layout, 512, way.drives(slots), (0,) * count)
    this = _data(geometry, (slot - way.turn) % count)
    return [(a, b, False) for a, b in zip(this, this[1:], strict=False)] + [
        (this[-1], _data(geometry, (following - way.turn) % count)[0], True)
    ]


def _data(geometry: Geometry, row: int) -> list[int]:
    return [geometry.order[geometry.data_drive(row, index)] or 0 for index in range(geometry.data_drives)]


def follow(
    sampler: Sampler, explained: Explained, delay: int, step: Callable[[], None] | None = None,
    most_rows: int = MOST_ROWS,
) -> Ordering:  # fmt: skip
    """Judge all ways by how data goes on, over rows at random until the answer is clear (or rows run out)."""
    import numpy as np

    fit = explained.fit
    strip, count = fit.run // delay, len(fit.slots)
    ways = all_ways(count)
    granule = explained.measured.sample.granule
    rows = sorted({(int(p) * granule - fit.phase) // strip for p in explained.measured.sample.position.tolist()})
    random.Random(11).shuffle(rows)
    gains: list[list[float]] = []
    pairs: dict[tuple[int, int], list[list[tuple[int, int, bool]]]] = {}
    for number, row in enumerate(rows):
        if len(gains) >= most_rows or number >= 4 * most_rows:
            break
        if len(gains) and len(gains) % _BATCH == 0:
            table = np.array(gains)
            best, z = _verdict(table)
            if z[[w for w in range(len(ways)) if w != best]].min() > _SURE:
                break
        if step is not None:
            step()
        slot, following = row // delay % count, (row + 1) // delay % count
        if (slot, following) not in pairs:
            pairs[slot, following] = [successors(way, fit.slots, slot, following) for way in ways]
        found = _row(sampler, explained, fit.phase + row * strip, strip, pairs[slot, following])
        if found is not None:
            gains.append(found)
    if len(gains) < 8:
        return Ordering(tuple(Followed(way, 0.0, 0.0) for way in ways), 0)
    table = np.array(gains)
    _, z = _verdict(table)
    means = table.mean(axis=0)
    listed = [Followed(way, float(means[w]), float(z[w])) for w, way in enumerate(ways)]
    return Ordering(tuple(sorted(listed, key=lambda one: -one.gain)), len(gains))


def _verdict(table: np.ndarray) -> tuple[int, np.ndarray]:  # type: ignore[name-defined]  # noqa: F821
    import numpy as np

    best = int(table.mean(axis=0).argmax())
    differences = table[:, [best]] - table
    error = differences.std(axis=0, ddof=1) / len(table) ** 0.5
    mean = differences.mean(axis=0)
    return best, np.where(error > 0, mean / np.where(error > 0, error, 1), np.where(mean > 0, 99.0, 0.0))


def _row(
    sampler: Sampler, explained: Explained, position: int, strip: int,
    ways: Iterable[list[tuple[int, int, bool]]],
) -> list[float] | None:  # fmt: skip
    """What each way gains in the row at ``position``; None when its pieces cannot be had or say nothing."""
    piece = min(PIECE, strip)
    first = fetch(sampler, explained.reading, position, piece)
    border = fetch(sampler, explained.reading, position + strip - piece, 2 * piece)
    if first is None or border is None:
        return None
    heads = [[one.tobytes() for one in first], [one[piece:].tobytes() for one in border]]
    tails = [one[:piece].tobytes() for one in border]
    alone: dict[tuple[int, bool], int] = {}
    known: dict[tuple[int, int, bool], int] = {}
    told = False

    def value(pair: tuple[int, int, bool]) -> int:
        nonlocal told
        if pair not in known:
            tail, head = tails[pair[0]], heads[pair[2]][pair[1]]
            if telling(tail) and telling(head):
                if (pair[1], pair[2]) not in alone:
                    alone[pair[1], pair[2]] = packed(head)
                known[pair] = gain(tail, head, alone[pair[1], pair[2]])
                told = True
            else:
                known[pair] = 0
        return known[pair]

    found = [float(sum(value(pair) for pair in pairs)) for pairs in ways]
    return found if told else None
