"""Repairs of MBR and EBRs. Bytes 446 to 511 only: never the boot code, never the disk signature."""

from __future__ import annotations

from engine.partitions.gpt import guid_bytes
from engine.partitions.mbr import SIGNATURE, Entry, Table, parse_table
from engine.partitions.mbr_types import EXTENDED
from engine.partitions.model import Node
from engine.partitions.repairs.gpt import set_entry
from engine.partitions.repairs.job import Job, impossible
from engine.partitions.type_names import find_type
from engine.partitions.types_fit import proper_type


def _table_at(job: Job, offset: int) -> Table:
    data = job.peek.bytes_at(offset, 512)
    if data is None:
        raise impossible("the sector was never read", offset=offset)
    return parse_table(data, offset)


def signature(job: Job) -> None:
    """55 AA at the end of an MBR or EBR that holds a table."""
    node = job.node
    if node is None or node.kind not in ("mbr", "ebr"):
        raise impossible("this repair is for an MBR or an EBR", "name it with --at START")
    if not any(not entry.blank for entry in _table_at(job, node.start).entries):
        raise impossible("there is no table in that sector", offset=node.start)
    job.draft.put(node.start + 510, SIGNATURE, "signature 55 AA")


def ebr_unlink(job: Job) -> None:
    """The link that closes a loop becomes empty: the chain ends there."""
    node = job.node
    if node is None or node.kind != "ebr" or not any(problem.code == "ebr-loop" for problem in node.problems):
        raise impossible("this repair is for the EBR that closes a loop", "name it with --at START")
    links = [entry for entry in _table_at(job, node.start).entries if entry.extended and not entry.blank]
    if not links:
        raise impossible("the EBR has no link", offset=node.start)
    job.draft.put(links[0].offset, bytes(16), "the link that closes the loop")


def _entry_of(job: Job, node: Node) -> Entry:
    place = next((place for place in node.places if place.template == "mbr-entry"), None)
    if place is None:
        raise impossible("this partition is not in an MBR or EBR", offset=node.start)
    ebr = job.ebr_of(node)
    table = _table_at(job, 0 if ebr is None else ebr.start)
    return next(entry for entry in table.entries if entry.offset == place.offset)


def status(job: Job) -> None:
    """A status byte that is neither 00 nor 80 becomes 00."""
    entry = _entry_of(job, job.partition())
    if not entry.bad_status:
        raise impossible("its status byte is right", offset=entry.offset)
    job.draft.put(entry.offset, b"\0", "status: not active")


def active(job: Job) -> None:
    """One primary partition becomes the active one, all others are not."""
    node = job.partition()
    if node.kind != "primary" or len(node.type) != 2:
        raise impossible("only a primary partition of an MBR can be active", offset=node.start)
    chosen = _entry_of(job, node)
    for entry in _table_at(job, 0).used:
        value = 0x80 if entry.slot == chosen.slot else 0
        words = "active" if value else "not active"
        job.draft.put(entry.offset, bytes([value]), f"partition {entry.slot + 1}: {words}")


def inactive(job: Job) -> None:
    """A primary partition is not the active one any more."""
    node = job.partition()
    if node.kind not in ("primary", "logical") or len(node.type) != 2:
        raise impossible("only a partition of an MBR can be active", offset=node.start)
    job.draft.put(_entry_of(job, node).offset, b"\0", f"partition {node.index}: not active")


def partition_type(job: Job) -> None:
    """The type that fits the contents, or the one asked for."""
    node = job.partition()
    if node.kind == "volume":
        raise impossible("a disk without a table has no partition types", offset=node.start)
    if len(node.type) == 2:
        _mbr_type(job, node)
        return
    wanted = _wanted(job, node, gpt=True)
    if not wanted.strip("0-"):
        raise impossible("the type of zeros means that there is no partition", offset=node.start)
    set_entry(job, (node.index or 1) - 1, 0, guid_bytes(wanted), f"type {node.type} becomes {wanted}")


def _wanted(job: Job, node: Node, *, gpt: bool) -> str:
    wanted = job.options.type or proper_type(node)
    if wanted is None:
        raise impossible("what it holds is not known", "name the type to set", node.start)
    return find_type(wanted, gpt=gpt)


def _mbr_type(job: Job, node: Node) -> None:
    entry = _entry_of(job, node)
    number = int(_wanted(job, node, gpt=False), 16)
    if number in (0, 0xEE) or entry.extended != (number in EXTENDED):
        words = "a partition is not removed, made a GPT's, or made extended or not, by its type alone"
        raise impossible(words, offset=entry.offset)
    job.draft.put(entry.offset + 4, bytes([number]), f"type {entry.type:02x} becomes {number:02x}")
    if entry.extended:
        job.draft.note("an extended partition stays one; some systems want 0f beyond 8 GB, old ones 05")
