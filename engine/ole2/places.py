"""Places for tables that are gone: by marks, by content, by the regular distance of their neighbours; else new
sectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.ole2 import evidence as ev
from engine.ole2.draft import Draft
from engine.ole2.pages import Flags
from engine.ole2.structs import DIFAT_MARK, END, FAT_MARK, FREE, HEADER_SLOTS, MAX_REGULAR


def blank(draft: Draft, sector: int) -> bool:
    """Whether a sector holds nothing: zeros, or bytes that nobody has read."""
    if not draft.pages.inside(sector):
        return False
    first = draft.pages.offset(sector)
    rows = range(first, min(first + draft.pages.sector_size, draft.pages.source.size), ev.ROW)
    return all(draft.evidence.class_at(at) in (ev.ZERO, ev.UNREAD) for at in rows)


def place_fat(draft: Draft) -> None:
    """Give every FAT sector a place. In place only where pattern and emptiness agree, else behind the end."""
    listed = draft.fat_list
    if all(sector >= 0 for sector in listed):
        return
    taken = _laid_out(draft)
    per = draft.pages.words
    known = {k: s for k, s in enumerate(listed) if s >= 0}
    for k in [k for k, sector in enumerate(listed) if sector < 0]:
        guesses = []
        for near, step in ((k - 1, 1), (k + 1, -1)):
            if near in known:
                further = known.get(near - step)
                stride = abs(known[near] - further) if further is not None else 1
                guesses += [known[near] + step * stride, known[near] + step]
        offsets = {sector - other * per for other, sector in known.items()}
        guesses += [k * per + offset for offset in sorted(offsets)[:4]] + [k * per]
        free = [s for s in guesses if blank(draft, s) and not taken[s]]
        if not free and not known:
            own = range(k * per, min((k + 1) * per, draft.pages.count))
            free = [s for s in own if not taken[s] and blank(draft, s)][:1]
        sector = free[0] if free else draft.append()
        listed[k] = known[k] = sector
        if sector < taken.size:
            taken[sector] = True
        where = "in an empty sector where it belongs" if free else "behind the end of the file"
        draft.reasons.append(f"FAT sector {k} is put {where}: sector {sector}")
    # appending can lengthen the FAT itself
    while any(sector < 0 for sector in draft.fat_list):
        k = draft.fat_list.index(-1)
        draft.fat_list[k] = draft.append()


def _laid_out(draft: Draft) -> Flags:
    """Sectors taken when lost chains are laid out in one piece from their beginnings."""
    return draft.claimed()


def find_difat(draft: Draft, listed: Sequence[int]) -> None:
    """The DIFAT's sectors: the header's chain, else those marked as such, else those that list the right sectors."""
    per = draft.pages.words - 1
    need = max(0, -(-(len(draft.fat_list) - HEADER_SLOTS) // per))
    if not need:
        draft.difat = []
        return
    marked = [int(s) for s in np.flatnonzero((draft.words == DIFAT_MARK) & ~draft.lost) if draft.pages.inside(int(s))]
    chain = [s for s in listed if draft.pages.inside(s) and s not in draft.fat_list]
    slots: list[int] = [-1] * need
    pool = list(dict.fromkeys([*marked, *chain]))[: 4 * need + 64]
    by_first = {int(draft.rows.words[row][0]): int(draft.rows.sectors[row]) for row in range(len(draft.rows))}
    for number in range(need):
        part = draft.fat_list[HEADER_SLOTS + number * per : HEADER_SLOTS + (number + 1) * per]
        wanted = {sector for sector in part if sector >= 0}
        best, most = -1, 0
        own = by_first.get(part[0], -1)
        for sector in [*pool, *([own] if own not in pool else [])]:
            if sector < 0 or sector in slots:
                continue
            words, _ = draft.pages.table([sector])
            same = len(wanted & set(words[:per].tolist()))
            if same > most:
                best, most = sector, same
        if most * 2 > len(wanted) or (most and most * 2 >= len(wanted)):
            slots[number] = best
    if len(chain) == need and all(slot < 0 or slot == chain[number] for number, slot in enumerate(slots)):
        slots = list(chain)
    made = [sector for sector in draft.difat if sector >= draft.end]  # appended by an earlier call
    spare = [sector for sector in (*marked, *made) if sector not in slots]
    rebuilt = [number for number, slot in enumerate(slots) if slot < 0]
    for number in rebuilt:
        slots[number] = spare.pop(0) if spare else draft.append()
    draft.difat = slots
    if rebuilt:
        draft.reasons.append(f"{len(rebuilt)} of {need} DIFAT sectors are made anew from the FAT's order")


def write_difat(draft: Draft) -> None:
    """Patches for DIFAT sectors that do not say what they should."""
    per = draft.pages.words - 1
    for number, sector in enumerate(draft.difat):
        part = draft.fat_list[HEADER_SLOTS + number * per : HEADER_SLOTS + (number + 1) * per]
        following = draft.difat[number + 1] if number + 1 < len(draft.difat) else END
        wanted = np.full(per + 1, FREE, np.uint32)
        wanted[: len(part)] = part
        wanted[per] = following
        words, lost = draft.pages.table([sector])
        last = int(words[per])
        same = bool((words[: len(part)] == wanted[: len(part)]).all()) and not lost.any()
        rest_free = bool((words[len(part) : per] > MAX_REGULAR).all())
        end_right = last == following or (following == END and last == FREE)
        if not (same and rest_free and end_right):
            draft.patch(sector, wanted.astype("<u4").tobytes(), "DIFAT sector from the FAT's order")


def mark_tables(draft: Draft) -> None:
    """The FAT calls its own sectors and the DIFAT's by their marks, where it calls them anything at all."""
    unmarked = sum(
        0 <= s < draft.words.size and draft.words[s] != FAT_MARK and not draft.lost[s] for s in draft.fat_list
    )
    habit = unmarked * 2 > len(draft.fat_list)  # an old writer that marks nothing
    for mark, sectors in ((FAT_MARK, draft.fat_list), (DIFAT_MARK, draft.difat)):
        for sector in sectors:
            fresh = sector >= draft.end
            if 0 <= sector < draft.words.size and draft.words[sector] != mark and (
                draft.lost[sector] or fresh or (not habit and draft.words[sector] in (FREE, 0))
            ):  # fmt: skip
                draft.words[sector] = mark
                draft.lost[sector] = False
