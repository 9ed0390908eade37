"""A whole table from a list of partitions: MBR with its EBR chain, or GPT."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.edits.plan import Draft, WritePlan
from engine.errors import UsageError
from engine.partitions.gaps import overlaps
from engine.partitions.gpt import Header, guid_bytes
from engine.partitions.mbr import TABLE_OFFSET, chs_bytes, parse_table
from engine.partitions.mbr_types import EXTENDED
from engine.partitions.model import Tree
from engine.partitions.peek import Peek
from engine.partitions.read_gpt import find_pair
from engine.partitions.repairs.gpt import Side, protective_entry, put_side
from engine.partitions.repairs.job import Job, impossible
from engine.source import Source

_ARRAY_COUNT, _ENTRY_SIZE = 128, 128
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A partition that a new table shall name. ``start`` and ``size`` in bytes; ``type`` two hex digits or a GUID.

    An extended one is only needed to keep its extent: the logicals make one of their own otherwise.

    ``number`` is the slot (from 1) in MBR or GPT, None takes the next free one; logicals are numbered by place.
    ``ebr`` is where the record of a logical shall stand, None finds a place. ``uuid`` keeps a GPT partition's GUID.
    """

    start: int
    size: int
    type: str
    name: str = ""
    active: bool = False
    logical: bool = False
    number: int | None = None
    uuid: str = ""
    attributes: int = 0
    ebr: int | None = None

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.start + self.size

    @property
    def extended(self) -> bool:
        """It stands around the logicals of an MBR."""
        return len(self.type) == 2 and int(self.type, 16) in EXTENDED


def wanted_of(tree: Tree) -> list[Wanted]:
    """The partitions that a tree names now, as a list to begin with."""
    found = []
    ebrs = {child: node.start for node in tree.walk() if node.kind == "ebr" for child in node.children}
    for node in tree.partitions():
        if node.kind in ("primary", "extended", "logical"):
            found.append(
                Wanted(node.start, node.size, node.type, node.name, "active" in node.flags, node.kind == "logical",
                       None if node.kind == "logical" else node.index, node.uuid, ebr=ebrs.get(node))
            )  # fmt: skip
    return found


def plan_mbr(source: Source, wanted: Sequence[Wanted], *, sector_size: int = 512) -> WritePlan:
    """An MBR with these partitions and, for logicals, a new chain of EBRs.

    Boot code and disk signature stay. EBRs are put where ``ebr`` says, or into free sectors before each logical.
    Raises ``RefusedError`` where the partitions make no MBR.
    """
    peek = Peek(source)
    extended = [one for one in wanted if one.extended]
    if extended and not any(one.logical for one in wanted):
        raise impossible("an extended partition without logical ones", "leave it out", extended[0].start)
    _check(peek, [one for one in wanted if not one.extended], sector_size, first=sector_size)
    primaries = [one for one in wanted if not one.logical and not one.extended]
    logicals = sorted((one for one in wanted if one.logical), key=lambda one: one.start)
    limit = 3 if logicals else 4
    if len(primaries) > limit:
        raise impossible(f"an MBR holds {limit} primary partitions here, not {len(primaries)}", "make some logical")
    for one in wanted:
        if len(one.type) != 2 or int(one.type, 16) == 0 or (one.extended and one.logical):
            raise impossible(f"{one.type!r} is no type of an MBR partition", offset=one.start)
        if one.end // sector_size > 1 << 32 or one.size // sector_size >= 1 << 32:
            raise impossible("an MBR cannot name partitions beyond 2^32 sectors", "write a GPT", one.start)
    draft = Draft(source)
    entries = [_slot(one, 0, sector_size) for one in primaries]
    slots = [one.number for one in primaries]
    if logicals:
        outer, places = _extended(peek, primaries, extended, logicals, sector_size)
        _put_chain(draft, logicals, places, sector_size)
        entries.append(_slot(outer, 0, sector_size))
        slots.append(outer.number)
    table = b"".join(_by_slot(entries, slots))
    draft.put(TABLE_OFFSET, table + b"\x55\xaa", "the table in the MBR")
    pair = find_pair(peek, sector_size)
    if pair is not None and pair.found:
        draft.note("a GPT is on this disk too: with the new MBR it will not be in force any more")
    return draft.plan("rebuild", f"an MBR with {len(wanted)} partitions")


def _extended(
    peek: Peek, primaries: Sequence[Wanted], given: Sequence[Wanted], logicals: Sequence[Wanted], sector_size: int
) -> tuple[Wanted, list[int]]:
    """The extended partition and where its EBRs stand: as given, or from the first EBR to the last logical."""
    if len(given) > 1:
        raise impossible("one extended partition holds all logical ones", "name one", given[1].start)
    places = _ebr_places(primaries, logicals, sector_size)
    outer = given[0] if given else Wanted(places[0], logicals[-1].end - places[0], "0f")
    if outer.start > logicals[0].start - sector_size or outer.end < logicals[-1].end:
        raise impossible("a logical partition lies outside the extended one", offset=outer.start)
    if outer.start < sector_size or outer.end > peek.size or outer.start % sector_size or outer.size % sector_size:
        raise impossible("the extended partition lies outside the disk", offset=outer.start)
    for one in primaries:
        if one.start < outer.end and one.end > outer.start:
            raise impossible("a primary partition lies between logical ones", "make it logical", one.start)
    places[0] = outer.start  # the MBR names the first EBR by the extended partition's start
    return outer, places


def _check(peek: Peek, wanted: Sequence[Wanted], sector_size: int, first: int) -> None:
    if not wanted:
        raise UsageError("a table without partitions", advice="choose at least one")
    for one in wanted:
        if one.start % sector_size or one.size % sector_size or one.size <= 0:
            raise impossible("partitions begin and end with sectors", offset=one.start)
        if one.start < first or one.end > peek.size:
            raise impossible("a partition lies outside the disk's usable area", offset=one.start)
    pairs = overlaps([(one.start, one.end) for one in wanted])
    if pairs:
        low, high = (wanted[index] for index in pairs[0])
        raise impossible(f"the partitions at {low.start} and {high.start} overlap", "choose one of them", high.start)


def _slot(one: Wanted, base: int, sector_size: int) -> bytes:
    return _entry(int(one.type, 16), one.start - base, one.size, 0x80 if one.active else 0, sector_size, one.start)


def _entry(kind: int, relative: int, size: int, status: int, sector_size: int, start: int) -> bytes:
    lba, count = start // sector_size, size // sector_size
    return struct.pack("<B3sB3sII", status, chs_bytes(lba), kind, chs_bytes(lba + count - 1), relative // sector_size,
                       count)  # fmt: skip


def _by_slot(entries: list[bytes], numbers: Sequence[int | None]) -> list[bytes]:
    table: list[bytes | None] = [None] * 4
    for entry, number in zip(entries, numbers, strict=True):
        if number is not None and 1 <= number <= 4 and table[number - 1] is None:
            table[number - 1] = entry
    for entry, number in zip(entries, numbers, strict=True):
        if number is None or not 1 <= number <= 4 or table[number - 1] is not entry:
            table[table.index(None)] = entry
    return [entry or bytes(16) for entry in table]


def _ebr_places(primaries: Sequence[Wanted], logicals: Sequence[Wanted], sector_size: int) -> list[int]:
    """A sector for each EBR: after everything before its logical. Aligned by a MiB, by a track, or what there is."""
    places = []
    floor = max((one.end for one in primaries if one.end <= logicals[0].start), default=sector_size)
    for one in logicals:
        choices = [one.ebr, one.start - _MIB, one.start - 63 * sector_size, one.start - sector_size]
        place = next((at for at in choices if at is not None and floor <= at <= one.start - sector_size), None)
        if place is None or place % sector_size:
            raise impossible("there is no free sector for an EBR before the logical partition", offset=one.start)
        places.append(place)
        floor = one.end
    return places


def _put_chain(draft: Draft, logicals: Sequence[Wanted], places: list[int], sector_size: int) -> None:
    """The EBRs, last first: each names one logical and the next EBR."""
    base = places[0]
    for index in reversed(range(len(logicals))):
        one, place = logicals[index], places[index]
        entries = _slot(replace(one, active=False), place, sector_size)
        if index + 1 < len(logicals):
            following = places[index + 1]
            size = logicals[index + 1].end - following
            entries += _entry(0x05, following - base, size, 0, sector_size, following)
        draft.put(place + TABLE_OFFSET, entries.ljust(64, b"\0") + b"\x55\xaa", f"EBR of the logical at {one.start}")


def chain(job: Job) -> None:
    """The chains below the extended partitions written anew: each logical named once, in the order of the disk."""
    size = job.sector_size
    count = 0
    for extended in (node for node in job.tree.walk() if node.kind == "extended"):
        records = [node for node in extended.children if node.kind == "ebr"]
        ebrs = {child: node.start for node in records for child in node.children}
        logicals = sorted(
            (Wanted(node.start, node.size, node.type, logical=True, ebr=at) for node, at in ebrs.items()),
            key=lambda one: one.start,
        )
        if not logicals:
            continue
        _check(job.peek, logicals, size, first=extended.start + size)
        places = _ebr_places([], logicals, size)
        if places[0] != extended.start:
            # the first EBR has to stand where the MBR says that the extended partition begins
            places[0] = extended.start
        if logicals[-1].end > extended.end:
            raise impossible("a logical partition ends behind the extended one", offset=logicals[-1].start)
        _put_chain(job.draft, logicals, places, size)
        count += len(logicals)
    if not count:
        raise impossible("no logical partition is known", "search for lost partitions first")
    job.draft.note(f"the new chain names {count} logical partitions")


def plan_gpt(source: Source, wanted: Sequence[Wanted], *, sector_size: int = 512) -> WritePlan:
    """A GPT with these partitions, both copies and the protective MBR. Disk and partition GUIDs are kept where known.

    Raises ``RefusedError`` where the partitions make no GPT.
    """
    peek = Peek(source)
    sectors = peek.size // sector_size
    array_sectors = -(-_ARRAY_COUNT * _ENTRY_SIZE // sector_size)
    first_usable, last_usable = 2 + array_sectors, sectors - 2 - array_sectors
    _check(peek, wanted, sector_size, first=first_usable * sector_size)
    if len(wanted) > _ARRAY_COUNT:
        raise impossible(f"this table holds {_ARRAY_COUNT} partitions")
    for one in wanted:
        if one.end // sector_size - 1 > last_usable:
            raise impossible("a partition lies where the backup GPT has to be", "make it smaller, or write an MBR",
                             one.start)  # fmt: skip
    pair = find_pair(peek, sector_size)
    known = pair.truth.header.disk_guid if pair is not None and pair.truth is not None else ""
    header = Header(1, sector_size, 92, 0, 1, sectors - 1, first_usable, last_usable,
                    known or str(uuid.uuid4()).upper(), 2, _ARRAY_COUNT, _ENTRY_SIZE, 0, ())  # fmt: skip
    array = _gpt_array(wanted, sector_size)
    draft = Draft(source)
    put_side(draft, header, Side("backup", sectors - 1, sectors - 1 - array_sectors), 1, array)
    put_side(draft, header, Side("primary", 1, 2), sectors - 1, array)
    draft.put(TABLE_OFFSET, protective_entry(sectors) + b"\x55\xaa", "protective MBR")
    data = peek.bytes_at(0, 512)
    if data is not None and (table := parse_table(data, 0)).signed and table.used and not table.protective:
        draft.note("sector 0 holds an MBR with partitions: they will be gone from it")
    return draft.plan("rebuild", f"a GPT with {len(wanted)} partitions")


def _gpt_array(wanted: Sequence[Wanted], sector_size: int) -> bytes:
    array = bytearray(_ARRAY_COUNT * _ENTRY_SIZE)
    taken: set[int] = set()
    for one in sorted(wanted, key=lambda one: (one.number is None, one.number or 0, one.start)):
        number = one.number if one.number and one.number <= _ARRAY_COUNT and one.number not in taken else None
        slot = number or next(slot for slot in range(1, _ARRAY_COUNT + 1) if slot not in taken)
        taken.add(slot)
        try:
            kind, own = guid_bytes(one.type), guid_bytes(one.uuid or str(uuid.uuid4()))
        except ValueError as error:
            raise impossible(f"{one.type!r} or {one.uuid!r} is no GUID", offset=one.start) from error
        name = one.name.encode("utf-16-le", "surrogatepass")[:72].ljust(72, b"\0")
        struct.pack_into("<16s16sQQQ72s", array, (slot - 1) * _ENTRY_SIZE, kind, own, one.start // sector_size,
                         one.end // sector_size - 1, one.attributes, name)  # fmt: skip
    return bytes(array)
