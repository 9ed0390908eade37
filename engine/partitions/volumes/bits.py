"""Numbers and texts in superblocks, and the checksums over them."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable


def u8(data: bytes, offset: int) -> int:
    """The byte there, 0 beyond the end."""
    return int.from_bytes(data[offset : offset + 1], "little")


def u16(data: bytes, offset: int) -> int:
    """Little-endian."""
    return int.from_bytes(data[offset : offset + 2], "little")


def u32(data: bytes, offset: int) -> int:
    """Little-endian."""
    return int.from_bytes(data[offset : offset + 4], "little")


def u64(data: bytes, offset: int) -> int:
    """Little-endian."""
    return int.from_bytes(data[offset : offset + 8], "little")


def b16(data: bytes, offset: int) -> int:
    """Big-endian."""
    return int.from_bytes(data[offset : offset + 2], "big")


def b32(data: bytes, offset: int) -> int:
    """Big-endian."""
    return int.from_bytes(data[offset : offset + 4], "big")


def b64(data: bytes, offset: int) -> int:
    """Big-endian."""
    return int.from_bytes(data[offset : offset + 8], "big")


def is_power(value: int, low: int, high: int) -> bool:
    """Whether it is a power of two in ``[low, high]``."""
    return low <= value <= high and value & (value - 1) == 0


def text(data: bytes, encoding: str = "utf-8", *, strip: str = "") -> str:
    """A NUL-terminated field, undecodable bytes replaced; ``strip`` is cut off its end."""
    if encoding.startswith("utf-16"):
        decoded = data[: len(data) & ~1].decode(encoding, "replace").split("\0", 1)[0]
    else:
        decoded = data.split(b"\0", 1)[0].decode(encoding, "replace")
    return decoded.rstrip(strip) if strip else decoded


def uuid(data: bytes) -> str:
    """16 bytes in the order they are written; empty for a field of zeros."""
    return str(uuids.UUID(bytes=data[:16])) if len(data) >= 16 and any(data[:16]) else ""


def _table(polynomial: int) -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_CRC32C = _table(0x82F63B78)


def crc32c(data: bytes, value: int = 0xFFFFFFFF) -> int:
    """CRC-32C register after ``data``, not inverted at the end (ext4 stores it so; btrfs and XFS invert it)."""
    table = _CRC32C
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value


_MASK = (1 << 64) - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def _rotate(value: int, count: int) -> int:
    return (value << count | value >> (64 - count)) & _MASK


def _round(lane: int, word: int) -> int:
    return _rotate(lane + word * _P2 & _MASK, 31) * _P1 & _MASK


def xxh64(data: bytes) -> int:
    """xxHash64 with seed 0 of data whose length is a multiple of 8 and at least 32 (a btrfs checksum)."""
    lanes = [_P1 + _P2 & _MASK, _P2, 0, -_P1 & _MASK]
    whole = len(data) - len(data) % 32
    for offset in range(0, whole, 32):
        for index in range(4):
            lanes[index] = _round(lanes[index], u64(data, offset + 8 * index))
    value = sum(_rotate(lane, turn) for lane, turn in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
    for lane in lanes:
        value = ((value ^ _round(0, lane)) * _P1 + _P4) & _MASK
    value = value + len(data) & _MASK
    for offset in range(whole, len(data) - 7, 8):
        value = (_rotate(value ^ _round(0, u64(data, offset)), 27) * _P1 + _P4) & _MASK
    for prime, shift in ((_P2, 33), (_P3, 29), (1, 32)):
        value = (value ^ value >> shift) * prime & _MASK
    return value


def fletcher64(data: bytes) -> int:
    """APFS: over an object's block without its first 8 bytes, which hold it."""
    low = high = 0
    modulus = 0xFFFFFFFF
    for offset in range(8, len(data), 4):
        low = (low + u32(data, offset)) % modulus
        high = (high + low) % modulus
    check_low = modulus - (low + high) % modulus
    check_high = modulus - (low + check_low) % modulus
    return check_high << 32 | check_low


def words_sum(data: bytes, number: Callable[[bytes, int], int] = u32) -> int:
    """md: the sum of 32-bit words, the carry folded in once."""
    total = sum(number(data, offset) for offset in range(0, len(data) - 3, 4))
    return (total & 0xFFFFFFFF) + (total >> 32) & 0xFFFFFFFF
