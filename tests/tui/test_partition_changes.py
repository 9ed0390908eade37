"""More of partitions on the screen: bytes behind fields, several repairs of one node, changes that a person asks for,
plans seen as a tree, repairs on a copy and on a device, a search that is stopped and goes on; and how it all looks."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.cases.subject import Subject
from engine.devices import Device
from engine.jobs import JobState, list_jobs
from tests.engine.partitions.disks import MIB, blank, get, loop, place_file, put, sfdisk
from tests.engine.partitions.disks import run as tool
from tests.support import needs_tool
from tests.tui.goldens import check
from tests.tui.shell import deck, run, text, until
from tui.dialogs.confirm import ConfirmDialog
from tui.opening import partitions_screen
from tui.screens.hex import HexScreen
from tui.screens.partition_fields import PartitionFieldsScreen
from tui.screens.partition_plan import PartitionPlanScreen
from tui.screens.partition_preview import PartitionPreviewScreen
from tui.screens.partition_search import PartitionSearchScreen
from tui.screens.partition_table import PartitionTableScreen
from tui.screens.partitions import PartitionsScreen

MBR = "label: dos\nlabel-id: 0x12345678\nstart=2048,size=98304,type=c,bootable\nstart=100352,size=16384,type=e\n"
GPT = (
    "label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\n"
    "start=2048,size=32768,type=linux,uuid=AAAAAAAA-0000-0000-0000-000000000001,name=data\n"
)


@pytest.fixture
def disk(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FAT32 that was copied from elsewhere and has a bad FSInfo; FAT16 without its boot sector."""
    for name in ("sfdisk", "mkfs.vfat", "mmd"):
        needs_tool(name)
    monkeypatch.chdir(folder)
    image = sfdisk(folder / "disk.img", MBR, 64 * MIB)
    wide = blank(tmp_path / "wide", 98304 * 512)
    tool("mkfs.vfat", "-F32", "-i", "CAFE0001", "-n", "CAMERA", "-h", "63", wide)
    place_file(image, MIB, wide)
    put(image, MIB + 512, bytes(512))
    small = blank(tmp_path / "small", 16384 * 512)
    tool("mkfs.vfat", "-F16", "-s1", "-i", "CAFE0002", "-n", "LETTERS", "-h", "100352", small)
    for name in ("OLD", "NEW"):
        tool("mmd", "-i", small, f"::{name}")
    place_file(image, 100352 * 512, small)
    put(image, 100352 * 512, b"\xf6" * 512)
    return image


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def told(path: Path) -> list[tuple[str, bool]]:
    table = json.loads(tool("sfdisk", "-J", path))["partitiontable"]
    return [(one["type"], bool(one.get("bootable"))) for one in table["partitions"]]


def test_how_it_looks_and_the_bytes_behind_it(devices: list[Device], disk: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(Path("disk.img"), None))
            await until(pilot, lambda: "CAMERA" in text(app))
            check("partitions-80x24", text(app))
            await pilot.press("down", "down")
            await until(pilot, lambda: "fsinfo-bad" in text(app))
            check("partitions-node-80x24", text(app))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, PartitionFieldsScreen) and "000001b0" in text(app))
            await pilot.press("n")
            await until(pilot, lambda: "hidden_sectors  at" in text(app) and "00100010" in text(app))
            check("partition-fields-80x24", text(app))
            await pilot.press("tab", "G")
            await until(pilot, lambda: "00100000" not in text(app))
            await pilot.press("shift+tab", "up", "down", "x")
            await until(pilot, lambda: isinstance(app.screen, HexScreen) and "00100010" in text(app))

    run(test)


def test_one_of_several_repairs_is_chosen(devices: list[Device], disk: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(Path("disk.img"), None))
            await until(pilot, lambda: "CAMERA" in text(app))
            await pilot.press("down", "down", "f")
            await until(pilot, lambda: "repair: 1 " in text(app))
            assert "fsinfo" in text(app)
            assert "hidden-sectors" in text(app)
            await pilot.press("escape")
            await until(pilot, lambda: "repair: 1 " not in text(app))
            assert isinstance(app.screen, PartitionsScreen)
            for number, gone in (("1", "fsinfo-bad"), ("1", "hidden-sectors-mismatch")):
                await pilot.press("f")
                await until(pilot, lambda: "repair: 1 " in text(app) or isinstance(app.screen, PartitionPlanScreen))
                if not isinstance(app.screen, PartitionPlanScreen):
                    await pilot.press(number)
                await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "WRITES ON" in text(app))
                if gone == "hidden-sectors-mismatch":
                    check("partition-plan-80x24", text(app))
                await pilot.press("w")
                await until(pilot, lambda: "into disk.img?" in text(app))
                await pilot.press("y")
                await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "is gone" in text(app))

    run(test)
    assert len(list(disk.parent.glob("*.undo"))) == 2
    needs_tool("fsck.fat")
    part = disk.with_name("part")
    part.write_bytes(get(disk, MIB, 98304 * 512))
    tool("fsck.fat", "-n", part)


def test_a_boot_sector_made_anew_is_seen_before(devices: list[Device], disk: Path) -> None:
    before = digest(disk)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(Path("disk.img"), None))
            await until(pilot, lambda: "CAMERA" in text(app))
            await pilot.press("down", "down", "down")
            await until(pilot, lambda: "rebuild-boot" in text(app))
            await pilot.press("f")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "confidence: high" in text(app))
            assert "OLD/, NEW/" in text(app)
            await pilot.press("v")
            await until(pilot, lambda: isinstance(app.screen, PartitionPreviewScreen) and "LETTERS" in text(app))
            check("partition-preview-80x24", text(app))
            assert digest(disk) == before
            await pilot.press("q", "w", "y")
            await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "is gone" in text(app))
            assert "LETTERS" in text(app)
            await pilot.press("u")
            await until(pilot, lambda: "Take back rebuild-boot" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "taken back: rebuild-boot" in text(app))
            assert digest(disk) == before

    run(test)


def test_type_and_active_flag(devices: list[Device], disk: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(Path("disk.img"), None))
            await until(pilot, lambda: "CAMERA" in text(app))
            await pilot.press("down", "down", "down", "b")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "WRITES ON" in text(app))
            await pilot.press("w", "y")
            await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "active; u takes" in text(app))
            assert [active for _, active in told(disk)] == [False, True]
            await pilot.press("y")
            await until(pilot, lambda: "two hex digits" in text(app))
            await pilot.press(*["backspace"] * 20, *"nonsense", "enter")
            await until(pilot, lambda: "no type is called so" in text(app))
            await pilot.press("y", *["backspace"] * 20, *"linux", "enter")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "0e becomes 83" in text(app))
            await pilot.press("w", "y")
            await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "type; u takes" in text(app))
            await pilot.press("b")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "not active" in text(app))
            await pilot.press("w", "y")
            await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "inactive; u takes" in text(app))

    run(test)
    assert told(disk) == [("c", False), ("83", False)]


def test_a_repair_on_a_copy(devices: list[Device], disk: Path) -> None:
    before = digest(disk)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(Path("disk.img"), None))
            await until(pilot, lambda: "CAMERA" in text(app))
            await pilot.press("down", "down", "down", "f")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "confidence" in text(app))
            await pilot.press("c")
            await until(pilot, lambda: "disk.repaired.img" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "this image is as it was" in text(app), most_s=30)

    run(test)
    assert digest(disk) == before
    copy = disk.with_name("disk.repaired.img")
    assert get(copy, 100352 * 512 + 510, 2) == b"\x55\xaa"
    assert get(copy, 0, 4096) == get(disk, 0, 4096)


def test_a_device_is_written_to_after_its_word_only(devices: list[Device], disk: Path) -> None:
    before = digest(disk)

    async def test() -> None:
        with loop(disk) as device:
            async with deck() as (app, pilot):
                app.push_screen(partitions_screen(Path(device), None))
                await until(pilot, lambda: "CAMERA" in text(app), most_s=30)
                await pilot.press("down", "down", "enter")
                await until(pilot, lambda: isinstance(app.screen, PartitionFieldsScreen) and "000001b0" in text(app))
                await pilot.press("q", "b")
                await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "not active" in text(app))
                await pilot.press("w")
                await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
                assert device in text(app)
                await pilot.press(*"nonsense", "enter")
                await until(pilot, lambda: "not the word" in text(app))
                await pilot.press("escape")
                await until(pilot, lambda: "stays read-only" in text(app))
                assert digest(disk) == before
                await pilot.press("w")
                await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
                await pilot.press(*device.rpartition("/")[2], "enter")
                await until(pilot, lambda: "written and read back" in text(app), most_s=30)
                assert told(disk)[0] == ("c", False)
                await pilot.press("u")
                await until(pilot, lambda: isinstance(app.screen, ConfirmDialog), most_s=30)
                await pilot.press(*device.rpartition("/")[2], "enter")
                await until(pilot, lambda: "taken back: inactive" in text(app), most_s=30)

    run(test)
    assert digest(disk) == before


def test_a_gpt_is_repaired(devices: list[Device], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_tool("sfdisk")
    needs_tool("sgdisk")
    monkeypatch.chdir(folder)
    image = sfdisk(folder / "gpt.img", GPT, 32 * MIB)
    whole = digest(image)
    put(image, 512 + 8, b"\xff" * 8)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(Path("gpt.img"), None))
            await until(pilot, lambda: "gpt-primary-bad" in text(app))
            check("partitions-gpt-80x24", text(app))
            row = next(number for number, line in enumerate(text(app).splitlines()[2:]) if "gpt-primary-bad" in line)
            await pilot.press(*["down"] * row, "f")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "WRITES ON" in text(app))
            await pilot.press("w", "y")
            await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "is gone" in text(app))
            await until(pilot, lambda: "nothing is wrong" in text(app) or "gpt-primary-bad is gone" in text(app))

    run(test)
    assert digest(image) == whole
    assert "No problems found" in tool("sgdisk", "-v", image)


def _lost(disk: Path) -> None:
    put(disk, 446, bytes(16))


def test_the_table_to_come_is_seen_as_a_tree(devices: list[Device], disk: Path) -> None:
    _lost(disk)
    before = digest(disk)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(Path("disk.img"), None))
            await until(pilot, lambda: "1 partition" in text(app))
            await pilot.press("slash")
            await until(pilot, lambda: isinstance(app.screen, PartitionSearchScreen) and "none yet" in text(app))
            await pilot.press("s")
            await until(pilot, lambda: "1 is not in the present table" in text(app), most_s=30)
            await pilot.press("t")
            await until(pilot, lambda: isinstance(app.screen, PartitionTableScreen) and "new" in text(app))
            check("partition-table-80x24", text(app))
            await pilot.press("v")
            await until(pilot, lambda: isinstance(app.screen, PartitionPreviewScreen) and "CAMERA" in text(app))
            assert "+ " in next(line for line in text(app).splitlines() if "CAMERA" in line)
            check("partition-table-tree-80x24", text(app))

    run(test)
    assert digest(disk) == before


def test_a_search_is_stopped_and_goes_on(devices: list[Device], disk: Path) -> None:
    _lost(disk)
    os.truncate(disk, 24 << 30)  # so much that it can be stopped

    def jobs() -> list[JobState]:
        return [job.state for job in list_jobs(disk.with_name("disk.img.jobs")).jobs]

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(Path("disk.img"), None))
            await until(pilot, lambda: "1 partition" in text(app))
            await pilot.press("slash")
            await until(pilot, lambda: isinstance(app.screen, PartitionSearchScreen) and "none yet" in text(app))
            await pilot.press("d")
            await until(pilot, lambda: "x stop" in text(app), most_s=30)
            await pilot.press("x")
            await until(pilot, lambda: "u go on" in text(app), most_s=30)
            assert jobs() == [JobState.STOPPED]
            os.truncate(disk, 24 << 30)
            await pilot.press("u")
            await until(pilot, lambda: "1 is not in the present table" in text(app), most_s=120)

    run(test)
    assert jobs() == [JobState.DONE]


def test_a_case_that_is_rescued_is_not_written_to(devices: list[Device], disk: Path) -> None:
    from engine.mapfile.lock import hold_map

    case = create_case(disk.parent / "smith", image=disk)
    case.map.write_text(f"0 + 1\n0 {64 * MIB} +\n")
    before = digest(disk)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(case.directory, None))
            await until(pilot, lambda: "CAMERA" in text(app))
            await pilot.press("down", "down", "b")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "WRITES ON" in text(app))
            with hold_map(case.map, "rescue"):
                await pilot.press("w")
                await until(pilot, lambda: "works on this case's image" in text(app))

    run(test)
    assert digest(disk) == before
    assert Subject(case.directory).searchable


