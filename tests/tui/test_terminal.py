"""What a terminal can do, read from its environment; and the deck on terminals that can do little."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.devices import Device
from tests.tui.shell import TERMINAL, deck, run, text, until
from tui.screens.start import StartScreen
from tui.screens.too_small import TooSmallScreen
from tui.terminal import detect, refusal


@pytest.mark.parametrize(
    ("env", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "tmux-256color"}, "256"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "vt100", "COLORTERM": ""}, "16"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": ""}, "none"),
    ],
)
def test_colours(env: dict[str, str], colours: str) -> None:
    assert detect({"LANG": "C.UTF-8", **env}, encoding="utf-8", coerced=False).colours == colours


@pytest.mark.parametrize(
    ("env", "encoding", "coerced", "utf8"),
    [
        ({"LANG": "de_DE.UTF-8"}, "utf-8", False, True),
        ({"LANG": "C.UTF-8"}, "utf-8", False, True),
        ({"LANG": "en_US.utf8", "LC_ALL": ""}, "utf-8", False, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, "utf-8", True, False),
        # Python sets LC_CTYPE by itself in the C locale: the terminal has not said that it can.
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", True, False),
        ({"LC_CTYPE": "C.UTF-8"}, "utf-8", True, False),
        ({"LC_CTYPE": "de_DE.UTF-8"}, "utf-8", False, True),
        ({"LANG": "de_DE.ISO-8859-1"}, "iso-8859-1", False, False),
        ({"LANG": "de_DE.UTF-8"}, "ascii", False, False),
        ({}, "utf-8", True, False),
    ],
)
def test_utf8(env: dict[str, str], encoding: str, coerced: bool, utf8: bool) -> None:
    assert detect({"TERM": "xterm", **env}, encoding=encoding, coerced=coerced).utf8 is utf8


def test_poor_fonts_get_letters_but_no_glyphs() -> None:
    console = detect({"TERM": "linux", "LANG": "de_DE.UTF-8"}, encoding="utf-8", coerced=False)
    assert console.utf8
    assert not console.glyphs


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_unusable_terminals_are_refused_with_the_way_out(term: str) -> None:
    reason = refusal(replace(TERMINAL, term=term), interactive=True)
    assert reason is not None
    assert "rescuedeck devices" in reason


def test_no_terminal_at_all_is_refused() -> None:
    assert "needs a terminal" in (refusal(TERMINAL, interactive=False) or "")
    assert refusal(TERMINAL, interactive=True) is None


@pytest.mark.parametrize("size", [(59, 24), (80, 15), (20, 5), (4, 1)])
def test_too_small_says_so_and_recovers(size: tuple[int, int], devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "/dev/sdb" in text(app))
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert isinstance(app.screen, TooSmallScreen)
            if size[0] > 30:
                assert text(app).splitlines()[0] == f"terminal too small: {size[0]}x{size[1]}, need 60x16"
                assert "/dev/sdb" not in text(app)
            await pilot.resize_terminal(60, 16)
            await pilot.pause()
            assert isinstance(app.screen, StartScreen)
            await until(pilot, lambda: "/dev/sdb" in text(app) and "? help  q quit" in text(app))

    run(test)


def test_too_small_from_the_start(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck(size=(50, 10)) as (app, pilot):
            await until(pilot, lambda: "terminal too small: 50x10" in text(app))
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "/dev/sdb" in text(app))

    run(test)


def test_too_small_with_something_to_open(devices: list[Device], folder: Path) -> None:
    (folder / "disk.img").write_bytes(b"x" * 512)

    async def test() -> None:
        async with deck("disk.img", size=(50, 10)) as (app, pilot):
            await until(pilot, lambda: text(app).startswith("terminal too small: 50x10"))
            await pilot.resize_terminal(80, 24)
            await until(pilot, lambda: "disk.img" in text(app))
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, StartScreen))
            assert len(app.screen_stack) == 2

    run(test)


def test_ascii_option_leaves_no_other_character(devices: list[Device], folder: Path) -> None:
    (folder / "Überspielung–1.img").write_bytes(b"x" * 512)

    async def test() -> None:
        async with deck(ascii=True) as (app, pilot):
            await until(pilot, lambda: "?berspielung-1.img" in text(app))
            await pilot.press("d")
            await until(pilot, lambda: "by-id" in text(app))
            assert text(app).isascii()

    run(test)


def test_console_keeps_letters(devices: list[Device], folder: Path) -> None:
    (folder / "Überspielung.img").write_bytes(b"x" * 512)
    console = replace(TERMINAL, term="linux", colours="16", glyphs=False)

    async def test() -> None:
        async with deck(terminal=console) as (app, pilot):
            await until(pilot, lambda: "Überspielung.img" in text(app))
            assert app.theme == "ansi"
            await pilot.press("d")
            await until(pilot, lambda: "----" in text(app))
            assert "─" not in text(app)

    run(test)


def test_no_color_sends_no_colour_at_all(
    devices: list[Device], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def test() -> None:
        async with deck(terminal=replace(TERMINAL, colours="none")) as (app, pilot):
            await until(pilot, lambda: "/dev/sdb" in text(app))
            assert app.theme == "mono"
            styles = [segment.style for strip in app.screen._compositor.render_strips() for segment in strip]
            for style in styles:
                assert style is None or style.color is None or style.color.is_default
                assert style is None or style.bgcolor is None or style.bgcolor.is_default
            assert any(style is not None and style.reverse for style in styles), "the cursor can be seen"

    run(test)
