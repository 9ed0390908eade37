"""Strange sectors written from the formats' descriptions; the CRC bit by bit, so that it knows nothing of ours."""

from __future__ import annotations

import functools
import random
import struct


@functools.cache
def _bytewise() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x8BB7) & 0xFFFF if crc & 0x8000 else crc << 1
        table.append(crc)
    return table


def crc(data: bytes) -> int:
    table, value = _bytewise(), 0
    for byte in data:
        value = ((value << 8) & 0xFFFF) ^ table[(value >> 8) ^ byte]
    return value


def tuple_(kind: str, data: bytes, lba: int, written: bool) -> bytes:
    if not written:
        return b"\xff" * 8
    ref = {"pi1": lba & 0xFFFFFFFF, "pi2": (lba % 8) + 7000 * (lba // 8), "pi3": 0xFFFFFFFF}[kind]
    return struct.pack(">HHI", crc(data), 0x1234, ref & 0xFFFFFFFF)


def convert(plain: bytes, raw: int, kind: str, *, before: int = 0, seed: int = 1, first: int = 0) -> bytes:
    """A plain image as one of ``raw``-byte sectors. ``kind``: pi1, pi2, pi3, zero, stamps, random, ninth, pi8x."""
    size = 4096 if raw >= 4096 else 512
    extra = raw - size
    rng = random.Random(seed)
    out = bytearray()
    for number in range(len(plain) // size):
        data = plain[number * size : (number + 1) * size]
        lba = first + number
        if kind in ("pi1", "pi2", "pi3"):
            beside = tuple_(kind, data, lba, any(data)).ljust(extra, b"\0")
        elif kind == "pi8x":
            beside = b"".join(
                struct.pack(">HHI", crc(data[k * 512 : k * 512 + 512]), 0, lba * 8 + k) for k in range(8)
            ).ljust(extra, b"\0")  # fmt: skip
        elif kind == "stamps":
            beside = struct.pack(">HHHH", sum(data) & 0xFFFF, 0x5A5A, 17, 0).ljust(extra, b"\x01")
        elif kind == "random":
            beside = rng.randbytes(extra)
        elif kind == "ninth":
            beside = (rng.randbytes(64) if any(data) else bytes(64)).ljust(extra, b"\0")
        else:
            beside = bytes(extra)
        out += beside[:before] + data + beside[before:]
    return bytes(out)
