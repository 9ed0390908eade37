"""Which disks a path rests on: through partitions, volumes, arrays, loops and file systems without a device."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.host import HERE
from engine.host.blocks import (
    first_existing,
    loops_over,
    node_of_path,
    nodes_above,
    same_object,
    stack_of_node,
    stack_of_path,
    whole_disk,
)
from engine.host.roots import parse_devno, read_int, read_text
from tests.engine.machine import FakeMachine, recorded_machine
from tests.failing_disk import attach_loop, make_image
from tests.support import needs_loop


@pytest.fixture
def machine(tmp_path) -> FakeMachine:
    return recorded_machine(tmp_path)


def folder(machine: FakeMachine, name: str, *mount) -> Path:
    path = machine.folder / name
    path.mkdir(parents=True)
    if mount:
        machine.mount(str(path), *mount)
    return path


def test_a_volume_on_a_partition_of_an_array(machine):
    machine.partition("md0", 1, (259, 9), 1 << 20, 1 << 20)
    machine.disk("dm-1", (252, 1), 1 << 20, "virtual/block/dm-1", dm__name="x", dm__uuid="LVM-x")
    machine.holds("md0p1", "dm-1")
    place = folder(machine, "place", (252, 1), "ext4", "/dev/mapper/x")
    stack = stack_of_path(place, machine.roots)
    assert stack.nodes == ("dm-1", "md0p1", "md0", "sdc", "sdd")
    assert stack.disks == {"sdc", "sdd"}
    assert stack.known
    assert nodes_above("sdc", machine.roots) == ["sdc", "md0", "md0p1", "dm-1"]


def test_a_loop_leads_to_the_disk_of_its_file(machine):
    place = folder(machine, "images", (8, 1), "ext4", "/dev/sda1")
    (place / "one").write_bytes(b"x")
    machine.disk("loop5", (7, 5), 1 << 20, "virtual/block/loop5", loop__backing_file=place / "one")
    deep = stack_of_node("loop5", machine.roots)
    assert (deep.nodes, deep.disks, deep.files) == (("loop5", "sda1", "sda"), {"sda"}, (str(place / "one"),))
    flat = stack_of_node("loop5", machine.roots, through_loops=False)
    assert (flat.nodes, flat.disks, flat.files) == (("loop5",), {"loop5"}, ())


def test_a_loop_whose_file_is_gone(machine):
    machine.disk("loop5", (7, 5), 1 << 20, "virtual/block/loop5", loop__backing_file="/gone/file (deleted)")
    stack = stack_of_node("loop5", machine.roots)
    assert not stack.known
    assert stack.disks == frozenset()
    place = folder(machine, "images", (8, 16), "ext4", "/dev/sdb")
    machine.disk("loop6", (7, 6), 1 << 20, "virtual/block/loop6", loop__backing_file=f"{place}/file (deleted)")
    assert stack_of_node("loop6", machine.roots).disks == {"sdb"}


def test_rings_come_to_an_end(machine):
    """No kernel makes them, but a tree that is read while it changes may look so."""
    machine.disk("dm-8", (252, 8), 1 << 20, "virtual/block/dm-8")
    machine.disk("dm-9", (252, 9), 1 << 20, "virtual/block/dm-9")
    machine.holds("dm-8", "dm-9")
    machine.holds("dm-9", "dm-8")
    assert stack_of_node("dm-8", machine.roots).nodes == ("dm-8", "dm-9")
    assert nodes_above("dm-8", machine.roots) == ["dm-8", "dm-9"]
    loop = machine.disk("loop6", (7, 6), 1 << 20, "virtual/block/loop6")
    (loop / "loop").mkdir()
    (loop / "loop" / "backing_file").write_text(f"{machine.dev / 'loop6'}\n")
    assert stack_of_node("loop6", machine.roots).nodes == ("loop6",)


@pytest.mark.parametrize(
    ("fstype", "source", "more", "word"),
    [
        ("nfs4", "server:/x", "rw", "nfs4"),
        ("zfs", "pool/home", "rw", "zfs"),
        ("fuse.sshfs", "me@there:", "rw", "sshfs"),
        ("btrfs", "/dev/nowhere", "rw", "btrfs"),
    ],
)
def test_where_the_way_down_is_lost(machine, fstype, source, more, word):
    place = folder(machine, "share", (0, 99), fstype, source, "rw", more)
    stack = stack_of_path(place / ".", machine.roots)
    assert word in stack.unknown[0]
    assert stack.disks == frozenset()


def test_memory(machine):
    place = folder(machine, "ram", (0, 98), "tmpfs", "tmpfs")
    stack = stack_of_path(place, machine.roots)
    assert stack.in_memory
    assert stack.known


def test_fuse_over_a_drive_names_its_source(machine):
    place = folder(machine, "ntfs", (0, 97), "fuseblk", str(machine.dev / "sda1"))
    assert stack_of_path(place, machine.roots).disks == {"sda"}


def test_overlay_looks_into_all_layers(machine):
    upper = folder(machine, "upper", (8, 16), "ext4", "/dev/sdb")
    lower = folder(machine, "lower", (8, 64), "ext4", "/dev/sde")
    place = folder(
        machine, "merged", (0, 96), "overlay", "overlay", "rw", f"rw,lowerdir={lower}:/lost,upperdir={upper}"
    )
    stack = stack_of_path(place, machine.roots)
    assert stack.disks == {"sdb", "sde"}
    assert "/lost" in stack.unknown[0]


def test_names(machine):
    assert whole_disk("sda1", machine.roots) == "sda"
    assert whole_disk("sda", machine.roots) == "sda"
    assert node_of_path(machine.dev / "disk/by-id/wwn-0x50014ee0deadbeef", machine.roots) == "sda"
    assert node_of_path(machine.folder, machine.roots) is None
    assert node_of_path(machine.dev / "mapper/vg0-lv0", machine.roots) == "dm-0"


def test_loops_over_a_file_by_whatever_name(tmp_path, machine):
    file = tmp_path / "image"
    file.write_bytes(b"x")
    os.link(file, tmp_path / "other-name")
    machine.disk("loop5", (7, 5), 1 << 20, "virtual/block/loop5", loop__backing_file=file)
    machine.disk("loop6", (7, 6), 1 << 20, "virtual/block/loop6", loop__backing_file=f"{tmp_path}/gone (deleted)")
    assert loops_over(tmp_path / "other-name", machine.roots) == ["loop5"]
    assert loops_over(tmp_path / "gone", machine.roots) == []
    (tmp_path / "gone").write_bytes(b"a new one")
    assert loops_over(tmp_path / "gone", machine.roots) == []
    assert loops_over(tmp_path / "elsewhere", machine.roots) == []


def test_same_objects(tmp_path):
    one = tmp_path / "one"
    one.write_bytes(b"")
    (tmp_path / "two").write_bytes(b"")
    os.link(one, tmp_path / "hard")
    assert same_object(os.stat(one), os.stat(tmp_path / "hard"))
    assert not same_object(os.stat(one), os.stat(tmp_path / "two"))


def test_first_existing(tmp_path):
    assert first_existing(tmp_path / "a" / "b" / "c") == str(tmp_path)
    assert first_existing("/") == "/"


def test_this_machine(tmp_path):
    stack = stack_of_path(tmp_path)
    for name in stack.nodes:
        assert (Path("/sys/class/block") / name).exists()
    assert stack.disks or stack.unknown or stack.in_memory


def test_real_loops(tmp_path):
    needs_loop()
    image = make_image(tmp_path / "image", 1 << 20)
    with attach_loop(image) as loop, attach_loop(loop.path) as upper:
        assert loops_over(image) == [loop.path.name]
        stack = stack_of_path(upper.path)
        assert stack.nodes[:2] == (upper.path.name, loop.path.name)
        assert stack.files == (str(loop.path), str(image))
        assert stack.disks == stack_of_path(image).disks
        assert stack_of_path(loop.path, through_loops=False).disks == {loop.path.name}


def test_attributes_that_fail(tmp_path):
    assert read_text(tmp_path) is None  # a folder
    assert read_text(tmp_path / "nothing") is None
    (tmp_path / "number").write_text("0x1f \n")
    assert read_int(tmp_path / "number") == 31
    (tmp_path / "number").write_text("abc")
    assert read_int(tmp_path / "number") is None
    (tmp_path / "blank").write_text("  \0\n")
    assert read_text(tmp_path / "blank") is None
    assert parse_devno("8:x") is None
    assert parse_devno(None) is None
    assert HERE.node_path("cciss!c0d0") == "/dev/cciss/c0d0"
