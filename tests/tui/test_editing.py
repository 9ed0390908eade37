"""What is behind the map editor's screens, without a terminal: targets, states, histories, following, words."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RefusedError, UsageError
from engine.mapedit import Restore, SetLine, SetStatus, preview_run
from engine.mapedit.performing import perform
from engine.mapfile import Mapfile, hold_map, read_map, write_map
from engine.ranges import RangeSet
from tui.editor import words
from tui.editor.editing import Editing, Loss
from tui.editor.following import Follower
from tui.widgets.rows import Cell

KIB, MIB = 1 << 10, 1 << 20
MAP = Mapfile.from_blocks(
    [(0, 2 * MIB, "+"), (2 * MIB, 64 * KIB, "*"), (2 * MIB + 64 * KIB, 960 * KIB, "?"), (3 * MIB, 512, "-")]
    + [(3 * MIB + 512, MIB - 512, "?")]
)  # fmt: skip


@pytest.fixture
def editing(tmp_path: Path) -> Editing:
    write_map(tmp_path / "disk.map", MAP)
    return Editing.open(tmp_path / "disk.map")


def test_an_edit_is_about_the_selection_or_else_the_block_under_the_cursor(editing: Editing) -> None:
    assert editing.target(5) == RangeSet.of(0, 2 * MIB)
    assert editing.target_words(3 * MIB) == "this block, 1 sector"
    editing.select(RangeSet([(MIB, MIB + 4096), (3 * MIB, 9 * MIB)]))
    assert editing.target(0) == RangeSet([(MIB, MIB + 4096), (3 * MIB, 4 * MIB)]), "never beyond the map"
    assert editing.target_words(0) == "the selection, 1.0 MiB in 2 ranges"
    editing.select(RangeSet.of(5 * MIB, 6 * MIB))
    with pytest.raises(UsageError, match="nothing of the selection"):
        editing.target(0)
    editing.select(RangeSet())
    with pytest.raises(UsageError, match="nothing of the map here"):
        editing.target(9 * MIB)


def test_losing_finished_bytes_takes_a_yes(editing: Editing) -> None:
    edit = SetStatus(RangeSet.of(0, 4096), "?")
    with pytest.raises(Loss):
        editing.apply(edit)
    assert editing.map == MAP
    assert not editing.unsaved
    assert editing.apply(edit, allow_loss=True).loses == 4096
    assert editing.map.status_at(0) == "?"


def test_unsaved_steps_are_counted_from_the_last_save_in_both_directions(editing: Editing) -> None:
    assert editing.state().text == "saved"
    for number in range(3):
        editing.apply(SetStatus(RangeSet.of(3 * MIB + number * 4096 + 4096, 3 * MIB + number * 4096 + 8192), "/"))
        assert editing.state().text == (f"{number + 1} edits, not saved" if number else "1 edit, not saved")
    editing.document.save("one")
    assert editing.unsaved == 0
    editing.go_to(1)
    assert editing.unsaved == 2
    assert "done again" not in editing.redo()
    assert editing.unsaved == 1
    editing.go_to(3)
    assert editing.state().text == "saved"
    editing.go_to(0)
    assert editing.map.same_blocks(MAP)
    editing.apply(SetLine(0, "?", 2))
    assert editing.unsaved >= 1, "the saved state can no longer be reached by redoing"


def test_states_in_words(editing: Editing, tmp_path: Path) -> None:
    with hold_map(editing.document.path, "a job"):
        editing.reasons = editing.document.reasons()
        assert editing.state().text == "LOOK ONLY"
        assert editing.locked is not None
        with pytest.raises(RefusedError):
            editing.apply(SetLine(0, "?", 2))
    editing.reasons = editing.document.reasons()
    editing.apply(SetStatus(RangeSet.of(3 * MIB, 4 * MIB), "/"))
    write_map(editing.document.path, MAP.set_range(0, 4096, "-"))
    editing.reasons = editing.document.reasons()
    assert editing.state().text == "1 edit; file changed (D)"
    path = tmp_path / "endless.map"
    path.write_text(f"0 ? 1\n0 4096 +\n4096 {(1 << 63) - 1 - 4096} ?\n")
    endless = Editing.open(path)
    assert endless.state().text == "size unknown: clip it (e c)"
    assert endless.domain[1] < 1 << 30, "as far as there is anything to draw"
    path.write_text("0 ? 1\n0 4096 +\n8192 4096 ?\n")
    assert "DAMAGED" in Editing.open(path).state().text


def test_following_takes_over_what_others_write_but_never_over_edits(editing: Editing) -> None:
    follower = Follower(editing)
    assert follower.begin()
    assert not follower.begin(), "one look at a time"
    follower.end()
    found = follower.look()
    assert (found.reasons, found.changed, found.stale) == ((), False, False)
    other = MAP.set_range(2 * MIB, 3 * MIB, "+")
    with hold_map(editing.document.path, "a rescue"):
        write_map(editing.document.path, other)
        found = follower.look()
        assert [reason.code for reason in found.reasons] == ["map-held"]
        assert found.changed
        assert editing.map.same_blocks(other)
    editing.apply(SetStatus(RangeSet.of(3 * MIB, 4 * MIB), "/"))
    write_map(editing.document.path, MAP)
    found = follower.look()
    assert ([reason.code for reason in found.reasons], found.changed) == (["changed-on-disk"], False)
    assert editing.map.status_at(3 * MIB) == "/"
    assert read_map(editing.document.path).same_blocks(MAP)


def test_a_map_caught_half_written_is_left_for_the_next_look(editing: Editing) -> None:
    follower, path = Follower(editing), editing.document.path
    whole = path.read_bytes()
    with hold_map(path, "a rescue"):
        # cut at the end of a line: readable, but not all of it
        path.write_bytes(whole[: whole.rindex(b"\n", 0, -2) + 1])
        found = follower.look()
        assert not found.changed
        assert found.stale
        assert editing.map == MAP
        path.write_bytes(whole)
        assert not follower.look().stale


def test_the_next_run_in_one_row_that_fits() -> None:
    run = preview_run(MAP)
    text, state = words.next_run_words(run, 100)
    assert text == "next run reads 2.0 MiB: copying pass 1 forwards from 0, trimming"
    assert not state
    for width in range(20, 120):
        assert len(words.next_run_words(run, width)[0]) <= width
    stale = preview_run(MAP.with_status_line(3 * MIB, "?", 5))
    text, state = words.next_run_words(stale, 78)
    assert text.startswith("next run NEVER READS 960.0 KiB of ?")
    assert state == "-danger"
    later, state = words.next_run_words(preview_run(MAP.with_status_line(3 * MIB, "?", 1)), 120)
    assert later.endswith("; 960.0 KiB only in later passes")
    assert state == "-warning"
    done = preview_run(Mapfile.new(0, MIB, "+"))
    assert words.next_run_words(done, 78) == (
        "next run: nothing to read; bad sectors are read again only by retries (R)", "-muted",
    )  # fmt: skip


def test_a_selection_in_one_row_that_fits() -> None:
    selected = RangeSet.of(0, 4 * MIB)
    text = words.selection_words(MAP, selected, 512, 100)
    assert text == "selected 0x0000000000 + 4.0 MiB: - 1 sector  ? 1.9 MiB  * 64.0 KiB  + 2.0 MiB".replace(
        "? 1.9 MiB  * 64.0 KiB", "* 64.0 KiB  ? 1.9 MiB"
    )
    assert words.selection_words(MAP, selected, 512, 70).startswith("selected 4.0 MiB: - 1 sector")
    assert words.selection_words(MAP, RangeSet.of(8 * MIB, 9 * MIB), 512, 80).endswith("nothing of the map")
    assert words.selection_words(MAP, RangeSet(), 512, 80) == ""
    for width in range(5, 120):
        assert len(words.selection_words(MAP, selected, 512, width)) <= width


def test_changes_as_lists_with_ranges_and_losses_marked() -> None:
    many = RangeSet([(n * 8192, n * 8192 + 512) for n in range(words.MOST_RANGES + 50)])
    effect = perform(SetStatus(many, "-"), MAP).effect
    sections = words.moves_sections(effect.moves, 512, empty="nothing")
    pairs = sections[0]
    assert pairs.rows[0].style == "row--danger"
    assert [row.cells[0] for row in pairs.rows] == ["+ finished -> - bad sector"]
    places = sections[1]
    assert len(places.rows) == words.MOST_RANGES + 1
    assert places.rows[-1].cells[:2] == ("and 50 more", "25.0 KiB")
    assert places.rows[1].cells == ("0x0000002000 - 0x0000002200", "1 sector", "8.0 KiB")
    grown = perform(Restore.from_map(Mapfile.new(0, 5 * MIB), "another"), MAP).effect
    titles = [section.title for section in words.moves_sections(grown.moves, 512, empty="nothing")]
    assert "not in the map -> ? non-tried" in titles
    assert words.moves_sections((), 512, empty="nothing")[0].empty == "nothing"
    row = words.sentences("NOTES", ["a", "b"]).rows[1]
    assert row.cells == (Cell("b", ""),)
