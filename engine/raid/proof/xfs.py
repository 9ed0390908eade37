"""XFS: each allocation group's headers carry its number; inode chunks lie where the groups' trees say."""

from __future__ import annotations

from engine.raid.proof.points import Points, be, spread

_MOST_GROUPS = 64
_MOST_CHUNKS = 400


def prove(points: Points, start: int) -> bool:
    """Look at the volume at ``start``; False when there is none."""
    head = points.read(start, 512)
    if head is None or head[:4] != b"XFSB" or head[126]:
        return False
    block, blocks, groups = be(head, 4, 4), be(head, 84, 4), be(head, 88, 4)
    sector, inode, per = be(head, 102, 2), be(head, 104, 2), head[123]
    sane = block in (512 << k for k in range(8)) and sector in (512 << k for k in range(7)) and 0 < groups <= 1 << 20
    if not sane or not blocks or inode not in (256, 512, 1024, 2048) or per > 8:
        return points.check("superblocks of XFS", start, False)
    points.check("superblocks of XFS", start, True)
    five = be(head, 100, 2) & 15 == 5
    chunks = 0
    for group in spread(groups, _MOST_GROUPS):
        at = start + group * blocks * block
        one = points.read(at, 48)
        if one is None:
            continue
        if group:
            points.check("superblocks of groups", at, one[:4] == b"XFSB" and one[32:48] == head[32:48])
        agf, agi = points.read(at + sector, 64), points.read(at + 2 * sector, 64)
        if agf is None or agi is None:
            continue
        points.check("AGF headers", at + sector, agf[:4] == b"XAGF" and be(agf, 8, 4) == group)
        if points.check("AGI headers", at + 2 * sector, agi[:4] == b"XAGI" and be(agi, 8, 4) == group):
            chunks += _chunks(points, at, block, be(agi, 20, 4), group, inode, per, five, _MOST_CHUNKS - chunks,
                              head[124])  # fmt: skip
    return True


def _chunks(
    points: Points, at: int, block: int, root: int, group: int, inode: int, per: int, five: bool, most: int, shift: int
) -> int:
    """Inode chunks of a group's tree: the first inode of each."""
    header = 56 if five else 16
    data = points.read(at + root * block, block)
    for _ in range(8):
        if data is None or not points.check("inode trees", at + root * block, data[:4] in (b"IAB3", b"IABT")):
            return 0
        if be(data, 4, 2) == 0:
            break
        most_keys = (block - header) // 8
        root = be(data, header + 4 * most_keys, 4)
        data = points.read(at + root * block, block)
    else:
        return 0
    if data is None:
        return 0
    found = 0
    for number in range(min(be(data, 6, 2), (block - header) // 16, max(0, most))):
        first = be(data, header + 16 * number, 4)
        place = at + (first >> per) * block + (first & ((1 << per) - 1)) * inode
        one = points.read(place, inode)
        if one is None:
            continue
        right = one[:2] == b"IN" and (not five or be(one, 152, 8) == group << (shift + per) | first)
        points.check("inode chunks", place, right)
        found += 1
    return found
