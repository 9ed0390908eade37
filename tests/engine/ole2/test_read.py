"""Reading documents: every layout of our own writer, against what was put in and against olefile."""

from __future__ import annotations

import io
import itertools

import olefile
import pytest

from engine.ole2.container import rebuild
from engine.ole2.read import read_document
from engine.ole2.streams import content
from engine.ole2.verify import verify
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write

LAYOUTS = [
    Layout(sector, tables, pieces, stale, free=3, seed=pieces)
    for sector, tables, pieces, stale in itertools.product(
        (512, 4096), ("front", "behind", "between", "mixed"), (1, 4), (False, True)
    )
]


def bodies(source):
    document = read_document(source)
    return {stream.name: content(stream, source).read(0, stream.size).data for stream in document.streams}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: f"{one.sector}-{one.tables}-{one.pieces}-{one.stale}")
def test_every_layout_is_read_as_it_was_written(layout):
    made = write(writer.letter(), layout)
    source = BytesSource(made.data)
    document = read_document(source)
    assert document.fat_list == tuple(made.fat)
    assert document.directory.sectors() == made.directory
    assert document.mini_fat.sectors() == made.mini_fat
    assert bodies(source) == made.streams
    seen = verify(document)
    assert seen.structure and seen.whole, seen.failed
    with olefile.OleFileIO(io.BytesIO(made.data)) as other:
        assert not other.parsing_issues
        assert {"/".join(path) for path in other.listdir()} == set(made.streams)


def test_difat_sectors_are_followed():
    streams = {**writer.workbook(), "Bulk": bytes(range(256)) * 32_000}
    made = write(streams, Layout(tables="mixed"))
    assert made.difat and len(made.fat) > 109
    document = read_document(BytesSource(made.data))
    assert document.fat_list == tuple(made.fat) and document.difat_list == tuple(made.difat)
    assert bodies(document.source) == streams


def test_a_hole_in_a_stream_is_missing_and_never_zeros():
    made = write(writer.workbook(), Layout())
    start = made.offset(made.chains["Workbook"][3])
    source = BytesSource(made.data, holes=RangeSet.of(start, start + 512))
    stream = next(one for one in read_document(source).streams if one.name == "Workbook")
    assert stream.state == "holed" and stream.missing == 512
    assert content(stream, source).read(3 * 512, 512).holes == ((3 * 512, 4 * 512),)
    assert not verify(read_document(source)).whole


def test_a_file_that_ends_early_leaves_cut_streams():
    made = write(writer.workbook(), Layout(tables="front"))
    document = read_document(BytesSource(made.data[: len(made.data) // 2]))
    states = {one.name: one.state for one in document.streams}
    assert "whole" not in states.values() or states["Workbook"] != "whole"
    assert not verify(document).structure


def test_a_new_container_holds_the_same_streams():
    for sector in (512, 4096):
        made = write(writer.letter(), Layout(sector, "mixed", 3))
        image = rebuild(read_document(BytesSource(made.data)))
        assert bodies(image) == made.streams
        assert verify(read_document(image)).whole
        with olefile.OleFileIO(io.BytesIO(image.read(0, image.size).data)) as other:
            assert not other.parsing_issues


def test_a_new_container_keeps_holes():
    made = write(writer.workbook(), Layout())
    start = made.offset(made.chains["Workbook"][3])
    source = BytesSource(made.data, holes=RangeSet.of(start, start + 512))
    image = rebuild(read_document(source))
    assert image.holes.total == 512
    assert next(one for one in read_document(image).streams if one.name == "Workbook").missing == 512


def test_header_problems_are_collected():
    made = write(writer.workbook(), Layout())
    bad = bytearray(made.data)
    bad[0x2C:0x30] = (10**6).to_bytes(4, "little")
    bad[0x30:0x34] = (10**7).to_bytes(4, "little")
    codes = {one.code for one in read_document(BytesSource(bytes(bad))).problems}
    assert {"count", "directory-start"} <= codes
