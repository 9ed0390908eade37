"""Deleted recordings whose blocks a later one has taken by now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.dvr.model import Title
from engine.errors import Problem
from engine.ranges import RangeSet


def reused_bytes(titles: Sequence[Title]) -> list[int]:
    """For each title how many of its bytes belong to one that is not deleted; 0 for those that are not deleted."""
    live = RangeSet(
        (extent.start, extent.start + extent.size)
        for title in titles
        if not title.deleted
        for extent in title.extents
        if extent.start is not None
    )
    return [title.ranges.intersect(live).total if title.deleted and live else 0 for title in titles]


def mark_reused(titles: Sequence[Title]) -> list[Title]:
    """The titles, each with a problem ``reused`` where a later recording has taken bytes of it."""
    marked = []
    for title, taken in zip(titles, reused_bytes(titles), strict=True):
        if taken:
            words = f"{taken} of its {title.size} bytes belong to a later recording now"
            title = replace(title, problems=(*title.problems, Problem("reused", words)))
        marked.append(title)
    return marked
