"""What a person may choose among: every line names the bytes of the original that it speaks of."""

from __future__ import annotations

import pytest

from engine.ole2.alternatives import alternatives
from engine.ole2.evidence import gather
from engine.ole2.solver import solve
from engine.source.extents import BytesSource
from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write

BULK = {**writer.workbook(), "Bulk": bytes(range(256)) * 400}


def asked(data: bytes):
    source = BytesSource(data)
    evidence = gather(source)
    best = solve(source, evidence=evidence, thorough=True).best
    assert best is not None
    return best, alternatives(source, evidence, best)


@pytest.mark.parametrize("base", [0, 1536, -512])
@pytest.mark.parametrize("tables", ["front", "mixed"])
def test_the_lines_of_the_fat_stand_where_they_say(base, tables):
    made = write(BULK, Layout(tables=tables))
    data = bytes(1536) + made.data if base > 0 else made.data[-base:]
    best, found = asked(data)
    assert best.base == base
    assert [(line.index, line.sector) for line in found.fat] == list(enumerate(made.fat))
    for line in found.fat:
        assert line.offset == made.offset(line.sector) + base
        assert data[line.offset : line.offset + 512] == made.data[made.offset(line.sector) :][:512]
        assert line.marked and line.alive and not set(line.others) & set(made.fat)
    assert max(line.votes for line in found.fat) > 1
    assert found.directories[0].chain.sectors() == made.directory
    assert found.mini_fats[0].sectors == tuple(made.mini_fat)


def test_a_copy_of_a_fat_sector_votes_for_the_same_place():
    made = write(BULK, Layout(tables="front", stale=True, free=2))
    _, found = asked(made.data)
    rivals = [other for line in found.fat for other in line.others]
    assert rivals
    assert not set(rivals) & set(made.fat)
    assert all(line.marked for line in found.fat)


def test_without_marks_none_is_said_to_be_marked():
    made = write(BULK, Layout(tables="front", marks=False))
    _, found = asked(made.data)
    assert [line.sector for line in found.fat] == made.fat
    assert not any(line.marked for line in found.fat)
