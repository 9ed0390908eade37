"""LVM2 physical volumes: the label in one of the first four sectors, and the metadata area that it names.

Facts: lvm2's format_text; volumes of pvcreate and vgcreate.
"""

from __future__ import annotations

import re
import zlib

from engine.partitions.volumes.bits import u32, u64
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

_AREA_MAGIC = b" LVM2 x[5A%r0N*>"
_GROUPS = (6, 4, 4, 4, 4, 4, 6)
_MAX_LISTED = 16
_NUMBER = re.compile(rb"[A-Za-z0-9!#]{32}")


def label_crc(data: bytes) -> int:
    """Over bytes 20 to 511 of the label's sector."""
    return zlib.crc32(data[20:512], 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def examine(view: View) -> Volume | None:
    """The physical volume at the view's start. Its label is the name of its volume group."""
    for sector in (1, 0, 2, 3):
        data = view.get(sector * 512, 512)
        if data is not None and _plausible(data) and u64(data, 8) == sector:
            return _volume(view, data, sector * 512)
    return None


def _plausible(data: bytes) -> bool:
    return data[:8] == b"LABELONE" and data[24:32] == b"LVM2 001" and 32 <= u32(data, 20) <= 472


def _volume(view: View, data: bytes, place: int) -> Volume:
    found = Findings(view)
    found.seen("LVM2 label", place)
    good = label_crc(data) == u32(data, 16)
    found.confirm("checksum of the label", place + 16, 4, good)
    if not good:
        found.problem("superblock-bad", "the label's checksum is wrong", place)
    header = u32(data, 20)
    number, parts, offset = data[header : header + 32], [], 0
    for length in _GROUPS if _NUMBER.fullmatch(number) else ():
        parts.append(number[offset : offset + length].decode("ascii"))
        offset += length
    size = u64(data, header + 32)
    return Volume(
        "LVM2_member", view.start, size or None, label=_group_name(view, data, header, found),
        uuid="-".join(parts), checksum=good, confirmation=found.confirmation,
        evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _group_name(view: View, data: bytes, header: int, found: Findings) -> str:
    """The label lists data areas, then metadata areas; the header of one of these has the place of its text."""
    place, lists = header + 40, 0
    for _ in range(2 * _MAX_LISTED):
        if place + 16 > len(data) or lists == 2:
            break
        start, size = u64(data, place), u64(data, place + 8)
        place += 16
        if not start and not size:
            lists += 1
        elif lists == 1:
            area = view.get(start, 512)
            if area is not None and area[4:20] == _AREA_MAGIC and u64(area, 24) == start:
                found.confirm("metadata area", start, 512, True)
                words = view.get(start + u64(area, 40), min(u64(area, 48), 512))
                name = re.match(rb"([A-Za-z0-9_.+-]{1,127}) \{", words or b"")
                if name:
                    return name[1].decode("ascii")
    return ""


def locate(view: View) -> list[int]:
    """The label says in which sector of the volume it stands."""
    data = view.get(0, 512)
    return [-u64(data, 8) * 512] if data is not None and _plausible(data) and u64(data, 8) < 4 else []


FAMILY = Family("lvm", examine, (Mark(0, b"LA", has(0, b"LABELONE"), locate),))
