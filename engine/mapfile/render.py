"""A map as rows of characters, for plain terminals and files."""

from __future__ import annotations

from engine.errors import UsageError
from engine.mapfile.cells import cells
from engine.mapfile.model import Mapfile

MAX_CELLS = 1 << 22


def drawn_window(map_: Mapfile) -> tuple[int, int]:
    """What there is to draw, in bytes: the whole map; without its last block where that only says "size unknown"."""
    if map_.open_ended and len(map_) > 1:
        return map_.start, int(map_.bounds[-2])
    return map_.start, map_.end


def render_rows(map_: Mapfile, width: int, height: int, window: tuple[int, int] | None = None) -> list[str]:
    """The worst status character of each cell, row by row; blanks outside of the map. Raises ``UsageError``."""
    if width < 1 or height < 1 or width * height > MAX_CELLS:
        raise UsageError(f"cannot draw {width} x {height} cells", advice="width and height from 1 up to some thousands")
    start, end = drawn_window(map_) if window is None else window
    if start >= end:
        return []
    text = cells(map_, start, end, width * height).text()
    return [text[at : at + width] for at in range(0, len(text), width)]
