"""Windows dynamic disks (LDM): the private header of a disk and the database that all disks of a group share.

Positions are those of the Linux kernel's reader of the format (block/partitions/ldm.c). Strings and numbers of a record
are preceded by their length; numbers are big-endian. Component type 3 is RAID5, left-symmetric; the columns give the
order. The data of one array may begin elsewhere on each disk.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.raid.layout import Layout
from engine.raid.metadata.model import Super
from engine.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], bytes | None]

_PRIVHEAD_SECTORS = (6, 1856)
_LDM_METADATA_TYPE = uuid.UUID("5808c8aa-7e8f-42e0-85d2-e1e90434cfb3").bytes_le
_MOST_VBLKS = 8192
_RAID5 = 3
_LEVELS = {1: 0, 2: -1, 3: 5}
_COMPONENT, _PARTITION, _DISK3, _DISK4, _VOLUME = 0x32, 0x33, 0x34, 0x44, 0x51


@dataclass(frozen=True, slots=True)
class _Component:
    kind: int
    columns: int
    parent: int
    strip: int | None


@dataclass(frozen=True, slots=True)
class _Part:
    start: int
    offset: int
    size: int
    parent: int
    disk: int
    index: int


def read_ldm(read: Read, size: int) -> list[Super]:
    """The RAID volumes that a disk's LDM database names, as seen from this disk."""
    head = _private_head(read, size)
    if head is None:
        return []
    at, data = head
    guid = data[0x30:0x70].split(b"\0")[0].decode("ascii", "replace").lower()
    start = int.from_bytes(data[0x11B:0x123], "big")
    config = int.from_bytes(data[0x12B:0x133], "big")
    return _volumes(read, config, guid, start, at)


def _private_head(read: Read, size: int) -> tuple[int, bytes] | None:
    places = [sector * 512 for sector in _PRIVHEAD_SECTORS] + [size - 512]
    table = read(1024, 16384)
    if table is not None:  # on a GPT disk it is the last sector of the LDM metadata partition
        for entry in range(0, 16384, 128):
            if table[entry : entry + 16] == _LDM_METADATA_TYPE:
                places.append(int.from_bytes(table[entry + 40 : entry + 48], "little") * 512)
    for at in places:
        data = read(at, 512) if 0 <= at <= size - 512 else None
        if data is not None and data[:8] == b"PRIVHEAD":
            return at, data
    return None


def _volumes(read: Read, config: int, guid: str, start: int, at: int) -> list[Super]:
    first = _database(read, config)
    if first is None:
        return []
    place, header = first
    size, offset = struct.unpack_from(">II", header, 8)
    if size not in (128, 256, 512) or offset % size:
        return []
    components: dict[int, _Component] = {}
    parts: list[_Part] = []
    disks: dict[int, str] = {}
    names: dict[int, str] = {}
    for record in _vblks(read, place + offset, size, int.from_bytes(header[4:8], "big")):
        try:
            _take(record, components, parts, disks, names)
        except IndexError:  # a length that leads out of the record
            continue
    return _supers(components, parts, disks, names, guid, start, at)


def _database(read: Read, config: int) -> tuple[int, bytes] | None:
    """The VMDB, behind the table of contents."""
    for sector in (1, 2, 0, 2045, 2046):
        contents = read((config + sector) * 512, 512)
        if contents is None or contents[:8] != b"TOCBLOCK":
            continue
        for entry in (0x24, 0x46):
            if contents[entry : entry + 6] == b"config":
                at = (config + int.from_bytes(contents[entry + 10 : entry + 18], "big")) * 512
                data = read(at, 512)
                if data is not None and data[:4] == b"VMDB":
                    return at, data
    return None


def _vblks(read: Read, at: int, size: int, count: int) -> list[bytes]:
    """Records put together from their fragments, each with the header of its first one."""
    data = read(at, size * min(count, _MOST_VBLKS))
    if data is None:
        return []
    groups: dict[int, dict[int, bytes]] = {}
    counts: dict[int, int] = {}
    for start in range(0, len(data) - size + 1, size):
        one = data[start : start + size]
        if one[:4] != b"VBLK":
            continue
        group, number, total = int.from_bytes(one[8:12], "big"), *struct.unpack_from(">HH", one, 12)
        if total and number < total <= 64:
            groups.setdefault(group, {})[number] = one[:16] + one[16:] if number == 0 else one[16:]
            counts[group] = total
    return [
        b"".join(pieces[number] for number in range(counts[group]))
        for group, pieces in groups.items()
        if all(number in pieces for number in range(counts[group]))
    ]


def _number(record: bytes, at: int) -> int:
    length = record[at]
    if length > 8 or at + 1 + length > len(record):
        raise IndexError(at)
    return int.from_bytes(record[at + 1 : at + 1 + length], "big")


def _after(record: bytes, base: int, offset: int) -> int:
    """Where the field behind the one at ``base + offset`` begins, as the kernel counts it."""
    return offset + record[base + offset] + 1


def _text(record: bytes, at: int) -> str:
    return record[at + 1 : at + 1 + record[at]].decode("utf-8", "replace")


def _take(
    record: bytes, components: dict[int, _Component], parts: list[_Part], disks: dict[int, str], names: dict[int, str]
) -> None:
    flags, kind = record[0x12], record[0x13]
    number = _number(record, 0x18)
    name = _after(record, 0x18, _after(record, 0x18, 0))
    if kind == _COMPONENT:
        state = _after(record, 0x18, name)
        child = _after(record, 0x1D, state)
        parent = _after(record, 0x2D, child)
        strip = _number(record, 0x2E + parent) * 512 if flags & 0x10 else None
        columns = _number(record, 0x2E + _after(record, 0x2E, parent)) if flags & 0x10 else 0
        components[number] = _Component(record[0x18 + state], columns, _number(record, 0x2D + child), strip)
    elif kind == _PARTITION:
        size = _after(record, 0x34, name)
        parent = _after(record, 0x34, size)
        disk = _after(record, 0x34, parent)
        parts.append(
            _Part(
                int.from_bytes(record[0x24 + name : 0x2C + name], "big") * 512,
                int.from_bytes(record[0x2C + name : 0x34 + name], "big") * 512,
                _number(record, 0x34 + name) * 512, _number(record, 0x34 + size), _number(record, 0x34 + parent),
                record[0x35 + disk] if flags & 0x08 else 0,
            )
        )  # fmt: skip
    elif kind == _DISK3:
        disks[number] = _text(record, 0x18 + name).lower()
    elif kind == _DISK4:
        disks[number] = str(uuid.UUID(bytes=record[0x18 + name : 0x28 + name]))
    elif kind == _VOLUME:
        names[number] = safe_text(_text(record, 0x18 + _after(record, 0x18, 0)), 64)


def _supers(
    components: dict[int, _Component], parts: list[_Part], disks: dict[int, str], names: dict[int, str], guid: str,
    start: int, at: int,
) -> list[Super]:  # fmt: skip
    found = []
    for number, component in components.items():
        if component.kind != _RAID5:
            continue
        mine = [p for p in parts if p.parent == number and disks.get(p.disk) == guid]
        for part in mine:
            strip = component.strip or None
            found.append(
                Super(
                    "ldm", at, _LEVELS[component.kind], Layout.LEFT_SYMMETRIC, strip,
                    component.columns or len({p.index for p in parts if p.parent == number}), part.index,
                    start * 512 + part.start, part.size, None, None, f"ldm-{component.parent}",
                    names.get(component.parent, ""), () if part.offset == 0 else ("its column lies in pieces",),
                )
            )  # fmt: skip
    return found
