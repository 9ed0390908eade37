"""The sector map: roles by chain and by content, folded into cells; the header as a sheet."""

from __future__ import annotations

import numpy as np
import pytest

from engine.ole2.evidence import gather
from engine.ole2.read import read_document, read_header
from engine.ole2.sector_map import (
    DIRECTORY,
    FAT,
    FREE_SPACE,
    HEADER,
    LETTERS,
    MINI_FAT,
    MINI_STREAM,
    STREAM,
    UNREAD,
    ZERO,
    SectorMap,
    by_chain,
    by_content,
)
from engine.ole2.sheet import header_sheet
from engine.ole2.solver import solve
from engine.ole2.structs import FREE
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


@pytest.mark.parametrize("start", [0, 7])
def test_a_map_answers_as_its_sectors_do(start):
    """Sectors of 4 bytes with roles one by one: the worst, the stretch around a byte, the next and the last one."""
    rng = np.random.default_rng(3)
    codes = np.repeat(rng.integers(0, 5, 12), rng.integers(1, 4, 12)).astype(np.uint8)
    owner = np.where(codes == STREAM, 1, -1).astype(np.int32)
    size = start + 4 * codes.size - 2
    found = SectorMap(start, 4, size, codes, owner)
    assert found.end == size
    each = {at: int(codes[(at - start) // 4]) for at in range(start, size)}
    for low in range(start, size, 3):
        low_stretch, high_stretch = found.block_at(low)
        assert {each[at] for at in range(low_stretch, high_stretch)} == {each[low]}
        assert low_stretch == start or each[low_stretch - 1] != each[low]
        assert high_stretch == size or each[high_stretch] != each[low]
        for high in range(low + 1, size + 1, 2):
            worst = max(each[at] for at in range(low, high))
            assert found.worst_at(low, high) == next(at for at in range(low, high) if each[at] == worst)
    begins = [at for at in range(start, size, 4) if at == start or each[at] != each[at - 4]]
    for role in range(5):
        places = [at for at in begins if each[at] == role]
        for at in range(start, size):
            ahead = [place for place in places if place > at]
            behind = [place for place in places if place < at]
            assert found.seek(at, LETTERS[role], forwards=True) == (ahead[0] if ahead else None)
            assert found.seek(at, LETTERS[role], forwards=False) == (behind[-1] if behind else None)
    assert SectorMap(5, 4, 0, codes[:0], owner[:0]).end == 6


def test_a_document_behind_other_bytes():
    for base in (1024, 512):
        source = BytesSource(b"\x55" * base + MADE.data)
        best = solve(source).best
        assert best.base == base
        found = by_chain(best.document, gather(source), best.base, source.size)
        assert (found.start, found.size, found.codes.size) == (base, source.size, len(MADE.data) // 512)
        assert found.codes.tolist() == mapped().codes.tolist()
        assert found.seek(0, "D", forwards=True) == base + MADE.offset(min(MADE.directory))


def test_free_sectors_of_zeros_are_told_from_other_free_ones():
    zeros = write(writer.letter(), Layout(tables="behind", free=3))
    free = [n for n, word in enumerate(read_document(BytesSource(zeros.data)).fat.words.tolist()) if word == FREE]
    free = [n for n in free if zeros.offset(n) + 512 <= len(zeros.data)]
    assert len(free) >= 3
    data = bytearray(zeros.data)
    data[zeros.offset(free[0]) : zeros.offset(free[0]) + 512] = bytes(512)
    data[zeros.offset(free[1]) : zeros.offset(free[1]) + 512] = b"\x55" * 512
    source = BytesSource(bytes(data))
    found = by_chain(read_document(source), gather(source), 0, source.size)
    assert (found.codes[free[0] + 1], found.codes[free[1] + 1]) == (ZERO, FREE_SPACE)


@pytest.mark.parametrize("solved", [True, False])
def test_the_lines_of_the_sheet_are_the_bytes_of_the_header(solved):
    source = BytesSource(MADE.data)
    lines = header_sheet(read_header(source)[0], solve(source).best if solved else None)
    at = 0
    for line in lines:
        assert line.offset == at, "one after the other, without a gap"
        data = MADE.data[line.offset : line.offset + line.size]
        value = line.present if isinstance(line.present, bytes) else int.from_bytes(data[:8], "little")
        if line.name == "difat[unused]":
            assert set(data) == {0xFF}
        else:
            assert line.present == (data if isinstance(value, bytes) else value)
        assert line.ok
        at += line.size
    assert at == 512
    slots = [line.name for line in lines if line.name.startswith("difat[") and line.name != "difat[unused]"]
    assert slots == [f"difat[{slot}]" for slot in range(len(MADE.fat))]
