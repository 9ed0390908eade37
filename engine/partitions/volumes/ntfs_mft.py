"""NTFS whose boot sectors are both gone: found by its $MFT, whose first record says where it stands itself.

Size of a cluster and place come from record 0, that of $MFTMirr from record 1, the volume's size from $BadClus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.partitions.volumes.bits import is_power, text, u8, u16, u32, u64
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Confirmation, Volume
from engine.partitions.volumes.ntfs import attributes, first_run, read_record, resident
from engine.partitions.volumes.sieve import has, little
from engine.partitions.volumes.view import Findings, View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows

_RECORDS = (1024, 4096)
_USUAL = (4 * 4096, 786432 * 4096)
"""Where mkntfs and Windows put the $MFT of a volume with clusters of 4 KiB."""


def examine(view: View) -> Volume | None:
    """The volume at the view's start, when its $MFT stands at one of ``copies`` or at a usual place."""
    for place in (*view.copies, *_USUAL):
        for size in _RECORDS:
            record = read_record(view, place, size) if place > 0 else None
            if record is None or u32(record, 0x1C) != size:
                continue
            run = first_run(record)
            if run is not None and run[0] * run[1] == place:
                found = _volume(view, record, place, size, run[1])
                if found is not None:
                    return found
    return None


def _volume(view: View, record: bytes, place: int, size: int, cluster: int) -> Volume | None:
    found = Findings(view)
    found.seen("$MFT", place)
    found.problem("boot-sector-bad", "both boot sectors are bad; place and size come from the $MFT")
    mirror = read_record(view, place + size, size)
    run = first_run(mirror) if mirror else None
    if run is None:
        return None
    head = read_record(view, run[0] * cluster, size)
    # Nothing else settles it: where clusters are large, the mirror looks like a whole $MFT itself.
    found.confirm("$MFTMirr", run[0] * cluster, size, None if head is None else head[0x30:] == record[0x30:])
    name = resident(read_record(view, place + 3 * size, size) or b"", 0x60)
    bad = read_record(view, place + 8 * size, size)
    length = _bad_clusters(bad) if bad else None
    if length is None or found.confirmation is Confirmation.CONTRADICTED:
        return None
    return Volume(
        "ntfs", view.start, length, label=text(name[:256], "utf-16-le") if name else "", block_size=cluster,
        tail=512, by_backup=True, confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _bad_clusters(record: bytes) -> int | None:
    """Size of $BadClus:$Bad, which is as long as the volume (in whole clusters)."""
    for kind, attribute in attributes(record):
        name = attribute[u16(attribute, 10) : u16(attribute, 10) + 2 * u8(attribute, 9)]
        if kind == 0x80 and attribute[8] == 1 and name == "$Bad".encode("utf-16-le"):
            size = u64(attribute, 0x28)
            return size if 0 < size < 1 << 62 else None
    return None


def locate(view: View) -> list[int]:
    """Record 0 of the $MFT, or its copy in $MFTMirr: records 0 and 1 say where either stands."""
    for size in _RECORDS:
        record = read_record(view, 0, size)
        if record is None or u32(record, 0x1C) != size:
            continue
        run, other = first_run(record), read_record(view, size, size)
        mirror = first_run(other) if other else None
        if run is not None and is_power(run[1], 512, 2 << 20):
            return [-one[0] * run[1] for one in (run, mirror) if one is not None]
    return []


def _sieve(rows: Rows) -> Mask:
    """Record number 0, in use, with attributes; records older than XP carry no number."""
    first = (little(rows, 0x2C, 4) == 0) & (little(rows, 0x16, 2) == 1) & (rows[:, 5] == 0)
    return cast("Mask", has(0, b"FILE")(rows) & first)


FAMILY = Family("ntfs-mft", examine, (Mark(0, b"FI", _sieve, locate),))
