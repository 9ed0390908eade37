"""Checking and repairing: what people paste, what crashes leave, and that no repair claims more than the file."""

from __future__ import annotations

import random

import pytest

from engine.errors import DamagedError
from engine.mapfile.check import check_map
from engine.mapfile.parse import parse_map
from engine.mapfile.salvage import MAX_LISTED
from engine.mapfile.write import render_map
from tests.engine.mapfile.helpers import random_map

HEAD = b"# Mapfile. Created\n0x500 ? 3\n"
GOOD = HEAD + b"0 512 +\n512 512 -\n"
BLOCKS = [(0, 512, "+"), (512, 512, "-")]


def codes(data: bytes) -> list[tuple[str, int | None]]:
    return [(problem.code, problem.line) for problem in check_map(data).problems]


def repaired(data: bytes) -> list[tuple[int, int, str]]:
    found = check_map(data).repaired
    assert found is not None
    assert parse_map(render_map(found)) == found  # a repair is always a map that ddrescue reads
    return [tuple(block) for block in found]


@pytest.mark.parametrize(
    "data", [GOOD, b"", b"# c\n", b"0 ? 1\n", b"0 ?\n0 0 ?\n".replace(b"0 0 ?\n", b""), GOOD + b"# end"]
)
def test_what_is_well_formed(data):
    found = check_map(data)
    assert (found.valid, found.problems, found.count) == (True, (), 0)
    assert found.repaired is not None
    assert render_map(found.repaired) == data


@pytest.mark.parametrize(
    ("data", "problems", "blocks"),
    [
        (HEAD + b"0 512 +\n1024 512 -\n512 512 ?\n", [("order", 5)], [*BLOCKS[:1], (512, 512, "?"), (1024, 512, "-")]),
        (HEAD + b"0 512 +\n2048 512 -\n", [("gap", 4)], [(0, 512, "+"), (512, 1536, "?"), (2048, 512, "-")]),
        (HEAD + b"0 512 +\n256 512 +\n", [("overlap", 4)], [(0, 768, "+")]),
        (HEAD + b"0 512 +\n256 512 -\n", [("overlap", 4), ("contradiction", 4)], [(0, 256, "+"), (256, 512, "-")]),
        (b"0 512 +\n512 512 -\n", [("missing-status", 1)], BLOCKS),
        (b"# c\n\n0 512 +\n512 512 -\n", [("missing-status", 3)], BLOCKS),
        (b"> # c\n> 0x0 ? 1\n> 0 512 +\n>> 512 512 -\n", [("quoted", 2), ("quoted", 3), ("quoted", 4)], BLOCKS),
        (b"1: #\n2: 0 ? 1\n3: 0 512 +\n4: 512 512 -\n", [("quoted", 2), ("numbered", 3), ("numbered", 4)], BLOCKS),
        (
            b"  1\t#\n  2\t0 ? 1\n  3\t0 0x200 +\n  4\t512 512 -",
            [("quoted", 2), ("numbered", 3), ("numbered", 4)],
            BLOCKS,
        ),
        (b"# Command line: ddrescue -d\nsdb.img sdb.map\n0 ?\n0 512 +\n512 512 -\n", [("bad-line", 2)], BLOCKS),
        (HEAD + b"0 512 +\n512 512", [("cut", 4)], BLOCKS[:1]),
        (HEAD + b"0 512 +\n0x200\n512 -\n", [("broken-line", 4)], BLOCKS),
        (HEAD + b"0 512 +\n0x200 512\n-\n", [("broken-line", 4)], BLOCKS),
        (HEAD + b"0 512 +\n0x2\n00 512\n-\n", [("broken-line", 4)], BLOCKS),
        (HEAD + b"0 512 +\nhello\n512 512 -\n", [("bad-line", 4)], BLOCKS),
        (HEAD + b"0 512 + 512 512 -\n", [("second-block", 3)], BLOCKS),
        (GOOD.replace(b"\n", b"\r"), [("line-ends", 1)], BLOCKS),
        (GOOD.decode().encode("utf-16"), [("encoding", 1)], BLOCKS),
        (b"\xef\xbb\xbf" + GOOD, [("encoding", 1)], BLOCKS),
        (GOOD.replace(b" ", b"\xc2\xa0"), [("encoding", None)], BLOCKS),
        (GOOD + bytes(4096), [("nul-tail", None)], BLOCKS),
        (HEAD + b"0 0 +\n0 512 +\n512 512 -\n", [("empty-block", 3)], BLOCKS),
        (GOOD + b"1024 0 ?\n", [("empty-block", 5)], BLOCKS),
        (GOOD + b"0x0 + 1\n", [("second-status", 5)], BLOCKS),
    ],
)
def test_what_people_and_crashes_leave(data, problems, blocks):
    found = check_map(data)
    assert not found.valid
    assert codes(data) == problems
    assert found.count == len(problems)
    assert repaired(data) == blocks


def test_two_maps_pasted_together_keep_what_both_agree_on():
    newer = HEAD + b"0 1024 +\n"
    assert repaired(GOOD + newer) == BLOCKS
    assert repaired(newer + GOOD) == BLOCKS


def test_the_least_processed_status_wins():
    for two in ("?*", "?/", "?-", "?+", "*/", "*-", "*+", "/-", "/+", "-+"):
        for order in (two, two[::-1]):
            data = HEAD + b"0 512 %c\n0 512 %c\n" % (ord(order[0]), ord(order[1]))
            assert repaired(data) == [(0, 512, two[0])]


def test_the_status_line_reads_what_was_filled_in():
    for data, line in (
        (HEAD + b"0 512 +\n1024 512 -\n512 512 ?\n", (0x500, "?", 3)),
        (HEAD + b"0 512 +\n2048 512 -\n", (0, "?", 1)),
        (HEAD + b"0 512 +\n256 512 -\n", (0, "?", 1)),
        (b"0 512 +\n", (0, "?", 1)),
    ):
        found = check_map(data).repaired
        assert found is not None
        assert (found.position, found.phase, found.current_pass) == line


def test_a_newer_phase_is_no_damage():
    found = check_map(b"0 S 1\n0 512 +\n")
    assert found.valid
    assert "S" in found.notes[0]


def test_other_things_are_no_maps():
    for data in (b"Dear all,\nmy map:\n", bytes(range(256)) * 40, b"\x7fELF" + bytes(1000), b"\xff\xfe" + bytes(99)):
        found = check_map(data)
        assert [problem.code for problem in found.problems] == ["not-a-map"]
        assert found.repaired is None


def test_many_problems_are_counted_and_some_are_told():
    data = HEAD + b"".join(b"> %d 512 +\n" % (at * 512) for at in range(5000))
    found = check_map(data)
    assert found.count == 5000
    assert len(found.problems) == MAX_LISTED
    assert repaired(data) == [(0, 5000 * 512, "+")]
    gaps = check_map(HEAD + b"".join(b"%d 512 +\n" % (at * 1024) for at in range(5000)))
    assert gaps.count == 4999


@pytest.mark.parametrize("seed", range(60))
def test_no_repair_calls_more_finished_than_the_lines_do(seed):
    """A good map, damaged at random: finished bytes of the repair are finished in the map it was made from."""
    rng = random.Random(seed)
    map_ = random_map(rng, blocks=30)
    lines = render_map(map_).splitlines()
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(1, len(lines))
        act = rng.randrange(5)
        if act == 0:
            lines[at] = b"> " + lines[at]
        elif act == 1:
            other = rng.randrange(1, len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif act == 2:
            del lines[at]
        elif act == 3:
            lines.insert(at, lines[rng.randrange(len(lines))])
        else:
            lines[at] = lines[at].replace(b"  ", b" ", 1)
    data = b"\n".join(lines)
    if rng.random() < 0.3:
        data = data[: rng.randrange(len(data))]
    found = check_map(data)
    try:
        parse_map(data)
    except DamagedError:
        assert not found.valid
    if found.repaired is None:
        return
    assert not found.repaired.ranges("+").subtract(map_.ranges("+"))
    assert parse_map(render_map(found.repaired)) == found.repaired
    assert check_map(render_map(found.repaired)).valid


@pytest.mark.parametrize("seed", range(40))
def test_rubbish_never_raises(seed):
    rng = random.Random(seed)
    text = b"0123456789xX?*/-+# \n\r\t>:[]abcF\0\xff"
    data = bytes(rng.choice(text) for _ in range(rng.randrange(2000)))
    for each in (data, GOOD + data, data + GOOD, HEAD + data):
        found = check_map(each)
        assert found.valid == (found.count == 0)
        if found.repaired is not None:
            parse_map(render_map(found.repaired))
