"""The streams of a document: where their bytes lie, and how much of each there is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from engine.ole2.model import Entry, Stream
from engine.ole2.pages import Pages
from engine.ole2.structs import CUTOFF, MINI_SECTOR, STREAM
from engine.ole2.table import Budget, Chain, Table
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.extents import Extent, ExtentSource

Extents = tuple[tuple[int | None, int], ...]


def content(stream: Stream, source: Source) -> Source:
    """The bytes of a stream; what is not there is a hole."""
    return ExtentSource(
        source, [Extent(source.size if start is None else start, size) for start, size in stream.extents]
    )


class MiniStream:
    """Where the bytes of the mini stream lie."""

    def __init__(self, pages: Pages, chain: Chain, size: int) -> None:
        self.size = min(size, chain.length * pages.sector_size)
        self._runs = [(pages.offset(first), count * pages.sector_size) for first, count in chain.runs]
        self._starts = [0, *accumulate(length for _, length in self._runs)][:-1]

    def place(self, position: int, size: int) -> list[tuple[int | None, int]]:
        """Extents of ``size`` bytes from ``position`` of the mini stream on."""
        out: list[tuple[int | None, int]] = []
        while size > 0:
            index = bisect_right(self._starts, position) - 1
            if index < 0 or position >= self.size or position >= self._starts[index] + self._runs[index][1]:
                out.append((None, size))
                break
            start, length = self._runs[index]
            inside = position - self._starts[index]
            take = min(size, length - inside, self.size - position)
            out.append((start + inside, take))
            position, size = position + take, size - take
        return out


def stream_extents(pages: Pages, chain: Chain, size: int, mini: MiniStream | None) -> Extents:
    """``size`` bytes along a chain; what the chain does not cover has no place."""
    unit = pages.sector_size if mini is None else MINI_SECTOR
    out: list[tuple[int | None, int]] = []
    left = size
    for first, count in chain.runs:
        if left <= 0:
            break
        take = min(left, count * unit)
        out += [(pages.offset(first), take)] if mini is None else mini.place(first * MINI_SECTOR, take)
        left -= take
    if left > 0:
        out.append((None, left))
    return tuple(out)


def missing_bytes(extents: Extents, size: int, holes: RangeSet) -> tuple[int, int]:
    """Bytes of the extents with no place in a source of ``size`` bytes, and bytes of them in its holes."""
    gone = holed = 0
    for start, length in extents:
        if start is None:
            gone += length
            continue
        behind = max(0, start + length - max(start, size))
        gone += behind
        if holes and length > behind:
            holed += holes.clip(start, start + length - behind).total
    return gone, holed


def read_streams(
    pages: Pages,
    fat: Table,
    mini: Table,
    mini_chain: Chain,
    entries: Sequence[Entry],
    paths: Mapping[int, tuple[str, ...]],
    budget: Budget,
    mini_size: int,
    structures: Mapping[str, Chain],
) -> tuple[Stream, ...]:
    """Every stream that the directory names, in the order of ``paths``."""
    source, holes = pages.source, pages.source.holes
    place = MiniStream(pages, mini_chain, mini_size)
    owner = Owners(len(fat)), Owners(len(mini))
    for chain in structures.values():
        owner[0].claim(chain, -1)
    drafts: list[tuple[Entry, tuple[str, ...], Chain, bool]] = []
    for number, path in paths.items():
        one = entries[number]
        if one.kind != STREAM:
            continue
        small = 0 < one.size < CUTOFF
        chain = Chain() if not one.size else (mini if small else fat).walk(one.start, budget)
        drafts.append((one, path, chain, small))
        owner[small].claim(chain, number)
    out = []
    for one, path, chain, small in drafts:
        unit = MINI_SECTOR if small else pages.sector_size
        need = -(-one.size // unit)
        limit = max(
            0, min(one.size, (pages.count + 2) * pages.sector_size)
        )  # a size of 2^63 is only told, never laid out
        extents = stream_extents(pages, chain, limit, place if small else None)
        gone, holed = missing_bytes(extents, source.size, holes)
        gone += one.size - limit
        crossed = is_crossed(owner[small], chain)
        state = (
            "whole" if not gone and not holed and not crossed else "crossed" if crossed
            else "lost" if gone + holed >= one.size else "cut" if gone else "holed"
        )  # fmt: skip
        guess = (
            ""
            if chain.length == need or not one.size
            else (f"the chain has {chain.length} sectors, the size needs {need}")
        )
        if one.size and chain.stop not in ("end", "none") and not guess:
            guess = f"the chain does not end properly: {chain.stop}"
        out.append(Stream(one, path, chain, small, one.size, extents, gone + holed, state, guess))
    return tuple(out)


class Owners:
    """Which stream holds each sector; what two claim is remembered as crossed. Bounded: what is claimed in all may be
    four times the table."""

    def __init__(self, size: int) -> None:
        self.of = np.zeros(size, np.int32)
        self.crossed = np.zeros(size, bool)
        self._left = 4 * size + 1024

    def claim(self, chain: Chain, number: int) -> None:
        """Note that the chain belongs to the entry ``number`` (below 0: a structure)."""
        for first, count in chain.runs:
            end = min(first + count, self.of.size)
            if first >= end or self._left <= 0:
                continue
            self._left -= end - first
            part = self.of[first:end]
            self.crossed[first:end] |= part != 0
            part[part == 0] = number


def is_crossed(owners: Owners, chain: Chain) -> bool:
    """Whether the chain shares a sector with something else."""
    return any(bool(owners.crossed[first : first + count].any()) for first, count in chain.runs)
