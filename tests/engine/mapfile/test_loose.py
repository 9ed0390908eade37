"""Loose reading against ddrescuelog -C."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.errors import DamagedError
from engine.mapfile.loose import parse_loose, read_loose
from engine.mapfile.parse import parse_map
from engine.mapfile.status import MAX_POSITION
from tests.engine.mapfile.helpers import ddrescuelog
from tests.support import needs_tool


@pytest.mark.parametrize("seed", range(60))
def test_loose_reading_agrees_with_ddrescuelog(seed, tmp_path: Path):
    needs_tool("ddrescuelog")
    rng = random.Random(seed)
    kinds = rng.choice(["+", "+-", "?*/-+"])
    lines = [b"7 - 2"]
    for _ in range(rng.randrange(9)):
        lines.append(b"%d %d %c" % (rng.randrange(0, 400), rng.randrange(1, 60), ord(rng.choice(kinds))))
    if rng.random() < 0.2:
        lines.append(b"900 9223372036854775807 %c" % ord(rng.choice("?+")))
    data = b"\n".join(lines)
    (tmp_path / "map").write_bytes(data)
    fill = rng.choice("?-+")
    done = ddrescuelog(f"-C{fill}", tmp_path / "map")
    if done.returncode:
        with pytest.raises(DamagedError) as caught:
            parse_loose(data, fill)
        assert b"line %d:" % (caught.value.line or 0) in done.stderr
        return
    map_ = read_loose(tmp_path / "map", fill)
    assert map_ == parse_map(done.stdout)


def test_a_strict_map_is_read_alike_but_for_its_open_end():
    assert list(parse_loose(b"0 ?\n0 5 ?\n5 5 +\n")) == [(0, 5, "?"), (5, 5, "+")]
    assert list(parse_loose(b"0 ?\n0 5 +\n5 5 ?\n")) == [(0, 5, "+"), (5, MAX_POSITION - 5, "?")]


@pytest.mark.parametrize("data", [b"", b"# c\n", b"0 ?\n", b"0 ?\n0 0 +\n"])
def test_nothing_stays_nothing(data):
    assert len(parse_loose(data)) == 0


@pytest.mark.parametrize("data", [b"0 5 +\n", b"0 ?\n0 5 x\n", b"hello"])
def test_bad_lines_are_bad_here_too(data):
    with pytest.raises(DamagedError):
        parse_loose(data)
