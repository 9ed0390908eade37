"""RAID4 and parity-first/-last: the parity never moves, so strip size and order come from how data goes on."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.raid.candidates import Assembly, Members, proof_of
from engine.raid.continuity import PIECE, gain, packed, telling
from engine.raid.header import USUAL, looks_like_start
from engine.raid.layout import Layout
from engine.raid.reading import Explained, fetch

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.raid.sample import Sampler

STRIPS = tuple(4096 << power for power in range(9))
_ROWS = 48
_MOST_ORDERS = 6
_BRUTE = 6


def assemblies(
    sampler: Sampler, members: Members, explained: Explained, hints: list[tuple[int, int]],
    step: Callable[[], None] | None = None,
) -> list[Assembly]:  # fmt: skip
    """Assemblies with the parity on one drive; ``hints`` are (strip, offset) of metadata. The order of the data drives
    is that in which data goes on best, for each strip size; proofs decide between them."""
    import numpy as np

    parity = explained.fit.slots[0]
    data = [column for column in range(explained.reading.drives) if column != parity]
    scored: list[tuple[float, int, tuple[int, ...]]] = []
    for strip in dict.fromkeys([*(strip for strip, _ in hints), *STRIPS]):
        table = _gains(sampler, explained, strip, data, step)
        if table is None:
            continue
        ordered = _orders(table, len(data))
        scored += [(value, strip, tuple(data[k] for k in order)) for value, order in ordered]
    scored.sort(reverse=True)
    starts = _starts(sampler, explained, hints)
    top = scored[0][0] if scored else 0.0
    spread = float(np.std([value for value, _, _ in scored])) if len(scored) > 1 else 1.0
    found: list[Assembly] = []
    for value, strip, order in scored[:24]:
        for offset, column, kind in starts or [(0, None, "")]:
            if column is not None and column != order[0]:
                continue
            if step is not None:
                step()
            columns = [explained.reading.columns[c] for c in (*order, parity)]
            geometry = members.geometry(Layout.PARITY_LAST, strip, columns, offset, 1, 1)
            proof = proof_of(members, geometry)
            found.append(Assembly(geometry, (top - value) / max(spread, 1e-6), value, proof, kind, bool(starts),
                                  ("the parity never moves: RAID4, or parity-last or -first",)))  # fmt: skip
    found.sort(key=lambda one: (-(one.proof.weight if one.proof else 0.0), one.behind))
    return found[:40]


def _starts(sampler: Sampler, explained: Explained, hints: list[tuple[int, int]]) -> list[tuple[int, int | None, str]]:
    found: list[tuple[int, int | None, str]] = []
    offsets = dict.fromkeys([*(offset for _, offset in hints), *USUAL, *(k << 20 for k in range(1, 5))])
    for offset in offsets:
        data = fetch(sampler, explained.reading, offset, PIECE)
        for column, one in enumerate(data or ()):
            kind = looks_like_start(one.tobytes())
            if kind is not None and column != explained.fit.slots[0]:
                found.append((offset, column, kind))
    return found[:6]


def _gains(
    sampler: Sampler, explained: Explained, strip: int, data: list[int], step: Callable[[], None] | None
) -> npt.NDArray[np.float64] | None:
    """Mean gains: [0] from the end of one drive's strip to the start of another's in the row, [1] in the next row."""
    import numpy as np

    granule = explained.measured.sample.granule
    rows = sorted({int(p) * granule // strip for p in explained.measured.sample.position.tolist()})
    random.Random(13).shuffle(rows)
    total, count = np.zeros((2, len(data), len(data))), 0
    piece = min(PIECE, strip)
    for row in rows[: 4 * _ROWS]:
        if count >= _ROWS:
            break
        first = fetch(sampler, explained.reading, row * strip, piece)
        border = fetch(sampler, explained.reading, (row + 1) * strip - piece, 2 * piece)
        if first is None or border is None:
            continue
        if step is not None:
            step()
        tails = [border[c][:piece].tobytes() for c in data]
        heads = [[first[c].tobytes() for c in data], [border[c][piece:].tobytes() for c in data]]
        for following in (0, 1):
            for j, head in enumerate(heads[following]):
                if not telling(head):
                    continue
                alone = packed(head)
                for i, tail in enumerate(tails):
                    if (i != j or following) and telling(tail):
                        total[following, i, j] += gain(tail, head, alone)
        count += 1
    return total / count if count >= 12 else None


def _orders(table: npt.NDArray[np.float64], count: int) -> list[tuple[float, tuple[int, ...]]]:
    """The best orders of the data drives and how much more than chance data goes on in them."""
    import numpy as np

    off = ~np.eye(count, dtype=bool)
    mean = [float(table[0][off].mean()), float(table[1].mean())]

    def value(order: tuple[int, ...]) -> float:
        along = sum(float(table[0, a, b]) - mean[0] for a, b in zip(order, order[1:], strict=False))
        return (along + float(table[1, order[-1], order[0]]) - mean[1]) / count

    if count <= _BRUTE:
        tried = list(itertools.permutations(range(count)))
    else:
        tried = []
        for first in range(count):  # from each drive on, the best next one
            order = [first]
            while len(order) < count:
                order.append(max((k for k in range(count) if k not in order), key=lambda k: table[0, order[-1], k]))
            tried.append(tuple(order))
    return sorted(((value(order), order) for order in tried), reverse=True)[:_MOST_ORDERS]
