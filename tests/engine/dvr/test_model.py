"""The words and sums of titles: nothing that is missing may be called nothing, and nothing whole missing."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from engine.dvr.model import Extent, Gap, Missing, Part, Stretch, TimeMap, Title
from engine.dvr.timing import clock_words, plausible, taken_words
from engine.ranges import RangeSet

MIB = 1 << 20


@pytest.mark.parametrize(
    ("missing", "size", "words"),
    [
        (Missing(), 0, "-"),
        (Missing(gaps=(Gap(0, MIB), Gap(3 * MIB, 4 * MIB + MIB // 2))), 5 * MIB // 2, "2.5 MiB"),
        (Missing(unplaced=MIB), MIB, "1.0 MiB"),
        (Missing(gaps=(Gap(5, 5 + MIB),), unplaced=MIB), 2 * MIB, "2.0 MiB"),
        (Missing(unknown=True), 0, "unknown"),
        (Missing(unplaced=MIB, unknown=True), MIB, "over 1.0 MiB"),
    ],
)
def test_how_much_is_missing(missing, size, words):
    assert (missing.bytes, missing.amount, bool(missing)) == (size, words, words != "-")
    assert Title("1", missing=missing).incomplete == (missing.unplaced > 0 or missing.unknown)


def test_a_single_byte_without_a_place_makes_a_title_incomplete():
    assert Title("1", missing=Missing(unplaced=1)).incomplete
    assert not Title("1", missing=Missing(gaps=(Gap(0, 1),))).incomplete, "unread is not the same as without a place"


def test_a_title_is_the_sum_of_its_parts():
    one = Part("one", (Extent(100, 10), Extent(None, 5)))
    two = Part("two", (Extent(105, 20), Extent(400, 1)), unplaced=7)
    title = Title("7", parts=(one, two))
    assert (one.size, two.size, title.size) == (15, 21, 36)
    assert title.extents == (*one.extents, *two.extents)
    assert title.ranges == RangeSet([(100, 125), (400, 401)]), "a gap is nowhere, and what is shared counts once"
    assert title.duration_s is None
    assert title.missing.seconds == 0.0


def test_how_a_title_is_called():
    date = datetime(2008, 5, 17, 20, 5)  # noqa: DTZ001
    assert Title("7", "News", recorded_at=date).shown_name == "News"
    assert Title("7", recorded_at=date).shown_name == "2008-05-17 20:05"
    assert Title("7", kind="file").shown_name == "file 7"


def test_times_between_two_points_run_evenly():
    times = TimeMap(np.array([0, 1000, 3000]), np.array([0.0, 5.0, 7.0]))
    assert [times.at(at) for at in (0, 500, 1000, 2000, 3000, 9000)] == [0.0, 2.5, 5.0, 6.0, 7.0, 7.0]
    assert Stretch("1", "x", 2.5, 10.0).length_s == 7.5


def test_lengths_that_a_stream_can_have():
    """Between 0.2 and 11 Mbit/s, with two seconds and 64 packs of grace for what is short."""
    assert plausible(25_000 * 60, 60.0)
    assert not plausible(25_000 * 60 - 1, 60.0)
    most = int(62 * 11_000_000 / 8) + 64 * 2048
    assert plausible(most, 60.0)
    assert not plausible(most + 1, 60.0)
    assert plausible(2048, 0.0)


def test_what_was_taken_out_in_words():
    assert taken_words([(600.0, 130.0), (60.0, None), (None, 5.0), (1.0, 3.0)]) == (
        "0:02:10 taken out at 0:10:00, 0:00:05 taken out, 0:00:03 taken out"
    )
    assert taken_words([(1.0, None)]) == ""
    many = taken_words([(3600.0, 1.0)] * 6)
    assert many.endswith("0:00:01 taken out at 4:00:00 and at 2 more places")
    assert taken_words([(1.0, 1.0)] * 4).count("taken") == 4
    assert [clock_words(seconds) for seconds in (0, 59.6, 3599.4, 3723)] == ["0:00:00", "0:01:00", "0:59:59", "1:02:03"]
