"""Pictures that claim more than they hold, or unpack to more than anybody wants: the look into a file stays within the
memory and the time that the child process gets, and a walk over a picture unpacks none of it."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from engine.carve.strict import decodes
from engine.filesystems import picture_child
from engine.filesystems.preview import look
from engine.source.extents import BytesSource

ROOT = Path(__file__).resolve().parents[3]
MEMORY = 1 << 30
CPU_S = 15
# Runs the look in a process of its own and says what the largest of its children took.
_MEASURED = """
import json, resource, sys
from pathlib import Path
from engine.filesystems.preview import decode
picture = decode(Path(sys.argv[1]).read_bytes(), 80, 24)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
small = None if picture is None else [picture.width, picture.height, *picture.full]
print(json.dumps({"picture": small, "memory": used.ru_maxrss << 10, "cpu": used.ru_utime + used.ru_stime}))
"""


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: int) -> bytes:
    """A PNG of zeros that claims a size and holds so many rows."""
    packer, row = zlib.compressobj(9), bytes(1 + 3 * width)
    body = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def png_with_text(size: int) -> bytes:
    """A small picture whose compressed text unpacks to ``size`` bytes."""
    small = png(8, 8, 8)
    return small[:33] + _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(size), 9)) + small[33:]


def jpeg(width: int, height: int, *, progressive: bool = False) -> bytes:
    """A JPEG of 64 x 64 pixels whose frame header claims another size."""
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 30).convert("RGB").save(stream, "JPEG", progressive=progressive)
    data = bytearray(stream.getvalue())
    struct.pack_into(">HH", data, data.find(b"\xff\xc2" if progressive else b"\xff\xc0") + 5, height, width)
    return bytes(data)


def saved(form: str, size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("L", size).save(stream, form)
    return stream.getvalue()


def gif(width: int, height: int) -> bytes:
    data = bytearray(saved("GIF", (16, 16)))
    struct.pack_into("<HH", data, 6, width, height)
    at = data.find(b",", 13)
    struct.pack_into("<HH", data, at + 5, width, height)
    return bytes(data)


def bmp(width: int, height: int) -> bytes:
    data = bytearray(saved("BMP", (16, 16)))
    struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def tiff(width: int, height: int) -> bytes:
    """Uncompressed, one strip of a few bytes for all rows."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 200), (277, 3, 1),
            (278, 4, height), (279, 4, min(width * height, 0xFFFFFFFF))]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, value)
                                                        for tag, kind, value in tags)  # fmt: skip
    return (b"II*\0" + struct.pack("<I", 8) + directory + bytes(4)).ljust(200, b"\0") + bytes(64)


def wmf() -> bytes:
    """A placeable metafile as wide as its numbers go, with a record longer than the file."""
    return struct.pack("<IHhhhhHIH", 0x9AC6CDD7, 0, -32768, -32768, 32767, 32767, 1, 0, 0) + struct.pack(
        "<HHHIHIH", 1, 9, 0x300, 0x7FFFFFFF, 0xFFFF, 0x7FFFFFFF, 0
    )


def emf() -> bytes:
    """An enhanced metafile that claims 4 GiB and bounds of the whole number space."""
    head = struct.pack("<II", 1, 88) + struct.pack("<8i", *[-(1 << 31), -(1 << 31), (1 << 31) - 1, (1 << 31) - 1] * 2)
    return (head + b" EMF" + struct.pack("<IIIHH", 0x10000, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFF, 0)).ljust(120, b"\0")


LIGHT = {
    "png of nothing": lambda: png(40_000, 40_000, 4),
    "png as large as a number": lambda: _huge_png(),
    "png with text": lambda: png_with_text(200 << 20),
    "jpeg": lambda: jpeg(65_500, 65_500),
    "progressive jpeg": lambda: jpeg(20_000, 20_000, progressive=True),
    "gif": lambda: gif(65_535, 65_535),
    "bmp": lambda: bmp((1 << 31) - 1, 2),
    "tiff": lambda: tiff(60_000, 60_000),
    "wmf": wmf,
    "emf": emf,
}


def _huge_png() -> bytes:
    head = struct.pack(">IIBBBBB", (1 << 31) - 1, (1 << 31) - 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(99))) + _chunk(b"IEND", b"")
    )


def measured(data: bytes, folder: Path) -> dict[str, object]:
    path = folder / "bomb"
    path.write_bytes(data)
    argv = [sys.executable, "-c", _MEASURED, str(path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, timeout=200)
    return dict(json.loads(done.stdout))


def bounded(told: dict[str, object]) -> None:
    assert int(str(told["memory"])) <= MEMORY
    assert float(str(told["cpu"])) <= CPU_S + 2
    small = told["picture"]
    assert small is None or (isinstance(small, list) and small[0] <= 80 and small[1] <= 24)


def test_the_bounds_are_the_ones_that_are_stated():
    assert (picture_child._MEMORY, picture_child._CPU_S) == (MEMORY, CPU_S)


@pytest.mark.parametrize("name", sorted(LIGHT))
def test_a_look_at_a_bomb_is_bounded(name, tmp_path):
    data = LIGHT[name]()
    assert len(data) < 1 << 20
    bounded(measured(data, tmp_path))


@pytest.mark.full
def test_a_picture_that_really_unpacks_to_more_than_it_may(tmp_path):
    bounded(measured(png(20_000, 20_000, 20_000), tmp_path))


def test_metafiles_are_looked_at_as_bytes_only():
    for data in (wmf(), emf()):
        seen = look(BytesSource(data), 80, 24)
        assert seen.picture is None and seen.lines is None and seen.data == data


def test_the_strict_decoder_is_not_asked_about_more_pixels_than_bytes_can_hold():
    """22000 x 22000 in several scans took 1.9 GB from 4 kB before."""
    assert decodes(jpeg(64, 64, progressive=True)) is True
    assert decodes(jpeg(22_000, 22_000, progressive=True)) is None
    assert decodes(jpeg(22_000, 22_000)) is None
    flat = saved("JPEG", (4000, 3000))
    assert decodes(flat) is True
