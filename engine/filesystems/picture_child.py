"""The child process that decodes a hostile picture: limited memory and time, bytes in on standard input, pixels out."""

from __future__ import annotations

import resource
import struct
import sys

_MEMORY = 1 << 30
_CPU_S = 15
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "PCX")
_MAX_PIXELS = 200_000_000


def main() -> int:
    """Arguments after the path: greatest width and height in pixels. Writes width and height (u32, big-endian), of the
    picture and of what follows, then RGB bytes. Ends with 1 when it is no picture."""
    width, height = int(sys.argv[2]), int(sys.argv[3])
    for what, limit in (
        (resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _CPU_S), (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NPROC, 0),
    ):  # fmt: skip
        resource.setrlimit(what, (limit, limit))
    import io

    from PIL import Image, ImageFile

    ImageFile.LOAD_TRUNCATED_IMAGES = True
    Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
    try:
        picture = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=_FORMATS)
        full = picture.size
        picture.draft("RGB", (width, height))
        small = picture.convert("RGB")
        small.thumbnail((width, height))
    except Exception:  # noqa: BLE001 - hostile input: whatever goes wrong, it is no picture
        return 1
    sys.stdout.buffer.write(struct.pack(">IIII", *full, *small.size) + small.tobytes())
    return 0
