"""ISO 9660 and UDF, also on hard disks.

Facts: ECMA-119, ECMA-167 and OSTA UDF; volumes of genisoimage and mkudffs. Sectors of 2048 bytes on discs, of the
disk's own size (512 to 4096) on hard disks.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from engine.partitions.volumes.bits import b16, b32, is_power, text, u8, u16, u32
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has, little
from engine.partitions.volumes.view import Findings, View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows

_SYSTEM_AREA = 32768
_SECTORS = (2048, 512, 4096, 1024)
_ANCHOR = 256
_NSR_STARTS = tuple(-_SYSTEM_AREA - 2048 * number for number in range(1, 9))
_MAX_SEQUENCE = 64
_MAX_TAIL = 1024


def examine_iso(view: View) -> Volume | None:
    """ISO 9660: primary volume descriptor, terminator, path table, root directory."""
    data = view.get(_SYSTEM_AREA, 2048)
    if data is None or not _is_primary(data):
        return None
    found = Findings(view)
    found.seen("primary volume descriptor", _SYSTEM_AREA)
    block = u16(data, 128)
    root = u32(data, 156 + 2) * block
    record = view.get(root, 34)
    good = None if record is None else u8(record, 0) >= 34 and u32(record, 2) == b32(record, 6) == root // block
    found.confirm("root directory", root, 34, good)
    stamp = data[830:847] if data[830:831] != b"0" and any(data[830:846]) else data[813:830]
    digits = stamp[:16].decode("ascii", "replace")
    name = "-".join((digits[:4], *(digits[place : place + 2] for place in range(4, 16, 2)))) if digits.isdigit() else ""
    return Volume(
        "iso9660", view.start, u32(data, 80) * block, label=_joliet(view) or text(data[40:72], "cp437", strip=" "),
        uuid=name, block_size=block, sector_size=2048, confirmation=found.confirmation,
        evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _is_primary(data: bytes) -> bool:
    return (
        data[:7] == b"\1CD001\1" and u32(data, 80) == b32(data, 84) and u16(data, 128) == b16(data, 130)
        and is_power(u16(data, 128), 512, 2048) and u32(data, 80) > 16
    )  # fmt: skip


def _joliet(view: View) -> str:
    """The label in Unicode, when there is a supplementary descriptor with Joliet's escape sequence."""
    for number in range(17, 32):
        data = view.get(number * 2048, 128)
        if data is None or data[1:6] != b"CD001" or data[0] == 255:
            return ""
        if data[0] == 2 and data[88:91] in (b"%/@", b"%/C", b"%/E"):
            plain = view.get(_SYSTEM_AREA, 72)
            label = text(data[40:72], "utf-16-be", strip=" ")
            short = text(plain[40:72], "cp437", strip=" ") if plain else ""
            # Joliet has room for 16 characters: a longer plain label tells more.
            return "" if len(short) > 16 and short.startswith(label) else label
    return ""


@dataclass(frozen=True, slots=True)
class Tag:
    """The head of every UDF descriptor; ``location`` is its own sector."""

    kind: int
    location: int
    good: bool


def read_tag(data: bytes) -> Tag | None:
    """From a descriptor's bytes: None when the checksum of its first 16 bytes is wrong. ``good``: its CRC is right."""
    if len(data) < 16 or sum(data[:4]) + sum(data[5:16]) & 0xFF != data[4] or u16(data, 2) not in (2, 3):
        return None
    length = u16(data, 10)
    crc = binascii.crc_hqx(data[16 : 16 + length], 0) if 16 + length <= len(data) else None
    return Tag(u16(data, 0), u32(data, 12), crc == u16(data, 8))


@dataclass(frozen=True, slots=True)
class Descriptors:
    """What the volume descriptor sequence tells; ``end`` is the last partition's, in sectors."""

    sector: int
    end: int
    label: str
    identifier: str


def examine_udf(view: View) -> Volume | None:
    """UDF: recognition sequence at 32 KiB, anchor in sector 256 (others near the end), descriptors of the volume."""
    named = _recognised(view)
    found = Findings(view)
    if named:
        found.seen("volume recognition sequence", _SYSTEM_AREA)
    for sector in _SECTORS:
        for place in (_ANCHOR * sector, *view.copies):
            data = view.get(place, 512) if place % sector == 0 else None
            tag = read_tag(data) if data else None
            if data is not None and tag is not None and tag.kind == 2 and tag.location * sector == place:
                return _udf(view, found, data, place, sector, named)
    if not named:
        return None
    for sector in _SECTORS[:2]:
        found.confirm("anchor", _ANCHOR * sector, 512, None if view.get(_ANCHOR * sector, 512) is None else False)
    return Volume("udf", view.start, None, confirmation=found.confirmation, evidence=found.evidence)


def _udf(view: View, found: Findings, anchor: bytes, place: int, sector: int, named: bool) -> Volume:
    if not named:
        found.problem("superblock-bad", "the volume recognition sequence is bad, the anchor is good", _SYSTEM_AREA)
    found.seen("anchor", place)
    main, reserve = (u32(anchor, 20), u32(anchor, 16)), (u32(anchor, 28), u32(anchor, 24))
    read = _sequence(view, sector, *main) or _sequence(view, sector, *reserve)
    first = main[0] * sector
    good = True if read is not None else None if view.get(first, 512) is None else False
    found.confirm("volume descriptors", first, 512, good)
    size = None if read is None else read.end * sector
    return Volume(
        "udf", view.start, size, label="" if read is None else read.label,
        uuid="" if read is None else read.identifier, block_size=sector, sector_size=sector,
        tail=0 if size is None else _tail(view, size, sector), by_backup=not named,
        confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _tail(view: View, size: int, sector: int) -> int:
    """Bytes behind the last partition: up to the last anchor, which a volume has in its last sector."""
    last = 0
    for number in range(_MAX_TAIL):
        data = view.get(size + number * sector, 512)
        if data is None:
            break
        tag = read_tag(data) if data[:2] == b"\2\0" else None
        if tag is not None and tag.kind == 2 and tag.location * sector == size + number * sector:
            last = (number + 1) * sector
    return last


def _recognised(view: View) -> bool:
    names = []
    for offset in range(_SYSTEM_AREA, _SYSTEM_AREA + 16 * 2048, 2048):
        data = view.get(offset, 8)
        if data is None or data[1:6] not in (b"BEA01", b"NSR02", b"NSR03", b"TEA01", b"CD001", b"BOOT2", b"CDW02"):
            break
        names.append(data[1:6])
    return b"NSR02" in names or b"NSR03" in names


def _sequence(view: View, sector: int, start: int, length: int) -> Descriptors | None:
    """The descriptors from ``start`` (in sectors) on, ``length`` bytes long."""
    end, label, identifier = 0, "", ""
    for number in range(min(length // sector, _MAX_SEQUENCE)):
        data = view.get((start + number) * sector, 512)
        tag = read_tag(data) if data else None
        if data is None or tag is None or tag.kind == 8 or tag.location != start + number:
            break
        if tag.kind == 5:
            end = max(end, u32(data, 188) + u32(data, 192))
        elif tag.kind == 6:
            label = _dstring(data[84:212])
        elif tag.kind == 1:
            identifier = _identifier(data[72:200])
    return Descriptors(sector, end, label, identifier) if end else None


def _dstring(field: bytes) -> str:
    """OSTA compressed Unicode; the last byte of the field is the length."""
    length = min(field[-1], len(field) - 1)
    if field[0] in (8, 254):
        return field[1:length].decode("latin-1")
    if field[0] in (16, 255):
        return field[1:length].decode("utf-16-be", "replace")
    return ""


def _identifier(field: bytes) -> str:
    """As blkid makes it out of the volume set identifier: its first 16 digits, or its characters in hex."""
    raw = _dstring(field).encode("utf-8")[:16]
    if len(raw) < 8:
        return ""
    digits = set(b"0123456789abcdefABCDEF")
    if not set(raw[:8]) <= digits:
        return raw[:8].hex()
    if not set(raw[8:16]) <= digits or len(raw) < 16:
        return (raw[:8].decode("ascii") + raw[8:12].hex()).lower()
    return raw.decode("ascii").lower()


def _locate_anchor(view: View) -> list[int]:
    data = view.get(0, 512)
    tag = read_tag(data) if data else None
    return [] if tag is None or tag.kind != 2 else [-tag.location * sector for sector in _SECTORS]


def _sieve_anchor(rows: Rows) -> Mask:
    """A number of a sector, the version of descriptors, and a sequence of a possible length."""
    version = (rows[:, 2] >= 2) & (rows[:, 2] <= 3) & (rows[:, 3] == 0)
    return cast("Mask", (rows[:, 5] == 0) & (little(rows, 12, 4) >= _ANCHOR) & version & (little(rows, 16, 4) >= 512))


FAMILIES = (
    Family("iso9660", examine_iso, (Mark(2, b"D0", has(0, b"\1CD001\1"), (-_SYSTEM_AREA,)),)),
    Family("udf", examine_udf, (
        Mark(2, b"SR", has(1, b"NSR0"), _NSR_STARTS), Mark(0, b"\2\0", _sieve_anchor, _locate_anchor),
    )),
)  # fmt: skip
