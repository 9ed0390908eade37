"""Whole tables written from a list of partitions, compared with what sfdisk writes from the same list."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.edits import WritePlan, apply_plan, undo
from engine.errors import RefusedError, UsageError
from engine.partitions.repairs.rebuild import Wanted, plan_gpt, plan_mbr, wanted_of
from engine.partitions.script import parse_script, read_script, write_script
from engine.source import FileSource
from tests.engine.partitions.disks import MIB, blank, codes, entry, get, put, run, sfdisk, sfdisk_json, table, tree_of
from tests.engine.partitions.test_agreement import dos_layout, told_by_us
from tests.support import needs_tool

LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"


def write(image: Path, wanted: list[Wanted], *, gpt: bool = False, sector_size: int = 512) -> Path:
    with FileSource(image) as source:
        plan: WritePlan = (plan_gpt if gpt else plan_mbr)(source, wanted, sector_size=sector_size)
    done = apply_plan(plan, image, undo_dir=image.parent)
    assert done.undo_file is not None
    return done.undo_file


@pytest.mark.parametrize("seed", range(6))
def test_lost_mbr_and_chain_come_back(tmp_path: Path, seed: int) -> None:
    """All tables of a disk are wiped and written anew from the list; sfdisk reads what it had written itself."""
    needs_tool("sfdisk")
    image = sfdisk(tmp_path / "d.img", dos_layout(random.Random(seed), 64 * MIB // 512))
    tree = tree_of(image)
    theirs = sfdisk_json(image)["partitions"]
    wanted = wanted_of(tree)
    before = image.read_bytes()
    put(image, 446, bytes(66))
    for node in tree.walk():
        if node.kind == "ebr":
            put(image, node.start, bytes(512))
    wiped = image.read_bytes()
    undo_file = write(image, wanted)
    again = tree_of(image)
    assert codes(again) == []
    kinds = {node.index: node.kind for node in again.partitions()}
    assert [row for row in told_by_us(again) if kinds[row[0]] != "extended"] == [
        row for row in told_by_us(tree) if kinds[row[0]] != "extended"
    ]
    rows = sfdisk_json(image)["partitions"]
    assert [(one["start"], one["size"]) for one in rows if int(one["type"], 16) not in (5, 15, 0x85)] == [
        (one["start"], one["size"]) for one in theirs if int(one["type"], 16) not in (5, 15, 0x85)
    ]
    assert get(image, 0, 446) == before[:446]
    undo(undo_file)
    assert image.read_bytes() == wiped


def test_gpt_from_a_list_is_accepted_by_sgdisk(tmp_path: Path) -> None:
    needs_tool("sgdisk")
    image = blank(tmp_path / "d.img", 32 * MIB)
    wanted = [
        Wanted(MIB, 4 * MIB, LINUX, "first", number=3, uuid="11111111-2222-3333-4444-555555555555"),
        Wanted(8 * MIB, 4 * MIB, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "Grüße"),
    ]
    write(image, wanted, gpt=True)
    assert "No problems found" in run("sgdisk", "-v", image)
    tree = tree_of(image)
    assert codes(tree) == []
    assert [(node.index, node.start, node.size, node.name) for node in tree.partitions()] == [
        (3, MIB, 4 * MIB, "first"), (1, 8 * MIB, 4 * MIB, "Grüße"),
    ]  # fmt: skip
    assert sfdisk_json(image)["partitions"][1]["uuid"] == "11111111-2222-3333-4444-555555555555"
    disk = tree.nodes[1].uuid
    write(image, wanted[:1], gpt=True)
    assert tree_of(image).nodes[1].uuid == disk


def test_gpt_of_4096_byte_sectors(tmp_path: Path) -> None:
    needs_tool("sgdisk")
    from tests.engine.partitions.disks import loop

    image = blank(tmp_path / "d.img", 32 * MIB)
    write(image, [Wanted(MIB, 4 * MIB, LINUX)], gpt=True, sector_size=4096)
    with loop(image, 4096) as device:
        assert "No problems found" in run("sgdisk", "-v", device)
        assert [(one["start"], one["size"]) for one in sfdisk_json(Path(device))["partitions"]] == [(256, 1024)]


def test_scripts_go_both_ways_with_sfdisk(tmp_path: Path) -> None:
    needs_tool("sfdisk")
    for seed in range(3):
        image = sfdisk(tmp_path / f"{seed}.img", dos_layout(random.Random(seed), 64 * MIB // 512))
        tree = tree_of(image)
        script = write_script("dos", wanted_of(tree))
        theirs = sfdisk(tmp_path / f"{seed}-theirs.img", script)
        kinds = ("primary", "logical")
        ours = [(node.start, node.size, node.type) for node in tree.partitions() if node.kind in kinds]
        again = [(node.start, node.size, node.type) for node in tree_of(theirs).partitions() if node.kind in kinds]
        assert again == ours
        dump = tmp_path / "dump"
        dump.write_text(run("sfdisk", "-d", image))
        read = read_script(dump)
        assert sorted((one.start, one.size, one.type, one.logical) for one in read.partitions) == sorted(
            (one.start, one.size, one.type, one.logical) for one in wanted_of(tree)
        )


def test_gpt_scripts_keep_names_and_guids(tmp_path: Path) -> None:
    needs_tool("sfdisk")
    wanted = [Wanted(MIB, MIB, LINUX, 'a "b" \\ é', uuid="11111111-2222-3333-4444-555555555555", number=7)]
    script = write_script("gpt", wanted)
    image = sfdisk(tmp_path / "d.img", script)
    tree = tree_of(image)
    assert [(node.index, node.name, node.uuid) for node in tree.partitions()] == [(7, wanted[0].name, wanted[0].uuid)]
    assert parse_script(script).partitions == tuple(wanted)
    dumped = parse_script(run("sfdisk", "-d", image))
    assert dumped.label == "gpt"
    assert dumped.partitions == tuple(wanted)


def test_lists_that_make_no_table_are_refused(tmp_path: Path) -> None:
    image = blank(tmp_path / "d.img", 32 * MIB)

    def wants(*wanted: Wanted, gpt: bool = False) -> None:
        with FileSource(image) as source:
            (plan_gpt if gpt else plan_mbr)(source, wanted)

    with pytest.raises(UsageError):
        wants()
    for wanted in (
        [Wanted(0, MIB, "83")],
        [Wanted(MIB, 64 * MIB, "83")],
        [Wanted(MIB, 100, "83")],
        [Wanted(MIB, 0, "83")],
        [Wanted(MIB, 2 * MIB, "83"), Wanted(2 * MIB, MIB, "83")],
        [Wanted(MIB, MIB, "0f")],
        [Wanted(MIB, MIB, LINUX)],
        [Wanted(number * MIB, MIB, "83") for number in range(1, 6)],
        [Wanted(2 * MIB, MIB, "83", logical=True), Wanted(3 * MIB, MIB, "83", logical=True)],
        [Wanted(2 * MIB, MIB, "83", logical=True), Wanted(4 * MIB, MIB, "83"),
         Wanted(6 * MIB, MIB, "83", logical=True)],
    ):  # fmt: skip
        with pytest.raises(RefusedError):
            wants(*wanted)
    for one in (Wanted(512, MIB, LINUX), Wanted(31 * MIB, MIB, LINUX), Wanted(MIB, MIB, "not-a-guid")):
        with pytest.raises(RefusedError):
            wants(one, gpt=True)


@pytest.mark.parametrize(
    "text",
    ["label: sun\nstart=1,size=1", "start=1", "start=x,size=1", "nonsense", "sector-size: 520\nstart=1,size=1",
     "unit: cylinders\nstart=1,size=1", 'start=1,size=1,type="what"', "start=1,size=1,type=8#",
     "start=1,size=1,type=²"],
)  # fmt: skip
def test_scripts_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_script(text)


def test_existing_mbr_keeps_what_is_not_the_table(tmp_path: Path) -> None:
    image = blank(tmp_path / "d.img", 32 * MIB)
    put(image, 0, table(entry(0x83, 2048, 2048), disk_id=0xCAFE))
    put(image, 0, b"\xeb\x63\x90BOOT CODE")
    before = get(image, 0, 446)
    write(image, [Wanted(4 * MIB, MIB, "07", active=True)])
    assert get(image, 0, 446) == before
    assert [(node.start, node.flags) for node in tree_of(image).partitions()] == [(4 * MIB, ("active",))]
