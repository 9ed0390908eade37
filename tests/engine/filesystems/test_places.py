"""Runs to places, places against holes: by rule and by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.filesystems.join import below, missing, touched
from engine.filesystems.places import GAP, LOST, Piece, place, place_compressed
from engine.filesystems.reader import Stream
from engine.ranges import RangeSet

B = 512


def stream(size, *runs, flags=3):
    return Stream(128, 1, "", size, flags, tuple(runs))


def test_plain_pieces_gaps_and_slack():
    placed = place(stream(2000, (0, 10, 2, 0), (2, 0, 1, 2), (3, 50, 3, 0)), B)
    assert placed.pieces == (
        Piece(0, 1024, 10 * B, 1024), Piece(1024, 512, GAP, 512), Piece(1536, 464, 50 * B, 464),
    )  # fmt: skip
    assert placed.slack == ((50 * B + 464, 3 * B - 464),)
    assert placed.lost == 0


def test_runs_that_follow_each_other_are_one_piece():
    assert place(stream(1536, (0, 10, 1, 0), (1, 11, 2, 0)), B).pieces == (Piece(0, 1536, 5120, 1536),)


@pytest.mark.parametrize(
    ("runs", "lost"),
    [
        ((), 2000),
        (((0, 10, 1, 0),), 2000 - 512),
        (((1, 10, 3, 0),), 512),
        (((0, 0, 4, 1),), 2000),
        (((0, 10, 1, 0), (3, 20, 1, 0)), 1024),
    ],
)
def test_what_no_run_tells_is_lost(runs, lost):
    assert place(stream(2000, *runs), B).lost == lost


def test_unlisted_may_be_gaps_and_gaps_may_be_doubted():
    runs = ((0, 10, 1, 0), (1, 0, 1, 2))
    assert place(stream(2000, *runs), B, unlisted=GAP).lost == 0
    assert place(stream(2000, *runs), B, unlisted=GAP, gaps_lost=True).lost == 2000 - 512


def test_initialised_size_ends_the_content():
    placed = place(stream(2000, (0, 10, 4, 0)), B, valid=600)
    assert placed.pieces == (Piece(0, 600, 5120, 600), Piece(600, 1400, GAP, 1400))
    assert placed.slack == ((5720, 2048 - 600),)


@given(
    st.integers(0, 6000),
    st.lists(st.tuples(st.integers(-2, 12), st.integers(-3, 60), st.integers(-1, 6), st.integers(0, 3)), max_size=8),
    st.none() | st.integers(0, 6000),
)
@settings(max_examples=300, deadline=None)
def test_pieces_cover_the_file_whatever_the_runs(size, runs, valid):
    placed = place(stream(size, *runs), B, valid=valid)
    at = 0
    for piece in placed.pieces:
        assert piece.position == at and piece.span > 0 and piece.span == piece.size
        assert piece.start >= 0 or piece.start in (GAP, LOST)
        at += piece.span
    assert at == size


def test_compressed_units_hang_together():
    runs = ((0, 100, 3, 0), (3, 0, 13, 2), (16, 0, 16, 2), (32, 200, 8, 0))
    placed = place_compressed(stream(40 * B, *runs, flags=35), B)
    assert placed.packed
    assert placed.pieces == (
        Piece(0, 16 * B, 100 * B, 3 * B), Piece(16 * B, 16 * B, GAP, 16 * B), Piece(32 * B, 8 * B, 200 * B, 8 * B),
    )  # fmt: skip


ranges = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 25)), max_size=10).map(
    lambda pairs: RangeSet((start, start + size) for start, size in pairs)
)
places = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40)), min_size=1, max_size=20)


@given(places, ranges)
@settings(max_examples=300, deadline=None)
def test_join_equals_brute_force(pairs, holes):
    pairs.sort()
    starts, sizes = np.array(pairs, np.int64).T
    truth = [sum(position in holes for position in range(start, start + size)) for start, size in pairs]
    assert missing(starts, sizes, holes).tolist() == truth
    found = set(touched(starts, np.maximum.accumulate(starts + sizes), holes).tolist()) if holes else set()
    assert {number for number, lack in enumerate(truth) if lack} <= found
    assert below(holes, np.array([0, 300])).tolist() == [0, holes.total]
