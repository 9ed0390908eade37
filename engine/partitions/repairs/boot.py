"""Repairs of FAT, exFAT and NTFS boot sectors. Only these bytes change, in both copies where there are two."""

from __future__ import annotations

import struct

from engine.partitions.boot_checks import (
    FSINFO_LEAD,
    FSINFO_MIDDLE,
    FSINFO_TRAIL,
    fsinfo_faults,
    hidden_choices,
)
from engine.partitions.boot_copies import Copies, read_copies
from engine.partitions.bootsector import Boot, parse_boot
from engine.partitions.model import Node
from engine.partitions.peek import Peek
from engine.partitions.rebuilt import propose
from engine.partitions.repairs.job import Job, impossible
from engine.partitions.volumes import exfat
from engine.partitions.volumes.view import View

_NEAR_END = 1 << 20


def hidden_sectors(job: Job) -> None:
    """The true start into the boot sector and its backup; for exFAT into both regions, with their checksums."""
    node = job.partition()
    copies = read_copies(job.peek, node)
    boot = copies.primary
    if boot is None or not copies.primary_good:
        raise impossible("there is no good boot sector to correct", "repair the boot sector first", node.start)
    ebr = job.ebr_of(node)
    right = hidden_choices(node, boot, ebr=None if ebr is None else ebr.start, whole=node.kind == "volume")[0]
    if right >= 1 << 8 * boot.hidden_size:
        raise impossible("the start does not fit into the field", offset=node.start)
    value = right.to_bytes(boot.hidden_size, "little")
    name = "partition offset" if boot.kind == "exfat" else "hidden sectors"
    # the backup first: if this is cut short, the boot sector that is in use is whole, old or new
    if copies.backup is not None and copies.backup_good and copies.backup_offset is not None:
        _set_hidden(job, node, boot, copies.backup_offset, value, f"{name} in the backup: sector {right}")
    _set_hidden(job, node, boot, 0, value, f"{name}: the partition begins at sector {right}")


def _set_hidden(job: Job, node: Node, boot: Boot, place: int, value: bytes, reason: str) -> None:
    if boot.kind == "exfat":
        good = exfat.region_good(View(job.peek, node.start), place, boot.sector_size)
        if good is not True:
            if place:
                job.draft.note("the backup boot region is bad and stays as it is")
                return
            raise impossible("the boot region is bad: its checksum cannot be kept right", "repair it first", node.start)
        region = bytearray(_must(job.peek, node.start + place, boot.region))
        region[boot.hidden_offset : boot.hidden_offset + boot.hidden_size] = value
        total = exfat.checksum(bytes(region), boot.sector_size).to_bytes(4, "little")
        job.draft.put(node.start + place + boot.hidden_offset, value, reason)
        job.draft.put(node.start + place + 11 * boot.sector_size, total * (boot.sector_size // 4),
                      "the checksum of the boot region")  # fmt: skip
        return
    job.draft.put(node.start + place + boot.hidden_offset, value, reason)


def _must(peek: Peek, offset: int, size: int) -> bytes:
    data = peek.bytes_at(offset, size)
    if data is None:
        raise impossible("a sector that is needed was never read", offset=offset)
    return data


def boot_from_backup(job: Job) -> None:
    """The boot sector (exFAT: the region of 12 sectors) from a backup that fits the volume."""
    node = job.partition()
    copies = read_copies(job.peek, node)
    backup, offset = _backup_of(job, node, copies)
    if copies.primary_good and copies.primary is not None and backup.kind != copies.primary.kind:
        raise impossible("the backup is that of another volume", offset=node.start + offset)
    data = _must(job.peek, node.start + offset, backup.region)
    job.draft.put(node.start, data, f"the {backup.title} boot sector from its backup at +{offset}")
    if backup.fsinfo is not None:
        sector = job.peek.bytes_at(node.start + backup.fsinfo, 512)
        if sector is not None and fsinfo_faults(sector, backup):
            _put_fsinfo(job, node, backup)


def _backup_of(job: Job, node: Node, copies: Copies) -> tuple[Boot, int]:
    backup, offset = copies.backup, copies.backup_offset
    if backup is None or offset is None:
        raise impossible("there is no valid backup of the boot sector", offset=node.start)
    if not copies.backup_good:
        raise impossible("the backup does not fit what is in the volume", offset=node.start + offset)
    if backup.kind == "exfat" and exfat.region_good(View(job.peek, node.start), offset, backup.sector_size) is not True:
        raise impossible("the backup boot region does not have its checksum", offset=node.start + offset)
    return backup, offset


def backup_from_boot(job: Job) -> None:
    """The backup from a boot sector that fits the volume."""
    node = job.partition()
    copies = read_copies(job.peek, node)
    boot = copies.primary
    if boot is None or not copies.primary_good:
        raise impossible("the boot sector itself is not good", offset=node.start)
    if boot.kind == "exfat" and exfat.region_good(View(job.peek, node.start), 0, boot.sector_size) is not True:
        raise impossible("the boot region does not have its checksum", "repair that first", node.start)
    if boot.backup is None:
        raise impossible("this volume has no place for a backup", offset=node.start)
    if boot.backup + boot.region > node.size or not job.peek.inside(node.start + boot.backup, boot.region):
        raise impossible("the place for the backup lies outside the partition", offset=node.start + boot.backup)
    data = _must(job.peek, node.start, boot.region)
    _not_over_data(job, node, boot)
    job.draft.put(node.start + boot.backup, data, f"the backup at +{boot.backup} from the {boot.title} boot sector")


def _not_over_data(job: Job, node: Node, boot: Boot) -> None:
    """NTFS keeps the backup behind its last sector, wherever the boot sector says that this is. When that is far from
    the partition's end, and something else stands there, it is rather the boot sector that is wrong."""
    assert boot.backup is not None
    present = job.peek.bytes_at(node.start + boot.backup, boot.region)
    blank = present is not None and (not any(present) or present[3:11] == b"NTFS    ")
    if boot.kind == "ntfs" and not blank and node.size - boot.backup > _NEAR_END:
        raise impossible(
            f"the volume would end {node.size - boot.backup} bytes before the partition, where other data stand",
            "the boot sector may name a wrong size: compare it with the partition first", node.start + boot.backup,
        )  # fmt: skip


def rebuild_boot(job: Job) -> None:
    """A boot sector made anew, with its backup, where neither is left."""
    node = job.partition()
    copies = read_copies(job.peek, node)
    if copies.primary_good or copies.backup_good:
        raise impossible("there is a boot sector, or a backup of one", "repair it from that", node.start)
    size = job.sector_size
    hidden = 0 if node.kind == "volume" else node.start // size
    made = propose(job.peek, node.start, node.size, sector_size=size, hidden=hidden)
    if made is None:
        words = "neither FATs nor a $MFT tell what the boot sector was"
        raise impossible(words, "a search for lost partitions looks at every sector", node.start)
    job.draft.note(f"confidence: {made.confidence}")
    for words in made.notes:
        job.draft.note(words)
    listed = ", ".join(made.names) if made.names else "nothing"
    job.draft.note(f"the root directory shows through it: {listed}")
    for place in made.places:
        # a backup that does not fit into the partition any more is left out: it would overwrite what follows
        if place + len(made.boot) <= node.size and job.peek.inside(node.start + place, len(made.boot)):
            what = f"the backup at +{place}" if place else "the boot sector"
            job.draft.put(node.start + place, made.boot, f"{what}, made anew ({made.title})")
    boot = parse_boot(made.boot[:512])
    if made.fsinfo is not None and boot is not None and boot.fsinfo is not None:
        _put_fsinfo(job, node, boot)  # its counts may be those of a volume that ended some sectors earlier


def boot_checksum(job: Job) -> None:
    """The checksum of an exFAT boot region that is good otherwise, where the backup cannot help."""
    node = job.partition()
    copies = read_copies(job.peek, node)
    boot = copies.primary
    if boot is None or boot.kind != "exfat" or copies.primary_sound is not True:
        raise impossible("there is no exFAT boot sector that fits its volume", offset=node.start)
    region = _must(job.peek, node.start, boot.region)
    total = exfat.checksum(region, boot.sector_size).to_bytes(4, "little")
    job.draft.note("the checksum says that some byte of the region changed; it is made to fit what is there now")
    job.draft.put(node.start + 11 * boot.sector_size, total * (boot.sector_size // 4),
                  "the checksum of the boot region")  # fmt: skip


def fsinfo(job: Job) -> None:
    """FSInfo with right signatures and unknown counts, which every system works out again."""
    node = job.partition()
    boot = read_copies(job.peek, node).best
    if boot is None or boot.fsinfo is None:
        raise impossible("this volume has no FSInfo", offset=node.start)
    _put_fsinfo(job, node, boot)


def _put_fsinfo(job: Job, node: Node, boot: Boot) -> None:
    assert boot.fsinfo is not None
    place = node.start + boot.fsinfo
    job.draft.put(place, FSINFO_LEAD, "FSInfo: first signature")
    job.draft.put(place + 484, FSINFO_MIDDLE + struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF),
                  "FSInfo: second signature; free clusters unknown")  # fmt: skip
    job.draft.put(place + 508, FSINFO_TRAIL, "FSInfo: last signature")
