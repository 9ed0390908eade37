"""FAT: copies of the table, the copy of the boot sector, directories whose first entry names their own cluster."""

from __future__ import annotations

from engine.raid.proof.points import Points, le, spread

_PLACES = 96
_MOST_FOLDERS = 400


def prove(points: Points, start: int) -> bool:
    """Look at the volume at ``start``; False when there is none."""
    boot = points.read(start, 512)
    if boot is None or boot[510:] != b"\x55\xaa" or (boot[82:85] != b"FAT" and boot[54:57] != b"FAT"):
        return False
    sector, per, reserved, copies = le(boot, 11, 2), boot[13], le(boot, 14, 2), boot[16]
    wide = boot[82:85] == b"FAT"
    length = le(boot, 36, 4) if wide else le(boot, 22, 2)
    total = le(boot, 19, 2) or le(boot, 32, 4)
    roots = le(boot, 17, 2) * 32
    sane = sector in (512, 1024, 2048, 4096) and per in (1, 2, 4, 8, 16, 32, 64, 128) and reserved and copies in (1, 2)
    if not sane or not length or not total:
        return points.check("boot sectors of FAT", start, False)
    points.check("boot sectors of FAT", start, True)
    if wide and le(boot, 50, 2) not in (0, 0xFFFF):
        at = start + le(boot, 50, 2) * sector
        copy = points.read(at, 90)
        if copy is not None:
            points.check("copies of the boot sector", at, copy == boot[:90])
    table = start + reserved * sector
    if copies == 2:
        for number in spread(length, _PLACES):
            one = points.read(table + number * sector, sector)
            other = points.read(table + (length + number) * sector, sector)
            if one is not None and other is not None and (any(one) or any(other)):
                points.check("equal places of the two FATs", table + number * sector, one == other)
    data = table + copies * length * sector + roots
    cluster = sector * per

    def place(number: int) -> int:
        return data + (number - 2) * cluster

    clusters = (total * sector - (data - start)) // cluster
    root = [(place(le(boot, 44, 4)), cluster)] if wide else [(data - roots, roots)]
    _folders(points, root, place, cluster, clusters, wide)
    return True


def _folders(points: Points, waiting, place, cluster: int, clusters: int, wide: bool) -> None:  # type: ignore[no-untyped-def]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_FOLDERS:
        at, size = waiting.pop(0)
        content = points.read(at, min(size, 64 << 10))
        for entry in range(0, len(content or b""), 32):
            assert content is not None
            one = content[entry : entry + 32]
            if not one[0]:
                break
            first = le(one, 26, 2) | (le(one, 20, 2) << 16 if wide else 0)
            folder = one[11] & 0x10 and one[11] != 0x0F and one[0] not in (0xE5, 0x2E)
            if not folder or first in seen or not 2 <= first < clusters + 2:
                continue
            seen.add(first)
            head = points.read(place(first), 32)
            if head is None:
                continue
            own = le(head, 26, 2) | (le(head, 20, 2) << 16 if wide else 0)
            right = head[:11] == b".          " and own == first
            if points.check("directories that name themselves", place(first), right):
                waiting.append((place(first), cluster))
