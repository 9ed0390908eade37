"""Both ends of a piece described from its first and last packs."""

from __future__ import annotations

import re
from dataclasses import replace

from engine.dvr.clock.audio import Chunk, Frames, offsets, walk
from engine.dvr.clock.model import AudioEnd, End, Piece
from engine.dvr.clock.packets import Packets, packets_of
from engine.dvr.pack import PACK_SIZE
from engine.source import Source
from engine.source.base import ReadError

HEAD_PACKS, TAIL_PACKS = 60, 180
_CODES = re.compile(rb"\x00\x00\x01([\x00-\xaf\xb3\xb8])", re.DOTALL)
_WRAP = 1 << 33


def describe(source: Source, piece: Piece) -> Piece:
    """``piece`` with both ends; ``source`` gives stream order (``SwapSource`` on swapped disks)."""
    head = head_of(read_packs(source, piece.start, min(piece.packs, HEAD_PACKS)))
    packs = min(piece.packs, TAIL_PACKS)
    tail = tail_of(read_packs(source, piece.end - packs * PACK_SIZE, packs))
    return replace(piece, head=head, tail=tail)


def read_packs(source: Source, start: int, packs: int) -> bytes:
    """These packs, empty when the medium does not give them (the ends then stay unknown)."""
    try:
        return source.read(start, packs * PACK_SIZE).data
    except ReadError as error:
        if error.code == "device-gone":
            raise
        return b""


def head_of(data: bytes) -> End:
    """The start of a piece, from its first packs."""
    found = packets_of(data)
    video = b"".join(found.video)
    marks = list(_CODES.finditer(video))
    first = marks[0] if marks else None
    number = first[1][0] if first is not None else 0
    groups = [mark for mark in marks if mark[1][0] == 0xB8]
    return End(
        _sequence(video), tuple(sorted(found.streams)), _audio_head(found),
        number if 1 <= number <= 0xAF else None, first is not None and not 1 <= number <= 0xAF,
        found.system_first and first is not None and number == 0xB3,
        _time_code(video, groups[0].end()) if groups else None, found.real_time_data,
    )  # fmt: skip


def tail_of(data: bytes) -> End:
    """The end of a piece, from its last packs."""
    found = packets_of(data)
    video = b"".join(found.video)
    marks = list(_CODES.finditer(video))
    number = marks[-1][1][0] if marks else 0
    return End(
        _sequence(video), tuple(sorted(found.streams)), _audio_tail(found),
        number if 1 <= number <= 0xAF else None, bool(marks) and not 1 <= number <= 0xAF,
        real_time_data=found.real_time_data,
    )  # fmt: skip


def slices(found: Packets) -> list[int]:
    """Numbers of the slices that begin in these packets, 0 for anything that begins a new picture."""
    return [mark[1][0] if mark[1][0] <= 0xAF else 0 for mark in _CODES.finditer(b"".join(found.video))]


def _sequence(video: bytes) -> tuple[int, int, int, int] | None:
    at = video.find(b"\0\0\1\xb3")
    if at < 0 or at + 8 > len(video):
        return None
    a, b, c, d = video[at + 4 : at + 8]
    return a << 4 | b >> 4, (b & 15) << 8 | c, d >> 4, d & 15


def _time_code(video: bytes, at: int) -> float | None:
    if at + 4 > len(video):
        return None
    value = int.from_bytes(video[at : at + 4], "big")
    return float((value >> 26 & 31) * 3600 + (value >> 20 & 63) * 60 + (value >> 13 & 63)) + (value >> 7 & 63) / 100


def _kind(stream: int) -> str:
    return "mpeg" if stream >= 0xC0 else "lpcm" if stream >= 0xA0 else "ac3"


def _main(found: Packets) -> tuple[int, list[Chunk]] | None:
    """The first AC-3 stream, else MPEG audio, else LPCM."""
    order = sorted(found.audio, key=lambda stream: (("ac3", "mpeg", "lpcm").index(_kind(stream)), stream))
    return (order[0], found.audio[order[0]]) if order else None


def _audio_head(found: Packets) -> AudioEnd | None:
    main = _main(found)
    if main is None:
        return None
    stream, chunks = main
    frames = walk(_kind(stream), chunks, found.fixed.get(stream), last=False)
    if frames is None:
        return None
    stamp = _stamp(chunks, frames, first=True)
    data = b"".join(chunk.data for chunk in chunks)
    first = frames.starts[0]
    return AudioEnd(_kind(stream), stream, frames.size, frames.ticks, first, stamp, data[:first], frames.sound)


def _audio_tail(found: Packets) -> AudioEnd | None:
    main = _main(found)
    if main is None:
        return None
    stream, chunks = main
    frames = walk(_kind(stream), chunks, found.fixed.get(stream), last=True)
    if frames is None:
        return None
    data = b"".join(chunk.data for chunk in chunks)
    last = frames.starts[-1]
    missing = last + frames.size - frames.total
    stamp = _stamp(chunks, frames, first=False)
    partial = data[last:] if missing else b""
    return AudioEnd(_kind(stream), stream, frames.size, frames.ticks, missing, stamp, partial, frames.sound)


def _stamp(chunks: list[Chunk], frames: Frames, *, first: bool) -> int | None:
    """When the first frame begins (``first``), or the one that would follow the last."""
    places = offsets(chunks)
    order = range(len(chunks)) if first else range(len(chunks) - 1, -1, -1)
    for index in order:
        chunk, place = chunks[index], places[index]
        if chunk.stamp is None:
            continue
        inside = [n for n, at in enumerate(frames.starts) if place <= at < place + len(chunk.data)]
        if inside:
            count = -inside[0] if first else len(frames.starts) - inside[0]
            return round(chunk.stamp + count * frames.ticks) % _WRAP
    return None
