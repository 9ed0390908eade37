"""The most worthy gaps with a row of points in each, and the probabilities along them under each hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.rescue.strategy.belief import Belief
from engine.rescue.strategy.hazard import Hazard
from engine.rescue.strategy.known import Known
from engine.rescue.strategy.spacing import STRAY, Prediction
from engine.rescue.strategy.widths import Widths
from engine.rescue.strategy.worth import SLOW_FACTOR, Worth

Floats = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST = 12
"""Gaps that are looked at."""

_NEAR = 15
"""Points from each border of a gap to its middle, the next always further by the same factor."""

_EVEN = 13
"""Points at even distances."""

_NOWHERE = 1e9
_SURE = 0.98
"""P(a predicted killer is there)."""

_MET = 0.999
"""The same for one that was met."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Arrays over gaps, points and hypotheses (those of the hazard, then the predictions).

    ``worth``: running sum. ``expected``: killers in no order from the gap's start on. ``upward`` / ``downward``: P(no
    predicted killer begins below / ends above). ``begin_ok``: P(a run can begin here) but for the killers at the
    borders. ``clear_low`` / ``clear_high``: P(the killer at that border does not reach here). ``whole``: P(one killer
    fills the gap).
    """

    chosen: Int64s
    points: Int64s
    worth: Floats
    weight: Floats
    expected: Floats
    upward: Floats
    downward: Floats
    begin_ok: Floats
    clear_low: Floats
    clear_high: Floats
    whole: Floats


def survey(known: Known, belief: Belief, worth: Worth, cluster: int) -> Field:
    """The probabilities for the gaps that promise most."""
    gaps, dead, hazard, widths = known.gaps, known.dead, belief.hazard, belief.widths
    size = float(max(1, known.size))
    factor = np.where(gaps.slow, SLOW_FACTOR, 1.0)
    amount = (worth.upto(gaps.ends.astype(float)) - worth.upto(gaps.starts.astype(float))) * factor
    linked = np.where(gaps.hard_start & gaps.hard_end, np.append(belief.extents.linked, 0.0)[gaps.left], 0.0)
    chosen = np.argsort(-amount * (1.002 - linked), kind="stable")[:MOST]
    starts, ends = gaps.starts[chosen], gaps.ends[chosen]
    extra = (beside(belief.predictions, starts, ends, known, cluster), worth.edges(starts, ends))
    at = points(starts, ends, cluster, np.concatenate(extra, axis=1))
    low_at, high_at = np.append(dead.ends, 0)[gaps.left[chosen]], np.append(dead.starts, 0)[gaps.right[chosen]]
    left = np.where(gaps.left[chosen] >= 0, (low_at - known.start) / size, -_NOWHERE)
    right = np.where(gaps.right[chosen] < len(dead), (high_at - known.start) / size, _NOWHERE)
    part, hard_low, hard_high = (at - known.start) / size, gaps.hard_start[chosen], gaps.hard_end[chosen]
    count = at.shape[1]
    expected = hazard.between(
        np.repeat(part[:, 0], count), part.ravel(), np.repeat(left, count), np.repeat(right, count)
    ).reshape(*at.shape, -1)
    open_ok = _open_ok(part, left, right, hazard, widths, size)
    ones = np.ones(expected.shape)
    layers = [(expected, ones, ones, np.broadcast_to(open_ok[:, :, None], expected.shape))]
    for prediction in belief.predictions:
        stray = (part - part[:, :1]) * hazard.overall * STRAY
        layers.append(tuple(layer[:, :, None] for layer in (stray, *along(prediction, part))))  # type: ignore[arg-type]
    expected, upward, downward, begin_ok = (np.concatenate(parts, axis=2) for parts in zip(*layers, strict=True))
    # beside what was read, and not at the domain's edge, only the path is a risk
    begin_ok[:, 0] = np.where((hard_low | (starts <= known.start))[:, None], begin_ok[:, 0], 1.0)
    begin_ok[:, -1] = np.where((hard_high | (ends >= known.end))[:, None], begin_ok[:, -1], 1.0)
    gap = (ends - starts).astype(float)
    spans = np.append(belief.extents.span, 0.0)
    clear_low = _clear(widths, spans[gaps.left[chosen]], (at - starts[:, None]).astype(float), gap, hard_low, cluster)
    clear_high = _clear(widths, spans[gaps.right[chosen]], (ends[:, None] - at).astype(float), gap, hard_high, cluster)
    weight = np.append(hazard.weight * belief.disorder, [p.weight for p in belief.predictions])
    clear_low, clear_high = (np.repeat(clear[:, :, None], weight.size, axis=2) for clear in (clear_low, clear_high))
    whole = np.repeat(linked[chosen][:, None], weight.size, axis=1)
    for index, prediction in enumerate(belief.predictions, hazard.weight.size):
        _say_itself(prediction, part, clear_low[:, :, index], clear_high[:, :, index], whole[:, index])
    running = worth.upto(at.astype(float)) * factor[chosen][:, None]
    return Field(
        chosen, at, running, weight, expected, upward, downward, begin_ok, clear_low, clear_high, whole
    )


def points(starts: Int64s, ends: Int64s, cluster: int, extra: Int64s) -> Int64s:
    """Positions to consider in each gap (row), ascending, whole clusters but for the gap's own borders."""
    size = (ends - starts).astype(float)[:, None]
    near = cluster * np.power(np.maximum(size / 2 / cluster, 1.0), np.linspace(0.0, 1.0, _NEAR)[None, :])
    even = size * (np.arange(1, _EVEN + 1) / (_EVEN + 1))[None, :]
    offsets = np.minimum(np.concatenate((np.zeros_like(size), near, even), axis=1), size).astype(np.int64)
    offsets = np.minimum(offsets, (ends - starts)[:, None])
    made = np.concatenate((starts[:, None] + offsets, ends[:, None] - offsets[:, : _NEAR + 1], extra), axis=1)
    border = (made <= starts[:, None]) | (made >= ends[:, None])
    made = np.where(border, made, made // cluster * cluster)
    return np.sort(np.clip(made, starts[:, None], ends[:, None]), axis=1)


def _open_ok(part: Floats, left: Floats, right: Floats, hazard: Hazard, widths: Widths, size: float) -> Floats:
    """P(no unknown killer covers a point)."""
    distance = np.minimum(part - left[:, None], right[:, None] - part)
    reach = np.maximum(distance, hazard.floor) * size
    bad = hazard.rate(distance.ravel()).reshape(part.shape) * widths.mean(reach) / size
    return np.asarray(1.0 - np.minimum(bad, 0.5))


def _clear(widths: Widths, span: Floats, away: Floats, gap: Floats, hard: Bools, cluster: int) -> Floats:
    """P(the killer at a border does not reach so far into the gap), given that it does not fill it."""
    least = widths.beyond(np.maximum(span - cluster / 2, cluster / 2))
    span = np.maximum(span, cluster)
    within = (least[:, None] - widths.beyond(span[:, None] + away)) / np.maximum(
        (least - widths.beyond(span + gap))[:, None], 1e-12
    )
    return np.where(hard[:, None], np.clip(within, 1e-9, 1.0), 1.0)


def beside(predictions: tuple[Prediction, ...], starts: Int64s, ends: Int64s, known: Known, cluster: int) -> Int64s:
    """Points before and behind the killers that are predicted next to each end of each gap."""
    likely = [p for p in predictions if p.weight > 0.15][:2]
    if not likely:
        return np.empty((starts.size, 0), np.int64)
    columns = []
    size, unit = float(known.size), cluster / known.size
    low, high = (starts - known.start) / size, (ends - known.start) / size
    for prediction in likely:
        first = np.searchsorted(prediction.begins, low)
        last = np.searchsorted(prediction.begins, high) - 1
        for index in (first - 1, first, first + 1, last, last - 1):
            index = np.clip(index, 0, prediction.begins.size - 1)
            begin, end = prediction.begins[index], prediction.begins[index] + prediction.width[index]
            before, behind = prediction.deviation[index], prediction.end_deviation[index]
            for times in (0.8, 1.6, 3.0):
                columns.append((begin - times * before - unit) * size + known.start)
                columns.append((end + times * behind + unit) * size + known.start)
    return np.clip(np.stack(columns, axis=1), starts[:, None], ends[:, None]).astype(np.int64)


def along(prediction: Prediction, part: Floats) -> tuple[Floats, Floats, Floats]:
    """For each point: P(no predicted killer begins below it), P(none ends above it), P(none covers it)."""
    up, down, ok = np.ones(part.shape), np.ones(part.shape), np.ones(part.shape)
    ends, behind = prediction.begins + prediction.width, prediction.end_deviation
    low, high = float(part.min()), float(part.max())
    for k in range(prediction.begins.size):
        if ends[k] + 5 * behind[k] < low or prediction.begins[k] - 5 * prediction.deviation[k] > high:
            continue
        begun = _normal((part - prediction.begins[k]) / prediction.deviation[k])
        ended = _normal((part - ends[k]) / behind[k])
        sure = _MET if prediction.known[k] else _SURE
        up *= 1.0 - sure * begun
        down *= 1.0 - sure * (1.0 - ended)
        ok *= 1.0 - sure * np.clip(begun - ended, 0.0, 1.0)
    return up, down, ok


def _normal(z: Floats) -> Floats:
    """The normal distribution function, to a hundredth."""
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(-1.702 * z, -60, 60))))


def _say_itself(prediction: Prediction, part: Floats, clear_low: Floats, clear_high: Floats, whole: Floats) -> None:
    """At borders where a prediction knows the killer it says itself how far that reaches (changes the arrays)."""
    low_met, high_met = prediction.met(part[:, 0]), prediction.met(part[:, -1])
    clear_low[low_met >= 0] = 1.0
    clear_high[high_met >= 0] = 1.0
    both = (low_met >= 0) & (high_met >= 0)
    same = both & (low_met == high_met)
    whole[:] = np.where(same, np.maximum(whole, 0.99), np.where(both, 0.0, whole))
