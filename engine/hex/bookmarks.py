"""Places with a name: kept in the case, or in a small file beside the image."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from engine.atomic import write_json
from engine.cases import is_case
from engine.cases.subject import Subject
from engine.errors import DamagedError, UsageError, outside
from engine.text import safe_text

_MOST = 10_000
_MOST_BYTES = 8 << 20
_LONGEST = 200


@dataclass(frozen=True, slots=True, order=True)
class Bookmark:
    """``size`` bytes from ``offset`` (0: just a place). ``name`` is what a person typed; ``template`` fits there."""

    offset: int
    size: int = 0
    name: str = ""
    template: str = ""


def bookmarks_path(subject: Subject) -> Path:
    """Where the bookmarks of a subject are kept."""
    if is_case(subject.path):
        return subject.path / "bookmarks.json"
    return subject.path.with_name(subject.path.name + ".bookmarks.json")


def load_bookmarks(subject: Subject) -> tuple[Bookmark, ...]:
    """In the order of their places; none when there is no file. Raises ``OutsideError``, ``DamagedError``."""
    path = bookmarks_path(subject)
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MOST_BYTES)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise outside(error, "cannot read the bookmarks", path) from error
    try:
        listed = json.loads(data)["bookmarks"]
        return tuple(sorted(
            Bookmark(max(0, int(one["offset"])), max(0, int(one["size"])), safe_text(str(one["name"]), _LONGEST),
                     safe_text(str(one["template"]), 60))
            for one in listed[:_MOST]
        ))  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise DamagedError("the bookmarks are damaged", code="bookmarks", path=path,
                           advice="move that file away to begin anew") from error  # fmt: skip


def add_bookmark(subject: Subject, mark: Bookmark) -> tuple[Bookmark, ...]:
    """All bookmarks with a new one; one at the same place is replaced. Raises as ``load_bookmarks``, ``UsageError``."""
    kept = [one for one in load_bookmarks(subject) if (one.offset, one.size) != (mark.offset, mark.size)]
    if len(kept) >= _MOST:
        raise UsageError(f"there are {_MOST} bookmarks already", advice="remove some")
    return _save(subject, [*kept, mark])


def remove_bookmark(subject: Subject, mark: Bookmark) -> tuple[Bookmark, ...]:
    """All bookmarks without one. Raises as ``load_bookmarks``."""
    return _save(subject, [one for one in load_bookmarks(subject) if one != mark])


def _save(subject: Subject, marks: list[Bookmark]) -> tuple[Bookmark, ...]:
    listed = sorted(marks)
    write_json(bookmarks_path(subject), {"version": 1, "bookmarks": [
        {"offset": one.offset, "size": one.size, "name": one.name, "template": one.template} for one in listed
    ]})  # fmt: skip
    return tuple(listed)
