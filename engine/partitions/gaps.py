"""What no partition covers, and partitions laid out in the order of the disk. Positions in bytes, half-open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.partitions.model import Node


def uncovered(start: int, end: int, taken: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of ``[start, end)`` in none of the ``taken`` ranges, which may overlap and reach beyond."""
    found = []
    position = start
    for low, high in sorted(taken):
        if low >= end:
            break
        if low > position:
            found.append((position, low))
        position = max(position, high)
    if position < end:
        found.append((position, end))
    return found


def gap_nodes(start: int, end: int, taken: Iterable[tuple[int, int]]) -> list[Node]:
    """``uncovered`` as nodes."""
    return [Node("gap", low, high - low) for low, high in uncovered(start, end, taken)]


def merged(nodes: Sequence[Node], gaps: Sequence[Node]) -> tuple[Node, ...]:
    """Gaps put between nodes whose order is kept (a chain may not run in the order of the disk)."""
    found: list[Node] = []
    waiting = list(reversed(gaps))
    for node in nodes:
        while waiting and waiting[-1].start < node.start:
            found.append(waiting.pop())
        found.append(node)
    return (*found, *reversed(waiting))


def overlaps(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs of indexes of ranges that overlap, each range with the one that reaches farthest before it."""
    order = sorted((index for index, (low, high) in enumerate(ranges) if high > low), key=lambda index: ranges[index])
    found = []
    reach: int | None = None
    for index in order:
        if reach is not None and ranges[index][0] < ranges[reach][1]:
            found.append((reach, index))
        if reach is None or ranges[index][1] > ranges[reach][1]:
            reach = index
    return found
