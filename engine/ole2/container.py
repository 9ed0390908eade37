"""A document laid out afresh: every stream in one piece, nothing of the old tables. For documents of which more than a
table had to be guessed; what is not there of a stream stays a hole."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from engine.errors import UsageError
from engine.ole2.draft import linked
from engine.ole2.model import Document, Entry, Header, Stream
from engine.ole2.refill_directory import balanced
from engine.ole2.streams import content
from engine.ole2.structs import (
    CUTOFF,
    DIFAT_MARK,
    END,
    ENTRY_SIZE,
    FAT_MARK,
    FREE,
    HEADER_SLOTS,
    MINI_SECTOR,
    ROOT,
    STORAGE,
    STREAM,
)  # fmt: skip
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import Buffer
from engine.source.extents import BytesSource, Extent, ExtentSource

_MAX_MINI = 256 << 20
_MAX_NARROW = 2 << 30


class Joined(Source):
    """Sources one after the other."""

    def __init__(self, parts: Sequence[Source], path: str) -> None:
        self._parts = [part for part in parts if part.size]
        self._starts = [0, *accumulate(part.size for part in self._parts)]
        self.size, self.path = self._starts[-1], path
        holes = [one for start, part in zip(self._starts, self._parts, strict=False) for one in part.holes.shift(start)]
        self._holes = RangeSet(holes)

    @property
    def holes(self) -> RangeSet:
        return self._holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        view, end = memoryview(buffer), offset + len(buffer)
        found: list[tuple[int, int]] = []
        index = max(0, bisect_right(self._starts, offset) - 1)
        while offset < end:
            start = self._starts[index]
            take = min(end, self._starts[index + 1]) - offset
            part = view[len(view) - (end - offset) : len(view) - (end - offset) + take]
            found += [(a + start, b + start) for a, b in self._parts[index].read_into(offset - start, part)]
            offset, index = offset + take, index + 1
        return tuple(found)

    def close(self) -> None:
        return


def rebuild(document: Document) -> Source:
    """The streams of a document (whole ones and what there is of others) in a new container, version 3, or 4 above
    2 GiB. Raises ``UsageError`` when there are none."""
    streams = [one for one in document.streams if one.state not in ("lost", "crossed") or not one.size]
    if not any(one.size for one in streams):
        raise UsageError("no stream is left to be put into a new document", code="no-streams")
    total = sum(one.size for one in streams)
    size = 512 if total < _MAX_NARROW - (64 << 20) else 4096
    entries, where = _entries(document, streams)
    parts: list[Source] = []
    chains: list[list[int]] = []
    here = 0

    def lay(data: Source) -> int:
        nonlocal here
        count = -(-data.size // size)
        padding = count * size - data.size
        parts.extend([data, BytesSource(bytes(padding))])
        chains.append(list(range(here, here + count)))
        here += count
        return here - count

    mini_words: list[int] = []
    mini: list[Source] = []
    for one in streams:
        number = where[one.entry.number]
        data = _bytes_of(one, document)
        if not one.size:
            entries[number] = replace(entries[number], start=END, size=0)
        elif one.size < CUTOFF:
            count = -(-one.size // MINI_SECTOR)
            start = len(mini_words)
            entries[number] = replace(entries[number], start=start, size=one.size)
            mini_words += [*range(start + 1, start + count), END]
            mini += [data, BytesSource(bytes(count * MINI_SECTOR - one.size))]
        else:
            entries[number] = replace(entries[number], start=lay(data), size=one.size)
    root = entries[0]
    mini_start, mini_count = END, 0
    if mini:
        stream = Joined(mini, document.source.path)
        if stream.size > _MAX_MINI:
            raise UsageError("the small streams are too many for a new document", code="too-large")
        entries[0] = root = replace(root, start=lay(stream), size=stream.size)
        table = np.full(-(-len(mini_words) * 4 // size) * size // 4, FREE, "<u4")
        table[: len(mini_words)] = mini_words
        mini_count = table.nbytes // size
        mini_start = lay(BytesSource(table.tobytes()))
    else:
        entries[0] = replace(root, start=END, size=0)
    listed = b"".join(one.pack() for one in entries)
    empty = Entry(0).pack()
    listed += empty * (-(len(listed)) % size // ENTRY_SIZE)
    directory = lay(BytesSource(listed))
    per = size // 4
    fat = difat = 0
    while True:
        need = -(-(here + fat + difat) // per)
        more = max(0, -(-(need - HEADER_SLOTS) // (per - 1)))
        if need <= fat and more <= difat:
            break
        fat, difat = max(fat, need), max(difat, more)
    words = np.full(fat * per, FREE, "<u4")
    for chain in chains:
        if chain:
            first, last = chain[0], chain[-1]
            words[first:last] = np.arange(first + 1, last + 1)
            words[last] = END
    fat_list = list(range(here, here + fat))
    difat_list = list(range(here + fat, here + fat + difat))
    words[fat_list] = FAT_MARK
    words[difat_list] = DIFAT_MARK
    parts.append(BytesSource(words.tobytes()))
    for number, (_, following) in enumerate(linked(difat_list)):
        page = np.full(per, FREE, "<u4")
        part = fat_list[HEADER_SLOTS + number * (per - 1) : HEADER_SLOTS + (number + 1) * (per - 1)]
        page[: len(part)] = part
        page[per - 1] = following
        parts.append(BytesSource(page.tobytes()))
    slots = (fat_list + [FREE] * HEADER_SLOTS)[:HEADER_SLOTS]
    header = Header(
        major_version=3 if size == 512 else 4, sector_shift=9 if size == 512 else 12,
        directory_sectors=0 if size == 512 else len(listed) // size, fat_sectors=fat, directory_start=directory,
        mini_fat_start=mini_start, mini_fat_sectors=mini_count, difat_start=difat_list[0] if difat_list else END,
        difat_sectors=difat, difat=tuple(slots),
    )  # fmt: skip
    return Joined([BytesSource(header.pack().ljust(size, b"\0")), *parts], document.source.path)


def _bytes_of(stream: Stream, document: Document) -> Source:
    below = content(stream, document.source)
    if below.size >= stream.size:
        return below
    gap = Extent(document.source.size, stream.size - below.size)  # behind the end: a hole
    return Joined([below, ExtentSource(document.source, [gap])], document.source.path)


def _entries(document: Document, streams: Sequence[Stream]) -> tuple[list[Entry], dict[int, int]]:
    """Root, storages and streams with new DirIDs and new trees; and the new DirID of each old one."""
    old = document.root
    out = [Entry(0, "Root Entry", ROOT, 1, class_id=old.class_id if old is not None else bytes(16),
                 modified=old.modified if old is not None else 0)]  # fmt: skip
    folders: dict[tuple[str, ...], int] = {(): 0}
    children: dict[int, list[int]] = {}
    where: dict[int, int] = {}
    known = {one.name: one for one in document.entries if one.kind == STORAGE}

    def folder(path: tuple[str, ...]) -> int:
        if path not in folders:
            above = folder(path[:-1])
            number = len(out)
            model = known.get(path[-1])
            made = Entry(number, path[-1], STORAGE, 1)
            if model is not None:
                made = replace(made, class_id=model.class_id, created=model.created, modified=model.modified)
            out.append(made)
            children.setdefault(above, []).append(number)
            folders[path] = number
        return folders[path]

    for one in streams:
        above = folder(tuple(part for part in one.path[:-1] if part != "(orphan)"))
        number = len(out)
        taken = {out[sibling].name.upper() for sibling in children.get(above, ())}
        name, count = one.entry.name, 1
        while name.upper() in taken:
            count += 1
            name = f"{one.entry.name[:26]} {count}"
        out.append(Entry(number, name, STREAM, 1, class_id=one.entry.class_id, state=one.entry.state))
        children.setdefault(above, []).append(number)
        where[one.entry.number] = number
    for above, numbers in children.items():
        out[above] = replace(out[above], child=balanced(out, numbers))
    return out, where
