"""What of each title and file was never read: bytes in the source, bytes of the content, and programme time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.dvr.cutting import Cutter
from engine.dvr.disk import Disk
from engine.dvr.model import Extent, Gap, Missing, Part, Recordings, Title
from engine.dvr.pack import CLOCK_HZ, PACK_SIZE, clock_distance
from engine.dvr.timing import clock_at, first_clock
from engine.ranges import MAX_POSITION, RangeSet
from engine.source import Source
from engine.source.extents import ExtentSource

_EXACT = 64
"""Gaps of a part whose times are looked up by the clock on both sides."""
_SLACK_S = 2.0
# What tells that bytes of a title are lost without telling how many.
_LOSING = frozenset((
    "block-directory-lost", "block-list-lost", "cell-lost", "chain-lost", "chain-loop", "chain-short", "entry-lost",
    "file-lost", "inode-lost", "runs-lost", "runs-loop", "vro-lost",
))  # fmt: skip


def with_missing(recordings: Recordings, view: Source) -> Recordings:
    """The same recordings, each title and file with what of it is missing. ``view``: the source as it was read."""
    holes = view.holes
    outside = holes.union(RangeSet.of(view.size, MAX_POSITION)) if holes else holes
    disk = Disk(view)
    titles = tuple(
        replace(title, missing=missing_of(title, disk, outside))
        if holes or loses(title) or any(part.unplaced for part in title.parts) else title
        for title in recordings.titles
    )  # fmt: skip
    files = tuple(
        replace(file, missing=missing_bytes(view, file.extents, outside, file.unplaced))
        if holes or file.unplaced else file
        for file in recordings.files
    )  # fmt: skip
    return replace(recordings, titles=titles, files=files)


def missing_bytes(view: Source, extents: Sequence[Extent], holes: RangeSet, unplaced: int) -> Missing:
    """Without times."""
    below = ExtentSource(view, extents)
    seen = below.seen(holes)
    return Missing(below.ranges_below(seen), tuple(Gap(a, b) for a, b in seen), unplaced, None if seen else 0.0)


def missing_of(title: Title, disk: Disk, holes: RangeSet) -> Missing:
    """What of a title is missing. ``disk`` counts from the start of the source."""
    below = ExtentSource(disk.source, title.extents)
    seen = below.seen(holes)
    unplaced = sum(part.unplaced for part in title.parts)
    # A loss that the directory's sizes account for is no unknown one.
    unknown = loses(title) and not unplaced
    if not seen and not unplaced:
        return Missing(seconds=None if unknown else 0.0, unknown=unknown)
    gaps: list[Gap] = []
    seconds: float | None = 0.0
    start, begun = 0, 0.0
    known = True
    for part in title.parts:
        inside = seen.clip(start, start + part.size).shift(-start)
        for gap in _timed(part, inside, disk):
            shifted = None if gap.start_s is None or gap.end_s is None or not known else (
                gap.start_s + begun, gap.end_s + begun
            )  # fmt: skip
            if seconds is not None:
                seconds = None if gap.start_s is None or gap.end_s is None else seconds + gap.end_s - gap.start_s
            times = shifted or (None, None)
            gaps.append(Gap(gap.start + start, gap.end + start, times[0], times[1], gap.exact and shifted is not None))
        if part.unplaced and seconds is not None:
            total = part.size + part.unplaced
            seconds = None if part.duration_s is None else seconds + part.duration_s * part.unplaced / total
        start += part.size
        known = known and part.duration_s is not None
        begun += part.duration_s or 0.0
    return Missing(below.ranges_below(seen), tuple(gaps), unplaced, None if unknown else seconds, unknown)


def loses(title: Title) -> bool:
    """Whether its problems say that bytes of it are lost."""
    return any(problem.code in _LOSING for problem in title.problems)


def _timed(part: Part, gaps: RangeSet, disk: Disk) -> list[Gap]:
    """Gaps of a part with their times in it."""
    if part.times is not None:
        return [Gap(low, high, part.times.at(low), part.times.at(high), True) for low, high in gaps]
    if part.duration_s is None or not part.size:
        return [Gap(low, high) for low, high in gaps]
    cutter = Cutter(part.extents)
    size = part.size
    rate = part.duration_s / size
    first = first_clock(disk, cutter) if gaps else None
    # When the first packs are unread themselves, their own time is by size.
    zero = None if first is None else (first[1], first[0] * PACK_SIZE * rate)
    found = []
    for number, (low, high) in enumerate(gaps):
        ends: list[float | None] = [None, None]
        if zero is not None and number < _EXACT:
            # The last pack before the gap, and the first one behind it.
            ends = [_time_at(disk, cutter, zero, low // PACK_SIZE * PACK_SIZE - PACK_SIZE, part),
                    _time_at(disk, cutter, zero, -(-high // PACK_SIZE) * PACK_SIZE, part)]  # fmt: skip
        ends[0] = 0.0 if low < PACK_SIZE else ends[0]
        ends[1] = part.duration_s if high > size - PACK_SIZE else ends[1]
        told = ends[0] is not None and ends[1] is not None and ends[0] <= ends[1]
        if not told:
            ends = [low * rate, high * rate]
        found.append(Gap(low, high, ends[0], ends[1], told and first is not None and first[0] == 0))
    return found


def _time_at(disk: Disk, cutter: Cutter, zero: tuple[int, float], position: int, part: Part) -> float | None:
    place = cutter.place(position)
    clock = clock_at(disk, place) if place is not None else None
    if clock is None or part.duration_s is None:
        return None
    seconds = clock_distance(zero[0], clock) / CLOCK_HZ + zero[1]
    return min(seconds, part.duration_s) if seconds <= part.duration_s + _SLACK_S else None
