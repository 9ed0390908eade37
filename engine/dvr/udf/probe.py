"""Where a UDF partition begins: by volume descriptors, by its file set descriptor alone, or by its file entries."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable

from engine.dvr.disk import Disk
from engine.dvr.model import Finding, Rung
from engine.dvr.sweep import blocks_in
from engine.dvr.udf.entries import read_entry
from engine.dvr.udf.read import root_names
from engine.dvr.udf.structs import (
    ANCHOR,
    BLOCK,
    EXTENDED_ENTRY,
    FILE_ENTRY,
    FILE_SET,
    LOGICAL_VOLUME,
    PARTITION,
    TERMINATOR,
    long_ad,
    read_tag,
)
from engine.progress import SILENT, Reporter
from engine.source import Source

PHASES = (0, 512, 1024, 1536, -512, -1024, -1536)
_SEARCHED = 1 << 30
_MAX_SEQUENCE = 64
_FOLDERS = {"DVD_RTAV", "RTAV", "RECORDINGS_", "BDAV"}


def probe_at(source: Source, places: Iterable[int], *, swapped: bool = False) -> list[Finding]:
    """Findings for file set descriptors seen at ``places`` (a bare tree: the place is block 0 of the partition)."""
    found = []
    for place in places:
        disk = Disk(source, place)
        data = disk.get(0, 512)
        tag = read_tag(data)
        if data is None or tag is None or tag.kind != FILE_SET:
            continue
        reasons = [f"file set descriptor at byte {place}, no volume around it"]
        found.append(_finding(disk, data, place, reasons, "bare", "Panasonic DVD recorder (E80H class)", swapped))
    return sorted(found, key=lambda one: -one.confidence)


def probe(source: Source, *, swapped: bool = False) -> list[Finding]:
    """A finding for a disk with volume descriptors."""
    for phase in PHASES:
        disk = Disk(source, phase)
        start = _by_volume(disk)
        if start is None:
            continue
        base, place = start
        data = Disk(source, base).get(place - base, 512)
        tag = read_tag(data)
        if data is None or tag is None or tag.kind != FILE_SET:
            continue
        reasons = [f"volume descriptors; the partition begins at byte {base}"]
        recorder = "Toshiba RD or another recorder with swapped UDF" if swapped else "UDF disc or disk (DVD-VR)"
        return [_finding(Disk(source, base), data, place, reasons, "volume", recorder, swapped)]
    return []


def _by_volume(disk: Disk) -> tuple[int, int] | None:
    """Start of the partition and place of the file set descriptor (positions in the source), by the anchor."""
    anchor = disk.get(256 * BLOCK, 512)
    tag = read_tag(anchor)
    if anchor is None or tag is None or tag.kind != ANCHOR:
        return None
    for at in (16, 24):
        size, sector = struct.unpack_from("<II", anchor, at)
        start, file_set = None, None
        for number in range(min(size // BLOCK, _MAX_SEQUENCE)):
            data = disk.get((sector + number) * BLOCK, 512)
            kind = read_tag(data)
            if data is None or kind is None:
                continue
            disk.note((sector + number) * BLOCK, 512)
            if kind.kind == PARTITION:
                start = struct.unpack_from("<I", data, 188)[0] * BLOCK
            elif kind.kind == LOGICAL_VOLUME:
                file_set = long_ad(data, 248).block
            elif kind.kind == TERMINATOR:
                break
        if start is not None and file_set is not None:
            return start + disk.base, start + file_set * BLOCK + disk.base
    return None


def _finding(
    disk: Disk, data: bytes, place: int, reasons: list[str], variant: str, recorder: str, swapped: bool
) -> Finding:
    root = read_entry(disk, long_ad(data, 400).block, note=False)
    confidence = 0.6
    if root is not None and root.directory:
        confidence = 0.9
        reasons.append("it leads to a root directory")
        names = {one.name.upper() for one in root_names(disk, root)}
        if names & _FOLDERS:
            reasons.append(f"with {', '.join(sorted(names & _FOLDERS))}")
        elif variant == "volume":
            # Any DVD or card is UDF; only the folder tells a recorder's.
            confidence = 0.4
            reasons.append("without a folder of recordings")
    if swapped:
        reasons.append("the two bytes of each word are exchanged")
    if disk.base % BLOCK:
        reasons.append(f"blocks count from byte {disk.base} of the image")
    return Finding("udf", variant, recorder, confidence, tuple(reasons), disk.base, swapped, place=place)


def search(source: Source, *, swapped: bool = False, deep: bool = False, reporter: Reporter = SILENT) -> list[Finding]:
    """For a disk without file set descriptor: file entries know their own block, which tells where block 0 is."""
    import numpy as np

    votes: Counter[int] = Counter()
    high = source.size if deep else min(source.size, _SEARCHED)
    disk = Disk(source, reporter=reporter)
    for first, rows in blocks_in(disk, 0, high, 512):
        kind = rows[:, 0].astype(np.int64) | rows[:, 1].astype(np.int64) << 8
        wanted = ((kind == FILE_ENTRY) | (kind == EXTENDED_ENTRY)) & (rows[:, 3] == 0) & (rows[:, 5] == 0)
        for row in np.flatnonzero(wanted).tolist():
            tag = read_tag(rows[row, :16].tobytes())
            base = (first + row) * 512 - tag.location * BLOCK if tag is not None else -BLOCK
            if base > -BLOCK:
                votes[base] += 1
        if len(votes) > 10_000:
            break
    if not votes:
        return []
    base, count = votes.most_common(1)[0]
    if count < 2:
        return []
    reasons = (f"no file set descriptor; {count} file entries agree that the partition begins at byte {base}",)
    return [Finding("udf", "bare", "UDF of a recorder", min(0.8, 0.4 + 0.1 * count), reasons, base, swapped,
                    rung=Rung.ORPHAN)]  # fmt: skip
