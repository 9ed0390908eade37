"""Finds that another room knows more about: program streams and OLE2 documents, at their place inside the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.carve.find import Find
from engine.carve.walkers.documents import OLE2_KINDS

Room = Literal["recordings", "document"]
_MOST_DOCUMENT = 256 << 20


@dataclass(frozen=True, slots=True)
class Handover:
    """``room`` that takes the find; ``window``: start and end in bytes of the source that belong to it, or may."""

    room: Room
    window: tuple[int, int]


def handover(finds: Sequence[Find], index: int, size: int) -> Handover | None:
    """Where the find at ``index`` goes, or None when no room takes it.

    A find whose end is proven is handed over as it is; else everything up to the next proven one (of a document at most
    256 MiB) may belong to it. ``finds`` are in the order of their starts; ``size``: bytes of the source.
    """
    find = finds[index]
    room: Room
    if find.kind == "mpeg-ps":
        room = "recordings"
    elif find.kind in OLE2_KINDS:
        room = "document"
    else:
        return None
    if len(find.extents) > 1:
        return None
    end = find.start + find.size
    if not find.proven:
        following = (one.start for one in finds[index + 1 :] if one.proven and one.inside is None and one.start >= end)
        end = max(end, next(following, size))
        if room == "document":
            end = max(find.start + find.size, min(end, find.start + _MOST_DOCUMENT))
    return Handover(room, (find.start, min(end, size)))
