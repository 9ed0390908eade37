"""Heads of many blocks at once: which of them are packs, their clocks, mux rates and audio time stamps.

Nearly every pack of a disk is an ordinary one: the mux rate of the one before, a clock that has gone on a little.
``ordinary`` finds those with a dozen operations for all blocks together; ``packs_at`` reads the others exactly.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Start code and the fixed bits of bytes 4-7 and of bytes 8-15, as big-endian 64-bit words.
_MASK0, _WANT0 = np.uint64(0xFFFFFFFF_C4000400), np.uint64(0x000001BA_44000400)
_MASK1 = _WANT1 = np.uint64(0x04010000_03000000)
# Bytes 2-9 as one word: half the start code, 01, base 32-30, 1, base 29-15, 1, base 14-0, 1, extension 8-0, 1.
_MASK, _WANT = np.uint64(0xFFFF_C40004000401), np.uint64(0x01BA_440004000401)
_MUX = np.uint64(0x0000FFFFFF000000)
_BASE_BITS = 11
_CARRY = 1 << 26
"""Two clocks in the form above less than this apart: no carry went over a fixed bit, and the difference is true."""
_START_CODE = 0x000001BA
_MAX_MUX = 30_000
AC3, MPEG, LPCM = 2880, 2160, 150
"""Ticks of 90 kHz from one audio frame to the next, at 48 kHz."""


@dataclass(frozen=True, slots=True)
class Packs:
    """Some packs: row numbers, clocks in 27 MHz, mux rates."""

    rows: Int64s
    clocks: Int64s
    mux: Int64s


@dataclass(frozen=True, slots=True)
class Audio:
    """Packs with an audio time stamp: row numbers, time stamps (90 kHz), ticks from frame to frame, frames that begin
    in them (0: not told)."""

    rows: Int64s
    stamps: Int64s
    ticks: Int64s
    counts: Int64s


def _in_order(raw: Words, swapped: bool) -> Words:
    if swapped:
        raw = raw.view(np.uint16).byteswap().view(np.uint64)
    return raw.byteswap(inplace=True) if sys.byteorder == "little" else raw


def _as_stored(value: int, size: int, swapped: bool) -> int:
    """A big-endian number of ``size`` bytes as this machine reads it from the disk."""
    data = value.to_bytes(size, "big")
    if swapped:
        data = b"".join(data[at : at + 2][::-1] for at in range(0, size, 2))
    return int.from_bytes(data, sys.byteorder)


def candidates(heads: Words, swapped: bool) -> Int64s:
    """Rows that begin with the start code of a pack."""
    return np.flatnonzero(heads.view(np.uint32)[:, 0] == np.uint32(_as_stored(_START_CODE, 4, swapped)))


def ordinary(heads: Words, swapped: bool, mux: int, shortest: int) -> Bools:
    """Which rows are packs of this mux rate that follow the row before at the right time: their clock is at least
    ``shortest`` / mux ticks (27 MHz) and less than a third of a second later. What is not among them may still be one.
    """
    words = _in_order(heads[:, :2].T.copy(), swapped)
    found = words[0] < np.uint64(1 << 48)
    rate = words[1] & _MUX
    found &= rate == np.uint64((mux << 2 | 3) << 24)
    clock = np.left_shift(words[0], np.uint64(16), out=words[0])
    clock |= np.right_shift(words[1], np.uint64(48), out=words[1])
    found &= np.bitwise_and(clock, _MASK, out=rate) == _WANT
    least = (shortest // mux // 300 + 2) << _BASE_BITS
    step = np.subtract(clock[1:], clock[:-1], out=rate[1:])
    step -= np.uint64(least)
    steady: Bools = np.zeros(found.size, np.bool_)
    np.less(step, np.uint64(_CARRY - least), out=steady[1:])
    steady &= found
    steady[1:] &= found[:-1]
    return steady


def packs_at(heads: Words, rows: Int64s, swapped: bool) -> Packs:
    """Which of these rows are packs, read exactly."""
    words = _in_order(heads[rows, :2].T.copy(), swapped)
    found = (words[0] & _MASK0) == _WANT0
    found &= (words[1] & _MASK1) == _WANT1
    w0, w1 = words.view(np.int64)
    clock = (w0 & 0xFFFFFFFF) << 16
    clock |= w1 >> 48 & 0xFFFF
    base = clock >> 11 & 0x7FFF
    base |= clock >> 12 & 0x3FFF8000
    base |= clock >> 13 & 0x1C0000000
    base *= 300
    base += clock >> 1 & 0x1FF
    mux = w1 >> 26 & 0x3FFFFF
    found &= (mux > 0) & (mux <= _MAX_MUX)
    return Packs(rows[found], base[found], mux[found])


def audio_of(heads: Words, packs: Bools, swapped: bool) -> Audio:
    """Main audio packets directly behind the pack header that carry a time stamp. ``packs``: which rows are packs."""
    codes = heads.view(np.uint16)[:, 8].copy()
    wanted = codes == np.uint16(_as_stored(0x01BD, 2, swapped))
    wanted |= codes == np.uint16(_as_stored(0x01C0, 2, swapped))
    wanted &= packs
    rows = np.flatnonzero(wanted)
    own = heads[rows]
    w1, w2, w3 = _in_order(own[:, 1:4].T.copy(), swapped).view(np.int64)
    first = w2 & 0xFF
    good = ((w1 & 0x07FFFF) == 0) & ((w2 & 0x800000) != 0) & (first & 0x21 == 0x21)
    # The sub-stream stands behind the packet header; a header longer than the head of the block (stuffing) hides it.
    body = own.view(np.uint8)
    place = 23 + (w2 >> 8 & 0xFF)
    good &= place < body.shape[1] - 1
    place[~good] = 0
    order, lane = np.arange(rows.size), int(swapped)
    sub, counts = body[order, place ^ lane], body[order, place + 1 ^ lane].astype(np.int64)
    ticks = np.where(w2 >> 48 == 0x01C0, MPEG, np.where(sub == 0x80, AC3, np.where(sub == 0xA0, LPCM, 0)))
    good &= ticks > 0
    stamps = (first >> 1 & 7) << 30 | (w3 >> 56 & 0xFF) << 22 | (w3 >> 49 & 0x7F) << 15 | (w3 >> 40 & 0xFF) << 7
    stamps |= w3 >> 33 & 0x7F
    counts[ticks != AC3] = 0
    return Audio(rows[good], stamps[good], ticks[good], counts[good])
