"""HFS+ and HFSX: volume header, allocation file, catalog and the other special files."""

from __future__ import annotations

import struct

from engine.filesystems.layout.model import Area, Layout, Runs, RunsOf, bits, bits_in, ranges_of
from engine.filesystems.reading import Copy
from engine.ranges import RangeSet
from engine.source import Source

_SPECIAL = {"$AllocationFile": "allocation file", "$ExtentsFile": "extents overflow file", "$CatalogFile": "catalog",
            "$AttributesFile": "attributes file", "$StartupFile": "start-up file"}  # fmt: skip


def _header(source: Source) -> tuple[int, int, list[tuple[int, int]]] | None:
    """(block size, blocks, first extents of the allocation file) from the volume header or its copy near the end."""
    for offset in (1024, source.size - 1024):
        reading = source.read(max(0, offset), 512)
        data = reading.data
        if len(data) < 512 or not reading.whole or data[:2] not in (b"H+", b"HX"):
            continue
        block, blocks = struct.unpack_from(">II", data, 40)
        if 512 <= block <= 1 << 24 and not block & (block - 1) and blocks:
            extents = [struct.unpack_from(">II", data, 112 + 16 + 8 * index) for index in range(8)]
            return block, blocks, [(start * block, count * block) for start, count in extents if count]
    return None


def copies(source: Source) -> list[Copy]:
    """The volume header stands once more 1024 bytes before the end."""
    if source.size < 4096:
        return []
    there = source.read(source.size - 1024, 512)
    alike = there.whole and there.data[:2] in (b"H+", b"HX")
    return [Copy(1024, 512, source.size - 1024, "volume header")] if alike else []


def layout(source: Source, family: str, runs_of: RunsOf) -> Layout | None:
    """The layout from the volume header and the special files."""
    import numpy as np

    head = _header(source)
    if head is None:
        return None
    block, blocks, first = head
    total = min(block * blocks, source.size)
    areas = [Area(0, 1536, "boot blocks and volume header"), Area(max(0, total - 1024), total, "copy of the header")]
    for name, what in _SPECIAL.items():
        areas += [Area(start, start + size, what) for start, size in runs_of(name)]
    bitmap: Runs = runs_of("$AllocationFile") or first
    used, unread = np.ones(blocks, bool), np.ones(blocks, bool)
    at = 0
    for start, size in bitmap:
        count = min(blocks - at, size * 8)
        if count <= 0:
            break
        reading = source.read(start, -(-count // 8))
        got = min(count, len(reading.data) * 8)
        used[at : at + got] = bits(reading.data, got, "big")
        unread[at : at + got] = bits_in(RangeSet(reading.holes), start, got)
        at += count
    return Layout(family, block, total, tuple(areas), ranges_of(~used & ~unread, 0, block), ranges_of(unread, 0, block),
                  tail=RangeSet.of(block * blocks, total))  # fmt: skip
