"""Partitions on the screen, on images made by sfdisk and mkfs: seen, opened, repaired, undone, found again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.cases.partitions import look_at
from engine.cases.subject import Subject
from engine.devices import Device
from engine.errors import UsageError
from engine.partitions.model import Finding, Node, Tree
from engine.partitions.script import read_script
from tests.engine.partitions.disks import MIB, fat, get, place_file, put, sfdisk, tree_of
from tests.engine.partitions.disks import run as tool
from tests.support import needs_tool
from tests.tui.shell import HOSTILE, deck, run, text, until
from tui.opening import partitions_screen
from tui.partition_view import TREE_COLUMNS, node_facts, tree_section
from tui.screens.partition_fields import PartitionFieldsScreen
from tui.screens.partition_plan import PartitionPlanScreen
from tui.screens.partition_search import PartitionSearchScreen
from tui.screens.partition_table import PartitionTableScreen
from tui.screens.partitions import PartitionsScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import lay_out

START = 63 * 512
SCRIPT = "label: dos\nstart=63,size=32768,type=e,bootable\nstart=40960,size=8192,type=83\n"


@pytest.fixture
def disk(folder: Path, tmp_path: Path) -> Path:
    """An MBR disk with a FAT16 volume that was copied from sector 2048 to sector 63."""
    needs_tool("sfdisk")
    needs_tool("mkfs.vfat")
    image = sfdisk(folder / "disk.img", SCRIPT, 32 * MIB)
    place_file(image, START, fat(tmp_path, 32768 * 512, bits=16, hidden=2048, label="OLDPHOTOS"))
    return image


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_stale_hidden_sector_is_seen_opened_repaired_and_undone(devices: list[Device], disk: Path) -> None:
    before = digest(disk)

    async def test() -> None:
        async with deck(disk) as (app, pilot):
            await until(pilot, lambda: "nobody can say" in text(app))
            await pilot.press("t")
            await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "FAT16" in text(app))
            assert "no map: nobody can say which" in text(app)
            assert "1 warning" in text(app)
            await pilot.press("down", "down")
            await until(pilot, lambda: "hidden-sectors-mismatch: its hidden sectors say 2048" in text(app))
            assert '"OLDPHOTOS"' in text(app)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, PartitionFieldsScreen) and "wrong or unread" in text(app))
            await pilot.press("n")
            await until(pilot, lambda: "the partition begins at sector 63" in text(app))
            assert "00 08 00 00" in text(app)
            await pilot.press("q", "f")
            await until(
                pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "WRITES ON disk.img" in text(app)
            )
            assert "old  00 08 00 00" in text(app)
            assert "new  3f 00 00 00" in text(app)
            await pilot.press("w")
            await until(pilot, lambda: "into disk.img?" in text(app))
            await pilot.press("n")
            await until(pilot, lambda: "nothing has been written" in text(app))
            assert digest(disk) == before
            await pilot.press("w")
            await until(pilot, lambda: "into disk.img?" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, PartitionsScreen) and "is gone" in text(app))
            assert get(disk, START + 28, 4) == b"\x3f\0\0\0"
            assert len(list(disk.parent.glob("*.undo"))) == 1
            await pilot.press("u")
            await until(pilot, lambda: "Take back hidden-sectors" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "taken back: hidden-sectors" in text(app))
            assert digest(disk) == before
            await until(pilot, lambda: "hidden-sectors-mismatch" in text(app))
            await pilot.press("u")
            await until(pilot, lambda: "no repair of this image can be taken back" in text(app))

    run(test)


def test_bytes_that_changed_meanwhile_are_not_written_over(devices: list[Device], disk: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(disk, None))
            await until(pilot, lambda: "FAT16" in text(app))
            await pilot.press("down", "down", "f")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen))
            put(disk, START + 28, b"\x07\0\0\0")
            await pilot.press("w")
            await until(pilot, lambda: "into disk.img?" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "not those that were shown" in text(app))
            assert get(disk, START + 28, 4) == b"\x07\0\0\0"
            assert not list(disk.parent.glob("*.undo"))

    run(test)


def test_what_nobody_has_read_is_never_zero(devices: list[Device], disk: Path) -> None:
    case = create_case(disk.parent / "smith", image=disk)
    case.map.write_text(f"0 + 1\n0 {START} +\n{START} 512 -\n{START + 512} {32 * MIB - START - 512} +\n")

    async def test() -> None:
        async with deck(case.directory) as (app, pilot):
            await until(pilot, lambda: "t partitions" in text(app))
            await pilot.press("t")
            await until(pilot, lambda: "512 B) were never read" in text(app) or "512 B were never read" in text(app))
            await pilot.press("down", "down")
            await until(pilot, lambda: "unread" in text(app))
            shown = next(line for line in text(app).splitlines() if line.startswith(">"))
            assert "!!" in shown, shown
            assert "OLDPHOTOS" not in text(app)

    run(test)


def test_a_lost_partition_is_found_and_its_table_saved(devices: list[Device], disk: Path) -> None:
    put(disk, 446, b"\0" * 16)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(partitions_screen(disk, None))
            await until(pilot, lambda: "1 partition" in text(app))
            await pilot.press("slash")
            await until(pilot, lambda: isinstance(app.screen, PartitionSearchScreen) and "none yet" in text(app))
            await pilot.press("s")
            await until(pilot, lambda: "1 is not in the present table" in text(app), most_s=30)
            line = next(line for line in text(app).splitlines() if line.startswith(">"))
            assert str(START) in line
            assert "no" in line.split()
            await pilot.press("t")
            await until(pilot, lambda: isinstance(app.screen, PartitionTableScreen) and "new" in text(app))
            await pilot.press("w", "enter")
            await until(pilot, lambda: "saved as" in text(app))
            await pilot.press("w", "enter")
            await until(pilot, lambda: "exists already" in text(app))
            await pilot.press("f")
            await until(pilot, lambda: isinstance(app.screen, PartitionPlanScreen) and "WRITES ON" in text(app))
            await pilot.press("w")
            await until(pilot, lambda: "into disk.img?" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "u on the partitions takes it back" in text(app))

    run(test)
    script = read_script(disk.with_suffix(".sfdisk"))
    assert [(one.start, one.size) for one in script.partitions][0] == (START, 32768 * 512)
    assert tree_of(disk).partitions()[0].start == START
    tool("sfdisk", "-q", "--no-act", disk, stdin=disk.with_suffix(".sfdisk").read_text())


def test_names_from_the_disk_stay_words(devices: list[Device], folder: Path, tmp_path: Path) -> None:
    needs_tool("sfdisk")
    needs_tool("mkfs.vfat")
    image = sfdisk(folder / "gpt.img", 'label: gpt\nstart=2048,size=32768,name="[@click=app.quit]x[/]"\n', 32 * MIB)
    place_file(image, MIB, fat(tmp_path, 32768 * 512, bits=16, hidden=2048))
    put(image, MIB + 43, b"[/b]\x1b[31m\x9b\n")

    async def test() -> None:
        async with deck(size=(120, 40)) as (app, pilot):
            app.push_screen(partitions_screen(image, None))
            await until(pilot, lambda: "GPT" in text(app))
            rows = app.screen.query_one(RowList)
            rows.choose(next(row.id for row in rows.rows if row.id.startswith("primary:")))
            await until(pilot, lambda: " name " in text(app))
            assert "[@click=app.quit]x[/]" in text(app)
            assert "\x1b" not in text(app)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, PartitionFieldsScreen) and "boot sector" in text(app))
            await pilot.press("G")
            assert "\x1b" not in text(app)

    run(test)


def test_hostile_words_in_rows_and_facts_keep_their_line() -> None:
    nodes = tuple(
        Node("primary", 512 * number, 512, number + 1, type=name, type_name="unknown", name=name, uuid=name,
             problems=(Finding("x", name),))
        for number, name in enumerate(HOSTILE)
    )  # fmt: skip
    tree = Tree("mbr", 512, 1 << 20, nodes)
    from engine.cases.partitions import Looked

    section, by_row = tree_section(Looked(tree, True, 0), everything=True, sector=512)
    assert section.columns == TREE_COLUMNS
    assert len(by_row) == len(HOSTILE)
    for line in lay_out([section], 80):
        shown = "".join(span for span, _style in line.spans)
        assert shown.isprintable(), shown
    assert all(node_facts(node, tree) for node in nodes)


def test_what_is_no_disk_is_refused() -> None:
    with pytest.raises(UsageError, match="neither a file nor a block device"):
        look_at(Subject(Path("/dev/null")))
