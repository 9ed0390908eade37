"""Chains of extended boot records. Each names its logical volume relative to itself and the next record relative to
the beginning of the extended partition."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from engine.partitions.mbr import Entry, Table, parse_table
from engine.partitions.model import Finding
from engine.partitions.peek import Peek

MAX_LINKS = 1024
MAX_EMPTY = 100
"""So many records in a row without a volume end a chain."""


@dataclass(frozen=True, slots=True)
class Logical:
    """A volume that an EBR names. ``start_lba`` is absolute."""

    entry: Entry
    start_lba: int
    size_sectors: int
    problems: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """An EBR at ``lba``; ``logicals`` usually one. ``table`` is None when its sector was never read.

    ``link`` is the entry that leads on, ``next_lba`` where to (absolute), both None at the end of the chain.
    ``trusted`` is False from the first record without a signature on.
    """

    lba: int
    table: Table | None
    logicals: tuple[Logical, ...] = ()
    link: Entry | None = None
    next_lba: int | None = None
    trusted: bool = True
    problems: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Walk:
    """The state of one walk over all chains below an extended partition."""

    peek: Peek
    sector_size: int
    base: int
    size: int
    records: list[Record] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)
    visited: set[int] = field(default_factory=set)
    waiting: deque[tuple[int, int]] = field(default_factory=deque)  # further chains: first EBR and its span
    trusted: bool = True

    @property
    def end(self) -> int:
        return self.base + self.size


def read_chain(
    peek: Peek, base_lba: int, size_sectors: int, sector_size: int, visited: set[int] | None = None
) -> list[Record]:
    """Every EBR below the extended partition at ``base_lba``, in the order of the chain, each once.

    Loops, links that lead outside, missing signatures and unread sectors end a chain with a finding on the last record.
    ``visited`` are EBRs that chains of other extended partitions passed; it grows.
    """
    walk = _Walk(peek, sector_size, base_lba, size_sectors)
    walk.visited = visited if visited is not None else set()
    walk.waiting.append((base_lba, size_sectors))
    while walk.waiting:
        lba, span = walk.waiting.popleft()
        walk.trusted = True
        _follow(walk, lba, span)
    return walk.records


def _follow(walk: _Walk, lba: int, span: int) -> None:
    """One chain from ``lba`` on; ``span`` is how many sectors the link to it covers."""
    barren = 0
    following: tuple[int, int] | None = (lba, span)
    while following is not None:
        lba, span = following
        if lba in walk.visited:
            return
        walk.visited.add(lba)
        record, following = _read(walk, lba, span)
        barren = 0 if record.logicals else barren + 1
        stop = None
        if len(walk.records) + 1 >= MAX_LINKS:
            stop = Finding("ebr-chain-too-long", f"the chain has more than {MAX_LINKS} records: it is not followed on",
                           lba * walk.sector_size, "error")  # fmt: skip
        elif barren >= MAX_EMPTY:
            stop = Finding("ebr-chain-too-long", f"{MAX_EMPTY} records in a row name no partition: it ends here",
                           lba * walk.sector_size, "error")  # fmt: skip
        if stop is not None and following is not None:
            record = _with(record, stop)
            walk.waiting.clear()
            following = None
        walk.records.append(record)


def _with(record: Record, problem: Finding) -> Record:
    return Record(record.lba, record.table, record.logicals, record.link, record.next_lba, record.trusted,
                  (*record.problems, problem))  # fmt: skip


def _read(walk: _Walk, lba: int, span: int) -> tuple[Record, tuple[int, int] | None]:
    """The record at ``lba`` and where the chain goes on (EBR and span)."""
    offset = lba * walk.sector_size
    data = walk.peek.bytes_at(offset, 512)
    if data is None:
        if walk.peek.unread(offset, 512):
            problem = Finding("unread", "this EBR was never read: partitions behind it are not known", offset, "error")
        else:
            problem = Finding("ebr-link-outside", "this EBR lies beyond the end of the disk", offset, "error")
        return Record(lba, None, problems=(problem,)), None
    table = parse_table(data, offset)
    problems = []
    if not table.signed:
        credible = _credible_unsigned(walk, table, lba)
        message = "the EBR does not end in 55 AA"
        message += ": what it names is shown, but not certain" if credible else ", and nothing in it looks like a table"
        problems.append(Finding("ebr-bad-signature", message, offset, "error", "signature" if credible else None))
        if not credible:
            return Record(lba, table, trusted=False, problems=tuple(problems)), None
        walk.trusted = False
    logicals = _logicals(walk, table, lba, span, problems)
    link, following = _links(walk, table, lba, bool(logicals), problems)
    next_lba = following[0] if following else None
    if following is not None and next_lba in walk.visited:
        what = "to itself" if next_lba == lba else "back to a record that was read already"
        problems.append(
            Finding("ebr-loop", f"its link leads {what} (sector {next_lba}): followed once only", offset, "error",
                    "ebr-unlink")
        )  # fmt: skip
        following = None
    elif next_lba is not None and next_lba < lba:
        problems.append(Finding("ebr-out-of-order", f"its link leads backwards, to sector {next_lba}", offset, "note"))
    return Record(lba, table, tuple(logicals), link, next_lba, walk.trusted, tuple(problems)), following


def _credible_unsigned(walk: _Walk, table: Table, lba: int) -> bool:
    """Whether a sector without 55 AA can be an EBR: one or two partitions inside the extended one, the rest blank."""
    used = [entry for entry in table.entries if not entry.blank]
    if not used or any(entry.bad_status or entry.empty for entry in used):
        return False
    return all(
        walk.base <= (walk.base if entry.extended else lba) + entry.start_lba
        and (walk.base if entry.extended else lba) + entry.start_lba + entry.size_sectors <= walk.end
        for entry in used
    )


def _logicals(walk: _Walk, table: Table, lba: int, span: int, problems: list[Finding]) -> list[Logical]:
    found: list[Logical] = []
    for entry in table.entries:
        if entry.type == 0 or entry.extended:
            if entry.type == 0 and not entry.blank:
                problems.append(_garbage(entry, "it has a place but no type"))
            continue
        if entry.size_sectors == 0:
            problems.append(
                Finding("typed-zero-size", f"entry {entry.slot + 1} has type {entry.type:02x} but no sectors",
                        entry.offset, "note")
            )  # fmt: skip
            continue
        start = lba + entry.start_lba
        if entry.slot >= 2:
            why = _unlikely(walk, entry, lba, span, start)
            if why:
                problems.append(_garbage(entry, why))
                continue
        found.append(Logical(entry, start, entry.size_sectors, tuple(_place_problems(walk, entry, start))))
        walk.taken.append((start, start + entry.size_sectors))
    if len(found) > 1:
        problems.append(
            Finding("ebr-extra-entry", f"it names {len(found)} partitions; other systems may see only one",
                    found[1].entry.offset, "note")
        )  # fmt: skip
    return found


def _garbage(entry: Entry, why: str) -> Finding:
    return Finding("ebr-garbage", f"entry {entry.slot + 1} is left out: {why}", entry.offset, "note")


def _unlikely(walk: _Walk, entry: Entry, lba: int, span: int, start: int) -> str:
    """Why a third or fourth entry is no partition; empty when it can be one."""
    end = start + entry.size_sectors
    if entry.bad_status:
        return f"its status is {entry.status:02x}"
    if entry.start_lba < 1 or end > walk.end:
        return "it lies outside the extended partition"
    if end > lba + span:
        return "it lies outside what the link to this record covers"
    if any(start < high and end > low for low, high in walk.taken):
        return "it overlaps another partition"
    return ""


def _place_problems(walk: _Walk, entry: Entry, start: int) -> list[Finding]:
    problems = []
    end = start + entry.size_sectors
    if entry.bad_status:
        problems.append(
            Finding("bad-status-byte", f"its status byte is {entry.status:02x}, not 00 or 80", entry.offset, "warning",
                    "status")
        )  # fmt: skip
    if start < walk.base or end > walk.end:
        problems.append(
            Finding("partition-outside-extended", "it lies outside the extended partition", entry.offset, "warning")
        )
    return problems


def _links(
    walk: _Walk, table: Table, lba: int, has_data: bool, problems: list[Finding]
) -> tuple[Entry | None, tuple[int, int] | None]:
    """The entry that leads on and where to; further ones are kept for later."""
    offset = lba * walk.sector_size
    links = [entry for entry in table.entries if entry.extended and (entry.size_sectors or entry.start_lba)]
    if not has_data:
        problems.append(Finding("ebr-empty", "it names no partition", offset, "note"))
    if not links:
        return None, None
    data_slots = [entry.slot for entry in table.entries if not entry.empty and not entry.extended]
    if data_slots and links[0].slot < data_slots[0]:
        problems.append(Finding("ebr-link-first", "its link stands before its partition", links[0].offset, "note"))
    following: tuple[int, int] | None = None
    chosen: Entry | None = None
    for entry in links:
        target = walk.base + entry.start_lba
        if entry.start_lba >= walk.size or not walk.peek.inside(target * walk.sector_size, 512):
            problems.append(
                Finding("ebr-link-outside", f"its link leads to sector {target}, outside the extended partition: the "
                        "chain ends here", entry.offset, "error")
            )  # fmt: skip
        elif chosen is None:
            following, chosen = (target, entry.size_sectors), entry
        else:
            problems.append(
                Finding("ebr-extra-link", f"a further link leads to sector {target}; other systems ignore it",
                        entry.offset, "note")
            )  # fmt: skip
            walk.waiting.append((target, entry.size_sectors))
    return chosen, following
