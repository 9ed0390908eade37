from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mapfile.model import Mapfile
from engine.mapfile.status import CHARS, FINISHED
from engine.ranges import RangeSet
from engine.rescue.guard import compare, merge, repair

K = 65536


def blocks(*parts: tuple[int, str]) -> Mapfile:
    at, made = 0, []
    for size, status in parts:
        made.append((at, size, status))
        at += size
    return Mapfile.from_blocks(made)


def listed(known: Mapfile) -> list[tuple[int, str]]:
    return [(block.size, block.status) for block in known.merged()]


def test_a_silent_drop_in_one_run_goes_back_to_untried_but_for_the_suspect():
    before = Mapfile.new(0, 100 * K)
    after = blocks((30 * K, "+"), (512, "-"), (70 * K - 1024, "/"), (512, "-"))
    made = repair(before, after, size=100 * K, dropped=True)
    assert listed(made.map) == [(30 * K, "+"), (K, "*"), (69 * K, "?")]
    assert made.restored.total == 70 * K
    assert made.suspect == (30 * K, 31 * K)
    assert (made.map.position, made.map.phase, made.map.current_pass) == (0, "?", 1)
    assert made.reasons


def test_bad_sectors_found_before_the_last_good_read_are_believed():
    before = Mapfile.new(0, 100 * K)
    trusted = blocks((10 * K, "+"), (K, "*"), (9 * K, "+"), (80 * K, "?"))
    after = blocks((10 * K, "+"), (K, "*"), (20 * K, "+"), (69 * K, "*"))
    made = repair(before, after, size=100 * K, dropped=True, trusted=trusted)
    assert listed(made.map) == [(10 * K, "+"), (K, "*"), (20 * K, "+"), (K, "*"), (68 * K, "?")]


def test_backwards_the_suspect_lies_below_the_last_good_read():
    before = Mapfile.new(0, 100 * K)
    after = blocks((60 * K, "*"), (40 * K, "+"))
    made = repair(before, after, size=100 * K, dropped=True, direction="backwards")
    assert listed(made.map) == [(59 * K, "?"), (K, "*"), (40 * K, "+")]


def test_trimming_that_went_on_after_the_death_is_taken_back():
    before = blocks((10 * K, "+"), (K, "*"), (10 * K, "+"), (K, "*"), (10 * K, "+"))
    after = blocks(
        (10 * K, "+"), (512, "-"), (K - 1024, "/"), (512, "-"), (10 * K, "+"), (512, "-"), (K - 512, "/"), (10 * K, "+")
    )
    made = repair(before, after, size=32 * K, dropped=True)
    assert listed(made.map) == listed(before)
    assert made.suspect is None


def test_a_fatal_read_error_leaves_its_place_as_suspect():
    before = Mapfile.new(0, 100 * K)
    after = blocks((30 * K, "+"), (70 * K, "?")).with_status_line(30 * K, "?", 1)
    made = repair(before, after, size=100 * K, dropped=True, died_reading=True)
    assert made.suspect == (30 * K, 31 * K)
    assert repair(before, after, size=100 * K, dropped=True).suspect is None
    made = repair(before, after.with_status_line(100 * K, "?", 2), size=100 * K, dropped=True, died_reading=True,
                  direction="backwards")  # fmt: skip
    assert made.suspect == (99 * K, 100 * K)


def test_a_healthy_run_is_left_alone():
    before = Mapfile.new(0, 10 * K)
    after = blocks((5 * K, "+"), (512, "-"), (5 * K - 512, "+")).with_status_line(5 * K, "+", 1)
    made = repair(before, after, size=10 * K, dropped=False)
    assert made.map is after
    assert made.reasons == ()


def test_a_cut_map_gets_its_end_back_and_a_grown_one_is_cut():
    before = blocks((5 * K, "+"), (5 * K, "/"))
    cut = blocks((6 * K, "+"))
    assert listed(repair(before, cut, size=10 * K, dropped=True).map) == [(6 * K, "+"), (4 * K, "/")]
    grown = blocks((5 * K, "+"), ((1 << 63) - 1 - 5 * K, "?"))
    assert repair(before, grown, size=10 * K, dropped=True).map.end == 10 * K


def test_a_missing_map_is_replaced_by_the_last_whole_one():
    before, seen = Mapfile.new(0, 10 * K), blocks((5 * K, "+"), (5 * K, "?"))
    made = repair(before, None, size=10 * K, dropped=False, seen=seen)
    assert listed(made.map) == listed(seen)
    assert "unreadable" in made.reasons[0]
    assert listed(repair(before, None, size=10 * K, dropped=False).map) == listed(before)


@pytest.mark.parametrize("left", ["?", "*", "/", "-"])
@pytest.mark.parametrize("dropped", [False, True])
def test_a_map_of_a_single_block_is_guarded_too(left, dropped):
    before = Mapfile.new(0, 10 * K, "+")
    made = repair(before, Mapfile.new(0, 10 * K, left), size=10 * K, dropped=dropped)
    assert listed(made.map) == [(10 * K, "+")]
    assert any("put back" in reason for reason in made.reasons)
    assert made.suspect is None


def test_what_was_rescued_stays_also_beyond_the_size_that_is_told():
    """A drive that reports too little, or a map of another tool."""
    for before, after in (
        (blocks((10 * K, "+")), blocks((5 * K, "+"))),
        (blocks((5 * K, "+")), blocks((10 * K, "+"))),
        (blocks((5 * K, "+"), (K, "?"), (4 * K, "+")), blocks((5 * K, "+"), (5 * K, "?"))),
    ):
        made = repair(before, after, size=5 * K, dropped=True).map
        assert made.end == 10 * K
        assert made.ranges("+") == before.ranges("+").union(after.ranges("+"))
    cut = repair(blocks((5 * K, "+"), (5 * K, "?")), blocks((5 * K, "+"), (5 * K, "?")), size=7 * K, dropped=True).map
    assert cut.end == 7 * K


def test_without_a_good_read_the_suspect_is_sought_from_where_the_run_began():
    before = blocks((10 * K, "+"), (50 * K, "?")).with_status_line(0, "?", 1)
    failed = blocks((10 * K, "+"), (5 * K, "?"), (10 * K, "*"), (5 * K, "?"), (10 * K, "*"), (20 * K, "?"))
    for position, phase, direction, suspect in (
        (0, "?", "forwards", (15 * K, 16 * K)), (20 * K, "?", "forwards", (30 * K, 31 * K)),
        (20 * K, "-", "forwards", (15 * K, 16 * K)), (55 * K, "?", "forwards", (15 * K, 16 * K)),
        (0, "?", "backwards", (39 * K, 40 * K)), (60 * K, "?", "backwards", (39 * K, 40 * K)),
        (28 * K, "?", "backwards", (24 * K, 25 * K)), (25 * K, "?", "backwards", (24 * K, 25 * K)),
        (30 * K, "?", "forwards", (30 * K, 31 * K)),
    ):  # fmt: skip
        begun = before.with_status_line(position, phase, 1)
        made = repair(begun, failed, size=60 * K, dropped=True, direction=direction)
        assert made.suspect == suspect, (position, phase, direction)
        assert listed(made.map)[0] == (10 * K, "+")
        assert made.map.ranges("*") == RangeSet.of(*suspect)


def some_map(end: int = 40):
    return st.lists(st.sampled_from(CHARS), min_size=end, max_size=end).map(
        lambda states: Mapfile.from_blocks((i, 1, state) for i, state in enumerate(states)).merged()
    )


def codes(known: Mapfile, end: int = 40):
    return np.repeat(known.codes, np.diff(known.bounds))[:end]


@given(some_map(), some_map(), st.none() | some_map(), st.booleans(), st.sampled_from(["forwards", "backwards"]))
def test_never_worse(before, after, trusted, dropped, direction):
    """Nothing finished is ever lost, and after a drop nothing is newly failed but the suspect and what was trusted."""
    made = repair(before, after, size=40, dropped=dropped, trusted=trusted, direction=direction, cluster=3)
    result = codes(made.map)
    for one in (before, after):
        assert (result[codes(one) == FINISHED] == FINISHED).all()
    assert made.map.start == 0
    assert made.map.end == 40
    if dropped:
        believed = codes(trusted) if trusted is not None else codes(before)
        new = (result > 1) & (believed != result)
        allowed = np.zeros(40, bool)
        if made.suspect is not None:
            allowed[slice(*made.suspect)] = True
        assert (~new | allowed).all()
        assert allowed.sum() <= 3


@given(some_map(), some_map())
def test_merge_keeps_everything_that_was_ever_finished(one, two):
    result = codes(merge([one, two]))
    assert ((result == FINISHED) == ((codes(one) == FINISHED) | (codes(two) == FINISHED))).all()


def test_merge_of_nothing():
    with pytest.raises(ValueError, match="no map"):
        merge([])


def test_compare():
    change = compare(blocks((5, "+"), (5, "?")), blocks((4, "+"), (1, "?"), (3, "+"), (2, "*")))
    assert list(change.finished) == [(5, 8)]
    assert list(change.failed) == [(8, 10)]
    assert list(change.lost) == [(4, 5)]


def test_the_place_of_death_is_found_whatever_the_last_pass_did():
    # forwards until the drive died at 48 K clusters, then every later pass failed, backwards last
    before = Mapfile.new(0, 64 * K)
    after = blocks((48 * K, "+"), (K, "*"), (K, "?"), (13 * K, "*"), (K, "*"))
    for direction in ("forwards", "backwards"):
        made = repair(before, after, size=64 * K, dropped=True, direction=direction)
        assert made.suspect == (48 * K, 49 * K)


def test_of_several_bad_places_the_one_behind_the_last_good_read_is_the_suspect():
    before = Mapfile.new(0, 64 * K)
    after = blocks((10 * K, "+"), (K, "*"), (20 * K, "+"), (33 * K, "*"))
    assert repair(before, after, size=64 * K, dropped=True).suspect == (31 * K, 32 * K)
    after = blocks((33 * K, "*"), (20 * K, "+"), (K, "*"), (10 * K, "+"))
    made = repair(before, after, size=64 * K, dropped=True, direction="backwards")
    assert made.suspect == (32 * K, 33 * K)


def test_a_run_whose_first_read_killed_the_drive():
    before = blocks((30 * K, "+"), (34 * K, "?")).with_status_line(40 * K, "?", 1)
    after = blocks((30 * K, "+"), (34 * K, "*"))
    assert repair(before, after, size=64 * K, dropped=True).suspect == (30 * K, 31 * K)
    after = blocks((30 * K, "+"), (10 * K, "?"), (24 * K, "*"))
    assert repair(before, after, size=64 * K, dropped=True).suspect == (40 * K, 41 * K)
