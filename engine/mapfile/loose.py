"""Reading loosely, as ddrescue reads domain maps: any order, gaps, repeats; only contradictions are errors."""

from __future__ import annotations

import numpy as np

from engine.errors import DamagedError
from engine.mapfile.model import Codes, Int64s, Mapfile
from engine.mapfile.parse import Pathish, bad_block, read_file, read_list
from engine.mapfile.status import CHARS, MAX_POSITION, code_of
from engine.ranges import RangeSet


def read_loose(path: Pathish, fill: str = "?") -> Mapfile:
    """Read a mapfile loosely and complete it with ``fill``; see ``parse_loose``."""
    return parse_loose(read_file(path), fill, path=path)


def parse_loose(data: bytes, fill: str = "?", *, path: Pathish | None = None) -> Mapfile:
    """Parse loosely: blocks in any order, overlapping where their statuses agree; gaps become ``fill``, also from 0.

    The end stays open as in ddrescue: a last block of status ``fill`` grows to 2^63-1. The result is joined.
    Raises ``DamagedError`` (``malformed-map``) where blocks of different status overlap, with the later one's line.
    """
    filler = code_of(fill)
    read = read_list(data, path)
    starts, sizes, codes = read.found.arrays()
    ends = starts + sizes
    clash = first_clash(starts, ends, codes)
    if clash is not None:
        raise DamagedError(
            "blocks of different status overlap", code="malformed-map", path=path, line=read.found.line_of(clash),
            advice="see 'map check' for all problems and a repair",
        )  # fmt: skip
    if read.bad is not None:
        raise bad_block(data, read.bad, path)
    comments = tuple(comment for comment in read.comments if comment.before <= 0)
    bounds, merged = compile_blocks(status_sets(starts, ends, codes), filler, 0)
    if merged.size and merged[-1] == filler:
        bounds[-1] = MAX_POSITION
    return Mapfile(bounds, merged, *read.status, comments=comments)


def status_sets(starts: Int64s, ends: Int64s, codes: Codes) -> list[RangeSet]:
    """The positions of each status code."""
    return [RangeSet.from_arrays(starts[codes == code], ends[codes == code]) for code in range(len(CHARS))]


def _clashes(starts: Int64s, ends: Int64s, codes: Codes) -> bool:
    together = RangeSet.from_arrays(starts, ends).total
    return sum(ranges.total for ranges in status_sets(starts, ends, codes)) != together


def first_clash(starts: Int64s, ends: Int64s, codes: Codes) -> int | None:
    """The index of the first block, in file order, that overlaps an earlier one of another status; None without any."""
    if not _clashes(starts, ends, codes):
        return None
    low, high = 1, int(codes.size)  # the first `low` blocks do not clash, the first `high` do
    while high - low > 1:
        middle = (low + high) // 2
        if _clashes(starts[:middle], ends[:middle], codes[:middle]):
            high = middle
        else:
            low = middle
    return high - 1


def compile_blocks(sets: list[RangeSet], fill: int, start: int) -> tuple[Int64s, Codes]:
    """A joined block list from disjoint sets of positions per status code; gaps from ``start`` on become ``fill``."""
    end = max((int(ranges.ends[-1]) for ranges in sets if ranges), default=start)
    covered = RangeSet()
    for ranges in sets:
        covered = covered.union(ranges)
    gaps = covered.complement(start, end)
    parts = [*sets, gaps]
    codes = np.concatenate([np.full(len(part), code if code < len(sets) else fill, np.uint8)
                            for code, part in enumerate(parts)])  # fmt: skip
    starts = np.concatenate([part.starts for part in parts])
    order = np.argsort(starts, kind="stable")
    starts, codes = starts[order], codes[order]
    if not codes.size:
        return np.zeros(1, np.int64), codes
    first = np.ones(codes.size, bool)
    np.not_equal(codes[1:], codes[:-1], out=first[1:])
    return np.concatenate((starts[first], np.array([end], np.int64))), codes[first]
