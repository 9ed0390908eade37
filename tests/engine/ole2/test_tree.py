"""The directory's tree, and what of it a new container keeps."""

from __future__ import annotations

import struct
from dataclasses import replace

from engine.errors import Problem
from engine.ole2.container import Joined, rebuild
from engine.ole2.directory import key, parse_entries, walk_tree
from engine.ole2.model import Entry, Header, unused, well_formed
from engine.ole2.read import read_document
from engine.ole2.streams import content
from engine.ole2.structs import END, FREE, MAX_ENTRIES, MAX_REGULAR, NO_ENTRY, ROOT, STORAGE, STREAM
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.ole2.writer import Layout, write


def entry(number: int, name: str, kind: int = STREAM, left=NO_ENTRY, right=NO_ENTRY, child=NO_ENTRY) -> Entry:
    return Entry(number, name, kind, 1, left, right, child)


TREE = (
    entry(0, "Root Entry", ROOT, child=2),
    entry(1, "a"),
    entry(2, "box", STORAGE, left=1, right=3, child=4),
    entry(3, "c"),
    entry(4, "inner", STORAGE, child=5),
    entry(5, "deep"),
    Entry(6),
)


def walked(*changed: Entry) -> tuple[dict[int, tuple[str, ...]], list[str]]:
    entries = list(TREE)
    for one in changed:
        entries[one.number] = one
    problems: list[Problem] = []
    return walk_tree(entries, problems), [problem.message for problem in problems]


def test_a_sound_tree():
    paths, problems = walked()
    assert paths == {2: ("box",), 1: ("a",), 3: ("c",), 4: ("box", "inner"), 5: ("box", "inner", "deep")}
    assert problems == []
    assert walk_tree((), []) == {}


def test_links_of_zero_mean_none_except_below_the_root():
    """Some writers leave zeros; only the root's own child may not be the root."""
    paths, problems = walked(replace(TREE[1], left=0, right=0), replace(TREE[5], left=0, right=0, child=0))
    assert len(paths) == 5
    assert problems == []
    paths, problems = walked(replace(TREE[0], child=0))
    assert len(problems) == 2, "the link, and the entry that leads to all others"
    assert "leads to 0, no entry" in problems[0]
    assert paths[2] == ("(orphan)", "box")


def test_links_that_lead_nowhere_are_told_and_nothing_is_lost():
    for changed, words in (
        (replace(TREE[2], right=99), "right link of 'box' leads to 99, beyond the directory"),
        (replace(TREE[2], right=7), "right link of 'box' leads to 7, beyond the directory"),
        (replace(TREE[2], right=6), "right link of 'box' leads to 6, no entry"),
        (replace(TREE[2], right=1), "leads to 1 once more"),
        (replace(TREE[2], left=2), "left link of 'box' leads to 2 once more"),
    ):
        paths, problems = walked(changed)
        assert set(paths) == {1, 2, 3, 4, 5}
        assert any(words in problem for problem in problems), problems
        assert all(path[0] == "(orphan)" for number, path in paths.items() if number not in (1, 2, 3, 4, 5))
    paths, problems = walked(replace(TREE[2], right=6), Entry(6, lost=True))
    assert any("leads to 6, lost" in problem for problem in problems)
    assert paths[3] == ("(orphan)", "c")


def test_a_ring_outside_the_tree_is_found_all_the_same():
    paths, problems = walked(
        replace(TREE[0], child=1), replace(TREE[4], child=5), replace(TREE[5], kind=STORAGE, child=4)
    )
    assert set(paths) == {1, 2, 3, 4, 5}
    assert paths[1] == ("a",)
    assert sum("is not in the tree" in problem for problem in problems) >= 1


def test_the_order_of_names():
    names = ["b", "A", "zz", "AB", "ab1", "\xdf", "\xe9", "E", "\U0001f600"]
    assert sorted(names, key=key) == ["A", "b", "E", "\xe9", "\xdf", "AB", "zz", "\U0001f600", "ab1"]
    assert key("abc") == key("ABC") and key("\xe9") == key("\xc9")
    assert key("\xdf") != key("SS"), "what would become longer stays as it is"


# -- a new container ---------------------------------------------------------------------------------------------------


def test_sources_one_after_the_other():
    parts = [BytesSource(b"abc"), BytesSource(b""), BytesSource(b"defgh", holes=RangeSet.of(1, 3)), BytesSource(b"i")]
    joined = Joined(parts, "x")
    assert (joined.size, list(joined.holes)) == (9, [(4, 6)])
    whole = joined.read(0, 9)
    for low in range(9):
        for high in range(low, 10):
            reading = joined.read(low, high - low)
            assert reading.data == whole.data[low:high]
            assert reading.holes == tuple(joined.holes.clip(low, high))
    assert (whole.data[:4], whole.data[6:]) == (b"abcd", b"ghi")


def test_folders_keep_what_they_say_of_themselves():
    streams = {"Top": b"t" * 5000, "A/B/Deep": b"d" * 100, "A/Mid": b"m" * 4096, "Empty": b""}
    made = write(streams)
    data = bytearray(made.data)
    document = read_document(BytesSource(made.data))
    wanted = {}
    for one in document.entries:
        if one.kind == STORAGE:
            slot = made.offset(made.directory[one.number // 4]) + one.number % 4 * 128
            facts = bytes([one.number]) * 16, 100 + one.number, 200 + one.number
            data[slot + 0x50 : slot + 0x60] = facts[0]
            struct.pack_into("<QQ", data, slot + 0x64, *facts[1:])
            wanted[one.name] = facts
    image = rebuild(read_document(BytesSource(bytes(data))))
    again = read_document(image)
    assert {
        one.name: (one.class_id, one.created, one.modified) for one in again.entries if one.kind == STORAGE
    } == wanted
    assert {"/".join(one.path): content(one, image).read(0, one.size).data for one in again.streams} == streams
    for sector in again.directory.sectors():
        page = again.pages.read(sector)[0]
        for at in range(0, 512, 128):
            if page[at + 0x42] == 0:
                assert page[at : at + 128] == Entry(0).pack(), "an unused entry leads nowhere"


def test_sizes_around_the_borders_of_tables():
    """Streams at the border of the mini stream, and as many sectors as the header's slots and the first table hold."""
    for size in (1, 63, 64, 65, 4095, 4096, 4097, 512 * 127, 512 * 128 + 1, 512 * 125, 512 * 126):
        streams = {"One": bytes([size % 251]) * size, "Two": b"2" * 70}
        image = rebuild(read_document(BytesSource(write(streams).data)))
        again = read_document(image)
        assert {one.name: content(one, image).read(0, one.size).data for one in again.streams} == streams
        assert not again.problems
        assert all(one.state == "whole" and not one.guessed for one in again.streams)
        assert image.size % 512 == 0


def test_more_than_one_table_of_tables():
    """So many sectors that the list of FAT sectors goes on in two sectors of its own."""
    bulk = bytes(512) * 128 * (109 + 127 + 3)
    document = read_document(BytesSource(write({"Bulk": bulk}, Layout(tables="front")).data))
    image = rebuild(document)
    again = read_document(image)
    assert len(again.difat_list) == 2 and len(again.fat_list) > 109 + 127
    assert again.fat_list == tuple(range(again.fat_list[0], again.fat_list[0] + len(again.fat_list)))
    assert [(one.name, one.state, one.size) for one in again.streams] == [("Bulk", "whole", len(bulk))]
    assert not again.problems


# -- one entry, and the header -----------------------------------------------------------------------------------------


AB = b"A\0b\0\0\0"


def packed(
    name: bytes = AB,
    length: int = 6,
    kind: int = 2,
    colour: int = 1,
    left: int = NO_ENTRY,
    right: int = NO_ENTRY,
    child: int = NO_ENTRY,
    start: int = 5,
    size: int = 9,
) -> bytes:
    head = name.ljust(64, b"\0") + struct.pack("<HBBIII", length, kind, colour, left, right, child)
    return head + bytes(16) + struct.pack("<IQQIQ", 0, 7, 8, start, size)


def test_an_entry_there_and_back():
    one = Entry.parse(3, packed(size=(1 << 32) + 9), wide=True)
    assert (one.number, one.name, one.kind, one.colour, one.start, one.size) == (3, "Ab", 2, 1, 5, (1 << 32) + 9)
    assert (one.created, one.modified, one.name_length, one.used, one.small) == (7, 8, 6, True, False)
    assert one.pack() == packed(size=(1 << 32) + 9)
    assert Entry.parse(3, packed(size=(1 << 32) + 9), wide=False).size == 9, "the upper half is not used there"
    assert [Entry.parse(0, packed(size=size), wide=True).small for size in (0, 1, 4095, 4096)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not Entry.parse(0, packed(kind=1), wide=True).small
    assert [Entry.parse(0, packed(kind=kind), wide=True).used for kind in range(7)] == [
        False, True, True, False, False, True, False,
    ]  # fmt: skip
    long = Entry(1, "n" * 40, STREAM)
    assert Entry.parse(1, long.pack(), wide=True).name == "n" * 31, "as much as there is room for"
    mac = Entry.parse(0, packed(b"R\0", 2, 5), wide=False)
    assert (mac.name, mac.pack()[:4], mac.pack()[64]) == ("R", b"R\0\0\0", 2)
    assert Entry.parse(0, packed(length=200), wide=False).name == "Ab"
    assert Entry.parse(0, packed(length=0), wide=False).name == ""
    assert Entry(4).pack() == bytes(68) + b"\xff" * 12 + bytes(48)


def test_what_an_entry_by_the_book_may_hold():
    full = "x" * 31
    most = full.encode("utf-16-le") + b"\0\0"
    for good in (
        packed(), packed(kind=1), packed(kind=5), packed(colour=0), packed(most, 64), packed(left=0), packed(right=1),
        packed(child=MAX_ENTRIES - 1), packed(start=MAX_REGULAR), packed(start=END), packed(start=FREE),
        packed(b"R\0", 2, 5), packed(b"", 2, 5),
    ):  # fmt: skip
        assert well_formed(good)
        assert not unused(good)
    for bad in (
        packed(kind=0), packed(kind=3), packed(kind=6), packed(colour=2), packed(length=5), packed(length=0),
        packed(most + b"\0", 66), packed(length=8), packed(length=4), packed(b"A\0\0\0B\0\0\0", 8), packed(b"\0\0", 4),
        packed(b"R\0", 2, 2), packed(left=MAX_ENTRIES), packed(right=MAX_ENTRIES), packed(child=MAX_ENTRIES),
        packed(start=MAX_REGULAR + 1), packed(start=END - 1), packed()[:127],
    ):  # fmt: skip
        assert not well_formed(bad)


def test_what_an_unused_entry_may_hold():
    blank = {"name": b"", "length": 0, "kind": 0, "colour": 0}
    for link in (0, NO_ENTRY):
        assert unused(packed(**blank, left=link, right=link, child=link))
    assert unused(packed(**{**blank, "length": 2, "colour": 1}))
    for changed in (
        {"length": 3}, {"kind": 1}, {"colour": 2}, {"left": 1}, {"right": 1}, {"child": 1}, {"left": NO_ENTRY - 1},
    ):  # fmt: skip
        assert not unused(packed(**{**blank, **changed}))


def test_a_header_there_and_back():
    made = write({"One": b"1" * 5000})
    header = Header.parse(made.data)
    assert header.pack() == made.data[:512]
    assert header.sector_size == 512
    assert [replace(header, sector_shift=shift).sector_size for shift in (8, 9, 10, 12, 13)] == [
        None, 512, None, 4096, None,
    ]  # fmt: skip
    usual = Header()
    assert (usual.minor_version, usual.major_version, usual.byte_order) == (0x3E, 3, 0xFFFE)
    assert (usual.sector_shift, usual.mini_sector_shift, usual.mini_cutoff) == (9, 6, 4096)
    ends = usual.directory_start, usual.mini_fat_start, usual.difat_start
    assert (ends, set(usual.difat), len(usual.difat)) == ((END,) * 3, {FREE}, 109)
    counts = usual.directory_sectors, usual.fat_sectors, usual.mini_fat_sectors, usual.difat_sectors, usual.transaction
    assert counts == (0, 0, 0, 0, 0)
    assert (Entry(7).colour, Entry(7).start, Entry(7).size, Entry(7).state) == (0, 0, 0, 0)


def test_entries_in_holes_are_lost_and_zeros_are_not():
    data = packed() + bytes(128) + packed(kind=3) + packed(length=10)
    found = parse_entries(data, ((384, 385),), 8, wide=True)
    assert [(one.number, one.name, one.lost) for one in found] == [
        (8, "Ab", False), (9, "", False), (10, "", True), (11, "", True),
    ]  # fmt: skip
    for hole, lost in (((127, 128), [0]), ((128, 129), [1]), ((127, 129), [0, 1]), ((0, 1), [0])):
        both = parse_entries(packed() + packed(), (hole,), 0, wide=True)
        assert [one.number for one in both if one.lost] == lost
    assert len(parse_entries(packed()[:127], (), 0, wide=True)) == 0
