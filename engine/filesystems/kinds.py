"""What an entry is and what is the matter with it, as the index stores it."""

from __future__ import annotations

FILE, DIRECTORY, LINK, STREAM, SYSTEM, SPECIAL = range(1, 7)
KIND_WORDS = {FILE: "file", DIRECTORY: "directory", LINK: "link", STREAM: "stream", SYSTEM: "system",
              SPECIAL: "special"}  # fmt: skip

DELETED = 1
"""The name, its record or the directory above is deleted."""
REUSED = 2
"""A deleted name whose record belongs to another file now: nothing of it is known but the name."""
PACKED = 4
"""Compressed, or kept in its record: read through the library."""
ORPHAN = 8
"""Found without a name in any directory."""
UNREAD = 16
"""Its record was never read: the name is there, nothing else is known."""
GUESSED = 32
"""Its places are guessed: a deleted FAT file from its first cluster on, over clusters that are free now."""
DAMAGED = 64
"""The library complained while reading where it lies."""
STATE_WORDS = {DELETED: "deleted", REUSED: "reused", PACKED: "packed", ORPHAN: "orphan", UNREAD: "unread",
               GUESSED: "guessed", DAMAGED: "damaged"}  # fmt: skip

_TYPES = {1: FILE, 2: DIRECTORY, 6: LINK, 10: SYSTEM, 11: SYSTEM}


def kind_of(meta_type: int | None, name_type: int) -> int:
    """From the library's types of record and name (1 FIFO .. 9 whiteout in names; 3 directory, 5 file, 6 link)."""
    if meta_type is not None and meta_type in _TYPES:
        return _TYPES[meta_type]
    return {3: DIRECTORY, 5: FILE, 6: LINK}.get(name_type, SPECIAL if name_type else FILE)


def state_words(state: int) -> list[str]:
    """The flags of a state."""
    return [word for flag, word in STATE_WORDS.items() if state & flag]
