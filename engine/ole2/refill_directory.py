"""Putting lost directory entries back: orphans named by their content, the root's stream, and the tree."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

from engine.ole2.directory import key
from engine.ole2.draft import Draft
from engine.ole2.kinds import OTHER, WORD, kind_of, recognise
from engine.ole2.model import Entry
from engine.ole2.orphans import Orphan, large_orphans, last_used, small_orphans
from engine.ole2.streams import MiniStream, stream_extents
from engine.ole2.structs import END, MAX_ENTRIES, MINI_SECTOR, NO_ENTRY, ROOT, STORAGE, STREAM, UNUSED
from engine.ole2.table import Chain, Table


def make_directory(draft: Draft, orphans: Sequence[Orphan], hint: int | None) -> None:
    """A new, empty directory in place of one that is gone altogether: where the header says, in a chain that holds
    nothing, else appended."""
    spots = [one for one in orphans if one.blank]
    if hint is not None and draft.pages.inside(hint) and hint not in draft.tables:
        chain = draft.fat.walk(hint) if hint < len(draft.fat) else Chain()
        draft.directory = chain.sectors(1 << 16) if chain.stop == "end" else [hint]
        draft.reasons.append(f"the directory's sectors hold no entries; the header says where they are: {hint}")
    elif spots:
        chosen = spots[0].chain
        draft.directory = chosen.sectors(1 << 16)
        draft.reasons.append(f"the directory is gone; its chain at sector {draft.directory[0]} is filled anew")
    else:
        draft.directory = [draft.append()]
        draft.reasons.append("the directory is gone; a new one is put behind the end of the file")
    count = len(draft.directory) * draft.entries_per_sector
    draft.entries = [Entry(number, lost=True) for number in range(count)]


def restore_root(draft: Draft, orphans: Sequence[Orphan]) -> None:
    """The root entry where it is lost: the mini stream is the orphan whose length and heads fit the mini FAT."""
    if not draft.entries:
        return
    used = last_used(draft)
    root = Entry(0, "Root Entry", ROOT, 1, child=NO_ENTRY, start=END, size=0)
    if used:
        unit = draft.pages.sector_size
        need = -(-used * MINI_SECTOR // unit)
        taken = set(draft.directory) | set(draft.mini_list)
        spare = [one for one in orphans if not one.table and one.chain.start not in taken and one.chain.length >= need]
        fitting = sorted(spare, key=lambda one: (-_heads_known(draft, one), one.chain.length != need, one.blank))
        fitting = [one for one in fitting if one.chain.length == need or (_heads_known(draft, one) and not one.exact)]
        if fitting:
            start = fitting[0].chain.start
            assert start is not None
            root = replace(root, start=start, size=used * MINI_SECTOR)
            draft.reasons.append(f"the root entry is gone; the mini stream is the chain at sector {start}")
        else:
            draft.reasons.append("the root entry is gone and no chain fits the mini stream")
    draft.entries[0] = root


def _heads_known(draft: Draft, orphan: Orphan) -> int:
    """How many small streams of the mini FAT would begin with what is known if this were the mini stream."""
    place = MiniStream(draft.pages, orphan.chain, orphan.chain.length * draft.pages.sector_size)
    known = 0
    for head in Table(draft.mini, draft.mini_lost).heads()[:64]:
        parts = place.place(head * MINI_SECTOR, MINI_SECTOR)
        start = parts[0][0]
        if start is not None and recognise(draft.pages.source.read(start, MINI_SECTOR).data) is not None:
            known += 1
    return known


def fill_slots(draft: Draft) -> int:
    """Give orphans the lost slots of the directory; returns how many were named."""
    root = draft.root
    place = MiniStream(draft.pages, draft.chain_of(root), root.size) if root is not None and root.size else None
    orphans = [one for one in large_orphans(draft) if not one.blank and not one.table]
    if place is not None and draft.mini.size:
        small = [(one.start, one.size) for one in draft.entries if one.small]
        orphans += [one for one in small_orphans(draft, place, small) if not one.blank]
    slots = [one.number for one in draft.entries if one.lost]
    names = _names(draft, orphans)
    free = [one.number for one in draft.entries if not one.used and not one.lost and one.number]
    named = 0
    for orphan, name in zip(orphans, names, strict=True):
        if not slots and not free:
            if len(draft.entries) + draft.entries_per_sector > MAX_ENTRIES:
                break
            free = _more_slots(draft)
        number = slots.pop(0) if slots else free.pop(0)
        start = orphan.chain.start
        assert start is not None
        draft.entries[number] = Entry(number, name, STREAM, 1, start=start, size=orphan.size)
        if not orphan.known:
            draft.guessed[name] = "its name and its exact size are lost: size rounded up"
        elif not orphan.exact:
            draft.guessed[name] = "found by its first bytes; size rounded up"
        else:
            draft.guessed[name] = "found by its first bytes; size from its content"
        named += 1
    for number in slots:
        draft.entries[number] = Entry(number)
    root = draft.root
    if root is not None and not any(root.class_id):
        kind = kind_of(one.name for one in draft.entries if one.kind == STREAM)
        if kind is not OTHER and any(kind.class_id) and draft.guessed:
            draft.entries[0] = replace(root, class_id=kind.class_id)
    return named


def _more_slots(draft: Draft) -> list[int]:
    """Another directory sector behind the end."""
    first = len(draft.entries)
    draft.directory.append(draft.append())
    draft.entries += [Entry(first + number) for number in range(draft.entries_per_sector)]
    return list(range(first, len(draft.entries)))


def _names(draft: Draft, orphans: Sequence[Orphan]) -> list[str]:
    """A name for each orphan, none twice; the nameless streams of a Word document are its table and its data."""
    taken = {one.name for one in draft.entries if one.used}
    out: list[str] = []
    known = {one.name for one in orphans} | taken
    named: dict[int, str] = {}
    if WORD.main[0] in known:
        table, place, length = _word_table(draft, orphans)
        nameless = [number for number, one in enumerate(orphans) if not one.name]
        if table not in taken:
            fitting = [number for number in nameless if _holds_clx(draft, orphans[number], place, length)]
            fitting = fitting or [number for number in nameless if not orphans[number].mini]
            if fitting:
                named[fitting[0]] = table
        data = [number for number in nameless if number not in named and not orphans[number].mini]
        if data and "Data" not in taken:
            named[data[0]] = "Data"
    count = 0
    for number, one in enumerate(orphans):
        name = one.name or named.get(number, "")
        if not name or name in taken:
            count += 1
            name = f"Orphan{count:04d}" if not name else f"{name[:24]} {count}"
        taken.add(name)
        out.append(name)
    return out


def _word_table(draft: Draft, orphans: Sequence[Orphan]) -> tuple[str, int, int]:
    """The name of the table stream that the file information block wants, and where in it the piece table lies."""
    start = next((one.chain.start for one in orphans if one.name == "WordDocument"), None)
    if start is None:
        start = next((one.start for one in draft.entries if one.name == "WordDocument"), None)
    if start is None or not draft.pages.inside(start):
        return "1Table", 0, 0
    data, _ = draft.pages.read(start, 2)
    place, length = struct.unpack_from("<II", data, 0x1A2)
    return "1Table" if data[0x0B] & 0x02 else "0Table", place, length


def _holds_clx(draft: Draft, orphan: Orphan, place: int, length: int) -> bool:
    """Whether a piece table begins at ``place`` of an orphan."""
    if not length or place + length > orphan.size:
        return False
    mini = None
    if orphan.mini:
        root = draft.root
        if root is None:
            return False
        mini = MiniStream(draft.pages, draft.chain_of(root), root.size)
    position = place
    for start, size in stream_extents(draft.pages, orphan.chain, orphan.size, mini):
        if position < size:
            return start is not None and draft.pages.source.read(start + position, 1).data in (b"\x01", b"\x02")
        position -= size
    return False


def rebuild_tree(draft: Draft) -> None:
    """New sibling trees: entries joined through left and right links share a parent; groups without one go under the
    root. Balanced, all black but the entries of an incomplete deepest level."""
    entries = draft.entries
    count = len(entries)
    group = list(range(count))

    def find(number: int) -> int:
        while group[number] != number:
            group[number] = group[group[number]]
            number = group[number]
        return number

    def real(link: int) -> bool:
        return 0 < link < count and entries[link].used and entries[link].kind != ROOT

    for one in entries:
        if one.used and one.kind != ROOT:
            for link in (one.left, one.right):
                if real(link):
                    group[find(link)] = find(one.number)
    parents: dict[int, int] = {}
    for one in entries:
        if one.kind in (STORAGE, ROOT) and real(one.child):
            parents.setdefault(find(one.child), one.number)
    members: dict[int, list[int]] = {}
    for one in entries:
        if one.used and one.kind != ROOT:
            parent = parents.get(find(one.number), 0)
            members.setdefault(0 if _within(parent, one.number, parents, find) else parent, []).append(one.number)
    for one in entries:
        if one.used:
            entries[one.number] = replace(one, left=NO_ENTRY, right=NO_ENTRY, child=NO_ENTRY)
        elif one.lost:
            entries[one.number] = Entry(one.number)
    for parent, numbers in members.items():
        entries[parent] = replace(entries[parent], child=balanced(entries, numbers))


def _within(parent: int, number: int, parents: dict[int, int], find: object) -> bool:
    """Whether following parents from ``parent`` comes to ``number``: a storage inside itself goes under the root."""
    assert callable(find)
    here, steps = parent, 0
    while here and steps < 4096:
        if here == number:
            return True
        here = parents.get(find(here), 0)
        steps += 1
    return steps >= 4096


def balanced(entries: list[Entry], numbers: list[int]) -> int:
    """Link siblings as a balanced search tree; returns its top."""
    ordered = sorted(numbers, key=lambda number: key(entries[number].name))
    full = (len(ordered) + 1).bit_length() - 1
    complete = len(ordered) == (1 << full) - 1

    def build(low: int, high: int, level: int) -> int:
        if low >= high:
            return NO_ENTRY
        middle = (low + high) // 2
        left, right = build(low, middle, level + 1), build(middle + 1, high, level + 1)
        colour = 0 if not complete and level >= full else 1
        entries[ordered[middle]] = replace(entries[ordered[middle]], left=left, right=right, colour=colour)
        return ordered[middle]

    return build(0, len(ordered), 0)


__all__ = ["UNUSED", "fill_slots", "make_directory", "rebuild_tree", "restore_root"]
