"""Each way in which a document can be wrong is told by its check, and by no word of praise."""

from __future__ import annotations

import struct

import pytest

from engine.ole2.read import read_document
from engine.ole2.structs import DIFAT_MARK, END, FAT_MARK, FREE
from engine.ole2.verify import document_kind, share_explained, verify
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write

BODIES = {**writer.workbook(), "Bulk": bytes(range(256)) * 300, "Small": b"s" * 300, "Tiny": b"t" * 70}
MADE = write(BODIES, Layout(tables="behind", free=4))
COUNT = len(MADE.data) // 512 - 1
WORDS = read_document(BytesSource(MADE.data)).fat.words.tolist()
FREE_SECTORS = [sector for sector in range(COUNT) if WORDS[sector] == FREE]
BULK = MADE.chains["Bulk"]


def word_at(sector: int) -> int:
    """Where the FAT's word for a sector stands in the file."""
    return MADE.offset(MADE.fat[sector // 128]) + sector % 128 * 4


def failed(*changes: tuple[int, int], data: bytes = MADE.data, holes: RangeSet | None = None) -> dict[str, str]:
    hurt = bytearray(data)
    for at, value in changes:
        struct.pack_into("<I", hurt, at, value)
    seen = verify(read_document(BytesSource(bytes(hurt), holes=holes)), outside=False)
    assert seen.structure == (not {one.name for one in seen.failed} - {"Workbook", "main stream"})
    assert not (seen.failed and seen.whole)
    return {one.name: one.words for one in seen.failed}


def test_what_is_right_is_called_right():
    seen = verify(read_document(BytesSource(MADE.data)))
    assert seen.structure and seen.whole and not seen.failed
    assert [one.name for one in seen.checks][:8] == [
        "header", "FAT", "DIFAT", "links", "directory", "mini FAT", "streams", "olefile",
    ]  # fmt: skip
    assert (seen.streams, seen.streams_ok, seen.explained) == (len(BODIES), len(BODIES), 1.0)
    assert len(MADE.fat) > 1


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ([(0x4C + 4, MADE.fat[0])], "FAT", "listed twice"),
        ([(word_at(MADE.fat[0]), END)], "FAT", f"{len(MADE.fat) - 1} of {len(MADE.fat)} FAT sectors are marked"),
        ([(word_at(FREE_SECTORS[0]), FAT_MARK)], "FAT", "and 1 others"),
        ([(0x48, 1)], "DIFAT", "0 DIFAT sectors are needed: 1 in the header, 0 in the chain"),
        ([(word_at(BULK[0]), BULK[3])], "links", "1 sectors follow two others"),
        ([(word_at(BULK[-1]), COUNT)], "links", "1 links lead behind the end"),
        ([(word_at(BULK[-1]), FREE_SECTORS[0])], "links", "1 links lead to free or table sectors"),
        ([(word_at(BULK[-1]), MADE.fat[0])], "links", "1 links lead to free or table sectors"),
        ([(word_at(BULK[2]), DIFAT_MARK), (word_at(BULK[-1]), BULK[2])], "links", "lead to free or table sectors"),
        ([(word_at(MADE.directory[-1]), FREE)], "directory", "does not end properly: free"),
        ([(word_at(MADE.mini_fat[-1]), FREE)], "mini FAT", "does not end properly: free"),
        ([(MADE.offset(MADE.mini_fat[0]), 1), (MADE.offset(MADE.mini_fat[0]) + 8, 1)], "mini FAT", "lead to the same"),
        ([(word_at(BULK[5]), END)], "streams", f"the chain has 6 sectors, the size needs {len(BULK)}"),
        ([(word_at(BULK[-1]), FREE)], "streams", "does not end properly"),
    ],
)  # fmt: skip
def test_each_fault_is_told_by_its_check(changes, check, words):
    found = failed(*changes)
    assert words in found[check], found


def test_the_root_and_the_sizes_it_gives():
    root = MADE.offset(MADE.directory[0])
    size = struct.unpack_from("<I", MADE.data, root + 0x78)[0]
    assert not failed((root + 0x78, size))
    longer = failed((root + 0x78, 512 * 128 * 64))
    assert "shorter than the root entry says" in longer["mini FAT"]
    assert "shorter than the mini stream" in longer["mini FAT"]
    kind = struct.unpack_from("<I", MADE.data, root + 0x40)[0]
    assert "the first entry is no root" in failed((root + 0x40, kind & 0xFF00FFFF | 1 << 16))["directory"]


def test_two_streams_in_one_place():
    entry = next(one for one in read_document(BytesSource(MADE.data)).entries if one.name == "Bulk")
    at = MADE.offset(MADE.directory[entry.number // 4]) + entry.number % 4 * 128
    found = failed((at + 0x74, MADE.chains["Workbook"][0]))
    assert "lies in sectors of something else" in found["streams"]


def test_unread_tables_are_no_right_ones():
    at = MADE.offset(MADE.fat[0])
    assert "never read" in failed(holes=RangeSet.of(at, at + 4))["FAT"]
    behind = word_at(COUNT) if len(MADE.fat) > COUNT // 128 else None
    if behind is not None:
        assert "FAT" not in failed(holes=RangeSet.of(behind, behind + 4)), "entries that no sector has"


def test_what_is_explained():
    sound = share_explained(read_document(BytesSource(MADE.data)))
    assert sound[0] == 1.0
    used = sum(word != FREE for word in WORDS[:COUNT])
    assert sound[1] == pytest.approx((used + 1) * 512 / len(MADE.data))
    hurt = bytearray(MADE.data)
    for sector in FREE_SECTORS[:3]:
        struct.pack_into("<I", hurt, word_at(sector), END)
    orphaned = share_explained(read_document(BytesSource(bytes(hurt))))
    assert orphaned[0] == pytest.approx(used / (used + 3))
    assert orphaned[1] == sound[1]
    assert share_explained(read_document(BytesSource(b""))) == (0.0, 1.0)


def test_kinds_go_by_the_streams_at_the_top():
    assert document_kind(read_document(BytesSource(MADE.data))).main[0] == "Workbook"
    inner = write({f"Inside/{name}": data for name, data in writer.workbook().items()})
    assert "Workbook" not in document_kind(read_document(BytesSource(inner.data))).main


def test_content_that_does_not_walk_is_told_unless_it_was_never_read():
    start = MADE.offset(MADE.chains["Workbook"][0])
    found = failed((start, 0x12345678))
    assert list(found) == ["Workbook"]
    seen = verify(read_document(BytesSource(MADE.data, holes=RangeSet.of(start, start + 2))), outside=False)
    walk = next(one for one in seen.checks if one.name == "Workbook")
    assert walk.ok is None
    assert seen.structure and not seen.whole
