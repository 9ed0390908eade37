"""The guard before a device or an image is opened for writing, on a recorded machine: no such hardware, no root."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.edits import Lift
from engine.edits.guard import check_device, check_image, same_device
from engine.edits.target import open_target
from engine.errors import OutsideError, RefusedError
from tests.engine.machine import FakeMachine, recorded_machine


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return recorded_machine(tmp_path)


def node(machine: FakeMachine, name: str) -> str:
    return str(machine.dev / name)


def refused(machine: FakeMachine, name: str, **more: object) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        check_device(node(machine, name), machine.roots, **more)
    assert caught.value.path is not None
    assert caught.value.path.endswith(name)
    return caught.value


def opened(machine: FakeMachine, path: Path, flags: int, pid: int = 4242, comm: str = "testdisk") -> None:
    """A program that has `path` open."""
    folder = machine.proc / str(pid)
    machine.write(folder, comm=comm, fdinfo__3=f"pos:\t0\nflags:\t0{flags:o}")
    (folder / "fd").mkdir()
    (folder / "fd" / "3").symlink_to(path)


@pytest.mark.parametrize("name", ["sdb", "sdg", "sdh"])
def test_a_disk_that_nothing_uses_may_be_written(machine: FakeMachine, name: str) -> None:
    check_device(node(machine, name), machine.roots)
    check_device(node(machine, name), machine.roots, keep=(machine.folder,))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sda1", "sda1 is mounted at /m"),
        ("sda", "sda1 is mounted at /m"),
        ("sda2", "sda1 is mounted at /m"),
        ("zram0", "zram0 is swap"),
        ("sdc", "sdc belongs to md0"),
        ("sdd", "sdd belongs to md0"),
        ("nvme0n1", "nvme0n1 belongs to dm-0"),
    ],
)
def test_what_is_in_use_is_refused(machine: FakeMachine, name: str, words: str) -> None:
    error = refused(machine, name)
    assert error.code == "target-in-use"
    assert words in error.message


def test_swap_on_a_partition_is_a_use_of_the_disk(machine: FakeMachine) -> None:
    machine.partition("sdb", 1, (8, 17), 1 << 20, 8 << 20)
    machine.swap(node(machine, "sdb1"), "partition", 4096)
    for name in ("sdb", "sdb1"):
        assert "sdb1 is swap" in refused(machine, name).message


def test_a_swap_file_is_no_use_of_a_disk_by_its_name(machine: FakeMachine) -> None:
    machine.swap(node(machine, "sdb"), "file", 4096)
    check_device(node(machine, "sdb"), machine.roots)


def test_a_loop_over_a_partition_is_a_use(machine: FakeMachine) -> None:
    machine.partition("sdb", 1, (8, 17), 1 << 20, 8 << 20)
    machine.disk("loop7", (7, 7), 8 << 20, "virtual/block/loop7", loop__backing_file=node(machine, "sdb1"))
    assert "sdb1 is attached to loop7" in refused(machine, "sdb").message


def test_what_the_system_stands_on_is_refused_before_all_else(machine: FakeMachine) -> None:
    machine.partition("sdb", 1, (8, 17), 1 << 20, 8 << 20)
    machine.partition("sdb", 2, (8, 18), 9 << 20, 8 << 20)
    machine.mount("/", (8, 17), "ext4", "/dev/sdb1")
    for name in ("sdb", "sdb1", "sdb2"):
        assert refused(machine, name).code == "target-system"


def test_the_program_itself_counts_as_the_system(machine: FakeMachine) -> None:
    """A deck on a stick must not repair its own stick."""
    machine.mount(str(Path(__file__).resolve().parents[3]), (8, 16), "ext4", "/dev/sdb")
    assert refused(machine, "sdb").code == "target-system"


def test_the_undo_file_lies_elsewhere(machine: FakeMachine) -> None:
    place = machine.folder / "undo"
    place.mkdir()
    machine.mount(str(place), (8, 96), "ext4", "/dev/sdg")
    error = refused(machine, "sdg", keep=(machine.folder, place))
    assert error.code == "target-holds-undo"
    check_device(node(machine, "sdb"), machine.roots, keep=(machine.folder, place))


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR])
def test_a_device_that_a_program_has_open_is_refused(machine: FakeMachine, flags: int) -> None:
    """Also for reading: what it has read would be stale."""
    machine.partition("sdb", 1, (8, 17), 1 << 20, 8 << 20)
    opened(machine, machine.dev / "sdb1", flags)
    error = refused(machine, "sdb")
    assert error.code == "target-in-use"
    assert "4242 (testdisk) has sdb1 open" in error.message


def test_the_device_manager_is_no_user(machine: FakeMachine) -> None:
    opened(machine, machine.dev / "sdb", os.O_RDONLY, comm="(udev-worker)")
    check_device(node(machine, "sdb"), machine.roots)


def test_a_read_only_device_is_refused(machine: FakeMachine) -> None:
    assert refused(machine, "sdf").code == "target-read-only"
    machine.partition("sdg", 1, (8, 97), 1 << 20, 8 << 20)
    machine.write(machine.sys / "class" / "block" / "sdg1", ro=1)
    assert refused(machine, "sdg1").code == "target-read-only"
    machine.write(machine.sys / "class" / "block" / "sdg1", ro=0)
    machine.write(machine.sys / "class" / "block" / "sdg", ro=1)
    assert refused(machine, "sdg1").code == "target-read-only"


def test_a_device_that_the_kernel_does_not_know_is_refused(machine: FakeMachine) -> None:
    (machine.dev / "sdz").write_text("65:144")
    assert refused(machine, "sdz").code == "target-unknown"


@pytest.mark.parametrize("lift", [None, Lift("ab12", ""), Lift("ab12", "ab1"), Lift("", ""), Lift("", "x")])
def test_without_its_word_a_device_is_not_even_looked_at(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch, lift: Lift | None
) -> None:
    monkeypatch.setattr(stat, "S_ISBLK", lambda mode: True)
    monkeypatch.setattr("engine.edits.target._open", lambda *_: pytest.fail("opened"))
    for name in ("sda", "sdb"):
        with pytest.raises(RefusedError) as caught:
            open_target(node(machine, name), lift=lift, roots=machine.roots)
        assert caught.value.code == "device-locked"
    with pytest.raises(RefusedError) as caught:
        open_target(node(machine, "sda"), lift=Lift("ab12", " AB12 "), roots=machine.roots)
    assert caught.value.code == "target-in-use"


# --- images


def test_an_image_nobody_uses_may_be_written(machine: FakeMachine) -> None:
    path = machine.folder / "d.img"
    path.write_bytes(bytes(512))
    check_image(str(path), machine.roots)
    machine.disk("loop8", (7, 8), 512, "virtual/block/loop8", loop__backing_file=path)
    check_image(str(path), machine.roots)


def test_an_image_whose_loop_is_mounted_is_refused(machine: FakeMachine) -> None:
    path = machine.folder / "d.img"
    path.write_bytes(bytes(512))
    machine.disk("loop8", (7, 8), 1 << 20, "virtual/block/loop8", loop__backing_file=path)
    machine.partition("loop8", 1, (259, 8), 0, 1 << 20)
    machine.mount("/mnt", (259, 8), "ext4", "/dev/loop8p1")
    with pytest.raises(RefusedError, match="loop8p1 is mounted at /mnt"):
        check_image(str(path), machine.roots)


@pytest.mark.parametrize("through_loop", [False, True])
def test_an_image_that_is_written_by_another_is_refused(machine: FakeMachine, through_loop: bool) -> None:
    path = machine.folder / "d.img"
    path.write_bytes(bytes(512))
    machine.disk("loop8", (7, 8), 512, "virtual/block/loop8", loop__backing_file=path)
    place = machine.dev / "loop8" if through_loop else path
    opened(machine, place, os.O_RDONLY, 17, "cat")
    opened(machine, place, os.O_RDWR, 18, "udevd")
    check_image(str(path), machine.roots)
    opened(machine, place, os.O_RDWR, 19, "ddrescue")
    with pytest.raises(RefusedError, match=r"process 19 \(ddrescue\) may be writing"):
        check_image(str(path), machine.roots)


def test_only_regular_files_are_images(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="not an image"):
        check_image(str(machine.folder), machine.roots)
    os.mkfifo(machine.folder / "pipe")
    with pytest.raises(RefusedError, match="not an image"):
        check_image(str(machine.folder / "pipe"), machine.roots)
    with pytest.raises(OutsideError):
        check_image(str(machine.folder / "none"), machine.roots)


# --- a name that changed hands


def test_the_open_descriptor_must_be_what_the_name_means_now(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.stat(machine.dev / "sdb")

    def fstat(fd: int) -> os.stat_result:
        values = list(real)
        values[stat.ST_MODE] = stat.S_IFBLK | 0o660
        return os.stat_result(values, {"st_rdev": os.makedev(8, fd)})

    monkeypatch.setattr(os, "fstat", fstat)
    assert same_device(16, node(machine, "sdb"), machine.roots)
    for other in (15, 17):
        assert not same_device(other, node(machine, "sdb"), machine.roots)
    assert not same_device(16, node(machine, "sda"), machine.roots)
    assert not same_device(16, node(machine, "gone"), machine.roots)
