"""A document being put together: its tables as they are to be, where they stand, and what of them has to be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.ole2.evidence import Evidence
from engine.ole2.fat_rows import Rows
from engine.ole2.model import Entry, Header
from engine.ole2.pages import Flags, Pages, Words
from engine.ole2.structs import CUTOFF, END, ENTRY_SIZE, FREE, HEADER_SLOTS, MAX_REGULAR, STREAM
from engine.ole2.table import Budget, Chain, Table

MAX_GROWTH = 12
"""A file that was cut off is filled up to at most so many times its size."""


@dataclass(slots=True)
class Draft:
    """``words`` is the FAT and ``lost`` what of it nobody knows; ``fat_list``, ``difat``, ``directory`` and
    ``mini_list`` are sectors in order; ``mini`` and ``mini_lost`` the mini FAT. ``appended`` counts sectors that are
    put
    behind the end. ``patches`` are sectors to be written, each with the reason; ``guessed`` says of streams (by name)
    what is not certain."""

    pages: Pages
    evidence: Evidence
    rows: Rows
    fat_list: list[int]
    words: Words
    lost: Flags
    difat: list[int] = field(default_factory=list)
    directory: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    mini_list: list[int] = field(default_factory=list)
    mini: Words = field(default_factory=lambda: np.zeros(0, np.uint32))
    mini_lost: Flags = field(default_factory=lambda: np.zeros(0, bool))
    appended: int = 0
    patches: dict[int, tuple[bytes, str]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    guessed: dict[str, str] = field(default_factory=dict)
    score: float = 0.0
    invented: int = 0
    """1 when no FAT was left, 1 more when no directory was: then most of it is guessed."""
    end: int = 0
    """Sectors of the document as its FAT tells it: at least those of the source, more when that was cut off."""

    def __post_init__(self) -> None:
        used = np.flatnonzero((self.words != FREE) & ~self.lost)
        implied = int(used[-1]) + 1 if used.size else 0
        most = max(self.pages.count * MAX_GROWTH, self.pages.count + 64)
        self.end = max(self.pages.count, min(implied, most), *(s + 1 for s in self.fat_list if s < most), 0)

    @property
    def fat(self) -> Table:
        """The FAT as a table; made anew on each call, since the words change."""
        return Table(self.words, self.lost)

    @property
    def tables(self) -> set[int]:
        """Sectors of FAT and DIFAT."""
        return {sector for sector in (*self.fat_list, *self.difat) if sector >= 0}

    @property
    def root(self) -> Entry | None:
        """The root entry when it is known."""
        return self.entries[0] if self.entries and not self.entries[0].lost else None

    def append(self) -> int:
        """A new sector behind the end; the FAT grows when it does not reach that far."""
        sector = self.end + self.appended
        self.appended += 1
        while sector >= self.words.size:
            self.words = np.concatenate((self.words, np.full(self.pages.words, FREE, np.uint32)))
            self.lost = np.concatenate((self.lost, np.zeros(self.pages.words, bool)))
            self.fat_list.append(-1)
        return sector

    def claimed(self, *, streams: bool = True) -> Flags:
        """Sectors that belong to something: tables, directory, mini FAT, and (when wanted) mini stream and streams."""
        taken = np.zeros(max(self.words.size, self.end + self.appended), bool)
        taken[[s for s in (*self.tables, *self.directory, *self.mini_list) if 0 <= s < taken.size]] = True
        if streams:
            fat, budget = self.fat, Budget(2 * self.words.size + 4096)
            for one in self.large():
                chain = fat.walk(one.start, budget)
                for first, count in chain.runs:
                    taken[first : first + count] = True
                if chain.stop == "lost" and chain.runs:  # as far as it goes when it lies in one piece
                    end = sum(chain.runs[-1])
                    taken[end : end + max(0, -(-one.size // self.pages.sector_size) - chain.length)] = True
        return taken

    def large(self) -> list[Entry]:
        """Entries whose content is a chain of the FAT: large streams and the mini stream."""
        return [
            one for one in self.entries
            if one.start <= MAX_REGULAR
            and ((one.kind == STREAM and one.size >= CUTOFF) or (one.number == 0 and one.size))
        ]  # fmt: skip

    def chain_of(self, one: Entry) -> Chain:
        """The FAT chain of an entry."""
        return self.fat.walk(one.start, Budget(self.words.size + 16))

    def patch(self, sector: int, data: bytes, reason: str) -> None:
        """Note that a sector has to be written."""
        self.patches[sector] = (data, reason)

    def patch_words(self, sectors: Sequence[int], words: Words, reason: str) -> int:
        """Note the table sectors that do not hold these words now, or were never read; how many they are."""
        per, before = self.pages.words, len(self.patches)
        now, lost = self.pages.table(sectors)
        differs = ((now != words[: now.size]) | lost).reshape(-1, per).any(axis=1)
        for number in np.flatnonzero(differs).tolist():
            self.patch(sectors[number], words[number * per : (number + 1) * per].astype("<u4").tobytes(), reason)
        return len(self.patches) - before

    def header(self, old: Header | None) -> Header:
        """The header that these tables want; ``old`` gives what is not derived, where it is credible."""
        wide = self.pages.sector_size == 4096
        minor = old.minor_version if old is not None and old.minor_version in (0x3E, 0x3B, 0x21) else 0x3E
        odd = old is not None and wide and old.major_version == 3 and old.sector_shift == 12
        slots = [sector if sector >= 0 else FREE for sector in self.fat_list[:HEADER_SLOTS]]
        return Header(
            minor_version=minor,
            major_version=3 if odd or not wide else 4,
            sector_shift=12 if wide else 9,
            directory_sectors=len(self.directory) if wide and not odd else 0,
            fat_sectors=len(self.fat_list),
            directory_start=self.directory[0] if self.directory else END,
            mini_fat_start=self.mini_list[0] if self.mini_list else END,
            mini_fat_sectors=len(self.mini_list),
            difat_start=self.difat[0] if self.difat else END,
            difat_sectors=len(self.difat),
            difat=tuple(slots + [FREE] * (HEADER_SLOTS - len(slots))),
        )  # fmt: skip

    @property
    def entries_per_sector(self) -> int:
        """Directory entries in a sector."""
        return self.pages.sector_size // ENTRY_SIZE


def linked(sectors: Sequence[int]) -> list[tuple[int, int]]:
    """Each sector with the one that follows it, the last with the end mark."""
    return list(zip(sectors, [*sectors[1:], END], strict=True)) if sectors else []
