"""FAT, exFAT and NTFS boot sectors: valid by structure, equal to their copies, and in the place that they name."""

from __future__ import annotations

from dataclasses import dataclass

from engine.partitions.boot_copies import Copies, differing, fitness, read_copies
from engine.partitions.bootsector import Boot
from engine.partitions.model import Finding, Node
from engine.partitions.peek import Peek
from engine.partitions.rebuilt import Proposal, propose
from engine.partitions.rebuilt.propose import FRONT
from engine.partitions.volumes import exfat, fat
from engine.partitions.volumes.bits import u32
from engine.partitions.volumes.view import View
from engine.text import format_exact

FSINFO_LEAD, FSINFO_MIDDLE, FSINFO_TRAIL = b"RRaA", b"rrAa", b"\x00\x00\x55\xaa"
_FAT_LIMIT = 64 << 20
_FAT_LIMIT_ALL = 512 << 20
_CHUNK = 1 << 20
_BY_TYPE = frozenset({
    "01", "04", "06", "07", "0b", "0c", "0e", "11", "14", "16", "17", "1b", "1c", "1e", "27", "ef",
    "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
})  # fmt: skip


@dataclass(slots=True)
class Budget:
    """How many bytes of FATs are still compared, and searched for what makes a boot sector: 64 MiB of one volume, 512
    MiB of a disk. Boot sectors can claim any size, and as many volumes as there are partitions."""

    left: int = _FAT_LIMIT_ALL

    def take(self, size: int) -> int:
        """So much of ``size`` may be compared."""
        taken = min(size, _FAT_LIMIT, self.left)
        self.left -= taken
        return taken


def boot_problems(
    peek: Peek, node: Node, *, ebr: int | None, whole: bool, sector_size: int = 512, budget: Budget | None = None
) -> list[Finding]:
    """Findings about the boot sector of a partition; none for volumes without one. ``sector_size`` is the disk's;
    ``budget`` to compare the FATs, and to look for what a lost boot sector can be made of."""
    copies = read_copies(peek, node)
    boot = copies.best
    if boot is None:
        return _no_boot(peek, node, sector_size, budget)
    found = _primary_problems(peek, node, copies, sector_size, budget)
    if not found:
        found += _backup_problems(peek, node, copies)
    if boot.fsinfo is not None:
        found += _fsinfo_problems(peek, node, boot)
    if budget is not None and isinstance(boot.detail, fat.Bpb) and copies.primary_good:
        found += _fat_problems(peek, node, boot.detail, budget)
    if copies.primary_good:
        found += _hidden_problems(node, copies, ebr=ebr, whole=whole)
    return found


def _no_boot(peek: Peek, node: Node, sector_size: int, budget: Budget | None) -> list[Finding]:
    """A type that promises FAT, exFAT or NTFS, or an $MFT, and no boot sector."""
    volume = node.filesystem
    lost = volume is not None and volume.kind == "ntfs"
    if not lost and (volume is not None or node.type not in _BY_TYPE):
        return []
    data = peek.bytes_at(node.start, 512)
    if data is None:
        return []
    made = _proposed(peek, node, sector_size, budget)
    if made is not None:
        words = "there is neither a valid boot sector nor a backup of one; "
        words += f"one for {made.title} can be made from what is left (confidence {made.confidence})"
        return [Finding("boot-sector-bad", words, node.start, "error", "rebuild-boot")]
    if not any(data):
        return [Finding("no-volume", "its first sector is empty: it was never formatted, or that was wiped", node.start,
                        "note")]  # fmt: skip
    words = "there is neither a valid boot sector nor a backup of one"
    return [Finding("boot-sector-bad", words, node.start, "error")]


def _proposed(peek: Peek, node: Node, sector_size: int, budget: Budget | None) -> Proposal | None:
    if budget is None or budget.take(FRONT) < FRONT:
        return None
    return propose(peek, node.start, node.size, sector_size=sector_size, hidden=0)


def _made_anew(peek: Peek, node: Node, sector_size: int, budget: Budget | None) -> str | None:
    """The repair that makes a boot sector anew, where enough is left for one."""
    return None if _proposed(peek, node, sector_size, budget) is None else "rebuild-boot"


def _primary_problems(
    peek: Peek, node: Node, copies: Copies, sector_size: int, budget: Budget | None
) -> list[Finding]:
    start = node.start
    if copies.primary is None:
        backup = copies.backup
        assert backup is not None
        where = f"its backup at +{copies.backup_offset} {'is good' if copies.backup_good else 'does not fit either'}"
        if peek.unread(start, 512):
            words = f"the boot sector was never read; {where}"
            return [Finding("unread", words, start, "error")]
        repair = "boot-from-backup" if copies.backup_good else _made_anew(peek, node, sector_size, budget)
        return [Finding("boot-sector-bad", f"the {backup.title} boot sector is bad; {where}", start, "error", repair)]
    if copies.primary_sound is False:
        words = "what the boot sector names is not in its place"
        if copies.backup_good:
            words += f"; its backup at +{copies.backup_offset} fits"
        repair = "boot-from-backup" if copies.backup_good else _made_anew(peek, node, sector_size, budget)
        return [Finding("boot-sector-bad", words, start, "error", repair)]
    return _checksum_problems(peek, node, copies)


def _checksum_problems(peek: Peek, node: Node, copies: Copies) -> list[Finding]:
    """exFAT carries a checksum over its boot region."""
    boot = copies.primary
    if boot is None or not isinstance(boot.detail, exfat.Boot):
        return []
    view = View(peek, node.start)
    if exfat.region_good(view, 0, boot.sector_size) is not False:
        return []
    words = "the boot region does not have the checksum that it carries: Windows does not mount it"
    words += "; its backup is good" if copies.backup_good else "; nor is its backup good"
    repair = "boot-from-backup" if copies.backup_good else "boot-checksum"
    return [Finding("boot-checksum-bad", words, node.start, "error", repair)]


def _backup_problems(peek: Peek, node: Node, copies: Copies) -> list[Finding]:
    boot, offset = copies.primary, copies.backup_offset
    if boot is None:
        return []
    if offset is None:
        if boot.kind == "fat32":
            return [Finding("no-backup", "it has no backup of its boot sector", node.start, "note")]
        return []
    place = node.start + offset
    if offset + boot.region > node.size or not peek.inside(place, boot.region):
        if boot.kind == "ntfs":
            return []  # told with the size of the volume
        return [Finding("no-backup", "the backup of its boot sector lies outside the partition", place, "warning")]
    if peek.unread(place, boot.region):
        return [Finding("unread", f"the backup boot sector at +{offset} was never read", place, "note")]
    if not copies.backup_good:
        words = f"the backup of the boot sector at +{offset} is bad"
        return [Finding("backup-boot-bad", words, place, "warning", "backup-from-boot")]
    difference = differing(peek, node.start, boot, offset)
    if not difference:
        return []
    words = f"boot sector and backup (at +{offset}) differ in {', '.join(difference.names)}"
    repair: str | None = "backup-from-boot"
    if difference.critical and copies.backup is not None:
        # which of the two is right is for the volume to say, never for the order in which they stand
        mine, other = fitness(peek, node, boot), fitness(peek, node, copies.backup)
        if mine == other:
            repair = None
            words += ": the volume contradicts neither; choose boot-from-backup or backup-from-boot"
        else:
            repair = "boot-from-backup" if other > mine else "backup-from-boot"
            words += f": the volume speaks for the {'backup' if other > mine else 'boot sector'}"
    return [Finding("boot-differs-from-backup", words, place, "warning", repair)]


def _fsinfo_problems(peek: Peek, node: Node, boot: Boot) -> list[Finding]:
    assert boot.fsinfo is not None
    place = node.start + boot.fsinfo
    data = peek.bytes_at(place, 512)
    if data is None:
        return [Finding("unread", "the FSInfo sector was never read", place, "note")] if peek.unread(place, 512) else []
    bad = fsinfo_faults(data, boot)
    if not bad:
        return []
    return [Finding("fsinfo-bad", f"FSInfo is wrong: {', '.join(bad)}", place, "warning", "fsinfo")]


def fsinfo_faults(data: bytes, boot: Boot) -> list[str]:
    """What is wrong in an FSInfo sector, in words."""
    bad = []
    if data[:4] != FSINFO_LEAD or data[484:488] != FSINFO_MIDDLE or data[508:512] != FSINFO_TRAIL:
        bad.append("signatures")
    clusters = boot.detail.clusters if isinstance(boot.detail, fat.Bpb) else 0
    free, following = u32(data, 488), u32(data, 492)
    if not bad and free != 0xFFFFFFFF and free > clusters:
        bad.append(f"{free} free clusters of {clusters}")
    if not bad and following != 0xFFFFFFFF and following > clusters + 1:
        bad.append(f"next free cluster {following}")
    return bad


def _fat_problems(peek: Peek, node: Node, bpb: fat.Bpb, budget: Budget) -> list[Finding]:
    """The copies of the FAT against each other, where both were read."""
    size = bpb.fat_sectors * bpb.sector_size
    data = peek.bytes_at(node.start, 512)
    unmirrored = bpb.kind == "fat32" and data is not None and bool(data[0x28] & 0x80)
    if bpb.fats < 2 or unmirrored:
        return []
    first = node.start + bpb.fat_offset
    differ, where = 0, None
    compared = budget.take(size)
    for position in range(0, compared, _CHUNK):
        count = min(_CHUNK, compared - position)
        one, two = peek.reading(first + position, count), peek.reading(first + size + position, count)
        if one.data == two.data and one.whole and two.whole:
            continue
        holes = [*one.holes, *((low - size, high - size) for low, high in two.holes)]
        for at in range(0, min(len(one.data), len(two.data)), bpb.sector_size):
            place = first + position + at
            if one.data[at : at + bpb.sector_size] == two.data[at : at + bpb.sector_size]:
                continue
            if not any(low < place + bpb.sector_size and high > place for low, high in holes):
                differ += 1
                where = place if where is None else where
    if not differ:
        return []
    words = f"the copies of the FAT differ in {differ} sectors"
    if size > compared:
        words += f" (of the first {format_exact(compared)})"
    return [Finding("fat-copies-differ", words, where, "warning")]


def hidden_choices(node: Node, boot: Boot, *, ebr: int | None, whole: bool) -> list[int]:
    """The right values of hidden sectors (exFAT: partition offset), the absolute one first."""
    if whole:
        return [0]
    start = node.start // boot.sector_size
    return [start] if ebr is None else [start, (node.start - ebr) // boot.sector_size]


def _hidden_problems(node: Node, copies: Copies, *, ebr: int | None, whole: bool) -> list[Finding]:
    boot = copies.primary
    assert boot is not None
    right = hidden_choices(node, boot, ebr=ebr, whole=whole)
    value = boot.hidden
    code = "partition-offset-mismatch" if boot.kind == "exfat" else "hidden-sectors-mismatch"
    name = "its partition offset says" if boot.kind == "exfat" else "its hidden sectors say"
    place = node.start + boot.hidden_offset
    # Larger than the field: nothing can be right.
    if value in right or right[0] >= 1 << 8 * boot.hidden_size:
        backup = copies.backup
        if backup is not None and copies.backup_good and backup.hidden not in (*right, 0):
            words = f"the backup boot sector has {backup.hidden} there, the boot sector {value}"
            return [Finding(code, words, node.start + (copies.backup_offset or 0) + boot.hidden_offset, "note",
                            "hidden-sectors")]  # fmt: skip
        return []
    if value == 0:
        if boot.kind == "exfat":
            return []
        words = "its hidden sectors are 0: readable, but no system starts from it"
        return [Finding("hidden-sectors-zero", words, place, "note", "hidden-sectors")]
    if whole:
        words = f"{name} that it stood {value} sectors from the start of another disk"
        return [Finding(code, words, place, "note", "hidden-sectors")]
    words = f"{name} {value}, but it begins at sector {right[0]}: it was copied from elsewhere"
    words += "" if boot.kind == "exfat" else ", and no system starts from it"
    return [Finding(code, words, place, "warning", "hidden-sectors")]
