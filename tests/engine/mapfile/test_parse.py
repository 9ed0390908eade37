"""The strict reader: ddrescue's rules one by one, and against ddrescuelog on random oddities."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from engine.errors import DamagedError, OutsideError, RescueError
from engine.mapfile.model import Comment, Mapfile
from engine.mapfile.parse import MAX_FILE, parse_map, read_map
from engine.mapfile.status import MAX_POSITION
from engine.mapfile.write import render_blocks, render_map
from tests.engine.mapfile.helpers import body, ddrescuelog, random_map
from tests.support import needs_tool

REAL = b"""# Mapfile. Created by GNU ddrescue version 1.27
# Command line: ddrescue -d -n /dev/sdb sdb.img sdb.map
# Start time:   2026-11-21 11:10:24
# Current time: 2026-11-21 11:10:25
# Copying non-tried blocks... Pass 1 (forwards)
# current_pos  current_status  current_pass
0x03C20000     ?               1
#      pos        size  status
0x00000000  0x03C00000  +
0x03C00000  0x00010000  *
0x03C10000  0x0C3F0000  ?
"""


def blocks(list_: bytes, status: bytes = b"0 ?\n") -> list[tuple[int, int, str]]:
    return [tuple(block) for block in parse_map(status + list_)]


def test_a_real_map():
    map_ = parse_map(REAL)
    assert (map_.position, map_.phase, map_.current_pass) == (0x3C20000, "?", 1)
    assert list(map_) == [(0, 0x3C00000, "+"), (0x3C00000, 0x10000, "*"), (0x3C10000, 0xC3F0000, "?")]
    assert map_.raw == REAL
    assert [comment.text.split()[1] for comment in map_.comments] == [
        b"Mapfile.",
        b"Command",
        b"Start",
        b"Current",
        b"Copying",
    ]
    assert all(comment.before == -1 for comment in map_.comments)


@pytest.mark.parametrize(
    ("line", "block"),
    [
        (b"0 4096 +", (0, 4096, "+")),
        (b"\t 0\t4096\t+", (0, 4096, "+")),
        (b"0 4096+", (0, 4096, "+")),
        (b"0x10 0X1f ?", (16, 31, "?")),
        (b"010 020 /", (8, 16, "/")),
        (b"+0 +5 -", (0, 5, "-")),
        (b"-0 5 -", (0, 5, "-")),
        (b"5+3 ?", (5, 3, "?")),
        (b"08 +", (0, 8, "+")),
        (b"0x 5 +", (0, 5, "+")),
        (b"0 4096 + hello", (0, 4096, "+")),
        (b"0 4096 +++", (0, 4096, "+")),
        (b"0 4096 +#c", (0, 4096, "+")),
        (b"0 4096 + # c", (0, 4096, "+")),
        (b"0 4096 + 4096 4096 ?", (0, 4096, "+")),
        (b"0 4096 +\r", (0, 4096, "+")),
        (b"0 5\v+", (0, 5, "+")),
        (b"0 5 +\0junk", (0, 5, "+")),
        (b"0" * 40 + b" 5 +", (0, 5, "+")),
        (b"0 5" + b" " * 123 + b"+", (0, 5, "+")),
        (b" " * 500 + b"0 5 +", (0, 5, "+")),
        (b"0 5 + #" + b"x" * 5000, (0, 5, "+")),
        (b"0 0xFFFFFFFFFFFFFFFF ?", (0, MAX_POSITION, "?")),
        (b"0 100000000000000000000000 ?", (0, MAX_POSITION, "?")),
        (b"9223372036854775800 50 ?", (9223372036854775800, 7, "?")),
        (b"0 0 ?", (0, 0, "?")),
        (b"0 0x+", (0, 0, "+")),
    ],
)
def test_what_the_reader_accepts(line, block):
    assert blocks(line + b"\n") == [block]
    assert blocks(line) == [block]


@pytest.mark.parametrize(
    "line",
    [
        b"0xg 5 +",
        b"0 08 +",
        b"0b1 5 +",
        b"- 5 +",
        b"0 0x5g +",
        b"0 5 # +",
        b"0 5# +",
        b"0 4Ki +",
        b"0 1_0 +",
        b"0,5 5 +",
        b"0 5",
        b"0 5 x",
        b"0 5 F",
        b"-1 5 +",
        b"0 -5 +",
        b"5 0 +",
        b"0 5\0 +",
        b"125+",
        b"\xef\xbb\xbf0 5 +",
        b"0\xa05 +",
        b"0 5" + b" " * 124 + b"+",
        b"\0",
        b"0 ? 1",
        b"9223372036854775807 0 ?",
    ],
)
def test_what_the_reader_refuses(line):
    with pytest.raises(DamagedError) as caught:
        parse_map(b"# c\n0 ? 1\n\n" + line + b"\n0 5 +\n")
    assert (caught.value.code, caught.value.line) == ("malformed-map", 4)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"0 ?", (0, "?", 1)),
        (b"7 + 3", (7, "+", 3)),
        (b"0x10 F 2", (16, "F", 2)),
        (b"0 G", (0, "G", 1)),
        (b"0 - - 3", (0, "-", 1)),
        (b"0 ? one", (0, "?", 1)),
        (b"0?2", (0, "?", 2)),
        (b"0 ? +3x", (0, "?", 3)),
        (b"0 ? 99999999999", (0, "?", 1215752191)),
        (b"0 ? 4294967297", (0, "?", 1)),
        (b"0 *4", (0, "*", 4)),
        (b"0 / 5 6", (0, "/", 5)),
        (b"0 ?\t#c", (0, "?", 1)),
        (b"0 S 1", (0, "S", 1)),
        (b"0 ~", (0, "~", 1)),
    ],
)
def test_status_lines(line, status):
    map_ = parse_map(line + b"\n0 5 +\n")
    assert (map_.position, map_.phase, map_.current_pass) == status


@pytest.mark.parametrize(
    "line",
    [
        b"0 ? 0",
        b"0 ? -1",
        b"0 ? 0x2",
        b"0 ? 4294967296",
        b"0 ? 99999999999999999999999",
        b"0 ? -9223372041149743099",
        b"0",
        b"0 a 1",
        b"? 0 1",
        b"-5 ? 1",
        b"0 #?",
        b"0 5 +",
        b"0 S one two",
        b"0 (c) 2020",
    ],
)
def test_bad_status_lines(line):
    with pytest.raises(DamagedError) as caught:
        parse_map(b"\n\n# c\n" + line + b"\n0 5 +\n")
    assert (caught.value.code, caught.value.line) == ("malformed-map", 4)


@pytest.mark.parametrize(
    ("list_", "line", "words"),
    [
        (b"0 5 +\n8 5 -\n", 3, "gap of 3 bytes"),
        (b"0 5 +\n3 5 +\n", 3, "overlaps"),
        (b"0 5 +\n\n#\n9 5 -\nbad", 5, "gap"),
        (b"0 5 +\nbad\n90 5 -\n", 3, "bad block"),
        (b"0 5 +\n0 5 +\n", 3, "overlaps"),
    ],
)
def test_the_first_error_in_the_file_is_told(list_, line, words):
    with pytest.raises(DamagedError) as caught:
        parse_map(b"0 ?\n" + list_, path="x.map")
    assert caught.value.line == line
    assert words in str(caught.value)
    assert "x.map" in str(caught.value)


def test_files_without_blocks():
    for data in (b"", b"\n\n", b"# only\n  # comments", b"0x0 ? 1\n", b"0 ? 1\r0 5 +\r"):
        map_ = parse_map(data)
        assert (len(map_), map_.start, map_.end) == (0, 0, 0)
        assert (map_.position, map_.phase, map_.current_pass) == (0, "?", 1)
        assert render_map(map_) == data


def test_empty_blocks_are_kept_and_dropped_by_joining():
    map_ = parse_map(b"0 ?\n0 0 ?\n0 0 +\n0 5 -\n")
    assert list(map_) == [(0, 0, "?"), (0, 0, "+"), (0, 5, "-")]
    assert list(map_.merged()) == [(0, 5, "-")]
    assert map_.totals().areas == (0, 0, 0, 0, 1)


@pytest.mark.parametrize(
    "text", [b"Dear colleague,\nthe drive clicks.\n", b"\x7fELF\0\0", b"42 bananas", b"0 ? 1\nhello\n", b"{}"]
)
def test_other_texts_are_no_maps(text):
    with pytest.raises(DamagedError) as caught:
        parse_map(text)
    assert caught.value.code == "not-a-map"


def test_comments_inside_the_list():
    map_ = parse_map(b"# a\n0 ?\n#      pos        size  status\n0 5 +\n# before two\n5 5 - # on two\n#end")
    assert map_.comments == (
        Comment(-1, b"# a"),
        Comment(1, b"# before two"),
        Comment(1, b"# on two"),
        Comment(2, b"#end"),
    )


def odd_text(rng: random.Random) -> bytes:
    """A text that is nearly a map: every number form, blanks, comments and rubbish in all places."""
    odd = rng.choice([0, 0, 0.02, 0.1])
    numbers = [
        b"0",
        b"0x",
        b"010",
        b"08",
        b"0xfg",
        b"+7",
        b"-3",
        b"9223372036854775807",
        b"0xFFFFFFFFFFFFFFFF",
        b"4Ki",
        b"0b1",
        b"0x8000000000000000",
        b"99999999999999999999999",
    ]

    def blank() -> bytes:
        return (
            rng.choice([b" ", b"\t", b"\r", b"\v", b"\f", b"", b" " * 130, b" " * 60, b"\xa0"])
            if rng.random() < 0.1
            else b" "
        )

    def number(value: int) -> bytes:
        if rng.random() < odd:
            return rng.choice(numbers)
        return rng.choice([b"%d", b"0x%X", b"0x%08X", b"0%o", b"+%d", b"0X%x"]) % value

    lines = [rng.choice([b"# c", b"", b"  # x y", b"\t", b"#"]) for _ in range(rng.randrange(3))]
    phases = [b"?", b"+", b"F", b"G", b"*", b"/", b"-"] + ([b"a", b""] if odd else [])
    passes = [b"", b" 1", b"\t2", b" x", b" 3x", b" 99999999999", b" 5 6", b"4"] + (
        [b" 0", b" -1", b" 0x2"] if odd else []
    )
    lines.append(number(rng.randrange(1000)) + blank() + rng.choice(phases) + rng.choice(passes))
    at = rng.choice([0, 0, 0, 512, 0x123456789])
    for _ in range(rng.randrange(8)):
        size = rng.choice([1, 512, 4096, 0x12345, 1 << 33, rng.randrange(1, 1 << 40)])
        status = (
            rng.choice([b"x", b"#", b"+#", b"", b"?1", b"\0", b"++"])
            if rng.random() < odd
            else rng.choice([b"?", b"*", b"/", b"-", b"+"])
        )
        tail = rng.choice([b" # note", b" junk", b"#x", b"\r", b" ", b"\0zz"]) if rng.random() < 0.1 else b""
        lines.append(
            rng.choice([b"", b"", b"", b" ", b"\t", b"\r"])
            + number(at)
            + blank()
            + number(size)
            + blank()
            + status
            + tail
        )
        at += size + (rng.choice([-1, 1, 512]) if rng.random() < odd else 0)
        if rng.random() < 0.1:
            lines.append(rng.choice([b"# mid", b"", b"  "]))
    data = rng.choice([b"\n", b"\n", b"\r\n"]).join(lines) + rng.choice([b"", b"\n", b"\n"])
    if odd and data and rng.random() < 0.1:
        at = rng.randrange(len(data))
        data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
    return data


@pytest.mark.parametrize("seed", range(8))
def test_odd_texts_agree_with_ddrescuelog(seed, tmp_path: Path):
    needs_tool("ddrescuelog")
    rng = random.Random(seed)
    accepted = 0
    for _ in range(60):
        data = odd_text(rng)
        (tmp_path / "map").write_bytes(data)
        # an -a that changes nothing prints the map as the tool understands it
        done = ddrescuelog("-a", "?*/-+,?*/-+", tmp_path / "map")
        if done.returncode == 2:
            with pytest.raises(DamagedError) as caught:
                parse_map(data)
            assert b"line %d:" % (caught.value.line or 0) in done.stderr, (data, done.stderr)
            continue
        map_ = parse_map(data)
        accepted += 1
        assert done.returncode == 0, (data, done.stderr)
        assert render_map(map_) == data
        if not done.stdout:
            assert map_.end == map_.start
            continue
        merged = map_.merged()
        line = f"0x{map_.position:08X}     {map_.phase}               {map_.current_pass}".encode()
        theirs = [found for found in body(done.stdout) if found.split()[1:2] != [b"0x00000000"]]
        assert theirs == [line, *render_blocks(merged.bounds, merged.codes).splitlines()], data
    assert accepted > 10


@pytest.mark.parametrize("seed", range(25))
def test_bulk_and_exact_reading_agree(seed):
    """Long canonical stretches with oddities strewn in, read both ways."""
    rng = random.Random(seed)
    map_ = random_map(rng, blocks=3000, unit=rng.choice([1, 512, 1 << 20, 1 << 27]), most=rng.choice([2, 300, 3000]))
    lines = render_map(map_).split(b"\n")
    for _ in range(rng.choice([0, 1, 5, 60])):
        at = rng.randrange(len(lines) + 1)
        lines.insert(at, rng.choice([b"# note", b"", b"   ", b"#", b"\t# x"]))
    for _ in range(rng.choice([0, 0, 1, 3])):
        at = rng.randrange(len(lines))
        line = bytearray(lines[at])
        if line:
            line[rng.randrange(len(line))] = rng.choice(b"0123456789abcdefgxX +?*/-#\0\r\t")
        lines[at] = bytes(line)
    if rng.random() < 0.3:
        lines = [line.lower() for line in lines]
    data = rng.choice([b"\n", b"\r\n"]).join(lines)
    if rng.random() < 0.3:
        data = data[: rng.randrange(len(data))]

    def outcome(bulk: bool) -> object:
        try:
            found = parse_map(data, bulk=bulk)
        except DamagedError as error:
            return error.line, error.code, error.message
        return (
            found.bounds.tolist(),
            found.codes.tolist(),
            found.position,
            found.phase,
            found.current_pass,
            found.comments,
        )

    assert outcome(True) == outcome(False)


def test_hostile_texts_end_soon():
    long_line = b"0 ?\n0 " + b"9" * 20_000_000 + b" +\n"
    with pytest.raises(DamagedError):
        parse_map(long_line)
    assert len(parse_map(b"#" * 20_000_000 + b"\n0 ?\n" + b" " * 20_000_000 + b"0 5 +")) == 1
    with pytest.raises(DamagedError):
        parse_map(b"y #" * 5_000_000 + b"x" * 5_000_000)
    with pytest.raises(DamagedError):
        parse_map(bytes(20_000_000))
    many = parse_map(b"0 ?\n" + b"# c\n" * 1_000_00 + b"0 5 +\n")
    assert 0 < len(many.comments) < 100_000


def test_what_is_no_file_is_refused(tmp_path: Path):
    for path, code in ((tmp_path / "none", "missing"), (tmp_path, "io"), ("/dev/null", "not-a-map")):
        with pytest.raises(OutsideError) as caught:
            read_map(path)
        assert caught.value.code == code
        assert caught.value.exit_code == 3
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        os.truncate(file.fileno(), MAX_FILE + 1)
    with pytest.raises(RescueError) as refused:
        read_map(huge)
    assert refused.value.code == "not-a-map"


def test_maps_come_through_pipes(tmp_path: Path):
    read, write = os.pipe()
    os.write(write, REAL)
    os.close(write)
    assert read_map(f"/dev/fd/{read}") == parse_map(REAL)
    os.close(read)


def test_equal_maps_from_different_texts():
    assert parse_map(b"0 ?\n0 5 +\n") == Mapfile.new(0, 5, "+")
