"""The prompt row: messages, one-key questions, one-line input."""

from __future__ import annotations

from pathlib import Path

from textual import events

from engine.devices import Device
from engine.errors import OutsideError
from tests.tui.shell import deck, run, text, until
from tui.dialogs.messages import MessagesDialog
from tui.dialogs.path import complete_path
from tui.screens.base import DeckScreen
from tui.screens.start import StartScreen


def row(app: object) -> str:
    return text(app).splitlines()[-2].strip()  # type: ignore[arg-type]


def test_a_question_takes_one_of_its_keys_and_nothing_else(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            screen = app.screen
            assert isinstance(screen, DeckScreen)
            before = screen.focused
            for pressed, answer in ((("y",), "y"), (("x", "q", "N"), "n"), (("enter",), "n"), (("escape",), "n")):
                answers: list[str] = []
                screen.prompt.ask("Stop [bold]it[/]?", answers.append)
                await pilot.pause()
                assert row(app).startswith("Stop [bold]it[/]? y/N")
                assert text(app).splitlines()[-1].split()[::2] == ["Enter", "Esc"]
                await pilot.press(*pressed)
                assert answers == [answer]
                assert screen.focused is before, "the focus is back where it was"
                assert isinstance(app.screen, StartScreen), "q was an answer, not a command"

    run(test)


def test_a_line_can_be_written_and_mended(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            lines: list[str] = []
            app.screen.prompt.read("name:", lines.append, value="abc")  # type: ignore[attr-defined]
            await pilot.press("d", "left", "left", "X", "home", "Q", "end", "backspace", "question_mark")
            await pilot.pause()
            assert row(app).startswith("name: QabXc?")
            app.screen.focused.post_message(events.Paste(" /srv/ü\x1b[31m\nsecond line"))  # type: ignore[union-attr]
            await pilot.pause()
            assert "/srv/ü\\x1b[31m" in row(app)
            await pilot.press("enter")
            assert lines == ["QabXc?/srv/ü\x1b[31m"]
            app.screen.prompt.read("name:", lines.append)  # type: ignore[attr-defined]
            await pilot.press("z", "escape")
            assert len(lines) == 1, "Escape leaves it"

    run(test)


def test_a_long_message_keeps_its_beginning_and_can_be_read_in_full(devices: list[Device], folder: Path) -> None:
    error = OutsideError("the thing broke", path="/a/very/long/" + "path/" * 30 + "file", advice="do it THIS way")

    async def test() -> None:
        async with deck() as (app, pilot):
            app.tell_error(error)
            await pilot.pause()
            assert row(app).startswith("the thing broke (/a/very/long/path")
            assert row(app).endswith("… (E: all)")
            await pilot.press("E")
            await pilot.pause()
            assert isinstance(app.screen, MessagesDialog)
            assert "THIS way" in text(app).replace("\n", "")
            await pilot.press("q")
            assert isinstance(app.screen, StartScreen)

    run(test)


def test_completion_of_paths(folder: Path) -> None:
    (folder / "cases").mkdir()
    (folder / "case.img").touch()
    (folder / ".hidden").touch()
    assert complete_path("ca") == ["case.img", "cases/"]
    assert complete_path(f"{folder}/cases") == [f"{folder}/cases/"]
    assert complete_path(".h") == [".hidden"]
    assert ".hidden" not in complete_path("")
    assert complete_path("/nowhere/at/all/x") == []


def test_what_is_typed_ahead_of_a_question_answers_it(devices: list[Device], folder: Path) -> None:
    """A slow line brings several keys in one piece: they arrive before the row has the focus."""

    async def test() -> None:
        async with deck() as (app, pilot):
            lines: list[str] = []
            screen = app.screen
            assert isinstance(screen, StartScreen)
            screen.action_open_path = lambda: screen.prompt.read("open:", lines.append)  # type: ignore[method-assign]
            for key in ("o", "q", "question_mark", "d", "slash", "enter"):
                character = {"question_mark": "?", "slash": "/", "enter": "\r"}.get(key, key)
                app.post_message(events.Key(key, character))
            await pilot.pause()
            await pilot.pause()
            assert lines == ["q?d/"]
            assert app.screen is screen

    run(test)


def test_an_open_question_keeps_the_keys(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            screen = app.screen
            assert isinstance(screen, DeckScreen)
            answers: list[str] = []
            before = screen.focused
            assert before is not None
            before.focus()  # takes effect later
            screen.prompt.ask("really?", answers.append)
            await pilot.pause()
            await pilot.click(type(before), offset=(5, 3))
            await pilot.press("d", "y")
            assert answers == ["y"]
            assert screen.focused is before

    run(test)


def test_what_comes_next_gives_way_to_what_is_said(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: app.start._devices is not None and app.start._folder is not None)
            prompt = app.start.prompt
            done: list[str] = []
            app.start.offer("list the files: it shows which are hit", lambda: done.append("listed"))
            await pilot.pause()
            assert row(app) == "next: . list the files: it shows which are hit"
            app.start.say("13 files listed; that was the whole volume")
            await pilot.pause()
            assert row(app) == "13 files listed; that was the whole volume  next: . list the files"
            app.start.say("x" * 50)
            await pilot.pause()
            assert row(app) == "x" * 50 + "  next: . list the files"
            app.start.say("x" * 60)
            await pilot.pause()
            assert row(app) == "x" * 60
            app.start.say("x" * 200)
            await pilot.pause()
            assert "next" not in row(app) and row(app).endswith("… (E: all)")
            app.start.say("")
            await pilot.press("full_stop")
            assert done == ["listed"]
            app.start.offer("start it", None, "s")
            await pilot.pause()
            assert row(app) == "next: s start it"
            await pilot.press("full_stop")
            assert done == ["listed"] and "nothing is offered" in prompt.text

    run(test)
