"""The document: undo and redo to the letter, saves and generations, refusals, changes from outside."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from engine.cases import create_case, list_generations, read_history
from engine.errors import DamagedError, OutsideError, RefusedError, RescueError, UsageError
from engine.mapedit import (
    ApplyRecipe,
    Clip,
    Document,
    Extend,
    Restore,
    SetLine,
    SetStatus,
    SplitAt,
    compare,
    generations_of,
    newest_readable,
    put_back,
    read_generation,
)
from engine.mapedit import access as access_module
from engine.mapedit.edits import ChangeTypes
from engine.mapfile.lock import Holder, hold_map
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import parse_map, read_map
from engine.mapfile.write import render_map, write_map
from engine.ranges import RangeSet
from tests.engine.mapedit.helpers import random_edit
from tests.engine.mapfile.helpers import random_map
from tests.support import needs_tool

K = 1024
TEXT = b"""# Mapfile. Created by GNU ddrescue version 1.27
# Command line: ddrescue -d /dev/sdx a.img a.map
0x3000 ?   5
0 0x2000 +
0x2000 0x1000 -
# a remark
0x3000 4096 ?
0x4000 0x1000 ?
0x5000 0x3000 /
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "disk.map"
    where.write_bytes(TEXT)
    return where


def code_of(call, *arguments, **more) -> str:
    with pytest.raises(RescueError) as caught:
        call(*arguments, **more)
    return caught.value.code


@pytest.mark.parametrize("seed", range(40))
def test_undo_all_is_the_original_and_redo_all_the_result(tmp_path, seed):
    rng = random.Random(seed)
    map_ = random_map(rng, unit=512)
    where = tmp_path / "a.map"
    write_map(where, map_)
    original = where.read_bytes()
    document = Document.open(where)
    states = [render_map(document.map)]
    for _ in range(rng.randrange(5, 30)):
        if len(states) > 1 and rng.random() < 0.2:
            document.undo()
            states.pop()
            assert render_map(document.map) == states[-1]
            continue
        before = len(document.history)
        try:
            if rng.random() < 0.2:
                with document.macro("several"):
                    for _ in range(3):
                        document.apply(random_edit(rng, document.map), allow_loss=True)
            else:
                document.apply(random_edit(rng, document.map), allow_loss=True)
        except RescueError:
            assert render_map(document.map) == states[-1]
            assert len(document.history) == before
            continue
        now = render_map(document.map)
        assert document.map.totals() == Mapfile(document.map.bounds, document.map.codes).totals()
        if document.history and document.history[-1].done and now != states[-1]:
            states.append(now)
    steps = len(states) - 1
    while document.undo_title:
        document.undo()
        states_at = sum(entry.done for entry in document.history)
        assert render_map(document.map) == states[states_at]
    assert render_map(document.map) == original
    assert not document.dirty
    for number in range(1, steps + 1):
        document.redo()
        assert render_map(document.map) == states[number]
    # the journal leads a new session to the same place, with the same history
    again = Document.open(where)
    if not steps:
        assert again.offer is None
        return
    assert again.offer is not None
    assert len(again.offer.titles) == steps
    assert code_of(again.apply, SetLine(0)) == "edits-offered"
    assert again.replay() == steps
    assert render_map(again.map) == states[-1]
    assert [(entry.title, entry.done) for entry in again.history] == [
        (entry.title, entry.done) for entry in document.history
    ]
    while again.undo_title:
        again.undo()
    assert render_map(again.map) == original


def test_the_history_is_readable(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x2000, 0x8000), "?"))
    with document.macro("skip the culprit by hand"):
        document.apply(SplitAt((0x6000,)))
        document.apply(SetStatus(RangeSet.of(0x6000, 0x6200), "-"))
    document.undo()
    first, second = document.history
    assert first.title == "set 8 KiB-32 KiB to ? (was: 4 KiB -, 8 KiB ?, rest /)"
    assert first.done
    assert any("status line" in word for word in first.words)
    assert (second.title, second.done) == ("skip the culprit by hand", False)
    assert (document.undo_title, document.redo_title) == (first.title, second.title)
    document.apply(SetLine(512, "?", 2))
    assert [entry.title for entry in document.history] == [first.title, "status line 0x00000200 ? 2"]
    assert code_of(document.redo) == "nothing-to-do"


def test_edits_that_change_nothing_leave_no_step(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0, 512), "+"))
    document.apply(SetLine(0x3000))
    with document.macro("nothing"):
        document.apply(SplitAt((0,)))
    assert not document.history
    assert not document.dirty
    assert list(path.parent.iterdir()) == [path]


def test_finished_bytes_are_lost_only_when_that_is_said(path):
    document = Document.open(path)
    edit = SetStatus(RangeSet.of(0, 512), "?")
    assert document.preview(edit).loses == 512
    assert code_of(document.apply, edit) == "loses-finished"
    assert not document.dirty
    document.apply(edit, allow_loss=True)
    assert code_of(document.save) == "loses-finished"
    document.save(allow_loss=True)
    assert read_map(path).status_at(0) == "?"

    def two_at_once() -> None:
        with document.macro("half of it is refused"):
            document.apply(SetStatus(RangeSet.of(0x2000, 0x2200), "/"))
            document.apply(SetStatus(RangeSet.of(512, 1024), "?"))

    assert code_of(two_at_once) == "loses-finished"
    assert document.map.status_at(0x2000) == "-"
    assert len(document.history) == 1


def test_saving_keeps_the_old_state_with_its_note(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x2000, 0x3000), "?"))
    saved = document.save()
    assert saved.generation is not None
    assert saved.generation.path.read_bytes() == TEXT
    assert saved.generation.path.parent == path.with_name("disk.map.generations")
    assert "set 8 KiB-12 KiB" in saved.generation.note
    assert [(move.old, move.new, move.bytes) for move in saved.moves] == [("-", "?", 4096)]
    assert document.save() == type(saved)(None, ())
    assert [entry.saved for entry in document.history] == [True]
    # a remark survives
    assert b"# a remark\n" in path.read_bytes()
    document.apply(SetStatus(RangeSet.of(0x5000, 0x6000), "-"))
    document.save("tried by hand", command="ddrescue -r1")
    listed = generations_of(path)
    assert [one.number for one in listed] == [1, 2]
    assert (listed[1].note, listed[1].command) == ("before: tried by hand", "ddrescue -r1")
    # undone beyond a save, it is dirty again, and saving that is a state of its own
    document.undo()
    document.undo()
    assert document.dirty
    document.save()
    assert read_map(path) == parse_map(TEXT)
    assert "undo of" in generations_of(path)[-1].note
    assert not document.dirty


def test_going_back_to_a_generation_and_comparing(path):
    document = Document.open(path)
    document.apply(ApplyRecipe("keep-finished"))
    document.save("one")
    document.apply(SetStatus(RangeSet.of(0x2000, 0x8000), "+"))
    document.save("two")
    older, now = read_generation(path, 1), read_generation(path, 0)
    found = compare(older, now)
    assert found.gained == RangeSet.of(0x2000, 0x8000)
    assert not found.lost
    assert found.line_changed
    assert compare(now, now).same
    effect = document.preview(Restore.from_map(older, "generation 1"))
    assert effect.loses == 0x6000
    document.apply(Restore.from_map(older, "generation 1"), allow_loss=True)
    assert document.map == parse_map(TEXT)
    document.undo()
    assert document.map == now
    document.redo()
    document.save(allow_loss=True)
    assert read_map(path) == older
    assert [one.note.split(":")[0] for one in generations_of(path)] == ["before"] * 3
    assert read_generation(path, 3) == now
    assert code_of(read_generation, path, 9) == "not-found"


def test_in_a_case_generations_and_history_are_the_cases(tmp_path):
    case = create_case(tmp_path / "case", source_size=0x8000)
    case.map.write_bytes(TEXT)
    document = Document.open(case.map)
    assert document.case is not None
    assert document.size == 0x8000
    document.apply(SetStatus(RangeSet.of(0x2000, 0x3000), "?"))
    document.save("again from the other end")
    assert [one.note for one in list_generations(case)] == ["before: again from the other end"]
    done = read_history(case)[-1]
    assert done.action == "map-edited"
    assert done.facts["moves"] == [{"old": "-", "new": "?", "bytes": 4096}]
    document.apply(Extend(0, 0x9000))
    assert code_of(document.save) == "beyond-source"
    document.apply(Clip(0, 0x8000))
    document.save()


def test_a_held_map_is_not_edited_and_not_saved(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x2000, 0x3000), "?"))
    with hold_map(path, "a rescue"):
        assert [reason.code for reason in document.reasons()] == ["map-held"]
        assert "a rescue" in document.reasons()[0].message
        assert code_of(document.apply, SetLine(0)) == "map-held"
        assert code_of(document.save) == "map-held"
    document.save()
    assert read_map(path).status_at(0x2000) == "?"


def test_a_ddrescue_started_by_hand_holds_it_too(path, monkeypatch):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x2000, 0x3000), "?"))
    monkeypatch.setattr(access_module, "foreign_ddrescue", lambda _: Holder(77, "ddrescue a b c", 0.0, own=False))
    assert code_of(document.save) == "map-held"


def test_a_map_of_unknown_size_wants_to_be_clipped_first(tmp_path):
    where = tmp_path / "open.map"
    where.write_bytes(b"0 ? 1\n0 0x10000 +\n0x10000 0x7FFFFFFFFFFEFFFF ?\n")
    document = Document.open(where)
    assert [reason.code for reason in document.reasons()] == ["open-ended"]
    assert code_of(document.apply, SetStatus(RangeSet.of(0x10000, 0x20000), "-")) == "open-ended"
    document.apply(Clip(0, 1 << 20))
    document.apply(SetStatus(RangeSet.of(0x10000, 0x20000), "-"))
    document.save()
    assert read_map(where).end == 1 << 20


def test_a_changed_file_is_not_saved_over(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x5000, 0x6000), "-"))
    os.utime(path, (1, 1))
    assert not document.reasons()
    write_map(path, document.saved.set_range(0x2000, 0x3000, "+").with_status_line(0x4000))
    assert [reason.code for reason in document.reasons()] == ["changed-on-disk"]
    assert code_of(document.save) == "changed-on-disk"
    assert code_of(document.apply, SetLine(0)) == "changed-on-disk"
    assert not document.follow()
    document.undo()
    assert document.follow()
    assert document.map.status_at(0x2000) == "+"
    assert not document.history
    assert not document.follow()


def test_half_a_map_that_is_being_written_is_not_taken_for_the_whole(path):
    document = Document.open(path)
    with hold_map(path, "a rescue"):
        path.write_bytes(TEXT[: TEXT.index(b"0x4000 ")])
        assert not document.follow()
        assert code_of(document.reload) == "map-held"
        assert document.map.end == 0x8000
        path.write_bytes(TEXT.replace(b"0x5000 0x3000 /", b"0x5000 0x3000 +"))
        assert document.follow()
        path.write_bytes(TEXT[: TEXT.index(b"0x4000 ")])
    # nobody writes it any more: it is what it is
    assert document.follow()
    assert document.map.end == 0x4000


def test_edits_are_merged_into_what_came_meanwhile(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x5000, 0x8000), "?"))
    document.apply(SetStatus(RangeSet.of(0x2000, 0x3000), "/"))
    document.apply(ChangeTypes("-", "*"))
    write_map(path, document.saved.set_range(0x5000, 0x6000, "+").with_status_line(0x6000, "?", 1))
    merged = document.merge()
    assert (merged.steps, merged.failed, merged.kept) == (3, (), 0x1000)
    assert document.dirty
    assert document.map.ranges("+") == RangeSet([(0, 0x2000), (0x5000, 0x6000)])
    assert document.map.ranges("/") == RangeSet.of(0x2000, 0x3000)
    assert document.map.ranges("?") == RangeSet([(0x3000, 0x5000), (0x6000, 0x8000)])
    assert document.history[-1].title == "keep what was rescued meanwhile"
    document.save()
    assert not document.reasons()


def test_a_merge_tells_which_steps_make_no_sense_any_more(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x7000, 0x8000), "?"))
    write_map(path, document.saved.clipped(0, 0x6000))
    merged = document.merge()
    assert merged.steps == 0
    assert "the map covers 0-24576" in merged.failed[0]
    assert not document.dirty
    assert path.with_name(".disk.map.edits.old").exists()


def test_reload_drops_edits_but_keeps_their_journal(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x7000, 0x8000), "?"))
    assert not document.reload()
    assert not document.dirty
    assert render_map(document.map) == TEXT
    assert path.with_name(".disk.map.edits.old").exists()
    assert not path.with_name(".disk.map.edits").exists()


def test_a_damaged_map_opens_as_its_repair(path):
    damaged = TEXT.replace(b"0x4000 0x1000 ?\n", b"")
    path.write_bytes(damaged)
    document = Document.open(path)
    assert document.damage is not None
    assert [problem.line for problem in document.damage.problems] == [8]
    assert document.dirty
    assert [reason.code for reason in document.reasons()] == ["damaged"]
    assert code_of(document.apply, SetLine(0)) == "damaged"
    assert code_of(document.save) == "damaged"
    document.accept_repair()
    saved = document.save("deleted line put back")
    assert saved.generation is not None
    assert saved.generation.path.read_bytes() == damaged
    assert read_map(path).status_at(0x4000) == "?"
    assert read_generation(path, 1).status_at(0x4000) == "?"
    assert code_of(document.accept_repair) == "nothing-to-do"
    path.write_bytes(b"no map at all\n")
    with pytest.raises(DamagedError):
        Document.open(path)
    with pytest.raises(OutsideError):
        Document.open(path.with_name("none"))


def test_saving_a_map_that_is_gone(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x7000, 0x8000), "?"))
    path.unlink()
    assert code_of(document.save) == "changed-on-disk"
    with pytest.raises(OutsideError):
        document.merge()
    assert document.dirty


def test_a_link_stays_a_link(path):
    link = path.with_name("link.map")
    link.symlink_to("disk.map")
    document = Document.open(link)
    document.apply(SetStatus(RangeSet.of(0x7000, 0x8000), "?"))
    assert Document.open(path).offer is not None
    document.save()
    assert link.is_symlink()
    assert read_map(path).status_at(0x7000) == "?"
    assert [one.number for one in generations_of(link)] == [1]


def test_macros_do_not_nest(path):
    document = Document.open(path)
    with pytest.raises(UsageError), document.macro("one"), document.macro("two"):
        pass
    document.apply(SetLine(0))
    assert document.dirty


def test_what_is_saved_is_what_ddrescuelog_reads(path):
    needs_tool("ddrescuelog")
    document = Document.open(path)
    document.apply(SplitAt((0x6000, 0x7000)))
    document.apply(SetStatus(RangeSet.of(0x7000, 0x8000), "*"))
    document.save()
    done = subprocess.run(["ddrescuelog", "-t", path], capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert b"non-trimmed:     4096 B" in done.stdout


def test_a_file_that_is_no_map_any_more_is_put_back_from_a_kept_state(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(0x2000, 0x3000), "?"))
    document.save("one")
    good = path.read_bytes()
    assert newest_readable(path).number == 1
    path.write_bytes(bytes(4096))
    with pytest.raises(DamagedError):
        Document.open(path)
    with hold_map(path), pytest.raises(RefusedError):
        put_back(path, 1)
    kept = put_back(path, 1)
    assert path.read_bytes() == TEXT
    assert kept.path.read_bytes() == bytes(4096)
    assert newest_readable(path).number == 1, "what is no map is kept, and not gone back to"
    path.unlink()
    assert put_back(path, 1) is None
    assert path.read_bytes() == TEXT != good
    assert code_of(put_back, path, 9) == "not-found"
