"""Paths that people write and the system refuses: told in one line, whatever they are; the deck goes on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from textual import events

from engine.cases import is_case, read_history
from engine.cases import load_case as load
from engine.devices import Device
from engine.errors import UsageError
from tests.tui.shell import deck, run, text, until
from tui.dialogs.path import written_path
from tui.screens.base import DeckScreen
from tui.screens.case import CaseScreen
from tui.screens.image import ImageScreen
from tui.screens.start import StartScreen

MAP = "0x00 + 1\n0x00 0x300000 +\n0x300000 0x100000 ?\n"
REFUSED = ["~nobody-of-this-name/x", "n" * 300, "loop", "disk.img/below", "/dev/null"]
"""An unknown person's home, too long a name, a link to itself, a path through a file, a device of characters."""


def answer(app: object, line: str) -> None:
    """Paste the answer to the question that is open, as one piece."""
    app.focused.post_message(events.Paste(line))  # type: ignore[attr-defined]


def test_what_a_written_path_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert written_path(" ~/x/../y ") == Path("/home/ann/y")
    assert written_path("~nobody-of-this-name").name == "~nobody-of-this-name"
    for nothing in ("", "  ", "a\0b"):
        with pytest.raises(UsageError):
            written_path(nothing)


def test_is_case_never_fails(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name in ("loop", "n" * 300, "nothing"):
        assert not is_case(tmp_path / name)


@pytest.mark.parametrize("written", REFUSED)
def test_opening_what_cannot_be_opened(devices: list[Device], folder: Path, written: str) -> None:
    (folder / "disk.img").write_bytes(b"x" * 8192)
    (folder / "loop").symlink_to("loop")

    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("o")
            answer(app, written)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, StartScreen) and bool(app.screen.prompt.text))
            said = app.screen.prompt.text  # type: ignore[attr-defined]
            assert said.startswith(("cannot open that:", "that is neither a file, a case nor a block device")), said

    run(test)


def test_a_folder_that_is_not_open_to_us(devices: list[Device], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "closed").mkdir()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "closed" not in str(path) and allowed(path, mode))

    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("o", *"closed", "enter")
            await until(pilot, lambda: "cannot open that: Permission denied" in text(app).splitlines()[-2])

    run(test)


@pytest.mark.parametrize("written", REFUSED)
@pytest.mark.parametrize("key", ["m", "c"])
def test_a_map_or_a_case_folder_that_cannot_be(devices: list[Device], folder: Path, key: str, written: str) -> None:
    (folder / "disk.img").write_bytes(b"x" * 8192)
    (folder / "disk.map").write_text(MAP)
    (folder / "loop").symlink_to("loop")

    async def test() -> None:
        async with deck("disk.img") as (app, pilot):
            await until(pilot, lambda: "75.0 % rescued" in text(app))
            await pilot.press(key, "ctrl+u")
            answer(app, written)
            await pilot.press("enter")
            if (key, written) == ("c", REFUSED[0]):  # a folder may bear any name
                await until(pilot, lambda: isinstance(app.screen, CaseScreen))
                return
            screen = app.screen
            assert isinstance(screen, ImageScreen)
            await until(pilot, lambda: bool(screen.prompt.text))
            assert screen.prompt.text.startswith(("cannot ", "a device is no mapfile"))
            assert ("++++" in text(app)) == (key == "c"), "no map is drawn that was not read"

    run(test)


def test_the_case_of_an_image_begins_its_history(devices: list[Device], folder: Path) -> None:
    (folder / "disk.img").write_bytes(b"x" * 8192)

    async def test() -> None:
        async with deck("disk.img") as (app, pilot):
            await pilot.press("c", "enter")
            await until(pilot, lambda: isinstance(app.screen, CaseScreen))
            (made,) = read_history(load(folder / "disk-case"))
            assert (made.action, made.facts["image"]) == ("case-created", str(folder / "disk.img"))

    run(test)


def test_a_disk_that_fails_under_the_deck_is_told(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            screen = app.screen
            assert isinstance(screen, DeckScreen)

            def broken(*_: object) -> None:
                raise OSError(errno.EIO, os.strerror(errno.EIO), "/case/file")

            screen.prompt.ask("Go on?", broken)
            await pilot.press("y")
            assert screen.prompt.text.startswith("that cannot be done: Input/output error (/case/file)")
            screen.say("")
            from tui import background

            background.start(screen, broken, broken)
            await until(pilot, lambda: screen.prompt.text.startswith("cannot look at the files: Input/output error"))

    run(test)
