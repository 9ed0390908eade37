"""Edits as data: what they do, that they survive JSON, what they say, and that foreign JSON cannot do harm."""

from __future__ import annotations

import json
import random

import pytest

from engine.errors import NotFoundError, RescueError, UsageError
from engine.mapedit.edits import (
    KINDS,
    ApplyRecipe,
    ChangeTypes,
    Clip,
    Combine,
    Extend,
    Invert,
    MergeBlocks,
    Restore,
    SetLine,
    SetStatus,
    Shift,
    SplitAt,
    edit_from_json,
)
from engine.mapedit.performing import perform
from engine.mapedit.words import exact, place
from engine.mapfile import algebra
from engine.mapfile.model import Mapfile
from engine.mapfile.write import render_map
from engine.ranges import MAX_POSITION, RangeSet
from tests.engine.mapedit.helpers import random_edit, ranges_in
from tests.engine.mapfile.helpers import body, ddrescuelog, random_map, save
from tests.support import needs_tool

K = 1024
MAP = Mapfile.from_blocks(
    [(0, 64 * K, "+"), (64 * K, 4 * K, "-"), (68 * K, 60 * K, "/"), (128 * K, 64 * K, "*"), (192 * K, 64 * K, "?")]
)


@pytest.mark.parametrize("seed", range(150))
def test_every_edit_survives_json(seed):
    rng = random.Random(seed)
    map_ = random_map(rng, unit=512)
    edit = random_edit(rng, map_)
    again = edit_from_json(json.loads(json.dumps(edit.to_json())))
    assert type(again) is type(edit)
    assert again.to_json() == edit.to_json()
    assert again.title() == edit.title()
    try:
        made = edit.apply(map_)
    except RescueError as error:
        with pytest.raises(type(error)):
            again.apply(map_)
        return
    assert again.apply(map_).map == made.map
    assert made.map.totals() == Mapfile(made.map.bounds, made.map.codes).totals()


def test_many_ranges_survive_json():
    rng = random.Random(5)
    map_ = random_map(rng, blocks=3000)
    edit = SetStatus(map_.ranges("-"), "?")
    assert len(edit.ranges) > 100
    text = json.dumps(edit.to_json())
    assert len(text) < 20 * len(edit.ranges)
    assert edit_from_json(json.loads(text)) == edit
    whole = Restore.from_map(map_, "generation 1")
    assert edit_from_json(json.loads(json.dumps(whole.to_json()))).apply(Mapfile.new(0, 10)).map == map_


@pytest.mark.parametrize("seed", range(20))
def test_many_ranges_are_painted_like_one_after_the_other(seed):
    rng = random.Random(seed)
    map_ = random_map(rng, blocks=60)
    ranges = ranges_in(rng, map_, most=40)
    status = rng.choice("+?*/-")
    slowly = map_
    for start, end in ranges:
        slowly = slowly.set_range(start, end, status)
    made = SetStatus(ranges, status).apply(map_).map
    assert made.same_blocks(slowly)
    assert made.totals() == Mapfile(made.bounds, made.codes).totals()


def test_outside_of_the_map_is_refused():
    for edit in (
        SetStatus(RangeSet.of(200 * K, 300 * K), "?"),
        SplitAt((300 * K,)),
        Clip(300 * K, 400 * K),
        SetStatus(RangeSet([(i, i + 1) for i in range(0, 1000 * K, 100 * K)]), "-"),
    ):
        with pytest.raises(UsageError) as caught:
            edit.apply(MAP)
        assert caught.value.code == "outside-map"
    with pytest.raises(UsageError):
        SetStatus(RangeSet.of(0, 1), "x").apply(MAP)
    with pytest.raises(UsageError):
        Combine.with_map("nand", MAP)
    with pytest.raises(NotFoundError):
        ApplyRecipe("keep-finished").apply(Mapfile.new(0, 512, "+"))


def test_split_and_merge():
    parted = SplitAt((32 * K, 64 * K, 100 * K)).apply(MAP).map
    assert [block.start for block in parted] == [0, 32 * K, 64 * K, 68 * K, 100 * K, 128 * K, 192 * K]
    assert parted.same_blocks(MAP)
    assert MergeBlocks().apply(parted).map == MAP
    here = MergeBlocks(RangeSet.of(90 * K, 110 * K)).apply(parted).map
    assert [block.start for block in here] == [0, 32 * K, 64 * K, 68 * K, 128 * K, 192 * K]
    assert MergeBlocks(RangeSet()).apply(parted).map == parted
    for edit in (SplitAt((1,)), MergeBlocks()):
        done = perform(edit, parted)
        assert not done.effect.changes
        assert not done.patch.empty


def test_shift_moves_the_position_along():
    map_ = MAP.with_status_line(100 * K, "*", 2)
    up = Shift(10 * K).apply(map_)
    assert (up.map.position, up.map.end) == (110 * K, 266 * K)
    assert up.map.status_at(0) == "?"
    assert Shift(-200 * K).apply(map_).map.position == 0
    assert algebra.same(Shift(-10 * K).apply(up.map).map, map_)


@pytest.mark.parametrize("seed", range(12))
def test_algebra_is_that_of_ddrescuelog(tmp_path, seed):
    needs_tool("ddrescuelog")
    rng = random.Random(seed)
    one, two = random_map(rng, unit=512), random_map(rng, unit=512)
    paths = save(tmp_path / "one", one), save(tmp_path / "two", two)
    for flag, operation in (("-y", "and"), ("-z", "or"), ("-x", "xor")):
        made = Combine.with_map(operation, two).apply(one).map
        assert body(render_map(made)) == body(ddrescuelog(flag, paths[1], paths[0]).stdout)
    made = ChangeTypes("*/", "-?").apply(one).map
    assert body(render_map(made)) == body(ddrescuelog("-a", "*/,-?", paths[0]).stdout)
    # minus is and with the inverse of the other, on the common extent
    longer = two.extended(0, max(one.end, two.end), "-")
    made = Combine.with_map("minus", two).apply(one).map
    inverse = save(tmp_path / "inverse", algebra.change_types(longer, "+?*/-", "-++++"))
    assert body(render_map(made)) == body(ddrescuelog("-y", inverse, paths[0]).stdout)


def test_restore():
    older = MAP.set_range(0, 64 * K, "?").with_status_line(5, "F", 3)
    part = perform(Restore.from_map(older, "generation 2", RangeSet.of(0, 4 * K)), MAP)
    assert part.after == MAP.set_range(0, 4 * K, "?")
    assert part.effect.loses == 4 * K
    assert part.effect.title.startswith("restore 0-4 KiB from generation 2 (was: +)")
    whole = perform(Restore.from_map(older, "generation 2"), MAP.clipped(0, 100 * K))
    assert whole.after == older
    shorter = perform(Restore.from_map(MAP.clipped(512, 9 * K), "generation 2"), older)
    assert (shorter.after.start, shorter.after.end) == (512, 9 * K)


def test_what_is_made_non_tried_is_really_read_next():
    stale = MAP.with_status_line(200 * K, "?", 5)
    done = perform(SetStatus(RangeSet.of(64 * K, 68 * K), "?"), stale)
    assert done.effect.line_after == (0, "?", 1)
    assert any("0x0003" in word and "left out 4.0 KiB" in word for word in done.effect.words)
    # nothing to say where it is read anyway
    for line in ((0, "?", 1), (64 * K, "?", 3), (200 * K, "*", 1), (200 * K, "+", 1)):
        done = perform(SetStatus(RangeSet.of(64 * K, 68 * K), "?"), MAP.with_status_line(*line))
        assert done.effect.line_after == line
        assert not done.effect.words
    # retrying goes on at its position too
    done = perform(SetStatus(RangeSet.of(128 * K, 129 * K), "-"),
                   MAP.set_range(250 * K, 256 * K, "-").with_status_line(251 * K, "-", 1))  # fmt: skip
    assert done.effect.line_after == (0, "?", 1)
    # by hand anything goes
    assert perform(SetLine(1, "?", 5), stale).effect.line_after == (1, "?", 5)


def test_words():
    done = perform(SetStatus(RangeSet.of(60 * K, 100 * K), "?"), MAP)
    assert done.effect.title == "set 60 KiB-100 KiB to ? (was: 4 KiB +, 4 KiB -, rest /)"
    assert done.effect.loses == 4 * K
    assert [(move.old, move.new, move.bytes) for move in done.effect.moves] == [
        ("/", "?", 32 * K), ("+", "?", 4 * K), ("-", "?", 4 * K),
    ]  # fmt: skip
    assert "no longer be called finished" in done.effect.words[-1]
    many = SetStatus(RangeSet([(i * K, i * K + 1) for i in range(0, 64, 2)]), "-")
    assert perform(many, MAP).effect.title == "set 0-1, 2 KiB-2049 and 30 more to - (was: +)"
    assert SetLine(512, "?", 1).title() == "status line 0x00000200 ? 1"
    assert SetLine(current_pass=3).title() == "status line: pass 3"
    assert Shift(-4096).title() == "shift down by 4 KiB"
    assert Extend(0, MAX_POSITION).title() == "extend to 0-the end with ?"
    assert Invert(RangeSet.of(0, 512)).title() == "invert in 0-512"
    assert ApplyRecipe("skip-culprit", {"at": 5, "sectors": None}).title() == "recipe skip-culprit (at=5)"
    assert (exact(3 << 29), exact(1573377), exact(12 * K), place(0)) == ("1.5 GiB", "1573377 B", "12 KiB", "0")


BAD = [
    None, 5, [], {}, {"kind": "nothing"}, {"kind": "set"}, {"kind": "set", "ranges": [[5, 1]], "status": "?"},
    {"kind": "set", "ranges": [[0, 1 << 70]], "status": "?"}, {"kind": "set", "ranges": "!!", "status": "?"},
    {"kind": "set", "ranges": [[-1, 5]], "status": "?"}, {"kind": "set", "ranges": [[0, 5]], "status": "x"},
    {"kind": "set", "ranges": [[0, True]], "status": "?"}, {"kind": "set", "ranges": [[0, 5]] * 40, "status": "?"},
    {"kind": "header", "position": -1}, {"kind": "header", "phase": "??"}, {"kind": "header", "pass": 1.5},
    {"kind": "split", "positions": 5}, {"kind": "split", "positions": ["a"]}, {"kind": "shift", "distance": "x"},
    {"kind": "clip", "start": 5, "end": 5}, {"kind": "extend", "start": 0, "end": 9, "status": 7},
    {"kind": "combine", "operation": "nand", "name": ""}, {"kind": "change-types", "old": "", "new": "?"},
    {"kind": "combine", "operation": "or", "name": "", "start": 0, "end": 5, "finished": [[0, 9]], "domain": None},
    {"kind": "recipe", "name": "keep-finished", "values": []}, {"kind": "recipe", "name": "none", "values": {}},
    {"kind": "recipe", "name": "keep-finished", "values": {"a": 1.5}}, {"kind": "restore", "source": 1, "pieces": []},
    {"kind": "restore", "source": "", "pieces": [{"bounds": [0, 5], "statuses": "+-"}]},
    {"kind": "restore", "source": "", "pieces": [{"bounds": [5, 5], "statuses": "+"}]},
    {"kind": "restore", "source": "", "pieces": [], "line": [0, 1]}, {"kind": "restore", "source": "", "pieces": [],
                                                                     "extent": [0]},
    {"kind": "restore", "source": "", "pieces": [{"packed": True, "bounds": "AAAA", "statuses": "AAAA"}]},
]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
def test_foreign_json_is_refused(value):
    with pytest.raises(RescueError):
        edit_from_json(value)


def test_packed_numbers_cannot_fill_the_memory():
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(b"\1" * (1 << 29), 9)).decode()
    with pytest.raises(RescueError):
        edit_from_json({"kind": "set", "ranges": bomb, "status": "?"})
    backwards = base64.b64encode(zlib.compress((2**64 - 5).to_bytes(8, "little") * 4)).decode()
    with pytest.raises(RescueError):
        edit_from_json({"kind": "set", "ranges": backwards, "status": "?"})


def test_every_kind_is_tried():
    rng = random.Random(0)
    map_ = random_map(rng, unit=512)
    assert {random_edit(rng, map_).kind for _ in range(600)} == set(KINDS)
