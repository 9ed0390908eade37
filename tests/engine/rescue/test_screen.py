from __future__ import annotations

import pytest

from engine.rescue.screen import ScreenParser, parse_size, parse_time

FRAME = (
    b"     ipos:   21168 kB, non-trimmed:    65536 B,  current rate:  21037 kB/s\n"
    b"     opos:   21168 kB, non-scraped:        0 B,  average rate:  20 MB/s\n"
    b"non-tried:   20840 kB,  bad-sector:      512 B,    error rate:   65536 B/s\n"
    b"  rescued:   21037 kB,   bad areas:        1,        run time:      2m  3s\n"
    b"pct rescued:   50.15%, read errors:        1,  remaining time:         n/a\n"
    b" slow reads:        5,        time since last successful read:     1h  1m\n"
    b"\rCopying non-tried blocks... Pass 1 (forwards)"
)
START = b"GNU ddrescue 1.27\nPress Ctrl-C to interrupt\n\n\n\n\n\n\n\r" + b"\x1b[A" * 6


def test_a_frame():
    parser = ScreenParser()
    parser.feed(START + FRAME)
    seen = parser.screen
    assert (seen.ipos, seen.opos, seen.non_tried, seen.rescued) == (21168000, 21168000, 20840000, 21037000)
    assert (seen.non_trimmed, seen.non_scraped, seen.bad_sector, seen.bad_areas) == (65536, 0, 512, 1)
    assert (seen.current_rate, seen.average_rate, seen.error_rate) == (21037000, 20000000, 65536)
    assert (seen.read_errors, seen.slow_reads) == (1, 5)
    assert (seen.run_time, seen.remaining_time, seen.since_good_read) == (123, None, 3660)
    assert (seen.phase, seen.pass_number, seen.direction) == ("copying", 1, "forwards")
    assert seen.refreshes == 1


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
def test_pieces_of_any_size_give_the_same(step):
    whole, pieces = ScreenParser(), ScreenParser()
    stream = START + FRAME + b"\r" + b"\x1b[A" * 6 + FRAME.replace(b"21168", b"30000") + b"\r\nFinished      \n"
    whole.feed(stream)
    for at in range(0, len(stream), step):
        pieces.feed(stream[at : at + step])
    assert pieces.screen == whole.screen
    assert whole.screen.ending == "Finished"
    assert whole.screen.refreshes == 2
    assert whole.screen.ipos == 30000000


@pytest.mark.parametrize(
    ("line", "phase", "number", "way"),
    [
        ("Copying non-tried blocks... Pass 2 (backwards)", "copying", 2, "backwards"),
        ("Trimming failed blocks... (forwards)", "trimming", None, "forwards"),
        ("Scraping failed blocks... (forwards)      ", "scraping", None, "forwards"),
        ("Retrying bad sectors... Retry 3 (backwards)", "retrying", 3, "backwards"),
        ("Sweeping skipped blocks... (forwards)", "sweeping", None, "forwards"),
        ("Filling blocks...", "filling", None, ""),
        ("Generating mapfile...", "generating", None, ""),
    ],
)
def test_phases(line, phase, number, way):
    parser = ScreenParser()
    parser.feed(b"\r" + line.encode())
    seen = parser.screen
    assert (seen.phase, seen.pass_number, seen.direction) == (phase, number, way)


def test_bytes_of_the_disk_in_the_preview_are_never_figures():
    preview = (
        b"Data preview:\n"
        b"00007E0000  69 70 6F 73 3A 20 39 20  42 20 20 20 20 20 20 20  ipos: 9 B,       \n"
        b"00007E0010  46 69 6E 69 73 68 65 64  20 20 20 20 20 20 20 20  Finished         \n"
    )
    parser = ScreenParser()
    parser.feed(START + FRAME + b"\r" + preview)
    assert parser.screen.ipos == 21168000
    assert parser.screen.ending == ""


def test_control_characters_do_not_get_into_messages():
    parser = ScreenParser()
    parser.feed(b"\rCopying non-tried blocks... Pass 1 (forwards)\nToo many read errors \x1b]0;x\x07\n")
    assert "\x1b" not in parser.screen.ending


def test_endless_output_without_lines_does_not_grow():
    parser = ScreenParser()
    for _ in range(100):
        parser.feed(b"x" * 10000)
    assert len(parser._tail) < 1 << 17


def test_numbers_that_are_none():
    parser = ScreenParser()
    for value in ("²", "٣²", "9" * 5000, "9" * 5000 + " kB", "9" * 5000 + "s"):
        parser.feed(f"read errors: {value}, run time: {value}\n ipos: {value}, rescued: {value}\n".encode())


def test_sizes_and_times():
    assert parse_size("0 B") == 0
    assert parse_size("12 MiB") == 12 << 20
    assert parse_size("1665 MB/s") == 1665000000
    assert parse_size("n/a") is None
    assert parse_time("10h 10m") == 36600
    assert parse_time("3d  4h") == 3 * 86400 + 4 * 3600
    assert parse_time("n/a") is None
