"""Tables that the search meets: GPT headers at their own place, and EBRs that agree with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.partitions.gpt import read_gpt
from engine.partitions.mbr import Entry, parse_table, plausible, sane
from engine.partitions.peek import Peek
from engine.partitions.search.model import FoundTable, TableEntry
from engine.partitions.volumes.bits import u64
from engine.partitions.volumes.family import Mark
from engine.partitions.volumes.sieve import has, little
from engine.partitions.volumes.view import View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows

SECTOR_SIZES = (512, 4096)
_MAX_KEPT, _MAX_HEADERS = 4096, 64
_MAX_PAIRS = 600
"""Up to so many EBRs every pair is tried for a common base; beyond, only chains whose first EBR is there."""


def _sieve_table(rows: Rows) -> Mask:
    """Four entries, each with a possible status, and one at least that names a partition."""
    good = rows[:, 446] < 0
    sound = ~good
    for place in range(446, 510, 16):
        kind, start, size = rows[:, place + 4], little(rows, place + 8, 4), little(rows, place + 12, 4)
        sound = sound & ((rows[:, place] == 0) | (rows[:, place] == 0x80))
        good = good | ((kind != 0) & (start > 0) & (size > 0))
    return good & sound


TABLE_MARKS = (
    Mark(510, b"\x55\xaa", _sieve_table, (0,)),
    Mark(0, b"EF", has(0, b"EFI PART"), (0,)),
)


@dataclass(frozen=True, slots=True)
class _Ebr:
    position: int
    data: tuple[Entry, ...]
    links: tuple[Entry, ...]


class TableCollector:
    """Positions of sectors that look like tables; bounded."""

    def __init__(self, peek: Peek) -> None:
        self._peek = peek
        self._shaped: list[int] = []
        self._headers: list[int] = []

    def add(self, index: int, position: int) -> None:
        """A sector passed the sieve of ``TABLE_MARKS[index]``."""
        into = self._shaped if index == 0 else self._headers
        if len(into) < _MAX_KEPT:
            into.append(position)

    def to_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"shaped": self._shaped, "headers": self._headers}

    def restore(self, saved: dict[str, Any]) -> None:
        """From a checkpoint."""
        self._shaped = [int(one) for one in saved["shaped"]][:_MAX_KEPT]
        self._headers = [int(one) for one in saved["headers"]][:_MAX_KEPT]

    def tables(self, sector_size: int, starts: set[int]) -> list[FoundTable]:
        """The tables behind the hits. ``starts`` are those of volumes: an EBR without a neighbour counts only when it
        leads to one."""
        return [*self._gpts(), *self._chains(sector_size, starts)]

    def _gpts(self) -> list[FoundTable]:
        found = []
        for position in list(dict.fromkeys(self._headers))[:_MAX_HEADERS]:
            data = View(self._peek, position).get(0, 92)
            own = u64(data, 24) if data else 0
            for size in SECTOR_SIZES:
                if not own or own * size != position:
                    continue
                gpt = read_gpt(self._peek, own, size)
                if gpt is None or not gpt.valid:
                    continue
                entries = tuple(
                    TableEntry(one.first_lba * size, (one.last_lba - one.first_lba + 1) * size, one.type_guid, one.name)
                    for one in gpt.entries
                    if 0 < one.first_lba <= one.last_lba and (one.last_lba + 1) * size <= self._peek.size
                )
                found.append(FoundTable("gpt", position, 0, size, entries))
        return found

    def _chains(self, sector_size: int, starts: set[int]) -> list[FoundTable]:
        best: list[FoundTable] = []
        for size in dict.fromkeys((sector_size, *SECTOR_SIZES)):
            found = self._chains_of(size, starts)
            if sum(len(table.entries) for table in found) > sum(len(table.entries) for table in best):
                best = found
        return best

    def _chains_of(self, size: int, starts: set[int]) -> list[FoundTable]:
        ebrs = {ebr.position: ebr for ebr in self._ebrs(size)}
        agreed = _bases(ebrs, size)
        chains: dict[int, list[TableEntry]] = {}
        for position, ebr in sorted(ebrs.items()):
            base = agreed.get(position)
            for entry in ebr.data[:1]:
                start = position + entry.start_lba * size
                if base is None and start not in starts:
                    continue
                made = TableEntry(start, entry.size_sectors * size, f"{entry.type:02x}", logical=True, ebr=position)
                chains.setdefault(position if base is None else base, []).append(made)
        return [
            FoundTable("ebr-chain", min(entry.ebr or 0 for entry in entries), base, size, tuple(entries))
            for base, entries in chains.items()
        ]

    def _ebrs(self, size: int) -> list[_Ebr]:
        sectors = self._peek.size // size
        found = []
        for position in dict.fromkeys(self._shaped):
            data = View(self._peek, position).get(0, 512) if position and position % size == 0 else None
            if data is None:
                continue
            table = parse_table(data, position)
            if not plausible(table, sectors):
                continue
            left = sectors - position // size
            rest = [entry for entry in table.used if not entry.extended and sane(entry, left)]
            links = [entry for entry in table.used if entry.extended and sane(entry, sectors)]
            if len(rest) <= 1 and len(links) <= 1 and len(table.used) == len(rest) + len(links):
                found.append(_Ebr(position, tuple(rest), tuple(links)))
        return found


def _bases(ebrs: dict[int, _Ebr], size: int) -> dict[int, int]:
    """For each EBR the start of the extended partition that its link (or the link to it) agrees on.

    A link counts from the extended partition's start X: X + link is another EBR. The first EBR stands at X itself; when
    it is lost, X is where two links or more agree.
    """
    votes: dict[int, list[tuple[int, int]]] = {}
    few = len(ebrs) <= _MAX_PAIRS
    for position, ebr in ebrs.items():
        for link in ebr.links:
            away = link.start_lba * size
            others = ebrs if few else [target for target in (position + away,) if target in ebrs]
            for target in others:
                if target != position and 0 < target - away <= min(position, target):
                    votes.setdefault(target - away, []).append((position, target))
    agreed: dict[int, int] = {}
    for base, pairs in sorted(votes.items(), key=lambda item: (-len(item[1]) - (item[0] in ebrs), item[0])):
        if base not in ebrs and len(pairs) < 2:
            continue
        for pair in pairs:
            for position in pair:
                agreed.setdefault(position, base)
    return agreed
