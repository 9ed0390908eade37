"""Pack headers of many blocks at once: which of them are packs, their clocks, mux rates and audio time stamps."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.dvr.pack import PACK_SIZE

Words = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]

# Start code and the fixed bits of bytes 4-7 and of bytes 8-15, as big-endian 64-bit words.
_MASK0, _WANT0 = np.uint64(0xFFFFFFFF_C4000400), np.uint64(0x000001BA_44000400)
_MASK1 = _WANT1 = np.uint64(0x04010000_03000000)
_WORDS = PACK_SIZE // 8
_MAX_MUX = 30_000
AC3, MPEG, LPCM = 2880, 2160, 150
"""Ticks of 90 kHz from one audio frame to the next, at 48 kHz."""


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs in a buffer: row numbers (blocks of 2048 bytes), clocks in 27 MHz, mux rates; and of those with an
    audio time stamp: index into these arrays, time stamp (90 kHz), ticks from frame to frame, frames that begin in it
    (0: not told)."""

    rows: Int64s
    clocks: Int64s
    mux: Int64s
    audio: Int64s
    stamps: Int64s
    ticks: Int64s
    counts: Int64s


def words_of(data: npt.NDArray[np.uint8], swapped: bool) -> Words:
    """``data`` (whole blocks) as 64-bit words in stream order of the first 24 bytes of each: array (3, blocks)."""
    return _in_order(data.view(np.uint64).reshape(-1, _WORDS)[:, :3].T.copy(), swapped)


def _in_order(raw: Words, swapped: bool) -> Words:
    if swapped:
        raw = raw.view(np.uint16).byteswap().view(np.uint64)
    return raw.byteswap(inplace=True) if sys.byteorder == "little" else raw


def looks_like(words: Words) -> npt.NDArray[np.bool_]:
    """Which blocks have start code and fixed bits."""
    found: npt.NDArray[np.bool_] = (words[0] & _MASK0) == _WANT0
    found &= (words[1] & _MASK1) == _WANT1
    return found


def packs_of(data: npt.NDArray[np.uint8], swapped: bool) -> Packs:
    """All packs in ``data`` (whole blocks)."""
    words = words_of(data, swapped)
    found = looks_like(words)
    rows = np.flatnonzero(found)
    signed = words.view(np.int64)
    w0, w1, w2 = signed if rows.size == found.size else signed[:, rows]
    # Bytes 4-9 as one number: 01, base 32-30, 1, base 29-15, 1, base 14-0, 1, extension 8-0, 1.
    clock = (w0 & 0xFFFFFFFF) << 16
    clock |= w1 >> 48 & 0xFFFF
    base = clock >> 11 & 0x7FFF
    base |= clock >> 12 & 0x3FFF8000
    base |= clock >> 13 & 0x1C0000000
    clock >>= 1
    clock &= 0x1FF
    mux = w1 >> 26 & 0x3FFFFF
    good = (clock < 300) & (mux > 0) & (mux <= _MAX_MUX)
    base *= 300
    base += clock
    if not good.all():
        rows, w1, w2, base, mux = rows[good], w1[good], w2[good], base[good], mux[good]
    return Packs(rows, base, mux, *_audio(data, rows, w1, w2, swapped))


def _audio(
    data: npt.NDArray[np.uint8], rows: Int64s, w1: Int64s, w2: Int64s, swapped: bool
) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """Main audio packets directly behind the pack header that carry a time stamp."""
    code = w2 >> 48
    index = np.flatnonzero((code == 0x01BD) | (code == 0x01C0))
    index = index[((w1[index] & 0x07FFFF) == 0) & ((w2[index] & 0x800000) != 0)]
    if not index.size:
        return index, index, index, index
    w2, code = w2[index], code[index]
    raw = data.view(np.uint64)[rows[index] * _WORDS + 3]
    w3 = _in_order(raw, swapped).view(np.int64)
    first = w2 & 0xFF
    stamps = (first >> 1 & 7) << 30 | (w3 >> 56 & 0xFF) << 22 | (w3 >> 49 & 0x7F) << 15 | (w3 >> 40 & 0xFF) << 7
    stamps |= w3 >> 33 & 0x7F
    place = rows[index] * PACK_SIZE + np.minimum(23 + (w2 >> 8 & 0xFF), PACK_SIZE - 2)
    sub = data[place ^ 1 if swapped else place]
    counts = np.where(sub == 0x80, data[place + 1 ^ 1 if swapped else place + 1].astype(np.int64), 0)
    ticks = np.where(code == 0x01C0, MPEG, np.where(sub == 0x80, AC3, np.where(sub == 0xA0, LPCM, 0)))
    good = (ticks > 0) & (first & 0x21 == 0x21)
    return index[good], stamps[good], ticks[good], np.where(ticks == AC3, counts, 0)[good]
