"""A picture of a recording before it is extracted, and its length: the first frame through ffmpeg."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.atomic import write_atomic
from engine.dvr import Recordings, Title
from engine.dvr.pack import PACK_SIZE, is_pack
from engine.errors import DamagedError, outside
from engine.recordings.apart import sample_apart
from engine.recordings.look import Place
from engine.source import ExtentSource, Source
from engine.source.base import ReadError
from engine.tools import find_tool, need_tool, run_bytes

ENOUGH = 6 << 20
"""Bytes of a stream that hold a first whole picture for certain: more than two seconds at the highest rate."""
_LIMIT_S = 20.0
_LEVELS = " .:-=+*#%@"


@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture: ``rgb`` has 3 bytes a pixel, row by row."""

    width: int
    height: int
    rgb: bytes

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """Red, green, blue."""
        at = (y * self.width + x) * 3
        return self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]

    def ascii(self) -> list[str]:
        """Rows of characters from dark to light, two rows of pixels in one of text."""
        rows = []
        for y in range(0, self.height - 1, 2):
            line = ""
            for x in range(self.width):
                light = sum(self.pixel(x, y)) + sum(self.pixel(x, y + 1))
                line += _LEVELS[min(len(_LEVELS) - 1, light * len(_LEVELS) // (6 * 256))]
            rows.append(line)
        return rows


def sample(recordings: Recordings, title: Title, source: Source, at: float = 0.0) -> bytes:
    """Packs of a title from share ``at`` (0..1) of it on, those that nobody has read left out."""
    content = ExtentSource(recordings.view(source), title.extents)
    start = int(content.size * min(max(at, 0.0), 1.0)) // PACK_SIZE * PACK_SIZE
    out = bytearray()
    while start < content.size and len(out) < ENOUGH:
        size = min(1 << 20, content.size - start)
        try:
            data, holes = (reading := content.read(start, size)).data, reading.holes
        except ReadError as error:
            if error.code == "device-gone":
                raise
            data, holes = b"", ()
        if holes:
            kept = content.holes
            data = b"".join(
                data[place : place + PACK_SIZE]
                for place in range(0, len(data), PACK_SIZE)
                if not kept.overlaps(start + place, start + place + PACK_SIZE)
            )
        out += data
        start += size
    return bytes(out)


def sample_of_file(path: Path) -> bytes:
    """The first packs of an extracted file; what is no pack (a gap) is left out. The disk is not asked again."""
    out = bytearray()
    try:
        with open(path, "rb") as stream:
            while len(out) < ENOUGH and (data := stream.read(1 << 20)):
                for at in range(0, len(data), PACK_SIZE):
                    if is_pack(data[at : at + 14]):
                        out += data[at : at + PACK_SIZE]
                if not out and stream.tell() > 64 << 20:
                    break
    except OSError as error:
        raise outside(error, "cannot read the file again", path) from error
    return bytes(out)


def first_frame(stream: bytes, width: int, height: int, *, aspect: str = "") -> Picture:
    """The first whole frame of ``stream`` within ``width`` x ``height`` pixels (square ones; both even).

    Raises ``OutsideError`` without ffmpeg, ``DamagedError`` when there is no picture in it.
    """
    shape = {"4:3": 4 / 3, "16:9": 16 / 9}.get(aspect, 0.0) or _shape(stream)
    width = min(width, int(height * shape)) // 2 * 2
    height = min(height, round(width / shape)) // 2 * 2
    scale = f"scale={max(2, width)}:{max(2, height)}:flags=area,format=rgb24"
    out = _ffmpeg(stream, ["-vf", scale, "-f", "rawvideo"])
    if len(out) < max(2, width) * max(2, height) * 3:
        raise DamagedError("there is no whole picture in it", code="no-picture")
    return Picture(max(2, width), max(2, height), out[: max(2, width) * max(2, height) * 3])


def frame_of(place: Place, recordings: Recordings, title: Title, *, at: float, width: int, height: int) -> Picture:
    """The first frame after share ``at`` of a title, for a screen: a drive is read apart. Raises as ``first_frame``."""
    data = sample_apart(place, recordings.finding, title, at)
    return first_frame(data, width, height, aspect=title.aspect)


def save_png(stream: bytes, path: Path, *, aspect: str = "") -> None:
    """The same frame in its own size with square pixels, as PNG. Raises as ``first_frame``, ``OutsideError``."""
    shape = {"4:3": 4 / 3, "16:9": 16 / 9}.get(aspect, 0.0) or _shape(stream)
    data = _ffmpeg(stream, ["-vf", f"scale=trunc(ih*{shape:.6f}/2)*2:ih", "-c:v", "png", "-f", "image2pipe"])
    if not data.startswith(b"\x89PNG"):
        raise DamagedError("there is no whole picture in it", code="no-picture")
    write_atomic(path, data, mode=0o644, durable=False)


def can_picture() -> bool:
    """Whether ffmpeg is there."""
    return find_tool("ffmpeg") is not None


def _ffmpeg(stream: bytes, options: list[str]) -> bytes:
    tool = need_tool("ffmpeg", "ffmpeg", "pictures of recordings")
    if not any(is_pack(stream[at : at + 14]) for at in range(0, min(len(stream), 64 * PACK_SIZE), PACK_SIZE)):
        raise DamagedError("there is no MPEG stream in it", code="no-picture")
    # Nothing but the pipe and the decoders of such streams: the data are hostile.
    done = run_bytes(
        [tool, "-nostdin", "-v", "error", "-protocol_whitelist", "pipe", "-f", "mpeg", "-i", "pipe:0", "-map", "0:v:0",
         "-frames:v", "1", *options, "-threads", "1", "pipe:1"],
        timeout_s=_LIMIT_S, stdin=stream,
    )  # fmt: skip
    return done.stdout


def _shape(stream: bytes) -> float:
    at = stream.find(b"\0\0\1\xb3")
    code = stream[at + 7] >> 4 if 0 <= at < len(stream) - 8 else 2
    return 16 / 9 if code == 3 else 4 / 3


def picture_path(file: Path) -> Path:
    """Beside an extracted file."""
    return file.with_name(os.path.splitext(file.name)[0] + ".png")
