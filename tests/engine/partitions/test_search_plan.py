"""Finds become one consistent table: sfdisk takes it, our own writer writes the same, the volumes keep their places."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from engine.edits import apply_plan
from engine.partitions.read import read_tree
from engine.partitions.search import Find, SearchResult, SizeFrom, Standing, TablePlan, plan_table, search
from engine.partitions.volumes import Confirmation, Evidence, Volume
from engine.source import FileSource
from tests.engine.partitions.disks import MIB, blank, put, run, sfdisk, sfdisk_json, tree_of
from tests.engine.partitions.volume_kinds import SAMPLES, Makery, copy_into, lay
from tests.support import needs_tool

Layout = list[tuple[int, int, str]]


def told(plan: TablePlan) -> Layout:
    return [(one.start, one.size, one.type) for one in plan.wanted]


def by_sfdisk(disk: Path) -> Layout:
    """Start, size and type of everything but extended partitions, as sfdisk reads them."""
    found = sfdisk_json(disk)
    size = int(found.get("sectorsize", 512))
    return sorted(
        (one["start"] * size, one["size"] * size, one["type"].rjust(2, "0"))
        for one in found["partitions"]
        if one["type"] not in ("5", "f")
    )


def both_ways(disk: Path, tmp_path: Path, label: str | None = None) -> TablePlan:
    """Search, write the table with sfdisk into an empty disk and with our writer into the disk; all agree."""
    needs_tool("sfdisk")
    with FileSource(disk) as source:
        found = search(source)
        plan = plan_table(found, read_tree(source), label=label)  # type: ignore[arg-type]
        writes = plan.write_plan(source)
    other = blank(tmp_path / "other", os.path.getsize(disk))
    run("sfdisk", "-q", other, stdin=plan.script())
    assert by_sfdisk(other) == sorted(told(plan))
    apply_plan(writes, disk, undo_dir=tmp_path)
    assert by_sfdisk(disk) == sorted(told(plan))
    with FileSource(disk) as source:
        again = search(source)
    assert [(find.start, find.kind) for find in again.volumes] == [(find.start, find.kind) for find in found.volumes]
    assert all(find.listed for find in again.volumes)
    assert all(table.present for table in again.tables)
    with FileSource(disk) as source:
        kept = plan_table(again, read_tree(source))
        assert [one for one in kept.to_json()["partitions"] if one["type"] != "0f"] == [
            one | {"active": False} for one in plan.to_json()["partitions"]
        ]
        # what is there already stays as it is, the extended partition too
        assert not kept.write_plan(source).writes
    return plan


NAMES = ["fat32", "ntfs", "luks2", "ext4-1k", "fat16", "exfat", "swap"]


def test_four_partitions_are_primary(make_volume: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    places = lay(disk, make_volume, ["fat12", "ntfs", "ext4-1k", "swap"])
    plan = both_ways(disk, tmp_path)
    assert (plan.label, plan.left_out) == ("dos", ())
    assert [one.start for one in plan.wanted] == list(places)
    assert [one.type for one in plan.wanted] == ["01", "07", "83", "82"]
    assert not any(one.logical for one in plan.wanted)
    assert [one.size for one in plan.wanted] == [SAMPLES[name].size for name in places.values()]


def test_more_get_a_chain_behind_the_first_ones(make_volume: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    places = lay(disk, make_volume, NAMES)
    plan = both_ways(disk, tmp_path)
    assert [one.start for one in plan.wanted] == list(places)
    assert [one.logical for one in plan.wanted] == [False] * 3 + [True] * 4
    assert [one.type for one in plan.wanted] == ["0c", "07", "83", "83", "0e", "07", "82"]


@pytest.mark.parametrize("sector", [512, 4096])
def test_gpt_on_request(make_volume: Makery, tmp_path: Path, sector: int) -> None:
    disk = tmp_path / "disk"
    lay(disk, make_volume, NAMES)
    if sector == 512:
        plan = both_ways(disk, tmp_path, "gpt")
        assert len(plan.wanted) == len(NAMES)
        return
    with FileSource(disk, sector_size=4096) as source:
        plan = plan_table(search(source, sector_size=4096), label="gpt")
        apply_plan(plan.write_plan(source), disk, undo_dir=tmp_path)
    tree = tree_of(disk, sector_size=4096)
    assert tree.scheme == "gpt"
    assert [(node.start, node.size) for node in tree.partitions()] == [(one.start, one.size) for one in plan.wanted]


def test_unaligned_volumes_without_room_for_a_chain_go_into_a_gpt(make_volume: Makery, tmp_path: Path) -> None:
    """Five volumes without a free sector between them: an MBR cannot name them all."""
    disk = blank(tmp_path / "disk", 60 * MIB)
    start = MIB
    for _ in range(5):
        start += copy_into(disk, start, make_volume("fat12"))
    with FileSource(disk) as source:
        found = search(source)
        assert len(found.volumes) == 5
        assert plan_table(found).label == "gpt"
        assert len(plan_table(found).wanted) == 5
        small = plan_table(found, label="dos")
    assert len(small.wanted) == 4
    assert ["extended" in one.reason for one in small.left_out] == [True]


def test_present_partitions_keep_their_numbers_and_flags(make_volume: Makery, tmp_path: Path) -> None:
    needs_tool("sfdisk")
    script = "label: dos\n1: start=206848, size=32768, type=7, bootable\n3: start=2048, size=4096, type=12\n"
    disk = sfdisk(tmp_path / "disk", script, 200 * MIB)
    copy_into(disk, 206848 * 512, make_volume("ntfs"))
    copy_into(disk, 10 * MIB, make_volume("ext4-1k"))
    with FileSource(disk) as source:
        plan = plan_table(search(source), read_tree(source))
    assert [(one.start // 512, one.type, one.number, one.active) for one in plan.wanted] == [
        (2048, "12", 3, False), (20480, "83", None, False), (206848, "07", 1, True),
    ]  # fmt: skip


def test_a_found_chain_stays_where_it_was(make_volume: Makery, tmp_path: Path) -> None:
    needs_tool("sfdisk")
    script = (
        "label: dos\nstart=2048, size=4096, type=1\nstart=8192, size=150000, type=f\n"
        "start=10240, size=32768, type=7\nstart=45056, size=50000, type=83\nstart=102400, size=32768, type=7\n"
    )
    disk = sfdisk(tmp_path / "disk", script, 110 * MIB)
    for lba, name in {2048: "fat12", 10240: "ntfs", 45056: "luks2", 102400: "exfat"}.items():
        copy_into(disk, lba * 512, make_volume(name))
    before = by_sfdisk(disk)
    places = [node.start for node in tree_of(disk).walk() if node.kind == "ebr"]
    put(disk, 440, bytes(72))
    with FileSource(disk) as source:
        plan = plan_table(search(source, deep=True), read_tree(source))
        apply_plan(plan.write_plan(source), disk, undo_dir=tmp_path)
    assert by_sfdisk(disk) == before
    assert [node.start for node in tree_of(disk).walk() if node.kind == "ebr"] == places


def test_a_disk_without_table_gets_none(make_volume: Makery, tmp_path: Path) -> None:
    disk = blank(tmp_path / "disk", 40 * MIB)
    copy_into(disk, 0, make_volume("fat16"))
    with FileSource(disk) as source:
        plan = plan_table(search(source), read_tree(source))
    assert plan.wanted == ()
    assert [one.start for one in plan.left_out] == [0]
    assert plan.to_json()["script"] == ""


def test_of_overlapping_finds_a_person_chooses(make_volume: Makery, tmp_path: Path) -> None:
    disk = blank(tmp_path / "disk", 140 * MIB)
    copy_into(disk, MIB, make_volume("fat32"))
    copy_into(disk, 33 * MIB, make_volume("fat32"))
    copy_into(disk, 110 * MIB, make_volume("ntfs"))
    with FileSource(disk) as source:
        found = search(source, deep=True)
    plan = plan_table(found)
    assert len(plan.wanted) == 2
    assert [one.reason[:11] for one in plan.left_out] == ["it overlaps"]
    for start in (MIB, 33 * MIB):
        chosen = plan_table(found, chosen=[start])
        assert [one.start for one in chosen.wanted] == [start]


# --- any finds


def made_up(generator: random.Random, size: int) -> list[Find]:
    finds = []
    for _ in range(generator.randint(0, 14)):
        start = generator.randrange(0, size, 512)
        length = generator.randrange(512, size // 3, 512)
        kind = generator.choice(["ntfs", "fat16", "ext4", "crypto_LUKS", "swap", ""])
        volume = None if not kind else Volume(kind, start, length, confirmation=Confirmation.CONFIRMED)
        logical = generator.random() < 0.2
        standing = generator.choice([Standing.VOLUME, Standing.VOLUME, Standing.OLDER])
        finds.append(Find(
            start, length, generator.choice(list(SizeFrom)), volume, (Evidence("x", max(0, start - 512)),),
            generator.choice(["high", "medium", "low"]), standing,
            generator.random() < 0.3, logical=logical, type=generator.choice(["", "07", "83"]) if logical else "",
        ))  # fmt: skip
    return sorted(finds, key=lambda one: one.start)


@pytest.mark.parametrize("seed", range(20))
def test_any_finds_make_a_table_that_sfdisk_takes(tmp_path: Path, seed: int) -> None:
    """No overlap, nothing outside, and what is written is what sfdisk reads; what is left out has a reason."""
    needs_tool("sfdisk")
    generator = random.Random(seed)
    size = 64 * MIB
    finds = made_up(generator, size)
    disk = blank(tmp_path / "disk", size)
    result = SearchResult(True, size, 512, size, tuple(finds), (), (), 0)
    plan = plan_table(result, label=generator.choice([None, "dos", "gpt"]))  # type: ignore[arg-type]
    ends = 0
    for one in plan.wanted:
        assert one.start >= ends
        ends = one.start + one.size
    assert ends <= size
    starts = {find.start for find in finds if find.standing is Standing.VOLUME}
    assert {one.start for one in plan.wanted} | {one.start for one in plan.left_out} == starts
    assert all(one.reason for one in plan.left_out)
    if plan.wanted:
        with FileSource(disk) as source:
            writes = plan.write_plan(source)
        apply_plan(writes, disk, undo_dir=tmp_path)
        assert by_sfdisk(disk) == sorted(told(plan))
        # sfdisk itself writes no chain with less than 1 MiB for a record, unless the first partition begins before that
        if all(one.start - (one.ebr or 0) >= MIB for one in plan.wanted if one.logical):
            other = blank(tmp_path / "other", size)
            run("sfdisk", "-q", other, stdin=plan.script())
            assert by_sfdisk(other) == sorted(told(plan))
