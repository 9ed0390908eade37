"""The live rescue screen on a case whose job is written by hand: what it shows, what it asks for, what it sends."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.cases import create_case
from engine.mapfile import Mapfile, write_map
from engine.rescue.control import read_request
from engine.rescue.status import State
from tests.tui.deck import screen_lines
from tests.tui.fake_rescue import GB, FakeRescue
from tests.tui.shell import deck, run, text, until
from tui.app import DeckApp
from tui.rescue_feed import News, RescueFeed, drawn_domain
from tui.rescue_words import alert, event_text, share, state_word
from tui.screens.rescue import RescueScreen
from tui.screens.rescue_details import RescueDetailsScreen
from tui.screens.rescue_recipes import RecipeScreen


@pytest.fixture
def rescue(tmp_path: Path) -> Iterator[FakeRescue]:
    made = FakeRescue(tmp_path)
    made.hold()
    made.event("job-started", run=1)
    made.event("pass", number=1, reason="nothing has been read yet: fast copy")
    made.advance(2000.0)
    yield made
    made.let_go()


@asynccontextmanager
async def watching(
    target: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[DeckApp, Pilot[None], RescueScreen]]:
    async with deck(size=size) as (app, pilot):
        screen = RescueScreen(target)
        app.push_screen(screen)
        await until(pilot, lambda: screen.news.map is not None)
        yield app, pilot, screen


async def looked(pilot: Pilot[None], screen: RescueScreen) -> None:
    """The next look at the files has come back."""
    before = screen.looks
    screen.look_now()
    await until(pilot, lambda: screen.looks > before)


def test_everything_that_matters_is_on_one_screen_at_80x24(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, _pilot, _screen):
            shown = text(app)
            for words in (
                "RUNNING", "copying what was not tried yet, pass 1 forwards", "Smith, WD Blue", "sources READ ONLY",
                "rescued", " of 512.0 GiB", "about 1.5 h", "1 h 05 min", "cell 819.2 MiB", "finished", "non-tried",
                "non-trimmed", "non-scraped", "bad sector", "88.0 MiB/s", "last good", "3 reads", "areas",
                "nothing has been read yet: fast copy", "p pause", "s stop", "q back",
            ):  # fmt: skip
                assert words in shown, f"{words!r} is missing:\n{shown}"
            position = rescue.position
            assert f"0x{position:08X} >" in shown
            assert all(len(line) <= 80 for line in shown.splitlines())
            assert len(shown.splitlines()) == 24

    run(test)


def test_the_figures_are_those_of_the_map(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            totals = rescue.map.totals()
            part = totals.bytes[0] * 10000 // rescue.size
            assert f"{part // 100}.{part % 100:02d} %" in text(app)
            rescue.advance(100.0)
            await looked(pilot, screen)
            part = rescue.map.totals().bytes[0] * 10000 // rescue.size
            assert f"{part // 100}.{part % 100:02d} %" in text(app)
            assert screen.query_one("#rescue-map").map.same_blocks(rescue.map)  # type: ignore[attr-defined]

    run(test)


def test_a_hanging_read_is_told_with_its_time_and_its_place(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            rescue.advance(0.0, rate=1, still_s=72.0, last_good_read_s=72.0)
            await looked(pilot, screen)
            shown = text(app)
            assert "the read in flight hangs for 1 min 12 s" in shown
            assert "power-cycle the drive" in shown
            assert f"0x{rescue.position:08X} hung" in shown
            assert "1 min 12 s ago" in shown

    run(test)


def test_the_time_since_the_last_good_read_grows_while_the_rescue_is_silent(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            assert "no report" not in text(app)
            rescue.advance(1.0, last_good_read_s=5.0)
            rescue.status = replace(rescue.status, updated=time.time() - 90)
            rescue.write()
            await looked(pilot, screen)
            assert "no report from the rescue for 1 min 30 s" in text(app)
            assert "1 min 35 s ago" in text(app)

    run(test)


def test_pause_and_go_on_share_a_key_and_leave_requests(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            await pilot.press("p")
            await until(pilot, lambda: read_request(rescue.directory) is not None)
            request = read_request(rescue.directory)
            assert request is not None
            assert request.action == "pause"
            assert "pausing after the read in flight" in text(app)
            rescue.save(state=State.PAUSED, request=request.number, answer="pause accepted", headline="paused")
            await looked(pilot, screen)
            assert "PAUSED" in text(app)
            assert "pause accepted" in text(app)
            assert "p go on" in text(app)
            await pilot.press("p")
            await until(pilot, lambda: (found := read_request(rescue.directory)) and found.action == "resume")

    run(test)


def test_stop_asks_first_and_escape_is_no(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, _screen):
            await pilot.press("s")
            assert "End this rescue? All that was read is kept" in text(app)
            await pilot.press("escape")
            assert "End this rescue" not in text(app)
            assert "stopping" not in text(app)

    run(test)


def test_another_recipe_is_chosen_from_a_list_that_explains_them(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, _screen):
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, RecipeScreen))
            await until(pilot, lambda: "fast copy  (in use)" in text(app))
            assert "> copy" in text(app)
            await pilot.press("down", "down", "down")
            assert "> trim" in text(app)
            assert "from both edges" in text(app).replace("\n", " ")
            await pilot.press("enter")
            await until(pilot, lambda: (found := read_request(rescue.directory)) and found.name == "trim")

    run(test)


def test_details_show_command_files_and_all_events(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, _screen):
            await pilot.press("d")
            await until(pilot, lambda: isinstance(app.screen, RescueDetailsScreen))
            shown = text(app)
            assert "ddrescue --no-trim --no-scrape --idirect" in shown
            assert "rescue.map" in shown
            await pilot.press("end")
            await until(pilot, lambda: "started" in text(app))
            await pilot.press("q")
            assert isinstance(app.screen, RescueScreen)

    run(test)


def test_leaving_says_that_it_goes_on(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, _screen):
            await pilot.press("q")
            assert "the rescue goes on" in text(app)

    run(test)


def test_a_killed_rescue_is_not_shown_as_running(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            rescue.let_go()
            await looked(pilot, screen)
            shown = text(app)
            assert "KILLED" in shown
            assert "RUNNING" not in shown
            assert "p go on" in shown
            assert ">" not in "".join(shown.splitlines()[5:12]), "nothing is being read"

    run(test)


def test_done_with_gaps_is_not_called_done(rescue: FakeRescue) -> None:
    async def test() -> None:
        rescue.save(
            state=State.DONE, headline="24 sectors of bad sectors are left; 3 retry passes are done",
            reason="25 sectors of bad sectors are left: pass 3 of 3", recipe_title="retry bad sectors",
        )  # fmt: skip
        rescue.end("done")
        async with watching(rescue.directory) as (app, _pilot, _screen):
            shown = text(app)
            assert "GAPS LEFT" in shown
            assert "last pass: retry bad sectors" in shown
            assert "25 sectors" not in shown, "that was so before the last pass"
            assert " DONE" not in shown
            assert "3 retry passes are done" in shown

    run(test)


def test_a_failed_rescue_says_why_and_what_to_do(rescue: FakeRescue) -> None:
    async def test() -> None:
        rescue.end(
            "failed",
            error={"message": "the drive no longer answers", "code": "device-gone", "advice": "power-cycle it"},
        )
        async with watching(rescue.directory) as (app, _pilot, _screen):
            shown = text(app)
            assert "FAILED" in shown
            assert "the drive no longer answers" in shown
            assert "power-cycle it" in shown

    run(test)


def test_a_long_alert_takes_a_second_row_and_gives_it_back(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            rows = screen.query_one("#rescue-map").view.rows  # type: ignore[attr-defined]
            long = "a read is stuck in the kernel; only the device or its power can end it: cut that for ten seconds"
            rescue.save(alert=long)
            await looked(pilot, screen)
            assert long in " ".join(line.strip() for line in text(app).splitlines())
            assert screen.query_one("#rescue-map").view.rows == rows - 1  # type: ignore[attr-defined]
            rescue.save(alert="")
            await looked(pilot, screen)
            assert screen.query_one("#rescue-map").view.rows == rows  # type: ignore[attr-defined]

    run(test)


def test_the_options_shown_are_those_in_force(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            rescue.save(options={"max_read_rate": 512 << 10})
            await looked(pilot, screen)
            await pilot.press("o", "t")
            await until(pilot, lambda: "1 set" in text(app) and "512.0 KiB" in text(app))

    run(test)


def test_what_can_be_done_after_the_end_stands_in_the_row_of_keys(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.case.directory) as (app, pilot, screen):
            assert "S set up" not in text(app).splitlines()[-1]
            await pilot.press("p")
            await until(pilot, lambda: screen.prompt.text.startswith("pausing after the read in flight"))
            rescue.end("done", result={"reason": "bad sectors are left"})
            rescue.save(state=State.DONE, headline="bad sectors are left")
            await looked(pilot, screen)
            await until(pilot, lambda: "GAPS LEFT" in text(app))
            keys = text(app).splitlines()[-1]
            assert "S set up" in keys
            for dead in ("p go on", "s stop", "c recipe", "o options"):
                assert dead not in keys
            assert not screen.prompt.text, "nothing is to be paused any more"

    run(test)


def test_after_the_end_the_map_counts_and_not_what_the_rescue_last_said(rescue: FakeRescue) -> None:
    rescue.end("failed", error={"message": "the drive is gone", "code": "device-gone", "exit_code": 3})
    rescue.save(state=State.FAILED)
    old = rescue.status.rescued
    size = rescue.size
    write_map(rescue.case.map, Mapfile.from_blocks([(0, size - GB, "+"), (size - GB, GB, "-")]))

    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            await until(pilot, lambda: "99.80 %" in text(app))
            assert old < size - GB
            assert "511.0 GiB of 512.0 GiB" in text(app)
            rescue.save(state=State.FAILED, domain_bytes=old)  # it was about a part: only itself can count that
            write_map(rescue.case.map, Mapfile.from_blocks([(0, size - GB, "+"), (size - GB, GB, "-")]))
            await looked(pilot, screen)
            await until(pilot, lambda: "100 %" in text(app))

    run(test)


def test_a_map_alone_can_be_looked_at(tmp_path: Path) -> None:
    write_map(tmp_path / "disk.map", Mapfile.from_blocks([(0, GB, "+"), (GB, 512, "-"), (GB + 512, GB - 512, "?")]))

    async def test() -> None:
        async with watching(tmp_path / "disk.map") as (app, pilot, _screen):
            shown = text(app)
            assert "a map alone; nobody works on it" in shown
            assert "50.00 %" in shown
            await pilot.press("p", "s", "c", "o", "e")
            assert isinstance(app.screen, RescueScreen)
            await pilot.press("n", "plus", "plus", "plus", "plus", "plus", "plus", "plus", "plus", "plus")
            assert "cell 1 sector" in text(app)
            assert "- bad sector, block 0x40000000 + 1 sector" in text(app)

    run(test)


def test_a_case_without_a_rescue_says_how_to_begin(tmp_path: Path) -> None:
    source = tmp_path / "patient.img"
    source.write_bytes(bytes(1 << 20))
    case = create_case(tmp_path / "case", source_path=str(source), source_size=1 << 20)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(RescueScreen(case.directory))
            await until(pilot, lambda: "NEW" in text(app))
            shown = text(app)
            assert "press S to set up its rescue" in shown
            assert "no map yet" in shown

    run(test)


def test_a_case_follows_its_live_rescue(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.case.directory) as (app, _pilot, screen):
            assert "RUNNING" in text(app)
            assert screen.news.job is not None
            assert screen.news.job.directory == rescue.directory

    run(test)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (120, 40), (200, 50)])
def test_every_size_shows_state_share_map_and_figures(rescue: FakeRescue, size: tuple[int, int]) -> None:
    async def test() -> None:
        async with watching(rescue.directory, size) as (app, pilot, screen):
            await pilot.pause()
            shown = screen_lines(app)
            whole = "\n".join(shown)
            for words in ("RUNNING", "rescued", "finished", "bad sector", "rate now", "last good", "position"):
                assert words in whole, f"{words} is missing at {size}:\n{whole}"
            assert all(len(line) == size[0] for line in shown)
            view = screen.query_one("#rescue-map").view  # type: ignore[attr-defined]
            assert view.columns == size[0]
            assert view.rows >= 3

    run(test)


def test_zooming_and_following_the_drive(rescue: FakeRescue) -> None:
    async def test() -> None:
        async with watching(rescue.directory) as (app, pilot, screen):
            await pilot.press("plus", "plus", "plus", "plus")
            view = screen.query_one("#rescue-map").view  # type: ignore[attr-defined]
            assert view.index(rescue.position) is None
            await pilot.press("f")
            assert "follows" in text(app)
            await looked(pilot, screen)
            view = screen.query_one("#rescue-map").view  # type: ignore[attr-defined]
            assert view.index(rescue.position) is not None

    run(test)


# -- pure parts -------------------------------------------------------------------------------------------------------


def test_a_share_is_cut_and_never_rounded_up() -> None:
    assert share(10**12 - 512, 10**12) == "99.99 %"
    assert share(10**12, 10**12) == "100 %"
    assert share(0, 10**12) == "0.00 %"
    assert share(1, 10**12) == "< 0.01 %"
    assert share(5, 0) == "-"


def test_texts_from_the_journal_are_made_safe() -> None:
    line = event_text("12:00:00", "note", {"message": "\x1b[31mred\u202e"})
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert event_text("12:00:00", "paused", {"reason": "paused on request"}) == "12:00:00 paused on request"


def test_nothing_known_is_said_to_be_nothing() -> None:
    assert state_word(News()).text == "NEW"
    assert alert(News(problem="there is no map yet"), 0.0).text == "there is no map yet"


def test_the_feed_keeps_the_last_whole_map_while_it_is_rewritten(rescue: FakeRescue) -> None:
    feed = RescueFeed(rescue.directory)
    first = feed.look()
    assert first.map is not None
    whole = rescue.case.map.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) > 9
    for torn in (b"", whole[: len(whole) // 2], b"# Mapfile.", b"".join(lines[:-1]), b"".join(lines[:4])):
        rescue.case.map.write_bytes(torn)
        seen = feed.look()
        assert seen.map is not None
        assert seen.map.same_blocks(first.map)
    rescue.case.map.unlink()
    assert feed.look().map is not None
    rescue.advance(10.0)
    again = feed.look()
    assert again.map is not None
    assert again.map.same_blocks(rescue.map)


def test_the_feed_does_not_read_what_has_not_changed(rescue: FakeRescue) -> None:
    feed = RescueFeed(rescue.directory)
    first, second = feed.look(), feed.look()
    assert first.map is second.map
    assert first.status is second.status


def test_a_map_of_unknown_size_is_drawn_up_to_what_was_tried() -> None:
    open_end = Mapfile.from_blocks([(0, 10 << 20, "+"), (10 << 20, (1 << 63) - 1 - (10 << 20), "?")])
    assert drawn_domain(open_end, 64 << 20) == (0, 64 << 20)
    start, end = drawn_domain(open_end, None)
    assert start == 0
    assert 10 << 20 < end < 12 << 20
    assert drawn_domain(Mapfile.new(0, 1 << 20), None) == (0, 1 << 20)
