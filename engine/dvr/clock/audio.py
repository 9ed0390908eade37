"""Audio frames in a stretch of an elementary stream: AC-3, MPEG layer II, LPCM; sizes from their own headers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

FrameAt = Callable[[int], tuple[int, float] | None]
_AC3_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_AC3_HZ = (48_000, 44_100, 32_000)
_L2_RATES = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_L2_HZ = (44_100, 48_000, 32_000)


def _crc_table() -> tuple[int, ...]:
    """x^16 + x^15 + x^2 + 1, most significant bit first (ATSC A/52, 7.10)."""
    table = []
    for value in range(256):
        rest = value << 8
        for _ in range(8):
            rest = (rest << 1 ^ 0x8005 if rest & 0x8000 else rest << 1) & 0xFFFF
        table.append(rest)
    return tuple(table)


_CRC = _crc_table()


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one packet brings: ``data``; ``first`` place in it where a frame begins by the packet's own pointer (None:
    it has no pointer, or none begins); its time stamp in 90 kHz or None."""

    data: bytes
    first: int | None
    stamp: int | None


@dataclass(frozen=True, slots=True)
class Frames:
    """Where frames begin in the chunks put together, and what they are."""

    kind: str
    starts: tuple[int, ...]
    size: int
    ticks: float
    total: int
    sound: bool


def ac3_frame(data: bytes, at: int) -> tuple[int, float] | None:
    """Bytes and ticks (90 kHz) of the AC-3 frame at ``at``, or None."""
    if data[at : at + 2] != b"\x0b\x77" or at + 5 > len(data):
        return None
    rate, code = data[at + 4] >> 6, data[at + 4] & 63
    if rate == 3 or code >= 2 * len(_AC3_RATES):
        return None
    hz, kbit = _AC3_HZ[rate], _AC3_RATES[code >> 1]
    words = kbit * 96_000 // hz
    if hz == 44_100:
        words += code & 1
    return words * 2, 1536 * 90_000 / hz


def ac3_sound(frame: bytes) -> bool:
    """Whether both check sums of a whole AC-3 frame are right."""
    five_eighths = (len(frame) // 2 // 2 + len(frame) // 2 // 8) * 2
    rest = 0
    for at in range(2, five_eighths):
        rest = (rest << 8 & 0xFFFF) ^ _CRC[rest >> 8 ^ frame[at]]
    if rest:
        return False
    for at in range(five_eighths, len(frame)):
        rest = (rest << 8 & 0xFFFF) ^ _CRC[rest >> 8 ^ frame[at]]
    return rest == 0


def mpeg_frame(data: bytes, at: int) -> tuple[int, float] | None:
    """Bytes and ticks of the MPEG-1 layer II frame at ``at``, or None."""
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xFE != 0xFC:
        return None
    rate, hz = data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if not 0 < rate < 15 or hz == 3:
        return None
    size = 144_000 * _L2_RATES[rate] // _L2_HZ[hz] + (data[at + 2] >> 1 & 1)
    return size, 1152 * 90_000 / _L2_HZ[hz]


def lpcm_frame(header: bytes) -> tuple[int, float] | None:
    """Bytes and ticks of an LPCM frame (1/600 s), from bytes 4-6 of the packet's audio header."""
    bits = (16, 20, 24)[min(header[1] >> 6, 2)]
    hz = 96_000 if header[1] >> 4 & 3 == 1 else 48_000
    return hz // 600 * ((header[1] & 7) + 1) * bits // 8, 150.0


def walk(kind: str, chunks: Sequence[Chunk], fixed: tuple[int, float] | None = None, *, last: bool) -> Frames | None:
    """The frames in ``chunks``: the last stretch of them without a break when ``last``, else the first; None when no
    frame can be made out. ``fixed``: size and ticks of frames without a header (LPCM)."""
    data = b"".join(chunk.data for chunk in chunks)
    known = [
        place + chunk.first
        for place, chunk in zip(offsets(chunks), chunks, strict=True)
        if chunk.first is not None and chunk.first < len(chunk.data)
    ]

    def frame(at: int) -> tuple[int, float] | None:
        if kind == "ac3":
            return ac3_frame(data, at)
        return mpeg_frame(data, at) if kind == "mpeg" else fixed

    at = _begin(kind, data, known, frame, 0)
    best: Frames | None = None
    while at is not None:
        starts, size, ticks, end = _stretch(at, len(data), frame)
        best = Frames(kind, tuple(starts), size, ticks, len(data), kind == "ac3" and _sound(data, starts, size))
        if end >= len(data) or not last:
            return best
        at = _begin(kind, data, known, frame, end)
    return best


def offsets(chunks: Sequence[Chunk]) -> list[int]:
    """Where each chunk begins when all are put together."""
    places, place = [], 0
    for chunk in chunks:
        places.append(place)
        place += len(chunk.data)
    return places


def _begin(kind: str, data: bytes, known: Sequence[int], frame: FrameAt, after: int) -> int | None:
    """The first place from ``after`` on where a frame begins for certain."""
    named = next((place for place in known if place >= after and frame(place) is not None), None)
    if named is not None or kind == "lpcm":
        return named
    mark = b"\x0b\x77" if kind == "ac3" else b"\xff"
    at = data.find(mark, after)
    while at >= 0:
        here = frame(at)
        if here is not None and frame(at + here[0]) is not None:
            return at
        at = data.find(mark, at + 1)
    return None


def _stretch(at: int, total: int, frame: FrameAt) -> tuple[list[int], int, float, int]:
    """Frame after frame: starts, size and ticks of the last, and where it stops (``total`` or beyond: no break)."""
    starts: list[int] = []
    size, ticks = 0, 0.0
    while at < total:
        here = frame(at)
        if here is not None:
            size, ticks = here
        elif at + 5 <= total:
            break
        starts.append(at)
        at += size
    return starts, size, ticks, at


def _sound(data: bytes, starts: Sequence[int], size: int) -> bool:
    whole = [data[at : at + size] for at in starts[-4:] if at + size <= len(data)][-2:]
    return bool(whole) and all(ac3_sound(one) for one in whole)
