"""How wide killers are: a distribution learned from what is known of each, on a logarithmic scale.

Prior: any width from one sector on is as likely as any other of its order of magnitude, up to a twentieth of the domain
and falling beyond.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PER_OCTAVE = 6
STRENGTH = 2.0
"""The prior counts as so many killers."""

_ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Widths:
    """P(width > w). ``edges`` are log2 of widths in bytes, ``tail`` the probability beyond each edge."""

    edges: Floats
    tail: Floats

    def beyond(self, width: Floats | float) -> Floats:
        """P(a killer is wider than ``width`` bytes)."""
        at = np.log2(np.maximum(width, 1.0))
        return np.asarray(np.interp(at, self.edges, self.tail))

    def density(self, width: Floats | float) -> Floats:
        """Probability per byte of width."""
        width = np.maximum(np.asarray(width, float), 1.0)
        return np.asarray((self.beyond(width * 0.93) - self.beyond(width * 1.075)) / (width * 0.145))

    def quantiles(self, parts: Floats) -> Floats:
        """Widths below which these parts of the killers lie."""
        return np.exp2(np.interp(parts, 1.0 - self.tail, self.edges))

    def mean(self, limit: Floats) -> Floats:
        """E[min(width, limit)]."""
        sizes = np.exp2(self.edges)
        area = np.concatenate(([0.0], np.cumsum((self.tail[1:] + self.tail[:-1]) / 2 * np.diff(sizes)))) + sizes[0]
        return np.asarray(np.minimum(np.interp(limit, sizes, area), limit))


def learn(low: Floats, high: Floats, size: float, smallest: float) -> Widths:
    """From the least and the greatest possible width of each killer (bytes), the domain and the smallest read."""
    top = np.log2(max(size, smallest * 4096))
    count = int((top - np.log2(smallest)) * PER_OCTAVE) + 2
    edges = np.linspace(np.log2(smallest) - 0.5, top, count)
    prior = _prior(edges, size)
    mass = prior
    if low.size:
        inside = _overlap(edges, np.log2(np.maximum(low, smallest)) - 0.05, np.log2(np.maximum(high, smallest)) + 0.05)
        near, wide = _kernel(PER_OCTAVE // 3), _kernel(PER_OCTAVE * 3 // 2)
        for _ in range(_ROUNDS):
            share = inside * mass
            share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
            seen = share.sum(axis=0)
            seen = (np.convolve(seen, near, "same") + np.convolve(seen, wide, "same")) / 2
            mass = (prior * STRENGTH + seen) / (STRENGTH + low.size)
            mass = mass / mass.sum()
    tail = np.concatenate(([0.0], np.cumsum(mass)))
    return Widths(edges, 1.0 - tail / tail[-1])


def _prior(edges: Floats, size: float) -> Floats:
    middle = (edges[1:] + edges[:-1]) / 2
    over = np.maximum(0.0, middle - np.log2(size / 20))
    mass = np.exp2(-1.5 * over)
    return np.asarray(mass / mass.sum())


def _overlap(edges: Floats, low: Floats, high: Floats) -> Floats:
    """The part of each bin (column) that each interval (row) covers."""
    covered = np.minimum(edges[None, 1:], high[:, None]) - np.maximum(edges[None, :-1], low[:, None])
    return np.asarray(np.clip(covered / np.diff(edges)[None, :], 1e-9, 1.0))


def _kernel(reach: int) -> Floats:
    ramp = np.concatenate((np.arange(1, reach + 2), np.arange(reach, 0, -1))).astype(float)
    return np.asarray(ramp / ramp.sum())
