"""Where the directory begins, and how it goes on.

The first root entry in a file is often not the right one: copy-on-write saving leaves outdated ones in free sectors.
Each candidate is scored by what the FAT and the streams say of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import Problem
from engine.ole2 import evidence as ev
from engine.ole2.directory import parse_entries, walk_tree
from engine.ole2.evidence import Evidence
from engine.ole2.model import Entry
from engine.ole2.pages import Pages
from engine.ole2.structs import CUTOFF, ENTRY_SIZE, FREE, MAX_REGULAR, NO_ENTRY, ROOT, STREAM
from engine.ole2.table import Budget, Chain, Table, chain_of

_MAX_HEADS = 48
_MAX_BACK = 1 << 16
_SCORED_STREAMS = 400
ENTRIES_KEPT = 1 << 20


@dataclass(frozen=True, slots=True)
class DirectorySet:
    """A directory: its sectors, its entries (lost ones included), how credible it is and why."""

    chain: Chain
    entries: tuple[Entry, ...]
    score: float
    reasons: tuple[str, ...]
    explained: float
    """Share of the sectors in use that its streams and the tables explain."""


def solve_directory(
    pages: Pages, evidence: Evidence, fat: Table, tables: set[int], hint: int | None, *, only: int | None = None
) -> list[DirectorySet]:
    """Directories, the best first; ``tables`` are FAT and DIFAT sectors, ``hint`` what the header says, ``only`` the
    start that a person chose."""
    rows = directory_sectors(pages, evidence)
    heads: dict[int, None] = {}
    if only is not None:
        heads[only] = None
    else:
        if hint is not None and pages.inside(hint):
            heads[hint] = None
        roots = {pages.number(int(at)) for at in evidence.root_at[:4096]}
        for sector in sorted(one for one in roots if one is not None):
            heads[sector] = None
        before = _predecessors(fat)
        for sector in sorted(rows)[:2048]:
            heads[_head(sector, before)] = None
            if len(heads) >= 4 * _MAX_HEADS:
                break
    found = []
    targets = fat.targets()
    for head in list(heads)[: 4 * _MAX_HEADS]:
        one = _candidate(pages, evidence, fat, tables, head, rows, targets, hint)
        if one is not None:
            found.append(one)
    found.sort(key=lambda one: -one.score)
    return found[:8]


def directory_sectors(pages: Pages, evidence: Evidence) -> set[int]:
    """Sectors whose every row looks like directory entries."""
    if pages.sector_size == ev.ROW:
        distance = evidence.directory_at - pages.base
        return set((distance[(distance % ev.ROW == 0) & (distance >= ev.ROW)] // ev.ROW - 1).tolist())
    found = set()
    distance = evidence.directory_at - pages.base
    for sector in np.unique(distance[distance >= pages.sector_size] // pages.sector_size - 1).tolist():
        data, _ = pages.read(sector)
        parts = parse_entries(data, (), 0, wide=True)
        if any(one.used for one in parts) and not any(one.lost for one in parts):
            found.add(sector)
    return found


def _predecessors(fat: Table) -> np.ndarray:
    before = np.full(len(fat), -1, np.int64)
    index = np.flatnonzero((fat.words < len(fat)) & ~fat.lost)
    before[fat.words[index]] = index
    return before


def _head(sector: int, before: np.ndarray) -> int:
    steps, here = 0, sector
    while here < before.size and before[here] >= 0 and steps < _MAX_BACK:
        here = int(before[here])
        steps += 1
        if here == sector:
            return sector
    return here


def extend(pages: Pages, fat: Table, chain: Chain, rows: set[int], need: int) -> Chain:
    """A chain whose links are lost, carried on by directory rows (the nearest first) until ``need`` sectors or none
    is left."""
    sectors = chain.sectors(pages.count)
    seen = set(sectors)
    targets = fat.targets()
    while len(sectors) < need:
        free = [s for s in rows if s not in seen and (s >= len(fat) or not targets[s])]
        if not free:
            break
        last = sectors[-1]
        following = min(free, key=lambda s: (s < last, abs(s - last)))
        seen.add(following)
        sectors.append(following)
        rest = fat.walk(following, Budget(len(fat)))
        for sector in rest.sectors(pages.count)[1:]:
            if sector in seen:
                break
            seen.add(sector)
            sectors.append(sector)
    return chain_of(sectors)


def _candidate(
    pages: Pages, evidence: Evidence, fat: Table, tables: set[int], head: int, rows: set[int],
    targets: np.ndarray, hint: int | None,
) -> DirectorySet | None:  # fmt: skip
    if not pages.inside(head) or head in tables:
        return None
    reasons: list[str] = []
    score = 0.0
    chain = fat.walk(head, Budget(len(fat) + 16)) if head < len(fat) else Chain(((head, 1),), "lost")
    if chain.stop == "free" and chain.length == 1 and not fat.lost[head]:
        score -= 6
        reasons.append("the FAT calls its first sector free")
    elif chain.stop not in ("end", "lost"):
        score -= 5
        reasons.append(f"its chain does not end properly: {chain.stop}")
    chain = chain.cut(ENTRIES_KEPT * ENTRY_SIZE // pages.sector_size)
    if chain.stop == "lost":
        chain = _until_closed(pages, fat, chain, rows)
        reasons.append("links of its chain are lost: carried on by the directory sectors themselves")
    entries = load_entries(pages, chain)
    if not any(one.used for one in entries):
        return None
    if entries[0].kind == ROOT:
        score += 6
    elif entries[0].used:
        score -= 8
        reasons.append("its first entry is no root")
    kinds = {"entries": 0, "empty": 0, "other": 0}
    per = pages.sector_size // ENTRY_SIZE
    for number in range(0, len(entries), per):
        part = entries[number : number + per]
        kinds["other" if any(e.lost for e in part) else "entries" if any(e.used for e in part) else "empty"] += 1
    score += min(kinds["entries"], 40) - kinds["empty"] * 0.25 - 2 * min(kinds["other"], 40)
    if head < targets.size and targets[head]:
        score -= 4
        reasons.append("another sector leads to its first one")
    if hint == head:
        score += 3
        reasons.append("the header says so")
    bonus, share, words = _streams(pages, fat, tables, chain, entries)
    score += bonus + 10 * share
    reasons += words
    problems: list[Problem] = []
    walk_tree(entries, problems)
    score += max(0.0, 6 - len(problems))
    reasons.insert(0, f"sector {head}: {sum(one.used for one in entries)} entries in {chain.length} sectors")
    if problems:
        reasons.append(f"{len(problems)} links of its tree lead nowhere or cross")
    reasons += _payload(evidence, pages, fat, entries)
    score -= 3 * sum(reason.startswith("older:") for reason in reasons)
    return DirectorySet(chain, entries, score, tuple(reasons), share)


def _until_closed(pages: Pages, fat: Table, chain: Chain, rows: set[int]) -> Chain:
    """Directory rows are joined until every DirID that is referred to exists."""
    per = pages.sector_size // ENTRY_SIZE
    for _ in range(64):
        entries = load_entries(pages, chain)
        links = [link for one in entries if one.used for link in (one.left, one.right, one.child) if link != NO_ENTRY]
        need = -(-(max(links, default=0) + 1) // per)
        if need <= chain.length:
            return Chain(chain.runs, "end")
        longer = extend(pages, fat, chain, rows, min(need, chain.length + len(rows)))
        if longer.length <= chain.length:
            return Chain(chain.runs, "lost")
        chain = longer
    return chain


def load_entries(pages: Pages, chain: Chain) -> tuple[Entry, ...]:
    """The entries along a chain, destroyed and unread ones as lost."""
    out: list[Entry] = []
    for sector in chain.sectors(pages.count + 1):
        if not pages.inside(sector):
            out += [Entry(len(out) + i, lost=True) for i in range(pages.sector_size // ENTRY_SIZE)]
            continue
        data, holes = pages.read(sector)
        out += parse_entries(data, holes, len(out), wide=pages.sector_size == 4096)
    return tuple(out)


def _streams(
    pages: Pages, fat: Table, tables: set[int], chain: Chain, entries: Sequence[Entry]
) -> tuple[float, float, list[str]]:
    """Score of the large streams' chains and the share of sectors explained."""
    claimed = np.zeros(len(fat), bool)
    used = fat.words != FREE
    listed = np.array([s for s in tables if s < len(fat)], np.int64)
    claimed[listed] = True
    for first, count in chain.runs:
        claimed[first : first + count] = True
    exact = wrong = 0
    budget = Budget(len(fat) * 2 + 4096)
    for one in entries:
        large = (one.kind == STREAM and one.size >= CUTOFF) or (one.kind == ROOT and one.size > 0)
        if not large or one.start > MAX_REGULAR:
            continue
        walked = fat.walk(one.start, budget)
        need = -(-one.size // pages.sector_size)
        fits = walked.length == need or (walked.stop == "lost" and walked.length <= need)
        crossed = any(bool(claimed[first : first + count].any()) for first, count in walked.runs[:64])
        if fits and not crossed and walked.stop in ("end", "lost"):
            exact += 1
        else:
            wrong += 1
        for first, count in walked.runs:
            claimed[first : first + count] = True
    inside = min(pages.count, len(fat))
    total = int(used[:inside].sum())
    share = float((claimed & used)[:inside].sum()) / total if total else 0.0
    bonus = 2.0 * (min(exact, _SCORED_STREAMS) - min(wrong, _SCORED_STREAMS))
    words = [f"{exact} of {exact + wrong} large streams have chains that fit their sizes"] if exact + wrong else []
    return bonus, share, words


def _payload(evidence: Evidence, pages: Pages, fat: Table, entries: Sequence[Entry]) -> list[str]:
    """Whether a stream runs over sectors that are directory roots now: then this state is an older one."""
    roots = sorted({n for n in (pages.number(int(at)) for at in evidence.root_at[:64]) if n is not None})
    found: list[str] = []
    if not roots:
        return found
    budget = Budget(len(fat) + 4096)
    for one in entries:
        if one.kind == STREAM and one.size >= CUTOFF and one.start <= MAX_REGULAR:
            for first, count in fat.walk(one.start, budget).runs:
                if any(first <= root < first + count and not fat.lost[root] and (fat.words[root] != FREE)
                       for root in roots if root < len(fat)):  # fmt: skip
                    found.append("older: a stream runs over a sector that is a directory's first one")
                    break
        if len(found) >= 3:
            break
    return found
