"""The algebra against ddrescuelog itself: random maps, every operation, with and without domains."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.mapfile import algebra
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import parse_map
from engine.ranges import RangeSet
from tests.engine.mapfile.helpers import ddrescuelog, random_map, save
from tests.support import needs_tool

pytestmark = needs_tool("ddrescuelog")

ROUNDS = 30


def judge(result: Mapfile, *arguments: object) -> None:
    """The tool's output, joined, is our result: status line, extent and every block."""
    done = ddrescuelog(*arguments)
    assert done.returncode == 0, done.stderr
    if done.stdout:
        theirs = parse_map(done.stdout).merged()
        assert theirs == result, f"{arguments}: {list(theirs)} != {list(result)}"


def domains(rng: random.Random, folder: Path, end: int) -> list[tuple[list[object], RangeSet | None]]:
    """No domain, a window, a domain map, and both."""
    start, size = rng.randrange(end), rng.randrange(1, end + 1)
    map_ = random_map(rng, start=rng.choice([0, 0, 700]))
    name = save(folder / "domain", map_)
    window: list[object] = ["-i", start, "-s", size]
    return [
        ([], None),
        (window, algebra.make_domain(start, size)),
        (["-m", name], algebra.make_domain(maps=[map_])),
        ([*window, "-m", name], algebra.make_domain(start, size, [map_])),
    ]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_operations_agree_with_ddrescuelog(seed, tmp_path):
    rng = random.Random(seed)
    map_ = random_map(rng, start=rng.choice([0, 0, 0, 512]))
    other = random_map(rng, start=rng.choice([0, 0, 0, 1000, 9000]))
    one, two = save(tmp_path / "one", map_), save(tmp_path / "two", other)
    for options, domain in domains(rng, tmp_path, map_.end):
        judge(algebra.and_maps(map_, other, domain), *options, "-y", two, one)
        judge(algebra.or_maps(map_, other, domain), *options, "-z", two, one)
        judge(algebra.xor_maps(map_, other, domain), *options, "-x", two, one)
        judge(algebra.invert(map_, domain), *options, "-n", one)
        old, new = ("".join(rng.choices("?*/-+", k=rng.randrange(1, 6))) for _ in range(2))
        judge(algebra.change_types(map_, old, new, domain), *options, f"-a{old},{new}", one)
        status = ddrescuelog(*options, "-D", one)
        assert status.returncode == (0 if algebra.is_done(map_, domain) else 1), options


@pytest.mark.parametrize("seed", range(ROUNDS // 3))
def test_comparisons_agree_with_ddrescuelog(seed, tmp_path):
    rng = random.Random(seed)
    map_ = random_map(rng, blocks=4)
    end = map_.end
    cut = rng.randrange(end)
    near = [
        map_.set_range(cut, min(end, cut + rng.randrange(1, 2000)), rng.choice("?*/-+")),
        map_.set_range(0, 1, rng.choice("?*/-+")),
        map_.clipped(0, rng.randrange(1, end + 1)),
        map_.clipped(rng.randrange(end), end),
        map_.extended(0, end + rng.randrange(1, 100), rng.choice("?+")),
        algebra.change_types(map_, "*", "/"),
        Mapfile.from_blocks([b for block in map_ if (half := block.size // 2) for b in (
            (block.start, half, block.status), (block.start + half, block.size - half, block.status))
        ] if all(block.size > 1 for block in map_) else list(map_)),
    ]  # fmt: skip
    one = save(tmp_path / "one", map_)
    for other in near:
        two = save(tmp_path / "two", other)
        for options, domain in domains(rng, tmp_path, end):
            whole = algebra.make_domain() if domain is None else domain
            misses = not all(whole.clip(each.start, each.end) for each in (map_, other))
            for option, agree in (("-p", algebra.same), ("-P", algebra.same_finished)):
                done = ddrescuelog("-q", *options, option, two, one)
                # where the domain misses one of them the tool has "nothing to do" and calls any two maps equal
                assert (done.returncode == 0) == (misses or agree(map_, other, domain)), (option, options)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_shift_agrees_with_ddrescuelog(seed, tmp_path):
    rng = random.Random(seed)
    map_ = random_map(rng)
    one = save(tmp_path / "one", map_)
    far = rng.randrange(1, 5000)
    judge(algebra.shift(map_, far), "--shift", "-o", far, one)
    size = rng.randrange(1, map_.end + 1)
    judge(algebra.shift(map_, far, RangeSet.of(0, size)), "--shift", "-o", far, "-s", size, one)
    down = rng.randrange(1, map_.end)
    judge(algebra.shift(map_, -down), "--shift", "-i", down, "-o", 0, one)


def test_shift_fills_the_gap_that_ddrescuelog_leaves():
    moved = algebra.shift(Mapfile.new(100, 1100, "-"), 500)
    assert list(moved) == [(0, 600, "?"), (600, 1000, "-")]


def test_shift_out_of_sight_leaves_an_empty_map():
    assert len(algebra.shift(Mapfile.new(0, 1000, "+"), -5000)) == 0
    assert len(algebra.shift(Mapfile.new(0, 1000, "+"), (1 << 63) - 1)) == 0


def test_inverting_twice_is_no_identity():
    map_ = Mapfile.from_blocks([(0, 5, "+"), (5, 5, "*"), (10, 5, "?")])
    assert list(algebra.invert(algebra.invert(map_))) == [(0, 5, "+"), (5, 10, "-")]


def test_what_cannot_be_meant_is_refused():
    map_ = Mapfile.new(0, 5)
    for old, new in (("", "+"), ("+", ""), ("x", "+"), ("+", "+++x")):
        with pytest.raises(UsageError):
            algebra.change_types(map_, old, new)
    for window in ((-1, None), (0, -1)):
        with pytest.raises(UsageError):
            algebra.make_domain(*window)
    assert not algebra.make_domain(5, 0)
    assert list(algebra.make_domain(5, 1)) == [(5, 6)]


def test_empty_maps_take_part():
    empty, map_ = Mapfile.new(0, 0), Mapfile.new(0, 5, "+")
    assert algebra.and_maps(map_, empty) is map_
    assert algebra.or_maps(empty, map_) is empty
    assert algebra.is_done(empty)
    assert algebra.same(empty, empty)
    assert not algebra.same(map_, empty)
    assert list(algebra.differences(map_, empty)) == [(0, 5)]
