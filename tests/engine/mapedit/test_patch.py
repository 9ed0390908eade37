"""Patches: from one map to another and back, to the letter, in memory of the size of the change."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.mapedit.patch import Patch
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import parse_map
from engine.mapfile.write import render_map
from engine.ranges import RangeSet
from tests.engine.mapfile.helpers import random_map


def exactly(one: Mapfile, two: Mapfile) -> bool:
    return one == two and one.comments == two.comments and one.totals() == two.totals()


@pytest.mark.parametrize("seed", range(60))
def test_there_and_back(seed):
    rng = random.Random(seed)
    one = random_map(rng, blocks=30, start=rng.choice([0, 0, 512]))
    two = random_map(rng, blocks=30, start=rng.choice([0, 0, 512]))
    if rng.random() < 0.6:  # close relatives
        two = one
        for _ in range(rng.randrange(1, 4)):
            start = rng.randrange(two.start, two.end)
            two = two.set_range(start, min(two.end, start + rng.randrange(1, 4000)), rng.choice("+?*/-"))
    patch = Patch.between(one, two)
    assert exactly(patch.forwards(one), two)
    assert exactly(patch.backwards(two), one)
    changed = RangeSet([(patch.low, patch.high)]) if patch.low < patch.high else RangeSet()
    for map_ in (one, two):
        assert patch.low >= 0
        outside = changed.complement(0, max(one.end, two.end))
        for start, end in outside:
            assert list(one.runs(start, end)) == list(two.runs(start, end)), map_


def test_nothing_changed():
    one = random_map(random.Random(1))
    same = Mapfile(one.bounds.copy(), one.codes.copy(), one.position, one.phase, one.current_pass)
    assert Patch.between(one, same).empty
    assert Patch.between(one, one).empty
    assert Patch.between(one, one).low == Patch.between(one, one).high
    line = Patch.between(one, one.with_status_line(7, "G", 9))
    assert not line.empty
    assert line.nbytes == 0
    assert line.backwards(line.forwards(one)) == one


def test_empty_maps_and_other_ends():
    empty = Mapfile.new(0, 0)
    for other in (Mapfile.new(0, 100), Mapfile.new(50, 100, "+"), Mapfile.new(5, 5)):
        patch = Patch.between(empty, other)
        assert patch.forwards(empty) == other
        assert patch.backwards(other) == empty
    one, longer = Mapfile.new(0, 100), Mapfile.new(0, 300)
    patch = Patch.between(one, longer)
    assert (patch.low, patch.high) == (100, 300)
    assert patch.forwards(one) == longer


def test_comments_inside_the_list_come_back_to_their_places():
    text = b"# top\n0 ? 1\n0 512 +\n# one\n512 512 -\n# two\n1024 512 ?\n1536 512 +\n"
    one = parse_map(text)
    two = one.set_range(0, 1024, "?").merged()
    patch = Patch.between(one, two)
    assert [tuple(c) for c in patch.backwards(two).comments] == [tuple(c) for c in one.comments]
    assert [tuple(c) for c in patch.forwards(one).comments] == [tuple(c) for c in two.comments]
    assert render_map(patch.forwards(one)) == render_map(two)


def test_memory_goes_with_the_edit_and_not_with_the_map():
    count = 200_000
    codes = np.tile(np.array([0, 4], np.uint8), count // 2)
    one = Mapfile(np.arange(count + 1, dtype=np.int64) * 512, codes)
    small = Patch.between(one, one.set_range(count * 100, count * 100 + 5120, "?"))
    assert small.nbytes < 1000
    scattered = one
    for start in range(0, count * 512, count * 512 // 50):
        scattered = scattered.set_range(start // 512 * 512, start // 512 * 512 + 512, "?")
    wide = Patch.between(one, scattered)
    assert wide.nbytes < 20_000
    assert exactly(wide.backwards(scattered), one)
