"""Where a MEIHDFS begins: by its superblock, by a copy of it in a later group, or by its tables alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.dvr.disk import Disk
from engine.dvr.meihdfs.inodes import parse_inode
from engine.dvr.meihdfs.structs import (
    ALIGNMENT,
    ENTRY,
    GROUP,
    PAGE,
    ROOT,
    SECTOR,
    TABLE_ENTRIES,
    TABLE_HEAD,
    TABLE_PAGES,
    TABLES_AT,
    Version,
    version_of,
)
from engine.dvr.meihdfs.tables import Tables, read_tables
from engine.dvr.model import Finding, Rung
from engine.dvr.sweep import blocks_in
from engine.progress import SILENT, Reporter
from engine.source import Source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Flags = npt.NDArray[np.bool_]

_SEARCHED = 4 << 30
_MAX_TRIED = 64
_UNDERSTOOD = 0.9
_FEW = 6


def words_of(version: Version) -> str:
    """Makers and models of a version."""
    if version.digit >= 3:
        return "Panasonic Blu-ray recorder, external disk"
    return "Panasonic DMR recorder"


def probe_at(source: Source, places: Iterable[int], *, swapped: bool = False) -> list[Finding]:
    """Findings for superblocks seen at ``places``, best first. A copy does not say which group it stands in: every
    start it may belong to is tried, and the one whose tables lead to a root directory is taken."""
    best: dict[int, Finding] = {}
    for place in sorted(set(places)):
        # A copy of one that is understood already says nothing new.
        if any(one.confidence > _UNDERSTOOD and (place - base) % GROUP == 0 for base, one in best.items()):
            continue
        version = version_of(Disk(source, place).get(0, SECTOR))
        if version is None:
            continue
        for group in range(place // GROUP + 1):
            finding = _judge(source, place - group * GROUP, version, group, swapped)
            other = best.get(finding.base)
            if other is None or other.confidence < finding.confidence:
                best[finding.base] = finding
    return sorted(best.values(), key=lambda one: (-one.confidence, one.base))


def _judge(source: Source, base: int, version: Version, group: int, swapped: bool) -> Finding:
    disk = Disk(source, base)
    reasons = [f"superblock {version.name} at byte {base + group * GROUP}"]
    rung = Rung.DIRECTORY
    if group:
        reasons.append(f"it is the copy of group {group}; the file system begins at byte {base}")
        rung = Rung.BACKUP
    if swapped:
        reasons.append("the two bytes of each word are exchanged")
    if base % ALIGNMENT:
        reasons.append(f"the image is {base % ALIGNMENT} bytes out of step")
    confidence = 0.6 if not group else 0.3
    for number in range(min(_MAX_TRIED, disk.size // GROUP + 1)):
        tables = read_tables(disk, number)
        if not tables.by_number:
            continue
        where = f" in group {number}" if number else ""
        reasons.append(f"{len(tables.by_number)} inode tables{where} whose inodes know their numbers")
        confidence = 0.8
        if root_of(disk, tables, version):
            reasons.append("inode 0 is a directory")
            confidence = 0.95 if number else 0.98
        break
    return Finding("meihdfs", version.name, words_of(version), confidence, tuple(reasons), base, swapped, place=base,
                   rung=rung)  # fmt: skip


def root_of(disk: Disk, tables: Tables, version: Version) -> bool:
    """Whether the tables lead to a root directory."""
    page = tables.page(ROOT)
    inode = parse_inode(disk.piece(page * PAGE, PAGE), version) if page is not None else None
    return inode is not None and inode.directory and inode.number == ROOT


def search(source: Source, *, swapped: bool = False, deep: bool = False, reporter: Reporter = SILENT) -> list[Finding]:
    """For a disk without any superblock: table pages found by their own shape, and the start that fits them."""
    disk = Disk(source, reporter=reporter)
    tried: set[int] = set()
    for at in table_pages(disk, 0, disk.size if deep else min(disk.size, _SEARCHED)):
        for place in range(TABLE_PAGES):
            base = at - TABLES_AT - place * PAGE
            if base < 0 or base % ALIGNMENT or base in tried:
                continue
            tried.add(base)
            below = Disk(source, base)
            tables = read_tables(below)
            version = _guess_version(below, tables)
            if version is None or not root_of(below, tables, version):
                continue
            reasons = (
                f"no superblock; inode tables from byte {base + TABLES_AT} on lead to a root directory",
                f"version {version.name} by the modes of its inodes",
            )
            return [Finding("meihdfs", version.name, words_of(version), 0.8, reasons, base, swapped, place=None,
                            rung=Rung.ORPHAN)]  # fmt: skip
    return []


def _guess_version(disk: Disk, tables: Tables) -> Version | None:
    """By the mode of a directory below the root: the first versions wrote other permission bits."""
    for number in (1, ROOT):
        page = tables.page(number)
        head = disk.get(page * PAGE, 0x20) if page is not None else None
        if head is not None:
            return Version("V2.0", 0) if head[0x1E] == 0xC2 else Version("V2.1", 1)
    return None


def table_pages(disk: Disk, low: int, high: int) -> list[int]:
    """Pages of ``[low, high)`` that have the shape of an inode table (at most 256)."""
    import numpy as np

    found: list[int] = []
    for first, rows in blocks_in(disk, low, high, PAGE):
        entries = rows[:, TABLE_HEAD : TABLE_HEAD + TABLE_ENTRIES * ENTRY].reshape(len(rows), TABLE_ENTRIES, ENTRY)
        # Most pages are something else, as a few entries tell; all entries are looked at in what is left.
        maybe = np.flatnonzero(_entries_fit(entries[:, :_FEW])[0])
        fits, used = _entries_fit(entries[maybe])
        found += [(first + row) * PAGE for row in maybe[fits & used].tolist()]
        if len(found) >= 256:
            break
    return found[:256]


def _entries_fit(entries: Bytes) -> tuple[Flags, Flags]:
    """Of pages of entries: whether each entry is free or (page, 1, 1), and whether one is used."""
    import numpy as np

    used = (entries[:, :, 4:] == np.array([0, 0, 0, 0, 1, 0, 1, 0], np.uint8)).all(axis=2)
    used &= (entries[:, :, :4] > 0).any(axis=2)
    free = ~entries.any(axis=2)
    return (used | free).all(axis=1), used.any(axis=1)
