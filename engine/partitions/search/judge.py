"""From recognised volumes and tables to finds: what stands for itself, what lies in something else, what is older."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.partitions.search.collect import Candidate
from engine.partitions.search.model import Confidence, Find, FoundTable, SizeFrom, Standing, TableEntry
from engine.partitions.search.walk import CYLINDER, MEBIBYTE, TRACK
from engine.partitions.volumes import KINDS, Confirmation, Evidence, Volume

Recognised = tuple[Volume, Candidate]


@dataclass(frozen=True, slots=True)
class Disk:
    """What judging needs to know: sizes in bytes, and the partitions of the present tables as (start, size). ``bare``:
    there is no table, so that a volume in sector 0 is where it should be."""

    size: int
    sector_size: int
    present: tuple[tuple[int, int], ...]
    bare: bool = False


def judge(recognised: Iterable[Recognised], tables: Sequence[FoundTable], disk: Disk) -> list[Find]:
    """All finds by start, with their standing, place among each other, and groups of overlap."""
    known = _sizes_of_tables(tables, disk)
    listed = {start for start, _ in disk.present} | ({0} if disk.bare else set())
    finds = [_find(volume, disk, known, volume.start in listed) for volume in _credible(list(recognised))]
    finds = _told(_resolved(_nested(_aged(finds)), disk), tables)
    finds += _from_tables(tables, finds, disk)
    return _grouped(sorted(finds, key=lambda one: (one.start, -one.size)))


def _sizes_of_tables(tables: Sequence[FoundTable], disk: Disk) -> dict[int, int]:
    """Size of the partition at a start, by the present tables first."""
    sizes = {entry.start: entry.size for table in tables for entry in table.entries}
    return sizes | dict(disk.present)


def _rank(volume: Volume) -> tuple[bool, bool, int]:
    """Sorts the most credible first."""
    return not volume.trusted, volume.by_backup, -len(volume.evidence)


def _credible(recognised: list[Recognised]) -> list[Volume]:
    """Without other readings of a structure that belongs to a credible volume, and one for each start and kind."""
    best: dict[tuple[int, str], Recognised] = {}
    for volume, candidate in recognised:
        key = (volume.start, volume.kind)
        if key not in best or _rank(volume) < _rank(best[key][0]):
            best[key] = (volume, candidate)
    trusted = sorted((one for one, _ in best.values() if one.trusted), key=lambda one: one.start)
    explained = {proof.offset for volume in trusted for proof in volume.evidence}
    for volume, candidate in best.values():
        if volume.trusted:
            explained.update(candidate.positions)
    kept, told, cover = list(trusted), set(explained), _Cover(trusted)
    for volume, candidate in sorted(best.values(), key=lambda one: _rank(one[0])):
        if volume.trusted or set(candidate.positions) <= told or volume.start in cover:
            continue
        told.update(candidate.positions)
        kept.append(volume)
    return kept


class _Cover:
    """Whether a position lies in one of the volumes."""

    def __init__(self, volumes: Iterable[Volume]) -> None:
        self._starts: list[int] = []
        self._reach: list[int] = []
        reach = 0
        for one in sorted(volumes, key=lambda one: one.start):
            reach = max(reach, one.start + (one.size or 1))
            self._starts.append(one.start)
            self._reach.append(reach)

    def __contains__(self, position: int) -> bool:
        index = bisect.bisect_right(self._starts, position)
        return index > 0 and position < self._reach[index - 1]


def _find(volume: Volume, disk: Disk, known: dict[int, int], listed: bool) -> Find:
    least = volume.partition_size
    size, origin = 0, SizeFrom.NEXT
    if least is not None:
        size, origin = -(-least // disk.sector_size) * disk.sector_size, SizeFrom.SUPERBLOCK
    told = known.get(volume.start)
    if told is not None and told >= size and (least is None or told <= size + _slack(size)):
        size, origin = told, SizeFrom.TABLE
    doubtful = not volume.trusted and (
        volume.confirmation is Confirmation.CONTRADICTED or volume.checksum is False
    )
    return Find(
        volume.start, size, origin, volume, volume.evidence,
        "low" if doubtful else _confidence(volume, told is not None),
        Standing.DOUBTFUL if doubtful else Standing.VOLUME,
        listed=listed,
    )  # fmt: skip


def _slack(size: int) -> int:
    """How much larger than its volume a partition may be before its entry looks like another's."""
    return max(size // 8, 256 << 20)


def _confidence(volume: Volume, in_table: bool) -> Confidence:
    if volume.trusted:
        return "high" if in_table or not volume.by_backup else "medium"
    return "medium" if volume.checksum or in_table else "low"


def _strong(find: Find) -> bool:
    return find.volume is not None and find.volume.trusted and not find.by_backup


def _holds(find: Find) -> bool:
    kind = KINDS.get(find.kind)
    return kind is not None and kind.container


def _within(inner: Find, outer: Find) -> bool:
    """Whether ``inner`` lies in ``outer``; what a container begins with is its content, whatever its size."""
    same = inner.start == outer.start and _holds(outer)
    return same or (outer.start <= inner.start and max(inner.end, inner.start + 1) <= outer.end)


class _Outer:
    """Of finds that come in the order of ``_order``: the one that the next may lie in.

    Since none begins before an earlier one, only the farthest end counts; a container also takes what begins with it.
    """

    def __init__(self) -> None:
        self._far: Find | None = None
        self._container: Find | None = None

    def add(self, find: Find) -> None:
        if self._far is None or find.end > self._far.end:
            self._far = find
        if _holds(find):
            self._container = find

    def around(self, find: Find) -> Find | None:
        return next((one for one in (self._far, self._container) if one is not None and _within(find, one)), None)


def _order(find: Find) -> tuple[int, bool, int]:
    """By start; of those that begin together containers first, then the longer ones."""
    return find.start, not _holds(find), -find.size


def _aged(finds: list[Find]) -> list[Find]:
    """Marks what only a backup tells of and whole volumes have taken the place of."""
    tops: list[Find] = []
    outer = _Outer()
    for find in sorted((one for one in finds if _strong(one)), key=_order):
        if outer.around(find) is None:
            tops.append(find)
            outer.add(find)
    # None of these lies in another: their ends are in order as their starts are.
    starts, ends = [one.start for one in tops], [max(one.end, one.start + 1) for one in tops]
    return [_compared(find, tops[bisect.bisect_right(ends, find.start) : bisect.bisect_left(starts, find.end)])
            for find in finds]  # fmt: skip


def _compared(find: Find, over: list[Find]) -> Find:
    """A find, and the whole volumes that lie over it."""
    if not find.by_backup or find.standing is not Standing.VOLUME or not over:
        return find
    if any(other.start < find.start and _within(find, other) for other in over):
        return find  # it lies inside: see _nested
    clear = [one for one in over if one.start == find.start or one.listed or not _within(one, find)]
    if not clear and len(over) == 1:
        return find
    return replace(find, standing=Standing.OLDER, confidence="low", inside=(clear or over)[0].start)


def _nested(finds: list[Find]) -> list[Find]:
    """Marks what lies wholly inside another find that stands for itself; a credible one only in a credible one."""
    found = []
    trusted, any_kind = _Outer(), _Outer()
    for find in sorted(finds, key=_order):
        if find.standing is Standing.VOLUME:
            big = (trusted if _strong(find) else any_kind).around(find)
            # Old volume or damaged one? Where partitions begin, a whole volume in one of which only a backup is left
            # may well be what replaced it: both stay, and a person chooses.
            open_question = big is not None and big.by_backup and _strong(find) and _usual(find.start)
            if big is not None and not open_question:
                find = replace(find, standing=Standing.INSIDE, inside=big.start)
            else:
                any_kind.add(find)
                if find.volume is not None and find.volume.trusted:
                    trusted.add(find)
        found.append(find)
    return found


def _usual(start: int) -> bool:
    """Whether partitions use to begin there."""
    return start % MEBIBYTE == 0 or start % CYLINDER in (0, TRACK)


def _resolved(finds: list[Find], disk: Disk) -> list[Find]:
    """Gives a size to volumes that do not tell theirs: up to the next volume, or the end of what they lie in."""
    starts = sorted({one.start for one in finds if one.standing is Standing.VOLUME} | {disk.size})
    ends = {one.start: one.end for one in finds if one.standing is Standing.VOLUME and one.size}
    found = []
    for find in finds:
        if not find.size:
            end = starts[bisect.bisect_right(starts, find.start)] if find.start < disk.size else disk.size
            if find.inside is not None and find.standing is Standing.INSIDE:
                end = ends.get(find.inside, end)
            find = replace(find, size=max(disk.sector_size, end - find.start))
        found.append(find)
    return found


def _from_tables(tables: Sequence[FoundTable], finds: list[Find], disk: Disk) -> list[Find]:
    """Partitions that a table found on the disk names, where nothing was recognised and no volume lies."""
    seen = {find.start for find in finds} | {start for start, _ in disk.present}
    solid = [find for find in finds if find.standing is Standing.VOLUME]
    added: list[Find] = []
    for table in tables:
        for entry in table.entries:
            end = entry.start + entry.size
            taken = any(one.start < end and one.end > entry.start for one in solid)
            if entry.start in seen or end > disk.size or taken:
                continue
            seen.add(entry.start)
            proof = Evidence(f"entry of a {_TABLES[table.kind]}", table.position if entry.ebr is None else entry.ebr)
            added.append(Find(
                entry.start, entry.size, SizeFrom.TABLE, None, (proof,), "medium" if table.kind == "gpt" else "low",
                type=entry.type, name=entry.name, logical=entry.logical,
            ))  # fmt: skip
    return added


_TABLES = {"gpt": "GPT", "ebr-chain": "chain of EBRs"}


def _told(finds: list[Find], tables: Sequence[FoundTable]) -> list[Find]:
    """What the tables add to volumes: type, name, whether it is a logical partition; and they are evidence."""
    entries: dict[int, tuple[FoundTable, TableEntry]] = {}
    for table in tables:
        for entry in table.entries:
            entries.setdefault(entry.start, (table, entry))
    found = []
    for find in finds:
        known = entries.get(find.start)
        if known is not None and find.volume is not None and find.standing is Standing.VOLUME:
            table, entry = known
            proof = Evidence(f"entry of a {_TABLES[table.kind]}", table.position if entry.ebr is None else entry.ebr)
            find = replace(find, type=entry.type, name=entry.name, logical=entry.logical,
                           evidence=(*find.evidence, proof))  # fmt: skip
        found.append(find)
    return found


def _grouped(finds: list[Find]) -> list[Find]:
    """Numbers the sets of top-level finds that overlap, directly or through others."""
    found = list(finds)
    number, members, reach = 0, [], 0
    for index, find in enumerate([*finds, None]):
        if find is not None and find.standing is not Standing.VOLUME:
            continue
        if find is not None and find.start < reach:
            members.append(index)
            reach = max(reach, find.end)
            continue
        if len(members) > 1:
            number += 1
            for member in members:
                found[member] = replace(found[member], group=number)
        if find is not None:
            members, reach = [index], find.end
    return found
