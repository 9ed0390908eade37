"""DDF, the common format of controllers (and of mdadm's external metadata), SNIA's specification."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from construct import ConstructError

from engine.raid.layout import Layout
from engine.raid.metadata.model import Super
from engine.raid.metadata.structs import DDF_CONFIG, DDF_CONFIG_MAGIC, DDF_HEADER, DDF_MAGIC
from engine.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], bytes | None]

_QUALIFIERS = {0: Layout.RIGHT_ASYMMETRIC, 2: Layout.LEFT_ASYMMETRIC, 3: Layout.LEFT_SYMMETRIC}
_LEVELS = {0: 0, 1: 1, 4: 4, 5: 5, 6: 6}
_EPOCH = 315532800
"""Time stamps count from 1980-01-01."""
_MOST_RECORDS = 64


def read_ddf(read: Read, size: int) -> list[Super]:
    """The virtual disks of a member's DDF structure."""
    for anchor in (size // 512 - 1, size // 512 - 257):
        data = read(anchor * 512, 512) if anchor > 0 else None
        header = _header(data)
        if header is None:
            continue
        for lba in (header.primary_lba, header.secondary_lba):
            place = read(lba * 512, 512) if lba < size // 512 else None
            whole = _header(place)
            if whole is not None and place is not None:
                return _records(read, lba, whole)
    return []


def checksum(data: bytes) -> int:
    """The CRC-32 of a record, its own field counted as FF; begun with 0 and not inverted, as mdadm writes it."""
    return zlib.crc32(data[:4] + b"\xff" * 4 + data[8:], 0xFFFFFFFF) ^ 0xFFFFFFFF


def _header(data: bytes | None):  # type: ignore[no-untyped-def]
    try:
        found = DDF_HEADER.parse(data) if data is not None else None
    except ConstructError:
        return None
    return found if found is not None and found.magic == DDF_MAGIC else None


def _records(read: Read, lba: int, header) -> list[Super]:  # type: ignore[no-untyped-def]
    mine = read((lba + header.data_section) * 512, 512)
    if mine is None or mine[:4] != b"\x33\x33\x33\x33":
        return []
    own = struct.unpack_from(">I", mine, 32)[0]
    found: list[Super] = []
    size = header.record_sectors or 1
    if size > 64:
        return []
    for number in range(min(header.config_length // size, _MOST_RECORDS)):
        at = (lba + header.config_section + number * size) * 512
        data = read(at, size * 512)
        one = _record(data, at, own, header.max_elements) if data is not None else None
        if one is not None:
            found.append(one)
    return found


def _record(data: bytes, at: int, own: int, most: int) -> Super | None:
    try:
        raw = DDF_CONFIG.parse(data)
    except ConstructError:
        return None
    count, starts = raw.members, 512 + 4 * most
    if raw.magic != DDF_CONFIG_MAGIC or count > most or starts + 8 * count > len(data) or raw.strip_shift > 20:
        return None
    problems = []
    if checksum(data) != raw.checksum:
        problems.append("its checksum is wrong")
    drives = struct.unpack_from(f">{count}I", data, 512)
    role = drives.index(own) if own in drives else None
    start = struct.unpack_from(">Q", data, starts + 8 * role)[0] * 512 if role is not None else None
    level = _LEVELS.get(raw.level, raw.level)
    layout = Layout.PARITY_LAST if level == 4 else _QUALIFIERS.get(raw.qualifier) if level == 5 else None
    if raw.secondary_members > 1:
        problems.append("an array of arrays: only this part of it is told")
    return Super(
        "ddf", at, level, layout, 512 << raw.strip_shift, count, role, start, raw.blocks * 512, raw.sequence,
        float(raw.timestamp + _EPOCH), raw.guid.hex(), safe_text(raw.guid[:8].split(b"\0")[0]), tuple(problems),
    )  # fmt: skip
