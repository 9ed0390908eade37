"""Programme streams for tests: real ones from ffmpeg, small ones written here with right check sums, clocks moved."""

from __future__ import annotations

import functools
import random
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.dvr.pack import PACK_SIZE

WRAP = 1 << 33


@functools.cache
def ffmpeg_stream(seed: int, seconds: int = 20, *, size: str = "352x288", kbit: int = 1200, audio: str = "ac3",
                  rate: int = 192) -> bytes:  # fmt: skip
    """A DVD programme stream of moving pictures and noise that differ with ``seed``; whole packs."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "film.mpg")
        subprocess.run([
            "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i",
            f"mandelbrot=size={size}:rate=25:start_scale={2 + seed % 7}:start_x={-0.7 + 0.01 * (seed % 13)}",
            "-f", "lavfi", "-i", f"anoisesrc=color=pink:seed={seed}:sample_rate=48000:amplitude=0.3", "-ac", "2",
            "-t", str(seconds), "-c:v", "mpeg2video", "-b:v", f"{kbit}k", "-maxrate", f"{kbit * 2}k", "-bufsize",
            "1835k", "-g", "12", "-c:a", audio, "-b:a", f"{rate}k", "-f", "dvd", "-threads", "1", str(out),
        ], check=True)  # fmt: skip
        data = out.read_bytes()
    return data[: len(data) // PACK_SIZE * PACK_SIZE]


def moved(data: bytes, ticks: int) -> bytes:
    """The same stream with every clock and time stamp ``ticks`` of 90 kHz later, modulo 2^33."""
    out = bytearray(data)
    for at in range(0, len(out), PACK_SIZE):
        if out[at : at + 4] != b"\0\0\1\xba":
            continue
        base, extension = scr_of(out, at)
        put_scr(out, at, (base + ticks) % WRAP, extension)
        place = at + 14 + (out[at + 13] & 7)
        while out[place : place + 3] == b"\0\0\1" and place + 9 < at + PACK_SIZE:
            code = out[place + 3]
            if code == 0xBD or 0xC0 <= code <= 0xEF:
                flags = out[place + 7] >> 6
                if flags & 2:
                    put_stamp(out, place + 9, flags, (stamp_at(out, place + 9) + ticks) % WRAP)
                if flags == 3:
                    put_stamp(out, place + 14, 1, (stamp_at(out, place + 14) + ticks) % WRAP)
            place += 6 + int.from_bytes(out[place + 4 : place + 6], "big")
    return bytes(out)


def scr_of(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Base (90 kHz) and extension of a pack header."""
    value = int.from_bytes(data[at + 4 : at + 10], "big")
    base = (value >> 43 & 7) << 30 | (value >> 27 & 0x7FFF) << 15 | value >> 11 & 0x7FFF
    return base, value >> 1 & 0x1FF


def put_scr(data: bytearray, at: int, base: int, extension: int) -> None:
    """Write a pack's clock."""
    value = 1 << 46 | (base >> 30) << 43 | 1 << 42 | (base >> 15 & 0x7FFF) << 27 | 1 << 26 | (base & 0x7FFF) << 11
    data[at + 4 : at + 10] = (value | 1 << 10 | extension << 1 | 1).to_bytes(6, "big")


def stamp_at(data: bytes | bytearray, at: int) -> int:
    """A PTS or DTS."""
    a, b, c, d, e = data[at : at + 5]
    return (a >> 1 & 7) << 30 | b << 22 | c >> 1 << 15 | d << 7 | e >> 1


def put_stamp(data: bytearray, at: int, prefix: int, value: int) -> None:
    """Write one; ``prefix`` 2 (PTS alone), 3 (PTS of two), 1 (DTS)."""
    data[at : at + 5] = stamp_bytes(prefix, value)


def stamp_bytes(prefix: int, value: int) -> bytes:
    """The five bytes of a time stamp."""
    return bytes([
        prefix << 4 | (value >> 30) << 1 | 1, value >> 22 & 0xFF, (value >> 15 & 0x7F) << 1 | 1, value >> 7 & 0xFF,
        (value & 0x7F) << 1 | 1,
    ])  # fmt: skip


# --- streams of our own: tiny, exact, with everything the tests of joins look at


def ac3(rng: random.Random, kbit: int = 192) -> bytes:
    """A frame of 48 kHz AC-3 with noise in it and both check sums right."""
    code = {128: 16, 192: 20, 256: 24, 448: 30}[kbit]
    size = kbit * 4
    split = (size // 4 + size // 16) * 2
    frame = bytearray(rng.randbytes(size).replace(b"\x0b\x77", b"\x0b\x78"))
    frame[:5] = bytes([0x0B, 0x77, 0, 0, code])
    frame[split - 2 : split] = crc(frame[2 : split - 2])
    frame[size - 2 :] = crc(frame[split : size - 2])
    return bytes(frame)


def _byte(value: int) -> int:
    rest = value << 8
    for _ in range(8):
        rest = (rest << 1 ^ 0x8005 if rest & 0x8000 else rest << 1) & 0xFFFF
    return rest


_TABLE = [_byte(value) for value in range(256)]


def crc(data: bytes | bytearray) -> bytes:
    """The 16 bits that make the remainder of ``data`` and themselves zero."""
    rest = 0
    for byte in data:
        rest = (rest << 8 & 0xFFFF) ^ _TABLE[rest >> 8 ^ byte]
    return rest.to_bytes(2, "big")


@dataclass
class Maker:
    """Writes a stream of ``seconds`` from ``clock`` (90 kHz): VOBUs of half a second, pictures of slices, AC-3."""

    seed: int
    clock: int = 0
    kbit: int = 192
    size: tuple[int, int] = (352, 288)
    mux: int = 25_200
    restart: bool = True
    pack_ticks: int = 0

    def stream(self, seconds: float, video_packs: int = 10) -> bytes:
        """Every VOBU has ``video_packs`` packs of video and the audio of half a second."""
        rng = random.Random(self.seed)
        step = self.pack_ticks or -(-PACK_SIZE * 27_000_000 // (self.mux * 50)) // 300 + 1
        out: list[bytes] = []
        frames: list[bytes] = []
        frame_clock, sent, audio, ends = self.clock + 9000, 0, b"", []
        for vobu in range(int(seconds * 2)):
            begin = self.clock + vobu * 45_000
            at = begin
            while frame_clock + len(frames) * 2880 < begin + 45_000 + 9000:
                frames.append(ac3(rng, self.kbit))
                ends.append(len(audio))
                audio += frames[-1]
            for body in self._video(rng, vobu, video_packs, begin + 18_000):
                out.append(self._pack(at, body))
                at += step
            while len(audio) - sent >= 2005:
                part = audio[sent : sent + 2005]
                inside = [n for n, start in enumerate(ends) if sent <= start < sent + 2005]
                first = ends[inside[0]] - sent + 1 if inside else 0
                stamp = stamp_bytes(2, (frame_clock + (inside[0] if inside else 0) * 2880) % WRAP)
                body = b"\x81\x80\x05" + stamp + bytes([0x80, len(inside)]) + first.to_bytes(2, "big") + part
                out.append(self._pack(at, b"\0\0\1\xbd" + len(body).to_bytes(2, "big") + body))
                sent, at = sent + 2005, at + step
        return b"".join(out)

    def _pack(self, clock: int, body: bytes) -> bytes:
        head = bytearray(b"\0\0\1\xba" + bytes(6) + (self.mux << 2 | 3).to_bytes(3, "big") + b"\xf8")
        put_scr(head, 0, clock % WRAP, 0)
        rest = PACK_SIZE - len(head) - len(body)
        if rest >= 6:
            body += b"\0\0\1\xbe" + (rest - 6).to_bytes(2, "big") + b"\xff" * (rest - 6)
        assert len(head) + len(body) == PACK_SIZE, rest
        return bytes(head) + body

    def _video(self, rng: random.Random, vobu: int, packs: int, stamp: int) -> Iterable[bytes]:
        width, height = self.size
        seconds = vobu // 2 if self.restart else vobu // 2 + 3600
        code = (seconds // 3600 % 24) << 26 | (seconds // 60 % 60) << 20 | 1 << 19 | (seconds % 60) << 13
        code |= (vobu % 2 * 12) << 7
        stream = b"\0\0\1\xb3" + bytes([width >> 4, (width & 15) << 4 | height >> 8, height & 255, 0x23]) + bytes(4)
        stream += b"\0\0\1\xb8" + code.to_bytes(4, "big")
        rows = height // 16
        room = packs * 1980
        pictures = 4
        each = (room - len(stream)) // pictures // rows - 8
        for _ in range(pictures):
            stream += b"\0\0\1\0" + bytes([1, 2, 3, 4])
            for row in range(1, rows + 1):
                stream += b"\0\0\1" + bytes([row]) + rng.randbytes(each).replace(b"\0", b"\1")
        stream = stream.ljust(room, b"\xff")
        for n in range(packs):
            lead = b""
            if n == 0:
                lead = b"\0\0\1\xbb\0\x0c" + b"\x80\xc4\xe1\x04\xe1\xff\xb9\xe0\xe8\xb8\xc0\x20"
            head = b"\x81\x80\x05" + stamp_bytes(2, stamp % WRAP) if n == 0 else b"\x81\x00\x00"
            body = head + stream[n * 1980 : (n + 1) * 1980]
            yield lead + b"\0\0\1\xe0" + len(body).to_bytes(2, "big") + body


# --- disks of shuffled extents


@dataclass(frozen=True)
class Laid:
    """A disk and where the pieces of each title stand on it, in playing order: (start, size)."""

    data: bytes
    titles: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def joins(self) -> set[tuple[int, int]]:
        """(end, start) of every two neighbours in a title that are not neighbours on the disk."""
        return {
            (a + size, b)
            for title in self.titles
            for (a, size), (b, _) in zip(title, title[1:], strict=False)
            if a + size != b
        }  # fmt: skip


def lay(streams: Sequence[bytes], rng: random.Random, *, extents: int = 5, gap: bool = True, offset: int = 0,
        remains: bytes = b"") -> Laid:  # fmt: skip
    """Each stream cut into about ``extents`` pieces at whole packs, all shuffled; a block of noise (or of ``remains``)
    between two, or nothing without ``gap``."""
    pieces: list[tuple[int, int, bytes]] = []
    for title, stream in enumerate(streams):
        packs = len(stream) // PACK_SIZE
        cuts = sorted({0, packs, *rng.sample(range(40, packs - 40, 16), extents - 1)})
        for n, (low, high) in enumerate(zip(cuts, cuts[1:], strict=False)):
            pieces.append((title, n, stream[low * PACK_SIZE : high * PACK_SIZE]))
    rng.shuffle(pieces)
    out = bytearray(rng.randbytes(offset))
    places: dict[tuple[int, int], tuple[int, int]] = {}
    for title, n, piece in pieces:
        places[title, n] = (len(out), len(piece))
        out += piece
        if remains:
            at = rng.randrange(0, len(remains) // PACK_SIZE - 100) * PACK_SIZE
            out += remains[at : at + rng.randrange(35, 100) * PACK_SIZE]
        elif gap:
            out += rng.randbytes(PACK_SIZE)
    titles = tuple(
        tuple(place for key, place in sorted(places.items()) if key[0] == title) for title in range(len(streams))
    )
    return Laid(bytes(out), titles)
