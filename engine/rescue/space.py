"""The room left for image and map while a rescue runs, and the ballast that lets the map be saved on a full disk."""

from __future__ import annotations

import os
from pathlib import Path

from engine.atomic import new_file, write_all
from engine.errors import OutsideError

BALLAST = 1 << 20
_MARGIN = 16 << 20


def free_bytes(path: str) -> int | None:
    """Bytes that may still be written where ``path`` lies; None when that cannot be told."""
    try:
        facts = os.statvfs(os.path.dirname(path) or "/")
    except OSError:
        return None
    return facts.f_bavail * facts.f_frsize


def image_needs(image: str, end: int | None) -> int | None:
    """Bytes that the image may still take: up to ``end`` what is not allocated yet. 0 for a device, None if unknown."""
    try:
        facts = os.stat(image)
    except FileNotFoundError:
        return end
    except OSError:
        return None
    if not os.path.isfile(image):
        return 0
    return None if end is None else max(0, end - facts.st_blocks * 512)


def too_little(image: str, map_path: str, end: int | None, least: int) -> str:
    """Why the rescue must stop now for want of room; empty while there is enough.

    ``least`` bytes are to stay free, unless what is still to be written fits with 16 MiB to spare.
    """
    need = image_needs(image, end)
    for path, wanted in ((image, need), (map_path, 0)):
        free = free_bytes(path)
        if wanted == 0 and path == image:
            continue
        limit = least if wanted is None else min(least, wanted + _MARGIN)
        if free is not None and free < limit:
            return f"only {free >> 20} MiB are free at {os.path.dirname(path)}"
    return ""


class Ballast:
    """A file of 1 MiB beside the map: given up when the map cannot be saved, so that the last save fits."""

    def __init__(self, map_path: str) -> None:
        path = Path(map_path)
        self._path = path.with_name(f".{path.name}.ballast")

    def make(self) -> None:
        """Lay it down; where that is impossible there is none."""
        try:
            fd = new_file(self._path, force=True)
        except OutsideError:
            return
        try:
            write_all(fd, bytes(BALLAST))
        except OSError:
            self.drop()
        finally:
            os.close(fd)

    def drop(self) -> bool:
        """Give its room free; False when there was none."""
        try:
            os.unlink(self._path)
        except OSError:
            return False
        return True
