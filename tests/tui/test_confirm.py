"""The typed confirmation: nothing but the very word is a yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.devices import Device
from tests.tui.shell import HOSTILE, deck, run, text, until
from tui.dialogs.confirm import ConfirmDialog
from tui.widgets.rows import Cell

FACTS = [("disk", "ST1000DM003 [/b], serial S1D5XYZ0"), ("writes", Cell("1 sector at 0x0", "row--warning"))]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("XYZ0", True), ("xyz0", None), ("y", None), ("", None), ("XYZ0 and more", None), ("escape", False)],
)
def test_only_the_word_is_a_yes(typed: str, answer: bool | None, devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            answers: list[bool | None] = []
            app.push_screen(ConfirmDialog("Write to /dev/sdb [bold]now[/]?", FACTS, "XYZ0"), answers.append)
            await until(pilot, lambda: "type XYZ0 and press Enter" in text(app))
            assert "ST1000DM003 [/b], serial S1D5XYZ0" in text(app)
            assert "Write to /dev/sdb [bold]now[/]?" in text(app)
            await pilot.press(*([typed] if typed == "escape" else [*typed, "enter"]))
            await pilot.pause()
            assert answers == ([] if answer is None else [answer])
            if answer is None:
                assert "Nothing has been done" in text(app)

    run(test)


def test_hostile_facts(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck(size=(60, 16)) as (app, pilot):
            app.push_screen(ConfirmDialog(HOSTILE[0], [(name[:5], name) for name in HOSTILE], "word"))
            await until(pilot, lambda: "type word" in text(app))
            assert all(line.isprintable() for line in text(app).split("\n"))
            assert "no, leave it" in text(app), "the way out is on the screen even at 60x16"

    run(test)
