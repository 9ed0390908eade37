"""Where on a disk no file lies: free clusters of the volumes that can be read, and all that lies outside of volumes."""

from __future__ import annotations

import os

from engine.cases.opening import open_source
from engine.cases.volumes import list_volumes, open_volume
from engine.filesystems.slack import unallocated
from engine.progress import SILENT, Reporter, check
from engine.ranges import RangeSet


def free_space(
    where: str | os.PathLike[str], *, map: str | os.PathLike[str] | None = None, window: tuple[int, int] | None = None,
    reporter: Reporter = SILENT,
) -> tuple[RangeSet, list[str]]:  # fmt: skip
    """Bytes of the source that no file of a readable volume owns, and a note for each volume that could not be read:
    its space counts as free, since nobody can say what of it is used. Makes indexes that are not there. Raises
    ``RescueError``.
    """
    with open_source(where, map=map, window=window) as disk:
        size, listed = disk.size, list_volumes(disk)
    free = RangeSet.of(0, size)
    notes: list[str] = []
    for volume in listed:
        check(reporter)
        if volume.why_not:
            notes.append(f"{volume.title} at {volume.start}: {volume.why_not}; all of it is looked through")
            continue
        with open_volume(where, map=map, window=window, volume=volume.number, reporter=reporter) as opened:
            regions = unallocated(opened.index, unknown=True)
            inside = RangeSet((region.start, region.start + region.size) for region in regions)
        free = free.subtract(RangeSet.of(volume.start, volume.start + volume.size)).union(inside.shift(volume.start))
    return free.clip(0, size), notes
