"""Delayed parity: is the run of the parity one strip, or several?

On one drive data goes on across a 4 KiB border, but jumps at the border of a strip. Borders are looked at level by
level:
at multiples of the run, at odd multiples of its half, its quarter, ... down to 4 KiB. Where jumping turns into going on
lies the strip.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from engine.raid.continuity import PIECE, gain, packed, telling
from engine.raid.reading import Explained, columns_of, fetch

if TYPE_CHECKING:
    from engine.raid.sample import Sampler

DELAYS = (1, 2, 4, 8, 16, 32)
_PAIRS = 240
_LEAST = 24
_SURE = 4.0
_DROP = 0.8

Level = tuple[float, float, int]
"""Mean gain across borders, its variance, how many."""


def find_delay(sampler: Sampler, explained: Explained) -> int | None:
    """Rows for which the parity stays on a drive; None when the contents cannot tell (little goes on anywhere)."""
    run = explained.fit.run
    levels: list[Level | None] = []
    step = run
    while step >= PIECE and step % 512 == 0:
        levels.append(_level(sampler, explained, step, whole=step == run))
        step //= 2
    return judge(levels)


def judge(levels: list[Level | None]) -> int | None:
    """The delay from the levels of run, run/2, run/4, ...: the cut between low and high ones that fits best.

    None unless the levels on both sides of the cut differ by more than chance and clearly.
    """
    best: tuple[float, int] | None = None
    for cut, delay in enumerate(DELAYS, 1):
        low = [level for level in levels[:cut] if level is not None]
        high = [level for level in levels[cut:] if level is not None]
        if not low or not high or levels[cut - 1] is None:
            continue
        (low_mean, low_error), (high_mean, high_error) = _pooled(low), _pooled(high)
        if low_mean > _DROP * high_mean or high_mean - low_mean < _SURE * (low_error + high_error) ** 0.5:
            continue
        misfit = _misfit(low, low_mean) + _misfit(high, high_mean)
        if best is None or misfit < best[0]:
            best = (misfit, delay)
    return None if best is None else best[1]


def _pooled(levels: list[Level]) -> tuple[float, float]:
    """Mean of all borders of the levels, and the square of its standard error."""
    count = sum(level[2] for level in levels)
    mean = sum(level[0] * level[2] for level in levels) / count
    return mean, sum(level[1] * level[2] for level in levels) / count**2


def _misfit(levels: list[Level], mean: float) -> float:
    return sum((level[0] - mean) ** 2 * level[2] / max(level[1], 1.0) for level in levels)


def _level(sampler: Sampler, explained: Explained, step: int, *, whole: bool) -> Level | None:
    """Gains across the borders at odd multiples of ``step`` from the phase on; all multiples when ``whole``."""
    import numpy as np

    sample, phase = explained.measured.sample, explained.fit.phase
    at = sorted({(int(p) * sample.granule - phase) // step * step + phase for p in sample.position.tolist()})
    random.Random(7).shuffle(at)
    gains: list[int] = []
    for position in at[: 12 * _PAIRS]:
        if not whole and (position - phase) // step % 2 == 0:
            continue
        if len(gains) >= _PAIRS:
            break
        data = fetch(sampler, explained.reading, position - PIECE, 2 * PIECE)
        if data is None:
            continue
        granules = np.array([(position - PIECE) // sample.granule, position // sample.granule], np.int64)
        parity = set(columns_of(explained.fit, granules, sample.granule).tolist())
        for column, one in enumerate(data):
            tail, head = one[:PIECE].tobytes(), one[PIECE:].tobytes()
            if column not in parity and telling(tail) and telling(head):
                gains.append(gain(tail, head, packed(head)))
    if len(gains) < _LEAST:
        return None
    return float(np.mean(gains)), float(np.var(gains, ddof=1)), len(gains)
