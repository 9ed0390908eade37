"""Does the drive still answer? First from sysfs, without touching it; then by one read of a place that is known good.

The read happens in a child process with a time limit: a drive that hangs holds the child, never us. Never asked while
a ddrescue hangs on the same drive, and never of a place that is not known to be good.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.devices.drive_state import Condition, Look, judge, look
from engine.devices.probe import PLACE_SIZE, Place, read_places, safest_places
from engine.errors import OutsideError, UsageError
from engine.host.blocks import node_of_path, whole_disk
from engine.mapfile.model import Mapfile
from engine.source.base import Source
from engine.source.device import DeviceSource
from engine.source.file import FileSource

_CODES_OF_UNKNOWN = ("permission", "no-tool", "busy", "usage")


class Alive(StrEnum):
    """What a look at the drive says."""

    YES = "yes"
    NO = "no"
    OTHER = "other"  # it answers, but not with what was rescued from that place
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Liveness:
    """The answer and its reason in words."""

    alive: Alive
    reason: str = ""


def baseline(source: str) -> Look | None:
    """How the drive looks in sysfs while it is well; None for a source that is no block device."""
    node = node_of_path(source)
    return look(whole_disk(node)) if node is not None else None


def check(
    source: str,
    known: Mapfile | None,
    *,
    image: str,
    shift: int = 0,
    well: Look | None = None,
    limit_s: float = 20.0,
) -> Liveness:
    """Look at a drive after a run. ``well`` is its ``baseline``; ``known`` the map that says where it was readable.

    Without a map the drive is not touched. What comes back is compared with the image (``shift`` bytes further on than
    the source); ``limit_s`` bounds the read. While nothing is rescued yet nothing is read: sysfs, or an attempt to open
    it, can then tell that it is gone.
    """
    if well is not None:
        verdict = judge([well, look(well.name)])
        if not verdict.usable:
            return Liveness(Alive.NO, verdict.reasons[0] if verdict.reasons else str(verdict.condition))
        if verdict.condition is Condition.BUSY:
            return Liveness(Alive.UNKNOWN, "; ".join(verdict.reasons))
    place = _place(known, image, shift)
    if known is None:
        return Liveness(Alive.UNKNOWN, "it was not asked")
    if place is None:
        opened = read_places(source, [], timeout_s=limit_s)
        if opened.code in ("ok", *_CODES_OF_UNKNOWN):
            return Liveness(Alive.UNKNOWN, "no place is known good yet")
        return Liveness(Alive.NO, f"it cannot be opened: {opened.message}")
    read = read_places(source, [place], timeout_s=limit_s)
    if read.code == "ok":
        if read.same:
            return Liveness(Alive.YES, f"the {place.size} bytes at {place.offset} were read again")
        return Liveness(Alive.OTHER, f"the {place.size} bytes at {place.offset} differ from the image")
    if read.code in _CODES_OF_UNKNOWN:
        return Liveness(Alive.UNKNOWN, read.message)
    return Liveness(Alive.NO, f"a place known to be good ({place.offset}) gives: {read.message}")


def _place(known: Mapfile | None, image: str, shift: int) -> Place | None:
    """A rescued place in the middle of the largest rescued area, with what the image holds there."""
    if known is None:
        return None
    for offset in safest_places(known.ranges("+"), count=1):
        try:
            with _open(image) as source:
                return Place.of(offset, source.read(offset + shift, PLACE_SIZE).data)
        except (OutsideError, UsageError):  # an image that ends earlier (a sparse one that was killed)
            return None
    return None


def _open(image: str) -> Source:
    return DeviceSource(image) if node_of_path(image) is not None else FileSource(image)
