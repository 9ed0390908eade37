"""Volumes of every kind: recognised as blkid recognises them, by their backups too, and never in noise."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.partitions.search import search
from engine.partitions.volumes import KINDS, Confirmation, Volume, recognise, recognise_all
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from tests.engine.partitions import written_volumes
from tests.engine.partitions.disks import MIB, blank, put, run
from tests.engine.partitions.volume_kinds import PARAMS, SAMPLES, Makery, backups, blkid, copy_into, wipe
from tests.support import needs_loop, needs_tool


def look(path: Path, start: int = 0, size: int | None = None) -> Volume | None:
    with FileSource(path) as source:
        return recognise(source, start, source.size if size is None else size)


@pytest.mark.parametrize("name", PARAMS)
def test_agrees_with_blkid(make_volume: Makery, name: str) -> None:
    path = make_volume(name)
    sample = SAMPLES[name]
    found = look(path)
    assert found is not None
    assert found.kind == sample.kind
    assert found.kind in KINDS
    assert found.trusted
    assert not found.by_backup
    assert not found.problems
    assert (found.size is not None) == sample.sized or not sample.sized
    if sample.sized and found.partition_size is not None:
        assert sample.size - MIB < found.partition_size <= sample.size or name in ("md-0.90", "iso9660")
    if sample.blkid:
        needs_tool("blkid")
        told = blkid(path)
        assert told.get("TYPE") == sample.blkid
        if name != "bitlocker":  # blkid tells no UUID of it
            assert told.get("UUID", "").lower() == found.uuid.lower()
        if sample.blkid == "LVM2_member":
            assert found.label == "vgtest"
        else:
            assert told.get("LABEL", "") == found.label


@pytest.mark.parametrize("name", PARAMS)
def test_found_at_an_odd_place_too(make_volume: Makery, tmp_path: Path, name: str) -> None:
    disk = tmp_path / "disk"
    disk.touch()
    start = 12345 * 512
    size = copy_into(disk, start, make_volume(name))
    whole = look(make_volume(name))
    found = look(disk, start, size)
    assert found is not None
    assert whole is not None
    assert (found.kind, found.size, found.label, found.uuid) == (whole.kind, whole.size, whole.label, whole.uuid)
    assert [proof.offset - start for proof in found.evidence] == [proof.offset for proof in whole.evidence]


@pytest.mark.parametrize("name", backups())
def test_recognised_by_a_backup(make_volume: Makery, tmp_path: Path, name: str) -> None:
    disk = tmp_path / "disk"
    disk.touch()
    size = copy_into(disk, MIB, make_volume(name))
    before = look(disk, MIB, size)
    wipe(disk, MIB, name)
    found = look(disk, MIB, size)
    if name == "bitlocker":  # nothing tells where its metadata stands: only a search finds it
        assert found is None
        return
    assert found is not None
    assert before is not None
    assert found.by_backup
    assert found.confirmation is Confirmation.CONFIRMED
    assert (found.kind, found.size, found.uuid, found.label) == (before.kind, before.size, before.uuid, before.label)
    assert {problem.code for problem in found.problems} <= {"boot-sector-bad", "superblock-bad"}
    assert found.problems


UNUSUAL = {
    "fat32 of 4096": (("mkfs.vfat", "-S", "4096", "-s", "1", "-F", "32"), 300, 6 * 4096),
    "ntfs of 4096": (("mkfs.ntfs", "-F", "-Q", "-q", "-s", "4096"), 32, 512),
    "ntfs of 128K": (("mkfs.ntfs", "-F", "-Q", "-q", "-c", "131072"), 64, 512),
    "ext4 meta_bg": (("mkfs.ext4", "-q", "-F", "-O", "^64bit,meta_bg,^resize_inode", "-b", "2048"), 40, 4096),
    "ext4 bigalloc": (("mkfs.ext4", "-q", "-F", "-O", "bigalloc", "-C", "65536", "-b", "4096"), 200, 0),
    "ext4 bigalloc 1k": (("mkfs.ext4", "-q", "-F", "-O", "bigalloc", "-C", "65536", "-b", "1024"), 200, 0),
    "ext4 sparse2": (("mkfs.ext4", "-q", "-F", "-O", "sparse_super2,^resize_inode"), 300, 2048),
    "ext4 journal": (("mkfs.ext4", "-q", "-F", "-O", "journal_dev"), 8, 0),
    "xfs v4": (("mkfs.xfs", "-q", "-f", "-m", "crc=0"), 320, 512),
    "xfs of 4096": (("mkfs.xfs", "-q", "-f", "-s", "size=4096"), 320, 4096),
    "swap of 64K": (("mkswap", "-q", "-p", "65536"), 8, 0),
}


def unusual(tmp_path: Path, name: str) -> Path:
    argv, size, _ = UNUSUAL[name]
    if argv[0] != "mkswap":
        needs_tool(argv[0])
    path = blank(tmp_path / name.replace(" ", "-"), size * MIB)
    run(*argv, path)
    return path


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_volumes(tmp_path: Path, name: str) -> None:
    path = unusual(tmp_path, name)
    found, told = look(path), blkid(path)
    assert found is not None
    assert found.trusted
    expected = {"vfat": "fat32"}.get(told["TYPE"], told["TYPE"])
    assert (found.kind, found.uuid.lower()) == (expected, told["UUID"].lower())
    if UNUSUAL[name][2]:
        put(path, 0, bytes(UNUSUAL[name][2]))
        again = look(path)
        assert again is not None
        assert (again.by_backup, again.trusted, again.size, again.uuid) == (True, True, found.size, found.uuid)


@pytest.mark.full
@pytest.mark.parametrize("wiped", [False, True])
def test_unusual_volumes_are_found(tmp_path: Path, wiped: bool) -> None:
    disk = blank(tmp_path / "disk", 0)
    places, position = {}, MIB
    for number, name in enumerate(UNUSUAL):
        if not wiped or UNUSUAL[name][2]:
            start = position + 512 * (3 + 2 * number)
            position = start + copy_into(disk, start, unusual(tmp_path, name))
            places[start] = look(tmp_path / name.replace(" ", "-"))
            put(disk, start, bytes(UNUSUAL[name][2] if wiped else 0))
    with FileSource(disk) as source:
        found = search(source, deep=True)
    assert {find.start: find.kind for find in found.volumes} == {
        start: volume.kind for start, volume in places.items() if volume is not None
    }


def test_ntfs_without_both_boot_sectors(make_volume: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.touch()
    size = copy_into(disk, 0, make_volume("ntfs"))
    whole = look(disk, 0, size)
    put(disk, 0, bytes(512))
    put(disk, size - 512, bytes(512))
    found = look(disk, 0, size)
    assert found is not None
    assert whole is not None
    assert whole.size is not None
    assert (found.kind, found.label, found.by_backup) == ("ntfs", "NTLABEL", True)
    assert found.size == whole.size // 4096 * 4096
    assert found.block_size == 4096


@pytest.mark.parametrize("checksum", ["crc32c", "xxhash", "sha256", "blake2"])
def test_checksums_of_btrfs(tmp_path: Path, checksum: str) -> None:
    needs_tool("mkfs.btrfs")
    path = tmp_path / "volume"
    with open(path, "wb") as file:
        file.truncate(128 * MIB)
    run("mkfs.btrfs", "-q", "--csum", checksum, path)
    found = look(path)
    assert found is not None
    assert found.checksum is True
    put(path, 65536 + 0x200, b"\xff")  # in the label's slack: only the checksum notices
    found = look(path)
    assert found is not None
    assert found.checksum is True
    assert found.by_backup
    put(path, 64 * MIB + 0x200, b"\xff")
    found = look(path)
    assert found is not None
    assert found.checksum is False
    assert not found.trusted


CHECKED = {"ext4": 1024 + 0x110, "xfs": 0xE8, "exfat": 0x100, "luks2": 0x1C, "md-1.2": 4096 + 0x60, "lvm": 512 + 0x60}


@pytest.mark.parametrize("name", CHECKED)
def test_a_wrong_checksum_is_told(make_volume: Makery, tmp_path: Path, name: str) -> None:
    disk = tmp_path / "disk"
    disk.touch()
    copy_into(disk, 0, make_volume(name))
    with FileSource(disk) as source:
        old = source.read(CHECKED[name], 1).data[0]
    put(disk, CHECKED[name], bytes((old ^ 0x40,)))
    with FileSource(disk) as source:
        found = recognise_all(source, 0, source.size)
    assert any(one.checksum is False or one.by_backup for one in found)
    assert any(problem.code in ("superblock-bad", "boot-checksum-bad") for one in found for problem in one.problems)


def test_unread_bytes_recognise_nothing(make_volume: Makery) -> None:
    path = make_volume("fat16")
    with HoleSource(FileSource(path), RangeSet.of(0, 512)) as source:
        assert recognise(source, 0, source.size) is None
    with HoleSource(FileSource(path), RangeSet.of(512, 8 * MIB)) as source:
        found = recognise(source, 0, source.size)
    assert found is not None
    assert found.confirmation is Confirmation.UNKNOWN
    assert [proof.what for proof in found.evidence] == ["boot sector"]


def test_boot_sector_that_leads_nowhere_is_contradicted(make_volume: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.touch()
    size = copy_into(disk, 0, make_volume("fat32"))
    put(disk, 512, bytes(8 * MIB))
    found = look(disk, 0, size)
    assert found is not None
    assert found.confirmation is Confirmation.CONTRADICTED
    assert not found.trusted


def test_a_container_goes_before_what_it_mirrors(make_volume: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.touch()
    copy_into(disk, 0, make_volume("fat12"))
    os.truncate(disk, 8 * MIB)
    from tests.engine.partitions.written_volumes import md_end

    md_end(disk)
    with FileSource(disk) as source:
        assert [one.kind for one in recognise_all(source, 0, source.size)] == ["linux_raid_member", "fat12"]


@pytest.mark.parametrize(("signature", "offset", "kind"), [
    (b"DHFS4.1", 0, "dhfs"), (b"WFS0.4", 0, "wfs"), (b"HIKVISION@HANGZHOU", 0x210, "hikvision"),
    (b"\0\0\0\0OTFPEIDLP RVH DD", 0, "topfield"), (b"\0\0\0\0TOPFIELD TF5000PVR HDD", 0, "topfield"),
])  # fmt: skip
def test_recorders_are_named(tmp_path: Path, signature: bytes, offset: int, kind: str) -> None:
    disk = tmp_path / "disk"
    with open(disk, "wb") as file:
        file.truncate(MIB)
    put(disk, offset, signature)
    found = look(disk)
    assert found is not None
    assert found.kind == kind


def test_pioneer_by_its_pointers(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with open(disk, "wb") as file:
        file.truncate(64 * MIB)
    put(disk, 0x830, (0x4008).to_bytes(4, "big"))
    put(disk, 0x4008 * 2048, b"".join((0x4100 + index).to_bytes(4, "big") + bytes(4) for index in range(5)))
    found = look(disk)
    assert found is not None
    assert (found.kind, found.version) == ("pioneer", "545H or 550H")


def test_noise_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    path.write_bytes(random.Random(5).randbytes(4 * MIB))
    with FileSource(path) as source:
        for start in range(0, 3 * MIB, 16 << 10):
            assert recognise_all(source, start, MIB) == []


def test_a_size_that_no_volume_has_is_not_believed(make_volume: Makery, tmp_path: Path) -> None:
    """2^64 sectors of an md member, under a checksum that is right."""
    disk = tmp_path / "disk"
    disk.touch()
    written_volumes.md_member(disk, copy_into(disk, 0, make_volume("md-1.0")) - 8192, 0, ((1 << 64) - 1) * 512)
    found = look(disk)
    assert found is not None
    assert (found.size, found.checksum, found.trusted) == (None, True, False)
    assert [one.code for one in found.problems] == ["superblock-bad"]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_superblocks_never_break_it(make_volume: Makery, tmp_path_factory: pytest.TempPathFactory,
                                            data: st.DataObject) -> None:  # fmt: skip
    """Any bytes anywhere in the structures: an answer, in bounded reads."""
    names = [name for name, sample in SAMPLES.items() if not sample.tools and sample.size <= 8 * MIB]
    name = data.draw(st.sampled_from([*names, "fat12", "ntfs", "exfat", "ext4-1k"]))
    volume = make_volume(name)
    found = look(volume)
    assert found is not None
    with open(volume, "rb") as file:
        content = bytearray(file.read())
    for _ in range(data.draw(st.integers(1, 6))):
        base = data.draw(st.sampled_from([proof.offset for proof in found.evidence]))
        at = min(len(content) - 8, base + data.draw(st.integers(0, 600)))
        value = data.draw(st.sampled_from([b"\0", b"\xff", b"\x01", b"\x80", b"\xff" * 8, bytes(8), b"\x7f" * 4]))
        content[at : at + len(value)] = value
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(content)
    with Counting(path) as source:
        for one in recognise_all(source, 0, len(content)):
            assert one.kind in KINDS
            assert one.size is None or 0 < one.size < 1 << 63
        assert source.reads < 2000


class Counting(FileSource):
    """Counts how often it is read."""

    reads = 0

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> tuple[tuple[int, int], ...]:
        self.reads += 1
        return super().read_into(offset, buffer)


@pytest.mark.full
@pytest.mark.parametrize("name", ["md-0.90", "md-1.0", "md-1.2"])
def test_mdadm_takes_our_members_for_real(make_volume: Makery, name: str) -> None:
    needs_tool("mdadm")
    told = run("mdadm", "--examine", make_volume(name))
    assert "- correct" in told
    assert f"Version : {name[3:]}" in told


@pytest.mark.full
def test_real_physical_volume(tmp_path: Path) -> None:
    needs_loop()
    for tool in ("pvcreate", "vgcreate", "losetup"):
        needs_tool(tool)
    disk = blank(tmp_path / "pv", 16 * MIB)
    loop = run("losetup", "-f", "--show", disk).strip()
    try:
        run("pvcreate", "-qq", loop)
        run("vgcreate", "-qq", "vgreal", loop)
    finally:
        run("losetup", "-d", loop)
    found = look(disk)
    assert found is not None
    assert (found.kind, found.label, found.size) == ("LVM2_member", "vgreal", 16 * MIB)
    assert found.uuid == blkid(disk)["UUID"]


def test_a_number_of_lvm_that_is_none_is_not_shown(tmp_path):
    image = tmp_path / "lvm.img"
    image.write_bytes(bytes(4 << 20))
    written_volumes.lvm(image)
    found = look(image)
    assert found is not None and found.uuid == "AbCdEf-GhIj-KlMn-OpQr-StUv-WxYz-012345"
    put(image, 512 + 32 + 8, b"\x1b[2J\0\xff")
    found = look(image)
    assert found is not None and found.kind == "LVM2_member" and found.uuid == ""
