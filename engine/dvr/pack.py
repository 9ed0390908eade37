"""One pack of an MPEG program stream (ISO/IEC 13818-1): is it one, and what does its clock say."""

from __future__ import annotations

PACK_SIZE = 2048
PACK_START = b"\x00\x00\x01\xba"
CLOCK_HZ = 27_000_000
CLOCK_WRAP = (1 << 33) * 300


def is_pack(data: bytes | None) -> bool:
    """Whether ``data`` begins with a pack header: start code and the fixed bits (MPEG-2, or MPEG-1)."""
    if data is None or len(data) < 14 or data[:4] != PACK_START:
        return False
    if data[4] & 0xC4 == 0x44:
        return bool(data[6] & 4 and data[8] & 4 and data[9] & 1 and data[12] & 3 == 3)
    return data[4] & 0xF1 == 0x21 and bool(data[6] & 1 and data[8] & 1)


def pack_clock(data: bytes | None) -> int | None:
    """The system clock reference of a pack in ticks of 27 MHz, or None when it is no pack."""
    if data is None or not is_pack(data):
        return None
    if data[4] & 0xC0 == 0x40:
        value = int.from_bytes(data[4:10], "big")
        base = (value >> 43 & 7) << 30 | (value >> 27 & 0x7FFF) << 15 | value >> 11 & 0x7FFF
        return base * 300 + (value >> 1 & 0x1FF)
    value = int.from_bytes(data[4:9], "big")
    return ((value >> 33 & 7) << 30 | (value >> 17 & 0x7FFF) << 15 | value >> 1 & 0x7FFF) * 300


def is_scrambled(data: bytes) -> bool | None:
    """Whether the first PES packet with an ordinary header (video, audio, private 1) in this pack has scrambling bits;
    None when the pack has none."""
    if not is_pack(data):
        return None
    at = 14 + (data[13] & 7) if data[4] & 0xC0 == 0x40 else 12
    while at + 9 <= len(data) and data[at : at + 3] == b"\x00\x00\x01":
        code = data[at + 3]
        if code == 0xBD or 0xC0 <= code <= 0xEF:
            return data[at + 6] & 0xC0 == 0x80 and bool(data[at + 6] & 0x30)
        at += 6 + int.from_bytes(data[at + 4 : at + 6], "big")
    return None


def clock_distance(first: int, last: int) -> int:
    """Ticks from ``first`` to ``last``, across the wrap of the clock after 26.5 hours."""
    return (last - first) % CLOCK_WRAP
