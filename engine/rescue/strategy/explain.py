"""Each decision in one sentence that a person understands."""

from __future__ import annotations

from engine.rescue.strategy.belief import Belief
from engine.rescue.strategy.edges import Ground
from engine.rescue.strategy.known import Known
from engine.text import format_size

_SURE = 0.6


def first(start: int, known: Known) -> str:
    """The first pass of all."""
    if start == known.start:
        return "Nothing is known yet: reads upwards from the beginning."
    return (
        f"Nothing is known yet: reads upwards from {format_size(start)}; what lies below comes later from above, "
        "because drives often fail where they begin."
    )


def reading(
    known: Known, belief: Belief, gap: int, begin: int, limit: int, beside: bool, reverse: bool, gain: float,
    risk: float,
) -> str:
    """A pass over untried ground."""
    order = _order(belief)
    way = "downwards" if reverse else "upwards"
    where = f"goes on {way} from {format_size(begin)}, beside what was read" if beside else _jump(known, begin, way)
    if known.gaps.slow[gap]:
        where += ", through ground where the drive was slow"
    return f"{_capital(order + where)}{_until(known, belief, gap, limit, reverse)}; {_expect(gain, risk)}."


def wanted_first(count: int, of: int, reason: str) -> str:
    """A pass that keeps to what is wanted first."""
    which = "" if of == 1 else f" ({count} of {of})"
    return f"Wanted first{which}: {reason[:1].lower()}{reason[1:]}"


def onward(reason: str, pieces: int, gain: int) -> str:
    """... and the pieces behind it."""
    more = f"{pieces} more pieces" if pieces > 1 else "one more piece"
    return f"{reason.rstrip('.')}; then {more} of it, {format_size(gain)} in all."


def trimming(ground: Ground) -> str:
    """A pass over ordinary failed blocks."""
    span = f"from {format_size(ground.start)} to {format_size(ground.end)}"
    return f"Tries the failed blocks {span} again sector by sector: the drive gave errors there but stayed alive."


def narrowing(ground: Ground) -> str:
    """A pass into the edge of a killer."""
    way = "downwards" if ground.reverse else "upwards"
    place = f"{format_size(ground.end - ground.start)} at {format_size(ground.start)}"
    return (
        f"All else is had: reads the {place}, where the drive died, {way} in single sectors, to get what is good "
        "beside the killer; it will cost a power cycle."
    )


def _order(belief: Belief) -> str:
    if not belief.predictions:
        return ""
    return "" if 1.0 - belief.disorder < _SURE else "killers seem to come at regular distances: "


def _jump(known: Known, begin: int, way: str) -> str:
    size = format_size(begin)
    dead = known.dead
    near = [(abs(begin - int(edge)), int(edge)) for edge in [*dead.starts.tolist(), *dead.ends.tolist()]]
    if not near:
        return f"starts at {size} in untried ground and reads {way}"
    distance, edge = min(near)
    side = "above" if begin > edge else "below"
    if not distance:
        return f"starts right beside the killer at {size}, and reads {way}"
    return f"starts at {size}, {format_size(distance)} {side} the killer at {format_size(edge)}, and reads {way}"


def _until(known: Known, belief: Belief, gap: int, limit: int, reverse: bool) -> str:
    gaps, dead = known.gaps, known.dead
    border = int(gaps.starts[gap] if reverse else gaps.ends[gap])
    hard = bool(gaps.hard_start[gap] if reverse else gaps.hard_end[gap])
    place = format_size(limit)
    if limit == border and not hard:
        return f" to {place}"
    if limit == border:
        return f" up to the known killer at {place}"
    reason = _ahead(belief, known, limit, border, reverse)
    if reason:
        return f" to {place}, {reason}"
    if hard and len(dead):
        return f" to {place}, {format_size(abs(border - limit))} short of the killer at {format_size(border)}"
    return f" to {place}"


def _ahead(belief: Belief, known: Known, limit: int, border: int, reverse: bool) -> str:
    """The predicted killer that the limit stays clear of."""
    likely = max(belief.predictions, key=lambda one: one.weight, default=None)
    if likely is None or likely.weight < 0.3 or not likely.begins.size:
        return ""
    edges = (likely.begins + likely.width if reverse else likely.begins) * known.size + known.start
    ahead = edges[(edges <= limit) & (edges > border)] if reverse else edges[(edges >= limit) & (edges < border)]
    if not ahead.size:
        return ""
    nearest = float(ahead.max() if reverse else ahead.min())
    return f"short of the next one that is expected at {format_size(nearest)}"


def _expect(gain: float, risk: float) -> str:
    chance = "hardly any risk" if risk < 0.005 else f"{min(risk, 0.99):.0%} risk"
    return f"about {format_size(gain)} for {chance} of a power cycle"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
