"""Chains that no directory entry names: recognised by what they begin with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ole2.draft import Draft
from engine.ole2.kinds import Recognised, recognise
from engine.ole2.pages import Flags
from engine.ole2.places import blank
from engine.ole2.streams import MiniStream
from engine.ole2.structs import CUTOFF, END, FREE, MAX_REGULAR, MINI_SECTOR
from engine.ole2.table import Budget, Chain, Table

_MAX_ORPHANS = 4096
_MAX_LOOK = 48 << 20
_ALL_LOOK = 128 << 20


@dataclass(frozen=True, slots=True)
class Orphan:
    """A chain without a name. ``size`` in bytes, ``exact`` when the content tells it; ``known`` when it was recognised
    by
    its first bytes; ``blank``: it holds nothing but zeros or bytes that nobody has read."""

    chain: Chain
    mini: bool
    name: str
    size: int
    exact: bool
    known: bool
    blank: bool
    table: bool = False


def large_orphans(draft: Draft) -> list[Orphan]:
    """Chains of the FAT that belong to nothing, in the order of their beginnings."""
    fat, pages = draft.fat, draft.pages
    claimed = draft.claimed()
    budget = Budget(4 * len(fat) + 4096)
    out: list[Orphan] = _laid_out(draft, claimed)
    looked = 0
    for head in fat.heads():
        if claimed[head] or fat.lost[head] or head >= pages.count or len(out) >= _MAX_ORPHANS:
            continue
        chain = fat.walk(head, budget)
        if chain.stop not in ("end", "lost") or _range_lock(draft, chain):
            continue
        room = min(_MAX_LOOK, max(4096, _ALL_LOOK - looked))
        data = _bytes_of(draft, chain, room)
        looked += len(data)
        empty = all(blank(draft, sector) for sector in chain.sectors(16)) and not any(data)
        out.append(
            _named(chain, data, pages.sector_size, mini=False, empty=empty, table=draft.rows.find(head) is not None)
        )
    return out


def _laid_out(draft: Draft, claimed: Flags) -> list[Orphan]:
    """Where no FAT is left: streams by their first bytes, taken to lie in one piece up to the next one."""
    pages = draft.pages
    size = pages.sector_size
    heads = sorted({
        sector for sector in (pages.number(int(at)) for at in draft.evidence.head_at[:_MAX_ORPHANS])
        if sector is not None and sector < draft.lost.size and draft.lost[sector] and not claimed[sector]
    })  # fmt: skip
    out = []
    for number, head in enumerate(heads):
        end = min([pages.count, draft.words.size, *heads[number + 1 : number + 2]])
        barred = claimed[head:end] | ~draft.lost[head:end]
        count = int(np.argmax(barred)) if barred.any() else end - head
        data = pages.source.read(pages.offset(head), min(count * size, _MAX_LOOK)).data
        known = recognise(data)
        if known is None or not known.sure or known.name.startswith("\x01"):
            continue
        exact = known.size is not None and CUTOFF <= known.size <= count * size
        length = known.size if exact and known.size is not None else count * size
        if length < CUTOFF:
            continue
        chain = Chain(((head, -(-length // size)),), "end")
        out.append(Orphan(chain, False, known.name, length, exact, True, False))
    return out


def small_orphans(draft: Draft, place: MiniStream, entries_small: list[tuple[int, int]]) -> list[Orphan]:
    """Chains of the mini FAT that no entry (start, size) names."""
    table = Table(draft.mini, draft.mini_lost)
    claimed = np.zeros(len(table), bool)
    budget = Budget(4 * len(table) + 4096)
    for start, _ in entries_small:
        for first, count in table.walk(start, budget).runs:
            claimed[first : first + count] = True
    out: list[Orphan] = []
    for head in table.heads():
        if claimed[head] or table.lost[head] or head * MINI_SECTOR >= place.size or len(out) >= _MAX_ORPHANS:
            continue
        chain = table.walk(head, budget)
        if chain.stop != "end":
            continue
        data = b"".join(
            _extent_bytes(draft, start, size)
            for first, count in chain.runs
            for start, size in place.place(first * MINI_SECTOR, count * MINI_SECTOR)
        )
        out.append(_named(chain, data, MINI_SECTOR, mini=True, empty=not any(data), table=False))
    return out


def _named(chain: Chain, data: bytes, unit: int, *, mini: bool, empty: bool, table: bool) -> Orphan:
    known: Recognised | None = recognise(data)
    full = chain.length * unit
    low = full - unit
    size, exact = full, False
    if known is not None and known.size is not None and low < known.size <= full:
        size, exact = known.size, True
    if not mini:
        size = max(size, CUTOFF)  # smaller ones would be looked for in the mini stream
    return Orphan(chain, mini, known.name if known is not None else "", size, exact, known is not None, empty, table)


def _bytes_of(draft: Draft, chain: Chain, limit: int) -> bytes:
    head = _sectors_bytes(draft, chain, 4096)
    known = recognise(head)
    if known is None or known.name not in ("Workbook", "Book", "PowerPoint Document"):
        return _sectors_bytes(draft, chain, 1 << 16) if known is not None else head
    return _sectors_bytes(draft, chain, limit)


def _sectors_bytes(draft: Draft, chain: Chain, limit: int) -> bytes:
    parts, size = [], draft.pages.sector_size
    for first, count in chain.runs:
        take = min(count * size, limit)
        if take <= 0:
            break
        parts.append(draft.pages.source.read(draft.pages.offset(first), take).data)
        limit -= take
    return b"".join(parts)


def _extent_bytes(draft: Draft, start: int | None, size: int) -> bytes:
    return draft.pages.source.read(start, size).data if start is not None else b""


def _range_lock(draft: Draft, chain: Chain) -> bool:
    """The one sector around the 2 GiB border that belongs to nothing in files of 4096-byte sectors."""
    return draft.pages.sector_size == 4096 and chain.runs == ((0x7FFFE, 1),)


def last_used(draft: Draft) -> int:
    """Mini sectors up to the last one that the mini FAT does not call free."""
    used = np.flatnonzero(((draft.mini <= MAX_REGULAR) | (draft.mini == END)) & ~draft.mini_lost)
    return int(used[-1]) + 1 if used.size else 0


__all__ = ["FREE", "Orphan", "large_orphans", "last_used", "small_orphans"]
