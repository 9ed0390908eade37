"""Every sector of a buffer against every signature at once.

For each place where some structure has two telling bytes, the 16-bit words of all sectors there are looked up in a
table of 65536 booleans: one strided read for each place instead of one search for each signature.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.partitions.volumes.family import Mark

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.source.base import Buffer

SECTOR = 512
_MAX_ALIKE = 256
"""Hits of one mark in one buffer that are passed on: more is a pattern that fills the disk, not a layout."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The sector ``row`` of the buffer looks like the structure of ``marks[index]``."""

    row: int
    index: int


class Scanner:
    """Finds sectors with one of ``marks``."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._marks = marks
        places: defaultdict[int, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for index, mark in enumerate(marks):
            if mark.place % 2 or not 0 <= mark.place < SECTOR or len(mark.magic) != 2:
                raise ValueError("a mark has two bytes at an even place of a sector")
            places[mark.place // 2][int.from_bytes(mark.magic, "little")].append(index)
        self._places: list[tuple[int, npt.NDArray[np.bool_], dict[int, list[int]]]] = []
        for place, words in sorted(places.items()):
            table = np.zeros(65536, np.bool_)
            table[list(words)] = True
            self._places.append((place, table, dict(words)))

    def scan(self, buffer: Buffer) -> Iterator[Hit]:
        """Hits in the whole sectors of ``buffer``."""
        count = len(buffer) // SECTOR
        if not count:
            return
        octets = np.frombuffer(buffer, np.uint8, count * SECTOR).reshape(count, SECTOR)
        words = octets.view("<u2")
        for place, table, indexes in self._places:
            column = np.ascontiguousarray(words[:, place])
            rows = np.flatnonzero(table.take(column))
            if rows.size:
                yield from self._sieved(octets, rows, column[rows], indexes)

    def _sieved(
        self,
        octets: npt.NDArray[np.uint8],
        rows: npt.NDArray[np.intp],
        found: npt.NDArray[np.uint16],
        indexes: dict[int, list[int]],
    ) -> Iterator[Hit]:
        for word in np.unique(found).tolist():
            same = rows[found == word]
            sectors = octets[same]
            for index in indexes[word]:
                kept = same[self._marks[index].sieve(sectors)]
                if kept.size > _MAX_ALIKE:
                    kept = np.concatenate((kept[: _MAX_ALIKE // 2], kept[-_MAX_ALIKE // 2 :]))
                for row in kept.tolist():
                    yield Hit(row, index)
