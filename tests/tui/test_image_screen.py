"""An image, its map, both, and making a case of them."""

from __future__ import annotations

from pathlib import Path

from engine.cases import is_case, load_case
from engine.devices import Device
from tests.tui.shell import deck, run, text, until
from tui.screens.case import CaseScreen
from tui.screens.image import ImageScreen

MAP = "0x00 + 1\n0x00 0x300000 +\n0x300000 0x100000 ?\n"


def test_an_image_without_a_map_says_what_nobody_knows(devices: list[Device], folder: Path) -> None:
    (folder / "disk.img").write_bytes(b"x" * 8192)
    (folder / "other.map").write_text(MAP)

    async def test() -> None:
        async with deck("disk.img") as (app, pilot):
            await until(pilot, lambda: "nobody can say which of its bytes were never read" in text(app))
            await pilot.press("m", *"other.map", "enter")
            await until(pilot, lambda: "75.0 % rescued" in text(app))
            assert "+++++" in text(app)
            assert "?????" in text(app)

    run(test)


def test_a_map_beside_the_image_is_found(devices: list[Device], folder: Path) -> None:
    (folder / "disk.img").write_bytes(b"x" * 8192)
    (folder / "disk.map").write_text(MAP)

    async def test() -> None:
        async with deck("disk.img") as (app, pilot):
            await until(pilot, lambda: "75.0 % rescued" in text(app))

    run(test)


def test_a_map_alone(devices: list[Device], folder: Path) -> None:
    (folder / "disk.map").write_text(MAP)

    async def test() -> None:
        async with deck("disk.map") as (app, pilot):
            await until(pilot, lambda: "75.0 % rescued" in text(app))
            assert text(app).splitlines()[0].startswith(" map ")
            await pilot.press("n")
            await until(pilot, lambda: "0x00300000" in text(app))

    run(test)


def test_a_map_that_knows_no_end(devices: list[Device], folder: Path) -> None:
    (folder / "disk.map").write_text(f"0x00 ? 1\n0x00 0x300000 +\n0x300000 0x{(1 << 63) - 1 - 0x300000:x} ?\n")

    async def test() -> None:
        async with deck("disk.map") as (app, pilot):
            await until(pilot, lambda: "rescued" in text(app))
            assert "- rescued" in text(app), "no share of an unknown whole"

    run(test)


def test_a_damaged_map_is_told(devices: list[Device], folder: Path) -> None:
    (folder / "disk.img").write_bytes(b"x" * 8192)
    (folder / "bad.map").write_text("0x00 + 1\n0x00 0x200 +\n0x100 0x200 ?\n")

    async def test() -> None:
        async with deck("disk.img", map="bad.map") as (app, pilot):
            await until(pilot, lambda: "bad.map" in text(app) and "error" in text(app))
            assert isinstance(app.screen, ImageScreen)

    run(test)


def test_making_a_case_refers_to_both_where_they_are(devices: list[Device], folder: Path) -> None:
    (folder / "disk.img").write_bytes(b"x" * 8192)
    (folder / "disk.map").write_text(MAP)

    async def test() -> None:
        async with deck("disk.img") as (app, pilot):
            await until(pilot, lambda: "75.0 % rescued" in text(app))
            await pilot.press("c")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, CaseScreen) and "look at the map" in text(app))
            assert is_case(folder / "disk-case")
            assert load_case(folder / "disk-case").image == folder / "disk.img"
            assert load_case(folder / "disk-case").map == folder / "disk.map"

    run(test)
