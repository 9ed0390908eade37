"""Which places that kill belong to one killer, and how far each reaches.

Between two touched places with nothing read between them there may be one killer or two. All ways to group the places
of such a stretch are weighed: a group counts the rate of killers times the probability of a width that covers it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.rescue.strategy.known import Dead, Known
from engine.rescue.strategy.widths import Widths, learn

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_CHUNK = 48


@dataclass(frozen=True, slots=True, eq=False)
class Extents:
    """For each place in ``Known.dead``.

    ``linked``: P(the next one above is the same killer). ``span``: bytes from the first to the last place of its most
    likely killer; ``reach``: bytes that this killer can have at most. ``first``: such a killer begins here.
    ``evidence``: log likelihood of the places.
    """

    linked: Floats
    span: Floats
    reach: Floats
    first: Bools
    evidence: float = 0.0

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Indexes of the places with which killers begin."""
        return np.flatnonzero(self.first)


def alone(known: Known) -> Extents:
    """Every place for itself: where the learning starts."""
    return _extents(known, np.zeros(len(known.dead)))


def together(known: Known) -> Extents:
    """Places with nothing read between them taken for one killer."""
    return _extents(known, np.append(_same_stretch(known).astype(float), 0.0)[: len(known.dead)])


def group(known: Known, widths: Widths, rate: Floats) -> Extents:
    """Weigh all groupings. ``rate``: killers per byte that are to be expected near each place."""
    dead = known.dead
    linked = np.zeros(len(dead))
    same = _same_stretch(known)
    below, above = _free(known)
    begin = 0
    evidence = 0.0
    for index in range(len(dead)):
        if index + 1 < len(dead) and same[index] and index + 1 - begin < _CHUNK:
            continue
        if index > begin:
            linked[begin:index], more = _links(dead, slice(begin, index + 1), widths, rate, below, above, known.size)
            evidence += more
        begin = index + 1
    return _extents(known, linked, evidence)


def learn_widths(known: Known, extents: Extents, smallest: int) -> Widths:
    """The widths of killers, grouped like this."""
    firsts = extents.starts
    return learn(extents.span[firsts], extents.reach[firsts], float(max(1, known.size)), float(smallest))


def _same_stretch(known: Known) -> Bools:
    """Whether nothing was read between each place and the next."""
    dead, read = known.dead, known.finished
    following = np.concatenate((read.starts, [known.end]))[np.searchsorted(read.starts, dead.ends, "left")]
    return np.asarray(following[:-1] >= dead.starts[1:]) if len(dead) else np.zeros(0, bool)


def _free(known: Known) -> tuple[Floats, Floats]:
    """Bytes below and above each place, up to what was read, to the next place or to the domain's border."""
    dead, read = known.dead, known.finished
    if not len(dead):
        return np.zeros(0), np.zeros(0)
    below = np.concatenate((read.ends, [known.start]))[np.searchsorted(read.ends, dead.starts, "right") - 1]
    above = np.concatenate((read.starts, [known.end]))[np.searchsorted(read.starts, dead.ends, "left")]
    below[1:] = np.maximum(below[1:], dead.ends[:-1])
    above[:-1] = np.minimum(above[:-1], dead.starts[1:])
    left = np.maximum(0, dead.starts - np.maximum(below, known.start))
    right = np.maximum(0, np.minimum(above, known.end) - dead.ends)
    return np.where(dead.exact_start, 0, left).astype(float), np.where(dead.exact_end, 0, right).astype(float)


def _extents(known: Known, linked: Floats, evidence: float = 0.0) -> Extents:
    dead = known.dead
    count = len(dead)
    if not count:
        return Extents(linked, np.zeros(0), np.zeros(0), np.zeros(0, bool))
    below, above = _free(known)
    first = np.concatenate(([True], linked[:-1] <= 0.5))
    number = np.cumsum(first) - 1
    heads = np.flatnonzero(first)
    tails = np.concatenate((heads[1:] - 1, [count - 1]))
    span = (dead.ends[tails] - dead.starts[heads]).astype(float)
    reach = span + below[heads] + above[tails]
    return Extents(linked, span[number], reach[number], first, evidence)


def _links(
    dead: Dead, part: slice, widths: Widths, rate: Floats, below: Floats, above: Floats, size: int
) -> tuple[Floats, float]:
    """P(linked with the next) for all but the last place of one stretch; log of the evidence."""
    starts, ends = dead.starts[part], dead.ends[part]
    count = starts.size
    unit = float(size)
    near = float(np.mean(rate[part])) * unit
    span = (ends[None, :] - starts[:, None]).astype(float)
    low = np.broadcast_to(below[part][:, None], span.shape)
    high = np.broadcast_to(above[part][None, :], span.shape)
    exact_low = np.zeros(span.shape, bool)
    exact_low[0, :] = dead.exact_start[part][0]
    exact_high = np.zeros(span.shape, bool)
    exact_high[:, -1] = dead.exact_end[part][-1]
    upper = np.triu(np.ones(span.shape, bool))
    span = np.where(upper, span, 1.0)
    one = np.maximum(low, high) + 1.0
    both = widths.density(span) * unit
    either = widths.beyond(span) - widths.beyond(span + one)
    free = np.minimum(low, high) / unit * widths.beyond(span + one / 2) + 1.0 / unit
    weight = near * np.where(exact_low & exact_high, both, np.where(exact_low | exact_high, either, free))
    weight = np.where(upper, np.maximum(weight, 1e-12), 0.0)
    # every grouping of n places gets the same factor, which keeps the products in range
    place = np.arange(count)
    log_unit = float(np.mean(np.log(np.diag(weight))))
    weight *= np.exp(np.clip(-log_unit * (place[None, :] - place[:, None] + 1), -600, 600))
    ahead, behind = np.zeros(count + 1), np.zeros(count + 1)
    ahead[0] = behind[count] = 1.0
    for last in range(count):
        ahead[last + 1] = ahead[: last + 1] @ weight[: last + 1, last]
    for begin in range(count - 1, -1, -1):
        behind[begin] = weight[begin, begin:] @ behind[begin + 1 :]
    apart = ahead[1:count] * behind[1:count]
    total = max(float(ahead[count]), 1e-300)
    return np.clip(1.0 - apart / total, 0.0, 1.0), float(np.log(total)) + log_unit * count
