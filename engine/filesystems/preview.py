"""A look into a file: its text, its picture, or its bytes, from the first part of it."""

from __future__ import annotations

import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import engine
from engine.ranges import RangeSet
from engine.source import Source
from engine.text import safe_text
from engine.tools import child_environment

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from engine.filesystems.picture_child import main; sys.exit(main())"
)
_ROOT = str(Path(engine.__file__).resolve().parents[1])
_HEAD = 256 << 10
_MAX_PICTURE = 64 << 20
_TIMEOUT_S = 20.0
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"\0\0\1\0")
_MAX_LINES = 5000


@dataclass(frozen=True, slots=True)
class Picture:
    """``pixels``: RGB rows of ``width`` x ``height``; ``full`` is the picture's own size."""

    width: int
    height: int
    full: tuple[int, int]
    pixels: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """``picture``, or ``lines`` of text (already safe), or neither: then ``data`` as bytes. ``holes``: positions in
    ``data`` that nobody has read; ``cut``: the file goes on behind ``data``."""

    data: bytes
    holes: RangeSet
    size: int
    cut: bool
    lines: tuple[str, ...] | None = None
    picture: Picture | None = None


def look(content: Source, width: int, height: int) -> Look:
    """The first part of a file; a picture is decoded in a child process and made to fit ``width`` x ``height``."""
    reading = content.read(0, min(_HEAD, content.size))
    holes = RangeSet(reading.holes)
    cut = content.size > len(reading.data)
    picture = None
    if reading.data.startswith(_MAGIC) and content.size <= _MAX_PICTURE:
        picture = decode(content.read(0, content.size).data, width, height)
    lines = None if picture is not None else _text(reading.data, holes)
    return Look(reading.data, holes, content.size, cut, lines, picture)


def decode(data: bytes, width: int, height: int) -> Picture | None:
    """A picture made small, or None when it is none, is too large, or takes too long."""
    argv = [sys.executable, "-P", "-c", _START, _ROOT, str(max(1, width)), str(max(1, height))]
    try:
        done = subprocess.run(
            argv, input=data, capture_output=True, timeout=_TIMEOUT_S, check=False, env=child_environment(),
            start_new_session=True,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode or len(done.stdout) < 16:
        return None
    full_width, full_height, small_width, small_height = struct.unpack_from(">IIII", done.stdout)
    pixels = done.stdout[16:]
    if not 0 < small_width <= width or not 0 < small_height <= height:
        return None
    if len(pixels) != small_width * small_height * 3:
        return None
    return Picture(small_width, small_height, (full_width, full_height), pixels)


def _text(data: bytes, holes: RangeSet) -> tuple[str, ...] | None:
    """Lines, when it reads as text; a stretch that nobody has read is told as such."""
    known = b"".join(data[low:high] for low, high in holes.complement(0, len(data)))
    if not known:
        return None
    if known[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        odd = sum(known[:4096].count(byte) for byte in (*range(9), 11, *range(14, 27), *range(28, 32)))
        if odd * 50 > len(known[:4096]):
            return None
        parts = []
        at = 0
        for low, high in holes:
            parts += [data[at:low].decode("utf-8", "replace"), f"\n<{high - low} bytes were never read>\n"]
            at = high
        text = "".join([*parts, data[at:].decode("utf-8", "replace")])
    return tuple(safe_text(line.replace("\t", "    "), 2000) for line in text.splitlines()[:_MAX_LINES])
