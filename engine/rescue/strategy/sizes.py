"""How large a read should be: small ones find the edge of a killer exactly, large ones are fast."""

from __future__ import annotations

from engine.rescue.strategy.records import Costs

_PART = 0.5
"""The part of a power cycle that small reads may cost in time."""


def unit(costs: Costs, size: int) -> int:
    """The grain of positions for a domain of this size: the smallest read in which all of it could be read in time."""
    return _smallest(costs, size, _PART * costs.cycle_seconds)


def cluster(costs: Costs, gain: float, risk: float) -> int:
    """The size of reads for a pass that is expected to bring ``gain`` bytes at this risk of a power cycle."""
    return _smallest(costs, gain, max(costs.pass_seconds, _PART * risk * costs.cycle_seconds))


def _smallest(costs: Costs, size: float, seconds: float) -> int:
    read = costs.sector_size
    while read * 2 <= costs.cluster_size and size / read * costs.read_seconds > seconds:
        read *= 2
    return read if size / read * costs.read_seconds <= seconds else costs.cluster_size
