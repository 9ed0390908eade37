"""Procedures that touch so many clusters that they are counted, not played: repetition, both ends, by hand.

Each gives the power cycles that were spent when the wanted number of clusters had been read, for several such numbers.
A flaky killer costs as many as it kills on average.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tests.bench.dropoff.drives import Drive, Span

BIT = 16
"""Clusters (1 MiB) that a person steps over after a drop."""


def _cost(drive: Drive, width: int) -> int:
    """Cycles that a killer costs when each of so many touches may kill."""
    return max(1, math.ceil(min(width, drive.flaky))) if drive.flaky else max(1, width)


def _reached(gains: Iterable[Span], wanted: Sequence[int]) -> list[int]:
    """From (clusters gained, cycles spent before) the cycles at which each wanted number was reached."""
    out: list[int] = []
    have = 0
    last = 0
    for gained, cycles in gains:
        have += gained
        last = cycles
        while len(out) < len(wanted) and have >= wanted[len(out)]:
            out.append(cycles)
    return out + [last] * (len(wanted) - len(out))


def repeated(drive: Drive, wanted: Sequence[int]) -> list[int]:
    """ddrescue started again after each drop: goes on with the next cluster, so that each of a killer costs a cycle."""
    gains, cycles, at = [], 0, 0
    for low, high in drive.killers:
        gains.append((low - at, cycles))
        cycles += _cost(drive, high - low)
        at = high
    gains.append((drive.size - at, cycles))
    return _reached(gains, wanted)


def both_ends(drive: Drive, wanted: Sequence[int]) -> list[int]:
    """The same by turns from the beginning and from the end."""
    spans = drive.segments()
    costs = [_cost(drive, high - low) for low, high in drive.killers]
    below = bool(drive.killers) and drive.killers[0][0] == 0
    above = bool(drive.killers) and drive.killers[-1][1] == drive.size
    first, last = (1 if below else 0), len(costs) - (1 if above else 0)  # killers not yet met: costs[first:last]
    forward, backward = (costs[0] if below else 0), (costs[-1] if above else 0)  # kills of the runs in each direction
    gains, left, right = [], 0, len(spans) - 1
    while left <= right:
        if forward <= backward:
            low, high = spans[left]
            gains.append((high - low, 2 * forward))
            forward += costs[first] if first < last else 0
            left, first = left + 1, first + 1
        else:
            low, high = spans[right]
            gains.append((high - low, 2 * backward + 1))
            backward += costs[last - 1] if first < last else 0
            right, last = right - 1, last - 1
    return _reached(gains, wanted)


def by_hand(drive: Drive, wanted: Sequence[int]) -> list[int]:
    """Forward to the drop, backward to the drop, then the middle in bits of 1 MiB; what was stepped over last."""
    if not drive.killers:
        return [0] * len(wanted)
    first, last = drive.killers[0][0], drive.killers[-1][1]
    gains, cycles = [(first, 0), (drive.size - last, 1)], 2
    at, index = first + 1 + BIT, 0
    left: list[int] = []
    while at < last:
        while index < len(drive.killers) and drive.killers[index][1] <= at:
            index += 1
        if index == len(drive.killers):
            break
        low, high = drive.killers[index]
        if at >= low:
            steps = max(1, -(-(high - at) // (BIT + 1)))
            cycles += _cost(drive, steps)
            at += steps * (BIT + 1)
            continue
        previous = drive.killers[index - 1][1] if index else 0
        left.append(max(0, at - previous))
        gains.append((low - at, cycles))
        if high == last:
            break  # this killer is known from its other side
        cycles += 1
        at = low + 1 + BIT
    for piece in sorted(left, reverse=True):
        gains.append((piece, cycles))
        cycles += 1
    return _reached(gains, wanted)
