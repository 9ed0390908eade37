"""The small parts that everything about documents stands on, against the plainest way to say the same."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ole2.overlay import OverlaySource
from engine.ole2.pages import Pages
from engine.ole2.streams import MiniStream, Owners, is_crossed, missing_bytes, stream_extents
from engine.ole2.structs import DIFAT_MARK, END, FAT_MARK, FREE, MAX_REGULAR
from engine.ole2.table import Budget, Chain, Table, chain_of, repeated
from engine.ole2.walks import walk_stream
from engine.ranges import RangeSet
from engine.source.extents import BytesSource

MARKS = (END, FREE, FAT_MARK, DIFAT_MARK, 0xFFFFFFFB)
words_lists = st.lists(st.one_of(st.integers(0, 14), st.sampled_from(MARKS)), max_size=12)
pairs = st.lists(st.tuples(st.integers(0, 90), st.integers(1, 30)), max_size=4)


def step_by_step(words: list[int], lost: list[bool], start: int) -> tuple[list[int], str]:
    """One sector after the other."""
    seen: list[int] = []
    here = start
    while True:
        if here > MAX_REGULAR:
            return seen, {END: "end", FREE: "free", FAT_MARK: "mark", DIFAT_MARK: "mark"}.get(here, "outside")
        if here >= len(words):
            return seen, "outside"
        if here in seen:
            return seen, "loop"
        seen.append(here)
        if lost[here]:
            return seen, "lost"
        here = words[here]


@given(words_lists, st.data())
def test_a_chain_is_followed_link_by_link(words, data):
    lost = data.draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    lost = [one and data.draw(st.booleans()) for one in lost]
    table = Table(np.array(words, np.uint32), np.array(lost, bool))
    for start in range(len(words) + 2):
        sectors, stop = step_by_step(words, lost, start)
        chain = table.walk(start)
        assert chain.stop == stop
        if stop == "loop":  # runs are followed whole: it may be noticed a little earlier
            assert chain.sectors() == sectors[: chain.length]
            assert chain.length
        else:
            assert chain.sectors() == sectors
        assert chain.length == len(chain.sectors())
        assert chain.start == (start if start < len(words) else None)
        for limit in range(1, 5):
            cut = table.walk(start, limit=limit)
            assert cut.sectors(limit) == chain.sectors(limit) == chain.cut(limit).sectors()
            assert cut.stop in (stop, "budget")
    assert [table.walk(mark).stop for mark in (END, FREE, FAT_MARK, 0xFFFFFFFB)] == ["none", "none", "mark", "outside"]


@given(words_lists)
def test_who_follows_whom(words):
    table = Table(np.array(words, np.uint32))
    count = [words.count(sector) for sector in range(len(words))]
    assert table.targets().tolist() == count
    used = [sector for sector, word in enumerate(words) if word <= MAX_REGULAR or word == END]
    assert table.heads() == [sector for sector in used if not count[sector]]
    assert repeated(np.array(words, np.uint32)) == len(words) - len(set(words))


def test_what_is_lost_leads_nowhere_and_may_be_a_head():
    table = Table(np.array([1, 0, END], np.uint32), np.array([False, True, False]))
    assert table.targets().tolist() == [0, 1, 0]
    assert table.heads() == [0, 2]
    assert Table(np.array([FREE, 0], np.uint32), np.array([True, True])).heads() == [0, 1]


def test_a_budget_ends_a_walk():
    table = Table(np.array([2, END, 4, END, 6, END, END], np.uint32))
    assert table.walk(0, Budget(10)).sectors() == [0, 2, 4, 6]
    short = table.walk(0, Budget(1))
    assert (short.sectors(), short.stop) == ([0, 2], "budget")
    assert [Budget(2).take(2), Budget(2).take(3)] == [True, False]


@given(st.lists(st.integers(0, 9), max_size=12))
def test_sectors_become_runs_and_back(sectors):
    chain = chain_of(sectors)
    assert chain.sectors() == sectors
    assert len(chain.runs) == sum(1 for i, s in enumerate(sectors) if not i or s != sectors[i - 1] + 1)


# -- places ------------------------------------------------------------------------------------------------------------


@given(st.integers(-20, 20), st.integers(0, 70), pairs)
def test_sectors_of_a_source(base, size, holes):
    """Bytes, holes and the end, wherever the header lies; sectors of 8 bytes here."""
    data = bytes(range(1, size + 1))
    unread = RangeSet((a, a + b) for a, b in holes).clip(0, size)
    pages = Pages(BytesSource(data, holes=unread), base, 8)
    byte = {at: value for at, value in enumerate(data) if at not in unread}
    assert pages.count == len([n for n in range(40) if base + (n + 1) * 8 < size])
    for number in range(pages.count + 2):
        begin = pages.offset(number)
        assert begin == base + 8 * (number + 1)
        assert pages.inside(number) == (number < pages.count)
        assert pages.number(begin) == (number if number < pages.count else None)
        assert pages.number(begin + 1) is None
        for count in (1, 2):
            found, gaps = pages.read(number, count)
            assert len(found) == 8 * count
            missing = {at for low, high in gaps for at in range(low, high)}
            assert missing == {at for at in range(8 * count) if begin + at not in byte}
            assert all(found[at] == byte[begin + at] for at in range(8 * count) if at not in missing)
    assert not pages.inside(-1)
    assert pages.number(base) is None
    asked = [0, 1, 2, 5, 4, 99]
    words, lost = pages.table(asked)
    for index, number in enumerate(asked):
        found, gaps = pages.read(number)
        for part in (0, 1):
            hurt = not pages.inside(number) or any(a < part * 4 + 4 and b > part * 4 for a, b in gaps)
            assert bool(lost[2 * index + part]) == hurt
            if not hurt:
                assert int(words[2 * index + part]) == struct.unpack_from("<I", found, 4 * part)[0]


def spread(extents: object) -> list[int | None]:
    """The place of each byte."""
    return [None if a is None else a + i for a, size in extents for i in range(size)]  # type: ignore[attr-defined]


RUNS = Chain(((3, 1), (1, 1), (7, 2)), "end")


@pytest.mark.parametrize("size", [0, 1, 511, 512, 700, 1024, 1500, 2048, 3000])
def test_a_stream_along_its_chain(size):
    pages = Pages(BytesSource(bytes(512 * 10)), 0, 512)
    along = [pages.offset(sector) + at for sector in RUNS.sectors() for at in range(512)]
    found = spread(stream_extents(pages, RUNS, size, None))
    assert found == along[:size] + [None] * (size - len(along[:size]))


@pytest.mark.parametrize("held", [0, 64, 600, 1536, 2048, 4000])
def test_a_small_stream_in_the_mini_stream(held):
    pages = Pages(BytesSource(bytes(512 * 10)), 0, 512)
    mini = MiniStream(pages, RUNS, held)
    along: list[int | None] = [pages.offset(sector) + at for sector in RUNS.sectors() for at in range(512)]
    along = along[:held] + [None] * 4000
    for position in (0, 1, 448, 512, 600, 1024, 1535, 1536, 2047, 2048, 2500):
        for size in (1, 64, 200, 900):
            assert spread(mini.place(position, size)) == along[position : position + size]
    chain = Chain(((6, 3), (20, 1), (0, 2)), "end")
    wanted = [along[sector * 64 + at] for sector in chain.sectors() for at in range(64)]
    assert spread(stream_extents(pages, chain, 300, mini)) == wanted[:300]
    assert spread(stream_extents(pages, chain, 500, mini)) == wanted + [None] * (500 - len(wanted))


@given(st.lists(st.tuples(st.none() | st.integers(0, 90), st.integers(1, 30)), max_size=4), pairs)
def test_missing_bytes_are_counted_one_by_one(extents, holes):
    unread = RangeSet((a, a + b) for a, b in holes)
    places = spread(extents)
    gone = [at for at in places if at is None or at >= 70]
    holed = [at for at in places if at is not None and at < 70 and at in unread]
    assert missing_bytes(tuple(extents), 70, unread) == (len(gone), len(holed))


def test_what_two_claim_is_crossed():
    owners = Owners(10)
    first, second, third = Chain(((0, 3),)), Chain(((2, 1), (5, 2))), Chain(((8, 9),))
    for number, chain in enumerate((first, second, third), 1):
        owners.claim(chain, number)
    assert owners.of.tolist() == [1, 1, 1, 0, 0, 2, 2, 0, 3, 3]
    assert np.flatnonzero(owners.crossed).tolist() == [2]
    assert [is_crossed(owners, chain) for chain in (first, second, third)] == [True, True, False]


@given(st.integers(-10, 10), st.integers(1, 60), pairs, st.data())
def test_patches_over_a_source(base, size, holes, data):
    body = bytes(range(1, 41))
    unread = RangeSet((a, a + b) for a, b in holes).clip(0, 40)
    size = max(size, -base)
    starts = sorted(data.draw(st.sets(st.integers(0, size - 1), max_size=4)))
    patches = {
        at: b"\xee" * data.draw(st.integers(1, min(following, size) - at))
        for at, following in zip(starts, [*starts[1:], size], strict=False)
    }
    wanted: list[int | None] = []
    for at in range(size):
        below = at + base
        known = 0 <= below < 40 and below not in unread
        wanted.append(0 if below < 0 else body[below] if known else None)  # new bytes before it are zeros
    for at, patch in patches.items():
        wanted[at : at + len(patch)] = patch
    laid = OverlaySource(BytesSource(body, holes=unread), base, size, patches)
    gaps = [at for at, byte in enumerate(wanted) if byte is None]
    assert [at for low, high in laid.holes for at in range(low, high)] == gaps
    for low, high in ((0, size), (size // 3, size), (size // 4, size // 2)):
        reading = laid.read(low, high - low)
        assert [at for a, b in reading.holes for at in range(a, b)] == [at for at in gaps if low <= at < high]
        assert all(wanted[at] in (None, reading.data[at - low]) for at in range(low, high))


# -- does the content walk as its format says --------------------------------------------------------------------------


def biff(*records: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<HH", kind, size) + b"x" * size for kind, size in records)


BOOK = ((0x0809, 16), (0x0031, 20), (0x000A, 0), (0x0809, 16), (0x0208, 8228), (0x000A, 0))


def walked(name: str, data: bytes, holes: RangeSet | None = None) -> tuple[bool | None, int]:
    found = walk_stream(name, BytesSource(data, holes=holes))
    assert found is not None
    return found.good, found.reached


def test_workbooks_walk_record_by_record():
    good = biff(*BOOK)
    assert walked("Workbook", good) == (True, len(good))
    assert walked("Book", good + bytes(600)) == (True, len(good))
    assert walked("Workbook", good[:-1]) == (False, len(good) - 4)
    assert walked("Workbook", good[:-5]) == (False, len(good) - 4)
    assert walked("Workbook", good[: -len(biff(BOOK[-1]))]) == (False, len(good) - 4), "the sheet has no end"
    assert walked("Workbook", b"") == (False, 0)
    assert walked("Workbook", bytes(100)) == (False, 0)
    assert walked("Workbook", good + b"\x31\0\0\0") == (False, len(good)), "nothing but a sheet follows a sheet"
    assert walked("Workbook", biff((0x0809, 16), (0x0208, 8229))) == (False, 20)
    assert walked("Workbook", biff((0x0809, 16), (0, 4))) == (False, 20)
    at = len(biff(*BOOK[:3]))
    assert walked("Workbook", good, RangeSet.of(at, at + 1)) == (None, at)
    assert walked("Workbook", good, RangeSet.of(at + 4, at + 9)) == (True, len(good)), "what is inside a record"


def test_presentations_walk_record_by_record():
    one, two = struct.pack("<HHI", 15, 0x03E8, 5) + b"x" * 5, struct.pack("<HHI", 0, 0xF200, 0)
    name = "PowerPoint Document"
    assert walked(name, one + two) == (True, 21)
    assert walked(name, one + two + bytes(40)) == (True, 21)
    assert walked(name, one + two + bytes(7)) == (True, 21)
    assert walked(name, b"") == (False, 0)
    assert walked(name, bytes(40)) == (False, 0)
    assert walked(name, two + one[:-1]) == (False, 8)
    for kind in (0x03E7, 0xF201):
        assert walked(name, one + struct.pack("<HHI", 15, kind, 0)) == (False, 13)
    assert walked(name, one + two, RangeSet.of(14, 15)) == (None, 13)


def test_word_and_property_sets():
    def fib(magic: int, version: int, first: int, last: int, end: int, flags: int = 0) -> bytes:
        head = struct.pack("<HH6xH", magic, version, flags).ljust(0x18, b"\0") + struct.pack("<II", first, last)
        return (head.ljust(0x40, b"\0") + struct.pack("<I", end)).ljust(2000, b"\0")

    name = "WordDocument"
    assert walked(name, fib(0xA5EC, 0xC1, 512, 900, 1800)) == (True, 1800)
    assert walked(name, fib(0xA5DC, 0x65, 512, 900, 99999)) == (True, 900), "Word 6 has no such length"
    assert walked(name, fib(0xA5EC, 0xC1, 512, 900, 2512)) == (True, 2000)
    assert walked(name, fib(0xA5EC, 0xC1, 512, 900, 2513)) == (False, 0x40)
    assert walked(name, fib(0xA5EC, 0xC1, 2001, 900, 1800)) == (False, 0x40)
    assert walked(name, fib(0xA5ED, 0xC1, 512, 900, 1800)) == (False, 0)
    assert walked(name, fib(0xA5EC, 0xC1, 512, 900, 1800)[:0x5F]) == (False, 0)
    assert walked(name, fib(0xA5EC, 0xC1, 512, 900, 1800), RangeSet.of(0x18, 0x19)) == (None, 0)
    for flags, table in ((0, "0Table"), (0x200, "1Table")):
        found = walk_stream(name, BytesSource(fib(0xA5EC, 0xC1, 512, 900, 1800, flags)))
        assert found is not None
        assert found.words.endswith(table)

    def properties(mark: int, sections: list[tuple[int, int]], count: int | None = None) -> bytes:
        count = len(sections) if count is None else count
        head = struct.pack("<HHI16sI", mark, 0, 0, bytes(16), count)
        at = 28 + 20 * len(sections)
        body = b""
        for size, amount in sections:
            head += bytes(16) + struct.pack("<I", at + len(body))
            body += (struct.pack("<II", size, amount) + bytes(max(0, size - 8)))[: max(size, 8)]
        return head + body

    name = "\x05SummaryInformation"
    assert walked(name, properties(0xFFFE, [(24, 2)])) == (True, 72)
    assert walked("\x05DocumentSummaryInformation", properties(0xFFFE, [(24, 2), (8, 0)])) == (True, 100)
    assert walked(name, properties(0xFFFF, [(24, 2)])) == (False, 0)
    assert walked(name, properties(0xFFFE, [(24, 2)], 0)) == (False, 0)
    assert walked(name, properties(0xFFFE, [(24, 2)] * 5)) == (False, 0)
    assert walked(name, properties(0xFFFE, [(24, 2)] * 4))[0] is True
    assert walked(name, properties(0xFFFE, [(24, 3)])) == (False, 48), "more properties than there is room for"
    assert walked(name, properties(0xFFFE, [(24, 2)])[:69]) == (True, 72), "the last may lack its padding"
    assert walked(name, properties(0xFFFE, [(24, 2)])[:68]) == (False, 48)
    assert walked(name, properties(0xFFFE, [(24, 2)]), RangeSet.of(3, 4)) == (None, 0)
    assert walked(name, b"\xfe\xff") == (False, 0)
    assert walk_stream("1Table", BytesSource(b"")) is None
