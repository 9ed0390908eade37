"""Pack headers of many blocks at once: which of them are packs, their clocks, mux rates and audio time stamps."""

from __future__ import annotations

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


def words_of(data: npt.NDArray[np.uint8], swapped: bool) -> tuple[Words, int]:
    """``data`` (whole blocks) as 64-bit words in stream order of its first 32 bytes each: array (4, blocks)."""
    blocks = data.size // PACK_SIZE
    raw = data[: blocks * PACK_SIZE].view(np.uint64).reshape(blocks, _WORDS)[:, :4].T.copy()
    if swapped:
        raw = raw.view(np.uint16).byteswap().view(np.uint64)
    return (raw.byteswap() if np.little_endian else raw), blocks


def looks_like(words: Words) -> npt.NDArray[np.bool_]:
    """Which blocks have start code and fixed bits."""
    found: npt.NDArray[np.bool_] = ((words[0] & _MASK0) == _WANT0) & ((words[1] & _MASK1) == _WANT1)
    return found


def packs_of(data: npt.NDArray[np.uint8], words: Words, swapped: bool) -> Packs:
    """All packs in ``data``, whose first words are ``words``."""
    rows = np.flatnonzero(looks_like(words))
    w0, w1 = words[0, rows].astype(np.int64), words[1, rows].astype(np.int64)
    base = (w0 >> 27 & 7) << 30 | (w0 >> 24 & 3) << 28 | (w0 >> 16 & 0xFF) << 20
    base |= (w0 >> 11 & 0x1F) << 15 | (w0 >> 8 & 3) << 13 | (w0 & 0xFF) << 5 | (w1 >> 59 & 0x1F)
    extension = (w1 >> 56 & 3) << 7 | w1 >> 49 & 0x7F
    mux = w1 >> 26 & 0x3FFFFF
    good = (extension < 300) & (mux > 0) & (mux <= _MAX_MUX)
    if not good.all():
        rows, w1, base, extension, mux = rows[good], w1[good], base[good], extension[good], mux[good]
    audio, stamps, ticks, counts = _audio(data, words, rows, w1, swapped)
    return Packs(rows, base * 300 + extension, mux, audio, stamps, ticks, counts)


def _audio(
    data: npt.NDArray[np.uint8], words: Words, rows: Int64s, w1: Int64s, swapped: bool
) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """Main audio packets directly behind the pack header that carry a time stamp."""
    w2 = words[2, rows]
    code = (w2 >> np.uint64(48)).astype(np.int64)
    stamped = (
        ((w1 & 0x07FFFF) == 0) & ((code == 0x01BD) | (code == 0x01C0)) & ((w2 >> np.uint64(16) & np.uint64(0x80)) != 0)
    )
    index = np.flatnonzero(stamped)
    if not index.size:
        return index, index, index, index
    w2, w3, code = w2[index].astype(np.int64), words[3, rows[index]].astype(np.int64), code[index]
    first = w2 & 0xFF
    stamps = (first >> 1 & 7) << 30 | (w3 >> 56 & 0xFF) << 22 | (w3 >> 49 & 0x7F) << 15 | (w3 >> 40 & 0xFF) << 7
    stamps |= w3 >> 33 & 0x7F
    length = w2 >> 8 & 0xFF
    place = rows[index] * PACK_SIZE + np.minimum(23 + length, PACK_SIZE - 2)
    sub = data[place ^ 1 if swapped else place]
    counts = np.where(sub == 0x80, data[place + 1 ^ 1 if swapped else place + 1].astype(np.int64), 0)
    ticks = np.where(code == 0x01C0, MPEG, np.where(sub == 0x80, AC3, np.where(sub == 0xA0, LPCM, 0)))
    good = (ticks > 0) & (first & 0x21 == 0x21)
    return index[good], stamps[good], ticks[good], np.where(ticks == AC3, counts, 0)[good]
