"""Cells of a block map as small numbers: composing them, finding what changed, and joining equal neighbours.

A cell's paint code holds its worst status in the low bits and what lies over it (mixed, selected, position, cursor) in
flags above. Rows are compared as numbers, so only rows and columns that differ are ever sent to the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint16]

STATUS = 0x0F
"""The status, or the role: what the cell is of, as the legend of the map counts it (at most 14 of them)."""
BLANK = 0x0F
"""Behind the end of the domain."""
MIXED = 0x10
SELECTED = 0x20
POSITION = 0x40
BACKWARDS = 0x80
CURSOR = 0x100
BORDER = 0x200
"""A mark of the caller's: a partition begins here, or the like."""
KILLER = 0x4000
"""The drive was lost at a byte of this cell."""
LEFT_OUT = 0x8000
"""A person wants a byte of this cell left alone."""
MOSTLY = 0x3C00
"""What most bytes of a mixed cell are, as status code + 1; 0 where nobody asked."""
MOSTLY_SHIFT = 10

GLYPHS = "+?*/-".ljust(16)
"""ddrescue's own letters by status code."""
KILLER_GLYPH, LEFT_OUT_GLYPH = "X", "o"


class Run(NamedTuple):
    """Columns ``[start, end)`` of one row with one paint code."""

    start: int
    end: int
    code: int


class Change(NamedTuple):
    """Columns ``[start, end)`` of a row that have to be painted again."""

    row: int
    start: int
    end: int


def compose(
    worst: npt.NDArray[np.uint8],
    mixed: npt.NDArray[np.bool_],
    cells: int,
    amounts: npt.NDArray[np.int64] | None = None,
    statuses: int = 5,
) -> Codes:
    """Paint codes of ``cells`` cells from the worst of the ``statuses`` in each (255: nothing there) and whether it is
    mixed; with ``amounts`` (bytes per cell and status) mixed cells also say what most of them is."""
    out = np.full(cells, BLANK, np.uint16)
    known = min(cells, worst.size)
    status = worst[:known].astype(np.uint16)
    status[status >= statuses] = BLANK
    both = mixed[:known] & (status != BLANK)
    out[:known] = status | np.where(both, np.uint16(MIXED), np.uint16(0))
    if amounts is not None:
        mostly = (np.argmax(amounts[:known], axis=1) + 1).astype(np.uint16) << MOSTLY_SHIFT
        out[:known] |= np.where(both, mostly, np.uint16(0)).astype(np.uint16)
    return out


def overlaid(base: Codes, start: int, end: int, flag: int) -> None:
    """Set ``flag`` on the cells ``[start, end)`` in place; cells outside of ``base`` and blank ones are left out."""
    start, end = max(0, start), min(base.size, end)
    if start < end:
        part = base[start:end]
        part[(part & STATUS) != BLANK] |= np.uint16(flag)


def covered(starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], cell: int, count: int) -> npt.NDArray[np.bool_]:
    """Which of ``count`` cells of ``cell`` bytes hold a byte of the disjoint ranges, counted from the first cell."""
    opens = np.bincount(np.clip(starts // cell, 0, count), minlength=count + 1)[: count + 1]
    closes = np.bincount(np.clip(-(-ends // cell), 0, count), minlength=count + 1)[: count + 1]
    inside: npt.NDArray[np.bool_] = np.cumsum(opens - closes)[:count] > 0
    return inside


def changes(old: Codes, new: Codes, columns: int) -> list[Change]:
    """What differs between two paintings of equal size: for each row one span of columns."""
    if old.shape != new.shape:
        raise ValueError("paintings of different size")
    different = (old != new).reshape(-1, columns)
    found = []
    for row in np.flatnonzero(different.any(axis=1)).tolist():
        where = np.flatnonzero(different[row])
        found.append(Change(row, int(where[0]), int(where[-1]) + 1))
    return found


def runs(codes: Codes) -> Iterator[Run]:
    """Equal neighbours of one row joined."""
    if not codes.size:
        return
    edges = [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), codes.size]
    for start, end in zip(edges, edges[1:], strict=False):
        yield Run(start, end, int(codes[start]))


def mostly(code: int) -> int | None:
    """The status code of most bytes of a mixed cell, when it was asked for."""
    return ((code & MOSTLY) >> MOSTLY_SHIFT) - 1 if code & MOSTLY else None


def glyph(code: int, glyphs: str = GLYPHS) -> str:
    """The one character of a cell; ``glyphs`` by status code."""
    if code & POSITION:
        return "<" if code & BACKWARDS else ">"
    if code & KILLER:
        return KILLER_GLYPH
    if code & LEFT_OUT:
        return LEFT_OUT_GLYPH
    return glyphs[code & STATUS]
