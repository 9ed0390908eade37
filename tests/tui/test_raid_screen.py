"""Arrays and strange sectors on the screen: members, detection as a job, evidence, by hand, opened as a source."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.devices import Device
from tests.engine.raid.contents import volume
from tests.engine.raid.writer import lay, save
from tests.engine.sectors.test_sectors import PLAIN
from tests.engine.sectors.writer import convert
from tests.support import needs_tool
from tests.tui.shell import deck, run, text, until
from tui.screens.image import ImageScreen
from tui.screens.partitions import PartitionsScreen
from tui.screens.raid import RaidScreen
from tui.screens.raid_hand import RaidHandScreen
from tui.screens.raid_heat import RaidHeatScreen
from tui.screens.sectors import SectorsScreen

MIB = 1 << 20


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    needs_tool("mkfs.ext4")
    return lay(
        volume(tmp_path_factory.mktemp("vol"), "ext4", 32 * MIB, "mixed", 7), 3, 65536, "left-symmetric", offset=MIB
    )


@pytest.fixture
def members(laid, folder: Path) -> list[Path]:
    found = save(laid, folder, seed=5, name="disk")
    for number, path in enumerate(found):
        found[number] = path.rename(path.with_suffix(".img"))
    return found


def test_from_members_to_partitions(devices: list[Device], members: list[Path], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "disk0.img" in text(app))
            app.open_array()
            await until(pilot, lambda: isinstance(app.screen, RaidScreen))
            await pilot.press("A", "enter")
            await until(pilot, lambda: "3 images added" in text(app))
            await pilot.press("d")
            await until(pilot, lambda: "proven" in text(app), most_s=90)
            assert "found: file systems stand in the assembled array" in text(app)
            assert "128 sectors (64.0 KiB)" in text(app)
            assert "left-symmetric" in text(app)
            await pilot.press("v")
            await until(pilot, lambda: isinstance(app.screen, RaidHeatScreen) and "strips agree" in text(app))
            assert "#" in text(app)
            await pilot.press("right", "right", "minus", "n", "G")
            await pilot.pause()
            await pilot.press("q")
            await pilot.press("o")
            await until(
                pilot, lambda: isinstance(app.screen, RaidHandScreen) and "proven by what" in text(app), most_s=60
            )
            await pilot.press("space")  # another layout: no longer proven
            await until(pilot, lambda: "wrong" in text(app) and "proven by what" not in text(app), most_s=60)
            await pilot.press("w")
            await until(pilot, lambda: isinstance(app.screen, RaidScreen) and " me " in text(app))
            await pilot.press("down", "enter", "enter")
            await until(pilot, lambda: isinstance(app.screen, ImageScreen), most_s=30)
            assert (folder / "assembled.array").exists()
            await until(pilot, lambda: "32.0 MiB" in text(app))
            await pilot.press("t")
            await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "ext4" in text(app), most_s=30)

    run(test)


def test_a_member_in_full_and_taken_out(devices: list[Device], members: list[Path]) -> None:
    async def test() -> None:
        from engine.cases.arrays import Member

        async with deck() as (app, pilot):
            app.open_array([Member(path) for path in members])
            await until(pilot, lambda: isinstance(app.screen, RaidScreen) and "disk2.img" in text(app))
            assert "nobody can say which of its bytes were never read" in " ".join(text(app).split())
            await pilot.press("D")
            await until(pilot, lambda: "2 members" in text(app))
            await pilot.press("s", *"@8", "enter")
            await until(pilot, lambda: "[520@8]" in text(app))

    run(test)


def test_strange_sectors(devices: list[Device], folder: Path) -> None:
    image = folder / "raw.img"
    raw = bytearray(convert(PLAIN, 520, "pi1"))
    raw[520 * 600 + 5] ^= 1
    image.write_bytes(raw)

    async def test() -> None:
        async with deck(image) as (app, pilot):
            await until(pilot, lambda: isinstance(app.screen, ImageScreen))
            await pilot.press("S")
            await until(pilot, lambda: isinstance(app.screen, SectorsScreen))
            await until(pilot, lambda: "520 bytes, 512 of them data" in text(app), most_s=60)
            await pilot.press("v")
            await until(pilot, lambda: "guard does not fit" in text(app), most_s=60)
            await pilot.press("c", "enter")
            await until(pilot, lambda: (folder / "raw.plain.img").exists() and "written: /" in text(app), most_s=60)
            assert (folder / "raw.plain.img").stat().st_size == len(PLAIN)

    run(test)
