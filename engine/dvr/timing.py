"""Programme time from the clock in the stream: the length of a part, and when a stretch of it plays.

Only packs at the ends of extents are read: a few blocks for each part.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.dvr.disk import Disk
from engine.dvr.model import Extent
from engine.dvr.pack import CLOCK_HZ, PACK_SIZE, clock_distance, pack_clock

# A DVD stream has at most 10.08 Mbit/s; the slowest recording modes stay above 0.25 Mbit/s.
_MAX_RATE = 11_000_000 / 8
_MIN_RATE = 200_000 / 8
_ONE_PACK_S = 1.7e-3
_TRIES = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)


def clock_at(disk: Disk, position: int) -> int | None:
    """The clock of the pack at a position in the source (27 MHz), None when there is none or it is unread."""
    return pack_clock(disk.get(position - disk.base, 14))


def plausible(size: int, seconds: float) -> bool:
    """Whether ``size`` bytes can play for so long."""
    return seconds * _MIN_RATE <= size <= (seconds + 2) * _MAX_RATE + 64 * PACK_SIZE


def first_clock(disk: Disk, extent: Extent) -> int | None:
    """The clock of the first pack that can be read near the start of an extent."""
    return _near(disk, extent, 1)


def last_clock(disk: Disk, extent: Extent) -> int | None:
    """The clock of the last pack that can be read near the end of an extent."""
    return _near(disk, extent, -1)


def _near(disk: Disk, extent: Extent, step: int) -> int | None:
    if extent.start is None:
        return None
    packs = extent.size // PACK_SIZE
    for distance in _TRIES:
        if distance >= packs:
            break
        number = distance if step > 0 else packs - 1 - distance
        clock = clock_at(disk, extent.start + number * PACK_SIZE)
        if clock is not None:
            return clock
    return None


def duration(disk: Disk, extents: Sequence[Extent]) -> float | None:
    """Seconds from the first to the last pack of a part; None when the clock does not say.

    Where the clock was set back or jumps between (an edited file), the extents' own times are added instead.
    """
    extents = [extent for extent in extents if extent.size >= PACK_SIZE and extent.start is not None]
    if not extents:
        return None
    size = sum(extent.size for extent in extents)
    first, last = first_clock(disk, extents[0]), last_clock(disk, extents[-1])
    if first is not None and last is not None:
        seconds = clock_distance(first, last) / CLOCK_HZ + _ONE_PACK_S
        if plausible(size, seconds):
            return seconds
    if len(extents) < 2 or len(extents) > 256:
        return None
    total, known = 0.0, 0
    for extent in extents:
        first, last = first_clock(disk, extent), last_clock(disk, extent)
        if first is None or last is None:
            continue
        seconds = clock_distance(first, last) / CLOCK_HZ + _ONE_PACK_S
        if plausible(extent.size, seconds):
            total, known = total + seconds, known + extent.size
    return total * size / known if known * 2 >= size else None
