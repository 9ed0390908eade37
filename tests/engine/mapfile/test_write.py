"""Writing: byte for byte what ddrescuelog writes, and what was read when nothing changed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.errors import OutsideError
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import parse_map, read_map
from engine.mapfile.status import MAX_POSITION
from engine.mapfile.write import render_map, write_map
from tests.engine.mapfile.helpers import body, ddrescuelog, random_map, save
from tests.support import needs_tool


@pytest.mark.parametrize("seed", range(20))
def test_canonical_text_is_that_of_ddrescuelog(seed, tmp_path: Path):
    needs_tool("ddrescuelog")
    rng = random.Random(seed)
    map_ = random_map(
        rng, blocks=40, unit=rng.choice([1, 512, 1 << 30, 1 << 40]), start=rng.choice([0, 1 << 33])
    ).merged()
    text = render_map(map_)
    done = ddrescuelog("-a", "?*/-+,?*/-+", save(tmp_path / "map", map_))
    assert done.stdout.splitlines()[3:] == text.splitlines()[1:]
    assert parse_map(text) == map_


@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_is_read_back(seed):
    rng = random.Random(seed)
    map_ = random_map(
        rng, blocks=40_000 if seed < 3 else 50, unit=rng.choice([1, 1 << 22, 1 << 33]), start=rng.choice([0, 3])
    )
    again = parse_map(render_map(map_))
    assert again == map_
    assert parse_map(render_map(again), bulk=False) == map_


def test_widths_grow_with_the_numbers():
    map_ = Mapfile.from_blocks(
        [(0, 0xFFFFFFFF, "+"), (0xFFFFFFFF, 1 << 32, "?"), ((1 << 33) - 1, MAX_POSITION - (1 << 33) + 1, "-")]
    )
    assert body(render_map(map_.with_status_line(0x123456789A, "/", 12))) == [
        b"0x123456789A     /               12",
        b"0x00000000  0xFFFFFFFF  +",
        b"0xFFFFFFFF  0x100000000  ?",
        b"0x1FFFFFFFF  0x7FFFFFFE00000000  -",
    ]


ODD = b"#x\n  0 ?\n\n0 05 + # kept\r\n5 5 -"


def test_an_unchanged_map_is_written_as_it_was_read(tmp_path: Path):
    (tmp_path / "one").write_bytes(ODD)
    write_map(tmp_path / "two", read_map(tmp_path / "one"))
    assert (tmp_path / "two").read_bytes() == ODD
    assert read_map(tmp_path / "one").set_range(0, 1, "-").raw is None
    assert read_map(tmp_path / "one").with_status_line(position=5).raw is None


def test_comments_live_through_an_edit():
    text = (
        b"# Mapfile. Mine\n# current_pos  current_status\n0 ? 2\n#      pos        size  status\n"
        b"0 5 +\n# culprit\n5 5 -\n#end\n"
    )
    edited = parse_map(text).set_range(0, 2, "?")
    assert render_map(edited) == (
        b"# Mapfile. Mine\n# current_pos  current_status  current_pass\n0x00000000     ?               2\n"
        b"#      pos        size  status\n0x00000000  0x00000002  ?\n0x00000002  0x00000003  +\n# culprit\n"
        b"0x00000005  0x00000005  -\n#end\n"
    )
    # and a second edit changes nothing about them
    again = parse_map(render_map(edited)).with_status_line(position=1)
    assert render_map(again).count(b"\n") == render_map(edited).count(b"\n")


def test_a_new_map_says_who_made_it():
    assert render_map(Mapfile.new(0, 5)).startswith(b"# Mapfile. Created by rescuedeck version ")


def test_empty_maps(tmp_path: Path):
    write_map(tmp_path / "map", Mapfile.new(0, 0))
    assert len(read_map(tmp_path / "map")) == 0


def test_generations_stay(tmp_path: Path):
    path = tmp_path / "map"
    for status in "?*/":
        write_map(path, Mapfile.new(0, 5, status), keep=2)
    assert [read_map(tmp_path / name).status_at(0) for name in ("map", "map.1", "map.2")] == ["/", "*", "?"]


def test_where_nothing_can_be_saved(tmp_path: Path):
    with pytest.raises(OutsideError):
        write_map(tmp_path / "no" / "map", Mapfile.new(0, 5))
