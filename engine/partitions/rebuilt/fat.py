"""A FAT boot sector from the FATs and the directories.

Two equal runs that begin as FATs do give reserved sectors and sectors per FAT. Every directory but the root begins
with an entry ``.`` that holds its own cluster number: a few of them at their places settle size of clusters and begin
of the data. Where there are none, the length of the FAT tells the size of clusters. Source: Microsoft's FAT
specification.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from engine.partitions.rebuilt.fat_root import read_root
from engine.partitions.rebuilt.model import Confidence, Proposal
from engine.partitions.volumes import Evidence
from engine.partitions.volumes.bits import u16
from engine.partitions.volumes.fat import fat_begins, parse
from engine.partitions.volumes.view import View

_CHUNK = 1 << 20
_COMPARED = 16 << 20
_HEADS, _COPIES = 32, 16
"""Of what begins like a FAT, and like its copy, so many are looked at: rubbish can begin so everywhere."""
_DIRECTORIES, _SEARCHED = 64, 64 << 20
_BITS = {"fat12": 12, "fat16": 16, "fat32": 32}
_MOST_FAT = {"fat12": 16 << 10, "fat16": 256 << 10, "fat32": 512 << 20}
_DOT, _DOTS = b".          ", b"..         "


@dataclass(frozen=True, slots=True)
class _Fats:
    """Two copies at ``first`` and ``first + step`` (bytes in the volume)."""

    kind: str
    media: int
    first: int
    step: int

    @property
    def behind(self) -> int:
        return self.first + 2 * self.step


@dataclass(frozen=True, slots=True)
class _Layout:
    """Data begins at ``data``; a cluster has ``sectors``. ``agree`` directories stand where it says, ``fits``: the FAT
    is as long as the volume needs it."""

    sectors: int
    data: int
    roots: int
    clusters: int
    total: int
    agree: int
    fits: bool


def propose_fat(view: View, size: int, unit: int, hidden: int, front: int) -> Proposal | None:
    """The boot sector of the FAT volume in the view; ``unit`` is the disk's sector. None when it is not clear."""
    for first, step, kinds in _fats(view, size, unit, min(front, size)):
        directories = list(_directories(view, first + 2 * step, size, unit))
        media = (view.get(first, 1) or b"\0")[0]
        found: list[tuple[_Fats, _Layout]] = []
        for kind in kinds:  # a FAT12 can begin as a FAT32 does
            fats = _Fats(kind, media, first, step)
            layout = _layout(view, fats, directories, size, unit)
            if layout is not None:
                found.append((fats, layout))
        for fats, layout in sorted(found, key=lambda one: (-one[1].agree, not one[1].fits)):
            names = read_root(view, fats.kind == "fat32", fats.behind, layout.data, layout.roots, layout.sectors * unit)
            made = None if names is None else _made(view, fats, layout, unit, hidden, names, len(directories))
            if made is not None:
                return made
    return None


def _fats(view: View, size: int, unit: int, front: int) -> Iterator[tuple[int, int, list[str]]]:
    """Pairs of equal FATs that begin in ``front``: place, distance, and the kinds that begin so."""
    heads = 0
    for base in range(0, front, _CHUNK):
        data = view.peek.reading(view.start + base, min(_CHUNK, front - base)).data
        for at in range(0, len(data) - 511, unit):
            if data[at] < 0xF0 or data[at + 1] != 0xFF or base + at == 0:
                continue
            kinds = [kind for kind in _BITS if fat_begins(kind, data[at], data[at : at + 8])]
            if kinds and data[at + 8 : at + 512] != b"\xff" * 504:
                heads += 1
                if heads > _HEADS:
                    return
                most = min(max(_MOST_FAT[kind] for kind in kinds), size // 2)
                step = _copy_of(view, base + at, data[at : at + 512], unit, most)
                if step is not None:
                    yield base + at, step, [kind for kind in kinds if step <= _MOST_FAT[kind]]


def _copy_of(view: View, first: int, head: bytes, unit: int, most: int) -> int | None:
    """How far the other copy of the FAT at ``first`` is away."""
    tried = 0
    for base in range(first + unit, first + most + unit, _CHUNK):
        data = view.peek.reading(view.start + base, _CHUNK + 512).data
        at = data.find(head)
        while 0 <= at < _CHUNK:
            if at % unit == 0:
                tried += 1
                step = base + at - first
                if _equal(view, first, step):
                    return step
            at = data.find(head, at - at % unit + unit)
            if tried == _COPIES:
                return None
        if len(data) < _CHUNK:
            break
    return None


def _equal(view: View, first: int, step: int) -> bool:
    """Whether two runs of ``step`` bytes are the same, as far as both were read; at least half must have been."""
    compared = 0
    for at in range(0, min(step, _COMPARED), _CHUNK):
        count = min(_CHUNK, step - at)
        one = view.peek.reading(view.start + first + at, count)
        two = view.peek.reading(view.start + first + step + at, count)
        if one.whole and two.whole:
            if one.data != two.data:
                return False
            compared += count
    return compared * 2 >= min(step, _COMPARED)


def _directories(view: View, begin: int, size: int, unit: int) -> Iterator[tuple[int, int]]:
    """Place and own cluster number of directories behind the FATs."""
    found = 0
    for base in range(begin, min(size, begin + _SEARCHED), _CHUNK):
        reading = view.peek.reading(view.start + base, _CHUNK + 64)
        at = reading.data.find(_DOT)
        while 0 <= at < _CHUNK:
            entry = reading.data[at : at + 64]
            if (base + at) % unit == 0 and len(entry) == 64 and entry[11] & 0x10 and entry[32:43] == _DOTS:
                number = u16(entry, 20) << 16 | u16(entry, 26)
                if number >= 2:
                    found += 1
                    yield base + at, number
            at = reading.data.find(_DOT, at + 1)
        if found >= _DIRECTORIES:
            return


def _layout(view: View, fats: _Fats, directories: list[tuple[int, int]], size: int, unit: int) -> _Layout | None:
    """The layout that most directories agree with; of equals the one whose FAT has the right length."""
    last = _last_used(view, fats)
    best: _Layout | None = None
    for sectors in (1, 2, 4, 8, 16, 32, 64, 128):
        for roots in _root_sizes(fats, directories, sectors * unit, unit):
            one = _laid(fats, directories, size, unit, sectors, roots)
            if one is None or last > one.clusters + 1:
                continue
            if best is None or (one.agree, one.fits) > (best.agree, best.fits):
                best = one
    if best is None or not (best.fits or (best.agree and best.agree * 2 >= len(directories))):
        return None
    return best


def _root_sizes(fats: _Fats, directories: list[tuple[int, int]], cluster: int, unit: int) -> list[int]:
    """How many entries the root directory may have: what directories say, then what is usual."""
    if fats.kind == "fat32":
        return [0]
    rooms = Counter(place - (number - 2) * cluster - fats.behind for place, number in directories)
    told = [room // 32 for room, _ in rooms.most_common(3) if room > 0 and room % unit == 0 and room // 32 < 65536]
    return list(dict.fromkeys([*told, 512, 224, 112, 240]))


def _laid(
    fats: _Fats, directories: list[tuple[int, int]], size: int, unit: int, sectors: int, roots: int
) -> _Layout | None:
    data = fats.behind + -(-roots * 32 // unit) * unit
    total, bits = size // unit, _BITS[fats.kind]
    room = fats.step * 8 // bits - 2
    clusters = (total - data // unit) // sectors
    if clusters > room:  # the partition is larger than the volume was
        clusters = room
        total = data // unit + clusters * sectors
    low, high = {"fat12": (1, 4084), "fat16": (4085, 65524), "fat32": (1, 0x0FFFFFF5)}[fats.kind]
    if not low <= clusters <= high:
        return None
    needed = -(-(clusters + 2) * bits // (8 * unit))
    spare = fats.step // unit - needed
    fits = total == size // unit and 0 <= spare <= max(8, needed // 16)
    agree = sum(place == data + (number - 2) * sectors * unit for place, number in directories)
    return _Layout(sectors, data, roots, clusters, total, agree, fits)


def _last_used(view: View, fats: _Fats) -> int:
    """Number of the last cluster that the first FAT calls used, as far as it was looked at."""
    bits = _BITS[fats.kind]
    for at in range((min(fats.step, _COMPARED) - 1) // _CHUNK * _CHUNK, -1, -_CHUNK):
        data = view.peek.reading(view.start + fats.first + at, min(_CHUNK, fats.step - at)).data.rstrip(b"\0")
        if data:
            return (at + len(data) - 1) * 8 // bits
    return 0


def _made(
    view: View, fats: _Fats, layout: _Layout, unit: int, hidden: int, names: tuple[str, ...], seen: int
) -> Proposal | None:
    wide = fats.kind == "fat32"
    reserved = fats.first // unit
    if not 0 < reserved < 65536 or (not wide and fats.step // unit > 65535):
        return None
    backup = 6 if wide and reserved > 6 else 0
    fsinfo = 1 if wide and reserved > 1 else 0
    boot = _sector(fats, layout, unit, hidden, reserved, fsinfo, backup)
    if parse(boot[:512]) is None:
        return None
    place = view.start + fats.first
    evidence = [Evidence("FAT 1", place), Evidence("FAT 2, the same", place + fats.step)]
    notes = [f"2 FATs of {fats.step // unit} sectors after {reserved} reserved ones, equal in all that was compared"]
    if layout.agree:
        told = f"directories that stand where clusters of {layout.sectors * unit} bytes put them"
        notes.append(f"{told}: {layout.agree} of {seen}")
        evidence.append(Evidence("directories at their clusters", view.start + layout.data))
    else:
        size = layout.sectors * unit
        notes.append(f"no directory confirms clusters of {size} bytes: they follow from the FAT's length")
    if not layout.fits:
        notes.append("the FAT has not the length that a volume of the partition's size needs: its end is not certain")
    notes.append("serial number and boot code are lost: the volume is readable, but no system starts from it")
    confidence: Confidence = "low"
    if layout.agree >= 2 and layout.agree * 2 >= seen and layout.fits:
        confidence = "high"
    elif layout.agree or (layout.fits and names):
        confidence = "medium"
    places = ((backup * unit, 0) if backup else (0,))
    return Proposal(fats.kind, fats.kind.upper(), boot, places, fsinfo * unit or None, confidence, tuple(evidence),
                    tuple(notes), names)  # fmt: skip


def _sector(
    fats: _Fats, layout: _Layout, unit: int, hidden: int, reserved: int, fsinfo: int, backup: int
) -> bytes:
    """Field by field; what cannot be known is as formatting tools write it."""
    wide = fats.kind == "fat32"
    small = not wide and layout.total < 65536
    boot = bytearray(unit)
    boot[:3] = b"\xeb\x58\x90" if wide else b"\xeb\x3c\x90"
    struct.pack_into(
        "<8sHBHBHHBHHHII", boot, 3, b"MSDOS5.0", unit, layout.sectors, reserved, 2, layout.roots,
        layout.total if small else 0, fats.media, 0 if wide else fats.step // unit, 63, 255, hidden & 0xFFFFFFFF,
        0 if small else layout.total,
    )  # fmt: skip
    at = 36
    if wide:
        struct.pack_into("<IHHIHH", boot, 36, fats.step // unit, 0, 0, 2, fsinfo, backup)
        at = 64
    drive = 0x80 if fats.media == 0xF8 else 0
    struct.pack_into("<BBBI11s8s", boot, at, drive, 0, 0x29, 0, b"NO NAME    ", f"{fats.kind.upper():<8}".encode())
    boot[510:512] = b"\x55\xaa"
    return bytes(boot)


