"""Programme time from the clock in the stream: the length of a part, and when a stretch of it plays.

Only packs at the ends of a part are read (more when those are unread): a few blocks for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.dvr.cutting import Cutter
from engine.dvr.disk import Disk
from engine.dvr.model import Extent
from engine.dvr.pack import CLOCK_HZ, PACK_SIZE, clock_distance, pack_clock

# A DVD stream has at most 10.08 Mbit/s; the slowest recording modes stay above 0.25 Mbit/s.
_MAX_RATE = 11_000_000 / 8
_MIN_RATE = 200_000 / 8
_ONE_PACK_S = 1.7e-3
_MAX_EXTENTS = 256
_LEAST_TAKEN_S, _MOST_TAKEN_S = 0.5, 12 * 3600
"""Less is a pause between two VOBUs; more is another clock altogether (it goes round in 26.5 hours)."""
_MOST_WORDS = 4


def clock_at(disk: Disk, position: int) -> int | None:
    """The clock of the pack at a position in the source (27 MHz), None when there is none or it is unread."""
    return pack_clock(disk.get(position - disk.base, 14))


def plausible(size: int, seconds: float) -> bool:
    """Whether ``size`` bytes can play for so long."""
    return seconds * _MIN_RATE <= size <= (seconds + 2) * _MAX_RATE + 64 * PACK_SIZE


def first_clock(disk: Disk, cutter: Cutter) -> tuple[int, int] | None:
    """Number and clock of the first pack of a content that can be read; from the end of an unread stretch only as
    near as doubling steps find it."""
    return _clock(disk, cutter, _steps(cutter.size // PACK_SIZE))


def last_clock(disk: Disk, cutter: Cutter) -> tuple[int, int] | None:
    """The same from the end."""
    packs = cutter.size // PACK_SIZE
    return _clock(disk, cutter, (packs - 1 - step for step in _steps(packs)))


def _steps(packs: int) -> Iterator[int]:
    step = 0
    while step < packs:
        yield step
        step = step * 2 or 1


def _clock(disk: Disk, cutter: Cutter, numbers: Iterator[int]) -> tuple[int, int] | None:
    for number in numbers:
        place = cutter.place(number * PACK_SIZE)
        clock = clock_at(disk, place) if place is not None else None
        if clock is not None:
            return number, clock
    return None


def duration(disk: Disk, extents: Sequence[Extent]) -> float | None:
    """Seconds that a part plays by the clock of its packs; None when the clock does not say.

    Where the clock was set back or jumps between (an edited file), the extents' own times are added instead. Packs
    that are unread at an end count with the bit rate of the others.
    """
    extents = [extent for extent in extents if extent.size >= PACK_SIZE and extent.start is not None]
    seconds = _seconds(disk, extents)
    if seconds is not None or not 1 < len(extents) <= _MAX_EXTENTS:
        return seconds
    known = [(extent.size, _seconds(disk, [extent])) for extent in extents]
    total = sum(seconds for _, seconds in known if seconds is not None)
    size, told = sum(size for size, _ in known), sum(size for size, seconds in known if seconds is not None)
    return total * size / told if told * 2 >= size else None


def _seconds(disk: Disk, extents: Sequence[Extent]) -> float | None:
    cutter = Cutter(extents)
    first, last = first_clock(disk, cutter), last_clock(disk, cutter)
    if first is None or last is None or last[0] < first[0]:
        return None
    between = last[0] - first[0] + 1
    seconds = clock_distance(first[1], last[1]) / CLOCK_HZ + _ONE_PACK_S
    if not plausible(between * PACK_SIZE, seconds):
        return None
    packs = cutter.size // PACK_SIZE
    return seconds if between == packs else seconds * packs / between


def taken_out(disk: Disk, before: Sequence[Extent], after: Sequence[Extent]) -> float | None:
    """Seconds by which the clock goes on from the end of one part to the beginning of the next one, beyond a pack's
    time: what an A-B delete took out, when the recorder left the clocks alone. None when the clocks do not tell."""
    last, first = last_clock(disk, Cutter(before)), first_clock(disk, Cutter(after))
    if last is None or first is None:
        return None
    seconds = clock_distance(last[1], first[1]) / CLOCK_HZ
    return seconds if _LEAST_TAKEN_S <= seconds <= _MOST_TAKEN_S else None


def taken_words(parts: Sequence[tuple[float | None, float | None]]) -> str:
    """For (length of a part, what is taken out behind it) in playing order: ``0:02:10 taken out at 0:10:00``; empty
    when no clock tells. A place behind a part of unknown length is not told."""
    words, at = [], 0.0
    known = True
    for length, taken in parts:
        known = known and length is not None
        at += length or 0.0
        if taken is not None:
            words.append(f"{clock_words(taken)} taken out" + (f" at {clock_words(at)}" if known else ""))
    more = f" and at {len(words) - _MOST_WORDS} more places" if len(words) > _MOST_WORDS else ""
    return ", ".join(words[:_MOST_WORDS]) + more


def clock_words(seconds: float) -> str:
    """``1:02:03``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
