"""Entries of a volume in words: kind, time, state, health; what screens and commands share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.words import percent

if TYPE_CHECKING:
    from engine.filesystems.index import Entry


def kind_word(entry: Entry) -> str:
    """``file``, ``directory``, ``link``, ``stream``, ``system``, ``special``."""
    from engine.filesystems.kinds import KIND_WORDS

    return KIND_WORDS.get(entry.kind, "file")


def stamp(time: float | None) -> str:
    """``2024-05-01 12:30``; empty when unknown. FAT keeps local time without a zone: it is shown as it stands."""
    if time is None:
        return ""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return "?"


def state_text(entry: Entry, free: tuple[int, int] | None = None) -> str:
    """What is the matter with it, in a word or two. ``free``: (bytes still free, bytes) of a deleted file."""
    from engine.filesystems import kinds

    if entry.state & kinds.REUSED:
        return "deleted, record reused"
    if entry.state & kinds.UNREAD:
        return "record unread"
    words = []
    if entry.deleted:
        words.append("deleted" if free is None else f"deleted, {percent(*free)} free")
    if entry.lost:
        words.append("places unknown")
    elif entry.state & kinds.DAMAGED:
        words.append("damaged")
    return ", ".join(words)
