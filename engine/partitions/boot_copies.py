"""A volume's boot sector and the backup of it: where they are, which of them the volume itself agrees with, how they
differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.partitions.bootsector import Boot, parse_boot
from engine.partitions.model import Node
from engine.partitions.peek import Peek
from engine.partitions.volumes import exfat, fat, ntfs
from engine.partitions.volumes.view import View

_SIZES = (512, 1024, 2048, 4096)
# Bytes that may differ without any fault: mounted and dirty flags, percent in use.
_HARMLESS = {"fat32": (0x41,), "exfat": (0x6A, 0x6B, 0x70), "ntfs": (0x25,)}
_CRITICAL = frozenset({
    "bytes_per_sector", "sectors_per_cluster", "reserved_sectors", "fat_count", "root_entries", "total_sectors_16",
    "fat_sectors_16", "total_sectors_32", "fat_sectors_32", "root_cluster", "backup_sector", "volume_length",
    "fat_offset", "fat_length", "heap_offset", "cluster_count", "sector_shift", "cluster_shift", "total_sectors",
    "mft_lcn", "mft_mirror_lcn", "clusters_per_record", "clusters_per_index",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Copies:
    """A volume's boot sector and the backup of it, as far as each is valid.

    ``sound`` tells whether the rest of the volume agrees with it: True, False, or None when that was not read.
    ``backup_offset`` is where the backup should be or was found, from the volume's start.
    """

    primary: Boot | None
    backup: Boot | None
    backup_offset: int | None
    primary_sound: bool | None
    backup_sound: bool | None

    @property
    def best(self) -> Boot | None:
        """The one to believe: sound before doubtful, the primary before the backup."""
        if self.primary is not None and (self.primary_sound is not False or not self.backup_good):
            return self.primary
        return self.backup

    @property
    def primary_good(self) -> bool:
        """It is valid and nothing in the volume contradicts it."""
        return self.primary is not None and self.primary_sound is not False

    @property
    def backup_good(self) -> bool:
        """It is valid as if it stood at the start, and nothing in the volume contradicts it."""
        return self.backup is not None and self.backup_sound is not False


def read_copies(peek: Peek, node: Node) -> Copies:
    """Both boot sectors of a partition. The backup's place comes from a valid primary, else from the usual places."""
    primary = _boot_at(peek, node.start)
    primary_sound = sound(peek, node.start, primary) if primary is not None else None
    if primary is not None and primary_sound is not False:
        offset = primary.backup
        backup = _boot_at(peek, node.start + offset) if offset is not None else None
        if backup is not None and backup.kind == primary.kind:
            return _copies(peek, node, primary, primary_sound, backup, offset)
        # the place itself may be what is wrong: a backup that stands where it says is one
        for place, backup in _found(peek, node):
            if backup.kind == primary.kind:
                return _copies(peek, node, primary, primary_sound, backup, place)
        return _copies(peek, node, primary, primary_sound, None, offset)
    for place, backup in _found(peek, node):
        return _copies(peek, node, primary, primary_sound, backup, place)
    return Copies(primary, None, primary.backup if primary is not None else None, primary_sound, None)


def _found(peek: Peek, node: Node) -> Iterator[tuple[int, Boot]]:
    """Boot sectors at the usual places of backups that say that this is their place."""
    for place in _usual_places(node.size):
        backup = _boot_at(peek, node.start + place)
        if backup is not None and backup.backup == place:
            yield place, backup


def _copies(
    peek: Peek, node: Node, primary: Boot | None, primary_sound: bool | None, backup: Boot | None, offset: int | None
) -> Copies:
    backup_sound = sound(peek, node.start, backup) if backup is not None else None
    if backup is not None and backup.kind == "exfat" and offset is not None:
        whole = exfat.region_good(View(peek, node.start), offset, backup.sector_size)
        backup_sound = False if whole is False else backup_sound
    return Copies(primary, backup, offset, primary_sound, backup_sound)


def _usual_places(size: int) -> list[int]:
    fat32 = [6 * unit for unit in _SIZES]
    at_end = [size - unit for unit in _SIZES if size > unit]
    middle = [size // 512 // 2 * 512]
    return [*fat32, *(12 * unit for unit in _SIZES), *at_end, *middle]


def _boot_at(peek: Peek, offset: int) -> Boot | None:
    data = peek.bytes_at(offset, 512)
    return parse_boot(data) if data is not None else None


def sound(peek: Peek, start: int, boot: Boot) -> bool | None:
    """Whether the structures are there that a boot sector names for a volume at ``start``.

    FAT: the first FAT begins as it must. NTFS: a file record stands at $MFT or its mirror. exFAT: its FAT begins as it
    must. None when none of them could be read.
    """
    view = View(peek, start)
    detail = boot.detail
    if isinstance(detail, fat.Bpb):
        step = detail.fat_sectors * detail.sector_size
        heads = [view.get(detail.fat_offset + number * step, 8) for number in range(detail.fats)]
        answers = [fat.fat_begins(detail.kind, detail.media, head) for head in heads if head is not None]
    elif isinstance(detail, ntfs.Boot):
        records = [view.get(lcn * detail.cluster, 4) for lcn in (detail.mft_lcn, detail.mirror_lcn)]
        answers = [record in (b"FILE", b"BAAD") for record in records if record is not None]
    else:
        begin = view.get(detail.fat_start * detail.sector_size, 8)
        answers = [] if begin is None else [begin[:1] >= b"\xf0" and begin[1:4] == b"\xff\xff\xff"]
    return any(answers) if answers else None


@dataclass(frozen=True, slots=True)
class Difference:
    """Names of fields that differ; ``critical`` when one of them decides where things lie in the volume."""

    names: tuple[str, ...] = ()
    critical: bool = False

    def __bool__(self) -> bool:
        return bool(self.names)


def differing(peek: Peek, start: int, boot: Boot, offset: int) -> Difference:
    """The fields in which boot sector and backup differ, harmless ones and hidden sectors left out."""
    first, second = peek.bytes_at(start, 512), peek.bytes_at(start + offset, 512)
    if first is None or second is None:
        return Difference()
    hidden = range(boot.hidden_offset, boot.hidden_offset + boot.hidden_size)
    ignored = {*hidden, *_HARMLESS.get(boot.kind, ())}
    if not any(one != two for at, (one, two) in enumerate(zip(first, second, strict=True)) if at not in ignored):
        return Difference()
    from engine.partitions.structs import EXFAT_BOOT, FAT32_BOOT, NTFS_BOOT
    from engine.template.walk import leaves

    struct = {"fat32": FAT32_BOOT, "exfat": EXFAT_BOOT, "ntfs": NTFS_BOOT}.get(boot.kind)
    if struct is None:
        return Difference()
    found = [
        name
        for name, place, size, _ in leaves(struct)
        if any(first[at] != second[at] for at in range(place, place + size) if at not in ignored)
    ]
    return Difference(tuple(name.replace("_", " ") for name in found), not _CRITICAL.isdisjoint(found))


def fitness(peek: Peek, node: Node, boot: Boot) -> int:
    """How many structures of the volume agree with a boot sector. The partition's size is none of them: volumes that
    were made smaller leave an older backup at its end."""
    view = View(peek, node.start)
    detail = boot.detail
    if isinstance(detail, fat.Bpb):
        step = detail.fat_sectors * detail.sector_size
        heads = [view.get(detail.fat_offset + number * step, 8) for number in range(detail.fats)]
        good = sum(head is not None and fat.fat_begins(detail.kind, detail.media, head) for head in heads)
        needed = -(-(detail.clusters + 2) * 4 // detail.sector_size)
        return good + (detail.fat_sectors - needed <= max(2 * detail.cluster_sectors + 8, needed // 16))
    if isinstance(detail, ntfs.Boot):
        places = (lcn * detail.cluster for lcn in (detail.mft_lcn, detail.mirror_lcn))
        return sum(ntfs.record_number(view.get(place, 48) or b"") == 0 for place in places)
    begin = view.get(detail.fat_start * detail.sector_size, 4)
    end = (detail.heap_start + detail.clusters * detail.cluster_sectors) * detail.sector_size
    return (begin == b"\xf8\xff\xff\xff") + (end <= node.size)
