"""md superblocks 0.90 and 1.x, as ``mdadm --examine`` reads them."""

from __future__ import annotations

import struct
import uuid
from typing import TYPE_CHECKING

from construct import ConstructError

from engine.raid.layout import MD_NUMBERS, Layout
from engine.raid.metadata.model import Super
from engine.raid.metadata.structs import MD090, MD1, MD_MAGIC
from engine.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], bytes | None]

_MOST_ROLES = 384
_SPARE, _FAULTY, _JOURNAL = 0xFFFF, 0xFFFE, 0xFFFD


def places(size: int) -> dict[str, int]:
    """Where each version's superblock lies on a member of ``size`` bytes."""
    return {
        "md-1.2": 4096,
        "md-1.1": 0,
        "md-1.0": ((size // 512 - 16) & ~7) * 512,
        "md-0.90": (size & ~0xFFFF) - 0x10000,
    }


def read_md(read: Read, size: int) -> list[Super]:
    """All md superblocks of a member."""
    found = []
    for kind, at in places(size).items():
        data = read(at, 4096) if at >= 0 else None
        if data is None or len(data) < 4096 or struct.unpack_from("<I", data)[0] != MD_MAGIC:
            continue
        one = _old(data, at) if kind == "md-0.90" else _new(data, at, kind)
        if one is not None:
            found.append(one)
    return found


def _level(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value


def _layout(level: int, number: int) -> Layout | None:
    if level == 4:
        return Layout.PARITY_LAST
    return MD_NUMBERS.get(number) if level == 5 else None


def checksum1(data: bytes) -> int:
    """The checksum that a version 1 superblock should have (its own field counts as zero)."""
    roles = min(struct.unpack_from("<I", data, 220)[0], _MOST_ROLES)
    size = 256 + roles * 2
    blank = data[:216] + bytes(4) + data[220:size]
    total = sum(struct.unpack_from(f"<{size // 4}I", blank))
    if size % 4 == 2:
        total += struct.unpack_from("<H", blank, size - 2)[0]
    return int(((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF)


def checksum090(data: bytes) -> int:
    """The checksum that a version 0.90 superblock should have."""
    blank = data[:152] + bytes(4) + data[156:4096]
    total = sum(struct.unpack("<1024I", blank))
    return int(((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF)


def _new(data: bytes, at: int, kind: str) -> Super | None:
    try:
        raw = MD1.parse(data[:256])
    except ConstructError:
        return None
    if raw.major_version != 1:
        return None
    problems = []
    if checksum1(data) != raw.checksum:
        problems.append("its checksum is wrong")
    if raw.super_offset * 512 != at:
        problems.append(f"it says that it lies at {raw.super_offset * 512}")
    if raw.feature_map & 4:
        problems.append("a reshape was under way: two layouts lie on the members")
    role: int | None = None
    if raw.dev_number < min(raw.max_dev, _MOST_ROLES):
        role = struct.unpack_from("<H", data, 256 + 2 * raw.dev_number)[0]
        if role in (_SPARE, _FAULTY, _JOURNAL):
            problems.append({_SPARE: "a spare", _FAULTY: "marked faulty", _JOURNAL: "a journal"}[role])
            role = None
    level = _level(raw.level)
    return Super(
        kind, at, level, _layout(level, raw.layout), raw.chunk_sectors * 512 or None, raw.raid_disks, role,
        raw.data_offset * 512, raw.data_size * 512, raw.events, float(raw.utime & 0xFFFFFFFFFF),
        str(uuid.UUID(bytes=raw.set_uuid)), safe_text(raw.set_name.split(b"\0")[0]), tuple(problems),
    )  # fmt: skip


def _old(data: bytes, at: int) -> Super | None:
    try:
        raw = MD090.parse(data)
    except ConstructError:
        return None
    if raw.major_version != 0 or raw.minor_version not in (90, 91):
        return None
    problems = ["its checksum is wrong"] if checksum090(data) != raw.checksum else []
    if raw.minor_version == 91:
        problems.append("a reshape was under way: two layouts lie on the members")
    role, state = raw.this_disk[3], raw.this_disk[4]
    if not state & 2:  # active
        problems.append("marked faulty" if state & 1 else "a spare")
    level = _level(raw.level)
    words = [raw.set_uuid0, raw.set_uuid1, raw.set_uuid2, raw.set_uuid3]
    return Super(
        "md-0.90", at, level, _layout(level, raw.layout), raw.chunk_bytes or None, raw.raid_disks,
        role if role < raw.raid_disks and state & 2 else None, 0, raw.size * 1024,
        raw.events_low | raw.events_high << 32, float(raw.utime),
        ":".join(f"{word:08x}" for word in words), "", tuple(problems),
    )  # fmt: skip
