"""An NTFS boot sector from the $MFT, its mirror, $Bitmap, $BadClus and the root directory's index."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from engine.partitions.rebuilt.model import Confidence, Proposal
from engine.partitions.rebuilt.ntfs_root import index_size, read_root
from engine.partitions.volumes import Confirmation, Evidence
from engine.partitions.volumes.bits import is_power, u8, u16, u32, u64
from engine.partitions.volumes.ntfs import attributes, first_run, parse, read_record
from engine.partitions.volumes.ntfs_mft import examine, locate
from engine.partitions.volumes.view import View

_CHUNK = 1 << 20


def propose_ntfs(view: View, size: int, unit: int, hidden: int, front: int) -> Proposal | None:
    """The boot sector of the NTFS volume in the view; ``unit`` is the disk's sector. None when there is no $MFT."""
    volume = examine(View(view.peek, view.start, size, tuple(_mfts(view, min(front, size)))))
    if volume is None or not volume.evidence or volume.size is None:
        return None
    place = volume.evidence[0].offset - view.start
    record = next((size for size in (1024, 4096) if _is_first(view, place, size)), None)
    run = first_run(read_record(view, place, record) or b"") if record else None
    mirror = first_run(read_record(view, place + record, record) or b"") if record else None
    if record is None or run is None or mirror is None:
        return None
    lcn, cluster = run
    if not is_power(cluster // unit if cluster % unit == 0 else 0, 1, 4096):
        return None
    clusters = volume.size // cluster
    spare = cluster // unit
    total, notes = clusters * spare, []
    whole = size // unit - 1  # the last sector is the backup's
    if total <= whole < total + spare:
        total = whole
    else:
        notes.append("the partition has not the size of the volume: its end is told by $BadClus, in whole clusters")
    root = read_record(view, place + 5 * record, record) or b""
    index = index_size(root)
    if index is None:
        index = 4096
        notes.append("the size of index blocks is the usual one: the root directory was not readable")
    names = read_root(view, root, cluster, index)
    boot = _sector(unit, cluster, total, lcn, mirror[0], record, index, hidden)
    if parse(boot[:512]) is None:
        return None
    evidence = list(volume.evidence)
    bits = _bitmap(read_record(view, place + 6 * record, record) or b"")
    agreed = bits is not None and clusters <= bits < clusters + 8 * 4096
    if agreed:
        evidence.append(Evidence("$Bitmap has a bit for each cluster", view.start + place + 6 * record))
    else:
        notes.append("$Bitmap does not confirm the number of clusters")
    confidence: Confidence = "low"
    if volume.confirmation is Confirmation.CONFIRMED and agreed and names is not None:
        confidence = "high"
    elif volume.confirmation is Confirmation.CONFIRMED or agreed:
        confidence = "medium"
    told = [
        f"$MFT in cluster {lcn}, $MFTMirr in cluster {mirror[0]}, clusters of {cluster} bytes, {clusters} of them",
        *notes,
        "serial number and boot code are lost: the volume is readable, but no system starts from it",
    ]
    return Proposal("ntfs", "NTFS", boot, (total * unit, 0), None, confidence, tuple(evidence), tuple(told),
                    names or ())  # fmt: skip


def _mfts(view: View, front: int) -> Iterator[int]:
    """Where the $MFT stands, by itself or by its mirror in the first bytes of the volume."""
    for base in range(0, front, _CHUNK):
        data = view.peek.reading(view.start + base, min(_CHUNK, front - base)).data
        at = data.find(b"FILE")
        while at >= 0:
            here = base + at
            if here % 512 == 0 and u32(data, at + 0x2C) == 0 and len(data) - at >= 0x30 and u16(data, at + 0x16) == 1:
                found = locate(View(view.peek, view.start + here))
                # both places that it names, seen from a volume that begins here
                for distance in found:
                    if here + distance == 0:
                        run = first_run(read_record(view, here, 1024) or read_record(view, here, 4096) or b"")
                        if run is not None:
                            yield run[0] * run[1]
            at = data.find(b"FILE", at + 1)


def _is_first(view: View, place: int, size: int) -> bool:
    data = read_record(view, place, size)
    return data is not None and u32(data, 0x1C) == size


def _bitmap(record: bytes) -> int | None:
    """How many bits $Bitmap has."""
    for kind, attribute in attributes(record) if record else ():
        if kind == 0x80 and u8(attribute, 9) == 0:
            return 8 * (u64(attribute, 0x30) if attribute[8] else u32(attribute, 0x10))
    return None


def _sector(
    unit: int, cluster: int, total: int, lcn: int, mirror: int, record: int, index: int, hidden: int
) -> bytes:
    sectors = cluster // unit
    boot = bytearray(unit)
    boot[:11] = b"\xeb\x52\x90NTFS    "
    struct.pack_into("<HB", boot, 0x0B, unit, sectors if sectors <= 128 else 256 - (sectors.bit_length() - 1))
    boot[0x15] = 0xF8
    struct.pack_into("<HHI", boot, 0x18, 63, 255, hidden & 0xFFFFFFFF)
    boot[0x24:0x28] = b"\x80\x00\x80\x00"
    struct.pack_into("<QQQ", boot, 0x28, total, lcn, mirror)
    boot[0x40], boot[0x44] = _unit_code(record, cluster), _unit_code(index, cluster)
    boot[510:512] = b"\x55\xaa"
    return bytes(boot)


def _unit_code(size: int, cluster: int) -> int:
    """Clusters, or the negative power of two in bytes where it is less than a cluster."""
    return size // cluster if size >= cluster else 256 - (size.bit_length() - 1)
