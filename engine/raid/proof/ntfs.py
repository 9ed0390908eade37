"""NTFS: MFT records that carry their own number, their fixups, the MFT's mirror, the copy of the boot sector."""

from __future__ import annotations

from engine.raid.proof.points import Points, le, spread

_MOST_RECORDS = 600
_MOST_RUNS = 4096


def prove(points: Points, start: int) -> bool:
    """Look at the volume at ``start``; False when there is none."""
    boot = points.read(start, 512)
    if boot is None or boot[3:11] != b"NTFS    " or boot[510:] != b"\x55\xaa":
        return False
    sector, per = le(boot, 11, 2), boot[13]
    per = per if per < 0x81 else 1 << (256 - per)
    cluster, total = sector * per, le(boot, 40, 8) * sector
    size = boot[64] * cluster if boot[64] < 0x80 else 1 << (256 - boot[64])
    if sector not in (512, 1024, 2048, 4096) or not per or size not in (512, 1024, 2048, 4096):
        return points.check("boot sectors of NTFS", start, False)
    points.check("boot sectors of NTFS", start, True)
    copy = points.read(start + total, sector)
    if copy is not None:
        points.check("copies of the boot sector", start + total, copy[:80] == boot[:80])
    mft, mirror = start + le(boot, 48, 8) * cluster, start + le(boot, 56, 8) * cluster
    first = points.read(mft, size)
    record = fixed(first) if first is not None else None
    if not points.check("MFT records", mft, record is not None and record[:4] == b"FILE"):
        return True
    assert record is not None
    for number in range(4):
        one, other = points.read(mft + number * size, size), points.read(mirror + number * size, size)
        if one is not None and other is not None:
            points.check("records of the MFT's mirror", mirror + number * size, one[:48] == other[:48])
    runs, length = _data_runs(record, cluster)
    for number in spread(length // size, _MOST_RECORDS):
        if 12 <= number < 24:  # kept for later: formatters leave all kinds of things there
            continue
        at = _place(runs, number * size)
        data = points.read(start + at, size) if at is not None else None
        if data is None or at is None or not any(data):
            continue
        one_fixed = fixed(data)
        right = one_fixed is not None and (le(one_fixed, 4, 2) < 48 or le(one_fixed, 44, 4) == number)
        points.check("MFT records", start + at, right)
    return True


def fixed(record: bytes) -> bytes | None:
    """A record with its fixups put back; None when it is none, or torn."""
    if record[:4] not in (b"FILE", b"INDX"):
        return None
    offset, count = le(record, 4, 2), le(record, 6, 2)
    if count < 2 or (count - 1) * 512 > len(record) or offset + 2 * count > len(record):
        return None
    out = bytearray(record)
    for number in range(1, count):
        end = number * 512
        if out[end - 2 : end] != record[offset : offset + 2]:
            return None
        out[end - 2 : end] = record[offset + 2 * number : offset + 2 * number + 2]
    return bytes(out)


def _data_runs(record: bytes, cluster: int) -> tuple[list[tuple[int, int]], int]:
    """Extents (start, size in bytes) of the unnamed $DATA, and its initialised size."""
    at = le(record, 20, 2)
    while at + 24 <= len(record):
        kind, length = le(record, at, 4), le(record, at + 4, 4)
        if kind == 0xFFFFFFFF or length < 24 or at + length > len(record):
            break
        if kind == 0x80 and record[at + 8] == 1 and record[at + 9] == 0:
            return _runs(record[at + le(record, at + 32, 2) : at + length], cluster), le(record, at + 56, 8)
        at += length
    return [], 0


def _runs(data: bytes, cluster: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = lcn = 0
    while at < len(data) and data[at] and len(found) < _MOST_RUNS:
        lengths, offsets = data[at] & 15, data[at] >> 4
        if not 1 <= lengths <= 8 or not 1 <= offsets <= 8 or at + 1 + lengths + offsets > len(data):
            break
        count = le(data, at + 1, lengths)
        lcn += int.from_bytes(data[at + 1 + lengths : at + 1 + lengths + offsets], "little", signed=True)
        if lcn < 0:
            break
        found.append((lcn * cluster, count * cluster))
        at += 1 + lengths + offsets
    return found


def _place(runs: list[tuple[int, int]], offset: int) -> int | None:
    for start, size in runs:
        if offset < size:
            return start + offset
        offset -= size
    return None
