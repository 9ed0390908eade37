"""Which sectors are the FAT, and in what order.

Every row votes for its index; a FAT marks its own sectors, so the chosen rows and the sectors they mark must be the
same set. Only indexes that more than one row votes for are searched. Older copies that copy-on-write saving left
behind form complete sets of their own: generations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.ole2.fat_rows import Rows
from engine.ole2.pages import Pages
from engine.ole2.structs import DIFAT_MARK, FAT_MARK, FREE, MAX_REGULAR
from engine.ole2.table import repeated

UNKNOWN = -1
_MAX_CANDIDATES = 16
_MAX_GENERATIONS = 6
_NEAR = 6.0


@dataclass(frozen=True, slots=True)
class FatSet:
    """A FAT as far as it could be found: ``sectors`` by index, -1 where none is known; ``damaged`` are indexes whose
    sector is known but holds no table. ``origin`` is ``search``, ``header`` or ``hand``."""

    sectors: tuple[int, ...]
    damaged: frozenset[int]
    score: float
    origin: str
    reasons: tuple[str, ...]

    @property
    def lost(self) -> tuple[int, ...]:
        """Indexes with nothing to read."""
        return tuple(k for k, sector in enumerate(self.sectors) if sector < 0 or k in self.damaged)


def solve_fat(pages: Pages, rows: Rows, header_list: Sequence[int] | None = None) -> list[FatSet]:
    """Sets of FAT sectors, the best first; ``header_list`` is what the header says, when it says something."""
    search = _Search(pages, rows)
    found = [search.finish(chosen, "search") for chosen in search.generations()]
    if header_list:
        chosen, damaged = {}, set()
        for k, sector in enumerate(header_list):
            row = rows.find(sector) if sector <= MAX_REGULAR else None
            if row is not None and search.may_be(row, k):
                chosen[k] = row
            else:
                damaged.add(k)
        if chosen or pages.count <= len(header_list) * pages.words:
            found = [_with_places(one, header_list, pages) for one in found]
            found.append(search.listed(chosen, header_list, damaged))
    complete = any(not one.lost and one.origin == "search" for one in found)
    if complete:
        found = [one for one in found if one.origin == "search" or len(one.lost) * 2 <= len(one.sectors)]
    unique: dict[tuple[int, ...], FatSet] = {}
    for one in sorted(found, key=lambda one: (-one.score, one.origin != "header")):
        unique.setdefault(one.sectors, one)
    ordered = list(unique.values())
    return [one for one in ordered if one.score >= ordered[0].score - _NEAR or one.origin == "header"][
        :_MAX_GENERATIONS
    ]


def _with_places(one: FatSet, listed: Sequence[int], pages: Pages) -> FatSet:
    """Places of lost rows taken from the header's list, where that agrees with most of what was found."""
    known = {k: sector for k, sector in enumerate(one.sectors) if k not in one.damaged and sector >= 0}
    same = sum(k < len(listed) and listed[k] == sector for k, sector in known.items())
    if same * 2 < len(known) or not one.lost:
        return one
    sectors, damaged = list(one.sectors), set(one.damaged)
    sectors += [UNKNOWN] * (len(listed) - len(sectors) if same * 10 >= 9 * len(known) else 0)
    taken = set(known.values())
    for k, sector in enumerate(sectors):
        if k in known or k >= len(listed):
            continue
        if pages.inside(listed[k]) and listed[k] not in taken:
            sectors[k] = listed[k]
            damaged.add(k)
        elif sector < 0:
            damaged.discard(k)
    damaged |= {k for k in range(len(one.sectors), len(sectors)) if sectors[k] >= 0}
    return FatSet(tuple(sectors), frozenset(damaged), one.score, one.origin, one.reasons)


class _Search:
    def __init__(self, pages: Pages, rows: Rows) -> None:
        self.pages, self.rows, self.per = pages, rows, pages.words
        self.candidates: dict[int, list[int]] = defaultdict(list)
        self._support: dict[tuple[int, int], int] = {}
        self.full: list[int] = np.flatnonzero(rows.marks == self.per).tolist()
        top = max(16 * pages.count, pages.count + self.per) // self.per + 1
        for column in (0, 1):
            for row in np.flatnonzero(rows.votes[:, column] >= 0).tolist():
                k, support = int(rows.votes[row, column]), int(rows.support[row, column])
                if k <= top and (column == 0 or support * 3 >= int(rows.support[row, 0])):
                    self._add(row, k, support)
        self._place_unvoted()
        amount = np.bincount(rows.sectors // self.per) if len(rows) else np.zeros(0, np.int64)
        crowded = np.flatnonzero(amount * 4 >= self.per * 3).tolist() if self.full else []
        self.full_at = set(crowded[: len(self.full)])
        """Indexes at which a row of nothing but marks must stand: their range is crowded with tables."""
        self.any_marks = bool((rows.marks > 0).any())
        self._marked = self._marks_of_all()
        self._thin()

    def _add(self, row: int, k: int, support: int) -> None:
        self.candidates[k].append(row)
        self._support[row, k] = support

    def _place_unvoted(self) -> None:
        """Rows with marks but no vote: the index at which their marks fall on table rows and their free entries do
        not."""
        rows, per = self.rows, self.per
        lonely = np.flatnonzero((rows.votes[:, 0] < 0) & (rows.marks < per))
        marked = (rows.words[lonely] == FAT_MARK) | (rows.words[lonely] == DIFAT_MARK)
        lonely = lonely[marked.any(axis=1)][:1024]
        if not lonely.size:
            return
        top = int(rows.sectors[-1]) // per + 2
        is_table = np.zeros(top * per, bool)
        is_table[rows.sectors] = True
        grid = is_table.reshape(top, per)
        for row in lonely.tolist():
            words = rows.words[row]
            marks, free = (words == FAT_MARK) | (words == DIFAT_MARK), words == FREE
            amount = grid[:, marks].sum(axis=1).astype(np.int64) - grid[:, free].sum(axis=1)
            for k in np.argsort(-amount, kind="stable")[:2].tolist():
                if amount[k] * 2 >= int(marks.sum()):
                    self._add(row, k, int(amount[k]))

    def _marks_of_all(self) -> set[int]:
        """Sectors that some candidate row marks."""
        found: set[int] = set()
        for k, rows in self.candidates.items():
            for row in rows[:_MAX_CANDIDATES]:
                if self.rows.marks[row]:
                    found.update(self.rows.marked_by(row, k).tolist())
        return found

    def may_be(self, row: int, k: int) -> bool:
        """Whether nothing speaks against a row at an index of the FAT."""
        votes = self.rows.votes[row]
        return int(votes[0]) < 0 or k in (int(votes[0]), int(votes[1]))

    def _standing(self, row: int, k: int) -> int:
        """2 confirmed by a mark, 1 nobody can tell, 0 refuted."""
        sector = int(self.rows.sectors[row])
        if sector in self._marked:
            return 2
        cover = sector // self.per
        if cover in self.full_at:
            return 2
        if cover == k or cover in self.candidates:
            return 0 if self.any_marks else 1
        return 1

    def _thin(self) -> None:
        """Per index only rows of the best standing, the best supported ones; refuted ones go altogether."""
        kept: dict[int, list[int]] = {}
        for k, rows in self.candidates.items():
            if k in self.full_at:
                continue
            standing = {row: self._standing(row, k) for row in rows}
            best = max(standing.values())
            if best == 0:
                continue
            good = sorted((row for row in rows if standing[row] == best), key=lambda row: -self._support[row, k])
            kept[k] = good[:_MAX_CANDIDATES]
        self.candidates = defaultdict(list, kept)

    def generations(self) -> list[dict[int, int]]:
        """Row by index, one for each self-consistent set."""
        sure = {k: rows[0] for k, rows in self.candidates.items() if len(rows) == 1}
        unsure = sorted(k for k, rows in self.candidates.items() if len(rows) > 1)
        if not unsure:
            return [self._fill_full(sure)]
        out: list[dict[int, int]] = []
        seen: set[tuple[tuple[int, int], ...]] = set()
        for k in unsure[:4]:
            for row in self.candidates[k]:
                made = self._fill_full(self._close({k: row}, sure))
                shape = tuple(sorted(made.items()))
                if shape not in seen:
                    seen.add(shape)
                    out.append(made)
        return out

    def _close(self, start: Mapping[int, int], sure: Mapping[int, int]) -> dict[int, int]:
        """Follow marks from the chosen rows to the rows that stand in the marked sectors."""
        chosen, used = dict(start), set(start.values())
        index_of: dict[int, list[int]] = defaultdict(list)
        for k, rows in self.candidates.items():
            for row in rows:
                index_of[row].append(k)

        def spread(first: list[tuple[int, int]]) -> None:
            waiting = first
            while waiting:
                k, row = waiting.pop()
                for sector in self.rows.marked_by(row, k).tolist():
                    other = self.rows.find(sector)
                    if other is None or other in used:
                        continue
                    for place in index_of.get(other, ()):
                        if place not in chosen:
                            chosen[place] = other
                            used.add(other)
                            waiting.append((place, other))
                            break

        spread(list(chosen.items()))
        fresh = [(k, row) for k, row in sure.items() if k not in chosen and row not in used]
        chosen.update(fresh)
        used.update(row for _, row in fresh)
        spread(fresh)
        for k in sorted(self.candidates):
            if k not in chosen:
                marks = (
                    {int(s) for c, r in chosen.items() for s in self.rows.marked_by(r, c).tolist()}
                    if (len(chosen) < 64)
                    else self._marked
                )
                free = [row for row in self.candidates[k] if row not in used]
                free.sort(key=lambda row: (int(self.rows.sectors[row]) not in marks, -self._support[row, k]))
                if free:
                    chosen[k] = free[0]
                    used.add(free[0])
        return chosen

    def _fill_full(self, chosen: Mapping[int, int]) -> dict[int, int]:
        """Rows of marks alone are alike: they take the indexes that are left, where table rows stand."""
        out, used = dict(chosen), set(chosen.values())
        spare = [row for row in self.full if row not in used]
        top = max(out, default=-1) + 1
        table = set(self.rows.sectors.tolist()) if spare else set()
        for k in range(max(top, len(spare) + len(out))):
            if not spare:
                break
            if k in out:
                continue
            first = k * self.per
            if sum(sector in table for sector in range(first, first + self.per)) * 4 >= self.per * 3:
                out[k] = spare.pop(0)
        return out

    def listed(self, chosen: Mapping[int, int], listed: Sequence[int], damaged: set[int]) -> FatSet:
        """The header's own list as a set."""
        score, reasons = self._score(chosen)
        sectors = tuple(sector if self.pages.inside(sector) else UNKNOWN for sector in listed)
        bad = len(damaged)
        score -= 1.5 * bad - 0.5
        words = (f"the header lists {len(listed)} FAT sectors, {len(listed) - bad} of them hold a table", *reasons)
        return FatSet(sectors, frozenset(damaged), score, "header", words)

    def finish(self, chosen: Mapping[int, int], origin: str) -> FatSet:
        """How many FAT sectors there must be, and places for those without a row."""
        score, reasons = self._score(chosen)
        rows, per = self.rows, self.per
        marks = self._marks(chosen)
        top = max(chosen, default=-1) + 1
        count = top
        places = set(rows.sectors[list(chosen.values())].tolist())
        spare = sorted(marks - places)
        gaps = top - len(chosen)
        if chosen and len(spare) > gaps and len(spare) <= gaps + max(1, len(chosen)):
            count = top + len(spare) - gaps
        if chosen:
            last = rows.words[chosen[max(chosen)]]
            targets = [int(value) for row in chosen.values() for value in _largest(rows.words[row])]
            beyond = [value for value in targets if top * per <= value < self.pages.count]
            if beyond:
                count = max(count, max(beyond) // per + 1)
            if int(last[-1]) != FREE and self.pages.count > top * per and max(chosen) == top - 1:
                count = max(count, top + 1)
            count = min(count, max(top, -(-max(self.pages.count, max(marks, default=0) + 1) // per)))
        sectors, damaged = [UNKNOWN] * count, set[int]()
        for k, row in chosen.items():
            sectors[k] = int(rows.sectors[row])
        together = sorted(places | set(spare))
        in_row = bool(together) and together == list(range(together[0], together[-1] + 1))
        for k in range(count):
            if sectors[k] == UNKNOWN and spare:
                own = [place for place in spare if place // per == k]
                sectors[k] = spare[0] if in_row or len(own) != 1 else own[0]
                spare.remove(sectors[k])
                damaged.add(k)
        lost = sum(sector == UNKNOWN for sector in sectors) + len(damaged)
        words = [f"{len(chosen)} FAT sectors found by the index each votes for", *reasons]
        if lost:
            words.append(
                f"{lost} FAT sectors hold no table any more; {len(damaged)} of their places are known by marks"
            )
        return FatSet(tuple(sectors), frozenset(damaged), score, origin, tuple(words))

    def _marks(self, chosen: Mapping[int, int]) -> set[int]:
        found: set[int] = set()
        for k, row in chosen.items():
            if self.rows.marks[row]:
                found.update(self.rows.marked_by(row, k).tolist())
        return found

    def _score(self, chosen: Mapping[int, int]) -> tuple[float, tuple[str, ...]]:
        rows, per = self.rows, self.per
        places = {int(rows.sectors[row]) for row in chosen.values()}
        marks = self._marks(chosen)
        confirmed = len(places & marks)
        refuted = sum(place not in marks and place // per in chosen for place in places) if self.any_marks else 0
        extra = len(marks - places)
        twice = beyond = 0
        votes = 0.0
        if chosen:
            listed = rows.words[list(chosen.values())]
            regular = listed[listed <= MAX_REGULAR]
            twice = repeated(regular)
            beyond = int((regular >= self.pages.count).sum())
            votes = sum(self._support.get((row, k), per) for k, row in chosen.items()) / per
        score = 2 * confirmed - 3 * refuted - 2 * extra - 0.3 * min(twice, 1000) - 0.05 * min(beyond, 2000) + 2 * votes
        reasons = [f"{confirmed} of {len(places)} are marked as FAT by the FAT itself"]
        reasons += [f"{refuted} are not marked where they should be"] if refuted else []
        reasons += [f"{extra} marked sectors hold no row of it"] if extra else []
        reasons += [f"{twice} sectors follow two others"] if twice else []
        return score, tuple(reasons)


def _largest(words: np.ndarray) -> list[int]:
    regular = words[words <= MAX_REGULAR]
    return [int(regular.max())] if regular.size else []
