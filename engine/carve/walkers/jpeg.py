"""JPEG (ITU-T T.81): markers to the end of the image, with the multi-picture trailers that cameras append."""

from __future__ import annotations

import re
import time

from engine.carve.outcome import WALKED, Outcome, complete
from engine.carve.view import Broken, NotThis, View

_LEGAL_FIRST = frozenset((0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)))
_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
_STOP = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_CHUNK = 64 << 10


def scan_end(view: View, position: int) -> int:
    """Where the entropy-coded data that begins at ``position`` meets a marker."""
    while True:
        data = view.run(position, _CHUNK)
        found = _STOP.search(data)
        if found:
            return position + found.start()
        if len(data) < 2:
            view.take(position, 2)
        position += len(data) - 1
        view.good = max(view.good, position)


def walk(view: View) -> Outcome:
    """JPEG."""
    if view.u8(3) not in _LEGAL_FIRST:
        raise NotThis
    position, frame, scans = 2, False, 0
    facts: dict[str, str | int | float] = {}
    taken: float | None = None
    camera = ""
    while True:
        view.step(200_000)
        if view.u8(position) != 0xFF:
            raise Broken(position, "no marker where one must stand")
        marker = view.u8(position + 1)
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xD9:
            if not scans:
                raise Broken(position, "it ends before any picture data")
            end = position + 2
            return complete(
                end, WALKED, "markers to the end of the image", name=_name(taken, camera), modified=taken, known=facts
            )
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            position += 2
            continue
        if marker in (0x00, 0xD8) or 0x02 <= marker < 0xC0:
            raise Broken(position, f"marker 0x{marker:02x} has no place there")
        length = view.b16(position + 2)
        if length < 2:
            raise Broken(position, "a segment shorter than its own length")
        if marker in _FRAMES:
            height, width, parts = view.b16(position + 5), view.b16(position + 7), view.u8(position + 9)
            if frame or not width or not parts or length != 8 + 3 * parts:
                raise Broken(position, "the frame header contradicts itself")
            frame = True
            facts.update(width=width, height=height)
        elif marker == 0xE1 and length > 16 and not view.holed(position + 4, length - 2):
            taken, camera = exif(view.take(position + 4, length - 2))
        elif marker == 0xDA and not frame:
            raise Broken(position, "picture data before the frame header")
        position += 2 + length
        view.need(position)
        view.mark(position)
        if marker == 0xDA:
            scans += 1
            position = scan_end(view, position)
            view.mark(position)


def _name(taken: float | None, camera: str) -> str:
    if taken is None:
        return camera
    stamp = time.strftime("%Y-%m-%d_%H%M%S", time.gmtime(taken))
    return f"{stamp}_{camera}" if camera else stamp


def exif(data: bytes) -> tuple[float | None, str]:
    """The time of taking (seconds, the camera's clock taken as UTC) and the camera of an APP1 segment's payload."""
    if not data.startswith(b"Exif\0\0"):
        return None, ""
    from engine.carve.walkers.tiff import describe

    return describe(data[6:])
