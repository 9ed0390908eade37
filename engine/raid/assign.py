"""The assignment problem: members to slots at the lowest total cost (the Hungarian method in its O(n^3) form)."""

from __future__ import annotations

from collections.abc import Sequence


def assign(cost: Sequence[Sequence[float]]) -> tuple[float, list[int]]:
    """For a square matrix ``cost[row][column]``: the lowest total, and the row given to each column."""
    size = len(cost)
    infinite = float("inf")
    row_price, column_price = [0.0] * (size + 1), [0.0] * (size + 1)
    match, way = [0] * (size + 1), [0] * (size + 1)
    for row in range(1, size + 1):
        match[0] = row
        column = 0
        least = [infinite] * (size + 1)
        used = [False] * (size + 1)
        while match[column]:
            used[column] = True
            current, delta, following = match[column], infinite, 0
            costs, price = cost[current - 1], row_price[current]
            for other in range(1, size + 1):
                if used[other]:
                    continue
                reduced = costs[other - 1] - price - column_price[other]
                if reduced < least[other]:
                    least[other], way[other] = reduced, column
                if least[other] < delta:
                    delta, following = least[other], other
            for other in range(size + 1):
                if used[other]:
                    row_price[match[other]] += delta
                    column_price[other] -= delta
                else:
                    least[other] -= delta
            column = following
        while column:
            match[column] = match[way[column]]
            column = way[column]
    rows = [match[column] - 1 for column in range(1, size + 1)]
    return sum(cost[row][column] for column, row in enumerate(rows)), rows
