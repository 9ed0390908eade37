"""How long a recording plays, by its header: so that missing bytes can be told as missing time."""

from __future__ import annotations

import struct
from collections.abc import Callable

from engine.source import Source

_HEAD = 1 << 16
_TAIL = 1 << 20
_MAX_BOXES = 200


def seconds(source: Source, extension: str) -> float | None:
    """The playing time of a whole file of this kind, or None when its header does not tell (or was never read)."""
    reader = _KINDS.get(extension.lower())
    if reader is None:
        return None
    try:
        found = reader(source)
    except (struct.error, ValueError, ZeroDivisionError):
        return None
    return found if found is not None and 0 < found < 1e7 else None


def _known(source: Source, offset: int, size: int) -> bytes:
    """Bytes up to the first one that nobody has read."""
    reading = source.read(offset, size)
    return reading.data if reading.whole else reading.data[: reading.holes[0][0] - offset]


def _wav(source: Source) -> float | None:
    head = _known(source, 0, _HEAD)
    if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
        return None
    at = head.find(b"fmt ", 12)
    rate = struct.unpack_from("<I", head, at + 16)[0] if at > 0 else 0
    return (source.size - 44) / rate if rate else None


def _avi(source: Source) -> float | None:
    head = _known(source, 0, 4096)
    at = head.find(b"avih")
    if head[8:12] != b"AVI " or at < 0:
        return None
    microseconds = struct.unpack_from("<I", head, at + 8)[0]
    frames = struct.unpack_from("<I", head, at + 24)[0]
    return float(microseconds * frames / 1e6)


def _mp4(source: Source) -> float | None:
    at = 0
    for _ in range(_MAX_BOXES):
        head = _known(source, at, 16)
        if len(head) < 16:
            return None
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1:
            size = struct.unpack_from(">Q", head, 8)[0]
        if kind == b"moov":
            return _mvhd(_known(source, at, min(size, _HEAD)))
        if size < 8:
            return None
        at += size
    return None


def _mvhd(data: bytes) -> float | None:
    at = data.find(b"mvhd")
    if at < 0:
        return None
    if data[at + 4] == 1:
        scale, duration = struct.unpack_from(">IQ", data, at + 24)
    else:
        scale, duration = struct.unpack_from(">II", data, at + 16)
    return float(duration / scale)


def _flac(source: Source) -> float | None:
    head = _known(source, 0, 64)
    if head[:4] != b"fLaC":
        return None
    rate = int.from_bytes(head[18:21], "big") >> 4
    samples = int.from_bytes(head[21:26], "big") & (1 << 36) - 1
    return samples / rate


_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def _mp3(source: Source) -> float | None:
    head = _known(source, 0, _HEAD)
    at = 0
    if head[:3] == b"ID3":
        at = 10 + sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        head = _known(source, at, 4096)
        at = 0
    at = head.find(b"\xff\xfb", at)
    rate = _KBITS[head[at + 2] >> 4] if at >= 0 and head[at + 2] >> 4 < 15 else 0
    return source.size * 8 / (rate * 1000) if rate else None


def _mpeg(source: Source) -> float | None:
    """From the first and the last system clock of a program stream (VOB, VRO, MPG)."""
    head = _known(source, 0, _HEAD)
    tail = _known(source, max(0, source.size - _TAIL), _TAIL)
    first, last = _clock(head, head.find(b"\0\0\1\xba")), _clock(tail, tail.rfind(b"\0\0\1\xba"))
    return (last - first) / 90000 if first is not None and last is not None and last > first else None


def _clock(data: bytes, at: int) -> int | None:
    if at < 0 or at + 10 > len(data):
        return None
    pack = data[at + 4 : at + 10]
    if pack[0] & 0xC4 == 0x44:
        value = int.from_bytes(pack, "big")
        return (value >> 43 & 7) << 30 | (value >> 27 & 0x7FFF) << 15 | value >> 11 & 0x7FFF
    if pack[0] & 0xF1 == 0x21:
        value = int.from_bytes(pack[:5], "big")
        return (value >> 33 & 7) << 30 | (value >> 17 & 0x7FFF) << 15 | value >> 1 & 0x7FFF
    return None


_KINDS: dict[str, Callable[[Source], float | None]] = {
    "wav": _wav, "avi": _avi, "flac": _flac, "mp3": _mp3,
    "mp4": _mp4, "mov": _mp4, "m4v": _mp4, "m4a": _mp4, "3gp": _mp4,
    "mpg": _mpeg, "mpeg": _mpeg, "vob": _mpeg, "vro": _mpeg,
}  # fmt: skip
KNOWN = frozenset(_KINDS)
"""Extensions that ``seconds`` looks into."""
