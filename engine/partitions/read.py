"""A disk's partition tables as one tree: which scheme is in force, in which sector size, and what is beside it."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import UsageError
from engine.partitions.bootsector import parse_boot
from engine.partitions.contents import fill
from engine.partitions.mbr import Table, foreign, parse_table, plausible, sane
from engine.partitions.mbr_types import EXTENDED, PROTECTIVE
from engine.partitions.model import Finding, Node, Tree
from engine.partitions.peek import Peek
from engine.partitions.read_gpt import Pair, find_pair, gpt_nodes
from engine.partitions.read_mbr import Disk, mbr_node
from engine.partitions.volumes.fat import Bpb, fat_begins
from engine.source import Source

SECTOR_SIZES = (512, 4096)


def read_tree(source: Source, *, sector_size: int | None = None) -> Tree:
    """Every table of a disk and the volume in each partition.

    ``sector_size`` is the logical sector that the tables count in; None finds it out. Raises ``UsageError`` for an
    impossible one, ``ReadError`` only when the device is gone.
    """
    return tables_and_volumes(Peek(source), sector_size=sector_size)


def tables_and_volumes(peek: Peek, *, sector_size: int | None = None) -> Tree:
    """``read_tree`` over a reader that is shared with what comes after."""
    return fill(peek, tables_of(peek, sector_size=sector_size))


def tables_of(peek: Peek, *, sector_size: int | None = None) -> Tree:
    """The tables alone. Nothing else is read, except where it decides what sector 0 is."""
    if sector_size is not None and sector_size not in (512, 1024, 2048, 4096):
        raise UsageError(f"{sector_size} is no sector size of a disk", advice="512 and 4096 are the usual ones")
    told = peek.source.sector_size if peek.source.sector_size in SECTOR_SIZES else 512
    preferred = sector_size or told
    problems: list[Finding] = []
    sector = peek.bytes_at(0, 512)
    if sector is None:
        words = "sector 0 was never read" if peek.unread(0, 512) else "there are not even 512 bytes"
        problems.append(Finding("unread", f"{words}: whether it holds a table is not known", 0, "error"))
    table = parse_table(sector, 0) if sector is not None and not foreign(sector) else None
    pair = find_pair(peek, preferred, only=sector_size is not None)
    if pair is not None and not pair.found:
        problems += _ruined(pair)
    if table is not None and sector is not None:
        volume = _volume_in_front(peek, sector)
        table = _accepted(peek, table, volume, pair, preferred)
        if table is not None and volume:
            words = "a volume's boot record stands in sector 0 together with a table"
            problems.append(Finding("bpb-in-mbr", words, 0, "note"))
    if pair is not None and pair.found and (table is None or table.protective or not table.used):
        return _gpt_tree(peek, pair, table, problems, told)
    if table is None:
        return Tree("none", preferred, peek.size, (), tuple(problems))
    size = sector_size or _sector_size(peek, table, pair, told)
    return _mbr_tree(peek, size, table, pair, problems, told)


def _ruined(pair: Pair) -> list[Finding]:
    """Headers without a table behind them."""
    found = []
    for gpt, name in ((pair.primary, "primary"), (pair.backup, "backup")):
        if gpt is not None:
            words = "; ".join(gpt.header.faults) or f"its entries: {gpt.array}"
            found.append(Finding(f"gpt-{name}-bad", f"the {name} GPT is ruined: {words}", gpt.header.offset, "error"))
    return found


def _volume_in_front(peek: Peek, sector: bytes) -> bool:
    """Whether sector 0 is the first of a FAT, exFAT or NTFS volume: for FAT, the copies that it names must be there."""
    boot = parse_boot(sector)
    if boot is None:
        return False
    if isinstance(boot.detail, Bpb):
        start = peek.bytes_at(boot.detail.fat_offset, 8)
        return start is None or fat_begins(boot.detail.kind, boot.detail.media, start)
    return True


def _accepted(peek: Peek, table: Table, volume: bool, pair: Pair | None, preferred: int) -> Table | None:
    """The table, when sector 0 holds one at all. A boot sector ends in 55 AA too, and many things end in anything."""
    sizes = [preferred, *(size for size in SECTOR_SIZES if size != preferred)]
    fits = [peek.size // size for size in sizes if plausible(table, peek.size // size)]
    if volume:
        # both can be there (USB sticks); the boot code of a volume makes no entries that are without fault
        good = bool(table.used) and any(all(sane(entry, sectors) for entry in table.used) for sectors in fits)
        return table if good and table.signed else None
    if table.signed and fits:
        return table
    if table.signed and any(entry.type == PROTECTIVE and entry.start_lba == 1 for entry in table.entries):
        return table
    sectors = peek.size // preferred
    possible = [entry for entry in table.used if sane(entry, sectors)]
    started = all(entry.blank or entry.start_lba <= sectors for entry in table.entries)
    if table.signed:
        # a disk that was cut: the partitions may all lie beyond its end, but nothing else is odd
        cut = bool(table.used) and all(
            entry.blank or (not entry.bad_status and entry.type and entry.start_lba) for entry in table.entries
        )
        return table if (possible and started) or cut else None
    whole = bool(possible) and len(possible) == len([entry for entry in table.entries if not entry.blank])
    return table if whole and pair is None else None


def _sector_size(peek: Peek, table: Table, pair: Pair | None, told: int) -> int:
    """The sector size that an MBR counts in: the one whose places hold something."""
    if pair is not None and pair.found:
        return pair.sector_size
    scores = {size: _hits(peek, table, size) for size in SECTOR_SIZES}
    other = 512 if told == 4096 else 4096
    return other if scores[other] > scores[told] else told


def _hits(peek: Peek, table: Table, size: int) -> int:
    """At how many of the starts that a table names there is a boot sector, an EBR or a superblock."""
    hits = 0
    for entry in table.used:
        offset = entry.start_lba * size
        data = peek.bytes_at(offset, 512)
        if data is None:
            continue
        if entry.type in EXTENDED:
            hits += data[510:512] == b"\x55\xaa" and plausible(parse_table(data, offset), peek.size // size)
        else:
            hits += parse_boot(data) is not None or _superblock(peek, offset)
    return hits


def _superblock(peek: Peek, offset: int) -> bool:
    """Cheap signs of a volume that is not FAT, exFAT or NTFS."""
    head = peek.bytes_at(offset, 4096)
    if head is None:
        return False
    return (
        head[1080:1082] == b"\x53\xef"
        or head[:4] in (b"XFSB", b"LUKS")
        or head[4086:4096] == b"SWAPSPACE2"
        or head[512:520] == b"LABELONE"
        or head[1024:1026] in (b"H+", b"HX")
        or peek.bytes_at(offset + 65600, 8) == b"_BHRfS_M"
    )


def _size_finding(size: int, told: int) -> list[Finding]:
    if size == told:
        return []
    words = f"the table counts in sectors of {size} bytes, the disk is read in sectors of {told}"
    words += ": other systems read it wrongly until it is attached the way it was made"
    return [Finding("sector-size-4096" if size == 4096 else "sector-size-512", words, None, "note")]


def _gpt_tree(peek: Peek, pair: Pair, table: Table | None, problems: list[Finding], told: int) -> Tree:
    disk = Disk(peek, pair.sector_size)
    nodes = gpt_nodes(disk, pair)
    problems = problems + _size_finding(pair.sector_size, told)
    entries = [] if table is None else [entry for entry in table.used if entry.type != PROTECTIVE]
    scheme = "hybrid" if entries else "gpt"
    if table is not None and table.protective:
        nodes.insert(0, _protective(disk, table, nodes))
    elif peek.bytes_at(0, 512) is not None:
        words = "there is no protective MBR: many systems do not look for the GPT"
        problems.append(Finding("protective-mbr-missing", words, 0, "warning", "protective-mbr"))
    return Tree("hybrid" if scheme == "hybrid" else "gpt", pair.sector_size, peek.size, tuple(nodes), tuple(problems))


def _protective(disk: Disk, table: Table, gpts: list[Node]) -> Node:
    """The protective MBR; entries of a hybrid one are shadows where the GPT has them too."""
    node = mbr_node(disk, table)
    truth = {(child.start, child.size) for gpt in gpts for child in gpt.children if child.kind == "primary"}
    children = []
    for child in node.children:
        if child.kind == "gap":
            continue
        if (child.start, child.size) in truth:
            children.append(replace(child, flags=("hybrid", *child.flags)))
        else:
            words = "the hybrid MBR names a partition that the GPT does not have"
            children.append(replace(child, problems=(*child.problems, Finding("hybrid-mbr", words, child.start))))
    name = "hybrid" if children else "protective"
    return replace(node, children=tuple(children), name=name, flags=(name,))


def _mbr_tree(peek: Peek, size: int, table: Table, pair: Pair | None, problems: list[Finding], told: int) -> Tree:
    disk = Disk(peek, size)
    node = mbr_node(disk, table)
    nodes = [node]
    problems = problems + _size_finding(size, told)
    if pair is not None and pair.found:
        nodes += gpt_nodes(disk, pair, stale=True)
        words = "a GPT from an earlier time stands beside the MBR, which is in force"
        offset = pair.sector_size if pair.primary is not None else None
        problems.append(Finding("stale-gpt", words, offset, "warning", "clear-gpt"))
    elif table.protective:
        words = "the MBR says that there is a GPT, but none was found"
        problems.append(Finding("gpt-missing", words, size, "error"))
    if not table.used:
        problems.append(Finding("no-partition-table", "the table in sector 0 is empty", 0, "note"))
    return Tree("mbr", size, peek.size, tuple(nodes), tuple(problems))
