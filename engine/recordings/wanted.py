"""What a rescue should read first: the directory of the disk, then chosen titles, as domain maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.dvr import Recordings, Title
from engine.priorities import Domain, write_domain
from engine.ranges import RangeSet

_BORDER = 1 << 20


def structures_wanted(recordings: Recordings, size: int) -> RangeSet:
    """The directory's own bytes, and a little at the place where it begins when its extent is not known yet."""
    place = recordings.finding.place
    around = RangeSet.of(place, min(size, place + _BORDER)) if place is not None else RangeSet()
    return recordings.structures.union(around).clip(0, size)


def titles_wanted(recordings: Recordings, titles: Sequence[Title], size: int) -> RangeSet:
    """These titles with the directory that leads to them."""
    wanted = structures_wanted(recordings, size)
    for title in titles:
        wanted = wanted.union(title.ranges)
    return wanted.clip(0, size)


def domain_path(place: Path, what: str) -> Path:
    """Where a domain map of an image or a case goes: beside the image, or in the case; that of a device here."""
    folder = place if place.is_dir() else Path.cwd() if place.is_block_device() else place.parent
    stem = place.name if not place.is_dir() else "recordings"
    return folder / f"{stem}.{what}.domain"


def save_domain(path: Path, wanted: RangeSet, size: int) -> Domain:
    """Write it (the one before is kept as ``NAME.1``)."""
    return write_domain(path, wanted, size, unit=2048, force=True)
