"""The map editor on a screen: what it shows, what keys do, what becomes of the file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.cases import create_case
from engine.devices import Device
from engine.mapedit import generations_of
from engine.mapfile import Mapfile, hold_map, read_map, write_map
from engine.ranges import RangeSet
from tests.tui.fake_rescue import FakeRescue
from tests.tui.goldens import check
from tests.tui.shell import deck, run, text, until
from tui.app import DeckApp
from tui.keys import SCOPES
from tui.palette import commands
from tui.screens.map_change import MapChangeScreen
from tui.screens.map_editor import MapEditorScreen
from tui.screens.map_history import MapHistoryScreen
from tui.screens.map_kept import MapKeptScreen
from tui.screens.map_next_run import MapNextRunScreen
from tui.screens.map_problems import MapProblemsScreen
from tui.screens.map_recipes import MapRecipesScreen

KIB, MIB = 1 << 10, 1 << 20
MAP = "0x00200000 ? 1\n0x00 0x200000 +\n0x200000 0x10000 *\n0x210000 0x0F0000 ?\n0x300000 0x200 -\n0x300200 0xFFE00 ?\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A map of 4 MiB: 2 MiB finished, 64 KiB non-trimmed, a bad sector in the middle of the rest."""
    monkeypatch.chdir(tmp_path)
    where = tmp_path / "disk.map"
    where.write_text(MAP)
    return where


@asynccontextmanager
async def editor(
    path: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[DeckApp, Pilot[None], MapEditorScreen]]:
    async with deck(path, size=size) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, MapEditorScreen) and app.screen.opened)
        screen = app.screen
        assert isinstance(screen, MapEditorScreen)
        yield app, pilot, screen


async def looking(pilot: Pilot[None], screen: MapEditorScreen, condition: Callable[[], object]) -> None:
    """Wait for something that the screen finds by looking at the files, without waiting for its timer."""

    def looked() -> object:
        screen.look()
        return condition()

    await until(pilot, looked)


def prompt(app: DeckApp) -> str:
    lines = text(app).splitlines()
    return lines[-2].strip() if len(lines) > 1 else ""


def test_edited_undone_saved_compared_and_gone_back(devices: list[Device], path: Path) -> None:
    async def test() -> None:
        async with editor(path) as (app, pilot, screen):
            shown = text(app)
            for words in (
                "50.0 % rescued", "- 512 B", "status line 0x00200000 ? 1 (copying, pass 1)", "saved",
                "nothing selected", "next run reads 2.0 MiB: copying pass 1 forwards from 0x200000, trimming",
                "s set", "w save",
            ):  # fmt: skip
                assert words in shown, f"{words!r} is missing:\n{shown}"
            screen.set_subject("/srv/cases/smith/rescue.map")
            await pilot.press("f", "f", "m", "a")
            check("map-editor-80x24", text(app))
            await pilot.press("escape", "g")
            # a status for the block under the cursor; the leader asks, a letter answers
            await pilot.press("f", "minus")
            assert screen.block_map.cursor == 3 * MIB
            await pilot.press("s")
            assert prompt(app).startswith("set this block, 1 sector, to  + finished  ? non-tried")
            await pilot.press("question_mark")
            assert screen.editing.map.status_at(3 * MIB) == "?"
            assert "set 3 MiB-3072.5 KiB to ?" in prompt(app)
            assert "1 edit, not saved" in text(app)
            await pilot.press("u")
            assert screen.editing.map == read_map(path)
            await pilot.press("ctrl+r")
            assert screen.editing.map.status_at(3 * MIB) == "?"
            # finished bytes need a yes
            before = screen.editing.map
            await pilot.press("g", "s", "minus")
            assert "2.0 MiB would no longer be called finished. Do it all the same? y/N" in prompt(app)
            await pilot.press("enter")
            assert screen.editing.map == before
            # saved with a note, the old state kept
            await pilot.press("w", *"try", "enter")
            await until(pilot, lambda: "saved; generation 1 keeps it as it was" in prompt(app))
            assert read_map(path) == screen.editing.map
            kept = generations_of(path)
            assert [one.note for one in kept] == ["before: try"]
            assert kept[0].path.read_text() == MAP
            # compared with the kept one, and gone back to it as an edit
            await pilot.press("K")
            await until(pilot, lambda: isinstance(app.screen, MapKeptScreen) and "before: try" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, MapChangeScreen))
            assert "- bad sector -> ? non-tried " in text(app)
            assert "gained: 0 B" in text(app)
            await pilot.press("enter", "q")
            await until(pilot, lambda: isinstance(app.screen, MapKeptScreen))
            await pilot.press("b")
            await until(pilot, lambda: app.screen is screen)
            assert screen.editing.map.status_at(3 * MIB) == "-"
            assert "restore all from generation 1" in prompt(app)
            # the history knows all of it
            await pilot.press("H")
            await until(pilot, lambda: isinstance(app.screen, MapHistoryScreen) and "opened" in text(app))
            lines = text(app).splitlines()
            assert "now" in lines[1]
            assert "restore all" in lines[1]
            assert "saved" in lines[2]
            await pilot.press("G", "enter")
            assert app.screen is screen
            assert screen.editing.map == Mapfile.from_blocks((b.start, b.size, b.status) for b in read_map(
                kept[0].path)).with_status_line(2 * MIB, "?", 1)  # fmt: skip
            # leaving asks, and keeps for later
            await pilot.press("q")
            assert prompt(app).startswith("1 edit is not saved:")
            await pilot.press("k")
            assert app.screen is not screen
            assert screen.editing.document._journal.path.exists()

    run(test)


def test_selections_by_keys_words_and_areas(devices: list[Device], path: Path, tmp_path: Path) -> None:
    (tmp_path / "areas").write_text("1M 1M boot\n2M 512K files\n3M 512K files\n")

    async def test() -> None:
        async with editor(path) as (app, pilot, screen):
            cell = screen.block_map.view.cell
            await pilot.press("g", "v", "right", "right", "v", "right")
            assert screen.editing.selection == RangeSet.of(0, 3 * cell)
            assert "selected 0x0000000000 + " in text(app)
            await pilot.press("escape")
            assert not screen.editing.selection
            for keys, found in (
                (("m", "w"), RangeSet.of(0, 4 * MIB)),
                (("m", "o", "slash", "question_mark", "enter"), RangeSet([(0x210000, 0x300000), (0x300200, 4 * MIB)])),
                (("m", "g", "ctrl+u", "5", "1", "2", "enter"), RangeSet.of(0x210000 - 512, 4 * MIB)),
                (("m", "i"), RangeSet.of(0, 0x210000 - 512)),
                (("m", "l", "ctrl+u", "1", "M", "enter"), RangeSet.of(0, 3 * MIB)),
                (("m", "k", "ctrl+u", "1", "M", "enter"), RangeSet.of(MIB, 2 * MIB)),
                (("m", "r", *"1M+4K", "enter"), RangeSet.of(MIB, MIB + 4096)),
                (("m", "s", *"failed", "enter"), RangeSet([(0x200000, 0x210000), (0x300000, 0x300200)])),
                (("m", "b"), RangeSet.of(0, 2 * MIB)),
                (("f", "f", "m", "a"), RangeSet.of(2 * MIB, 4 * MIB)),
                (("m", "n"), RangeSet()),
            ):  # fmt: skip
                await pilot.press(*keys)
                assert screen.editing.selection == found, keys
            # a typed answer that makes no sense is told, and changes nothing
            await pilot.press("m", "r", *"9M-8M", "enter")
            assert "empty" in prompt(app)
            # areas of a list: borders on the map, one of them selected
            await pilot.press("p", "ctrl+u", *"areas", "enter")
            await until(pilot, lambda: "files" in text(app))
            await pilot.press("down", "enter")
            assert app.screen is screen
            half = 512 * KIB
            assert screen.editing.selection == RangeSet([(2 * MIB, 2 * MIB + half), (3 * MIB, 3 * MIB + half)])
            assert "selected 2 ranges, 1.0 MiB" in text(app)
            await pilot.press("s", "minus")
            assert screen.editing.map.ranges("-") == screen.editing.selection
            await pilot.press("m", "r", *"3200K+4K", "enter", "m", "d")
            assert screen.editing.selection == RangeSet.of(3 * MIB, 3 * MIB + half)
            await pilot.press("q", "d")
            assert path.read_text() == MAP

    run(test)


def test_recipes_algebra_and_header_are_shown_before_they_are_done(
    devices: list[Device], path: Path, tmp_path: Path
) -> None:
    write_map(tmp_path / "other.map", Mapfile.new(0, 4 * MIB).set_range(3 * MIB, 4 * MIB, "+"))

    async def test() -> None:
        async with editor(path) as (app, pilot, screen):
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, MapRecipesScreen) and "skip-culprit" in text(app))
            for _ in range(6):
                await pilot.press("down")
            assert "Marks N sectors" in text(app)
            await pilot.press("enter", *"2M", "enter", "ctrl+u", "8", "enter", "enter", "enter")
            await until(pilot, lambda: isinstance(app.screen, MapChangeScreen))
            shown = text(app)
            assert "* non-trimmed -> - bad sector" in shown
            assert "4.0 KiB (4096 B)" in shown
            assert "status line: 0x00200000 ? 1 -> 0x00000000 ? 1" in shown
            ids = [row.id for row in app.screen._list.rows]  # type: ignore[attr-defined]
            assert f"range:target:{2 * MIB + 4096}" in ids, "what the next run is meant to read"
            assert screen.editing.map == read_map(path), "nothing is done yet"
            await pilot.press("enter")
            assert app.screen is screen
            assert screen.editing.map.ranges("-").total == 4096 + 512  # the lone bad sector behind it stays
            assert screen.editing.map.position == 0
            # another map, asked for by its path
            await pilot.press("u", "e", "o", "ctrl+u", *"other.map", "enter")
            await until(pilot, lambda: isinstance(app.screen, MapChangeScreen))
            assert "or other.map" in text(app)
            await pilot.press("enter")
            assert screen.editing.map.ranges("+") == RangeSet([(0, 2 * MIB), (3 * MIB, 4 * MIB)])
            # a header that keeps the next run from reading is told in red, and mended by the next edit
            await pilot.press("e", "h", "ctrl+u", *"0x280000 ", "question_mark", *" 5", "enter")
            await until(pilot, lambda: "NEVER READS 448.0 KiB of ?" in text(app))
            await pilot.press("R")
            await until(pilot, lambda: isinstance(app.screen, MapNextRunScreen) and "NEVER READ BY" in text(app))
            assert "will say 'Finished'" in text(app)
            await pilot.press("r", "plus")
            await until(pilot, lambda: "--retry-passes=1 --reverse SOURCE IMAGE" in text(app))
            await pilot.press("q", "f", "slash")
            assert "nothing of status /" in prompt(app)
            await pilot.press("f", "l", "s", "slash", "s", "question_mark")
            assert "The status line becomes 0x0 ? 1" in app.messages[-1][0]
            await until(pilot, lambda: "NEVER" not in text(app))

    run(test)


def test_the_list_beside_the_map_steps_with_it(devices: list[Device], path: Path) -> None:
    async def test() -> None:
        async with editor(path, size=(120, 40)) as (app, pilot, screen):
            blocks = screen.block_list
            screen.set_subject("/srv/cases/smith/rescue.map")
            await pilot.press("f", "minus", "s")
            check("map-editor-120x40", text(app))
            await pilot.press("escape", "g")
            screen.block_map.seek = "?*/-"
            assert "5 blocks +?*/-, by position" in text(app)
            await pilot.press("n")
            assert blocks.chosen == screen.editing.map.block(1)
            await pilot.press("b", "down")
            assert screen.block_map.cursor == 0x210000
            await pilot.press("space", "down", "down", "space", "o")
            assert screen.editing.selection == RangeSet([(0x210000, 0x300000), (0x300200, 4 * MIB)])
            assert "largest first" in text(app)
            await pilot.press("t", "ctrl+u", "minus", "slash", "enter")
            assert (blocks.count, blocks.chosen) == (1, screen.editing.map.block(3))
            await pilot.press("z")
            assert screen.block_map.view.cell == 512
            await pilot.press("i", "backspace", *"1K", "enter")
            assert blocks.count == 0
            await pilot.press("tab", "s", "slash")
            assert "2 blocks /- >= 2 sectors, largest first" in text(app)
            await pilot.resize_terminal(80, 24)
            await pilot.press("b")
            await pilot.pause()
            assert "2 blocks" in text(app)
            assert blocks.has_focus
            await pilot.press("b")
            assert screen.block_map.has_focus

    run(test)


def test_a_held_map_is_followed_and_edits_wait(devices: list[Device], path: Path) -> None:
    async def test() -> None:
        async with editor(path) as (app, pilot, screen):
            with hold_map(path, "a rescue"):
                await looking(pilot, screen, lambda: "LOOK ONLY" in text(app))
                assert "the map is being written by process" in text(app)
                await pilot.press("s", "c", "e", "u")
                assert app.screen is screen
                assert not screen.prompt.busy
                write_map(path, read_map(path).set_range(2 * MIB, 3 * MIB, "+"))
                await looking(pilot, screen, lambda: "75.0 % rescued" in text(app))
            await looking(pilot, screen, lambda: "LOOK ONLY" not in text(app))
            assert "it can be edited" in prompt(app)
            # unsaved edits meet a file that was changed by somebody else: merged, nothing rescued is lost
            await pilot.press(":", *"3M", "enter", "s", "slash")
            assert screen.editing.document.dirty
            write_map(path, read_map(path).set_range(4 * MIB - 4096, 4 * MIB, "+"))
            await looking(pilot, screen, lambda: "changed on disk" in prompt(app))
            await pilot.press("D")
            assert prompt(app).startswith("the file was changed; your edits are not in it:")
            await pilot.press("m")
            await looking(pilot, screen, lambda: "1 edit done again" in prompt(app))
            assert screen.editing.map.status_at(4 * MIB - 1) == "+"
            assert screen.editing.map.status_at(3 * MIB) == "/"

    run(test)


def test_edits_of_a_lost_session_are_offered_and_done_again(devices: list[Device], path: Path) -> None:
    code = (
        "import os, sys\n"
        "from engine.mapedit import Document, SetStatus\n"
        "from engine.ranges import RangeSet\n"
        "d = Document.open(sys.argv[1])\n"
        "d.apply(SetStatus(RangeSet.of(3 << 20, 4 << 20), '/'))\n"
        "d.apply(SetStatus(RangeSet.of(2 << 20, (2 << 20) + 512), '-'))\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=Path(__file__).parents[2], check=False, timeout=60)

    async def test() -> None:
        async with editor(path) as (app, pilot, screen):
            assert prompt(app).startswith("2 edits of a lost session, ")
            await pilot.press("escape", "s")
            assert not screen.prompt.busy, prompt(app)
            await pilot.press("D", "s")
            await until(pilot, lambda: "set 3 MiB-4 MiB to /" in text(app))
            assert "set 2 MiB-2048.5 KiB to -" in text(app)
            await pilot.press("q", "D", "r")
            await until(pilot, lambda: "2 edits are back, not saved yet" in prompt(app))
            assert screen.editing.map.status_at(3 * MIB) == "/"
            assert screen.editing.map.status_at(2 * MIB) == "-"
            await pilot.press("u")
            assert screen.editing.map.status_at(2 * MIB) == "*"
            await pilot.press("q", "w", "enter")
            await until(pilot, lambda: app.screen is not screen)
            assert read_map(path) == screen.editing.map

    run(test)


def test_a_damaged_map_shows_its_problems_and_a_repair(devices: list[Device], path: Path) -> None:
    path.write_text(MAP.replace("0x200000 0x10000 *\n", ""))

    async def test() -> None:
        async with deck(path) as (app, pilot):
            await until(pilot, lambda: isinstance(app.screen, MapProblemsScreen) and "PROBLEMS" in text(app))
            shown = text(app)
            assert "a gap of 65536 bytes before 2162688" in shown
            assert "gaps (1, together 65536 bytes) become non-tried" in shown
            await pilot.press("q")
            screen = app.screen
            assert isinstance(screen, MapEditorScreen)
            assert "DAMAGED" in text(app)
            await pilot.press("s")
            assert not screen.prompt.busy
            await pilot.press("D", "enter")
            await until(pilot, lambda: "the repair is in the editor" in prompt(app))
            await pilot.press("w", "enter")
            await until(pilot, lambda: "saved" in prompt(app))
            assert read_map(path).status_at(2 * MIB) == "?"

    run(test)


def test_a_file_that_is_no_map_any_more_gives_way_to_a_kept_one(devices: list[Device], path: Path) -> None:
    from engine.mapedit import Document, SetStatus

    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(3 * MIB, 4 * MIB), "-"))
    document.save("one")
    path.write_bytes(b"\0" * 4096)  # what a power failure leaves of a file

    async def test() -> None:
        async with deck() as (app, pilot):
            screen = MapEditorScreen(path)
            app.push_screen(screen)
            await until(pilot, lambda: "Put back generation 1 (before: one)? y/N" in prompt(app))
            await pilot.press("y")
            await until(pilot, lambda: screen.opened)
            assert path.read_text() == MAP
            assert [one.path.read_bytes() for one in generations_of(path)] == [MAP.encode(), bytes(4096)]

    run(test)


def test_reading_now_says_what_it_needs(devices: list[Device], path: Path) -> None:
    async def test() -> None:
        async with editor(path) as (app, pilot, screen):
            await pilot.press("g", "x", *"nowhere", "enter", *"out.img", "enter")
            assert "all of the selection is finished" in prompt(app)
            await pilot.press("n", "x")
            assert prompt(app).startswith("Read 64.0 KiB (128 sectors) from /dev/nowhere now?")
            await pilot.press("n")
            await pilot.press("s", "minus", "x")
            assert prompt(app).startswith("The edits are not saved. Save them first?")
            await pilot.press("n")
            assert screen.editing.document.dirty

    run(test)


def test_it_opens_from_case_image_and_rescue(devices: list[Device], path: Path, tmp_path: Path) -> None:
    case = create_case(tmp_path / "case", title="Smith", source_path="/dev/sdb", source_size=4 * MIB)
    case.map.write_text(MAP)
    case.image.write_bytes(b"x")
    rescue = FakeRescue(tmp_path / "running")
    rescue.hold()
    rescue.advance(2000.0)

    async def test() -> None:
        for target, keys in ((case.directory, "e"), (case.image, "e"), (rescue.directory, "m")):
            async with deck(target, map=str(case.map) if target == case.image else None) as (app, pilot):
                await until(pilot, lambda: "rescued" in text(app))
                await pilot.press(keys)
                if keys == "m":
                    assert "Pause the rescue, to edit its map?" in prompt(app)
                    await pilot.press("y")
                await until(pilot, lambda: isinstance(app.screen, MapEditorScreen) and app.screen.opened)
                screen = app.screen
                assert isinstance(screen, MapEditorScreen)
                if keys == "m":
                    from engine.rescue.control import read_request

                    request = read_request(rescue.directory)
                    assert request is not None
                    assert (request.action, request.release_map) == ("pause", True)
                else:
                    assert screen.editing.document.case is not None
                    app.edit_map(case.map)
                    assert app.screen is screen, "one map, one editor"
                names = [command.title for command in commands(app, screen)]
                assert "Select: area" in names
                assert "Edit map: header" in names

    try:
        run(test)
    finally:
        rescue.let_go()


def test_every_key_of_the_menus_is_done_by_somebody(path: Path) -> None:
    from textual.actions import parse

    screen = MapEditorScreen(path)
    for scope, handler in screen._handlers.items():
        for key in SCOPES[scope][1]:
            assert callable(getattr(handler, parse(key.action)[1])), key.id
    for scope in ("status", "mark", "change", "find", "offer", "outside", "leaving"):
        shown = [key.display for key in SCOPES[scope][1]]
        assert all(len(char) == 1 and char == char.lower() for char in shown), scope
        assert len(set(shown)) == len(shown)


def test_the_manual_names_every_key_with_the_words_of_the_table() -> None:
    from tui.keys_editor import EDITOR

    manual = " ".join((Path(__file__).parents[2] / "docs" / "map-editor.md").read_text().split())
    for scope in (*EDITOR, "map"):
        for key in SCOPES[scope][1]:
            assert f"`{key.display_all}`" in manual, key.id
            assert key.help in manual, key.id


def test_dragging_selects_and_the_selection_is_what_is_set(devices: list[Device], path: Path) -> None:
    async def test() -> None:
        async with editor(path) as (_app, pilot, screen):
            shown = screen.block_map
            await until(pilot, lambda: shown.view.count)
            await pilot.mouse_down(shown, offset=(0, 0))
            await pilot.hover(shown, offset=(3, 0))
            await pilot.mouse_up(shown, offset=(3, 0))
            low, high = shown.view.bounds(0)[0], shown.view.bounds(3)[1]
            assert list(screen.editing.selection) == [(low, high)]
            await pilot.press("s", "minus", "y")
            assert {screen.editing.map.status_at(place) for place in (low, high - 1)} == {"-"}
            assert screen.editing.map.status_at(high) == "+"
            await pilot.press("escape")
            await pilot.click(shown, offset=(5, 0))
            assert not screen.editing.selection
            assert shown.cursor == shown.view.bounds(5)[0]

    run(test)


def test_clipped_to_a_domain(devices: list[Device], path: Path) -> None:
    from engine.priorities import write_domain

    write_domain(path.with_name("wanted.map"), RangeSet([(MIB, 2 * MIB), (3 * MIB, 3 * MIB + 512)]), 4 * MIB)

    async def test() -> None:
        async with editor(path) as (app, pilot, screen):
            await pilot.press("e", "d", *"wanted.map", "enter")
            await until(pilot, lambda: isinstance(app.screen, MapChangeScreen))
            await until(pilot, lambda: "between the domain's ranges" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "Do it all the same?" in prompt(app))
            await pilot.press("y")
            await until(pilot, lambda: app.screen is screen and screen.editing.map.start == MIB)
            map_ = screen.editing.map
            assert map_.end == 3 * MIB + 512
            assert [map_.status_at(place) for place in (MIB, 2 * MIB, 3 * MIB)] == ["+", "?", "-"]
            await pilot.press("u")
            assert screen.editing.map == read_map(path)

    run(test)
