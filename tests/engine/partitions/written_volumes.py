"""Volumes that no tool of Debian makes on a plain file, written from their documentation: what tells them apart."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

from tests.engine.partitions.disks import put

UUID = bytes(range(0x10, 0x20))


def _size(path: Path) -> int:
    return os.stat(path).st_size


def lvm(path: Path) -> None:
    """A physical volume of the group ``vgtest``."""
    number = b"AbCdEfGhIjKlMnOpQrStUvWxYz012345"
    header = number + struct.pack("<Q", _size(path))
    header += struct.pack("<QQQQ", 1 << 20, 0, 0, 0) + struct.pack("<QQQQ", 4096, (1 << 20) - 4096, 0, 0)
    body = struct.pack("<I", 32) + b"LVM2 001" + header.ljust(480, b"\0")
    crc = zlib.crc32(body, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    put(path, 512, b"LABELONE" + struct.pack("<QI", 1, crc) + body)
    text = b'vgtest {\nid = "x"\n}\n\0'
    area = b" LVM2 x[5A%r0N*>" + struct.pack("<IQQ", 1, 4096, (1 << 20) - 4096)
    area += struct.pack("<QQII", 512, len(text), zlib.crc32(text), 0)
    put(path, 4096, bytes(4) + area)
    put(path, 4096 + 512, text)


def _sum(data: bytes) -> int:
    total = sum(struct.unpack(f"<{len(data) // 4}I", data))
    return (total & 0xFFFFFFFF) + (total >> 32) & 0xFFFFFFFF


def md_old(path: Path) -> None:
    """A mirror with superblock 0.90."""
    place = _size(path) // 65536 * 65536 - 65536
    words = [0] * 1024
    words[0:10] = [0xA92B4EFC, 0, 90, 0, 0, 0x11111111, 1_500_000_000, 1, place // 1024, 2]
    words[10], words[11], words[13:16] = 2, 0, [0x22222222, 0x33333333, 0x44444444]
    words[32:38] = [1_500_000_000, 1, 2, 2, 0, 0]
    for device in range(2):  # number, major, minor, raid disk, state
        words[128 + 32 * device : 133 + 32 * device] = [device, 8, device + 1, device, 6]
    words[992:997] = [0, 8, 1, 0, 6]
    words[38] = _sum(struct.pack("<1024I", *words))
    put(path, place, struct.pack("<1024I", *words))


def md_member(path: Path, place: int, data: int, size: int) -> None:
    """A superblock 1.x at ``place`` for ``size`` bytes from ``data`` on."""
    roles = struct.pack("<HH", 0, 1)
    block = bytearray(256) + roles
    struct.pack_into("<IIII16s32sQIIQII", block, 0, 0xA92B4EFC, 1, 0, 0, UUID, b"host:name", 1_500_000_000, 1, 0,
                     size // 512, 0, 2)  # fmt: skip
    struct.pack_into("<QQQ", block, 128, data // 512, size // 512, place // 512)
    struct.pack_into("<II16s", block, 160, 0, 0, bytes(range(0x30, 0x40)))
    struct.pack_into("<Q", block, 192, 1_500_000_000)
    struct.pack_into("<Q", block, 208, 0xFFFFFFFFFFFFFFFF)
    struct.pack_into("<II", block, 216, 0, 2)
    struct.pack_into("<I", block, 216, _sum(bytes(block)))
    put(path, place, bytes(block))


def md_end(path: Path) -> None:
    """A mirror with superblock 1.0."""
    place = ((_size(path) // 512 - 16) & ~7) * 512
    md_member(path, place, 0, place)


def md_front(path: Path) -> None:
    """A mirror with superblock 1.2."""
    md_member(path, 4096, 1 << 20, _size(path) - (1 << 20))


def _hfs(path: Path, signature: bytes) -> None:
    block, node = 4096, 4096
    blocks = _size(path) // block
    header = bytearray(512)
    struct.pack_into(">4sII", header, 0, signature, 0x100, 0)
    struct.pack_into(">III", header, 40, block, blocks, blocks - 20)
    header[104:112] = bytes(range(1, 9))
    struct.pack_into(">QIIII", header, 272, 4 * node, node, 4, 8, 4)  # the catalog: blocks 8 to 11
    put(path, 1024, bytes(header))
    put(path, blocks * block - 1024, bytes(header))
    tree = bytearray(node)
    struct.pack_into(">IIbBHH", tree, 0, 0, 0, 1, 0, 3, 0)
    struct.pack_into(">HIIIIHHII", tree, 14, 1, 1, 2, 1, 1, node, 516, 4, 2)
    struct.pack_into(">HHHH", tree, node - 8, 504, 248, 120, 14)
    put(path, 8 * block, bytes(tree))
    name = "HFS Plus".encode("utf-16-be")
    leaf = bytearray(node)
    struct.pack_into(">IIbBHH", leaf, 0, 0, 0, -1, 1, 1, 0)
    struct.pack_into(">HIH", leaf, 14, 6 + len(name), 1, len(name) // 2)
    leaf[22 : 22 + len(name)] = name
    struct.pack_into(">HHI", leaf, 22 + len(name), 1, 0, 0)
    struct.pack_into(">HH", leaf, node - 4, 22 + len(name) + 88, 14)
    put(path, 9 * block, bytes(leaf))


def hfsplus(path: Path) -> None:
    """HFS+ with a root folder."""
    _hfs(path, b"H+\0\4")


def hfsx(path: Path) -> None:
    """The same as HFSX."""
    _hfs(path, b"HX\0\5")


def refs(path: Path) -> None:
    """ReFS 3.4: boot record, its copy, and the head of the superblock."""
    boot = bytearray(512)
    boot[3:11], boot[16:20] = b"ReFS\0\0\0\0", b"FSRS"
    struct.pack_into("<QII", boot, 24, _size(path) // 512, 512, 8)
    boot[40:42] = bytes((3, 4))
    struct.pack_into("<Q", boot, 56, 0x0123456789ABCDEF)
    put(path, 0, bytes(boot))
    put(path, _size(path) - 512, bytes(boot))
    put(path, 30 * 4096, b"SUPB")


def bitlocker(path: Path) -> None:
    """BitLocker as Windows 7 and later write it."""
    places = (1 << 20, 3 << 20, 5 << 20)
    boot = bytearray(512)
    boot[0:11] = b"\xeb\x58\x90-FVE-FS-"
    struct.pack_into("<HB", boot, 11, 512, 8)
    struct.pack_into("<QQQ", boot, 0xB0, *places)
    boot[160:176] = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")
    boot[510:] = b"\x55\xaa"
    put(path, 0, bytes(boot))
    for place in places:
        block = bytearray(512)
        struct.pack_into("<8sHHHHQ", block, 0, b"-FVE-FS-", 64, 2, 4, 4, _size(path))
        struct.pack_into("<QQQ", block, 32, *places)
        struct.pack_into("<III I16s", block, 64, 128, 1, 48, 128, UUID)
        put(path, place, bytes(block))


def _pair(name: str, kind: int, value: bytes) -> bytes:
    padded = name.encode() + bytes(-len(name) % 4)
    body = struct.pack(">I", len(name)) + padded + struct.pack(">II", kind, 1) + value
    return struct.pack(">II", len(body) + 8, len(body) + 16) + body


def zfs(path: Path) -> None:
    """The labels of a pool of one disk."""
    text = b"tank"
    inner = _pair("asize", 8, struct.pack(">Q", _size(path) - (4 << 20) - (512 << 10)))
    tree = struct.pack(">II", 0, 1) + inner + bytes(8)
    facts = struct.pack(">BBHII", 1, 1, 0, 0, 1)
    facts += _pair("version", 8, struct.pack(">Q", 5000)) + _pair("name", 9, struct.pack(">I", 4) + text)
    facts += _pair("pool_guid", 8, struct.pack(">Q", 1234567890123)) + _pair("guid", 8, struct.pack(">Q", 42))
    facts += _pair("vdev_tree", 19, tree) + bytes(8)
    for label in (0, 1, _size(path) // 262144 - 2, _size(path) // 262144 - 1):
        put(path, label * 262144 + 16384, facts)
        for ring in range(8):
            put(path, label * 262144 + (128 << 10) + ring * 1024, struct.pack("<QQQ", 0x00BAB10C, 5000, ring))


def meihdfs_head(blocks: int) -> bytes:
    """Panasonic's superblock of a disk of so many blocks of 768 KiB."""
    head = bytearray(512)
    head[8:20] = b"MEIHDFS-V2.1"
    head[0x18:0x1B] = b"HDD"
    struct.pack_into("<II", head, 0x2C, blocks, 4)
    struct.pack_into("<6I", head, 0x34, 1, 2, 3, 4, 0x10001, 0x10002)
    return bytes(head)


def meihdfs(path: Path) -> None:
    """A small recorder disk."""
    put(path, 0, meihdfs_head(10))
