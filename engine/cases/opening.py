"""From a command line's SOURCE to one stack of sources: image, device, split image or case, with map and window."""

from __future__ import annotations

import os

from engine.cases.case import is_case, load_case
from engine.errors import UsageError
from engine.source import HoleSource, SectorSource, Source, WindowSource, open_path, parse_sector_format
from engine.text import parse_range


def open_source(
    text: str | os.PathLike[str],
    *,
    map: str | os.PathLike[str] | None = None,
    window: str | tuple[int, int] | None = None,
    sector_size: str | int | None = None,
) -> Source:
    """The source that SOURCE and its options name.

    ``text`` is a disk image, a block device, the first piece of a split image, the description of an array (its members
    assembled), or a case directory (its image under its map). ``map`` attaches a ddrescue mapfile: what it does not
    call
    finished becomes a hole. ``sector_size``: sectors as ``parse_sector_format`` reads them (520, 4160, ...) are read
    through as plain data; image and map are in raw bytes then, ``window`` is in bytes of the data. ``window`` is
    ``START+SIZE``, ``START-END`` or (start, end). Raises ``RescueError``.
    """
    if is_case(text):
        case = load_case(text)
        source = open_image(case.image)
        map = map if map is not None else (case.map if os.path.exists(case.map) else None)
    else:
        source = open_image(text)
    try:
        if map is not None:
            source = lay_map(source, map)
        if sector_size is not None and not (format := parse_sector_format(sector_size)).plain:
            source = SectorSource(source, format)
        if window is not None:
            start, end = parse_range(window) if isinstance(window, str) else window
            if start >= source.size:
                raise UsageError(
                    "the window begins behind the end", path=os.fspath(text), offset=start,
                    advice=f"the source has {source.size} bytes",
                )  # fmt: skip
            source = WindowSource(source, start, min(end, source.size) - start)
    except BaseException:
        source.close()
        raise
    return source


def open_image(path: str | os.PathLike[str]) -> Source:
    """What ``path`` names when it is no case: a description of an array is assembled, all else opened as it is."""
    from engine.cases.arrays import is_array, open_array

    return open_array(path) if is_array(path) else open_path(path)


def lay_map(source: Source, map: str | os.PathLike[str]) -> Source:
    """``source`` with everything that the mapfile at ``map`` does not call finished as a hole.

    What lies outside the map is a hole too: nobody said that it was read. The image of a rescue that is under way is
    shorter than the drive: the map knows where that ends, and the source is extended by a hole up to there (by a map
    that does not know it, up to the last finished byte).
    """
    from engine.mapfile import read_map

    read = read_map(map)
    finished = read.ranges("+")
    last = int(finished.ends[-1]) if finished else 0
    size = max(source.size, last if read.open_ended else read.end)
    return HoleSource(source, finished.complement(0, size), size=size)
