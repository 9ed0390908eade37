"""The directory's tree, and what of it a new container keeps."""

from __future__ import annotations

import struct
from dataclasses import replace

from engine.errors import Problem
from engine.ole2.container import Joined, rebuild
from engine.ole2.directory import key, walk_tree
from engine.ole2.model import Entry
from engine.ole2.read import read_document
from engine.ole2.streams import content
from engine.ole2.structs import NO_ENTRY, ROOT, STORAGE, STREAM
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
