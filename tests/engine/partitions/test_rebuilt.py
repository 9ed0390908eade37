"""Boot sectors made anew: beside the lost ones, and taken by the tools that check file systems."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.edits import apply_plan
from engine.errors import RefusedError
from engine.partitions.checks import examine
from engine.partitions.peek import Peek
from engine.partitions.rebuilt import Proposal, propose
from engine.partitions.repairs import plan_repair
from engine.partitions.structs import FAT16_BOOT, FAT32_BOOT, NTFS_BOOT
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from tests.engine.partitions.disks import MIB, blank, get, put, run, sfdisk
from tests.engine.partitions.volume_kinds import copy_into
from tests.support import needs_tool

_START = 2 * MIB
_LOST = {"boot_code", "serial", "label", "oem_name", "jump", "sectors_per_track", "heads", "drive", "checksum",
         "hidden_sectors"}  # fmt: skip
KINDS = {
    "fat12": (("mkfs.vfat", "-F12"), 4, "01"),
    "fat12-floppy": (("mkfs.vfat", "-F12", "-s", "1", "-r", "224", "-R", "1"), 1, "01"),
    "fat16": (("mkfs.vfat", "-F16"), 40, "06"),
    "fat16-8": (("mkfs.vfat", "-F16", "-s", "8", "-R", "8"), 60, "06"),
    "fat32": (("mkfs.vfat", "-F32"), 100, "0c"),
    "fat32-1": (("mkfs.vfat", "-F32", "-s", "1"), 64, "0c"),
    "fat32-4": (("mkfs.vfat", "-F32", "-s", "4"), 300, "0c"),
    "ntfs": (("mkfs.ntfs", "-F", "-Q", "-q"), 24, "07"),
    "ntfs-512": (("mkfs.ntfs", "-F", "-Q", "-q", "-c", "512"), 24, "07"),
    "ntfs-64k": (("mkfs.ntfs", "-F", "-Q", "-q", "-c", "65536"), 40, "07"),
    "ntfs-2m": (("mkfs.ntfs", "-F", "-Q", "-q", "-c", "2097152"), 500, "07"),
}


def made(tmp_path: Path, name: str, *, files: int = 4) -> tuple[Path, Path]:
    """A volume with folders and files, and a disk with it in its only partition."""
    argv, size, kind = KINDS[name]
    needs_tool(argv[0])
    volume = blank(tmp_path / "volume", size * MIB)
    run(*argv, volume)
    for number in range(files if "fat" in name else 0):
        needs_tool("mmd")
        run("mmd", "-i", volume, f"::DIR{number}")
        (tmp_path / "text").write_text("some words\n" * 100 * (number + 1))
        run("mcopy", "-i", volume, tmp_path / "text", f"::DIR{number}/FILE{number}.TXT")
    disk = sfdisk(tmp_path / "disk", f"label: dos\nstart={_START // 512}, size={size * 2048}, type={kind}\n",
                  (size + 4) * MIB)  # fmt: skip
    copy_into(disk, _START, volume)
    return volume, disk


def lose(disk: Path, volume: Path, name: str) -> None:
    """Overwrite the boot sector and every copy of it."""
    noise = random.Random(name).randbytes(512)
    size = volume.stat().st_size
    for at in (0, *([6 * 512] if "fat32" in name else []), *([size - 512] if "ntfs" in name else [])):
        put(disk, _START + at, noise if at == 0 else bytes(512))


def proposed(disk: Path, volume: Path) -> Proposal | None:
    with FileSource(disk) as source:
        return propose(Peek(source), _START, volume.stat().st_size, sector_size=512, hidden=_START // 512)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.full) if name in ("fat32-4", "ntfs-2m", "fat32-1") else name
    for name in KINDS
])  # fmt: skip
def test_made_anew(tmp_path: Path, name: str) -> None:
    volume, disk = made(tmp_path, name)
    lose(disk, volume, name)
    with FileSource(disk) as source:
        tree = examine(source)
        found = [(node.start, one.repair) for node, one in tree.findings() if node and one.code == "boot-sector-bad"]
        assert found == [(_START, "rebuild-boot")]
        plan = plan_repair(source, "boot-sector-bad", at=_START, tree=tree)
    apply_plan(plan, disk, undo_dir=tmp_path)
    struct = NTFS_BOOT if "ntfs" in name else FAT32_BOOT if "fat32" in name else FAT16_BOOT
    old, new = struct.parse(get(volume, 0, 512)), struct.parse(get(disk, _START, 512))
    differ = {key for key in old if not key.startswith("_") and old[key] != new[key]}
    if "total_sectors_32" in differ:  # formatting tools leave less than a track unused at the end
        assert 0 < new.total_sectors_32 - old.total_sectors_32 < 63
    assert differ <= _LOST | {"type_text", "flags", "total_sectors_32"}
    assert new.hidden_sectors == _START // 512
    with FileSource(disk) as source:
        codes = {one.code for node, one in examine(source).findings() if one.level != "note"}
    assert not codes
    again = tmp_path / "again"
    run("dd", f"if={disk}", f"of={again}", "bs=1M", "conv=sparse", f"skip={_START // MIB}", "status=none",
        f"count={volume.stat().st_size // MIB}")  # fmt: skip
    if "ntfs" in name:
        needs_tool("ntfsinfo")
        assert "Volume Name" in run("ntfsinfo", "-mf", again)
    else:
        needs_tool("fsck.fat")
        run("fsck.fat", "-n", again)
        assert "FILE3.TXT" in run("mdir", "-b", "-i", again, "::DIR3")


@pytest.mark.parametrize(("name", "files", "sure"), [
    ("fat16", 4, "high"), ("fat16", 1, "medium"), ("fat12", 4, "high"), ("fat16-8", 4, "high"), ("ntfs", 0, "high"),
])  # fmt: skip
def test_confidence_says_what_agrees(tmp_path: Path, name: str, files: int, sure: str) -> None:
    volume, disk = made(tmp_path, name, files=files)
    lose(disk, volume, name)
    found = proposed(disk, volume)
    assert found is not None
    assert found.confidence == sure
    if files:
        assert found.names == tuple(f"DIR{number}/" for number in range(files))


def test_an_empty_volume_is_not_sure(tmp_path: Path) -> None:
    volume, disk = made(tmp_path, "fat16", files=0)
    lose(disk, volume, "fat16")
    found = proposed(disk, volume)
    assert found is not None
    assert found.confidence == "low"
    assert found.names == ()


def test_one_fat_that_differs_proves_nothing(tmp_path: Path) -> None:
    volume, disk = made(tmp_path, "fat16")
    lose(disk, volume, "fat16")
    old = FAT16_BOOT.parse(get(volume, 0, 512))
    put(disk, _START + (old.reserved_sectors + old.fat_sectors_16) * 512, bytes(512))
    assert proposed(disk, volume) is None
    with FileSource(disk) as source, pytest.raises(RefusedError, match="neither FATs"):
        plan_repair(source, "rebuild-boot", at=_START)


def test_a_partition_larger_than_its_volume(tmp_path: Path) -> None:
    """The end is told by the FAT then; and it is said."""
    volume, disk = made(tmp_path, "fat16-8")
    lose(disk, volume, "fat16-8")
    with FileSource(disk) as source:
        found = propose(Peek(source), _START, volume.stat().st_size + MIB, sector_size=512, hidden=1)
    assert found is not None
    assert FAT16_BOOT.parse(found.boot).sectors_per_cluster == 8


@pytest.mark.parametrize("name", ["fat16", "ntfs"])
def test_what_nobody_has_read_proves_nothing(tmp_path: Path, name: str) -> None:
    volume, disk = made(tmp_path, name)
    lose(disk, volume, name)
    size = disk.stat().st_size
    for holes in ([(_START, size)], [(_START + 512, _START + 8 * MIB)], [(_START + 4096, size)]):
        with HoleSource(FileSource(disk), RangeSet(holes)) as source:
            assert propose(Peek(source), _START, volume.stat().st_size, sector_size=512, hidden=0) is None
    with HoleSource(FileSource(disk), RangeSet([(_START, _START + 512)])) as source, pytest.raises(RefusedError):
        plan_repair(source, "rebuild-boot", at=_START)


def test_a_good_boot_sector_is_left_alone(tmp_path: Path) -> None:
    _volume, disk = made(tmp_path, "fat16")
    with FileSource(disk) as source, pytest.raises(RefusedError, match="there is a boot sector"):
        plan_repair(source, "rebuild-boot", at=_START)


@pytest.mark.parametrize("seed", range(30))
def test_noise_and_damage_make_no_boot_sector_that_breaks(tmp_path: Path, seed: int) -> None:
    """Whatever is proposed can be read as a boot sector, in bounded time; random data make none."""
    rng = random.Random(seed)
    noise = tmp_path / "noise"
    noise.write_bytes(rng.randbytes(2 * MIB))
    with FileSource(noise) as source:
        assert propose(Peek(source), 0, 2 * MIB, sector_size=512, hidden=0) is None
    volume, disk = made(tmp_path, rng.choice(["fat12", "fat16", "ntfs", "ntfs-64k"]))
    lose(disk, volume, "x")
    for _ in range(rng.randint(1, 12)):
        at = _START + rng.choice([0, 512, 2048, 4 * 4096, 40960, 65536]) + rng.randrange(4096)
        put(disk, at, rng.choice([bytes(8), b"\xff" * 8, rng.randbytes(4), b"\xf8\xff\xff\xff", b"FILE"]))
    proposed(disk, volume)
