"""MPEG program streams for test disks: a small writer of packs, and real ones by ffmpeg."""

from __future__ import annotations

import functools
import random
import struct
import subprocess
import tempfile
from pathlib import Path

PACK = 2048
CLOCK = 27_000_000


def pack_header(scr: int, rate: int = 25200) -> bytes:
    """Fourteen bytes; ``scr`` in ticks of 27 MHz."""
    base, extension = divmod(scr % (300 << 33), 300)
    value = 0b01 << 46 | (base >> 30) << 43 | 1 << 42 | (base >> 15 & 0x7FFF) << 27 | 1 << 26
    value |= (base & 0x7FFF) << 11 | 1 << 10 | extension << 1 | 1
    return b"\0\0\1\xba" + value.to_bytes(6, "big") + (rate << 2 | 3).to_bytes(3, "big") + b"\xf8"


def pts_bytes(pts: int, prefix: int = 2) -> bytes:
    """Five bytes of a time stamp of 90 kHz."""
    value = prefix << 36 | (pts >> 30 & 7) << 33 | 1 << 32 | (pts >> 15 & 0x7FFF) << 17 | 1 << 16
    value |= (pts & 0x7FFF) << 1 | 1
    return value.to_bytes(5, "big")


SYSTEM_HEADER = b"\0\0\1\xbb\0\x12\x80\xc4\xe1\x04\xe1\x7f\xb9\xe0\xe8\xb8\xc0\x20\xbd\xe0\x3a\xbf\xe0\x02"


def video_pack(
    scr: int, payload: bytes, pts: int | None = None, *, vobu: bool = False, scrambled: bool = False
) -> bytes:
    """One pack of 2048 bytes with a video packet; ``vobu`` puts a system header first."""
    head = pack_header(scr) + (SYSTEM_HEADER if vobu else b"")
    stamp = b"" if pts is None else pts_bytes(pts)
    flags = bytes([0x80 | (0x10 if scrambled else 0), 0x80 if stamp else 0, len(stamp)]) + stamp
    room = PACK - len(head) - 6 - len(flags)
    return head + b"\0\0\1\xe0" + struct.pack(">H", room + len(flags)) + flags + payload[:room].ljust(room, b"\xff")


def stream(
    packs: int, seed: int = 1, *, scr: int = 0, pack_s: float = 0.004, vobu_packs: int = 15, scrambled: bool = False
) -> bytes:
    """``packs`` packs whose clock rises by ``pack_s`` seconds each; every pack's payload is its own (by ``seed``)."""
    noise = random.Random(seed)
    out = bytearray()
    for number in range(packs):
        clock = scr + round(number * pack_s * CLOCK)
        first = number % vobu_packs == 0
        # No start code may appear by chance.
        payload = struct.pack(">II", seed, number) + noise.randbytes(96).replace(b"\0", b"\7") * 21
        out += video_pack(clock, payload, clock // 300 + 9000 if first else None, vobu=first, scrambled=scrambled)
    return bytes(out)


class Long:
    """A stream too long to write: only the first and the last pack of each stretch that is laid down are real."""

    def __init__(self, packs: int, pack_s: float = 0.004, first: int = 0) -> None:
        self.packs, self.pack_s, self.first = packs, pack_s, first

    def __len__(self) -> int:
        return self.packs * PACK

    def __getitem__(self, part: slice) -> Long:
        start, stop, _ = part.indices(len(self))
        return Long(max(0, stop - start) // PACK, self.pack_s, self.first + start // PACK)

    def pieces(self) -> list[tuple[int, bytes]]:
        """What is written of it: (offset, pack)."""
        return [
            (number * PACK, video_pack(round((self.first + number) * self.pack_s * CLOCK), b"x", vobu=True))
            for number in sorted({0, self.packs - 1})
        ]


@functools.cache
def real_stream(seconds: int, number: int = 0, size: str = "352x288") -> bytes:
    """A real DVD-style program stream by ffmpeg (needs it): video, AC-3, packs of 2048 bytes."""
    with tempfile.TemporaryDirectory(prefix="dvr-stream-") as folder:
        path = Path(folder, "stream.vob")
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc=size={size}:rate=25,hue=h={number * 40}",
             "-f", "lavfi", "-i", f"sine=frequency={300 + 50 * number}:sample_rate=48000", "-t", str(seconds),
             "-target", "pal-dvd", "-s", size, "-b:v", "1200k", "-c:a", "ac3", "-b:a", "192k", "-y", str(path)],
            check=True, stdin=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
        data = path.read_bytes()
    assert len(data) % PACK == 0 and data[:4] == b"\0\0\1\xba"
    return data
