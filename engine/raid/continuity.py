"""Does data go on from one place to another? Measured by what the end of one piece saves in packing the beginning of
the next: text, tables, directories and programs go on in their own words."""

from __future__ import annotations

import zlib

PIECE = 4096
MOST = 1500
"""One pair may not say more than this (bytes): equal blocks would drown all others."""
_LEVEL = 3


def packed(data: bytes, before: bytes = b"") -> int:
    """Bytes that ``data`` takes when packed by a coder that has seen ``before``."""
    if before:
        coder = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, before)
    else:
        coder = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, 9)
    return len(coder.compress(data)) + len(coder.flush())


def telling(data: bytes) -> bool:
    """Whether a piece can say anything: mostly zeros cannot."""
    return data.count(0) <= len(data) * 3 // 4


def gain(tail: bytes, head: bytes, alone: int | None = None) -> int:
    """What knowing ``tail`` saves in packing ``head``; 0 when one of them says nothing."""
    return min(MOST, (packed(head) if alone is None else alone) - packed(head, tail))
