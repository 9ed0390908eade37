"""What may not be written to, with real mounts, partitions, swap and loops, and by whatever name it is called."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.edits import Draft, Lift, WritePlan, apply_plan
from engine.errors import RefusedError
from engine.source import open_path
from tests.engine.partitions.disks import loop
from tests.support import find_tool, needs_loop, needs_tool

MIB = 1 << 20
LIFT = Lift("w", "w")
pytestmark = [needs_loop(), needs_tool("sfdisk"), needs_tool("mkfs.ext4")]


def plan_for(path: str | Path, at: int = 0) -> WritePlan:
    with open_path(str(path)) as source:
        draft = Draft(source)
        draft.put(at, b"NEW", "because")
        return draft.plan("test", "a test")


def tool(name: str, *words: object, given: bytes | None = None) -> None:
    found = find_tool(name)
    assert found is not None
    subprocess.run([found, *map(str, words)], check=True, capture_output=True, input=given)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with a partition, an ext4 volume in it."""
    volume, image = tmp_path / "volume", tmp_path / "disk.img"
    volume.write_bytes(bytes(4 * MIB))
    tool("mkfs.ext4", "-q", "-F", volume)
    image.write_bytes(bytes(MIB) + volume.read_bytes() + bytes(MIB))
    tool("sfdisk", "-q", image, given=b"label: dos\nstart=2048,size=8192,type=83\n")
    volume.unlink()
    return image


@contextmanager
def partitioned(image: Path) -> Iterator[tuple[str, str]]:
    """A loop device over a disk, and the node of its first partition (made where nobody else makes it)."""
    losetup = str(find_tool("losetup"))
    done = subprocess.run([losetup, "-P", "--show", "-f", str(image)], check=True, capture_output=True, text=True)
    device = done.stdout.strip()
    part, made = f"{device}p1", False
    try:
        numbers = Path(f"/sys/class/block/{os.path.basename(part)}/dev")
        if not numbers.exists():
            pytest.skip("the kernel makes no partitions of loop devices here")
        if not os.path.exists(part):
            major, minor = map(int, numbers.read_text().split(":"))
            os.mknod(part, 0o600 | 0o060000, os.makedev(major, minor))
            made = True
        yield device, part
    finally:
        if made:
            os.unlink(part)
        subprocess.run([losetup, "-d", device], check=True)


@contextmanager
def mounted(device: str, place: Path) -> Iterator[None]:
    place.mkdir()
    if subprocess.run(["mount", "-o", "ro", device, str(place)], check=False, capture_output=True).returncode:
        pytest.skip("may not mount here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def refused(path: str | Path, undo_dir: Path, words: str, plan: WritePlan | None = None) -> None:
    """The plan is refused in these words, and not a byte was written."""
    before = Path(path).read_bytes()
    with pytest.raises(RefusedError, match=words) as caught:
        apply_plan(plan or plan_for(path), path, undo_dir=undo_dir, lift=LIFT)
    assert caught.value.advice
    assert Path(path).read_bytes() == before
    assert not list(undo_dir.glob("*.undo"))


def names_of(image: Path) -> list[Path]:
    """The image by its name, by a symbolic link and by a hard link."""
    soft, hard = image.with_name("soft.img"), image.with_name("hard.img")
    soft.symlink_to(image)
    os.link(image, hard)
    return [image, soft, hard]


def test_a_partition_is_mounted(disk: Path, tmp_path: Path) -> None:
    """Then neither it, nor its disk, nor the image under both is written to, by whatever name."""
    undo = tmp_path / "undo"
    undo.mkdir()
    with partitioned(disk) as (device, part), mounted(part, tmp_path / "mnt"):
        for target in (Path(part), Path(device), *names_of(disk)):
            refused(target, undo, "mounted at")


@pytest.mark.parametrize("through", ["image", "device"])
def test_a_volume_in_it_is_mounted(disk: Path, tmp_path: Path, through: str) -> None:
    """By a loop device of its own that begins where the partition does: over the image, or over a loop over it."""
    undo = tmp_path / "undo"
    undo.mkdir()
    losetup = str(find_tool("losetup"))
    with loop(disk) as device:
        below = device if through == "device" else str(disk)
        done = subprocess.run(
            [losetup, "--show", "-f", "-o", str(MIB), below], check=True, capture_output=True, text=True
        )
        part = done.stdout.strip()
        try:
            with mounted(part, tmp_path / "mnt"):
                for target in (Path(part), *names_of(disk), *([Path(device)] if through == "device" else [])):
                    refused(target, undo, "mounted at|attached to")
        finally:
            subprocess.run([losetup, "-d", part], check=True)


def test_it_is_swap(tmp_path: Path) -> None:
    needs_tool("mkswap")
    undo = tmp_path / "undo"
    undo.mkdir()
    image = tmp_path / "swap.img"
    image.write_bytes(bytes(2 * MIB))
    tool("mkswap", image)
    with loop(image) as device:
        done = subprocess.run([str(find_tool("swapon")), device], check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"swap cannot be used here: {done.stderr.strip()}")
        try:
            for target in (Path(device), *names_of(image)):
                refused(target, undo, "is swap")
        finally:
            subprocess.run([str(find_tool("swapoff")), device], check=True)


def test_another_device_stands_on_it(disk: Path, tmp_path: Path) -> None:
    """A loop over a loop, as an array or a volume manager would be."""
    undo = tmp_path / "undo"
    undo.mkdir()
    with loop(disk) as below, loop(Path(below)) as above:
        refused(below, undo, f"attached to {os.path.basename(above)}")


def test_what_was_shown_is_not_there_any_more(disk: Path, tmp_path: Path) -> None:
    """The bytes of a device changed between the preview and the word that was typed."""
    undo = tmp_path / "undo"
    undo.mkdir()
    with loop(disk) as device:
        plan = plan_for(device, 1024)
        with open(device, "r+b") as stream:
            stream.seek(1024)
            stream.write(b"other")
        refused(device, undo, "not those that were shown", plan)


def test_another_device_has_the_name_now(disk: Path, tmp_path: Path) -> None:
    """A node that was chosen, and leads to a device of another size when it is written to."""
    undo = tmp_path / "undo"
    undo.mkdir()
    other = tmp_path / "other.img"
    other.write_bytes(bytes(3 * MIB))
    name = tmp_path / "node"
    with loop(disk) as first, loop(other) as second:
        name.symlink_to(first)
        plan = plan_for(name)
        name.unlink()
        name.symlink_to(second)
        refused(name, undo, "the plan was made for", plan)
