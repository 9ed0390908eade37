"""Recipes: what each does to a map, and that the real ddrescue then reads what was promised."""

from __future__ import annotations

import random

import pytest

from engine.errors import NotFoundError, UsageError
from engine.mapfile.diff import moves
from engine.mapfile.model import Mapfile
from engine.mapfile.recipes import all_recipes, apply_recipe, find_recipe
from engine.mapfile.status import FAILED
from engine.ranges import RangeSet
from tests.engine.mapfile.helpers import random_map
from tests.engine.mapfile.test_resume import SIZE, first_pass

K = 1024
# a drop-off at 256 K without a liveness check: a bad sector, and all behind it false failures
DROPPED = Mapfile.from_blocks(
    [
        (0, 128 * K, "+"),
        (128 * K, 128 * K, "?"),
        (256 * K, 512, "-"),
        (256 * K + 512, 256 * K - 512, "/"),
        (512 * K, 128 * K, "+"),
        (640 * K, 64 * K, "*"),
        (704 * K, SIZE - 704 * K, "?"),
    ]
).with_status_line(256 * K, "?", 1)


def listed(map_: Mapfile) -> list[tuple[int, int, str]]:
    return [(block.start // 512, block.size // 512, block.status) for block in map_]


def test_the_list_is_complete_and_speaks():
    names = [recipe.name for recipe in all_recipes()]
    assert names == [
        "keep-finished",
        "beyond-first-failure",
        "only-metadata",
        "only-files",
        "retry-larger",
        "retry-smaller",
        "skip-culprit",
        "other-end",
        "halve-gap",
    ]
    for recipe in all_recipes():
        assert recipe.title
        assert recipe.help.endswith(".")
        assert find_recipe(recipe.name) is recipe


def test_keep_finished():
    made = apply_recipe("keep-finished", DROPPED)
    assert listed(made.map) == [(0, 256, "+"), (256, 768, "?"), (1024, 256, "+"), (1280, 768, "?")]
    assert made.target == made.map.ranges("?")


def test_beyond_first_failure():
    made = apply_recipe("beyond-first-failure", DROPPED)
    assert listed(made.map) == [
        (0, 256, "+"),
        (256, 256, "?"),
        (512, 1, "-"),
        (513, 511, "?"),
        (1024, 256, "+"),
        (1280, 768, "?"),
    ]
    assert any("before the failure" in line for line in made.explain)
    assert not any("--no-trim" in line for line in made.explain)
    for first in "*/":  # what stays would be read again by the phases after copying
        kept = Mapfile.from_blocks([(0, K, first), (K, K, "-"), (2 * K, K, "/")])
        made = apply_recipe("beyond-first-failure", kept)
        assert listed(made.map) == [(0, 2, first), (2, 4, "?")]
        assert any("--no-trim" in line for line in made.explain)
        assert not any("before the failure" in line for line in made.explain)


def test_retry_by_size():
    larger = apply_recipe("retry-larger", DROPPED, {"size": 64 * K})
    assert larger.map.ranges(FAILED) == RangeSet.of(640 * K, 704 * K)
    assert any("--no-trim" in line for line in larger.explain)
    smaller = apply_recipe("retry-smaller", DROPPED, {"size": 64 * K + 1})
    assert smaller.map.ranges(FAILED) == RangeSet.of(256 * K, 512 * K)
    for name, size in (("retry-larger", 1 << 40), ("retry-smaller", 1)):
        with pytest.raises(NotFoundError):
            apply_recipe(name, DROPPED, {"size": size})


def test_skip_culprit():
    made = apply_recipe("skip-culprit", DROPPED, {"sectors": 8})
    assert listed(made.map) == [
        (0, 256, "+"),
        (256, 256, "?"),
        (512, 8, "-"),
        (520, 504, "?"),
        (1024, 256, "+"),
        (1280, 128, "*"),
        (1408, 640, "?"),
    ]
    # a run backwards died just below its position
    backwards = apply_recipe("skip-culprit", DROPPED, {"at": 512 * K, "sectors": 8, "direction": "backwards"})
    assert listed(backwards.map)[1:3] == [(256, 760, "?"), (1016, 8, "-")]
    auto = apply_recipe("skip-culprit", DROPPED.with_status_line(512 * K, "?", 2), {"sectors": 8})
    assert auto.map == backwards.map
    # what is asked for counts, whichever way the status line says that the run went
    on_the_way_back = DROPPED.with_status_line(256 * K, "?", 2)
    forwards = apply_recipe("skip-culprit", on_the_way_back, {"sectors": 8, "direction": "forwards"})
    assert forwards.map.same_blocks(made.map)
    one = apply_recipe("skip-culprit", DROPPED, {"sectors": 1, "sector": 512})
    assert one.map.ranges("-").clip(0, SIZE) == RangeSet.of(256 * K, 256 * K + 512)
    # a culprit that was marked before, bad sectors that stand alone, is not read again
    twice = apply_recipe("skip-culprit", made.map, {"at": 500 * K, "sectors": 8, "direction": "backwards"})
    assert listed(twice.map)[2:6] == [(512, 8, "-"), (520, 472, "?"), (992, 8, "-"), (1000, 24, "?")]
    # a position inside a sector gives up that sector, and finished bytes are never touched
    inside = apply_recipe("skip-culprit", DROPPED, {"at": 128 * K - 1, "sectors": 2})
    assert inside.map.ranges("-").clip(0, 200 * K) == RangeSet.of(128 * K, 128 * K + 512)
    with pytest.raises(NotFoundError):
        apply_recipe("skip-culprit", DROPPED, {"at": 0, "sectors": 8})
    for at in (SIZE, 1 << 40):
        with pytest.raises(UsageError, match="outside of the map"):
            apply_recipe("skip-culprit", DROPPED, {"at": at})


def test_other_end_reads_backwards_from_there(tmp_path):
    made = apply_recipe("other-end", DROPPED)
    assert (made.map.position, made.map.phase, made.map.current_pass) == (512 * K, "?", 2)
    assert listed(made.map)[:4] == [(0, 256, "+"), (256, 256, "?"), (512, 1, "-"), (513, 511, "?")]
    heading, reads = first_pass(tmp_path, made.map, f"--input-position={128 * K}", f"--size={384 * K}")
    assert "Pass 2 (backwards)" in heading
    assert reads[0] == 512 * K - 64 * K
    assert min(reads) == 128 * K
    assert any(f"--input-position={128 * K} --size={384 * K}" in line for line in made.explain)
    later = apply_recipe("other-end", DROPPED, {"at": 600 * K})
    assert later.map.position == SIZE
    with pytest.raises(NotFoundError):
        apply_recipe("other-end", Mapfile.new(0, 512, "-"))


def test_halve_gap_begins_in_the_middle(tmp_path):
    made = apply_recipe("halve-gap", DROPPED)
    # both gaps are 384 KiB: the first one counts
    assert (made.map.position, made.map.current_pass) == (320 * K, 1)
    assert made.target == RangeSet([(128 * K, 256 * K), (256 * K + 512, 512 * K)])
    heading, reads = first_pass(tmp_path, made.map)
    assert "Pass 1 (forwards)" in heading
    assert reads[0] == 320 * K
    with pytest.raises(NotFoundError):
        apply_recipe("halve-gap", Mapfile.new(0, 512, "+"))
    with pytest.raises(UsageError):
        apply_recipe("halve-gap", DROPPED, {"align": 0})
    odd = Mapfile.from_blocks([(0, 1, "+"), (1, 9, "/")])
    made = apply_recipe("halve-gap", odd, {"align": 1})
    assert made.map.position == 5
    assert any("4 B" in line and "before it" in line for line in made.explain)
    assert apply_recipe("halve-gap", odd, {"align": 4096}).map.position == 1


@pytest.mark.parametrize(
    "name", ["keep-finished", "beyond-first-failure", "retry-larger", "retry-smaller", "skip-culprit"]
)
def test_the_next_run_reads_exactly_the_target(tmp_path, name):
    values = {"retry-larger": {"size": 64 * K}, "retry-smaller": {"size": 65 * K}}.get(name, {})
    made = apply_recipe(name, DROPPED.with_status_line(900 * K, "?", 5), values)
    first_pass(tmp_path, made.map, "--no-trim", "--no-scrape")
    from engine.mapfile.parse import read_map

    after = read_map(tmp_path / "map")
    assert after.ranges("+") == DROPPED.ranges("+").union(made.target)


def test_only_areas():
    areas = RangeSet([(100 * K, 300 * K), (2 * SIZE, 3 * SIZE)])
    made = apply_recipe("only-files", DROPPED, {"areas": areas})
    assert made.domain == RangeSet.of(100 * K, 300 * K)
    assert made.target == RangeSet.of(128 * K, 300 * K)
    assert made.map.ranges("?").clip(128 * K, 300 * K) == made.target
    assert made.map.ranges("/") == RangeSet.of(300 * K, 512 * K)
    assert any("--domain-mapfile" in line for line in made.explain)
    with pytest.raises(NotFoundError):
        apply_recipe("only-metadata", DROPPED, {"areas": RangeSet.of(0, K)})
    parameter = find_recipe("only-files").parameters[0]
    assert parameter.parse("0+4K,1M-2M") == RangeSet([(0, 4096), (1 << 20, 2 << 20)])
    with pytest.raises(UsageError):
        parameter.parse("4K")


@pytest.mark.parametrize("seed", range(30))
def test_no_recipe_touches_finished_bytes_or_the_extent(seed):
    rng = random.Random(seed)
    map_ = random_map(rng, unit=512)
    for recipe in all_recipes():
        values = {"size": rng.randrange(1, 4000) * 512} if recipe.name.startswith("retry") else {}
        if recipe.name in ("skip-culprit", "other-end"):
            values["at"] = rng.randrange(map_.end)
        if recipe.name.startswith("only-"):
            start = rng.randrange(map_.end)
            values["areas"] = RangeSet([(start, start + rng.randrange(1, 1 << 20)), (0, 512)])
        try:
            made = apply_recipe(recipe.name, map_, values)
        except NotFoundError:
            continue
        assert made.map.ranges("+") == map_.ranges("+")
        assert (made.map.start, made.map.end) == (map_.start, map_.end)
        assert made.target or recipe.name == "skip-culprit"
        assert not made.target.subtract(made.map.ranges("?"))
        assert all(made.explain)
        assert sum(move.bytes for move in moves(map_, made.map) if move.loses) == 0


def test_wrong_values_are_refused():
    for name, values in (
        ("no-such", {}),
        ("retry-larger", {}),
        ("retry-larger", {"size": 0}),
        ("keep-finished", {"size": 5}),
        ("only-files", {}),
        ("skip-culprit", {"sectors": 0}),
        ("skip-culprit", {"sectors": "x"}),
    ):
        with pytest.raises(UsageError) as caught:
            apply_recipe(name, DROPPED, values)
        assert name in caught.value.message or values
    parameters = {parameter.name: parameter for parameter in find_recipe("skip-culprit").parameters}
    assert parameters["at"].parse("1M") == 1 << 20
    assert parameters["sectors"].parse("12") == 12
    assert parameters["sectors"].parse("9" * 18) == 10**18 - 1
    assert parameters["direction"].parse("backwards") == "backwards"
    for name, text in (("at", "x"), ("sectors", "-1"), ("sectors", "1M"), ("sectors", "9" * 19), ("direction", "up")):
        with pytest.raises(UsageError):
            parameters[name].parse(text)


def test_moves_tell_what_an_edit_does():
    before = Mapfile.from_blocks([(0, 10, "+"), (10, 10, "-"), (20, 10, "?")])
    after = before.set_range(5, 15, "?").extended(0, 40, "-")
    found = [(move.old, move.new, move.bytes, list(move.ranges)) for move in moves(before, after)]
    assert sorted(found) == [("", "-", 10, [(30, 40)]), ("+", "?", 5, [(5, 10)]), ("-", "?", 5, [(10, 15)])]
    assert moves(before, before) == ()
