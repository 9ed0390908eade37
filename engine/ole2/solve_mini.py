"""Which sectors are the mini FAT; rebuilt from the sizes of the small streams where they are lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.ole2.fat_rows import Rows
from engine.ole2.model import Entry
from engine.ole2.pages import Flags, Pages, Words
from engine.ole2.structs import END, FREE, MAX_REGULAR, MINI_SECTOR
from engine.ole2.table import Budget, Chain, Table, chain_of

_MAX_HEADS = 256


@dataclass(frozen=True, slots=True)
class MiniSet:
    """A mini FAT: its sectors, its words, which of them are lost, how many are needed, and why it is this one."""

    sectors: tuple[int, ...]
    words: Words
    lost: Flags
    score: float
    reasons: tuple[str, ...]


def need_of(root_size: int, sector_size: int) -> int:
    """Sectors that the mini FAT of a mini stream of that size has."""
    return -(-(-(-root_size // MINI_SECTOR) * 4) // sector_size)


def solve_mini(
    pages: Pages, rows: Rows, fat: Table, entries: Sequence[Entry], claimed: Flags, hint: int | None,
    *, only: int | None = None,
) -> list[MiniSet]:  # fmt: skip
    """Mini FATs, the best first; empty when none is needed or none was found. ``claimed`` are sectors that belong to
    something else, ``hint`` is what the header says, ``only`` what a person chose."""
    small = [one for one in entries if one.small]
    root = entries[0].size if entries and not entries[0].lost else 0
    root = min(root, (pages.count + 1) * pages.sector_size)  # a size of 2^63 needs no mini FAT of 2^57 entries
    need = need_of(root, pages.sector_size) if root else 0
    if not small and not need and only is None:
        return []
    heads: dict[int, None] = {}
    if only is not None:
        heads[only] = None
    else:
        if hint is not None and hint <= MAX_REGULAR and pages.inside(hint):
            heads[hint] = None
        targets = fat.targets()
        for row in range(min(len(rows), 1 << 16)):
            sector = int(rows.sectors[row])
            taken = sector < claimed.size and bool(claimed[sector])
            followed = sector < targets.size and bool(targets[sector])
            if not rows.marks[row] and not taken and not followed:
                heads[sector] = None
    found = [_candidate(pages, rows, fat, small, need, head, claimed, hint) for head in list(heads)[:_MAX_HEADS]]
    joined = _by_vote(pages, rows, small, need, claimed) if only is None else None
    if joined is not None:
        found.append(joined)
    good = [one for one in found if one is not None and (one.score > 0 or only is not None)]
    return sorted(good, key=lambda one: -one.score)[:4]


def _candidate(
    pages: Pages, rows: Rows, fat: Table, small: Sequence[Entry], need: int, head: int, claimed: Flags, hint: int | None
) -> MiniSet | None:
    chain = fat.walk(head, Budget(len(fat) + 16)) if head < len(fat) else Chain(((head, 1),), "lost")
    if chain.stop == "free" and chain.length == 1:
        return None  # a free sector: an outdated copy
    sectors = chain.sectors(max(need, 1) * 2 + 64)
    if chain.stop == "lost" and need:
        sectors = _carry_on(rows, sectors, need, claimed)
    return _scored(pages, sectors, small, need, hint, proper=chain.stop in ("end", "lost"))


def _carry_on(rows: Rows, sectors: list[int], need: int, claimed: Flags) -> list[int]:
    """The sectors that follow a lost link: those whose votes continue the count, the next one first."""
    out = list(sectors)[:need]
    while len(out) < need:
        wanted = len(out)
        voting = [int(rows.sectors[row]) for row in np.flatnonzero(rows.votes[:, 0] == wanted)
                  if not rows.marks[row]
                  and not (rows.sectors[row] < claimed.size and claimed[rows.sectors[row]])]  # fmt: skip
        voting = [one for one in voting if one not in out]
        following = out[-1] + 1
        if rows.find(following) is not None and (not voting or following in voting):
            out.append(following)
        elif voting:
            out.append(min(voting, key=lambda s: abs(s - following)))
        else:
            break
    return out


def _by_vote(pages: Pages, rows: Rows, small: Sequence[Entry], need: int, claimed: Flags) -> MiniSet | None:
    """Where the FAT no longer links them: sector j votes for the index j."""
    out: list[int] = []
    for j in range(need):
        index = np.flatnonzero((rows.votes[:, 0] == j) & (rows.marks == 0))
        free = [int(s) for s in rows.sectors[index] if not (s < claimed.size and claimed[s]) and s not in out]
        if not free:
            return None
        out.append(min(free, key=lambda s: abs(s - (out[-1] + 1))) if out else free[0])
    return _scored(pages, out, small, need, None, proper=True) if out else None


def _scored(
    pages: Pages, sectors: list[int], small: Sequence[Entry], need: int, hint: int | None, *, proper: bool
) -> MiniSet | None:
    if not sectors:
        return None
    words, lost = pages.table(sectors)
    lost |= np.repeat(_no_table(words.reshape(-1, pages.words), len(words) + 4096), pages.words)
    table = Table(words, lost)
    exact = wrong = 0
    budget = Budget(len(table) * 2 + 4096)
    for one in small:
        chain = table.walk(one.start, budget)
        fits = chain.length == -(-one.size // MINI_SECTOR) and chain.stop == "end"
        exact, wrong = exact + fits, wrong + (not fits)
    score = 2.0 * exact - 0.5 * wrong
    reasons = [f"sector {sectors[0]}, {len(sectors)} in all: {exact} of {exact + wrong} small streams have chains that "
               "fit their sizes"]  # fmt: skip
    if len(sectors) == need:
        score += 3
        reasons.append("as long as the size of the mini stream wants it")
    if lost.all():
        score -= 3
        reasons.append("nothing of it is left")
    if not proper:
        score -= 3
        reasons.append("its chain does not end properly")
    if hint == sectors[0]:
        score += 1.5
        reasons.append("the header says so")
    return MiniSet(tuple(sectors), words, lost, score, tuple(reasons))


def _no_table(rows: Words, limit: int) -> Flags:
    """Which sectors hold no mini FAT: nothing but zeros, marks of the FAT, numbers beyond it, or one number twice."""
    bad = ~rows.any(axis=1) | ((rows > np.uint32(limit)) & (rows < np.uint32(END))).any(axis=1)
    ordered = np.sort(rows, axis=1)
    twice: Flags = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] <= MAX_REGULAR)).any(axis=1)
    found: Flags = bad | twice
    return found


def rebuild_mini(entries: Sequence[Entry], root_size: int, words: Words, lost: Flags) -> tuple[Words, int]:
    """Refill the lost links from starts and sizes, as runs; returns the words and how many were put in.

    A link that is known stays. A run steps over the beginnings of other streams and over what others link to.
    """
    out = words.copy()
    gone = lost.copy()
    used = -(-root_size // MINI_SECTOR)
    small = sorted((one for one in entries if one.small), key=lambda one: -one.start)
    starts = {one.start for one in small}
    known = out[~gone]
    taken = set(known[known <= MAX_REGULAR].tolist()) | starts
    put = int(gone.sum())
    out[gone] = FREE
    for one in small:
        here, left = one.start, -(-one.size // MINI_SECTOR)
        steps = 0
        while here < out.size and left > 0 and steps <= out.size:
            steps += 1
            left -= 1
            if not gone[here]:
                here = int(out[here])
                continue
            if not left:
                out[here] = END
                break
            following = here + 1
            while following < out.size and following in taken and following < used:
                following += 1
            if following >= out.size:
                out[here] = END
                break
            taken.add(following)
            out[here] = following
            gone[here] = False
            here = following
    return out, put


def mini_chain(sectors: Sequence[int]) -> Chain:
    """The mini FAT's sectors as a chain."""
    return chain_of(list(sectors))
