"""Which blocks of a map a list shows, and in which order: pure, on arrays, milliseconds at a million blocks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from engine.mapfile.status import CHARS, flags_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.mapfile.model import Block, Mapfile


class Order(StrEnum):
    """How the list is sorted."""

    POSITION = "by position"
    LARGEST = "largest first"
    SMALLEST = "smallest first"

    @property
    def next(self) -> Order:
        """The one after this, round and round."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


@dataclass(frozen=True, slots=True)
class Filter:
    """Blocks of any of ``statuses`` that are at least ``least`` bytes, in an order."""

    statuses: str = CHARS
    least: int = 0
    order: Order = Order.POSITION

    @property
    def all(self) -> bool:
        """Nothing is left out."""
        return not self.least and set(self.statuses) == set(CHARS)


class BlockIndex:
    """Rows of a list onto blocks of a map, and back."""

    def __init__(self, map: Mapfile, wanted: Filter) -> None:
        self.map, self.wanted = map, wanted
        self._rows: npt.NDArray[np.intp] | None = None
        """Block numbers row by row; None: row and block number are the same."""
        if wanted.all and wanted.order is Order.POSITION:
            return
        sizes = np.diff(map.bounds)
        kept = (np.left_shift(np.uint8(1), map.codes) & np.uint8(flags_of(wanted.statuses))) != 0
        if wanted.least:
            kept &= sizes >= wanted.least
        rows = np.flatnonzero(kept)
        if wanted.order is not Order.POSITION:
            mine = sizes[rows]
            # stable: equals stay in the order of their positions
            rows = rows[np.argsort(-mine if wanted.order is Order.LARGEST else mine, kind="stable")]
        self._rows = rows

    def __len__(self) -> int:
        return len(self.map) if self._rows is None else int(self._rows.size)

    def number(self, row: int) -> int:
        """The block's number in the map."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        return row if self._rows is None else int(self._rows[row])

    def block(self, row: int) -> Block:
        """The block in a row."""
        return self.map.block(self.number(row))

    def row_at(self, position: int) -> int | None:
        """The row of the block that holds ``position``. When that block is not listed: sorted by position the nearest
        row before it (or the first), sorted by size None."""
        if not len(self):
            return None
        number = self.map.index_at(min(max(position, self.map.start), max(self.map.start, self.map.end - 1)))
        if number is None or self._rows is None:
            return number
        if self.wanted.order is Order.POSITION:
            return max(0, int(np.searchsorted(self._rows, number, "right")) - 1)
        found = np.flatnonzero(self._rows == number)
        return int(found[0]) if found.size else None

    def listed(self, position: int) -> bool:
        """Whether the block that holds ``position`` has a row."""
        row = self.row_at(position)
        if row is None:
            return False
        block = self.block(row)
        return block.start <= position < block.end
