"""The packets in a few packs: video bytes, audio chunks, what streams there are. For the ends of pieces only."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.dvr.clock.audio import Chunk, lpcm_frame
from engine.dvr.pack import PACK_SIZE, is_pack

_PADDING, _PRIVATE1, _PRIVATE2, _SYSTEM = 0xBE, 0xBD, 0xBF, 0xBB
REAL_TIME_DATA = 0x50


@dataclass(slots=True)
class Packets:
    """``audio``: chunks by stream (sub-stream id of private 1, or stream id). ``fixed``: frame size and ticks of
    LPCM."""

    video: list[bytes] = field(default_factory=list)
    audio: dict[int, list[Chunk]] = field(default_factory=dict)
    fixed: dict[int, tuple[int, float]] = field(default_factory=dict)
    streams: set[int] = field(default_factory=set)
    system_first: bool = False
    real_time_data: bool = False


def packets_of(data: bytes) -> Packets:
    """All packets of the packs in ``data`` (whole packs, stream order); what is no pack is passed over."""
    found = Packets()
    for start in range(0, len(data) - PACK_SIZE + 1, PACK_SIZE):
        pack = data[start : start + PACK_SIZE]
        if is_pack(pack) and pack[4] & 0xC0 == 0x40:
            _pack(pack, found, first=start == 0)
    return found


def _pack(pack: bytes, found: Packets, *, first: bool) -> None:
    at = 14 + (pack[13] & 7)
    while at + 6 <= len(pack) and pack[at : at + 3] == b"\0\0\1":
        code, size = pack[at + 3], int.from_bytes(pack[at + 4 : at + 6], "big")
        body = pack[at + 6 : at + 6 + size]
        if code == _SYSTEM:
            found.system_first |= first
        elif code == _PRIVATE2:
            found.real_time_data |= body[:1] == bytes([REAL_TIME_DATA])
        elif code != _PADDING and len(body) >= 3:
            _packet(code, body, found)
        at += 6 + size


def _packet(code: int, body: bytes, found: Packets) -> None:
    header = 3 + body[2]
    stamp = stamp_of(body[3:8]) if body[1] & 0x80 and header <= len(body) else None
    data = body[header:]
    if 0xE0 <= code <= 0xEF:
        found.streams.add(code)
        if code == 0xE0:
            found.video.append(data)
    elif 0xC0 <= code <= 0xDF:
        found.streams.add(code)
        found.audio.setdefault(code, []).append(Chunk(data, None, stamp))
    elif code == _PRIVATE1 and len(data) >= 4:
        _private(data, stamp, found)


def _private(data: bytes, stamp: int | None, found: Packets) -> None:
    stream, pointer = data[0], int.from_bytes(data[2:4], "big")
    found.streams.add(stream)
    if 0x80 <= stream <= 0x87:
        found.audio.setdefault(stream, []).append(Chunk(data[4:], pointer - 1 if pointer else None, stamp))
    elif 0xA0 <= stream <= 0xA7 and len(data) >= 7:
        first = pointer - 4 if pointer >= 4 else None
        found.audio.setdefault(stream, []).append(Chunk(data[7:], first, stamp))
        fixed = lpcm_frame(data[4:7])
        if fixed is not None:
            found.fixed[stream] = fixed


def stamp_of(data: bytes) -> int | None:
    """A time stamp (33 bits at 90 kHz), None when its fixed bits are wrong."""
    if len(data) < 5 or not data[0] & data[2] & data[4] & 1 or data[0] >> 4 not in (1, 2, 3):
        return None
    return (data[0] >> 1 & 7) << 30 | data[1] << 22 | data[2] >> 1 << 15 | data[3] << 7 | data[4] >> 1
