"""Which boot sector a volume without one should have."""

from __future__ import annotations

from engine.partitions.peek import Peek
from engine.partitions.rebuilt.fat import propose_fat
from engine.partitions.rebuilt.model import Proposal
from engine.partitions.rebuilt.ntfs import propose_ntfs
from engine.partitions.volumes.view import View

FRONT = 8 << 20
"""FATs, $MFT or its mirror of every usual layout begin in the first so many bytes of their volume."""


def propose(peek: Peek, start: int, size: int, *, sector_size: int, hidden: int) -> Proposal | None:
    """The boot sector for the partition of ``size`` bytes at ``start``; None when too little is left to say.

    ``hidden`` is what it shall name as the number of sectors before it. Reads ``FRONT`` bytes, and more only where
    something was found there. What was never read proves nothing.
    """
    size = min(size, peek.size - start)
    if size < 16 * sector_size or start < 0:
        return None
    view = View(peek, start, size)
    return propose_ntfs(view, size, sector_size, hidden, FRONT) or propose_fat(view, size, sector_size, hidden, FRONT)
