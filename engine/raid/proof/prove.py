"""All proofs of a volume: what lies at its start or in its partitions, and how much of it stands where it must."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.raid.proof import ext, fat, ntfs, xfs
from engine.raid.proof.points import Points, le

if TYPE_CHECKING:
    from engine.source import Source

_SEGMENT = re.compile(rb"extent_count\s*=\s*(\d+).{0,200}?stripes\s*=\s*\[\s*\"pv0\",\s*(\d+)", re.DOTALL)
_MOST_PARTITIONS = 16


@dataclass(frozen=True, slots=True)
class Proof:
    """``good`` and ``bad`` places, ``spread``: in how many different rows of the array the good ones lie; ``kinds`` of
    volumes seen; ``encrypted`` when what lies there tells nothing."""

    good: int
    bad: int
    spread: int
    kinds: tuple[str, ...]
    words: tuple[str, ...]
    encrypted: bool

    @property
    def weight(self) -> float:
        """In favour of the assembly (below 0: against it): a share of wrong places above a fifth speaks against it."""
        share = self.bad / (self.good + self.bad) if self.good + self.bad else 0.0
        return min(self.good, 4 * self.spread) * (1 - 5 * share) - self.bad * (share > 0.2)

    @property
    def strong(self) -> bool:
        """Whether it stands by itself: many places, in many rows, hardly one wrong."""
        return self.good >= 12 and self.spread >= 4 and self.bad * 50 <= self.good


def prove(source: Source, unit: int) -> Proof:
    """Look for volumes of ``source`` and count the places that are right. ``unit``: bytes of one row."""
    points = Points(source, unit)
    kinds: list[str] = []
    encrypted = False
    for start in [0, *_partitions(points)]:
        kind = _volume(points, start)
        if kind is not None:
            kinds.append(kind)
            encrypted = encrypted or kind in ("LUKS", "BitLocker")
    return Proof(points.good, points.bad, len(points.units), tuple(dict.fromkeys(kinds)), tuple(points.words()),
                 encrypted)  # fmt: skip


def _volume(points: Points, start: int) -> str | None:
    for name, look in (("NTFS", ntfs.prove), ("ext", ext.prove), ("XFS", xfs.prove), ("FAT", fat.prove)):
        if look(points, start):
            return name
    head = points.read(start, 4096)
    if head is None:
        return None
    if head[:6] == b"LUKS\xba\xbe":
        return "LUKS"
    if head[3:11] == b"-FVE-FS-":
        return "BitLocker"
    return _btrfs(points, start)


def _btrfs(points: Points, start: int) -> str | None:
    known = False
    for at in (64 << 10, 64 << 20, 256 << 30):
        block = points.read(start + at, 4096)
        if block is None:
            continue
        right = block[64:72] == b"_BHRfS_M" and le(block, 48, 8) == at
        if not known and not right:
            return None
        known = True
        points.check("superblocks of Btrfs", start + at, right)
    return "Btrfs" if known else None


def _partitions(points: Points) -> list[int]:
    """Starts that an MBR, a GPT or LVM at the volume's start names."""
    head = points.read(0, 4096)
    if head is None:
        return []
    if head[512:520] == b"EFI PART":
        return _gpt(points, head[512:1024])
    if b"LABELONE" in head[:2048:512] or head[512:520] == b"LABELONE":
        return _lvm(points)
    if head[510:512] != b"\x55\xaa" or head[3:11] in (b"NTFS    ", b"-FVE-FS-") or head[82:85] == b"FAT":
        return []
    entries = [head[446 + 16 * k : 462 + 16 * k] for k in range(4)]
    if any(entry[0] not in (0, 0x80) for entry in entries):
        return []
    found = [le(entry, 8, 4) * 512 for entry in entries if entry[4] not in (0, 5, 0xF, 0xEE)]
    return [start for start in found if start]


def _gpt(points: Points, header: bytes) -> list[int]:
    size, count, wide = le(header, 12, 4), le(header, 80, 4), le(header, 84, 4)
    if not 92 <= size <= 512 or wide not in (128, 256) or not 0 < count <= 1024:
        return []
    blank = header[:16] + bytes(4) + header[20:size]
    if not points.check("GPT headers", 512, zlib.crc32(blank) == le(header, 16, 4)):
        return []
    table = points.read(le(header, 72, 8) * 512, count * wide)
    if table is not None:
        points.check("GPT tables", le(header, 72, 8) * 512, zlib.crc32(table) == le(header, 88, 4))
    other = points.read(le(header, 32, 8) * 512, 512)
    if other is not None:
        points.check("copies of the GPT", le(header, 32, 8) * 512, other[:8] == b"EFI PART")
    starts = [le(table, k * wide + 32, 8) * 512 for k in range(count)] if table is not None else []
    return [start for start in starts if start][:_MOST_PARTITIONS]


def _lvm(points: Points) -> list[int]:
    """Where logical volumes begin that lie in one piece on this physical volume, by LVM's text."""
    text = points.read(4096, 1 << 20) or points.read(4096, 128 << 10) or b""
    sizes, starts = re.findall(rb"extent_size\s*=\s*(\d+)", text), re.findall(rb"pe_start\s*=\s*(\d+)", text)
    if not sizes or not starts:
        return []
    extent, first = int(sizes[-1][:12]) * 512, int(starts[-1][:12]) * 512
    places = {first + int(place[:12]) * extent for _, place in _SEGMENT.findall(text)}
    points.check("texts of LVM", 4096, bool(places))
    return sorted(places)[:_MOST_PARTITIONS]
