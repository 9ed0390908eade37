"""NTFS: boot sector, $MFT, $Bitmap, $BadClus; file records and what their $DATA attributes say of initialised size."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.filesystems.layout.model import Area, Layout, Runs, RunsOf, ranges_of, read_bitmap
from engine.filesystems.reading import Copy
from engine.ranges import RangeSet
from engine.source import Source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

OWN_FILES = ("$MFT", "$MFTMirr", "$LogFile", "$AttrDef", "$Bitmap", "$Boot", "$Secure", "$UpCase")
_CHUNK_RECORDS = 4096
_MAX_ATTRIBUTES = 64


@dataclass(frozen=True, slots=True)
class Boot:
    """``total`` without the last sector, which holds the copy of the boot sector; all in bytes."""

    sector: int
    cluster: int
    total: int
    mft: int
    mirror: int
    record: int


def read_boot(source: Source) -> Boot | None:
    """The boot sector, or its copy in the volume's last sector."""
    for offset in (0, (source.size - 1) // 512 * 512, (source.size - 1) // 4096 * 4096):
        reading = source.read(offset, 512)
        data = reading.data
        if len(data) < 512 or not reading.whole or data[3:11] != b"NTFS    ":
            continue
        sector, per = struct.unpack_from("<HB", data, 11)
        total, mft, mirror = struct.unpack_from("<QQQ", data, 40)
        code = struct.unpack_from("<b", data, 64)[0]
        per = 1 << (256 - per) if per > 0x80 else per
        if sector not in (512, 1024, 2048, 4096) or not 0 < per <= 4096 or total >= 1 << 54:
            continue
        cluster = sector * per
        record = code * cluster if code > 0 else 1 << -code if -code < 20 else 0
        if 256 <= record <= 65536:
            return Boot(sector, cluster, total * sector, mft * cluster, mirror * cluster, record)
    return None


def copies(source: Source) -> list[Copy]:
    """The boot sector stands once more in the last sector; the first four file records in $MFTMirr."""
    boot = read_boot(source)
    if boot is None:
        return []
    return [
        Copy(0, boot.sector, boot.total, "boot sector"),
        Copy(boot.mft, 4 * boot.record, boot.mirror, "first records of the $MFT"),
    ]


def record_place(mft: Runs, record: int, number: int) -> tuple[int, int] | None:
    """Where a file record lies, by the runs of the $MFT."""
    at = number * record
    for start, size in mft:
        if at < size:
            return start + at, record
        at -= size
    return None


def layout(source: Source, family: str, runs_of: RunsOf) -> Layout | None:
    """The layout from the places of the volume's own files."""
    boot = read_boot(source)
    if boot is None:
        return None
    clusters = boot.total // boot.cluster
    areas = [Area(start, start + size, name) for name in OWN_FILES for start, size in runs_of(name)]
    if boot.total + boot.sector <= source.size:
        areas.append(Area(boot.total, boot.total + boot.sector, "copy of the boot sector"))
    mft = runs_of("$MFT") or ((boot.mft, 16 * boot.record),)
    if not runs_of("$MFT"):
        areas.append(Area(boot.mft, boot.mft + 16 * boot.record, "first records of the $MFT"))
        areas.append(Area(0, boot.sector, "boot sector"))
    used, unread = read_bitmap(source, runs_of("$Bitmap"), clusters)
    bad = RangeSet((start, start + size) for start, size in runs_of("$BadClus"))
    total = min(boot.total, source.size)
    return Layout(
        family, boot.cluster, total, tuple(areas), ranges_of(~used & ~unread, 0, boot.cluster).subtract(bad),
        ranges_of(unread, 0, boot.cluster), bad, RangeSet.of(clusters * boot.cluster, total),
        lambda number: record_place(mft, boot.record, number),
    )  # fmt: skip


def shorter_streams(source: Source, mft: Runs, record: int) -> dict[tuple[int, int], int]:
    """(record, attribute id) -> initialised size, for each $DATA whose initialised size is below its size.

    Streams whose header stands in an extension record are not found: they count as initialised.
    """
    found: dict[tuple[int, int], int] = {}
    number = 0
    for start, size in mft:
        for at in range(start, start + size, _CHUNK_RECORDS * record):
            count = min(_CHUNK_RECORDS, (start + size - at) // record)
            data = source.read(at, count * record).data
            count = len(data) // record
            if count:
                for index, attribute, valid in _shorter(_records(data, count, record)):
                    found[number + index, attribute] = valid
            number += min(_CHUNK_RECORDS, (start + size - at) // record)
    return found


def _records(data: bytes, count: int, record: int) -> npt.NDArray[np.uint8]:
    """Records with their fixups undone; those that are none are zeros."""
    import numpy as np

    table = np.frombuffer(data[: count * record], np.uint8).reshape(count, record).copy()
    place = table[:, 4].astype(np.int64) | table[:, 5].astype(np.int64) << 8
    good = (table[:, 0] == 0x46) & (table[:, 1] == 0x49) & (place + 2 * (record // 512 + 1) <= 510)
    table[~good] = 0
    rows = np.flatnonzero(good)
    for sector in range(record // 512):
        for byte in (0, 1):
            table[rows, sector * 512 + 510 + byte] = table[rows, place[rows] + 2 + 2 * sector + byte]
    return table


def _shorter(table: npt.NDArray[np.uint8]) -> Iterator[tuple[int, int, int]]:
    """All records step through their attributes together."""
    import numpy as np

    count, record = table.shape
    flat = np.concatenate((table.reshape(-1), np.zeros(80, np.uint8)))
    base = np.arange(count, dtype=np.int64) * record

    def number(at: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
        value = np.zeros(at.size, np.int64)
        for byte in range(size):
            value |= flat[at + byte].astype(np.int64) << (8 * byte)
        return value

    offset = number(base + 20, 2)
    rows = np.flatnonzero((offset >= 40) & (offset + 16 <= record))
    for _ in range(_MAX_ATTRIBUTES):
        if not rows.size:
            return
        at = base[rows] + offset[rows]
        kind, length = number(at, 4), number(at + 4, 4)
        data = (kind == 0x80) & (flat[at + 8] == 1) & (offset[rows] + 64 <= record)
        there = at[data]
        first, real, valid = number(there + 16, 8), number(there + 48, 8), number(there + 56, 8)
        short = (first == 0) & (valid < real) & (valid >= 0)
        yield from zip(
            rows[data][short].tolist(), number(there[short] + 14, 2).tolist(), valid[short].tolist(), strict=True
        )
        go = (kind != 0xFFFFFFFF) & (kind != 0) & (length >= 16) & (offset[rows] + length + 16 <= record)
        offset[rows] += length
        rows = rows[go]
