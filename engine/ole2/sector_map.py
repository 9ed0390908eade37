"""What each sector is: by the chain that holds it, and where no chain does by what stands in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.ole2 import evidence as ev
from engine.ole2.evidence import Evidence
from engine.ole2.model import Document
from engine.ole2.structs import FREE

FREE_SPACE, ZERO, STREAM, UNKNOWN, MINI_STREAM, ORPHAN, MINI_FAT, DIFAT, FAT, DIRECTORY, HEADER, UNREAD = range(12)
"""In the order in which they matter: a cell of several sectors shows the last of them."""
LETTERS = ".0=~somIFDH?"

NAMES = (
    "free", "free, zeros", "stream", "unknown", "mini stream", "orphan", "mini FAT (SSAT)", "DIFAT (MSAT)", "FAT (SAT)",
    "directory", "header", "never read",
)  # fmt: skip

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Folded:
    """A row of cells: the role that matters most in each, whether there are several, bytes by role."""

    worst: Codes
    mixed: npt.NDArray[np.bool_]
    bytes: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class SectorMap:
    """``codes[i]`` is the role of physical sector i, which begins at ``start + i * sector_size``; sector number i - 1.
    ``owner[i]`` is the DirID of the stream there, or -1."""

    start: int
    sector_size: int
    size: int
    codes: Codes
    owner: npt.NDArray[np.int32]

    def counts(self) -> dict[str, int]:
        """Sectors by role."""
        found = np.bincount(self.codes, minlength=len(NAMES))
        return {name: int(found[code]) for code, name in enumerate(NAMES) if found[code]}

    @property
    def end(self) -> int:
        """Behind its last byte."""
        return max(self.start + 1, self.size)

    def cells(self, start: int, end: int, count: int, *, with_bytes: bool = False) -> Folded:
        """``[start, end)`` folded into at most ``count`` cells."""
        count = max(1, min(count, end - start))
        if not self.codes.size:  # nothing was read: not one sector
            empty = np.zeros(count, self.codes.dtype)
            return Folded(empty, empty != 0, np.zeros((count, len(NAMES)), np.int64) if with_bytes else None)
        edges = start + (np.arange(count + 1, dtype=np.int64) * (end - start)) // count
        first = np.clip((edges[:-1] - self.start) // self.sector_size, 0, self.codes.size - 1)
        last = np.clip((edges[1:] - 1 - self.start) // self.sector_size, 0, self.codes.size - 1)
        worst = np.maximum.reduceat(self.codes, first)
        least = np.minimum.reduceat(self.codes, first)
        # reduceat stops before the next cell's first sector, which the last one may share
        worst, least = np.maximum(worst, self.codes[last]), np.minimum(least, self.codes[last])
        amounts = self._amounts(first, last) if with_bytes else None
        return Folded(worst, worst != least, amounts)

    def _amounts(self, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        amounts = np.zeros((first.size, len(NAMES)), np.int64)
        for code in range(len(NAMES)):
            total = np.concatenate(([0], np.cumsum(self.codes == code)))
            amounts[:, code] = (total[last + 1] - total[first]) * self.sector_size
        return amounts

    def worst_at(self, start: int, end: int) -> int:
        """The first byte of what matters most in ``[start, end)``."""
        first, last = self.index(start), self.index(max(start, end - 1))
        at = first + int(np.argmax(self.codes[first : last + 1]))
        return max(start, self.start + at * self.sector_size)

    def block_at(self, offset: int) -> tuple[int, int]:
        """The stretch of one role (and one stream) around a byte."""
        at = self.index(offset)
        same = (self.codes == self.codes[at]) & (self.owner == self.owner[at])
        before, after = np.flatnonzero(~same[:at]), np.flatnonzero(~same[at:])
        low = int(before[-1]) + 1 if before.size else 0
        high = at + int(after[0]) if after.size else self.codes.size
        return self.start + low * self.sector_size, min(self.end, self.start + high * self.sector_size)

    def seek(self, offset: int, statuses: str, *, forwards: bool) -> int | None:
        """Where the next (or previous) stretch of one of these roles, by their letters, begins."""
        wanted = np.isin(self.codes, [LETTERS.index(letter) for letter in statuses])
        begins = np.flatnonzero(wanted & np.concatenate(([True], self.codes[1:] != self.codes[:-1])))
        places = self.start + begins * self.sector_size
        found = places[places > offset] if forwards else places[places < offset][::-1]
        return int(found[0]) if found.size else None

    def index(self, offset: int) -> int:
        """The physical sector that holds a byte of the source."""
        return max(0, min((offset - self.start) // self.sector_size, self.codes.size - 1))


def by_content(evidence: Evidence) -> SectorMap:
    """A first map before anything is solved: by what the rows look like."""
    table = np.full(8, UNKNOWN, np.uint8)
    table[[ev.ZERO, ev.UNREAD, ev.DIRECTORY, ev.ROOT, ev.HEADER]] = [ZERO, UNREAD, DIRECTORY, DIRECTORY, HEADER]
    table[ev.TABLE] = FAT
    codes = table[evidence.classes]
    owner = np.full(codes.size, -1, np.int32)
    return SectorMap(evidence.phase, ev.ROW, evidence.size, codes, owner)


def by_chain(document: Document, evidence: Evidence | None, base: int, source_size: int) -> SectorMap:
    """The map of a solution, in places of the original source (``base`` is where its header lies)."""
    size = document.pages.sector_size
    start = max(0, base)
    count = max(1, -(-(source_size - start) // size))
    shift = 0 if base >= 0 else -(-base // size) if base % size == 0 else 0
    codes = np.full(count, UNKNOWN, np.uint8)
    owner = np.full(count, -1, np.int32)
    lead = 1 - shift  # physical sector of sector number 0

    def paint(first: int, amount: int, role: int, number: int = -1) -> None:
        low, high = max(0, first + lead), min(count, first + amount + lead)
        if low < high:
            codes[low:high] = role
            owner[low:high] = number

    words = document.fat.words[: max(0, count - lead)]
    free = np.flatnonzero(words == FREE) + lead
    codes[free[free < count]] = FREE_SPACE
    used = np.flatnonzero(words != FREE) + lead
    codes[used[used < count]] = ORPHAN
    if lead == 1:
        codes[0] = HEADER
    chains = [
        (document.mini_stream, MINI_STREAM, 0),
        (document.directory, DIRECTORY, -1),
        (document.mini_fat, MINI_FAT, -1),
    ]
    for stream in document.streams:
        if not stream.mini:
            for first, amount in stream.chain.runs[: 1 << 20]:
                paint(first, amount, STREAM, stream.entry.number)
    for chain, role, number in chains:
        for first, amount in chain.runs:
            paint(first, amount, role, number)
    for sectors, role in ((document.fat_list, FAT), (document.difat_list, DIFAT)):
        for sector in sectors:
            paint(sector, 1, role)
    if evidence is not None and evidence.phase == start % ev.ROW:
        _unread(codes, evidence, start, size)
    return SectorMap(start, size, source_size, codes, owner)


def _unread(codes: Codes, evidence: Evidence, start: int, size: int) -> None:
    """What nobody has read shows as such, whatever chain it belongs to; free sectors of zeros as zeros."""
    rows = np.flatnonzero(evidence.classes == ev.UNREAD)
    places = (rows * ev.ROW + evidence.phase - start) // size
    codes[places[(places >= 0) & (places < codes.size)]] = UNREAD
    if size == ev.ROW:
        zero = (np.flatnonzero(evidence.classes == ev.ZERO) * ev.ROW + evidence.phase - start) // size
        zero = zero[(zero >= 0) & (zero < codes.size)]
        codes[zero[codes[zero] == FREE_SPACE]] = ZERO
