"""Titles sorted, filtered and searched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.dvr.model import Rung, Title

ORDERS: dict[str, Callable[[Title], Any]] = {
    "disk": lambda _: 0,
    "name": lambda title: (title.shown_name.casefold(), title.id),
    "date": lambda title: title.recorded_at.isoformat() if title.recorded_at else "",
    "size": lambda title: title.size,
    "length": lambda title: title.duration_s or 0.0,
    "missing": lambda title: (title.missing.bytes, title.missing.seconds or 0.0),
    "rung": lambda title: list(Rung).index(title.rung),
    "channel": lambda title: (title.channel or title.input, title.id),
}
"""What titles can be sorted by; ``disk`` is the recorder's own order."""

FILTERS: dict[str, Callable[[Title], bool]] = {
    "all": lambda _: True,
    "kept": lambda title: not title.deleted,
    "deleted": lambda title: title.deleted,
    "whole": lambda title: not title.missing,
    "missing": lambda title: bool(title.missing),
    "play lists": lambda title: title.kind == "play list",
    "problems": lambda title: bool(title.problems),
}


def arrange(
    titles: Iterable[Title], *, order: str = "disk", descending: bool = False, show: str = "all", search: str = ""
) -> tuple[Title, ...]:
    """Titles that pass the filter ``show`` and hold every word of ``search``, in order. Equal ones keep the recorder's
    order. Raises ``KeyError`` for an order or filter there is none of."""
    words = search.casefold().split()
    chosen = [title for title in titles if FILTERS[show](title) and all(word in haystack(title) for word in words)]
    return tuple(sorted(chosen, key=ORDERS[order], reverse=descending))


def haystack(title: Title) -> str:
    """What a search looks at: name, id, date, channel, input, genre, kind, rung, edits."""
    date = f"{title.recorded_at:%Y-%m-%d %H:%M}" if title.recorded_at else ""
    edits = " ".join(edit.kind for edit in title.edited)
    fields = (title.name, title.id, date, title.channel, title.input, title.genre, title.kind, title.rung, edits,
              "deleted" if title.deleted else "", "locked" if title.locked else "")  # fmt: skip
    return " ".join(fields).casefold()
