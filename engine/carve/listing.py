"""The catalogue as a person looks at it: what each find lacks, filtered and sorted; quick at 10^5 finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.carve.catalogue import newest, read_about, read_finds
from engine.carve.find import Find
from engine.carve.missing import Missing, missing_of
from engine.carve.naming import file_name
from engine.carve.outcome import Status
from engine.cases import open_source
from engine.text import parse_size

if TYPE_CHECKING:
    from engine.cases.subject import Subject
    from engine.filesystems.preview import Look
    from engine.ranges import RangeSet

SORTS = ("place", "size", "type", "mend")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown. ``words``: any of these in type, extension, category or name (empty: all); ``least``, ``most``:
    bytes (``most`` 0: any); ``sure``: least confidence; ``state``: ``all``, ``whole``, ``lacking`` (unread),
    ``broken``; ``parts``: parts of other finds too; ``sort``: one of ``SORTS``.
    """

    words: tuple[str, ...] = ()
    least: int = 0
    sure: int = 0
    state: str = "all"
    parts: bool = False
    sort: str = "place"
    most: int = 0

    @property
    def typed(self) -> str:
        """What a person types for it (``narrowed``)."""
        sizes = [f"{sign}{value}" for sign, value in ((">", self.least), ("<", self.most)) if value]
        return " ".join((*self.words, *sizes, *([f"{self.sure}/4"] if self.sure else [])))


def narrowed(choice: Choice, text: str) -> Choice:
    """``choice`` with what was typed: words, ``>1M`` and ``<4G`` for the size, ``3/4`` for how sure a find must be.

    Raises ``UsageError`` for a size that is none.
    """
    words: list[str] = []
    least = most = sure = 0
    for token in text.split():
        if token[0] == ">":
            least = parse_size(token[1:])
        elif token[0] == "<":
            most = parse_size(token[1:])
        elif len(token) == 3 and token.endswith("/4") and token[0] in "01234":
            sure = int(token[0])
        else:
            words.append(token)
    return replace(choice, words=tuple(words), least=least, most=most, sure=sure)


@dataclass(frozen=True, slots=True)
class Listing:
    """Finds with how many of their bytes were never read (``unread[i]``), and the source's size in bytes."""

    finds: tuple[Find, ...]
    unread: tuple[int, ...]
    holes: RangeSet
    size: int

    def missing(self, index: int) -> Missing:
        """What one find lacks, place by place."""
        return missing_of(self.finds[index], self.holes)

    def whole(self, index: int) -> bool:
        """Whether its end is proven and all of it was read."""
        return self.finds[index].proven and not self.unread[index]

    def chosen(self, choice: Choice) -> list[int]:
        """The indices of what ``choice`` shows, in its order."""
        keep = [index for index in range(len(self.finds)) if self._fits(index, choice)]
        keys: dict[str, Callable[[int], tuple[object, ...]]] = {
            "size": lambda index: (-self.finds[index].size, self.finds[index].start),
            "type": lambda index: (self.finds[index].extension, self.finds[index].start),
            "mend": lambda index: (not self.unread[index], self.unread[index], self.finds[index].start),
        }
        if choice.sort in keys:
            keep.sort(key=keys[choice.sort])
        return keep

    def _fits(self, index: int, choice: Choice) -> bool:
        find = self.finds[index]
        if (find.inside is not None and not choice.parts) or find.size < choice.least or find.confidence < choice.sure:
            return False
        if choice.most and find.size > choice.most:
            return False
        if choice.state == "whole" and not self.whole(index):
            return False
        if choice.state == "lacking" and not self.unread[index] and find.status is not Status.UNREAD:
            return False
        if choice.state == "broken" and find.status in (Status.COMPLETE, Status.UNREAD):
            return False
        if not choice.words:
            return True
        text = f"{find.kind} {find.extension} {find.category} {find.name}".lower()
        return any(word.lower() in text for word in choice.words)

    def with_find(self, index: int, find: Find) -> Listing:
        """The same with one find replaced (put together from pieces)."""
        finds = (*self.finds[:index], find, *self.finds[index + 1 :])
        lacks = missing_of(find, self.holes).total
        return replace(self, finds=finds, unread=(*self.unread[:index], lacks, *self.unread[index + 1 :]))


@dataclass(frozen=True, slots=True)
class Desk:
    """The finds of a subject, to be looked into before they are written."""

    subject: Subject

    def path(self, entry: Find) -> str:
        """What it would be called."""
        return file_name(entry)

    def preview(self, entry: Find, width: int, height: int) -> Look:
        """The first part of it, as ``engine.filesystems.preview`` shows files. Raises ``RescueError``."""
        from engine.carve.writing import find_item
        from engine.filesystems.preview import look

        with open_source(self.subject.path, map=self.subject.map) as source:
            return look(find_item(source, entry).content, width, height)


def load_listing(path: Path, subject: Subject | None = None) -> Listing:
    """The catalogue at ``path`` under the map as it is now. Raises ``DamagedError``, ``OutsideError``."""
    about = read_about(path)
    finds = tuple(newest(read_finds(path)))
    where = str(about["source"]) if subject is None else str(subject.path)
    map_ = about.get("map") if subject is None or subject.map is None else str(subject.map)
    with open_source(where, map=map_) as source:
        holes, size = source.holes, source.size
    return Listing(finds, _unread(finds, holes), holes, size)


def _unread(finds: Sequence[Find], holes: RangeSet) -> tuple[int, ...]:
    """Unread bytes of each find: vectorised for the many of one piece."""
    import numpy as np

    if not holes:
        return (0,) * len(finds)
    starts = np.array([find.start for find in finds], np.int64)
    ends = np.array([find.start + find.extents[0][1] for find in finds], np.int64)
    totals = np.concatenate(([0], np.cumsum(holes.ends - holes.starts)))

    def before(positions: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        index = np.searchsorted(holes.starts, positions, "right")
        inside = np.where(index > 0, positions - holes.starts[np.maximum(index - 1, 0)], 0)
        length = np.where(index > 0, (holes.ends - holes.starts)[np.maximum(index - 1, 0)], 0)
        whole = totals[np.maximum(index - 1, 0)]
        result: np.ndarray[tuple[int], np.dtype[np.int64]] = whole + np.minimum(inside, length)
        return result

    simple = (before(ends) - before(starts)).tolist()
    return tuple(
        int(count) if len(find.extents) == 1 and find.status is not Status.UNREAD else missing_of(find, holes).total
        for find, count in zip(finds, simple, strict=True)
    )
