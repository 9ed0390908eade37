"""What ddrescuelog does with maps: change types, invert, and, or, xor, compare, done, shift; each inside a domain.

A domain is a ``RangeSet`` or None for everywhere; blocks outside of it stay as they are. Status line, comments and
extent are those of the first map. Results are joined. Statuses are characters at the door and codes within.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from engine.errors import UsageError
from engine.mapfile.model import Codes, Int64s, Mapfile
from engine.mapfile.status import BAD_SECTOR, CHARS, FINISHED, MAX_POSITION, NO_CODE, NON_TRIED, code_of
from engine.ranges import RangeSet

Domain = RangeSet | None

_KEEP = np.arange(256, dtype=np.uint8)


def make_domain(start: int = 0, size: int | None = None, maps: Iterable[Mapfile] = ()) -> RangeSet:
    """The domain of ddrescuelog's -i, -s and -m: a window, and in it the finished blocks of every map."""
    if start < 0 or (size is not None and size < 0):
        raise UsageError("a domain has no negative start or size", code="bad-range")
    end = MAX_POSITION if size is None else min(start + size, MAX_POSITION)
    domain = RangeSet.of(start, end)
    for map_ in maps:
        domain = domain.intersect(map_.ranges("+"))
    return domain


def _inside(ranges: RangeSet, positions: Int64s) -> npt.NDArray[np.bool_]:
    """Which positions lie in the set."""
    index = np.searchsorted(ranges.starts, positions, "right") - 1
    inside: npt.NDArray[np.bool_] = (index >= 0) & (positions < ranges.ends[index] if len(ranges) else False)
    return inside


def codes_at(map_: Mapfile, positions: Int64s) -> Codes:
    """Status codes at positions; ``NO_CODE`` outside of the map."""
    if not len(map_):
        return np.full(positions.size, NO_CODE, np.uint8)
    index = np.searchsorted(map_.bounds, positions, "right") - 1
    outside = (index < 0) | (index >= len(map_))
    found = map_.codes[np.clip(index, 0, len(map_) - 1)]
    return np.where(outside, np.uint8(NO_CODE), found)


def _pieces(map_: Mapfile, others: Iterable[Int64s]) -> Int64s:
    """The edges of a map and all other edges that lie inside it, sorted, each once."""
    low, high = map_.start, map_.end
    parts = [edges[slice(*np.searchsorted(edges, (low, high)))] for edges in others]
    return merge_edges([map_.bounds, *parts])


def merge_edges(parts: list[Int64s]) -> Int64s:
    """All edges of several sorted lists, sorted, each once."""
    merged = np.sort(np.concatenate(parts), kind="stable")  # sorted runs: one merge
    first = np.ones(merged.size, bool)
    np.not_equal(merged[1:], merged[:-1], out=first[1:])
    return np.asarray(merged[first])


def _domain_edges(domain: Domain) -> list[Int64s]:
    return [] if domain is None else [domain.starts, domain.ends]


def _joined(map_: Mapfile, edges: Int64s, codes: Codes) -> Mapfile:
    return map_.with_blocks(edges, codes).merged()


def _change(map_: Mapfile, table: Codes, domain: Domain) -> Mapfile:
    if not len(map_):
        return map_
    if domain is None:
        return _joined(map_, map_.bounds, table[map_.codes])
    edges = _pieces(map_, _domain_edges(domain))
    old = codes_at(map_, edges[:-1])
    return _joined(map_, edges, np.where(_inside(domain, edges[:-1]), table[old], old))


def change_types(map_: Mapfile, old: str, new: str, domain: Domain = None) -> Mapfile:
    """Every block of status ``old[i]`` becomes ``new[i]``; a short ``new`` repeats its last character (like ``tr``).

    Where ``old`` names a status twice the first counts. Raises ``UsageError``.
    """
    if not old or not new:
        raise UsageError("change types needs statuses on both sides", code="bad-status")
    table = _KEEP.copy()
    for index in reversed(range(len(old))):
        table[code_of(old[index])] = code_of(new[min(index, len(new) - 1)])
    for char in new:
        code_of(char)
    return _change(map_, table, domain)


def invert(map_: Mapfile, domain: Domain = None) -> Mapfile:
    """``+`` becomes ``-`` and everything else ``+``, as ``ddrescuelog -n``."""
    return change_types(map_, "?*/-+", "++++-", domain)


def _combine(map_: Mapfile, other: Mapfile, domain: Domain, change: npt.NDArray[np.uint8]) -> Mapfile:
    """``change[other is finished][code]`` on the common extent of two maps."""
    if not len(map_) or not len(other):
        return map_
    edges = _pieces(map_, [other.bounds, *_domain_edges(domain)])
    mine, theirs = codes_at(map_, edges[:-1]), codes_at(other, edges[:-1])
    made = np.where(theirs == FINISHED, change[1][mine], change[0][mine])
    act = theirs != NO_CODE
    if domain is not None:
        act &= _inside(domain, edges[:-1])
    return _joined(map_, edges, np.where(act, made, mine))


def _table(finished: int, others: int | None = None) -> Codes:
    table = _KEEP[:5].copy()
    table[FINISHED] = finished
    if others is not None:
        table[1:] = others
    return table


_SAME = _KEEP[:5]
_AND = np.stack((_table(BAD_SECTOR), _SAME))
_OR = np.stack((_SAME, _table(FINISHED, FINISHED)))
_XOR = np.stack((_SAME, _table(BAD_SECTOR, FINISHED)))


def and_maps(map_: Mapfile, other: Mapfile, domain: Domain = None) -> Mapfile:
    """What is finished here but not in ``other`` becomes ``-`` (``ddrescuelog -y``)."""
    return _combine(map_, other, domain, _AND)


def or_maps(map_: Mapfile, other: Mapfile, domain: Domain = None) -> Mapfile:
    """What is finished in ``other`` becomes ``+`` here (``ddrescuelog -z``)."""
    return _combine(map_, other, domain, _OR)


def xor_maps(map_: Mapfile, other: Mapfile, domain: Domain = None) -> Mapfile:
    """Where ``other`` is finished: ``+`` becomes ``-``, anything else ``+`` (``ddrescuelog -x``)."""
    return _combine(map_, other, domain, _XOR)


def differences(map_: Mapfile, other: Mapfile, domain: Domain = None) -> RangeSet:
    """Where two maps say different things, the part that only one of them covers included."""
    if np.array_equal(map_.bounds, other.bounds) and np.array_equal(map_.codes, other.codes):
        return RangeSet()
    window = RangeSet([(map_.start, map_.end), (other.start, other.end)])
    if domain is not None:
        window = window.intersect(domain)
    edges = merge_edges([map_.bounds, other.bounds, window.starts, window.ends])
    at = edges[:-1]
    differs = (codes_at(map_, at) != codes_at(other, at)) & _inside(window, at)
    return RangeSet.from_arrays(at[differs], edges[1:][differs])


def same(map_: Mapfile, other: Mapfile, domain: Domain = None) -> bool:
    """Whether two maps agree in extent and in every status inside the domain (``ddrescuelog -p``).

    Where the domain misses one of the maps altogether ddrescuelog has "nothing to do" and calls them equal; here they
    differ unless it misses both.
    """
    return not differences(map_, other, domain)


def same_finished(map_: Mapfile, other: Mapfile, domain: Domain = None) -> bool:
    """Whether the finished blocks agree inside the domain (``ddrescuelog -P``); extents do not count."""
    mine, theirs = map_.ranges("+"), other.ranges("+")
    if domain is not None:
        mine, theirs = mine.intersect(domain), theirs.intersect(domain)
    return mine == theirs


def is_done(map_: Mapfile, domain: Domain = None) -> bool:
    """Whether every block of the domain is finished (``ddrescuelog -D``); an empty map is."""
    left = map_.ranges("?*/-")
    return not (left if domain is None else left.intersect(domain))


def shift(map_: Mapfile, distance: int, domain: Domain = None) -> Mapfile:
    """Every position moved by ``distance`` (``ddrescuelog --shift``).

    Up: a non-tried block fills from 0. Down: what falls below 0 is cut. What lies beyond the domain's end is cut first.
    The status line stays. (Where ddrescuelog would write a list with a gap, the gap is filled too.)
    """
    if domain is not None and domain:
        map_ = map_.clipped(map_.start, int(domain.ends[-1]))
    if not len(map_) or distance == 0:
        return map_
    if distance < 0:
        piece = map_.runs(-distance, MAX_POSITION)
        if not len(piece):
            return map_.with_blocks(np.zeros(1, np.int64), np.zeros(0, np.uint8))
        return map_.with_blocks(piece.bounds + distance, piece.codes).merged()
    piece = map_.runs(0, MAX_POSITION - distance)
    if not len(piece):
        return map_.with_blocks(np.zeros(1, np.int64), np.zeros(0, np.uint8))
    moved = map_.with_blocks(piece.bounds + distance, piece.codes)
    return moved.extended(0, moved.end, CHARS[NON_TRIED]).merged()

