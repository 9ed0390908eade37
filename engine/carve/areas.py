"""Carving only some areas of a source, as if they followed each other: a file around a used cluster is then in one
piece by itself. Finds are told in positions of the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.carve.carving import carve
from engine.carve.find import Find
from engine.ranges import RangeSet
from engine.source.extents import Extent, ExtentSource

if TYPE_CHECKING:
    from engine.carve.signatures import Signature
    from engine.source.base import Source


def whole_blocks(areas: RangeSet, block: int) -> RangeSet:
    """The areas cut to whole blocks, so that what begins at a block stays at a block."""
    return RangeSet(
        (-(-start // block) * block, end // block * block) for start, end in areas if end // block > -(-start // block)
    )


def carve_areas(
    source: Source, areas: RangeSet, signatures: Sequence[Signature], *, block: int = 512, **how: Any
) -> Iterator[Find]:
    """As ``carve``, for ``areas`` of ``source`` only. ``state`` positions count in the areas put together."""
    kept = whole_blocks(areas.clip(0, source.size), block)
    joined = ExtentSource(source, [Extent(start, end - start) for start, end in kept])
    for find in carve(joined, signatures, block=block, **how):
        yield placed(find, joined)


def placed(find: Find, joined: ExtentSource) -> Find:
    """A find of the areas put together, in positions of what they are areas of."""
    extents = tuple(
        (below, count)
        for start, size in find.extents
        for _position, below, count in joined.runs(start, size)
        if below is not None
    )
    inside = None if find.inside is None else next(below for _p, below, _c in joined.runs(find.inside, 1))
    return replace(find, extents=extents, inside=inside)
