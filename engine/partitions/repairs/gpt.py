"""Repairs of GPTs. Written in an order that leaves one valid copy at any moment: array before header, the copy that is
not in force first."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

from engine.edits.plan import Draft
from engine.partitions.gpt import HEADER_SIZE, SIGNATURE, Gpt, Header, guid_bytes, header_crc
from engine.partitions.mbr import TABLE_OFFSET, parse_table
from engine.partitions.mbr_types import PROTECTIVE
from engine.partitions.peek import Peek
from engine.partitions.read_gpt import Pair, find_pair
from engine.partitions.repairs.job import Job, impossible

_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: where its header and its entries stand, in sectors."""

    name: str
    header_lba: int
    array_lba: int


def build_header(header: Header, side: Side, other_lba: int, array: bytes) -> bytes:
    """A whole header sector with right checksums, for ``side``; all else as in ``header``."""
    fields = [
        SIGNATURE, 0x10000, HEADER_SIZE, 0, 0, side.header_lba, other_lba, header.first_usable, header.last_usable,
        guid_bytes(header.disk_guid), side.array_lba, header.entry_count, header.entry_size, zlib.crc32(array),
    ]  # fmt: skip
    fields[3] = header_crc(_HEADER.pack(*fields))
    return _HEADER.pack(*fields).ljust(header.sector_size, b"\0")


def put_side(draft: Draft, header: Header, side: Side, other_lba: int, array: bytes) -> None:
    """Plan array and header of one side."""
    size = header.sector_size
    draft.put(side.array_lba * size, array, f"{side.name} GPT: entries")
    draft.put(side.header_lba * size, build_header(header, side, other_lba, array), f"{side.name} GPT: header")


def pair_of(job: Job) -> Pair:
    """The GPTs of the disk. Raises ``RefusedError`` when there are none."""
    pair = find_pair(job.peek, job.sector_size)
    if pair is None:
        raise impossible("there is no GPT on this disk")
    return pair


def array_of(peek: Peek, gpt: Gpt) -> bytes:
    """The entries as they are on disk."""
    data = peek.bytes_at(gpt.header.array_offset, gpt.header.array_size)
    if data is None:
        raise impossible("the entries cannot be read whole", offset=gpt.header.array_offset)
    return data


def gpt_primary(job: Job) -> None:
    """The primary GPT from a valid backup."""
    pair = pair_of(job)
    backup = pair.backup
    if backup is None or not backup.valid:
        raise impossible("there is no valid backup GPT")
    header = backup.header
    side = Side("primary", 1, 2)
    if side.array_lba + header.array_sectors > header.first_usable:
        raise impossible("there is no room for the entries before the first usable sector")
    _no_partition_in(backup, 1, side.array_lba + header.array_sectors)
    put_side(job.draft, header, side, header.lba, array_of(job.peek, backup))
    if pair.primary is not None and pair.primary.readable and pair.primary.entries != backup.entries:
        job.draft.note("the primary GPT names other partitions than the backup: those will be gone")


def _no_partition_in(gpt: Gpt, first: int, end: int) -> None:
    for entry in gpt.entries:
        if entry.first_lba < end and entry.last_lba >= first:
            words = f"partition {entry.slot + 1} lies where the GPT has to be written"
            raise impossible(words, "make it smaller first", entry.first_lba * gpt.header.sector_size)


def gpt_backup(job: Job) -> None:
    """The backup GPT from a valid primary, at the end of the disk, wherever that is now."""
    pair = pair_of(job)
    primary = pair.primary
    if primary is None or not primary.valid:
        raise impossible("there is no valid primary GPT")
    header = primary.header
    sectors = job.peek.size // header.sector_size
    side = Side("backup", sectors - 1, sectors - 1 - header.array_sectors)
    _no_partition_in(primary, side.array_lba, sectors)
    if side.array_lba <= header.first_usable:
        raise impossible("the disk is too small for a backup GPT")
    array = array_of(job.peek, primary)
    moved = header.other_lba != side.header_lba or header.last_usable >= side.array_lba
    if moved:
        job.draft.note(f"the usable area will end at sector {side.array_lba - 1} (now {header.last_usable})")
        header = replace(header, last_usable=side.array_lba - 1)
    if pair.backup is not None and pair.backup.readable and pair.backup.entries != primary.entries:
        job.draft.note("the backup GPT names other partitions than the primary: those will be gone")
    put_side(job.draft, header, side, 1, array)
    if moved:
        first = Side("primary", 1, header.array_lba)
        job.draft.put(header.sector_size, build_header(header, first, side.header_lba, array), "primary GPT: header")
        _resize_protective(job, sectors)


def _resize_protective(job: Job, sectors: int) -> None:
    """The protective entry of a disk that grew, when it is the only one and covered the whole disk before."""
    data = job.peek.bytes_at(0, 512)
    table = parse_table(data, 0) if data is not None else None
    if table is None or not table.signed or len(table.used) != 1:
        return
    entry = table.used[0]
    count = min(sectors - 1, 0xFFFFFFFF)
    if entry.type == PROTECTIVE and entry.start_lba == 1 and entry.size_sectors != count:
        job.draft.put(entry.offset + 12, count.to_bytes(4, "little"), "protective MBR: the size of the disk")


def protective_entry(sectors: int) -> bytes:
    """The 64 bytes of a table that only says that there is a GPT."""
    count = min(sectors - 1, 0xFFFFFFFF)
    return struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", PROTECTIVE, b"\xff\xff\xff", 1, count) + bytes(48)


def protective_mbr(job: Job) -> None:
    """A protective MBR before a GPT; boot code and disk signature stay."""
    pair = pair_of(job)
    if not pair.found:
        raise impossible("there is no GPT to protect")
    data = job.draft.present(0, 512)
    table = parse_table(data, 0)
    if table.signed and table.used and not table.protective:
        raise impossible("sector 0 holds a table with partitions", offset=0)
    entries = protective_entry(job.peek.size // pair.sector_size)
    job.draft.put(TABLE_OFFSET, entries + b"\x55\xaa", "protective MBR")


def clear_gpt(job: Job) -> None:
    """Both signatures of a GPT that is not in force, so that no tool takes it for the table again."""
    pair = pair_of(job)
    data = job.peek.bytes_at(0, 512)
    table = parse_table(data, 0) if data is not None else None
    if table is None or table.protective or not table.used:
        raise impossible("the GPT is the only table of this disk")
    for gpt in (pair.backup, pair.primary):
        if gpt is not None:
            job.draft.put(gpt.header.offset, bytes(len(SIGNATURE)), "signature of the stale GPT")


def set_entry(job: Job, slot: int, place: int, value: bytes, what: str) -> None:
    """Change bytes of one entry in both GPTs, checksums included. Both must be valid and alike."""
    pair = pair_of(job)
    primary, backup = pair.primary, pair.backup
    if primary is None or backup is None or not primary.valid or not backup.valid:
        raise impossible("primary and backup GPT are not both valid", "repair that first")
    if array_of(job.peek, primary) != array_of(job.peek, backup):
        raise impossible("primary and backup GPT differ", "repair that first")
    array = bytearray(array_of(job.peek, primary))
    start = slot * primary.header.entry_size + place
    array[start : start + len(value)] = value
    job.draft.note(what)
    for gpt, name in ((backup, "backup"), (primary, "primary")):
        header = gpt.header
        put_side(job.draft, header, Side(name, header.lba, header.array_lba), header.other_lba, bytes(array))
