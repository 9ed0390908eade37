"""What is wrong with a header, each thing with its place; and the list of FAT sectors, read past what is damaged."""

from __future__ import annotations

import struct

import pytest

from engine.ole2.read import read_document, read_header, used_sectors
from engine.ole2.structs import END, FREE
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write

MADE = write(writer.letter(), Layout(tables="behind"))
COUNT = len(MADE.data) // 512 - 1


def problems(data: bytes, base: int = 0, **more: object) -> list[tuple[str, int | None]]:
    return [(one.code, one.offset) for one in read_document(BytesSource(data), base=base, **more).problems]


@pytest.mark.parametrize("base", [0, 512])
@pytest.mark.parametrize(
    ("at", "shape", "value", "code"),
    [
        (0, "B", 0xD1, "signature"), (0x1C, "H", 0xFEFF, "byte-order"), (0x20, "H", 7, "mini-shift"),
        (0x38, "I", 4097, "cutoff"), (0x1A, "H", 4, "version"), (0x1A, "H", 2, "version"),
        (0x48, "I", COUNT + 1, "count"), (0x30, "I", COUNT, "directory-start"), (0x30, "I", END, "directory-start"),
        (0x3C, "I", COUNT, "mini-fat-start"), (0x44, "I", 0, "difat-start"), (0x4C, "I", COUNT, "difat-slot"),
        (0x4C + 4 * 108, "I", 0, "difat-slot"),
    ],
)  # fmt: skip
def test_each_field_that_cannot_be_is_told_with_its_place(base, at, shape, value, code):
    assert problems(MADE.data) == []
    data = bytearray(MADE.data)
    struct.pack_into(f"<{shape}", data, at, value)
    place = at - at % 4 if code == "difat-slot" else at
    assert (code, base + place) in problems(bytes(base) + bytes(data), base)
    struct.pack_into(f"<{shape}", data, at, *struct.unpack_from(f"<{shape}", MADE.data, at))
    assert problems(bytes(base) + bytes(data), base) == []


@pytest.mark.parametrize("at", [0x2C, 0x40, 0x48])
def test_counts_may_be_as_many_as_there_are_sectors(at):
    for value, told in ((COUNT, False), (COUNT + 1, True)):
        data = bytearray(MADE.data)
        struct.pack_into("<I", data, at, value)
        assert (("count", at) in problems(bytes(data))) == told


def test_values_that_mean_nothing_are_no_problem():
    data = bytearray(write({"Large": b"x" * 5000}).data)
    assert struct.unpack_from("<I", data, 0x3C)[0] == END
    assert problems(bytes(data)) == []
    for wide in (4096,):
        made = write(writer.letter(), Layout(wide))
        assert problems(made.data) == []
        data = bytearray(made.data)
        struct.pack_into("<H", data, 0x1A, 3)
        assert problems(bytes(data)) == [], "version 3 with large sectors is met"


@pytest.mark.parametrize(("version", "size"), [(3, 512), (4, 4096)])
def test_a_shift_that_does_not_exist_is_told_by_the_version(version, size):
    made = write(writer.letter(), Layout(size))
    data = bytearray(made.data)
    struct.pack_into("<H", data, 0x1A, version)
    struct.pack_into("<H", data, 0x1E, 10)
    document = read_document(BytesSource(bytes(data)))
    assert document.pages.sector_size == size
    assert ("sector-shift", 0x1E) in [(one.code, one.offset) for one in document.problems]
    assert {one.name for one in document.streams} == set(made.streams)


def test_what_of_a_header_was_read():
    source = BytesSource(bytes(100) + MADE.data, holes=RangeSet([(100, 104), (600, 700)]))
    header, holes = read_header(source, 100)
    assert holes == ((0, 4), (500, 512))
    assert header.signature[4:] == MADE.data[4:8]
    assert read_header(BytesSource(MADE.data[:300]))[1] == ((300, 512),)
    assert read_header(BytesSource(MADE.data), -512)[1] == ((0, 512),)
    assert ("header-unread", 100) in [(one.code, one.offset) for one in read_document(source, base=100).problems]


def test_sectors_in_use():
    document = read_document(BytesSource(MADE.data))
    words = document.fat.words
    assert used_sectors(document) == max(n for n in range(COUNT) if int(words[n]) != FREE) + 1
    assert used_sectors(read_document(BytesSource(b""))) == 0


# -- the list of FAT sectors -------------------------------------------------------------------------------------------

LARGE = write({"Bulk": bytes(512) * 128 * (109 + 127 + 3)}, Layout(tables="front"))


def listed(holes: RangeSet | None = None, changes: dict[int, int] | None = None):
    data = LARGE.data
    if changes:
        whole = bytearray(data)
        for at, value in changes.items():
            struct.pack_into("<I", whole, at, value)
        data = bytes(whole)
    document = read_document(BytesSource(data, holes=holes))
    return document, {one.code for one in document.problems}


def test_the_list_goes_on_from_sector_to_sector():
    document, codes = listed()
    assert (document.difat_list, document.fat_list, codes) == (tuple(LARGE.difat), tuple(LARGE.fat), set())
    assert len(LARGE.difat) == 2


def test_a_hole_in_the_list_costs_what_it_hides_and_no_more():
    first = LARGE.offset(LARGE.difat[0])
    document, codes = listed(RangeSet.of(first + 8, first + 17))
    assert document.fat_list == (*LARGE.fat[:111], FREE, FREE, FREE, *LARGE.fat[114:])
    assert "difat-short" not in codes
    for hole, code in ((RangeSet.of(first + 508, first + 509), "difat-unread"),):
        document, codes = listed(hole)
        assert document.fat_list[: 109 + 127] == tuple(LARGE.fat[: 109 + 127])
        assert set(document.fat_list[109 + 127 :]) == {FREE}
        assert len(document.fat_list) == len(LARGE.fat)
        assert {code, "difat-short"} <= codes


@pytest.mark.parametrize("link", ["itself", "outside", "end"])
def test_a_list_that_leads_astray_ends_there(link):
    last = LARGE.offset(LARGE.difat[0]) + 508
    word = {"itself": LARGE.difat[0], "outside": len(LARGE.data) // 512, "end": END}[link]
    document, codes = listed(changes={last: word})
    assert document.difat_list == tuple(LARGE.difat[:1])
    assert document.fat_list == (*LARGE.fat[: 109 + 127], *[FREE] * (len(LARGE.fat) - 109 - 127))
    assert ("difat-chain" in codes) == (link != "end")
    assert "difat-short" in codes


def test_a_wrong_count_of_the_list_is_told():
    document, codes = listed(changes={0x48: 3})
    assert document.fat_list == tuple(LARGE.fat)
    assert codes == {"difat-count"}
