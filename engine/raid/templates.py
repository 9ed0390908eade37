"""Templates for the hex view: md superblocks 0.90 and 1.x, and the DDF header.

Sources: linux/raid/md_p.h, the SNIA specification of DDF.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from engine.raid.layout import MD_NUMBERS
from engine.raid.metadata.md import checksum1
from engine.raid.metadata.structs import DDF_HEADER, DDF_MAGIC, MD090_HEAD, MD1, MD_MAGIC
from engine.template import Context, Note, Shape, Template
from engine.text import format_exact, safe_text


def _sectors(value: int, _context: Context) -> str:
    return f"{value} sectors, byte {value * 512}, {format_exact(value * 512)}"


def _bytes(value: int, _context: Context) -> str:
    return format_exact(value)


def _time(value: int, _context: Context) -> str:
    seconds = value & 0xFFFFFFFFFF
    if seconds > 253402300799:
        return "no time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _level(value: int, _context: Context) -> str:
    signed = value - (1 << 32) if value >= 1 << 31 else value
    return {-1: "linear", 0: "RAID0", 1: "RAID1", 4: "RAID4", 5: "RAID5", 6: "RAID6", 10: "RAID10"}.get(
        signed, "no level that is known"
    )


def _layout(value: int, context: Context) -> str:
    if context.values.get("level") not in (5, 6):
        return str(value)
    found = MD_NUMBERS.get(value)
    return str(found) if found is not None else "no layout that is known"


def _uuid(value: bytes, _context: Context) -> str:
    return str(uuid.UUID(bytes=bytes(value)))


def _text(value: bytes, _context: Context) -> str:
    return safe_text(bytes(value).split(b"\0")[0])


def _features(value: int, _context: Context) -> str:
    names = {1: "bitmap", 2: "recovery under way", 4: "RESHAPE under way", 8: "bad blocks", 16: "replacement",
             32: "reshape backwards", 64: "new offset", 512: "journal", 1024: "PPL"}  # fmt: skip
    return ", ".join(name for bit, name in names.items() if value & bit) or "none"


def _magic(wanted: int, words: str) -> Note:
    return Note(words, critical=True, expected=f"{wanted:#x}",
                check=lambda value, _: None if value == wanted else "not its magic number")  # fmt: skip


def _checksum(value: int, context: Context) -> str | None:
    if len(context.data) < 256:
        return None
    size = min(len(context.data), 4096)
    needed = 256 + 2 * min(int(context.values.get("max_dev", 0) or 0), 384)
    return None if size < needed or checksum1(context.data[:size].ljust(4096, b"\0")) == value else "the sum is another"


MD1_TEMPLATE = Template(
    "md-superblock-1", "md superblock 1.x", MD1,
    {
        "magic": _magic(MD_MAGIC, "md superblock"),
        "feature_map": Note(_features),
        "set_uuid": Note(_uuid, critical=True),
        "set_name": Note(_text),
        "ctime": Note(_time),
        "level": Note(_level, critical=True),
        "layout": Note(_layout, critical=True),
        "size": Note(_sectors),
        "chunk_sectors": Note(_sectors, critical=True),
        "raid_disks": Note("drives of the array", critical=True),
        "data_offset": Note(_sectors, critical=True),
        "data_size": Note(_sectors, critical=True),
        "super_offset": Note(_sectors),
        "recovery_offset": Note(_sectors),
        "dev_number": Note("index into the table of roles behind; not the role itself"),
        "device_uuid": Note(_uuid),
        "utime": Note(_time),
        "events": Note("counts changes: a member with fewer is stale"),
        "checksum": Note("sum over superblock and roles", check=_checksum),
        "max_dev": Note("how many roles follow, two bytes each"),
    },
)  # fmt: skip
MD090_TEMPLATE = Template(
    "md-superblock-0.90", "md superblock 0.90", MD090_HEAD,
    {
        "magic": _magic(MD_MAGIC, "md superblock"),
        "ctime": Note(_time),
        "level": Note(_level, critical=True),
        "size": Note(lambda value, _: format_exact(value * 1024)),
        "raid_disks": Note("drives of the array", critical=True),
        "utime": Note(_time),
        "layout": Note(_layout, critical=True),
        "chunk_bytes": Note(_bytes, critical=True),
        "events_low": Note("counts changes: a member with fewer is stale"),
    },
)  # fmt: skip
DDF_TEMPLATE = Template(
    "ddf-header", "DDF header", DDF_HEADER,
    {
        "magic": _magic(DDF_MAGIC, "DDF header or anchor"),
        "guid": Note(lambda value, _: bytes(value).hex()),
        "revision": Note(_text),
        "timestamp": Note(lambda value, context: _time(value + 315532800, context)),
        "primary_lba": Note(_sectors, critical=True),
        "secondary_lba": Note(_sectors),
        "config_section": Note("first sector of the configuration records, from this header on"),
    },
)  # fmt: skip

TEMPLATES: dict[str, Template | Shape] = {one.name: one for one in (MD1_TEMPLATE, MD090_TEMPLATE, DDF_TEMPLATE)}


def guess(data: bytes) -> str | None:
    """By magic number and version."""
    if data[:4] == MD_MAGIC.to_bytes(4, "little"):
        return MD1_TEMPLATE.name if data[4:8] == b"\x01\0\0\0" else MD090_TEMPLATE.name
    return DDF_TEMPLATE.name if data[:4] == DDF_MAGIC.to_bytes(4, "big") else None
