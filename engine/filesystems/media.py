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
    except (struct.error, ValueError, IndexError, ZeroDivisionError):
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


_KBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG-1
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG-2 and 2.5
)
_HERTZ = (44100, 48000, 32000)


def _mp3(source: Source) -> float | None:
    """Layer III (ISO/IEC 11172-3, 13818-3): the count of frames in a Xing or Info header, else the bit rate."""
    head = _known(source, 0, _HEAD)
    start = 0
    if head[:3] == b"ID3":
        start = 10 + sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        head = _known(source, start, 4096)
    for at in range(max(0, len(head) - 200)):
        word = int.from_bytes(head[at : at + 4], "big")
        version, rate, hertz = word >> 19 & 3, word >> 12 & 15, word >> 10 & 3
        if word >> 21 != 0x7FF or word >> 17 & 3 != 1 or version == 1 or not 0 < rate < 15 or hertz == 3:
            continue
        frequency = _HERTZ[hertz] >> (0, 0, 1, 2)[(3, 1, 2, 0).index(version)]
        samples = 1152 if version == 3 else 576
        info = max(head.find(b"Xing", at, at + 64), head.find(b"Info", at, at + 64))
        if info > 0 and head[info + 7] & 1:
            return float(struct.unpack_from(">I", head, info + 8)[0] * samples / frequency)
        return (source.size - start) * 8 / (_KBITS[version != 3][rate] * 1000)
    return None


_AAC_HERTZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def _aac(source: Source) -> float | None:
    """ADTS (ISO/IEC 13818-7): 1024 samples a frame, and how long the first frames are on average."""
    head = _known(source, 0, 8 * _HEAD)
    at = frames = 0
    hertz = 0
    while at + 7 <= len(head) and head[at] == 0xFF and head[at + 1] & 0xF6 == 0xF0:
        hertz = _AAC_HERTZ[min(head[at + 2] >> 2 & 15, 12)]
        length = (head[at + 3] & 3) << 11 | head[at + 4] << 3 | head[at + 5] >> 5
        if length < 7:
            return None
        at, frames = at + length, frames + 1
    return source.size / (at / frames) * 1024 / hertz if frames >= 3 else None


def _ogg(source: Source) -> float | None:
    """The last granule position (RFC 3533): samples in Vorbis and FLAC, 48 kHz in Opus (RFC 7845)."""
    head = _known(source, 0, _HEAD)
    serials: dict[bytes, tuple[float, int]] = {}
    for at in _finds(head, b"OggS\0"):
        body, serial = head[at + 27 + head[at + 26] :][:64], head[at + 14 : at + 18]
        if body.startswith(b"\x01vorbis"):
            serials[serial] = (struct.unpack_from("<I", body, 12)[0], 0)
        elif body.startswith(b"OpusHead"):
            serials[serial] = (48000, struct.unpack_from("<H", body, 10)[0])
        elif body.startswith(b"\x7fFLAC"):
            serials[serial] = (int.from_bytes(body[27:30], "big") >> 4, 0)
    size = min(source.size, _TAIL)
    tail = _known(source, source.size - size, size)
    for at in reversed(_finds(tail, b"OggS\0")):
        rate, skip = serials.get(tail[at + 14 : at + 18], (0.0, 0))
        granule = struct.unpack_from("<q", tail, at + 6)[0]
        if rate and granule > skip:
            return float((granule - skip) / rate)
    return None


def _finds(data: bytes, what: bytes) -> list[int]:
    found, at = [], data.find(what)
    while at >= 0 and at + 27 <= len(data):
        found.append(at)
        at = data.find(what, at + 1)
    return found


_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def _asf(source: Source) -> float | None:
    """WMV, WMA: the file properties object; the play duration counts the preroll (Microsoft's ASF specification)."""
    head = _known(source, 0, _HEAD)
    at = head.find(_ASF_PROPERTIES)
    if not head.startswith(bytes.fromhex("3026b2758e66cf11")) or at < 0:
        return None
    duration, _, preroll = struct.unpack_from("<QQQ", head, at + 64)
    return float(duration / 1e7 - preroll / 1e3)


_SEGMENT, _INFO, _SCALE, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489


def _matroska(source: Source) -> float | None:
    """MKV, WebM: Duration and TimestampScale in Segment/Info (RFC 9559)."""
    at, end = 0, source.size
    scale, duration = 1_000_000, None
    for _ in range(_MAX_BOXES):
        head = _known(source, at, 16)
        name, first = _ebml(head, 0, keep=True)
        size, body = _ebml(head, first, keep=False)
        if at >= end:
            break
        if name == _SEGMENT:
            at += body
            continue
        if name == _INFO:
            at, end = at + body, at + body + size
            continue
        if name == _SCALE and size <= 8:
            scale = int.from_bytes(_known(source, at + body, size), "big")
        elif name == _DURATION and size in (4, 8):
            duration = float(struct.unpack(">f" if size == 4 else ">d", _known(source, at + body, size))[0])
        at += body + size
    return None if duration is None else duration * scale / 1e9


def _ebml(data: bytes, at: int, *, keep: bool) -> tuple[int, int]:
    """A number of variable length (RFC 8794), with (``keep``) or without its length mark, and where it ends."""
    if at >= len(data) or not data[at]:
        raise ValueError("no number of EBML")
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep else value & (1 << 7 * length) - 1), at + length


def _ts(source: Source) -> float | None:
    """Transport streams (ISO/IEC 13818-1): from the first to the last program clock of one stream of packets."""
    head = _known(source, 0, _TAIL)
    size = min(source.size, _TAIL)
    tail = _known(source, source.size - size, size)
    clocks = [_pcrs(head), _pcrs(tail)]
    for pid, first in clocks[0].items():
        last = clocks[1].get(pid)
        if last is not None:
            return ((last[1] - first[0]) % (1 << 33)) / 90000
    return None


def _pcrs(data: bytes) -> dict[int, tuple[int, int]]:
    """PID -> first and last program clock (90 kHz)."""
    found: dict[int, tuple[int, int]] = {}
    step = start = 0
    for step in (188, 192, 204):
        start = next((at for at in range(step) if data[at : at + 5 * step : step] == b"G" * 5), -1)
        if start >= 0:
            break
    if start < 0:
        return found
    for at in range(start, len(data) - step, step):
        if data[at] == 0x47 and data[at + 3] & 0x20 and data[at + 4] >= 7 and data[at + 5] & 0x10:
            pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
            clock = int.from_bytes(data[at + 6 : at + 11], "big") >> 7
            found[pid] = (found.get(pid, (clock, clock))[0], clock)
    return found


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
    "mkv": _matroska, "mka": _matroska, "webm": _matroska,
    "ts": _ts, "m2ts": _ts, "mts": _ts, "tp": _ts, "trp": _ts,
    "aac": _aac, "ogg": _ogg, "oga": _ogg, "opus": _ogg, "wmv": _asf, "wma": _asf, "asf": _asf,
}  # fmt: skip
KNOWN = frozenset(_KINDS)
"""Extensions that ``seconds`` looks into."""
