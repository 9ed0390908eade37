"""The pure functions behind the edits that the mapfile room does not have: many ranges at once, seams joined."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.mapfile import algebra
from engine.mapfile.model import Codes, Int64s, Mapfile, Runs
from engine.mapfile.status import MAX_POSITION, code_of
from engine.ranges import RangeSet

_FEW = 4


def paint(map_: Mapfile, ranges: RangeSet, status: str) -> Mapfile:
    """Give all of ``ranges`` one status, joined with equal neighbours. Raises ``UsageError`` outside of the map."""
    code = code_of(status)
    _inside(map_, ranges)
    if len(ranges) <= _FEW:
        for start, end in ranges:
            map_ = map_.set_range(start, end, status)
        return map_
    edges = algebra.merge_edges([map_.bounds, ranges.starts, ranges.ends])
    at = edges[:-1]
    index = np.searchsorted(ranges.starts, at, "right") - 1
    inside = (index >= 0) & (at < ranges.ends[np.maximum(index, 0)])
    codes = np.where(inside, np.uint8(code), algebra.codes_at(map_, at))
    return _joined_at(map_, edges, codes, inside)


def _joined_at(map_: Mapfile, edges: Int64s, codes: Codes, inside: npt.NDArray[np.bool_]) -> Mapfile:
    """Blocks joined where one of two equal neighbours lies inside; splits elsewhere stay."""
    keep = np.ones(codes.size, bool)
    np.not_equal(codes[1:], codes[:-1], out=keep[1:])
    keep[1:] |= ~(inside[1:] | inside[:-1])
    return map_.with_blocks(np.concatenate((edges[:-1][keep], edges[-1:])), codes[keep])


def merge_in(map_: Mapfile, ranges: RangeSet) -> Mapfile:
    """Neighbours of one status joined where their seam lies inside ``ranges`` or at their ends."""
    if not len(map_):
        return map_
    seams = map_.bounds[1:-1]
    index = np.searchsorted(ranges.starts, seams, "right") - 1
    inside = (index >= 0) & (seams <= ranges.ends[np.maximum(index, 0)] if len(ranges) else False)
    keep = np.ones(len(map_), bool)
    keep[1:] = (map_.codes[1:] != map_.codes[:-1]) | ~inside
    if keep.all():
        return map_
    totals = map_._totals[0] if map_._totals else None
    return map_.with_blocks(np.concatenate((map_.bounds[:-1][keep], map_.bounds[-1:])), map_.codes[keep], totals)


def split(map_: Mapfile, positions: Iterable[int]) -> Mapfile:
    """A block border at every position; borders that exist already stay. Raises ``UsageError`` outside of the map."""
    wanted = np.unique(np.array(list(positions), np.int64))
    if wanted.size and not (map_.start <= int(wanted[0]) and int(wanted[-1]) <= map_.end):
        raise UsageError(f"the map covers {map_.start}-{map_.end} only", code="outside-map")
    if not len(map_) or not wanted.size:
        return map_
    edges = algebra.merge_edges([map_.bounds, wanted])
    if edges.size == map_.bounds.size:
        return map_
    totals = map_._totals[0] if map_._totals else None
    return map_.with_blocks(edges, algebra.codes_at(map_, edges[:-1]), totals)


def shifted(map_: Mapfile, distance: int) -> tuple[Mapfile, tuple[str, ...]]:
    """``algebra.shift`` with the status line's position moved along, and what to tell about it."""
    made = algebra.shift(map_, distance)
    position = min(max(0, map_.position + distance), MAX_POSITION)
    if position == map_.position:
        return made, ()
    return made.with_status_line(position), ("The status line's position moves along.",)


def put_pieces(
    map_: Mapfile, pieces: tuple[Runs, ...], line: tuple[int, str, int] | None, extent: tuple[int, int] | None
) -> Mapfile:
    """The pieces of another block list in their places; with ``extent`` the map is first clipped or extended to it."""
    if extent is not None and (map_.start, map_.end) != extent:
        if len(pieces) == 1 and (pieces[0].start, pieces[0].end) == extent:
            map_ = map_.with_blocks(pieces[0].bounds, pieces[0].codes)
        else:
            map_ = map_.clipped(*extent).extended(*extent)
    for piece in pieces:
        if piece.end > piece.start:
            map_ = map_.put(piece, merge=extent is None)
    return map_ if line is None else map_.with_status_line(*line)


def _inside(map_: Mapfile, ranges: RangeSet) -> None:
    if ranges and not (map_.start <= int(ranges.starts[0]) and int(ranges.ends[-1]) <= map_.end):
        raise UsageError(
            f"the ranges reach from {int(ranges.starts[0])} to {int(ranges.ends[-1])}, the map covers "
            f"{map_.start}-{map_.end}",
            code="outside-map", advice="a range must lie inside the map; extend the map first",
        )  # fmt: skip
