"""Templates for the hex view and the inspector: what the fields of tables and boot sectors mean, and whether they fit.

Facts that a walk may be given: ``sector_size`` (of the table), ``disk_sectors``, ``own_lba`` (where the structure
stands), ``base_lba`` (start of the extended partition), ``start_lba`` (of the partition, in the volume's sectors),
``ebr_lba``, ``whole`` (a disk without a table).
"""

from __future__ import annotations

from typing import Any

from engine.partitions import structs
from engine.partitions.gpt import guid_text, header_crc
from engine.partitions.gpt_types import gpt_type_name
from engine.partitions.mbr import chs_fits, chs_text
from engine.partitions.mbr_types import EXTENDED, mbr_type_name
from engine.template import Context, Note, Template
from engine.text import format_exact

SIGNED = b"\x55\xaa"


def _number(value: int, _context: Context) -> str:
    return str(value)


def _hex(value: int, _context: Context) -> str:
    return f"0x{value:x}"


def _sectors(value: int, context: Context) -> str:
    unit = int(context.facts.get("sector_size", 512))
    return f"{value} sectors, {format_exact(value * unit)}"


def _text(value: bytes, _context: Context) -> str:
    return value.decode("cp437").rstrip(" \0")


def _is(wanted: bytes | int, words: str) -> Note:
    """A field with one right value."""
    return Note("", critical=True, expected=words, check=lambda value, _: None if value == wanted else f"not {words}")


_SIGNATURE = Note("end of a boot or table sector", critical=True, expected="55 AA",
                  check=lambda value, _: None if value == SIGNED else "not 55 AA: most systems ignore the sector")
# fmt: skip


# --- MBR and EBR


def _status(value: int, _context: Context) -> str:
    return {0: "not active", 0x80: "active: the BIOS starts it"}.get(value, "neither 00 nor 80")


def _used(context: Context) -> bool:
    return bool(context.values.get("type")) and bool(context.values.get("size_sectors"))


def _absolute(context: Context) -> int | None:
    """The sector where an entry's partition begins, counted from the start of the disk."""
    start = int(context.values.get("start_lba", 0))
    if "base_lba" not in context.facts:
        return start
    link = context.values.get("type") in EXTENDED
    base = context.facts["base_lba"] if link else context.facts.get("own_lba")
    return None if base is None else int(base) + start


def _start(value: int, context: Context) -> str:
    absolute = _absolute(context)
    if not _used(context) or absolute is None:
        return str(value)
    unit = int(context.facts.get("sector_size", 512))
    words = f"at {absolute * unit} bytes"
    if "base_lba" in context.facts:
        link = context.values.get("type") in EXTENDED
        words += " (from the extended partition's start)" if link else " (from this EBR)"
    return words


def _start_right(value: int, context: Context) -> str | None:
    absolute, disk = _absolute(context), context.facts.get("disk_sectors")
    if not _used(context) or absolute is None:
        return None
    if value == 0 and "base_lba" not in context.facts:
        return "a partition cannot begin in sector 0"
    return "it begins beyond the end of the disk" if disk is not None and absolute >= disk else None


def _size_right(value: int, context: Context) -> str | None:
    absolute, disk = _absolute(context), context.facts.get("disk_sectors")
    if context.values.get("type") and not value:
        return "a partition without sectors"
    if not _used(context) or absolute is None or disk is None or context.values.get("type") == 0xEE:
        return None
    return "it ends beyond the end of the disk" if absolute + value > disk else None


def _chs(last: bool) -> Note:
    def right(value: bytes, context: Context) -> str | None:
        start = _absolute(context)
        if not _used(context) or start is None:
            return None
        lba = start + (int(context.values["size_sectors"]) - 1 if last else 0)
        return None if chs_fits(value, lba) else f"it does not mean sector {lba}; the LBA counts"

    return Note(lambda value, _: chs_text(value), expected="cylinder/head/sector of the LBA", check=right)


_ENTRY_NOTES = {
    "status": Note(_status, critical=True, expected="00 or 80",
                   check=lambda value, _: None if value in (0, 0x80) else "neither 00 nor 80"),
    "first_chs": _chs(last=False),
    "type": Note(lambda value, _: mbr_type_name(value), critical=True),
    "last_chs": _chs(last=True),
    "start_lba": Note(_start, critical=True, check=_start_right),
    "size_sectors": Note(_sectors, critical=True, check=_size_right),
}  # fmt: skip


def _table(name: str, title: str) -> Template:
    return Template(name, title, structs.MBR, {
        "boot_code": Note("program that the BIOS starts" if name == "mbr" else "not used"),
        "disk_signature": Note(lambda value, _: f"disk id {value:08x}"),
        "copy_protected": Note(lambda value, _: "copy protected" if value == 0x5A5A else ""),
        **{f"entries[].{key}": note for key, note in _ENTRY_NOTES.items()},
        "signature": _SIGNATURE,
    })  # fmt: skip


# --- GPT


def _own_lba(value: int, context: Context) -> str | None:
    own = context.facts.get("own_lba")
    return None if own is None or own == value else f"it stands at sector {own}"


def _header_crc(value: int, context: Context) -> str | None:
    size = context.values.get("header_size", 0)
    if not isinstance(size, int) or not 92 <= size <= len(context.data):
        return "the size of the header is impossible"
    right = header_crc(context.data[:size])
    return None if right == value else f"it should be 0x{right:x}"


def _beyond(value: int, context: Context) -> str | None:
    disk = context.facts.get("disk_sectors")
    return "beyond the end of the disk" if disk is not None and value >= disk else None


_LBA = Note(_number, critical=True, check=_beyond)

_GPT_HEADER = Template("gpt-header", "GPT header", structs.GPT_HEADER, {
    "signature": _is(b"EFI PART", "EFI PART"),
    "revision": Note(lambda value, _: f"{value >> 16}.{value & 0xFFFF}", expected="1.0"),
    "header_size": Note(_number, critical=True, expected="92"),
    "header_crc": Note(_hex, critical=True, check=_header_crc),
    "own_lba": Note(_number, critical=True, check=_own_lba),
    "other_lba": _LBA,
    "first_usable_lba": _LBA,
    "last_usable_lba": _LBA,
    "disk_guid": Note(lambda value, _: guid_text(value)),
    "array_lba": _LBA,
    "entry_count": Note(_number, critical=True, expected="128"),
    "entry_size": Note(_number, critical=True, expected="128"),
    "array_crc": Note(_hex, critical=True,
                      check=lambda value, context: None if context.facts.get("array_crc") in (None, value)
                      else f"the entries have 0x{context.facts['array_crc']:x}"),
})  # fmt: skip


def _last_right(value: int, context: Context) -> str | None:
    first = context.values.get("first_lba", 0)
    return "it ends before it begins" if isinstance(first, int) and value < first else _beyond(value, context)


def _utf16(value: bytes, _context: Context) -> str:
    return value.decode("utf-16-le", "replace").partition("\0")[0]


_GPT_ENTRY_NOTES = {
    "type_guid": Note(lambda value, _: f"{guid_text(value)} {gpt_type_name(guid_text(value))}", critical=True),
    "guid": Note(lambda value, _: guid_text(value)),
    "first_lba": _LBA,
    "last_lba": Note(_number, critical=True, expected="inclusive", check=_last_right),
    "attributes": Note(_hex),
    "name": Note(_utf16),
}


# --- FAT, exFAT, NTFS


def _hidden_right(value: int, context: Context) -> str | None:
    start = context.facts.get("start_lba")
    if start is None or value == 0:
        return None
    right = [0] if context.facts.get("whole") else [start]
    if context.facts.get("ebr_lba") is not None:
        right.append(start - context.facts["ebr_lba"])
    return None if value in right else f"the partition begins at sector {right[0]}"


_HIDDEN = Note(lambda value, _: f"sector {value} of the disk" if value else "not set", expected="the partition's start",
               check=_hidden_right)  # fmt: skip


def _power(low: int, high: int) -> Any:
    def right(value: int, _context: Context) -> str | None:
        good = low <= value <= high and value & (value - 1) == 0
        return None if good else f"not a power of two from {low} to {high}"

    return right


_FAT_NOTES = {
    "jump": Note("jump to the boot code", check=lambda value, _: None if value[0] in (0xE9, 0xEB) else "no jump"),
    "oem_name": Note(_text),
    "bytes_per_sector": Note(_number, critical=True, check=_power(512, 4096)),
    "sectors_per_cluster": Note(_number, critical=True, check=_power(1, 128)),
    "reserved_sectors": Note(_number, critical=True, check=lambda value, _: None if value else "none"),
    "fat_count": Note(_number, critical=True, expected="2", check=lambda value, _: None if value in (1, 2) else "odd"),
    "root_entries": Note(_number, critical=True),
    "total_sectors_16": Note(_number, critical=True),
    "media": Note(_hex, expected="0xf8",
                  check=lambda value, _: None if value == 0xF0 or value >= 0xF8 else "no media byte"),
    "fat_sectors_16": Note(_number, critical=True),
    "sectors_per_track": Note(_number),
    "heads": Note(_number),
    "hidden_sectors": _HIDDEN,
    "total_sectors_32": Note(_sectors, critical=True),
    "fat_sectors_32": Note(_number, critical=True),
    "root_cluster": Note(_number, critical=True, check=lambda value, _: None if value >= 2 else "below 2"),
    "fsinfo_sector": Note(_number),
    "backup_sector": Note(lambda value, _: "none" if value in (0, 0xFFFF) else f"sector {value}", expected="6"),
    "drive": Note(_hex),
    "flags": Note(lambda value, _: "not cleanly unmounted" if value & 1 else ""),
    "serial": Note(lambda value, _: f"{value >> 16:04X}-{value & 0xFFFF:04X}"),
    "label": Note(_text),
    "type_text": Note(_text),
    "signature": _SIGNATURE,
}  # fmt: skip

_FSINFO = Template("fsinfo", "FSInfo of FAT32", structs.FSINFO, {
    "lead_signature": _is(b"RRaA", "RRaA"),
    "structure_signature": _is(b"rrAa", "rrAa"),
    "free_clusters": Note(lambda value, _: "unknown" if value == 0xFFFFFFFF else str(value)),
    "next_free": Note(lambda value, _: "unknown" if value == 0xFFFFFFFF else str(value)),
    "trail_signature": _is(b"\0\0\x55\xaa", "00 00 55 AA"),
})  # fmt: skip

_EXFAT = Template("exfat-boot", "exFAT boot sector", structs.EXFAT_BOOT, {
    "jump": _is(b"\xeb\x76\x90", "EB 76 90"),
    "oem_name": _is(b"EXFAT   ", "EXFAT"),
    "must_be_zero": Note("", expected="zeros", check=lambda value, _: "not zero" if any(value) else None),
    "partition_offset": _HIDDEN,
    "volume_length": Note(_sectors, critical=True),
    "fat_offset": Note(_number, critical=True, check=lambda value, _: None if value >= 24 else "in the boot region"),
    "fat_length": Note(_number, critical=True),
    "heap_offset": Note(_number, critical=True),
    "cluster_count": Note(_number, critical=True),
    "root_cluster": Note(_number, critical=True, check=lambda value, _: None if value >= 2 else "below 2"),
    "serial": Note(lambda value, _: f"{value >> 16:04X}-{value & 0xFFFF:04X}"),
    "revision": Note(lambda value, _: f"{value >> 8}.{value & 255:02d}", expected="1.00"),
    "volume_flags": Note(lambda value, _: "not cleanly unmounted" if value & 2 else ""),
    "sector_shift": Note(lambda value, _: f"sectors of {1 << value if value < 32 else '?'} bytes", critical=True,
                         check=lambda value, _: None if 9 <= value <= 12 else "not 9 to 12"),
    "cluster_shift": Note(lambda value, _: f"2^{value} sectors", critical=True),
    "fat_count": Note(_number, critical=True, check=lambda value, _: None if value in (1, 2) else "not 1 or 2"),
    "percent_in_use": Note(lambda value, _: "unknown" if value == 0xFF else f"{value} %"),
    "signature": _SIGNATURE,
})  # fmt: skip


def _ntfs_cluster(value: int, _context: Context) -> str:
    return f"2^{256 - value} sectors" if value > 0xF3 else f"{value} sectors"


def _record(value: int, _context: Context) -> str:
    return f"{1 << min(-value, 31)} bytes" if value < 0 else f"{value} clusters"


_NTFS = Template("ntfs-boot", "NTFS boot sector", structs.NTFS_BOOT, {
    "jump": Note("jump to the boot code"),
    "oem_name": _is(b"NTFS    ", "NTFS"),
    "bytes_per_sector": Note(_number, critical=True, check=_power(256, 4096)),
    "sectors_per_cluster": Note(_ntfs_cluster, critical=True),
    "zero_1": Note("", expected="zeros", check=lambda value, _: "not zero" if any(value) else None),
    "media": Note(_hex, expected="0xf8"),
    "sectors_per_track": Note(_number),
    "heads": Note(_number),
    "hidden_sectors": _HIDDEN,
    "total_sectors": Note(_sectors, critical=True, expected="one less than the partition"),
    "mft_lcn": Note(_number, critical=True, check=lambda value, _: None if value else "in the boot sector"),
    "mft_mirror_lcn": Note(_number, critical=True, check=lambda value, _: None if value else "in the boot sector"),
    "clusters_per_record": Note(_record, critical=True, expected="1024 bytes"),
    "clusters_per_index": Note(_record, critical=True),
    "serial": Note(lambda value, _: f"{value:016X}"),
    "signature": _SIGNATURE,
})  # fmt: skip

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        _table("mbr", "master boot record"),
        _table("ebr", "extended boot record"),
        Template("mbr-entry", "partition entry", structs.MBR_ENTRY, _ENTRY_NOTES),
        _GPT_HEADER,
        Template("gpt-entry", "GPT entry", structs.GPT_ENTRY, _GPT_ENTRY_NOTES),
        Template("gpt-entries", "GPT entries", structs.GPT_ENTRY, _GPT_ENTRY_NOTES, repeated=True),
        Template("fat-boot", "FAT12/16 boot sector", structs.FAT16_BOOT, _FAT_NOTES),
        Template("fat32-boot", "FAT32 boot sector", structs.FAT32_BOOT, _FAT_NOTES),
        _FSINFO,
        _EXFAT,
        _NTFS,
    )
}


def guess(data: bytes) -> str | None:
    """The template for 512 bytes of unknown kind: by signature, else a table when it ends in 55 AA."""
    from engine.partitions.bootsector import parse_boot

    if data.startswith(b"EFI PART"):
        return "gpt-header"
    if data.startswith(b"RRaA"):
        return "fsinfo"
    boot = parse_boot(data)
    if boot is not None:
        return boot.template
    name = {b"NTFS    ": "ntfs-boot", b"EXFAT   ": "exfat-boot"}.get(data[3:11])
    if name is not None:
        return name
    return "mbr" if len(data) >= 512 and data[510:512] == SIGNED else None


