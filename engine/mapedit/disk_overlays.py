"""Overlays from an image's own partition tables: the partitions as far as they could be read so far."""

from __future__ import annotations

from engine.cases import open_source
from engine.errors import NotFoundError
from engine.mapedit.overlays import MAX_OVERLAYS, Overlay, make_overlay
from engine.mapfile.parse import Pathish
from engine.partitions.read import read_tree
from engine.ranges import RangeSet


def partition_overlays(image: str, map_path: Pathish | None = None) -> tuple[Overlay, ...]:
    """One overlay for each partition of an image (or device), in the order of the tree.

    With the image's map what was never read counts as unread and not as zeros. Raises ``OutsideError``.
    """
    return tuple(overlay for _, overlay in _numbered(image, map_path))


def partition_ranges(image: str, number: int | None, map_path: Pathish | None = None) -> RangeSet:
    """A partition by its number, or all of them. Raises ``NotFoundError``."""
    whole = RangeSet()
    for index, overlay in _numbered(image, map_path):
        if number is None or index == number:
            whole = whole.union(overlay.ranges)
    if not whole:
        what = "partition" if number is None else f"partition {number}"
        raise NotFoundError(f"no {what} was found", code="no-partition", path=image)
    return whole


def _numbered(image: str, map_path: Pathish | None) -> list[tuple[int | None, Overlay]]:
    with open_source(image, map=None if map_path is None else str(map_path)) as source:
        nodes = read_tree(source).partitions()
    found: list[tuple[int | None, Overlay]] = []
    for node in nodes[:MAX_OVERLAYS]:
        if node.kind == "extended" or node.size <= 0:
            continue
        kind = node.filesystem.kind if node.filesystem is not None else node.type_name
        number = f"partition {node.index}" if node.index is not None else "volume"
        label = " ".join(word for word in (number, kind, node.name) if word)
        found.append((node.index, make_overlay(label, RangeSet.of(node.start, node.end))))
    return found
