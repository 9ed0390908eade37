"""Killers at regular distances: one head of several, a damaged band in every zone.

Distances may be exact, jitter, or shrink steadily (towards the inner tracks). Each hypothesis (a distance at some
known killer, how it changes, how much of it is bad) is followed from killer to killer over the whole drive by a Kalman
filter; where it says "a killer is here" there is a known one, or nothing was read yet, or the hypothesis is wrong.
What remains likely predicts the killers that are still to be met. Positions are parts of the domain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.rescue.strategy.extents import Extents
from engine.rescue.strategy.known import Known

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PRIOR = 0.15
"""How likely regular distances are before anything is known."""

MOST_SURE = 0.93
"""The most that regular distances may become."""

MOTIONS = ((1.0, 2e-5), (1.0, 0.004), (0.985, 0.008), (1.01, 0.008))
"""How the distance changes from one killer to the next: mean factor, jitter."""

SHARES = ((0.005, 0.008), (0.04, 0.025), (0.11, 0.04), (0.19, 0.045), (0.28, 0.045))
"""The bad part of each distance: mean, deviation."""

_SCATTER = 0.02
"""How much the widths of killers differ from their share."""

_STEP = 0.03
_MOST = 90
_KEEP = 4
_WRONG = 0.02
"""Chance that a place was read although a killer was predicted there."""

_HOPELESS = -9.0
"""Log likelihood at which a hypothesis is dropped on the way."""

STRAY = 0.15
"""Killers that are in no order, as a part of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The killers of one hypothesis, ascending: where each begins and how wide it is, with deviations.

    ``known``: it was met. ``distance``: the one it started from.
    """

    weight: float
    begins: Floats
    deviation: Floats
    width: Floats
    width_deviation: Floats
    known: Bools
    distance: float


    def met(self, place: Floats) -> npt.NDArray[np.int64]:
        """Which killer that the hypothesis knows of is at each place; -1 for none."""
        index = np.searchsorted(self.begins - 3 * self.deviation - 2e-7, place, "right") - 1
        at = np.maximum(index, 0)
        ends = self.begins + self.width + 3 * self.end_deviation
        return np.where(self.known[at] & (index >= 0) & (place <= ends[at] + 2e-7), index, -1)

    @property
    def end_deviation(self) -> Floats:
        """The deviation of where each ends."""
        return np.hypot(self.deviation, self.width_deviation)


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """Known killers: those whose beginning is known, those whose end is, those only hit; and what was read."""

    starts: Floats
    ends: Floats
    hits: Floats
    read_starts: Floats
    read_ends: Floats
    edges: Floats
    read: Floats

    def part_read(self, low: Floats, high: Floats) -> Floats:
        amount = np.interp(high, self.edges, self.read) - np.interp(low, self.edges, self.read)
        return np.asarray(amount / np.maximum(high - low, 1e-12))

    @property
    def count(self) -> int:
        return int(self.starts.size + self.ends.size + self.hits.size)


class _Bank:
    """Many hypotheses side by side: position and distance with their covariance, share, log likelihood."""

    def __init__(self, marks: _Marks, low: float, high: float) -> None:
        steps = max(2, math.ceil(math.log(high / low) / _STEP) + 1)
        distances = np.geomspace(low, high, steps)
        grid = [(d, f, j, s, v) for d in distances.tolist() for f, j in MOTIONS for s, v in SHARES]
        table = np.array(grid)
        self.period, self.factor, self.jitter, self.share = table[:, 0], table[:, 1], table[:, 2], table[:, 3].copy()
        self.share_var = table[:, 4] ** 2
        self.marks = marks
        self.log = np.zeros(self.period.size)
        self._fresh()

    def _fresh(self) -> None:
        self.met = {name: np.zeros((self.period.size, places.size), bool) for name, places in self._lists().items()}
        self.tracks: list[tuple[Floats, Floats, Floats, Bools, Bools]] = []
        self.at = self.apart = self.vxx = self.vxp = self.vpp = np.zeros(self.period.size)

    def keep(self, chosen: npt.NDArray[np.intp]) -> None:
        """Go on with these hypotheses only."""
        for name in ("period", "factor", "jitter", "share", "share_var", "log", "at", "apart", "vxx", "vxp", "vpp"):
            setattr(self, name, getattr(self, name)[chosen])
        self.met = {name: table[chosen] for name, table in self.met.items()}
        self.tracks = [tuple(part[chosen] for part in track) for track in self.tracks]  # type: ignore[misc]

    def _lists(self) -> dict[str, Floats]:
        return {"starts": self.marks.starts, "ends": self.marks.ends, "hits": self.marks.hits}

    def follow(self, anchor: float, direction: float, rate: float, cover: float) -> None:
        """From the anchor to the border of the domain."""
        count = self.period.size
        self.at, self.apart = np.full(count, anchor), self.period.copy()
        self.vxx, self.vxp, self.vpp = np.full(count, 1e-14), np.zeros(count), (self.period * _STEP / 2) ** 2
        factor = self.factor if direction > 0 else 1.0 / self.factor
        for step in range(_MOST):
            if step:
                self.vpp = self.vpp * factor**2 + (self.jitter * self.apart) ** 2
                self.vxp, self.apart = self.vxp * factor, self.apart * factor
                self.at = self.at + direction * self.apart
                self.vxx = self.vxx + 2 * direction * self.vxp + self.vpp
                self.vxp = self.vxp + direction * self.vpp
            elif direction < 0:
                continue
            live = (self.at > -0.3 * self.apart) & (self.at < 1.0)
            if not live.any():
                break
            self._meet(live, rate, cover)
            if step % 3 == 2 and (doomed := self.log < _HOPELESS).any():
                if doomed.all():
                    return
                self.keep(np.flatnonzero(~doomed))
                factor = factor[~doomed]

    def _meet(self, live: Bools, rate: float, cover: float) -> None:
        before, deviation = self.at, np.sqrt(self.vxx)
        width = self.share * self.apart
        known = np.zeros(live.size, bool)
        found, off = self._nearest("starts", self.at)
        spread = self.vxx + 1e-14
        match = live & found & (np.abs(off) < np.minimum(3.5 * np.sqrt(spread) + 2e-7, 0.3 * self.apart))
        self._count(match, off, spread, rate)
        self._update(match, off, 1e-14)
        self._mark("starts", match)
        known |= match
        width = self.share * self.apart
        found, off = self._nearest("ends", self.at + width)
        noise = self.share_var * self.apart**2 + (_SCATTER * width) ** 2 + 1e-14
        spread = self.vxx + noise
        match = live & found & (np.abs(off) < np.minimum(3.5 * np.sqrt(spread), 0.3 * self.apart))
        self._count(match, off, spread, rate)
        # the end tells about position and share, in proportion to how unsure each is
        gain = np.where(match, self.share_var * self.apart / spread, 0.0)
        self.share = np.clip(self.share + gain * off, 1e-6, 0.6)
        self.share_var = self.share_var * np.where(match, np.clip(1 - gain * self.apart, 1e-6, 1.0), 1.0)
        self._update(match, off, noise)
        self._mark("ends", match)
        known |= match
        width = self.share * self.apart
        found, off = self._nearest("hits", self.at + width / 2)
        outside = np.maximum(np.abs(off) - width / 2, 0.0)
        match = live & found & (outside < 3 * np.sqrt(self.vxx) + 1e-7)
        self.log += np.where(match, -0.5 * outside**2 / self.vxx - math.log(cover), 0.0)
        self._mark("hits", match)
        known |= match
        wrong = self.marks.part_read(before - deviation, before + deviation + np.maximum(width, 1e-7))
        self.log += np.where(live & ~known, np.log(np.clip(1.0 - wrong, _WRONG, 1.0)), 0.0)
        self._squeeze(live & ~known, width)
        self.tracks.append((self.at, np.sqrt(np.maximum(self.vxx, 0.0)), self.apart, known, live))

    def _squeeze(self, where: Bools, width: Floats) -> None:
        """A killer that is predicted in a small hole between what was read lies inside it."""
        if not self.marks.read_starts.size:
            return
        middle = self.at + width / 2
        index = np.searchsorted(self.marks.read_ends, middle)
        low = np.concatenate(([0.0], self.marks.read_ends))[index]
        high = np.concatenate((self.marks.read_starts, [1.0, 1.0]))[np.searchsorted(self.marks.read_starts, low)]
        room = high - low
        where = where & (middle < high) & (room < 0.6 * self.apart) & (low > 0) & (high < 1)
        slack = np.maximum(room - width, 0.1 * room)
        self._update(where & (slack**2 / 12 < 4 * self.vxx), low + slack / 2 - self.at, slack**2 / 12 + 1e-14)

    def _nearest(self, name: str, at: Floats) -> tuple[Bools, Floats]:
        places = self._lists()[name]
        if not places.size:
            self._index = np.zeros(at.size, np.int64)
            return np.zeros(at.size, bool), np.zeros(at.size)
        index = np.clip(np.searchsorted(places, at), 1, max(1, places.size - 1))
        index = np.minimum(index, places.size - 1)
        below = np.maximum(index - 1, 0)
        self._index = np.where(np.abs(at - places[below]) < np.abs(places[index] - at), below, index)
        return ~self.met[name][np.arange(at.size), self._index], places[self._index] - at

    def _mark(self, name: str, match: Bools) -> None:
        if self.met[name].size:
            self.met[name][np.flatnonzero(match), self._index[match]] = True

    def _count(self, match: Bools, off: Floats, spread: Floats, rate: float) -> None:
        density = -0.5 * off**2 / spread - 0.5 * np.log(2 * math.pi * spread) - math.log(rate)
        self.log += np.where(match, density, 0.0)

    def _update(self, match: Bools, off: Floats, noise: Floats | float) -> None:
        spread = self.vxx + noise
        gain_x, gain_p = np.where(match, self.vxx / spread, 0.0), np.where(match, self.vxp / spread, 0.0)
        self.at, self.apart = self.at + gain_x * off, np.maximum(self.apart + gain_p * off, 1e-4)
        self.vpp = np.maximum(self.vpp - gain_p * self.vxp, 1e-18)
        self.vxp, self.vxx = self.vxp * (1 - gain_x), np.maximum(self.vxx * (1 - gain_x), 1e-16)

    def prediction(self, index: int, weight: float) -> Prediction:
        rows = [
            (float(at[index]), float(deviation[index]), float(apart[index]), bool(known[index]))
            for at, deviation, apart, known, live in self.tracks
            if live[index]
        ]
        rows.sort()
        at, deviation, apart = (np.array([row[k] for row in rows]) for k in range(3))
        share = float(self.share[index])
        unsure = math.sqrt(float(self.share_var[index])) + _SCATTER * share
        return Prediction(
            weight, at, deviation + 1e-7, share * apart, unsure * apart, np.array([row[3] for row in rows]),
            float(self.period[index]),
        )  # fmt: skip


def predict(known: Known, extents: Extents, rate: float, cover: float) -> tuple[Prediction, ...]:
    """The likely hypotheses with their probabilities (what is missing to 1 belongs to killers in no order).

    ``rate``: killers per domain that would be expected without order; ``cover``: the part of it that they fill.
    """
    marks = _marks(known, extents)
    if marks.count < 3 or not marks.starts.size or not marks.edges.size:
        return ()
    low, high = _range(known, marks)
    if not low < high:
        return ()
    bank = _Bank(marks, low, high)
    anchor = float(marks.starts[marks.starts.size // 2])
    bank.follow(anchor, 1.0, rate, cover)
    bank.follow(anchor, -1.0, rate, cover)
    met = sum(table.sum(axis=1) for table in bank.met.values())
    log = bank.log + (marks.count - met) * math.log(STRAY) + (met - 1) * (1 - STRAY)
    # the anchor's own density is no evidence
    log = log - (-0.5 * math.log(2 * math.pi * 2e-14) - math.log(rate))
    log = log + math.log(PRIOR / (1 - PRIOR) / (math.log(64) / _STEP * len(MOTIONS) * len(SHARES)))
    likely = np.argsort(-log, kind="stable")[:_KEEP]
    top = max(0.0, float(log[likely[0]]))
    total = math.exp(-top) + float(np.exp(log - top).sum())
    chosen = [(index, math.exp(float(log[index]) - top)) for index in likely.tolist()]
    # never be quite sure: some of it stays with killers in no order
    share = MOST_SURE * (total - math.exp(-top)) / total / max(sum(weight for _, weight in chosen), 1e-300)
    return tuple(bank.prediction(index, weight * share) for index, weight in chosen if weight * share > 0.02)


def _marks(known: Known, extents: Extents) -> _Marks:
    dead, size = known.dead, float(max(1, known.size))
    heads = extents.starts
    tails = np.concatenate((heads[1:] - 1, [len(dead) - 1])) if heads.size else heads
    from_start, from_end = dead.exact_start[heads], dead.exact_end[tails]
    neither = ~from_start & ~from_end
    low, high = (dead.starts[heads] - known.start) / size, (dead.ends[tails] - known.start) / size
    read = known.finished
    flat = np.stack((read.starts, read.ends), axis=1).ravel().astype(float)
    amount = np.stack((np.zeros(len(read)), (read.ends - read.starts).astype(float)), axis=1).ravel()
    return _Marks(
        low[from_start], high[from_end], (low[neither] + high[neither]) / 2,
        (read.starts - known.start) / size, (read.ends - known.start) / size,
        (flat - known.start) / size, np.cumsum(amount) / size,
    )  # fmt: skip


def _range(known: Known, marks: _Marks) -> tuple[float, float]:
    """Distances that are possible: no less than the longest that was read in one piece, no more than between kills."""
    size = float(known.size)
    longest = float((known.finished.ends - known.finished.starts).max()) / size if known.finished else 0.0
    between = np.diff(marks.starts)
    middle = float(np.median(between)) if between.size else 0.3
    return max(longest * 0.8, 1 / 80) * 0.99, min(middle * 1.5, 0.45)
