"""What the tests of recorder disks share: saving, reading content back, shorthand for titles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine import dvr
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource, Source
from engine.source.extents import ExtentSource
from tests.dvr_disks import ifo, mpeg
from tests.dvr_disks.image import Image, when

Save = Callable[..., FileSource]
DATE = when(2007, 11, 3, 20, 15, 30)


def saver(folder: Path) -> Save:
    """A function that saves images and opens them."""
    count = [0]

    def save(image: Image, **facts: object) -> FileSource:
        count[0] += 1
        return FileSource(image.save(folder / f"disk{count[0]}", **facts))  # type: ignore[arg-type]

    return save


def content(source: Source, recordings: dvr.Recordings, title: dvr.Title) -> bytes:
    """The bytes of a title as its extents give them."""
    below = ExtentSource(recordings.view(source), title.extents)
    return below.read(0, below.size).data


def holed(source: Source, *ranges: tuple[int, int]) -> HoleSource:
    """The source with (start, size) stretches that nobody has read."""
    return HoleSource(source, RangeSet((start, start + size) for start, size in ranges))


def codes(recordings: dvr.Recordings) -> set[str]:
    """Codes of all problems, of the disk and of its titles."""
    own = {problem.code for problem in recordings.problems}
    return own | {problem.code for title in recordings.titles for problem in title.problems}


def two_recordings(**facts: object) -> ifo.Built:
    """A VRO with two recordings and old data between them."""
    first, second = mpeg.stream(60, 1), mpeg.stream(45, 2, scr=5 * mpeg.CLOCK)
    return ifo.build([(b"One", first, DATE), (b"Two", second, None)], gap_packs=2, **facts)  # type: ignore[arg-type]
