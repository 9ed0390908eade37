"""Which volume lies at a place."""

from __future__ import annotations

from engine.partitions.peek import Peek
from engine.partitions.volumes.family import examined
from engine.partitions.volumes.model import Confirmation, Volume
from engine.partitions.volumes.registry import FAMILIES
from engine.partitions.volumes.view import View
from engine.source import Source


def recognise(source: Source | Peek, start: int, size: int | None = None) -> Volume | None:
    """The volume that begins at byte ``start`` of the source; None when nothing is known to begin there.

    ``size`` is that of the partition, where a backup may stand at the end; None when there is no partition. A volume
    whose primary structure is bad is recognised by a backup (``by_backup``); what is wrong is in its ``problems``.
    Unread bytes recognise nothing. Raises ``ReadError`` only when the device is gone.
    """
    found = recognise_all(source, start, size)
    return found[0] if found else None


def recognise_all(source: Source | Peek, start: int, size: int | None = None) -> list[Volume]:
    """Everything that claims to begin at ``start``, the most credible first.

    More than one: leftovers of an earlier format, or a container and what it mirrors (a RAID member's file system).
    """
    peek = source if isinstance(source, Peek) else Peek(source)
    view = View(peek, start, size)
    found: dict[str, Volume] = {}
    for family in FAMILIES:
        volume = examined(family, view)
        if volume is not None and (volume.kind not in found or _rank(volume) < _rank(found[volume.kind])):
            found[volume.kind] = volume
    return sorted(found.values(), key=_rank)


def _rank(volume: Volume) -> tuple[int, bool, bool]:
    """Sorts by credibility; equals stay in the order of the families."""
    doubtful = volume.confirmation is Confirmation.CONTRADICTED or volume.checksum is False
    return (2 if doubtful and volume.by_backup else 1 if volume.by_backup or doubtful else 0,
            not volume.trusted, volume.checksum is False)  # fmt: skip
