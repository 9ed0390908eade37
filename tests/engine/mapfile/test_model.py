"""The model against brute force: a map of few bytes as a string of status characters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.mapfile.model import Comment, Mapfile, Runs, measure
from engine.mapfile.status import CHARS, MAX_POSITION, NAMES, chars_of, flags_of
from engine.ranges import RangeSet
from tests.engine.mapfile.helpers import paint

pieces = st.lists(st.tuples(st.integers(1, 9), st.sampled_from(CHARS)), min_size=1, max_size=10)


def build(parts: list[tuple[int, str]], start: int = 0) -> Mapfile:
    blocks, at = [], start
    for size, status in parts:
        blocks.append((at, size, status))
        at += size
    return Mapfile.from_blocks(blocks)


def brute_totals(map_: Mapfile) -> tuple[dict[str, int], dict[str, int]]:
    text = paint(map_)
    areas = dict.fromkeys(CHARS, 0)
    for at, char in enumerate(text):
        if at == 0 or text[at - 1] != char:
            areas[char] += 1
    return {char: text.count(char) for char in CHARS}, areas


def check_totals(map_: Mapfile) -> None:
    amounts, areas = brute_totals(map_)
    totals = map_.totals()
    assert dict(zip(CHARS, totals.bytes, strict=True)) == amounts
    assert dict(zip(CHARS, totals.areas, strict=True)) == areas


@given(pieces, st.integers(0, 20))
def test_looking(parts, start):
    map_ = build(parts, start)
    text = paint(map_)
    check_totals(map_)
    assert [map_.status_at(start + at) for at in range(len(text))] == list(text)
    assert map_.status_at(start - 1) is None
    assert map_.status_at(map_.end) is None
    assert [map_.block(index) for index in range(len(map_))] == list(map_)
    merged = map_.merged()
    assert paint(merged) == text
    assert all(one.status != two.status for one, two in zip(merged, list(merged)[1:], strict=False))
    assert map_.same_blocks(merged)
    for statuses in ("+", "?*", "*/-", "+?*/-"):
        found = map_.ranges(statuses)
        everywhere = range(map_.end + 1)
        assert [at in found for at in everywhere] == [(map_.status_at(at) or "x") in statuses for at in everywhere]


@given(pieces, st.integers(0, 5), st.data())
def test_a_range_edit_and_its_undo(parts, start, data):
    map_ = build(parts, start)
    if data.draw(st.booleans()):
        map_.totals()
    low = data.draw(st.integers(map_.start, map_.end - 1))
    high = data.draw(st.integers(low + 1, map_.end))
    status = data.draw(st.sampled_from(CHARS))
    cropped, around = map_.runs(low, high), map_.runs_around(low, high)
    edited = map_.set_range(low, high, status)
    text = paint(map_)
    assert paint(edited) == text[: low - start] + status * (high - low) + text[high - start :]
    assert (edited.start, edited.end) == (map_.start, map_.end)
    assert edited.totals() == measure(edited.bounds, edited.codes)
    check_totals(edited)
    exact = edited.put(around, merge=False)
    assert exact == map_
    assert exact.totals() == map_.totals()
    assert edited.put(cropped).same_blocks(map_)
    # the map that was edited is still the same
    assert paint(map_) == text


@given(pieces, pieces, st.data())
def test_put_runs_of_several_blocks(parts, other, data):
    map_ = build(parts)
    map_.totals()
    piece = build(other)
    low = data.draw(st.integers(0, 3))
    if low + piece.end > map_.end:
        with pytest.raises(UsageError):
            map_.put(Runs(piece.bounds + low, piece.codes))
        return
    made = map_.put(Runs(piece.bounds + low, piece.codes))
    text = paint(map_)
    assert paint(made) == text[:low] + paint(piece) + text[low + piece.end :]
    check_totals(made)


@given(pieces, st.integers(0, 9), st.integers(0, 99), st.integers(0, 99))
def test_clip_and_extend(parts, start, one, two):
    map_ = build(parts, start)
    low, high = min(one, two), max(one, two)
    clipped = map_.clipped(low, high)
    assert paint(clipped) == paint(map_)[max(0, low - start) : max(0, high - start)]
    grown = map_.extended(low, high, "?")
    assert paint(grown) == "?" * max(0, start - low) + paint(map_) + "?" * max(0, high - map_.end)
    assert grown.start == min(low, start)


def test_holes_are_all_that_was_not_read():
    map_ = Mapfile.from_blocks([(10, 10, "+"), (20, 10, "-"), (30, 10, "+")])
    assert list(map_.holes(0, 50)) == [(0, 10), (20, 30), (40, 50)]
    assert map_.ranges("+", 15, 35) == RangeSet([(15, 20), (30, 35)])
    assert list(Mapfile.new(0, 0).holes(0, 5)) == [(0, 5)]


def test_totals_are_exact_beyond_two_to_the_53():
    map_ = Mapfile.from_blocks([(0, (1 << 62) + 1, "+"), ((1 << 62) + 1, 1, "-"), ((1 << 62) + 2, (1 << 61) + 1, "+")])
    assert map_.totals().finished == (1 << 62) + (1 << 61) + 2
    assert map_.totals().as_dict()["areas"] == dict(zip(NAMES, (2, 0, 0, 0, 1), strict=True))
    assert map_.set_range(5, 6, "?").totals().finished == (1 << 62) + (1 << 61) + 1


def test_open_end():
    map_ = Mapfile.new(0, MAX_POSITION)
    assert map_.open_ended
    assert map_.set_range(MAX_POSITION - 1, MAX_POSITION, "+").totals().finished == 1


def test_maps_cannot_be_changed():
    map_ = Mapfile.new(0, 10)
    with pytest.raises(ValueError):
        map_.bounds[0] = 5
    with pytest.raises(ValueError):
        map_.codes[0] = 1
    with pytest.raises(AttributeError):
        map_.position = 3  # type: ignore[misc]


def test_equality():
    one = Mapfile.from_blocks([(0, 5, "+"), (5, 5, "+")])
    assert one == Mapfile.from_blocks([(0, 5, "+"), (5, 5, "+")])
    assert one != Mapfile.new(0, 10, "+")
    assert one.same_blocks(Mapfile.new(0, 10, "+"))
    assert one != one.with_status_line(position=1)
    assert one != "text"
    assert one.with_status_line() is one


def test_what_is_refused():
    map_ = Mapfile.new(10, 20)
    for start, end in ((0, 15), (15, 25), (30, 40)):
        with pytest.raises(UsageError) as caught:
            map_.set_range(start, end, "+")
        assert caught.value.code == "outside-map"
    for bad in ("x", "", "++", "F"):
        with pytest.raises(UsageError):
            map_.set_range(10, 11, bad)
    with pytest.raises(UsageError):
        Mapfile.new(5, 1)
    with pytest.raises(UsageError):
        Mapfile.from_blocks([(0, 5, "+"), (6, 5, "+")])
    with pytest.raises(UsageError):
        Mapfile.from_blocks([(0, 0, "+")])
    for line in (
        {"position": -1}, {"phase": "a"}, {"phase": "1"}, {"current_pass": 0}, {"position": 1 << 63},
        {"current_pass": 1 << 31},
    ):  # fmt: skip
        with pytest.raises(UsageError):
            map_.with_status_line(**line)
    last = map_.with_status_line(position=MAX_POSITION, current_pass=(1 << 31) - 1)
    assert (last.position, last.current_pass) == (MAX_POSITION, (1 << 31) - 1)
    with pytest.raises(IndexError):
        map_.block(1)
    with pytest.raises(ValueError):
        Mapfile(np.zeros(1, np.int64), np.zeros(1, np.uint8))


def test_comments_stay_before_their_blocks():
    map_ = Mapfile.from_blocks([(0, 10, "+"), (10, 10, "-"), (20, 10, "+")])
    map_ = Mapfile(
        map_.bounds,
        map_.codes,
        comments=(Comment(-1, b"# head"), Comment(1, b"# culprit"), Comment(2, b"# good again"), Comment(3, b"# end")),
    )
    split = map_.set_range(2, 4, "*")
    assert split.comments == (
        Comment(-1, b"# head"),
        Comment(3, b"# culprit"),
        Comment(4, b"# good again"),
        Comment(5, b"# end"),
    )
    joined = map_.set_range(10, 20, "+")
    assert [comment.text for comment in joined.comments] == [b"# head", b"# culprit", b"# good again", b"# end"]
    assert all(comment.before <= len(joined) for comment in joined.comments)


def test_sets_of_statuses_as_one_byte_and_back():
    sets = ["", "+", "?-", "*/", "+?*/-"]
    assert [set(chars_of(flags_of(chars))) for chars in sets] == [set(chars) for chars in sets]
    assert chars_of(flags_of("-/*?+")) == CHARS
    assert len({flags_of(char) for char in CHARS}) == 5


def test_unknown_phase_is_named_so():
    assert Mapfile.new(0, 5).with_status_line(phase="S").phase_name == "unknown"
    assert Mapfile.new(0, 5).with_status_line(phase="*").phase_name == "trimming"
