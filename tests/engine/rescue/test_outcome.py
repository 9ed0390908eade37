from __future__ import annotations

import pytest

from engine.rescue.liveness import Alive, Liveness
from engine.rescue.outcome import Ending, classify

WELL = Liveness(Alive.YES)
DEAD = Liveness(Alive.NO, "EIO")
UNKNOWN = Liveness(Alive.UNKNOWN)
NAME = "ddrescue: /dev/sdx: "


@pytest.mark.parametrize(
    ("code", "stderr", "line", "ending"),
    [
        (0, "", "Finished", Ending.FINISHED),
        (0, "", "Nothing to do; domain is empty.", Ending.FINISHED),
        (-2, "", "Interrupted by user", Ending.STOPPED),
        (-15, "", "Interrupted by user", Ending.STOPPED),
        (-9, "", "", Ending.KILLED),
        (-11, "", "", Ending.KILLED),
        (1, "", "Too many read errors", Ending.LIMIT),
        (1, "", "Timeout expired", Ending.LIMIT),
        (1, "", "Too high error rate reading input file (65536 B/s)", Ending.LIMIT),
        (1, NAME + "Input file no longer returns data: Input/output error", "", Ending.SOURCE_GONE),
        (1, NAME + "Input file no longer returns data (errno=5): Input/output error", "", Ending.SOURCE_GONE),
        (1, NAME + "Input file returns inconsistent data.", "", Ending.SOURCE_LIES),
        (1, NAME + "Read error found before the first good read.", "", Ending.NO_GOOD_READ),
        (1, NAME + "Input file disappeared: No such file or directory", "", Ending.SOURCE_GONE),
        (1, NAME + "Fatal error reading the input file: No such device", "", Ending.SOURCE_GONE),
        (1, NAME + "Can't reopen input file: No such device or address", "", Ending.SOURCE_GONE),
        (1, NAME + "Can't open input file: No such device or address", "", Ending.SOURCE_GONE),
        (1, NAME + "Can't open input file: Permission denied", "", Ending.CANNOT_OPEN),
        (1, NAME + "Unaligned read error. Is sector size correct?", "", Ending.UNALIGNED),
        (1, "ddrescue: /img: Write error: No space left on device", "", Ending.NO_SPACE),
        (1, "ddrescue: /img: Write error: Input/output error", "", Ending.WRITE_ERROR),
        (1, "ddrescue: /map: Can't create mapfile: No space left on device", "", Ending.MAP_UNWRITABLE),
        (1, "ddrescue: /map: Error writing mapfile: No space left on device\n", "", Ending.MAP_UNWRITABLE),
        (2, "ddrescue: /map: Error in mapfile, line 9: x", "", Ending.MAP_MALFORMED),
        (1, NAME + "Rescued data in mapfile goes past end of input file.", "", Ending.SOURCE_SIZE),
        (3, "ddrescue: internal error: x", "", Ending.BUG),
        (1, "something new", "", Ending.FAILED),
        (1, "", "", Ending.FAILED),
    ],
)
def test_endings_of_a_drive_that_answers(code, stderr, line, ending):
    found = classify(code, stderr, line, stop_requested=code == -2, liveness=WELL)
    assert found.ending is ending
    assert found.message
    assert found.full


def test_finished_proves_nothing():
    found = classify(0, "", "Finished", stop_requested=False, liveness=DEAD)
    assert found.ending is Ending.SOURCE_GONE
    assert "although" in found.message
    assert found.dropped


def test_unaligned_reads_of_a_drive_that_is_gone():
    stderr = NAME + "Unaligned read error. Is sector size correct?"
    assert classify(1, stderr, "", stop_requested=False, liveness=DEAD).ending is Ending.SOURCE_GONE


def test_another_content_is_not_trusted():
    found = classify(0, "", "Finished", stop_requested=False, liveness=Liveness(Alive.OTHER, "4096 bytes differ"))
    assert found.ending is Ending.SOURCE_LIES
    assert found.dropped


def test_a_sign_of_death_counts_only_where_nobody_knows_better():
    for liveness, ending in ((UNKNOWN, Ending.SOURCE_GONE), (WELL, Ending.FINISHED)):
        found = classify(0, "", "Finished", stop_requested=False, liveness=liveness, dead_during_run="offline")
        assert found.ending is ending


def test_a_settled_complaint_about_the_map_does_not_count_after_a_clean_stop():
    stderr = "ddrescue: /map: Error writing mapfile: No space left on device\nFix the problem and press ENTER to retry,"
    assert classify(-2, stderr, "", stop_requested=True, liveness=WELL).ending is Ending.STOPPED


def test_what_it_says_is_safe_for_a_screen():
    found = classify(1, "ddrescue: \x1b[2J\x07evil", "", stop_requested=False, liveness=WELL)
    assert "\x1b" not in found.full
