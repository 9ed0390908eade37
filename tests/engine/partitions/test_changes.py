"""Types and active flags that a person sets, plans looked at before they are written, repairs on a copy."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.cases.partitions import look_at, plan_change, preview
from engine.cases.repair_copy import repair_copy
from engine.cases.subject import Subject
from engine.edits import WritePlan, apply_plan, undo
from engine.errors import CancelledError, OutsideError, RefusedError, UsageError
from engine.partitions.read import read_tree
from engine.partitions.repairs import Options, plan_repair
from engine.partitions.type_names import complete_type, find_type
from engine.progress import Silent
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from engine.source.patched import PatchedSource
from tests.engine.partitions.disks import MIB, blank, fat, get, place_file, put, run, sfdisk
from tests.support import needs_tool

MBR = "label: dos\nstart=2048,size=32768,type=e,bootable\nstart=40960,size=8192,type=83\n" \
      "start=51200,size=40960,type=f\nstart=53248,size=4096,type=83\n"  # fmt: skip
GPT = "label: gpt\nstart=2048,size=32768\nstart=40960,size=8192\n"


def told(path: Path) -> list[tuple[int, str, bool]]:
    """Starts, types and active flags as sfdisk reads them."""
    table = json.loads(run("sfdisk", "-J", path))["partitiontable"]
    return [(one["start"] * 512, one["type"].upper(), bool(one.get("bootable"))) for one in table["partitions"]]


def change(path: Path, name: str, at: int, kind: str | None = None) -> WritePlan:
    with FileSource(path) as source:
        plan = plan_repair(source, name, at=at, options=Options(kind))
    apply_plan(plan, path, undo_dir=path.parent)
    return plan


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    needs_tool("sfdisk")
    return sfdisk(tmp_path / "disk", MBR)


@pytest.mark.parametrize(("word", "value"), [
    ("07", "07"), ("7", "07"), ("0x83", "83"), ("linux", "83"), ("FAT32 (LBA)", "0c"), ("swap", "82"),
    ("windows rec", "27"), ("a5", "a5"),
])  # fmt: skip
def test_types_by_number_and_name(disk: Path, word: str, value: str) -> None:
    assert find_type(word, gpt=False) == value
    plan = change(disk, "type", MIB, word)
    assert plan.total <= 512
    assert told(disk)[0][:2] == (MIB, value.lstrip("0").upper())


@pytest.mark.parametrize("word", ["", "zz", "100", "linux ", "FAT", "\x1b[31m", "-1", "0x"])
def test_words_that_name_no_type(word: str) -> None:
    if word.strip() == "linux":
        assert find_type(word, gpt=False) == "83"
        return
    with pytest.raises(UsageError) as caught:
        find_type(word, gpt=False)
    assert "\x1b" not in str(caught.value)


def test_names_are_completed() -> None:
    assert complete_type("linux sw", gpt=True) == ["Linux swap"]
    assert "Linux swap / Solaris" in complete_type("Linux", gpt=False) or complete_type("Linux", gpt=False)


@pytest.mark.parametrize("word", ["00", "ee", "05", "0f"])
def test_a_type_alone_makes_no_table(disk: Path, word: str) -> None:
    with pytest.raises(RefusedError):
        change(disk, "type", MIB, word)


def test_extended_partitions_stay_extended(disk: Path) -> None:
    change(disk, "type", 51200 * 512, "05")
    assert told(disk)[2][1] == "5"
    with pytest.raises(RefusedError):
        change(disk, "type", 51200 * 512, "83")
    change(disk, "type", 53248 * 512, "82")
    assert told(disk)[3][1] == "82"


def test_one_is_active_another_is_none_is(disk: Path) -> None:
    assert [active for *_, active in told(disk)] == [True, False, False, False]
    change(disk, "active", 40960 * 512)
    assert [active for *_, active in told(disk)] == [False, True, False, False]
    change(disk, "inactive", 40960 * 512)
    assert not any(active for *_, active in told(disk))


@pytest.mark.parametrize("word", ["swap", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"])
def test_types_of_a_gpt(tmp_path: Path, word: str) -> None:
    needs_tool("sfdisk")
    needs_tool("sgdisk")
    disk = sfdisk(tmp_path / "gpt", GPT)
    change(disk, "type", MIB, word)
    assert told(disk)[0][1] == "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"
    assert "No problems found" in run("sgdisk", "-v", disk)
    with pytest.raises(RefusedError, match="only a primary partition of an MBR"):
        change(disk, "active", MIB)


# --- a plan looked at before it is written


def test_patched_bytes_are_content_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(range(256)) * 32)
    with PatchedSource(HoleSource(FileSource(path), RangeSet([(0, 4096)])), [(100, b"abc"), (4094, b"12345")]) as made:
        reading = made.read(0, 8192)
        assert reading.data[100:103] == b"abc"
        assert reading.data[4094:4099] == b"12345"
        assert reading.holes == ((0, 100), (103, 4094))
        assert list(made.holes) == [(0, 100), (103, 4094)]
        assert made.read(101, 1).holes == ()
        assert made.read(4097, 4).data == b"45" + path.read_bytes()[4099:4101]
        with pytest.raises(ValueError):
            made.read_into(8190, bytearray(4))
    with pytest.raises(ValueError):
        PatchedSource(FileSource(path), [(8190, b"abc")])


def test_a_preview_is_what_will_be(disk: Path) -> None:
    before = disk.read_bytes()
    subject = Subject(disk)
    node = next(node for node in look_at(subject).tree.walk() if node.start == MIB)
    plan = plan_change(subject, node, "type", "linux")
    seen = preview(subject, plan)
    assert disk.read_bytes() == before
    apply_plan(plan, disk, undo_dir=disk.parent)
    assert look_at(subject).tree == seen.tree


# --- copy first


def test_the_image_stays_and_the_copy_is_mended(disk: Path, tmp_path: Path) -> None:
    place_file(disk, MIB, fat(tmp_path, 32768 * 512, bits=16, hidden=63))
    before = hashlib.sha256(disk.read_bytes()).digest()
    with FileSource(disk) as source:
        plan = plan_repair(source, "hidden-sectors-mismatch")
    plan = WritePlan.from_json(json.loads(json.dumps(plan.to_json())), plan.size)
    out = tmp_path / "copy"
    done = repair_copy(disk, plan, out)
    assert hashlib.sha256(disk.read_bytes()).digest() == before
    assert get(out, MIB + 28, 4) == b"\0\x08\0\0"
    assert out.stat().st_size == disk.stat().st_size
    assert out.stat().st_blocks <= disk.stat().st_blocks + 16
    assert done.undo_file is not None
    undo(done.undo_file)
    assert hashlib.sha256(out.read_bytes()).digest() == before
    assert not out.with_name("copy.part").exists()


def test_what_nobody_has_read_stays_unread_in_the_copy(disk: Path, tmp_path: Path) -> None:
    put(disk, 20 * MIB, b"old rubbish")
    case = create_case(tmp_path / "smith", image=disk)
    case.map.write_text(f"0 + 1\n0 {10 * MIB} +\n{10 * MIB} {54 * MIB} ?\n")
    with HoleSource(FileSource(disk), RangeSet([(10 * MIB, 64 * MIB)])) as source:
        plan = plan_repair(source, "type", at=MIB, options=Options("linux"))
    out = tmp_path / "copy"
    repair_copy(case.directory, plan, out)
    assert (tmp_path / "copy.map").read_text() == case.map.read_text()
    assert look_at(Subject(out, tmp_path / "copy.map")).unread == 54 * MIB
    with FileSource(out) as source:
        assert read_tree(source).partitions()[0].type == "83"


def test_a_copy_never_replaces_anything(disk: Path, tmp_path: Path) -> None:
    with FileSource(disk) as source:
        plan = plan_repair(source, "type", at=MIB, options=Options("linux"))
    out = tmp_path / "copy"
    out.write_text("mine")
    with pytest.raises(OutsideError, match="exists"):
        repair_copy(disk, plan, out)
    assert out.read_text() == "mine"
    with pytest.raises(OutsideError):
        repair_copy(disk, plan, tmp_path / "no" / "folder")
    os.truncate(disk, 32 * MIB)
    with pytest.raises(RefusedError):
        repair_copy(disk, plan, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(("copy", "other"))) == ["copy"]


def test_a_stopped_copy_leaves_nothing(disk: Path, tmp_path: Path) -> None:
    class Stop(Silent):
        def cancelled(self) -> bool:
            return True

    with FileSource(disk) as source:
        plan = plan_repair(source, "type", at=MIB, options=Options("linux"))
    with pytest.raises(CancelledError):
        repair_copy(disk, plan, tmp_path / "copy", reporter=Stop())
    assert not list(tmp_path.glob("copy*"))


def test_an_empty_image_has_no_plan(tmp_path: Path) -> None:
    empty = blank(tmp_path / "empty", 0)
    with FileSource(empty) as source, pytest.raises(Exception, match="finding"):
        plan_repair(source, "type-mismatch")
