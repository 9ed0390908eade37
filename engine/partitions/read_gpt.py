"""Both GPTs of a disk: which one is in force, what differs, and their partitions as nodes."""

from __future__ import annotations

from dataclasses import dataclass

from engine.partitions.gaps import gap_nodes, merged
from engine.partitions.gpt import Entry, Gpt, read_gpt
from engine.partitions.gpt_types import gpt_type_name
from engine.partitions.model import Finding, Node, Place
from engine.partitions.peek import Peek
from engine.partitions.read_mbr import DYNAMIC, Disk, mark_overlaps, place_problems, with_problem

SECTOR_SIZES = (512, 4096)
_DYNAMIC = frozenset({"5808C8AA-7E8F-42E0-85D2-E1E90434CFB3", "AF9B60A0-1431-4F62-BC68-3311714A69AD"})


@dataclass(frozen=True, slots=True)
class Pair:
    """What was found of a GPT. ``primary`` and ``backup`` are None where there is no signature (or no reading).

    ``unread`` are header sectors that nobody has read.
    """

    sector_size: int
    primary: Gpt | None
    backup: Gpt | None
    unread: tuple[int, ...] = ()

    @property
    def truth(self) -> Gpt | None:
        """The table in force: a valid one before a damaged one, the primary before the backup."""
        both = [gpt for gpt in (self.primary, self.backup) if gpt is not None]
        for gpt in both:
            if gpt.valid:
                return gpt
        for gpt in both:
            if not gpt.header.faults and gpt.readable:
                return gpt
        for gpt in both:
            if gpt.readable and gpt.array in ("ok", "unread"):
                return gpt
        return None

    @property
    def found(self) -> bool:
        """There is a table to show."""
        return self.truth is not None


def find_pair(peek: Peek, preferred: int, *, only: bool = False) -> Pair | None:
    """The GPTs of a disk, read with the sector size that a header itself fits; None when there is no signature.

    ``preferred`` is tried first; ``only`` keeps to it.
    """
    sizes = [preferred] if only else [preferred, *(size for size in SECTOR_SIZES if size != preferred)]
    pairs = [pair for pair in (_pair(peek, size) for size in sizes) if pair is not None]
    with_valid = [pair for pair in pairs if any(gpt is not None and gpt.valid for gpt in (pair.primary, pair.backup))]
    with_table = [pair for pair in pairs if pair.found]
    ranked = with_valid or with_table or pairs
    return ranked[0] if ranked else None


def _pair(peek: Peek, size: int) -> Pair | None:
    if peek.size < 3 * size:
        return None
    last = peek.size // size - 1
    primary = read_gpt(peek, 1, size)
    # a signature with another sector's number in it belongs to a table of another sector size, or is a stray copy
    if primary is not None and primary.header.own_lba != 1 and not primary.readable:
        primary = None
    backup = read_gpt(peek, last, size)
    if backup is None and primary is not None and primary.header.other_lba not in (0, 1, last):
        backup = read_gpt(peek, primary.header.other_lba, size)
    if primary is None and backup is None:
        return None
    missing = [lba * size for lba, gpt in ((1, primary), (last, backup)) if gpt is None]
    return Pair(size, primary, backup, tuple(offset for offset in missing if peek.unread(offset, size)))


def gpt_nodes(disk: Disk, pair: Pair, *, stale: bool = False) -> list[Node]:
    """The primary and the backup GPT, the one in force with the partitions; for a ``stale`` GPT they are shadows."""
    truth = pair.truth
    nodes = []
    for gpt, index in ((pair.primary, 1), (pair.backup, 2)):
        if gpt is None:
            continue
        problems = header_problems(disk, pair, gpt, index)
        other = truth is not None and gpt is not truth and gpt.readable and _differs(gpt, truth)
        flag = "stale" if stale else "second" if gpt is not truth else ""
        children: tuple[Node, ...] = ()
        if gpt is truth or other:
            children = _children(disk, pair, gpt, flag)
        nodes.append(_header_node(disk, gpt, index, problems, children))
    if truth is not None and nodes and not stale:
        at = 0 if truth is pair.primary else len(nodes) - 1
        for problem in pair_problems(disk, pair):
            nodes[at] = with_problem(nodes[at], problem)
    return nodes


def _header_node(disk: Disk, gpt: Gpt, index: int, problems: list[Finding], children: tuple[Node, ...]) -> Node:
    header = gpt.header
    low, high = extent(gpt)
    title = "primary GPT" if index == 1 else "backup GPT"
    places = [Place(header.offset, disk.sector_size, "gpt-header", f"header of the {title}")]
    if gpt.array in ("ok", "crc", "unread"):
        places.append(Place(header.array_offset, header.array_size, "gpt-entries", f"entries of the {title}"))
    return Node("gpt", low, high - low, index, name=title, uuid=header.disk_guid, problems=tuple(problems),
                children=children, places=tuple(places))  # fmt: skip


def extent(gpt: Gpt) -> tuple[int, int]:
    """First and end byte of header and entries together; of the header alone when they do not stand side by side."""
    header = gpt.header
    size = header.sector_size
    low, high = header.offset, header.offset + size
    first, end = header.array_offset, header.array_offset + header.array_sectors * size
    if gpt.array in ("ok", "crc", "unread") and (first == high or end == low):
        return min(low, first), max(high, end)
    return low, high


def reserved(pair: Pair) -> list[tuple[int, int]]:
    """The bytes that headers and entry arrays take."""
    found = []
    for gpt in (pair.primary, pair.backup):
        if gpt is not None:
            found.append(extent(gpt))
            if gpt.array in ("ok", "crc", "unread"):
                header = gpt.header
                found.append((header.array_offset, header.array_offset + header.array_sectors * header.sector_size))
    return found


def _children(disk: Disk, pair: Pair, gpt: Gpt, flag: str) -> tuple[Node, ...]:
    nodes = [_partition(disk, gpt, entry, flag) for entry in gpt.entries]
    twins = _twins([entry.guid for entry in gpt.entries])
    nodes = [
        with_problem(node, Finding("duplicate-guid", "another partition has the same GUID", node.places[0].offset))
        if node.uuid in twins
        else node
        for node in nodes
    ]
    nodes = mark_overlaps(sorted(nodes, key=lambda node: (node.start, node.index or 0)))
    if flag:
        return tuple(nodes)
    taken = [(0, disk.sector_size), *reserved(pair), *((node.start, node.end) for node in nodes)]
    return merged(nodes, gap_nodes(0, disk.size, taken))


def _twins(guids: list[str]) -> set[str]:
    seen: set[str] = set()
    return {guid for guid in guids if guid in seen or seen.add(guid)}  # type: ignore[func-returns-value]


def _partition(disk: Disk, gpt: Gpt, entry: Entry, flag: str) -> Node:
    size = disk.sector_size
    count = max(0, entry.last_lba - entry.first_lba + 1)
    start = entry.first_lba * size
    problems = []
    header = gpt.header
    if not count:
        problems.append(
            Finding("typed-zero-size", f"it ends (sector {entry.last_lba}) before it begins ({entry.first_lba})",
                    entry.offset, "error")
        )  # fmt: skip
    problems += place_problems(start, count * size, disk.size)
    if entry.type_guid in _DYNAMIC:
        problems.append(Finding("dynamic-disk", DYNAMIC, entry.offset, "note"))
    inside = header.first_usable <= entry.first_lba and entry.last_lba <= header.last_usable
    if count and not inside and not header.faults:
        problems.append(
            Finding("outside-usable", f"it lies outside the usable area (sectors {header.first_usable} to "
                    f"{header.last_usable})", entry.offset)
        )  # fmt: skip
    return Node(
        "primary", start, count * size, entry.slot + 1,
        type=entry.type_guid,
        type_name=gpt_type_name(entry.type_guid),
        name=entry.name,
        uuid=entry.guid,
        flags=(*((flag,) if flag else ()), *entry.flags),
        problems=tuple(problems),
        places=(Place(entry.offset, 128, "gpt-entry", f"entry {entry.slot + 1} of the GPT"),),
    )  # fmt: skip


def _differs(first: Gpt, second: Gpt) -> bool:
    """Whether two GPTs tell different partitions or name different disks."""

    def told(gpt: Gpt) -> list[tuple[int, str, str, int, int, int, str]]:
        return [(e.slot, e.type_guid, e.guid, e.first_lba, e.last_lba, e.attributes, e.name) for e in gpt.entries]

    return first.header.disk_guid != second.header.disk_guid or told(first) != told(second)


_ARRAY_WORDS = {
    "crc": "the checksum of its entries is wrong",
    "unread": "a part of its entries was never read",
    "outside": "its entries lie outside the disk",
    "size": "its numbers make no table of entries",
}


def header_problems(disk: Disk, pair: Pair, gpt: Gpt, index: int) -> list[Finding]:
    """What is wrong with one of the two."""
    title = "primary" if index == 1 else "backup"
    other = pair.backup if index == 1 else pair.primary
    repair = f"gpt-{title}" if other is not None and other.valid else None
    header = gpt.header
    problems = []
    if header.faults:
        words = f"the {title} header is bad: {'; '.join(header.faults)}"
        problems.append(Finding(f"gpt-{title}-bad", words, header.offset, "error", repair))
    if gpt.array == "unread":
        words = f"{_ARRAY_WORDS['unread']} ({gpt.unread_slots} slots): partitions may be missing"
        problems.append(Finding("unread", words, header.array_offset, "error"))
    elif gpt.array != "ok":
        problems.append(Finding("gpt-entries-crc", f"{title} GPT: {_ARRAY_WORDS[gpt.array]}", header.array_offset,
                                "error", repair))  # fmt: skip
    if index == 1 and gpt.valid and header.last_usable >= disk.sectors:
        words = f"the usable area ends at sector {header.last_usable}, the disk at {disk.sectors - 1}: it was cut"
        problems.append(Finding("gpt-last-usable-beyond-disk", words, header.offset, "warning", "gpt-backup"))
    if index == 2 and header.lba != disk.sectors - 1:
        words = f"the backup lies at sector {header.lba}, not at the end of the disk ({disk.sectors - 1})"
        problems.append(
            Finding("gpt-backup-not-at-end", words, header.offset, "warning",
                    "gpt-backup" if pair.primary is not None and pair.primary.valid else None)
        )  # fmt: skip
    if gpt.valid and header.entry_size & (header.entry_size - 1):
        problems.append(
            Finding("gpt-entry-size", f"entries of {header.entry_size} bytes: others read this table differently",
                    header.offset, "note")
        )  # fmt: skip
    return problems


def pair_problems(disk: Disk, pair: Pair) -> list[Finding]:
    """What is wrong with the two together: one missing, never read, or telling something else."""
    primary, backup = pair.primary, pair.backup
    problems = [
        Finding("unread", f"the header at {offset} was never read", offset, "error") for offset in pair.unread
    ]
    if primary is None and backup is not None and disk.sector_size not in pair.unread:
        words = "there is no primary GPT: only the backup is left"
        problems.append(
            Finding("gpt-primary-bad", words, disk.sector_size, "error", "gpt-primary" if backup.valid else None)
        )
    if backup is None and primary is not None and (disk.sectors - 1) * disk.sector_size not in pair.unread:
        beyond = primary.header.other_lba >= disk.sectors
        words = "the backup GPT would lie beyond the end of the disk" if beyond else "there is no backup GPT"
        problems.append(
            Finding("gpt-backup-missing", words, None, "warning", "gpt-backup" if primary.valid else None)
        )
    if primary is not None and backup is not None and primary.valid and backup.valid:
        if primary.header.disk_guid != backup.header.disk_guid:
            words = f"the backup names another disk ({backup.header.disk_guid}): it may be older"
            problems.append(Finding("gpt-differs", words, backup.header.offset, "warning", "gpt-backup"))
        elif _differs(primary, backup):
            words = "primary and backup are both whole, but name different partitions"
            problems.append(Finding("gpt-differs", words, backup.header.offset, "warning", "gpt-backup"))
        elif (primary.header.own_lba, primary.header.other_lba) != (backup.header.other_lba, backup.header.own_lba):
            words = "primary and backup do not point to each other"
            problems.append(Finding("gpt-differs", words, backup.header.offset, "note", "gpt-backup"))
    return problems
