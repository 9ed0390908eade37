"""What each sector is: by the chain that holds it, and where no chain does by what stands in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.ole2 import evidence as ev
from engine.ole2.evidence import Evidence
from engine.ole2.model import Document
from engine.ole2.structs import FREE

HEADER, FAT, DIFAT, DIRECTORY, MINI_FAT, MINI_STREAM, STREAM, FREE_SPACE, ZERO, ORPHAN, UNREAD, UNKNOWN = range(12)

NAMES = (
    "header", "FAT (SAT)", "DIFAT (MSAT)", "directory", "mini FAT (SSAT)", "mini stream", "stream", "free", "zeros",
    "orphan", "unread", "unknown",
)  # fmt: skip

Codes = npt.NDArray[np.uint8]


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

    def index(self, offset: int) -> int:
        """The physical sector that holds a byte of the source."""
        return max(0, min((offset - self.start) // self.sector_size, self.codes.size - 1))


def by_content(evidence: Evidence, sector_size: int = 512) -> SectorMap:
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
    chains = [(document.mini_stream, MINI_STREAM, 0), (document.directory, DIRECTORY, -1), (document.mini_fat, MINI_FAT, -1)]
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
