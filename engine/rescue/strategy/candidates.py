"""All the passes worth considering: where to begin and where to end in each gap, what each brings and risks.

A candidate goes from one point of a gap to another. What it brings is the sum over its path of the probability to get
there; what it risks is not to get to its end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.rescue.strategy.field import Field

Floats = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The best pass of each gap and direction. ``gain`` in worth, ``score`` in worth per power cycle."""

    gap: Int64s
    reverse: Bools
    begin: Int64s
    limit: Int64s
    score: Floats
    gain: Floats
    risk: Floats


def best(field: Field, price: float) -> Candidates:
    """The best candidate of each gap in each direction. ``price``: what a pass costs by itself, in power cycles."""
    pairs = zip(_direction(field, price, False), _direction(field, price, True), strict=True)
    begin, limit, score, gain, risk = (np.concatenate(pair) for pair in pairs)
    reverse = np.repeat(np.array([False, True]), field.chosen.size)
    return Candidates(np.tile(field.chosen, 2), reverse, begin, limit, score, gain, risk)


def _direction(field: Field, price: float, reverse: bool) -> tuple[npt.NDArray[np.generic], ...]:
    order = slice(None, None, -1 if reverse else 1)
    at, worth, expected = field.points[:, order], field.worth[:, order], field.expected[:, order]
    clear_near, clear_far = (field.clear_high, field.clear_low) if reverse else (field.clear_low, field.clear_high)
    clear_near, clear_far = clear_near[:, order], clear_far[:, order]
    predicted = (field.downward if reverse else field.upward)[:, order]
    start_ok = field.begin_ok[:, order] * clear_near * clear_far * (1.0 - field.whole[:, None, :])
    # alive: P(a run from the first point gets here); from another point it is the quotient, whose range is wide
    log = np.log(np.maximum(predicted, 1e-200)) - np.abs(expected - expected[:, :1]) + np.log(clear_far)
    alive = np.exp(np.maximum(log, -600.0))
    lives = (field.weight * start_ok / alive) @ alive.transpose(0, 2, 1)
    count = at.shape[1]
    place = np.arange(count)
    lives = np.where(place[:, None] <= place[None, :], np.minimum(lives, 1.0), 0.0)
    step = np.abs(np.diff(worth, axis=1))[:, None, :] * (place[:, None] < place[None, 1:])
    gain = np.zeros_like(lives)
    np.cumsum((lives[:, :, 1:] + lives[:, :, :-1]) / 2 * step, axis=2, out=gain[:, :, 1:])
    risk = 1.0 - lives
    score = np.where(gain > 0, gain / (risk + price), -1.0)
    flat = score.reshape(at.shape[0], -1)
    chosen = flat.argmax(axis=1)
    rows = np.arange(at.shape[0])
    i, k = chosen // count, chosen % count
    return at[rows, i], at[rows, k], flat[rows, chosen], gain[rows, i, k], risk[rows, i, k]
