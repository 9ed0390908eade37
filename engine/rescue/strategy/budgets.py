"""When to stop: everything rescued, power cycles or time used up, or nothing left that is worth a cycle."""

from __future__ import annotations

from engine.rescue.strategy.known import Known
from engine.rescue.strategy.records import Costs, Done
from engine.text import format_duration, format_size

HOPELESS = 1 << 20
"""So many power cycles nobody will spend."""

BY_HAND = 600.0
"""Seconds that a power cycle by hand counts at least."""


def price(costs: Costs) -> float:
    """What a pass costs by itself, in power cycles."""
    return min(0.3, max(0.02, costs.pass_seconds / cycle_seconds(costs)))


def cycle_seconds(costs: Costs) -> float:
    """What a power cycle costs: its time, and somebody's patience."""
    return costs.cycle_seconds if costs.automatic else max(BY_HAND, costs.cycle_seconds)


def spent(known: Known, costs: Costs) -> Done | None:
    """Whether it is over before anything is considered."""
    if not known.missing:
        return Done("complete", "Everything is rescued.")
    missing = f"{format_size(known.missing)} are missing"
    if costs.max_cycles is not None and known.kills > costs.max_cycles:
        return Done("cycles", f"The {costs.max_cycles} power cycles that were allowed are used up; {missing}.")
    if costs.seconds_left is not None:
        dead = bool(known.runs) and known.runs[-1].killed
        needed = costs.pass_seconds + (costs.cycle_seconds if dead else 0.0)
        if costs.seconds_left < needed:
            left = format_duration(max(0.0, costs.seconds_left))
            return Done("time", f"{left} are left, not enough for another pass; {missing}.")
    return None


def least_yield(known: Known, costs: Costs) -> float:
    """Worth that a power cycle has to bring: as asked for, else so much that what is missing could ever be had.

    A person who pulls the plug, or who does not want the edges of killers, is spared long shots too.
    """
    if costs.min_bytes_per_cycle:
        return float(costs.min_bytes_per_cycle)
    long_shots = costs.automatic and costs.edges
    return max(0.0 if long_shots else costs.sector_size / 8, known.missing / HOPELESS)


def given_up(known: Known, costs: Costs, best: float) -> Done:
    """The end for want of anything worth a cycle; ``best`` is the most that one is expected to bring (0: nothing)."""
    missing = f"{format_size(known.missing)} are missing"
    if best <= 0:
        return Done("nothing-left", f"Nothing is left that was not tried; {missing}.")
    wanted = format_size(least_yield(known, costs))
    return Done(
        "yield", f"No pass is expected to bring {wanted} for a power cycle, at most {format_size(best)}; {missing}."
    )
