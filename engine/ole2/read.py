"""From bytes to a document: tolerant, bounded, every oddity collected as a problem, none of them fatal.

The header says where to begin; a caller that knows better (the solver) hands in a header of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.errors import Problem
from engine.ole2.directory import read_entries, walk_tree
from engine.ole2.model import Document, Header
from engine.ole2.pages import Pages
from engine.ole2.streams import read_streams
from engine.ole2.structs import DIFAT_MARK, END, FAT_MARK, FREE, HEADER_SIZE, HEADER_SLOTS, MAX_REGULAR, SIGNATURE
from engine.ole2.table import Budget, Chain, Table

if TYPE_CHECKING:
    from engine.source import Source

STEPS = 1 << 21
"""Links that are followed in all, besides the number of links there are."""


def read_header(source: Source, base: int = 0) -> tuple[Header, tuple[tuple[int, int], ...]]:
    """The header at ``base`` and what of its 512 bytes nobody has read (as positions in it)."""
    reading = source.read(max(0, base), HEADER_SIZE) if base >= 0 else None
    data = reading.data if reading is not None else b""
    holes = [(low - base, high - base) for low, high in reading.holes] if reading is not None else []
    if len(data) < HEADER_SIZE:
        holes.append((len(data), HEADER_SIZE))
    return Header.parse(data.ljust(HEADER_SIZE, b"\0")), tuple(holes)


def read_document(
    source: Source, *, base: int = 0, header: Header | None = None, sector_size: int | None = None
) -> Document:
    """The document whose header lies at ``base``, or which ``header`` describes. Never raises for what the bytes
    say."""
    problems: list[Problem] = []
    if header is None:
        header, holes = read_header(source, base)
        if holes:
            problems.append(Problem("header-unread", "parts of the header were never read", holes[0][0] + base))
    size = sector_size or header.sector_size
    if size is None:
        problems.append(Problem("sector-shift", f"the sector shift is {header.sector_shift}, not 9 or 12", base + 0x1E))
        size = 4096 if header.major_version == 4 else 512
    pages = Pages(source, base, size)
    problems += check_header(header, pages)
    difat_list, fat_list = read_difat(header, pages, problems)
    words, lost = pages.table(fat_list)
    fat = Table(words[: pages.count + pages.words], lost[: pages.count + pages.words])
    budget = Budget(STEPS + 4 * len(fat))
    directory = fat.walk(header.directory_start, budget)
    entries = read_entries(pages, directory, problems)
    mini_fat = fat.walk(header.mini_fat_start, budget)
    mini = Table(*pages.table(mini_fat.sectors(pages.count)))
    root = entries[0] if entries else None
    mini_stream = fat.walk(root.start, budget) if root is not None and root.size else Chain()
    paths = walk_tree(entries, problems)
    known = {"the directory": directory, "the mini FAT": mini_fat, "the mini stream": mini_stream}
    for name, chain in known.items():
        if chain.stop not in ("end", "none"):
            problems.append(Problem("chain", f"{name}'s chain does not end properly: {chain.stop}"))
    if mini_fat.length != header.mini_fat_sectors:
        words_ = f"the header says {header.mini_fat_sectors} mini FAT sectors, the chain has {mini_fat.length}"
        problems.append(Problem("mini-fat-count", words_, base + 0x40))
    streams = read_streams(pages, fat, mini, mini_stream, entries, paths, budget, root.size if root else 0, known)
    return Document(
        pages, header, fat, tuple(fat_list), tuple(difat_list), directory, entries, mini_fat, mini, mini_stream,
        streams,
        tuple(problems),
    )  # fmt: skip


def check_header(header: Header, pages: Pages) -> list[Problem]:
    """What is wrong with the header by itself and against the size of the source."""
    base, count = pages.base, pages.count
    found: list[Problem] = []

    def wrong(bad: bool, code: str, words: str, at: int) -> None:
        if bad:
            found.append(Problem(code, words, base + at))

    wrong(header.signature != SIGNATURE, "signature", "the signature is not that of a compound document", 0)
    wrong(header.byte_order != 0xFFFE, "byte-order", f"the byte order mark is {header.byte_order:04X}, not FFFE", 0x1C)
    wrong(header.mini_sector_shift != 6, "mini-shift", f"the mini sector shift is {header.mini_sector_shift}", 0x20)
    wrong(header.mini_cutoff != 4096, "cutoff", f"the mini stream cut-off is {header.mini_cutoff}, not 4096", 0x38)
    pair = (header.major_version, header.sector_shift)
    wrong(pair not in ((3, 9), (4, 12), (3, 12)), "version",
          f"version {pair[0]} with sector shift {pair[1]} does not exist", 0x1A)  # fmt: skip
    for name, value, at in (
        ("FAT", header.fat_sectors, 0x2C), ("mini FAT", header.mini_fat_sectors, 0x40),
        ("DIFAT", header.difat_sectors, 0x48),
    ):  # fmt: skip
        wrong(value > count, "count", f"{value} {name} sectors, but there are {count} sectors in all", at)
    wrong(not pages.inside(header.directory_start), "directory-start",
          f"the directory begins at sector {header.directory_start:#x}, which does not exist", 0x30)  # fmt: skip
    wrong(header.mini_fat_start <= MAX_REGULAR and not pages.inside(header.mini_fat_start), "mini-fat-start",
          f"the mini FAT begins at sector {header.mini_fat_start:#x}, which does not exist", 0x3C)  # fmt: skip
    wrong(header.difat_start <= MAX_REGULAR and not header.difat_sectors, "difat-start",
          f"the DIFAT begins at sector {header.difat_start:#x}, but has no sectors", 0x44)  # fmt: skip
    wrong(header.difat_start <= MAX_REGULAR and not pages.inside(header.difat_start), "difat-start",
          f"the DIFAT begins at sector {header.difat_start:#x}, which does not exist", 0x44)  # fmt: skip
    for slot, word in enumerate(header.difat):
        used = slot < header.fat_sectors
        if used and not pages.inside(word):
            wrong(True, "difat-slot", f"slot {slot} names sector {word:#x}, which does not exist", 0x4C + 4 * slot)
        elif not used and word <= MAX_REGULAR:
            wrong(True, "difat-slot", f"slot {slot} is used beyond the number of FAT sectors", 0x4C + 4 * slot)
        if len(found) > 64:
            break
    return found


def read_difat(header: Header, pages: Pages, problems: list[Problem]) -> tuple[list[int], list[int]]:
    """The DIFAT's sectors and the FAT's, in order, at most as many as there are sectors; a FAT sector that is not
    known is 0xFFFFFFFF."""
    wanted = min(header.fat_sectors, pages.count)
    fat = list(header.difat[: min(HEADER_SLOTS, wanted)])
    difat: list[int] = []
    here, seen, per = header.difat_start, set[int](), pages.words - 1
    while len(fat) < wanted and here <= MAX_REGULAR:
        if here in seen or not pages.inside(here):
            problems.append(Problem("difat-chain", "the DIFAT's chain is broken", None))
            break
        seen.add(here)
        difat.append(here)
        words, lost = pages.table([here])
        part = np.where(lost[:per], FREE, words[:per])[: wanted - len(fat)]
        fat += [int(word) for word in part]
        if lost[per]:
            problems.append(Problem("difat-unread", "a DIFAT sector was never read", pages.offset(here)))
            break
        here = int(words[per])
    if len(fat) < wanted:
        problems.append(Problem("difat-short", f"{wanted - len(fat)} FAT sectors are listed nowhere"))
        fat += [FREE] * (wanted - len(fat))
    if len(difat) != header.difat_sectors and not any(one.code.startswith("difat-") for one in problems):
        words_ = f"the header says {header.difat_sectors} DIFAT sectors, the chain has {len(difat)}"
        problems.append(Problem("difat-count", words_, pages.base + 0x48))
    return difat, fat


def used_sectors(document: Document) -> int:
    """Sectors up to the last one that the FAT does not call free."""
    used = np.flatnonzero(document.fat.words[: max(0, document.pages.count)] != FREE)
    return int(used[-1]) + 1 if used.size else 0


__all__ = ["DIFAT_MARK", "END", "FAT_MARK", "read_document", "read_header", "used_sectors"]
