"""The decision: which pass comes next, and why, or that it is over. A pure function of map, history and costs.

Of all passes the one is chosen that is expected to bring the most for each power cycle it is expected to cost. A pass
costs a little by itself too, so that it is worth to stop short of a known killer and to come back for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from engine.mapfile.model import Mapfile
from engine.rescue.strategy import budgets, edges, explain, sizes
from engine.rescue.strategy.belief import Belief, believe
from engine.rescue.strategy.candidates import best
from engine.rescue.strategy.edges import Ground
from engine.rescue.strategy.field import survey
from engine.rescue.strategy.known import Known, domain_of, look
from engine.rescue.strategy.records import Costs, Done, Kind, Pass, Run
from engine.rescue.strategy.worth import SLOW_FACTOR, tier, value

_LOW_RISK = 0.3
_PARTS = 256
"""What is wanted first is left for later, when a power cycle is expected to bring less than such a part of it."""

_SKIPPED = 7
"""The first pass leaves out 1/128 (2^-7) of the domain at its beginning."""


@dataclass(frozen=True, slots=True)
class _Option:
    """A pass that may be chosen. ``score``: worth per power cycle; ``per_cycle``: what one brings, to be worth it."""

    score: float
    per_cycle: float
    make: Callable[[], Pass]


def next_pass(known_map: Mapfile, history: Sequence[Run], costs: Costs) -> Pass | Done:
    """The next pass of a drive that drops off, or the end.

    ``known_map`` is the map as it is now, without what was marked after a death; ``history`` all runs in their order.
    Raises ``UsageError`` for a map of unknown size without a domain.
    """
    known = look(known_map, history, costs)
    over = budgets.spent(known, costs)
    if over is not None:
        return over
    for count in range(1, len(costs.valuable) + 1):
        made = _wanted_first(known_map, history, costs, count)
        if made is not None:
            return made
    if not history and not known.finished and not len(known.dead) and not costs.valuable and len(known.gaps):
        return _first(known, costs)
    options = [*_reading(known, costs), *_again(known, costs)]
    least = budgets.least_yield(known, costs)
    worth_it = [option for option in options if option.per_cycle >= least]
    if not worth_it:
        return budgets.given_up(known, costs, max((option.per_cycle for option in options), default=0.0))
    return max(worth_it, key=lambda option: option.score).make()


def _wanted_first(known_map: Mapfile, history: Sequence[Run], costs: Costs, count: int) -> Pass | None:
    """A pass that keeps to what is wanted first, as long as one promises enough of that for its risk. What is left then
    still counts more, when everything is considered.
    """
    wanted = domain_of(known_map, costs).intersect(tier(costs.valuable, count))
    if not wanted:
        return None
    own = replace(costs, domain=wanted, valuable=(), edges=False, min_bytes_per_cycle=None)
    known = look(known_map, history, own)
    options = _reading(known, own)
    if not options:
        return None
    best_one = max(options, key=lambda option: option.score)
    made = best_one.make()
    poor = made.risk > _LOW_RISK and best_one.per_cycle < max(costs.sector_size, wanted.total / _PARTS)
    if made.kind is Kind.SLOW or poor:
        return None
    made = _onward(known, made, own)
    return replace(made, tier=count, reason=explain.wanted_first(count, len(costs.valuable), made.reason))


def _onward(known: Known, made: Pass, costs: Costs) -> Pass:
    """The same pass over the pieces that follow: what lies between them is not read, so going on costs hardly anything.

    Up to the next killer; pieces right beside one are left to passes of their own.
    """
    gaps = known.gaps
    step = -1 if made.reverse else 1
    at = int(np.searchsorted(gaps.starts, made.start, "right")) - 1
    border = int(gaps.starts[at]) if made.reverse else int(gaps.ends[at])
    if (made.start if made.reverse else made.stop) != border or bool(gaps.slow[at]):
        return made
    last = at
    while 0 <= last + step < len(gaps):
        following = last + step
        blocked = gaps.slow[following] or gaps.hard_start[following] or gaps.hard_end[following]
        if blocked or gaps.right[following] != gaps.right[at]:
            break
        last = following
    if last == at:
        return made
    start = int(gaps.starts[last]) if made.reverse else made.start
    stop = made.stop if made.reverse else int(gaps.ends[last])
    pieces, gain = abs(last - at), known.untried.clip(start, stop).total
    risk = min(0.99, made.risk * (pieces + 1))
    cluster = sizes.cluster(costs, gain, risk)
    words = explain.onward(made.reason, pieces, gain)
    return replace(made, start=start, size=stop - start, gain=gain, risk=risk, cluster_size=cluster, reason=words)


def _first(known: Known, costs: Costs) -> Pass:
    gap = int(np.argmax(known.gaps.ends - known.gaps.starts))
    start, end = int(known.gaps.starts[gap]), int(known.gaps.ends[gap])
    begin = start + (end - start >> _SKIPPED) // costs.cluster_size * costs.cluster_size
    cluster = sizes.unit(costs, known.size)
    return Pass(
        Kind.FIRST, begin, end - begin, False, cluster, True, False, False, (end - begin) // 2, 0.5,
        explain.first(begin, known),
    )  # fmt: skip


def _reading(known: Known, costs: Costs) -> list[_Option]:
    """Passes over untried ground, the best one of each gap and direction."""
    if not len(known.gaps):
        return []
    belief = believe(known, costs)
    worth = value(known.untried, costs)
    found = best(survey(known, belief, worth, sizes.unit(costs, known.size)), budgets.price(costs))
    out: list[_Option] = []
    for index in np.argsort(-found.score, kind="stable").tolist():
        gap, reverse, risk = int(found.gap[index]), bool(found.reverse[index]), float(found.risk[index])
        low, high = sorted((int(found.begin[index]), int(found.limit[index])))
        inside = known.untried.clip(low, high)
        if found.score[index] <= 0 or not inside:
            continue
        low, high = int(inside.starts[0]), int(inside.ends[-1])
        gain = float(found.gain[index]) / (SLOW_FACTOR if known.gaps.slow[gap] else 1.0)
        span = float(np.diff(worth.upto(np.array([low, high], float)))[0])
        size = min(float(inside.total), gain * inside.total / max(span, 1e-300))
        make = partial(_read, known, belief, costs, gap, low, high, reverse, size, risk)
        out.append(_Option(float(found.score[index]), gain / max(risk, 1e-6), make))
    return out


def _read(
    known: Known, belief: Belief, costs: Costs, gap: int, low: int, high: int, reverse: bool, size: float, risk: float
) -> Pass:
    begin, limit = (high, low) if reverse else (low, high)
    slow = bool(known.gaps.slow[gap])
    edges_ = known.finished.starts if reverse else known.finished.ends
    beside = begin == (known.end if reverse else known.start) or bool((edges_ == begin).any())
    kind = Kind.SLOW if slow else Kind.READ if beside else Kind.JUMP
    reason = explain.reading(known, belief, gap, begin, limit, beside, reverse, size, risk)
    cluster = sizes.cluster(costs, size, risk)
    return Pass(kind, low, high - low, reverse, cluster, not slow, False, False, round(size), risk, reason)


def _again(known: Known, costs: Costs) -> list[_Option]:
    """Passes over failed blocks."""
    trimming, narrowing = edges.trimming(known), edges.narrowing(known, costs) if costs.edges else None
    out = []
    for kind, ground, explained in (
        (Kind.TRIM, trimming, explain.trimming),
        (Kind.EDGE, narrowing, explain.narrowing),
    ):
        if ground is not None:
            score = ground.gain * SLOW_FACTOR / (ground.risk + budgets.price(costs))
            make = partial(_ground, kind, ground, costs, explained)
            out.append(_Option(score, ground.gain / ground.risk, make))
    return out


def _ground(kind: Kind, ground: Ground, costs: Costs, explained: Callable[[Ground], str]) -> Pass:
    trim = kind is Kind.TRIM
    return Pass(
        kind, ground.start, ground.end - ground.start, ground.reverse, costs.sector_size, False, trim, not trim,
        round(ground.gain), ground.risk, explained(ground),
    )  # fmt: skip
