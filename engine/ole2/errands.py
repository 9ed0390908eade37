"""What the content of a stream says about where it goes on: used to choose between equal pieces."""

from __future__ import annotations

from collections.abc import Sequence

from engine.ole2.draft import Draft
from engine.ole2.model import Entry
from engine.ole2.refill import Judge
from engine.ole2.table import chain_of
from engine.ole2.walks import walk_stream
from engine.source.extents import Extent, ExtentSource

_WALKED = ("Workbook", "Book", "PowerPoint Document")
_MAX_LOOKS = 512


def judge_of(draft: Draft, entries: Sequence[Entry | None]) -> Judge | None:
    """A judge of continuations: how far a stream of records walks when it goes on in a sector. None when no stream of
    the draft can be walked."""
    if not any(one is not None and one.name in _WALKED for one in entries):
        return None
    looks = [_MAX_LOOKS]
    size = draft.pages.sector_size

    def judge(number: int, path: list[int]) -> float:
        one = entries[number]
        if one is None or one.name not in _WALKED or looks[0] <= 0:
            return -abs(path[-1] - path[-2]) / 1e12 if len(path) > 1 else 0.0
        looks[0] -= 1
        last = path[-1]
        rest = draft.fat.walk(last, limit=256).runs
        runs = [*chain_of(path[:-1]).runs, *rest]
        source = draft.pages.source
        places = [Extent(draft.pages.offset(first), count * size) for first, count in runs]
        walk = walk_stream(one.name, ExtentSource(source, places))
        return float(walk.reached) if walk is not None else 0.0

    return judge


__all__ = ["judge_of"]
