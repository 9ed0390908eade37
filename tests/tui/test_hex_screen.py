"""The hex view on the screen: bytes, holes with their letters, structures with their fields, moving about."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cases import create_case
from engine.devices import Device
from engine.errors import UsageError
from tests.engine.partitions.disks import MIB, sfdisk
from tests.support import needs_tool
from tests.tui.shell import deck, run, text, until
from tui.screens.hex import HexScreen, open_hex

SCRIPT = "label: dos\nstart=2048,size=8192,type=e,bootable\nstart=16384,size=8192,type=83\n"
MAP = "0x00 + 1\n0x00 0x200 +\n0x200 0x200 -\n0x400 0x1000 ?\n0x1400 0xC00 *\n0x2000 0x1000 /\n0x3000 0xFFD000 +\n"


@pytest.fixture
def disk(folder: Path) -> Path:
    """A 16 MiB image with an MBR, under a map with holes of every kind."""
    needs_tool("sfdisk")
    image = sfdisk(folder / "disk.img", SCRIPT, 16 * MIB)
    (folder / "disk.map").write_text(MAP)
    return image


def hex_of(app: object) -> HexScreen:
    """The screen under test."""
    screen = app.screen  # type: ignore[attr-defined]
    assert isinstance(screen, HexScreen)
    return screen


def test_bytes_and_holes_as_they_are(devices: list[Device], disk: Path) -> None:
    async def test() -> None:
        async with deck(disk) as (app, pilot):
            await until(pilot, lambda: "MBR" in text(app) or "map" in text(app))
            await pilot.press("x")
            await until(pilot, lambda: "00000000  00 00" in text(app))
            assert "were never read" in text(app)
            view = hex_of(app).view
            view.move_to(0x200)
            await until(pilot, lambda: "-- -- --" in text(app))
            assert "000001f0  00 00 00 00 00 00 00 00  00 00 00 00 00 00 55 aa" in text(app)
            assert "00000200  -- -- -- -- -- -- -- --  -- -- -- -- -- -- -- --  ----------------" in text(app)
            for place, letter, words in (("1400h", "*", "non-trimmed"), ("0x2000", "/", "non-scraped"),
                                         ("2s", "?", "non-tried"), ("1s", "-", "bad sector")):  # fmt: skip
                await pilot.press("colon", *place.replace(" ", ""), "enter")
                await until(pilot, lambda w=words: f"{w}:" in text(app))
                assert f"{letter * 2} {letter * 2}" in text(app)
            view.move_to(0x3000)
            await until(pilot, lambda: "bad sector" not in text(app))
            assert "never" not in text(app).split("\n")[-3]

    run(test)


def test_a_structure_with_its_fields_beside(devices: list[Device], disk: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            open_hex(app, str(disk), 0, "mbr")
            await until(pilot, lambda: "entries[0]" in text(app))
            shown = text(app)
            assert "active: the B" in shown and "boot_code" in shown
            assert "every field is right" in shown
            screen = hex_of(app)
            screen.view.move_to(0x1FE)
            await until(pilot, lambda: "signature  55 aa" in text(app))
            assert "00000238  " in text(app) or "000001f8  " in text(app)  # eight bytes a row beside the fields
            await pilot.press("tab", "home")
            await until(pilot, lambda: screen.view.cursor == 0)
            await pilot.press("down")
            await until(pilot, lambda: screen.view.cursor == 0x1B8)
            await pilot.press("down", "down", "enter")
            await until(pilot, lambda: "+ entries[0]" in text(app))
            await pilot.press("f")
            await until(pilot, lambda: "entries[1]" not in text(app))

    run(test)


def test_a_case_is_read_under_its_map_and_a_device_is_not_read(devices: list[Device], disk: Path) -> None:
    case = disk.with_name("case")
    create_case(case, image=disk, map=disk.with_suffix(".map"))

    async def test() -> None:
        async with deck(case) as (app, pilot):
            await until(pilot, lambda: "x bytes" in text(app))
            await pilot.press("x")
            await until(pilot, lambda: "were never read" in text(app))
            open_hex(app, "/dev/null")
            await until(pilot, lambda: "devices are not read here" in text(app))

    run(test)


def test_the_end_and_a_place_outside(devices: list[Device], folder: Path) -> None:
    odd = folder / "odd.bin"
    odd.write_bytes(bytes(range(256)) * 300 + b"tail")

    async def test() -> None:
        async with deck() as (app, pilot):
            open_hex(app, odd)
            await until(pilot, lambda: "00000000  00 01" in text(app))
            await pilot.press("G")
            await until(pilot, lambda: "tail" in text(app))
            assert text(app).split("\n")[19].startswith("00012c00  74 61 69 6c    ")
            await pilot.press("colon", *"1T", "enter")
            await until(pilot, lambda: "outside of the source" in text(app))
            await pilot.press("v", "left", "left", "v")
            await until(pilot, lambda: "selected 3" in text(app))
            await pilot.press("escape")
            await until(pilot, lambda: "selected" not in text(app))

    run(test)


def test_an_empty_file_is_shown_as_such(devices: list[Device], folder: Path) -> None:
    (folder / "empty").touch()

    async def test() -> None:
        async with deck() as (app, pilot):
            open_hex(app, folder / "empty")
            await until(pilot, lambda: "nobody can say" in text(app))
            await pilot.press("down", "G", "pagedown", "colon", "t", "v")
            await pilot.pause()
            assert isinstance(app.screen, HexScreen)

    run(test)


@pytest.mark.parametrize(
    ("typed", "place"),
    [("4096", 4096), ("0x10", 16), ("1F0h", 496), ("2s", 8192), ("50%", 524288), ("0.1%", 1048), ("100%", 1048575),
     ("end", 1048575), ("+1K", 2024), ("-1000", 0), ("+1s", 5096), (" 1M ", None), ("-1001", None), ("x", None),
     ("", None), ("1e3%", None), ("zzh", None), ("+", None), ("9" * 40, None), ("%", None)],
)  # fmt: skip
def test_places_as_people_write_them(typed: str, place: int | None) -> None:
    from engine.hex.goto import parse_place

    if place is None:
        with pytest.raises(UsageError):
            parse_place(typed, now=1000, size=1 << 20, sector_size=4096)
    else:
        assert parse_place(typed, now=1000, size=1 << 20, sector_size=4096) == place
