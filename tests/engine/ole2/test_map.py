"""The sector map: roles by chain and by content, folded into cells; the header as a sheet."""

from __future__ import annotations

import numpy as np

from engine.ole2.evidence import gather
from engine.ole2.sector_map import (
    DIRECTORY,
    FAT,
    FREE_SPACE,
    HEADER,
    MINI_FAT,
    MINI_STREAM,
    STREAM,
    UNREAD,
    by_chain,
    by_content,
)
from engine.ole2.sheet import header_sheet
from engine.ole2.solver import solve
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write

MADE = write(writer.letter(), Layout(tables="mixed", free=4))


def mapped(holes=None):
    source = BytesSource(MADE.data, holes=holes)
    best = solve(source).best
    return by_chain(best.document, gather(source), best.base, source.size)


def test_every_sector_has_its_role():
    found = mapped()
    roles = {"(FAT)": FAT, "(directory)": DIRECTORY, "(mini FAT)": MINI_FAT, "(mini stream)": MINI_STREAM}
    assert found.codes[0] == HEADER and found.codes.size == len(MADE.data) // 512
    for sector, name in MADE.kinds.items():
        assert found.codes[sector + 1] == roles.get(name, STREAM), (sector, name)
    rest = set(range(1, found.codes.size)) - {sector + 1 for sector in MADE.kinds}
    assert rest and all(found.codes[index] <= FREE_SPACE + 1 for index in rest)
    assert sum(found.counts().values()) == found.codes.size


def test_unread_sectors_show_as_unread_whatever_they_belong_to():
    at = MADE.offset(MADE.chains["WordDocument"][2])
    found = mapped(RangeSet.of(at, at + 512))
    assert found.codes[found.index(at)] == UNREAD and (found.codes == UNREAD).sum() == 1


def test_folding_shows_what_matters_most():
    found = mapped()
    folded = found.cells(0, found.size, 20, with_bytes=True)
    assert folded.worst[0] == HEADER and folded.worst.size == 20
    assert folded.bytes is not None and abs(int(folded.bytes.sum()) - found.size) <= 20 * 2 * 512
    for cell in range(20):
        low, high = cell * found.size // 20, (cell + 1) * found.size // 20
        part = found.codes[low // 512 : -(-high // 512)]
        assert folded.worst[cell] == part.max() and folded.mixed[cell] == (part.max() != part.min())
    place = found.seek(0, "D", forwards=True)
    assert place == MADE.offset(min(MADE.directory))
    assert found.block_at(place)[0] == place


def test_a_map_by_content_before_anything_is_solved():
    found = by_content(gather(BytesSource(bytes(512) + MADE.data[512:])))
    assert np.count_nonzero(found.codes == DIRECTORY) >= len(MADE.directory)


def test_the_sheet_tells_present_computed_and_why():
    hurt = bytearray(MADE.data)
    hurt[0x30:0x34] = (999).to_bytes(4, "little")
    source = BytesSource(bytes(hurt))
    best = solve(source).best
    from engine.ole2.read import read_header

    lines = {line.name: line for line in header_sheet(read_header(source)[0], best)}
    wrong = [line for line in lines.values() if not line.ok]
    assert [line.name for line in wrong] == ["directory_start"]
    assert (wrong[0].present, wrong[0].computed, wrong[0].letter) == (999, MADE.directory[0], "C")
    assert lines["signature"].letter == "S" and lines["minor_version"].letter == "i"
    assert all(line.why for line in lines.values())
    assert all(line.present is None and not line.ok for line in header_sheet(None, best))


def test_of_nothing():
    empty = by_content(gather(BytesSource(b"")))
    folded = empty.cells(0, 1, 40, with_bytes=True)
    assert len(folded.worst) == len(folded.bytes) == 1 and not folded.bytes.any()
