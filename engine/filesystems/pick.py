"""What must be read first: parts of a volume as ranges, for domain maps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.errors import NotFoundError
from engine.filesystems.index import Index
from engine.filesystems.places import CONTENT, DIRECTORY, META, PACKED, SLACK, SYSTEM
from engine.ranges import RangeSet

What = Literal["metadata", "used", "files", "free"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted. ``files``: these entries and all below them; ``types``: files with these extensions.

    ``metadata``: own structures and directories too (they are what makes the rest readable as files).
    """

    what: What = "metadata"
    files: tuple[int, ...] = ()
    types: tuple[str, ...] = ()
    metadata: bool = True


def wanted(index: Index, wish: Wish) -> RangeSet:
    """The bytes of the volume that a wish names. Raises ``NotFoundError`` when there are none."""
    if wish.what == "metadata":
        found = _own(index)
    elif wish.what == "used":
        found = _used(index)
    elif wish.what == "free":
        found = index.free or RangeSet()
    else:
        found = _of_files(index, wish)
    if not found:
        raise NotFoundError("nothing on the volume is that", code="nothing-wanted", advice="choose something else")
    return found.clip(0, index.size)


def _own(index: Index) -> RangeSet:
    return index.own.union(RangeSet.of(0, min(index.size, 65536)))


def _used(index: Index) -> RangeSet:
    """Everything that is not known to be free; what nobody can tell is taken along."""
    if index.free is None:
        return _own(index).union(index.places.of(CONTENT, PACKED, SLACK, DIRECTORY, META, SYSTEM))
    return index.free.complement(0, index.size)


def _of_files(index: Index, wish: Wish) -> RangeSet:
    chosen: set[int] = set()
    for number in wish.files:
        chosen.update(index.below(number))
    if wish.types:
        typed = set(index.of_types(wish.types))
        chosen = chosen & typed if wish.files else typed
    holders = index.holders(chosen)
    found = index.places.owned_by(holders, CONTENT, PACKED, META, DIRECTORY, SYSTEM)
    if not found:
        raise NotFoundError(
            "nothing of these files has a known place on the volume", code="nothing-wanted",
            advice="read the metadata first, then make the index again",
        )  # fmt: skip
    return found.union(_own(index)) if wish.metadata else found


def seen_from_disk(ranges: RangeSet, volume_start: int) -> RangeSet:
    """Ranges of the volume as ranges of the disk."""
    return ranges.shift(volume_start)


def types_of(words: Iterable[str]) -> tuple[str, ...]:
    """``photos``, ``videos``, ``documents`` or extensions, as extensions."""
    found: list[str] = []
    for word in words:
        found += GROUPS.get(word.lower(), (word.lower().lstrip("."),))
    return tuple(dict.fromkeys(found))


GROUPS: dict[str, tuple[str, ...]] = {
    "photos": ("jpg", "jpeg", "jpe", "heic", "heif", "png", "tif", "tiff", "gif", "bmp", "webp", "raw", "cr2", "cr3",
               "nef", "nrw", "arw", "srf", "orf", "rw2", "raf", "dng", "pef", "srw"),
    "videos": ("mp4", "mov", "avi", "mkv", "mpg", "mpeg", "m2ts", "mts", "ts", "vob", "vro", "wmv", "3gp", "m4v",
               "flv", "webm", "mod", "dv"),
    "music": ("mp3", "wav", "flac", "m4a", "aac", "ogg", "opus", "wma", "aif", "aiff"),
    "documents": ("doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "pdf", "rtf", "txt", "csv", "tex",
                  "pst", "ost", "mbox", "eml", "msg", "mdb", "accdb", "dbf", "sqlite", "qbw"),
}  # fmt: skip
"""Kinds of files by name, for people who want "the photographs"."""
