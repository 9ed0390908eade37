"""The map must never get worse: what one run of ddrescue did to it, and what of that may be believed.

When a drive dies, every later read fails at once and ddrescue marks the rest of the disk as bad. Failed areas are
believed only up to the last map that was followed by a good read; what failed after that goes back to what it was, save
the one place where the drive was probably lost, which is kept as a suspect (non-trimmed).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.mapfile.model import Int64s, Mapfile
from engine.mapfile.status import FINISHED, NON_TRIED
from engine.ranges import MAX_POSITION, RangeSet

Codes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Change:
    """What a run did: areas that became finished, that newly failed, and that were finished before and are not now."""

    finished: RangeSet
    failed: RangeSet
    lost: RangeSet


@dataclass(frozen=True, slots=True)
class Repaired:
    """The map after the guard looked at it; ``reasons`` is empty when nothing had to be changed.

    ``restored`` are the areas whose failure is not believed, ``suspect`` the place where the drive was probably lost.
    """

    map: Mapfile
    reasons: tuple[str, ...] = ()
    restored: RangeSet = RangeSet()
    suspect: tuple[int, int] | None = None


def compare(before: Mapfile, after: Mapfile) -> Change:
    """The difference between the maps before and after a run."""
    was, now = before.ranges("+"), after.ranges("+")
    return Change(now.subtract(was), after.ranges("*/-").subtract(before.ranges("*/-")), was.subtract(now))


def repair(
    before: Mapfile,
    after: Mapfile | None,
    *,
    size: int | None,
    dropped: bool,
    trusted: Mapfile | None = None,
    seen: Mapfile | None = None,
    direction: str = "forwards",
    cluster: int = 65536,
    died_reading: bool = False,
) -> Repaired:
    """The map to go on with after a run.

    ``before`` is the map before the run, ``after`` the one it left (None: missing, cut or malformed), ``seen`` the last
    whole one met while it ran, ``trusted`` the last that was followed by a good read (None: none was). ``dropped`` says
    that the drive died during the run, ``died_reading`` that a read ended it (the map's position is then where). The
    result loses nothing that was ever finished, and neither shrinks nor grows beyond the source's ``size`` in bytes.
    """
    reasons: list[str] = []
    latest = after if after is not None and len(after) else seen
    if after is None or not len(after):
        reasons.append("the map left by the run was cut or unreadable: the last whole one is used")
    if latest is None or not len(latest):
        latest = before
    end = _end(before, latest, size)
    maps = [one for one in (before, latest, trusted or before) if len(one)]
    bounds = _all_bounds(maps, end)
    if bounds.size < 2:
        return Repaired(latest, tuple(reasons))
    was, now = _codes(before, bounds), _codes(latest, bounds)
    believed = _codes(trusted, bounds) if trusted is not None else was
    believed = np.where(was == FINISHED, was, believed)
    result = now.copy()
    uncovered = (bounds[:-1] < latest.start) | (bounds[:-1] >= latest.end)
    if len(latest) and bool((uncovered & (was != NON_TRIED)).any()):
        result[uncovered] = was[uncovered]
        reasons.append("the map was cut off: what lay beyond was put back")
    doubtful = np.zeros(result.shape, bool)
    suspect = None
    if dropped:
        doubtful = (result > NON_TRIED) & (believed != result) & (believed != FINISHED)
        fresh = doubtful & (believed == NON_TRIED)
        gained = (result == FINISHED) & (believed != FINISHED)
        begun = before.position if before.phase == "?" else 0
        suspect = _suspect(bounds, fresh, gained, direction, begun, cluster)
        result[doubtful] = believed[doubtful]
    lost = (believed == FINISHED) & (result != FINISHED)
    if bool(lost.any()):
        result[lost] = FINISHED
        reasons.append("areas that were rescued before had lost their mark: it was put back")
    restored = RangeSet.from_arrays(bounds[:-1][doubtful], bounds[1:][doubtful])
    if restored:
        reasons.append(f"{restored.total} bytes marked as failed after the drive stopped answering are not believed")
    made = latest.with_blocks(bounds, result).merged()
    if dropped and suspect is None and died_reading:
        suspect = _read_in_flight(latest, made, direction, cluster)
    if suspect is not None:
        made = made.set_range(*suspect, "*")
        reasons.append(f"{suspect[1] - suspect[0]} bytes at {suspect[0]} are kept as the suspect")
    if not reasons and latest.end == end:
        return Repaired(latest)
    if latest.open_ended and end != MAX_POSITION:
        reasons.append("the map had grown beyond the end of the drive")
    return Repaired(made.with_status_line(0, "?", 1), tuple(reasons), restored, suspect)


def merge(maps: list[Mapfile]) -> Mapfile:
    """One map of several of the same rescue: finished where any of them is, else what the first says.

    Raises ``ValueError`` without a map.
    """
    filled = [one for one in maps if len(one)]
    if not filled:
        raise ValueError("no map to merge")
    end = max((one.end for one in filled if not one.open_ended), default=MAX_POSITION)
    bounds = _all_bounds(filled, end)
    result = _codes(filled[0], bounds)
    for one in filled[1:]:
        result[_codes(one, bounds) == FINISHED] = FINISHED
    return filled[0].with_blocks(bounds, result).merged().with_status_line(0, "?", 1)


def _end(before: Mapfile, latest: Mapfile, size: int | None) -> int:
    """Where the map should end: where it did or does now, neither beyond the source nor before a finish."""
    known = [one.end for one in (before, latest) if len(one) and not one.open_ended]
    end = max(known, default=MAX_POSITION if size is None else size)
    if size is not None:
        end = min(end, size)
    for one in (before, latest):
        rescued = one.ranges("+")
        if rescued:
            end = max(end, int(rescued.ends[-1]))
    return end


def _all_bounds(maps: list[Mapfile], end: int) -> Int64s:
    edges = np.concatenate([one.bounds for one in maps] + [np.array([end], np.int64)])
    return np.unique(edges[edges <= end])


def _codes(one: Mapfile, bounds: Int64s) -> Codes:
    """The status of each piece; non-tried outside of the map."""
    result = np.full(bounds.size - 1, NON_TRIED, np.uint8)
    if len(one):
        inside = (bounds[:-1] >= one.start) & (bounds[:-1] < one.end)
        result[inside] = one.codes[np.searchsorted(one.bounds, bounds[:-1][inside], "right") - 1]
    return result


def _read_in_flight(left: Mapfile, made: Mapfile, direction: str, cluster: int) -> tuple[int, int] | None:
    """The cluster at the status line's position, when it is still non-tried: a fatal error marks nothing."""
    at = left.position - 1 if direction == "backwards" else left.position
    index = made.index_at(at)
    if left.phase != "?" or index is None or made.codes[index] != NON_TRIED:
        return None
    block = made.block(index)
    if direction == "backwards":
        return max(block.start, left.position - cluster), left.position
    return left.position, min(block.end, left.position + cluster)


def _suspect(
    bounds: Int64s, fresh: Bools, gained: Bools, direction: str, position: int, cluster: int
) -> tuple[int, int] | None:
    """The first cluster that failed after the last good read; None when nothing newly failed.

    A drive that dies leaves the end of what it just gave next to the place of its death: behind it when reading
    forwards, before it when reading backwards. Passes change direction, so that the direction (of the run's beginning)
    only decides between two such places, and, with the ``position`` the run began at, where there is none.
    """
    if not bool(fresh.any()):
        return None
    behind = np.flatnonzero(fresh[1:] & gained[:-1]) + 1
    ahead = np.flatnonzero(fresh[:-1] & gained[1:])
    backwards = direction == "backwards"
    if backwards and ahead.size or not behind.size and ahead.size:
        return _upper_end(bounds, fresh, int(ahead[0]), cluster)
    if behind.size:
        return _lower_end(bounds, fresh, int(behind[-1]), cluster)
    if backwards:
        below = np.flatnonzero(fresh & (bounds[1:] <= position))
        return _upper_end(bounds, fresh, int(below[-1] if below.size else np.flatnonzero(fresh)[-1]), cluster)
    above = np.flatnonzero(fresh & (bounds[:-1] >= position))
    return _lower_end(bounds, fresh, int(above[0] if above.size else np.flatnonzero(fresh)[0]), cluster)


def _lower_end(bounds: Int64s, fresh: Bools, index: int, cluster: int) -> tuple[int, int]:
    last = index
    while last + 1 < fresh.size and fresh[last + 1] and int(bounds[last + 1]) - int(bounds[index]) < cluster:
        last += 1
    return int(bounds[index]), min(int(bounds[last + 1]), int(bounds[index]) + cluster)


def _upper_end(bounds: Int64s, fresh: Bools, index: int, cluster: int) -> tuple[int, int]:
    first = index
    while first > 0 and fresh[first - 1] and int(bounds[index + 1]) - int(bounds[first]) < cluster:
        first -= 1
    return max(int(bounds[first]), int(bounds[index + 1]) - cluster), int(bounds[index + 1])
