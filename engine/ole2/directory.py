"""The directory: its entries, and the tree that they make."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import Problem
from engine.ole2.model import Entry, unused, well_formed
from engine.ole2.pages import Pages
from engine.ole2.structs import ENTRY_SIZE, MAX_ENTRIES, NO_ENTRY, ROOT, STORAGE
from engine.ole2.table import Chain
from engine.text import safe_text

_MAX_DEPTH = 512


def read_entries(pages: Pages, chain: Chain, problems: list[Problem]) -> tuple[Entry, ...]:
    """All entries of the chain; those in bytes that nobody has read are ``lost``."""
    per = pages.sector_size // ENTRY_SIZE
    found: list[Entry] = []
    for first, count in chain.cut(min(MAX_ENTRIES // per, max(0, pages.count))).runs:
        for sector in range(first, first + count):
            if not pages.inside(sector):
                found += [Entry(len(found) + i, lost=True) for i in range(per)]
                problems.append(Problem("directory-short", "a part of the directory lies behind the end of the file"))
                return tuple(found)
            data, holes = pages.read(sector)
            found += parse_entries(data, holes, len(found), wide=pages.sector_size == 4096)
    bad = [one for one in found if one.lost]
    if bad:
        problems.append(Problem("directory-unread", f"{len(bad)} directory entries were never read or are destroyed"))
    return tuple(found)


def parse_entries(data: bytes, holes: Sequence[tuple[int, int]], number: int, *, wide: bool) -> list[Entry]:
    """The entries in ``data``; one that is neither well formed nor unused is ``lost``, as one in a hole is."""
    out: list[Entry] = []
    for at in range(0, len(data) - ENTRY_SIZE + 1, ENTRY_SIZE):
        piece = data[at : at + ENTRY_SIZE]
        holed = any(low < at + ENTRY_SIZE and high > at for low, high in holes)
        if not holed and well_formed(piece):
            out.append(Entry.parse(number + len(out), piece, wide=wide))
        else:
            out.append(Entry(number + len(out), lost=holed or not unused(piece)))
    return out


def walk_tree(entries: Sequence[Entry], problems: list[Problem]) -> dict[int, tuple[str, ...]]:
    """The path of every used entry but the root, by DirID, in the order of the tree; those that the tree does not
    reach come last, under ``(orphan)``. Links that cross, loop or lead nowhere are problems."""
    paths: dict[int, tuple[str, ...]] = {}
    if not entries:
        return paths
    count, seen = len(entries), {0}

    def valid(link: int, of: Entry, what: str) -> bool:
        if link == NO_ENTRY or (link == 0 and of.number != 0):
            return False
        if link >= count or not entries[link].used or entries[link].kind == ROOT:
            state = "beyond the directory" if link >= count else "lost" if entries[link].lost else "no entry"
            problems.append(Problem("tree", f"the {what} of {safe_text(of.name, 64)!r} leads to {link}, {state}"))
            return False
        if link in seen:
            problems.append(Problem("tree", f"the {what} of {safe_text(of.name, 64)!r} leads to {link} once more"))
            return False
        seen.add(link)
        return True

    def grow(start: list[tuple[int, tuple[str, ...], bool]]) -> None:
        waiting = start
        while waiting:
            number, above, spread = waiting.pop()
            one = entries[number]
            if spread:
                paths[number] = (*above, one.name)
                if valid(one.right, one, "right link"):
                    waiting.append((one.right, above, True))
                if one.kind == STORAGE and len(above) < _MAX_DEPTH and valid(one.child, one, "child link"):
                    waiting.append((one.child, (*above, one.name), True))
                if valid(one.left, one, "left link"):
                    waiting.append((one.left, above, True))

    if entries[0].kind == ROOT and valid(entries[0].child, entries[0], "child link"):
        grow([(entries[0].child, (), True)])
    linked = {link for one in entries if one.used for link in (one.left, one.right, one.child)}
    for only_heads in (True, False):
        for one in entries[1:]:
            if (
                one.used
                and one.kind != ROOT
                and one.number not in seen
                and (one.number not in linked or not only_heads)
            ):
                problems.append(Problem("tree", f"entry {one.number}, {safe_text(one.name, 64)!r}, is not in the tree"))
                seen.add(one.number)
                grow([(one.number, ("(orphan)",), True)])
    return paths


def key(name: str) -> tuple[int, str]:
    """The order of names among siblings: shorter first, then by upper-case UTF-16 code units."""
    units = name.encode("utf-16-le", "surrogatepass")
    upper = "".join(char.upper() if len(char.upper()) == 1 else char for char in name)
    big = upper.encode("utf-16-be", "surrogatepass")
    return len(units), big.hex()
