"""NTFS: boot sector, its backup behind the volume's last sector, $MFT and $MFTMirr.

Facts: volumes of mkntfs and Windows; Linux's and ntfs-3g's checks of a boot sector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.partitions.volumes.bits import is_power, text, u8, u16, u32, u64
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has, little
from engine.partitions.volumes.view import Findings, View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows


@dataclass(frozen=True, slots=True)
class Boot:
    """A plausible boot sector. ``total`` in sectors; ``cluster`` and ``record`` in bytes."""

    sector_size: int
    cluster: int
    total: int
    mft_lcn: int
    mirror_lcn: int
    record: int
    serial: int


def parse(data: bytes) -> Boot | None:
    """From the 512 bytes of a boot sector; None when its numbers make no NTFS volume."""
    sector_size, raw = u16(data, 0x0B), u8(data, 0x0D)
    if data[3:11] != b"NTFS    " or data[510:512] != b"\x55\xaa" or not is_power(sector_size, 256, 4096):
        return None
    sectors = 1 << 256 - raw if raw >= 0xF4 else raw
    cluster = sectors * sector_size
    if not is_power(sectors, 1, 4096) or cluster > 2 << 20 or any(data[0x10:0x15]) or u16(data, 0x16):
        return None
    total, mft, mirror = u64(data, 0x28), u64(data, 0x30), u64(data, 0x38)
    clusters = total // sectors
    if not 0 < mft < clusters or not 0 < mirror < clusters or mft == mirror or total * sector_size >= 1 << 63:
        return None
    per_record = u8(data, 0x40)
    if per_record >= 0xE1:
        record = 1 << 256 - per_record
    else:
        record = per_record * cluster
    if not is_power(record, 256, 64 << 10):
        return None
    return Boot(sector_size, cluster, total, mft, mirror, record, u64(data, 0x48))


def record_number(data: bytes) -> int | None:
    """The number of the file record that begins with ``data`` (48 bytes); None for no record, or one before XP."""
    if data[:4] != b"FILE" or not 0x28 <= u16(data, 4) <= 0x400 or not 2 <= u16(data, 6) <= 129:
        return None
    return u32(data, 0x2C) if u16(data, 4) >= 0x30 else None


def _record_good(data: bytes | None, number: int) -> bool | None:
    if data is None:
        return None
    if data[:4] != b"FILE" or not 0x28 <= u16(data, 4) <= 0x400:
        return False
    return record_number(data) in (None, number)


def examine(view: View) -> Volume | None:
    """The NTFS volume at the view's start, by its boot sector, by the backup, or by its $MFT alone."""
    data = view.get(0, 512)
    boot = parse(data) if data else None
    if boot is not None:
        return _volume(view, boot, 0)
    for place in (*view.copies, *_ends(view.size)):
        data = view.get(place, 512) if place > 0 else None
        boot = parse(data) if data else None
        if boot is not None and place in (boot.total * boot.sector_size, boot.total // 2 * boot.sector_size):
            return _volume(view, boot, place)
    return None


def _ends(size: int | None) -> list[int]:
    """Where the backup stands when the volume fills its partition: its last sector; its middle before NT 4."""
    if size is None:
        return []
    return [size - 512, size - 4096, size // 512 // 2 * 512]


def _volume(view: View, boot: Boot, place: int) -> Volume:
    found = Findings(view)
    found.seen("backup boot sector" if place else "boot sector", place)
    size = boot.total * boot.sector_size
    if place:
        found.problem("boot-sector-bad", f"the boot sector is bad, its backup at +{place} is good")
    else:
        copy = view.get(size, 512)
        if copy is not None and parse(copy) == boot:
            found.seen("backup boot sector", size)
    for name, lcn in (("$MFT", boot.mft_lcn), ("$MFTMirr", boot.mirror_lcn)):
        offset = lcn * boot.cluster
        found.confirm(name, offset, boot.record, _record_good(view.get(offset, 48), 0))
    return Volume(
        "ntfs", view.start, size,
        label=_label(view, boot), uuid=f"{boot.serial:016X}" if boot.serial else "",
        block_size=boot.cluster, sector_size=boot.sector_size, tail=boot.sector_size, by_backup=place > 0,
        confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _label(view: View, boot: Boot) -> str:
    """Attribute 0x60 of record 3 ($Volume), from $MFT or its mirror."""
    for lcn in (boot.mft_lcn, boot.mirror_lcn):
        record = read_record(view, lcn * boot.cluster + 3 * boot.record, boot.record)
        value = resident(record, 0x60) if record else None
        if value is not None:
            return text(value[:256], "utf-16-le")
    return ""


def read_record(view: View, offset: int, size: int) -> bytes | None:
    """A file record with its update sequence undone; None when it is none, or its sectors do not belong together."""
    data = view.get(offset, size)
    if data is None or data[:4] != b"FILE":
        return None
    place, count = u16(data, 4), u16(data, 6)
    if count != size // 512 + 1 or place + 2 * count > size:
        return None
    mended = bytearray(data)
    for index in range(1, count):
        end = index * 512 - 2
        if data[end : end + 2] != data[place : place + 2]:
            return None
        mended[end : end + 2] = data[place + 2 * index : place + 2 * index + 2]
    return bytes(mended)


def attributes(record: bytes) -> list[tuple[int, bytes]]:
    """Type and bytes of each attribute."""
    found, offset = [], u16(record, 0x14)
    while offset + 24 <= len(record) and u32(record, offset) != 0xFFFFFFFF:
        length = u32(record, offset + 4)
        if length < 24 or length % 8 or offset + length > len(record):
            break
        found.append((u32(record, offset), record[offset : offset + length]))
        offset += length
    return found


def resident(record: bytes, kind: int) -> bytes | None:
    """Value of the record's first resident attribute of that type; None when it has none."""
    for number, attribute in attributes(record):
        if number == kind and attribute[8] == 0:
            start = u16(attribute, 0x14)
            return attribute[start : start + u32(attribute, 0x10)]
    return None


def first_run(record: bytes) -> tuple[int, int] | None:
    """LCN of the first run of the record's unnamed $DATA, and how many bytes a cluster has; None when it tells not."""
    for number, attribute in attributes(record):
        if number != 0x80 or attribute[8] != 1 or attribute[9] != 0 or len(attribute) < 0x40:
            continue
        clusters = u64(attribute, 0x18) + 1
        allocated = u64(attribute, 0x28)
        place = u16(attribute, 0x20)
        if u64(attribute, 0x10) or not 0x40 <= place < len(attribute) or clusters > allocated:
            return None
        width, depth = attribute[place] & 15, attribute[place] >> 4
        lcn = attribute[place + 1 + width : place + 1 + width + depth]
        cluster = allocated // clusters
        if not 1 <= width <= 8 or not 1 <= depth <= 8 or len(lcn) < depth or not is_power(cluster, 512, 2 << 20):
            return None
        first = int.from_bytes(lcn, "little", signed=True)
        return (first, cluster) if first > 0 else None
    return None


def locate_boot(view: View) -> list[int]:
    """A boot sector may be the first one, the backup at the end, or (before NT 4) the backup in the middle."""
    data = view.get(0, 512)
    boot = parse(data) if data else None
    if boot is None:
        return []
    return [0, -boot.total * boot.sector_size, -(boot.total // 2) * boot.sector_size]


def sieve_boot(rows: Rows) -> Mask:
    """Name and a sector size."""
    size = little(rows, 0x0B, 2)
    return has(3, b"NTFS    ")(rows) & (size >= 256) & (size <= 4096)


FAMILY = Family("ntfs", examine, (Mark(510, b"\x55\xaa", sieve_boot, locate_boot),))
