"""F2FS, JFS, NILFS2 and ReiserFS: other Linux file systems, each known by its superblock and one structure more.

Facts: f2fs-tools, jfsutils, nilfs-utils and reiserfsprogs; volumes of their mkfs programs.
"""

from __future__ import annotations

import zlib

from engine.partitions.volumes.bits import is_power, text, u8, u16, u32, u64, uuid
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

_F2FS_MAGIC, _F2FS_PLACES = b"\x10\x20\xf5\xf2", (1024, 5120)
_JFS_PLACES = (32768, 61440)
_REISER = {b"ReIsErFs": "3.5", b"ReIsEr2Fs": "3.6", b"ReIsEr3Fs": "JR"}
_NILFS_LOG = 0x1EAFFA11
_REISER_PLACES = (65536, 8192)


def _f2fs_size(data: bytes) -> int | None:
    shift, blocks = u32(data, 16), u64(data, 36)
    if data[:4] != _F2FS_MAGIC or not 12 <= shift <= 16 or not blocks or u16(data, 4) > 8 or u32(data, 96) != 3:
        return None
    if u32(data, 20) != 9 or not 0 < u32(data, 76) < blocks or blocks << shift >= 1 << 63:
        return None
    return blocks << shift


def examine_f2fs(view: View) -> Volume | None:
    """F2FS: superblocks at 1024 and one block later; a checkpoint."""
    for place in _F2FS_PLACES:
        data = view.get(place, 1024)
        size = _f2fs_size(data) if data else None
        if data is None or size is None:
            continue
        found = Findings(view)
        backup = place != _F2FS_PLACES[0]
        found.seen("second superblock" if backup else "superblock", place)
        if backup:
            found.problem("superblock-bad", f"the superblock is bad, its copy at +{place} is good")
        other = None if backup else view.get(_F2FS_PLACES[1], 1024)
        if other is not None and _f2fs_size(other) == size:
            found.confirm("second superblock", _F2FS_PLACES[1], 1024, True)
        block = 1 << u32(data, 16)
        checkpoint = u32(data, 76) * block
        head = view.get(checkpoint, block)
        found.confirm("checkpoint", checkpoint, block, None if head is None else _checkpoint_good(head))
        return Volume(
            "f2fs", view.start, size, label=text(data[124:1024], "utf-16-le"), uuid=uuid(data[108:124]),
            block_size=block, by_backup=backup, confirmation=found.confirmation,
            evidence=found.evidence, problems=found.problems,
        )  # fmt: skip
    return None


def _checkpoint_good(block: bytes) -> bool:
    """The checksum stands where the checkpoint says; F2FS begins its CRC-32 with its magic and does not invert it."""
    place = u32(block, 164)
    if not 192 <= place <= len(block) - 4:
        return False
    return zlib.crc32(block[:place], 0xF2F52010 ^ 0xFFFFFFFF) ^ 0xFFFFFFFF == u32(block, place)


def _extent_end(data: bytes, place: int, block: int) -> int:
    """End of a physical extent: 24 bits of length, 8 high and 32 low bits of address, in blocks."""
    first = u8(data, place + 3) << 32 | u32(data, place + 4)
    return (first + (u32(data, place) & 0xFFFFFF)) * block


def _jfs_size(data: bytes) -> int | None:
    block, physical = u32(data, 16), u32(data, 24)
    if data[:4] != b"JFS1" or u32(data, 4) not in (1, 2) or not is_power(block, 512, 4096):
        return None
    if not is_power(physical, 512, 4096) or 1 << u16(data, 20) != block or not u64(data, 8):
        return None
    size = max(u64(data, 8) * physical, _extent_end(data, 72, block), _extent_end(data, 80, block))
    return size if size < 1 << 63 else None


def examine_jfs(view: View) -> Volume | None:
    """JFS: superblocks at 32768 and 61440; the inode that describes the table of inodes."""
    for place in _JFS_PLACES:
        data = view.get(place, 512)
        size = _jfs_size(data) if data else None
        if data is None or size is None:
            continue
        found = Findings(view)
        backup = place != _JFS_PLACES[0]
        found.seen("second superblock" if backup else "superblock", place)
        if backup:
            found.problem("superblock-bad", f"the superblock is bad, its copy at +{place} is good")
        other = None if backup else view.get(_JFS_PLACES[1], 512)
        if other is not None and _jfs_size(other) == size:
            found.confirm("second superblock", _JFS_PLACES[1], 512, True)
        # The aggregate inode table stands at 45056 in every volume; its inode 1 (of 512 bytes) describes itself.
        inode = view.get(45056 + 512, 16)
        found.confirm("aggregate inode table", 45568, 16, None if inode is None else u32(inode, 8) == 1)
        return Volume(
            "jfs", view.start, size, label=text(data[152:168], strip=" "), uuid=uuid(data[136:152]),
            block_size=u32(data, 16), by_backup=backup, confirmation=found.confirmation,
            evidence=found.evidence, problems=found.problems,
        )  # fmt: skip
    return None


def _nilfs_good(data: bytes) -> bool:
    size = u16(data, 8)
    if u16(data, 6) != 0x3434 or not 112 <= size <= 1024 or u32(data, 0) != 2 or u32(data, 20) > 6:
        return False
    body = data[:16] + bytes(4) + data[20:size]
    return zlib.crc32(body, u32(data, 12) ^ 0xFFFFFFFF) ^ 0xFFFFFFFF == u32(data, 16)


def examine_nilfs(view: View) -> Volume | None:
    """NILFS2: superblocks with a checksum at 1024 and in the last whole 4 KiB block; the log."""
    ends = [] if view.size is None else [(view.size // 4096 - 1) * 4096]
    for place in (1024, *view.copies, *ends):
        data = view.get(place, 1024) if place > 0 else None
        if data is None or not _nilfs_good(data) or not 0 < u64(data, 32) < 1 << 63:
            continue
        size = u64(data, 32)
        second = (size // 4096 - 1) * 4096
        if place not in (1024, second):
            continue
        found = Findings(view)
        backup = place == second
        found.seen("second superblock" if backup else "superblock", place)
        if backup:
            found.problem("superblock-bad", f"the superblock is bad, its copy at +{place} is good")
        other = None if backup else view.get(second, 1024)
        if other is not None and _nilfs_good(other):
            found.confirm("second superblock", second, 1024, True)
        # Both superblocks are alike: only the log tells where the volume begins.
        log = u64(data, 64) * (1024 << u32(data, 20))
        head = view.get(log, 12)
        found.confirm("newest part of the log", log, 12, None if head is None else u32(head, 8) == _NILFS_LOG)
        return Volume(
            "nilfs2", view.start, size, label=text(data[168:248]), uuid=uuid(data[152:168]),
            block_size=1024 << u32(data, 20), by_backup=backup, checksum=True, confirmation=found.confirmation,
            evidence=found.evidence, problems=found.problems,
        )  # fmt: skip
    return None


def _locate_nilfs(view: View) -> list[int]:
    data = view.get(0, 1024)
    if data is None or not _nilfs_good(data) or not 8192 < u64(data, 32) < 1 << 63:
        return []
    return [-1024, -(u64(data, 32) // 4096 - 1) * 4096]


def _reiser_version(data: bytes) -> str | None:
    for magic, version in _REISER.items():
        if data[52 : 52 + len(magic)] == magic:
            sound = is_power(u16(data, 44), 512, 65536) and 0 < u32(data, 8) < u32(data, 0)
            return version if sound else None
    return None


def examine_reiser(view: View) -> Volume | None:
    """ReiserFS: superblock at 65536 (8192 in the oldest); the root of its tree."""
    for place in _REISER_PLACES:
        data = view.get(place, 512)
        version = _reiser_version(data) if data else None
        if data is None or version is None:
            continue
        found = Findings(view)
        found.seen("superblock", place)
        block = u16(data, 44)
        root = u32(data, 8) * block
        node = view.get(root, 24)
        good = None if node is None else 1 <= u16(node, 0) <= 7 and u16(node, 2) > 0 and u16(node, 4) < block
        found.confirm("root of the tree", root, 24, good)
        return Volume(
            "reiserfs", view.start, u32(data, 0) * block, version=version, label=text(data[100:116]),
            uuid=uuid(data[84:100]), block_size=block, confirmation=found.confirmation,
            evidence=found.evidence, problems=found.problems,
        )  # fmt: skip
    return None


def _locate_reiser(view: View) -> list[int]:
    data = view.get(0, 512)
    if data is None or _reiser_version(data) is None:
        return []
    return [-place for place in _REISER_PLACES]


FAMILIES = (
    Family("f2fs", examine_f2fs, (Mark(0, _F2FS_MAGIC[:2], has(0, _F2FS_MAGIC), (-1024, -5120)),)),
    Family("jfs", examine_jfs, (Mark(0, b"JF", has(0, b"JFS1"), (-32768, -61440)),)),
    Family("nilfs", examine_nilfs, (Mark(6, b"44", has(6, b"44"), _locate_nilfs),)),
    Family("reiserfs", examine_reiser, (Mark(52, b"Re", has(52, b"ReIsEr"), _locate_reiser),)),
)
