"""The hex view on the screen: bytes, holes with their letters, structures with their fields, moving about."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.devices import Device
from engine.errors import UsageError
from tests.engine.partitions.disks import MIB, sfdisk
from tests.support import needs_tool
from tests.tui.goldens import check
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
            await until(pilot, lambda: app.screen.check_action("hex", ()))
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


@pytest.fixture
def plain(folder: Path) -> Path:
    """A file with a word at three places, a date and noise."""
    data = bytearray(200_000)
    for at in (70_000, 100_000, 150_000):
        data[at : at + 6] = b"Needle"
    data[256:264] = bytes.fromhex("A8DD78859865D001")
    data[131072:] = random.Random(5).randbytes(200_000 - 131072)
    data[150_000:150_006] = b"Needle"
    path = folder / "plain.img"
    path.write_bytes(data)
    return path


def test_a_search_is_a_job_and_its_finds_are_walked(devices: list[Device], plain: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            open_hex(app, plain, 80_000)
            await until(pilot, lambda: "00013880" in text(app))
            await pilot.press("slash", "c", *"needle", "enter")
            screen = hex_of(app)
            await until(pilot, lambda: screen.view.cursor == 100_000, most_s=30)
            await until(pilot, lambda: "3 finds" in text(app), most_s=30)
            await pilot.press("n")
            await until(pilot, lambda: screen.view.cursor == 150_000 and "find 3 of 3" in text(app))
            await pilot.press("n")
            await until(pilot, lambda: screen.view.cursor == 70_000)
            await pilot.press("N")
            await until(pilot, lambda: screen.view.cursor == 150_000)
            await pilot.press("slash", "r", *"a*", "enter")
            await until(pilot, lambda: "found in nothing at all" in text(app))
        # The job stays: another view of the same source has its finds.
        async with deck() as (app, pilot):
            open_hex(app, plain)
            await until(pilot, lambda: "00000000" in text(app))
            screen = hex_of(app)
            await until(pilot, lambda: screen.check_action("next_find", ()), most_s=30)
            await pilot.press("n")
            await until(pilot, lambda: screen.view.cursor == 70_000)

    run(test)


def test_the_inspector_and_the_strip(devices: list[Device], plain: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            open_hex(app, plain, 256)
            await until(pilot, lambda: "00000100" in text(app))
            await pilot.press("i")
            await until(pilot, lambda: "2015-03-23 18:38:14" in text(app))
            await pilot.press("tab")
            await until(pilot, lambda: "FILETIME LE, 8 bytes: 2015-03-23 18:38:14.2469544 UTC" in text(app))
            await pilot.press("tab", "i", "y")
            await until(pilot, lambda: " entropy 0" in text(app) and "888" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "around the cursor" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: " entropy 0" not in text(app))

    run(test)


def test_bytes_are_written_only_when_said_and_taken_back(devices: list[Device], plain: Path) -> None:
    before = plain.read_bytes()

    async def test() -> None:
        async with deck() as (app, pilot):
            open_hex(app, plain, 70_000)
            await until(pilot, lambda: "Needle" in text(app))
            await pilot.press("e", *'"Nadel!', "enter")
            await until(pilot, lambda: "nothing has been written yet" in text(app))
            assert "WRITES ON plain.img" in text(app) and "4e 65 65 64 6c 65" in text(app)
            assert plain.read_bytes() == before
            await pilot.press("w", "y")
            await until(pilot, lambda: "written and read back" in text(app) and "Nadel!" in text(app))
            assert plain.read_bytes() == before[:70_000] + b"Nadel!" + before[70_006:]
            await pilot.press("u")
            await until(pilot, lambda: "Take back" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "as they were" in text(app) and "Needle" in text(app))
            assert plain.read_bytes() == before
            await pilot.press("e", *"zz", "enter")
            await until(pilot, lambda: "is not hex" in text(app))

    run(test)


def test_bookmarks_and_a_selection_to_a_file(devices: list[Device], plain: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            open_hex(app, plain, 70_000)
            await until(pilot, lambda: "Needle" in text(app))
            await pilot.press("v", "right", "right", "right", "right", "right", "v", "s", "enter")
            await until(pilot, lambda: "6 B in plain.11170-11176.bin" in text(app))
            assert plain.with_name("plain.11170-11176.bin").read_bytes() == b"Needle"
            await pilot.press("b", *"the [word]", "enter")
            await until(pilot, lambda: "1 bookmark here" in text(app))
            await pilot.press("escape", "g", "B")
            await until(pilot, lambda: "the [word]" in text(app) and "0x11170" in text(app))
            await pilot.press("enter")
            screen = hex_of(app)
            await until(pilot, lambda: screen.view.cursor == 70_000)
            assert screen.view.selection == (70_000, 70_006)
            await pilot.press("B", "x")
            await until(pilot, lambda: "no bookmarks yet" in text(app))

    run(test)


def _mbr(folder: Path) -> Path:
    """A disk with two partitions and holes, always the same."""
    data = bytearray(64 << 10)
    entry = bytes.fromhex("80202100 07 fe3f08 3f000000 0f270000".replace(" ", ""))
    data[440:446] = bytes.fromhex("efbeadde0000")
    data[446:462], data[462:478] = entry, bytes.fromhex("00000000 83 000000 80000000 40000000".replace(" ", ""))
    data[510:512] = b"\x55\xaa"
    (folder / "disk.img").write_bytes(data)
    (folder / "disk.map").write_text("0x00 + 1\n0x00 0x200 +\n0x200 0x40 -\n0x240 0x40 /\n0x280 0xFD80 +\n")
    return folder / "disk.img"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_how_it_looks(devices: list[Device], folder: Path, size: tuple[int, int]) -> None:
    async def test() -> None:
        async with deck(size=size) as (app, pilot):
            open_hex(app, _mbr(folder), 0x1B8, None)
            await until(pilot, lambda: "00000200" in text(app))
            screen = hex_of(app)
            screen.set_subject("disk.img")
            screen._lay(0, "mbr")
            await until(pilot, lambda: "entries[0]" in text(app))
            screen.view.move_to(0x1BE + 4)
            await until(pilot, lambda: "NTFS" in text(app).split("\n")[-3])
            check(f"hex-{size[0]}x{size[1]}", text(app))

    run(test)
