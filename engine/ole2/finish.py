"""From the tables that were found to a whole draft: what is lost is put back, and what must be written is listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.ole2.draft import Draft, linked
from engine.ole2.errands import judge_of
from engine.ole2.model import Entry, Header, unused
from engine.ole2.orphans import Orphan, large_orphans
from engine.ole2.places import find_difat, mark_tables, place_fat, write_difat
from engine.ole2.refill import Want, refill
from engine.ole2.refill_directory import fill_slots, make_directory, rebuild_tree, restore_root
from engine.ole2.solve_mini import MiniSet, need_of, rebuild_mini, solve_mini
from engine.ole2.structs import END, ENTRY_SIZE, MAX_REGULAR, ROOT
from engine.ole2.table import Budget


@dataclass(slots=True)
class Clues:
    """What may be known besides the tables themselves: the old header, its DIFAT chain, a person's choice."""

    header: Header | None = None
    difat: Sequence[int] = ()
    mini_fat: int | None = None
    notes: list[str] = field(default_factory=list)


def finish(draft: Draft, clues: Clues) -> Draft:
    """Complete a draft whose FAT (as far as it is alive) and directory are chosen."""
    _cut_links(draft)
    fatless = bool(draft.lost.all())
    find_difat(draft, clues.difat)
    orphans: list[Orphan] = []
    draft.invented = fatless + (not draft.entries)
    if not draft.entries:
        orphans = large_orphans(draft)
        make_directory(draft, orphans, clues.header.directory_start if clues.header is not None else None)
    _mark_lost(draft)
    rootless = draft.root is None or draft.entries[0].kind != ROOT
    damaged = rootless or any(one.lost for one in draft.entries)
    _take_mini(draft, clues)
    if rootless:
        restore_root(draft, orphans or large_orphans(draft))
    if damaged and fatless:
        fill_slots(draft)
    _settle(draft, clues)
    _refill_fat(draft)
    _complete_mini(draft, clues)
    if damaged:
        named = fill_slots(draft)
        rebuild_tree(draft)
        draft.reasons.append(f"{named} streams without a directory entry were given one; the tree is built anew")
    _settle(draft, clues)
    _link_directory(draft)
    mark_tables(draft)
    _patches(draft)
    return draft


def _settle(draft: Draft, clues: Clues) -> None:
    """Places for all tables: a table sector behind the end can want another one."""
    for _ in range(8):
        place_fat(draft)
        find_difat(draft, clues.difat)
        if all(sector >= 0 for sector in draft.fat_list):
            break


def _mark_lost(draft: Draft) -> None:
    """Unused entries that others refer to were overwritten (a zeroed sector looks unused); links further on say that
    the directory was longer."""
    links = {link for one in draft.entries if one.used for link in (one.left, one.right, one.child)}
    count = len(draft.entries)
    per = draft.entries_per_sector
    gone = {link // per for link in links if 0 < link < count and not draft.entries[link].used}
    for number, one in enumerate(draft.entries):
        if number // per in gone and not one.used:
            draft.entries[number] = Entry(number, lost=True)


def _take_mini(draft: Draft, clues: Clues) -> None:
    """The mini FAT as far as it can be found by content and by chain."""
    hint = clues.header.mini_fat_start if clues.header is not None else None
    found: list[MiniSet] = solve_mini(
        draft.pages, draft.rows, draft.fat, draft.entries, draft.claimed(), hint, only=clues.mini_fat
    )
    if not found and draft.root is None:
        found = _any_mini(draft, clues)
    if found:
        best = found[0]
        draft.mini_list = list(best.sectors)
        draft.mini, draft.mini_lost = best.words.copy(), best.lost.copy()
        draft.score += best.score
        draft.reasons.append("mini FAT: " + "; ".join(best.reasons))


def _any_mini(draft: Draft, clues: Clues) -> list[MiniSet]:
    """Where no small stream is known by name: the header's chain, else a chain of table rows without marks."""
    claimed = draft.claimed()
    targets = draft.fat.targets()
    starts = [clues.header.mini_fat_start] if clues.header is not None else []
    starts += [int(s) for s, marks in zip(draft.rows.sectors, draft.rows.marks, strict=True) if not marks][:4096]
    for start in starts:
        if not draft.pages.inside(start) or start >= claimed.size or claimed[start] or targets[start : start + 1].any():
            continue
        chain = draft.fat.walk(start, Budget(len(draft.fat)))
        if chain.stop != "end" or any(draft.rows.find(sector) is None for sector in chain.sectors(64)):
            continue
        sectors = chain.sectors(draft.pages.count)
        words, lost = draft.pages.table(sectors)
        if (words <= MAX_REGULAR).any() or (words == 0xFFFFFFFE).any():
            reason = f"sector {start}: the chain of table rows that nothing else claims"
            return [MiniSet(tuple(sectors), words, lost, 1.0, (reason,))]
    return []


def _complete_mini(draft: Draft, clues: Clues) -> None:
    """A place and content for the mini FAT where it is gone or lost in part."""
    root = draft.root
    # The mini stream lies in the file's own sectors: a root entry that claims more is wrong, and its size no reason to
    # make tables for it.
    most = draft.pages.count * draft.pages.sector_size
    need = need_of(min(root.size, most), draft.pages.sector_size) if root is not None and root.size else 0
    small = [one for one in draft.entries if one.small]
    if not draft.mini_list and need and small:
        draft.mini_list = _mini_place(draft, clues, need)
        draft.mini = np.zeros(need * draft.pages.words, np.uint32)
        draft.mini_lost = np.ones(draft.mini.size, bool)
    missing = max(0, need - len(draft.mini_list)) if draft.mini_list else 0
    if missing:
        draft.mini_list += _mini_place(draft, clues, missing, more=True)
        blank = np.zeros(missing * draft.pages.words, np.uint32)
        draft.mini = np.concatenate((draft.mini, blank))
        draft.mini_lost = np.concatenate((draft.mini_lost, np.ones(blank.size, bool)))
    if draft.mini_lost.any() and root is not None:
        draft.mini, put = rebuild_mini(draft.entries, min(root.size, most), draft.mini, draft.mini_lost)
        for one in small:
            first = one.start // draft.pages.words
            last = (one.start + -(-one.size // 64) - 1) // draft.pages.words
            low, high = first * draft.pages.words, (last + 1) * draft.pages.words
            if draft.mini_lost[low:high].any():
                draft.guessed.setdefault(one.name, "its links in the mini stream are rebuilt from its start and size")
        draft.mini_lost[:] = False
        draft.reasons.append(f"{put} entries of the mini FAT are rebuilt from starts and sizes of the small streams")
    for here, following in linked(draft.mini_list):
        if here < draft.words.size and (draft.lost[here] or here >= draft.end or draft.words[here] == 0xFFFFFFFF):
            draft.words[here], draft.lost[here] = following, False


def _mini_place(draft: Draft, clues: Clues, need: int, *, more: bool = False) -> list[int]:
    """Sectors for a lost mini FAT: those that the header's chain names, a chain that holds nothing, or new ones."""
    claimed = draft.claimed()
    if clues.header is not None and clues.header.mini_fat_start <= MAX_REGULAR and not more:
        chain = draft.fat.walk(clues.header.mini_fat_start, Budget(len(draft.fat)))
        sectors = chain.sectors(need)
        if len(sectors) == need and all(draft.pages.inside(s) and not claimed[s] for s in sectors):
            draft.reasons.append(f"the mini FAT's sectors hold no table; the header says where they are: {sectors[0]}")
            return sectors
    for orphan in large_orphans(draft):
        if orphan.chain.length == need and (orphan.blank or not orphan.known) and not more:
            sectors = orphan.chain.sectors(need)
            draft.reasons.append(f"the mini FAT is put into the unclaimed chain at sector {sectors[0]}")
            return sectors
    draft.reasons.append("the mini FAT is put behind the end of the file")
    return [draft.append() for _ in range(need)]


def _refill_fat(draft: Draft) -> None:
    if not draft.lost[: draft.end].any():
        draft.words[draft.lost] = 0xFFFFFFFF
        draft.lost[:] = False
        return
    wants = (
        [Want("the directory", draft.directory[0], len(draft.directory), tuple(draft.directory))]
        if (draft.directory)
        else []
    )
    if draft.mini_list:
        wants.append(Want("the mini FAT", draft.mini_list[0], len(draft.mini_list), tuple(draft.mini_list)))
    named: list[Entry | None] = [None] * len(wants)
    for one in draft.large():
        name = "the mini stream" if one.number == 0 else one.name
        wants.append(Want(name, one.start, -(-one.size // draft.pages.sector_size)))
        named.append(one)
    done = refill(draft.words, draft.lost, draft.fat_list, draft.difat, wants, draft.end, judge_of(draft, named))
    draft.words = done.words.copy()
    draft.lost[:] = False
    for name, words in done.guessed.items():
        draft.guessed.setdefault(name, words)
    draft.reasons.append(f"{done.put} FAT entries were lost and are rebuilt")


def _cut_links(draft: Draft) -> None:
    """Links beyond what the FAT describes: the file and its FAT were cut off, the chains end here."""
    beyond = (draft.words <= MAX_REGULAR) & (draft.words >= draft.words.size) & ~draft.lost
    if beyond.any():
        draft.words[beyond] = END
        draft.reasons.append(f"{int(beyond.sum())} chains led behind the end of what is left and are ended")


def _link_directory(draft: Draft) -> None:
    """Sectors joined to the directory follow each other in the FAT."""
    for here, following in linked(draft.directory):
        if here < draft.words.size and draft.words[here] != following:
            draft.words[here] = following


def _patches(draft: Draft) -> None:
    pages = draft.pages
    if draft.words.size > len(draft.fat_list) * pages.words:
        draft.words = draft.words[: len(draft.fat_list) * pages.words]
    draft.patch_words(draft.fat_list, draft.words, "FAT sector put back")
    if draft.mini_list:
        draft.patch_words(draft.mini_list, draft.mini[: len(draft.mini_list) * pages.words], "mini FAT sector put back")
    write_difat(draft)
    per = draft.entries_per_sector
    for number, sector in enumerate(draft.directory):
        part = draft.entries[number * per : (number + 1) * per]
        data, holes = (
            pages.read(sector) if pages.inside(sector) else (bytes(pages.sector_size), ((0, pages.sector_size),))
        )
        out = bytearray(data)
        changed = bool(holes)
        for slot, one in enumerate(part):
            low = slot * ENTRY_SIZE
            old = Entry.parse(one.number, data[low : low + ENTRY_SIZE], wide=pages.sector_size == 4096)
            holed = any(a < low + ENTRY_SIZE and b > low for a, b in holes)
            if holed or (one.used and old != one) or (not one.used and not unused(data[low : low + ENTRY_SIZE])):
                out[low : low + ENTRY_SIZE] = one.pack()
                changed = True
        if changed:
            draft.patch(sector, bytes(out), "directory entries put back")
