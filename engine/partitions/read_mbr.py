"""An MBR and the chains below it, as nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.partitions.ebr import Record, read_chain
from engine.partitions.gaps import gap_nodes, merged, overlaps
from engine.partitions.mbr import Entry, Table, chs_fits
from engine.partitions.mbr_types import PROTECTIVE, mbr_type_name
from engine.partitions.model import Finding, Kind, Node, Place
from engine.partitions.peek import Peek
from engine.text import format_exact

_ALIGNMENT = 4096
DYNAMIC = "part of a Windows dynamic disk: its volumes are told by a database in the last MiB, not by this table"


@dataclass(frozen=True, slots=True)
class Disk:
    """What every node needs to know: the reader, the sector size of the table, the disk's size in bytes."""

    peek: Peek
    sector_size: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.peek.size

    @property
    def sectors(self) -> int:
        """Whole sectors of the table's size."""
        return self.peek.size // self.sector_size


def mbr_node(disk: Disk, table: Table) -> Node:
    """The MBR with its partitions in the order of the disk, and what lies between them."""
    numbered = [_partition(disk, entry) for entry in table.used if entry.type != PROTECTIVE]
    nodes = _chains(disk, numbered)
    nodes = mark_overlaps(sorted(nodes, key=lambda node: (node.start, node.index or 0)))
    taken = [(0, disk.sector_size), *((node.start, node.end) for node in nodes)]
    problems = _table_problems(table, [node.kind for node in nodes])
    return Node(
        "mbr", 0, min(disk.sector_size, disk.size), 1,
        name=f"{table.disk_signature:08x}",
        problems=tuple(problems),
        children=merged(nodes, gap_nodes(0, disk.size, taken)),
        places=(Place(0, 512, "mbr", "master boot record"),),
    )  # fmt: skip


def _table_problems(table: Table, kinds: Sequence[Kind]) -> list[Finding]:
    problems = []
    if not table.signed:
        problems.append(
            Finding("mbr-bad-signature", "sector 0 holds a table, but does not end in 55 AA: most systems ignore it",
                    510, "error", "signature")
        )  # fmt: skip
    for entry in table.entries:
        number = entry.slot + 1
        if entry.type and not entry.size_sectors:
            words = f"entry {number} has type {entry.type:02x} but no sectors"
            problems.append(Finding("typed-zero-size", words, entry.offset, "note"))
        elif entry.type == 0 and not entry.blank:
            words = f"entry {number} has a place but type 0: other systems do not see it"
            problems.append(Finding("untyped-entry", words, entry.offset, "note"))
    active = [str(entry.slot + 1) for entry in table.used if entry.active]
    if len(active) > 1:
        words = f"{len(active)} partitions are active ({', '.join(active)}): the BIOS starts none"
        problems.append(Finding("multiple-active", words, None, "warning", "active"))
    if list(kinds).count("extended") > 1:
        words = "several extended partitions: some systems see only the first"
        problems.append(Finding("multiple-extended", words, None, "note"))
    return problems


def entry_place(entry: Entry, title: str) -> Place:
    """The 16 bytes of an entry."""
    return Place(entry.offset, 16, "mbr-entry", title)


def _partition(disk: Disk, entry: Entry) -> Node:
    start, size = entry.start_lba * disk.sector_size, entry.size_sectors * disk.sector_size
    kind: Kind = "extended" if entry.extended else "primary"
    return Node(
        kind, start, size, entry.slot + 1,
        type=f"{entry.type:02x}",
        type_name=mbr_type_name(entry.type),
        flags=("active",) if entry.active else (),
        problems=tuple(_entry_problems(disk, entry, entry.start_lba)),
        places=(entry_place(entry, f"entry {entry.slot + 1} of the MBR"),),
    )  # fmt: skip


def _entry_problems(disk: Disk, entry: Entry, start_lba: int, *, logical: bool = False) -> list[Finding]:
    problems = []
    start, size = start_lba * disk.sector_size, entry.size_sectors * disk.sector_size
    if entry.bad_status and not logical:
        words = f"its status byte is {entry.status:02x}, not 00 or 80"
        problems.append(Finding("bad-status-byte", words, entry.offset, "warning", "status"))
    problems += place_problems(start, size, disk.size, aligned=entry.extended)
    if entry.type == 0x42:
        problems.append(Finding("dynamic-disk", DYNAMIC, entry.offset, "note"))
    if not (chs_fits(entry.first_chs, start_lba) and chs_fits(entry.last_chs, start_lba + entry.size_sectors - 1)):
        words = "its CHS addresses say something else than its LBA: the LBA counts"
        problems.append(Finding("chs-mismatch", words, entry.offset, "note"))
    return problems


def place_problems(start: int, size: int, disk_size: int, *, aligned: bool = False) -> list[Finding]:
    """A partition that runs past the end of the disk, or (unless it is taken for ``aligned``) does not begin where
    physical sectors do."""
    problems = []
    if start >= disk_size:
        words = f"it begins beyond the end of the disk ({format_exact(disk_size)})"
        problems.append(Finding("partition-beyond-disk", words, start, "error"))
    elif start + size > disk_size:
        words = f"it ends {format_exact(start + size - disk_size)} beyond the end of the disk"
        problems.append(Finding("partition-beyond-disk", words, start, "error"))
    if start % _ALIGNMENT and not aligned:
        words = "it does not begin at a multiple of 4096 bytes: slow on many disks, no fault"
        problems.append(Finding("misaligned", words, start, "note"))
    return problems


def mark_overlaps(nodes: list[Node]) -> list[Node]:
    """The same nodes, each that overlaps another with a finding."""
    made = list(nodes)
    for first, second in overlaps([(node.start, node.end) for node in nodes]):
        for mine, other in ((first, second), (second, first)):
            words = f"it overlaps {name_of(nodes[other])}"
            made[mine] = with_problem(made[mine], Finding("overlap", words, made[mine].start, "error"))
    return made


def name_of(node: Node) -> str:
    """``partition 2 (at 1048576)``."""
    return f"partition {node.index} (at {node.start})" if node.index else f"{node.kind} at {node.start}"


def with_problem(node: Node, problem: Finding) -> Node:
    """The node with one finding more."""
    return replace(node, problems=(*node.problems, problem))


def _chains(disk: Disk, nodes: list[Node]) -> list[Node]:
    """Extended partitions with their EBRs below them; logicals are numbered from 5 through all chains."""
    made = []
    number, records_seen = 5, 0
    visited: set[int] = set()
    for node in nodes:
        if node.kind != "extended" or node.start >= disk.size:
            made.append(node)
            continue
        records = read_chain(
            disk.peek, node.start // disk.sector_size, node.size // disk.sector_size, disk.sector_size, visited
        )
        children = []
        for position, record in enumerate(records, records_seen + 1):
            child = _record_node(disk, record, position, number)
            number += len(record.logicals)
            children.append(child)
        records_seen += len(records)
        made.append(replace(node, children=_laid_out(node, children)))
    return made


def _record_node(disk: Disk, record: Record, position: int, number: int) -> Node:
    offset = record.lba * disk.sector_size
    logicals = []
    for count, logical in enumerate(record.logicals):
        problems = [*logical.problems, *_entry_problems(disk, logical.entry, logical.start_lba, logical=True)]
        if not record.trusted:
            words = "it is named by an EBR without a valid signature: not certain"
            problems.append(Finding("untrusted", words, offset, "warning"))
        logicals.append(
            Node(
                "logical",
                logical.start_lba * disk.sector_size,
                logical.size_sectors * disk.sector_size,
                number + count,
                type=f"{logical.entry.type:02x}",
                type_name=mbr_type_name(logical.entry.type),
                flags=("active",) if logical.entry.active else (),
                problems=tuple(problems),
                places=(entry_place(logical.entry, f"entry {logical.entry.slot + 1} of the EBR at {offset}"),),
            )
        )  # fmt: skip
    return Node("ebr", offset, disk.sector_size, position, problems=record.problems, children=tuple(logicals),
                places=(Place(offset, 512, "ebr", "extended boot record"),))  # fmt: skip


def _laid_out(extended: Node, records: list[Node]) -> tuple[Node, ...]:
    """EBRs in the order of the chain, their logicals checked against each other, gaps between."""
    logicals = [(at, place, child) for at, node in enumerate(records) for place, child in enumerate(node.children)]
    everything = [*(child for _, _, child in logicals), *records]
    marked = mark_overlaps(everything)
    fresh = {(at, place): node for (at, place, _), node in zip(logicals, marked, strict=False)}
    made = [
        replace(
            node,
            problems=marked[len(logicals) + at].problems,
            children=tuple(fresh[at, place] for place in range(len(node.children))),
        )
        for at, node in enumerate(records)
    ]
    taken = [(node.start, node.end) for node in everything]
    return merged(made, gap_nodes(extended.start, extended.end, taken))
