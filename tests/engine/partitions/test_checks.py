"""Checks and repairs: damage of each kind is found, mended, accepted by other tools, and can be brought back."""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.edits import apply_plan, undo
from engine.errors import NotFoundError, RefusedError, UsageError
from engine.partitions.read import read_tree
from engine.partitions.repairs import Options, plan_repair
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from tests.engine.partitions.disks import (
    MIB,
    blank,
    codes,
    entry,
    exfat,
    ext4,
    fat,
    get,
    ntfs,
    partition,
    place_file,
    put,
    run,
    sfdisk,
    sfdisk_json,
    table,
    tree_of,
)
from tests.support import needs_tool

START = 2048
FAT_SIZE, NTFS_SIZE, EXFAT_SIZE = 4 * MIB, 4 * MIB, 4 * MIB


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mend(image: Path, code: str, *, at: int | None = None, type: str | None = None) -> Path:
    """Plan and apply a repair; returns the undo file."""
    with FileSource(image) as source:
        plan = plan_repair(source, code, at=at, options=Options(type))
    done = apply_plan(plan, image, undo_dir=image.parent)
    assert done.undo_file is not None
    return done.undo_file


def check_undo(image: Path, undo_file: Path, before: str) -> None:
    after = digest(image)
    assert after != before
    undo(undo_file)
    assert digest(image) == before
    undo(undo_file, forward=True)
    assert digest(image) == after


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole volumes made for sector 2048, shared by the tests of this module."""
    needs_tool("mkfs.vfat")
    needs_tool("mkfs.ntfs")
    needs_tool("mkfs.exfat")
    needs_tool("mkfs.ext4")
    folder = tmp_path_factory.mktemp("volumes")
    fat(folder, FAT_SIZE, hidden=START).rename(folder / "fat32")
    ntfs(folder, NTFS_SIZE, hidden=START).rename(folder / "ntfs")
    exfat(folder, EXFAT_SIZE).rename(folder / "exfat")
    ext4(folder, 16 * MIB).rename(folder / "ext4")
    return folder


KINDS = {"fat32": ("c", FAT_SIZE), "ntfs": ("7", NTFS_SIZE), "exfat": ("7", EXFAT_SIZE), "ext4": ("83", 16 * MIB)}


@pytest.fixture
def make(tmp_path: Path, volumes: Path) -> Callable[..., Path]:
    """``make("ntfs", start=63, logical=True)``: a disk with that volume at a sector."""

    def made(kind: str, *, start: int = START, logical: bool = False, type: str | None = None) -> Path:
        number, size = KINDS[kind]
        sectors = size // 512
        image = blank(tmp_path / "d.img", size + 4 * MIB)
        one = entry(int(type or number, 16), 63 if logical else start, sectors)
        if logical:
            put(image, 0, table(entry(0x0F, start - 63, sectors + 63)))
            put(image, (start - 63) * 512, table(one))
        else:
            put(image, 0, table(one))
        place_file(image, start * 512, volumes / kind)
        return image

    return made


def extract(image: Path, start: int, size: int) -> Path:
    path = image.with_suffix(".vol")
    path.write_bytes(get(image, start, size))
    return path


def accepted(image: Path, kind: str, start: int = START) -> None:
    """The volume passes the check of its own tools."""
    volume = extract(image, start * 512, KINDS[kind][1])
    if kind == "fat32":
        run("fsck.fat", "-n", volume)
    elif kind == "ntfs":
        run("ntfsinfo", "-m", volume)
        run("ntfsfix", "-n", volume)
    elif kind == "exfat":
        run("fsck.exfat", "-n", volume)


needs_checkers = pytest.mark.usefixtures("checkers")


@pytest.fixture
def checkers() -> None:
    needs_tool("fsck.fat")
    needs_tool("ntfsinfo")
    needs_tool("ntfsfix")
    needs_tool("fsck.exfat")


@pytest.mark.parametrize("kind", ["fat32", "ntfs", "exfat", "ext4"])
def test_whole_volumes_have_nothing_wrong(make: Callable[..., Path], kind: str) -> None:
    assert codes(tree_of(make(kind)), notes=True) == []


# --- hidden sectors: the cloned recovery partition that does not boot


@needs_checkers
@pytest.mark.parametrize("kind", ["fat32", "ntfs"])
def test_hidden_sectors_of_a_moved_partition(make: Callable[..., Path], kind: str) -> None:
    """Made at sector 2048, cloned to sector 63: 00 08 00 00 becomes 3F 00 00 00, in the backup too; nothing else."""
    image = make(kind, start=63)
    before, content = digest(image), image.read_bytes()
    found = [problem for _, problem in tree_of(image).findings() if problem.code == "hidden-sectors-mismatch"]
    assert found[0].level == "warning"
    assert found[0].fixable
    assert "2048" in found[0].message
    assert "63" in found[0].message
    undo_file = mend(image, "hidden-sectors-mismatch")
    backup = 6 * 512 if kind == "fat32" else NTFS_SIZE - 512
    expected = bytearray(content)
    for place in (0, backup):
        assert content[63 * 512 + place + 0x1C : 63 * 512 + place + 0x20] == struct.pack("<I", 2048)
        expected[63 * 512 + place + 0x1C : 63 * 512 + place + 0x20] = bytes.fromhex("3f000000")
    assert image.read_bytes() == bytes(expected)
    assert codes(tree_of(image)) == []
    accepted(image, kind, 63)
    check_undo(image, undo_file, before)


@needs_checkers
def test_partition_offset_of_exfat(make: Callable[..., Path]) -> None:
    """Both regions change, each with its checksum."""
    image = make("exfat")
    assert codes(tree_of(image), notes=True) == []  # 0 means: not set
    mend(image, "hidden-sectors", at=START * 512)
    assert get(image, START * 512 + 0x40, 8) == struct.pack("<Q", START)
    assert get(image, (START + 12) * 512 + 0x40, 8) == struct.pack("<Q", START)
    accepted(image, "exfat")
    moved = blank(image.with_name("moved.img"), 8 * MIB)
    put(moved, 0, table(entry(7, 63, EXFAT_SIZE // 512)))
    place_file(moved, 63 * 512, extract(image, START * 512, EXFAT_SIZE))
    assert codes(tree_of(moved)) == ["partition-offset-mismatch"]
    before = digest(moved)
    undo_file = mend(moved, "partition-offset-mismatch")
    assert codes(tree_of(moved)) == []
    accepted(moved, "exfat", 63)
    check_undo(moved, undo_file, before)


def test_hidden_sectors_of_logicals_may_count_from_the_ebr(make: Callable[..., Path]) -> None:
    image = make("ntfs", start=4096, logical=True)
    for value in (63, 4096):
        put(image, 4096 * 512 + 0x1C, struct.pack("<I", value))
        put(image, 4096 * 512 + NTFS_SIZE - 512 + 0x1C, struct.pack("<I", value))
        assert codes(tree_of(image), notes=True) == []
    put(image, 4096 * 512 + 0x1C, struct.pack("<I", 2048))
    assert codes(tree_of(image)) == ["hidden-sectors-mismatch"]
    mend(image, "hidden-sectors-mismatch")
    assert get(image, 4096 * 512 + 0x1C, 4) == struct.pack("<I", 4096)


def test_hidden_sectors_of_zero_are_a_note(make: Callable[..., Path]) -> None:
    image = make("fat32")
    put(image, START * 512 + 0x1C, bytes(4))
    tree = tree_of(image)
    assert codes(tree) == []
    assert codes(tree, notes=True) == ["hidden-sectors-zero"]


def test_primary_right_and_backup_stale(make: Callable[..., Path]) -> None:
    """Only the first boot sector was mended after a move, as tutorials say: the backup is told and mended."""
    image = make("fat32", start=63)
    put(image, 63 * 512 + 0x1C, struct.pack("<I", 63))
    tree = tree_of(image)
    assert codes(tree) == []
    assert codes(tree, notes=True) == ["hidden-sectors-mismatch", "misaligned"]
    mend(image, "hidden-sectors-mismatch")
    assert get(image, 63 * 512 + 6 * 512 + 0x1C, 4) == struct.pack("<I", 63)


# --- boot sectors and their copies


DAMAGE: dict[str, bytes] = {
    "zeroed": bytes(512),
    "noise": random.Random(7).randbytes(512),
    "signature": b"",
}


@needs_checkers
@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("kind", ["fat32", "ntfs", "exfat"])
def test_boot_sector_from_backup(make: Callable[..., Path], kind: str, how: str) -> None:
    image = make(kind)
    whole = digest(image)
    if how == "signature":
        put(image, START * 512 + 510, b"\0\0")
    else:
        put(image, START * 512, DAMAGE[how])
    damaged = digest(image)
    tree = tree_of(image)
    assert codes(tree) == ["boot-sector-bad"]
    assert partition(tree, 1).filesystem.kind == kind  # by its backup
    undo_file = mend(image, "boot-sector-bad")
    assert codes(tree_of(image)) == []
    assert digest(image) == whole
    accepted(image, kind)
    check_undo(image, undo_file, damaged)


@needs_checkers
@pytest.mark.parametrize("kind", ["fat32", "ntfs", "exfat"])
def test_backup_from_boot_sector(make: Callable[..., Path], kind: str) -> None:
    image = make(kind)
    whole = digest(image)
    place = {"fat32": 6 * 512, "ntfs": NTFS_SIZE - 512, "exfat": 12 * 512}[kind]
    put(image, START * 512 + place, bytes(512))
    damaged = digest(image)
    assert codes(tree_of(image)) == ["backup-boot-bad"]
    undo_file = mend(image, "backup-boot-bad")
    assert digest(image) == whole
    check_undo(image, undo_file, damaged)


def test_copies_that_differ_are_named_field_by_field(make: Callable[..., Path]) -> None:
    image = make("fat32")
    put(image, START * 512 + 6 * 512 + 0x47, b"OLD LABEL  ")
    put(image, START * 512 + 0x41, b"\x01")  # a dirty flag in one of them is no difference
    tree = tree_of(image)
    found = [problem for _, problem in tree.findings() if problem.code == "boot-differs-from-backup"]
    assert found[0].message.endswith("differ in label")
    mend(image, "boot-differs-from-backup")
    assert codes(tree_of(image)) == []


def test_boot_sector_that_contradicts_the_volume(make: Callable[..., Path]) -> None:
    """Plausible numbers, but no $MFT where they say: the backup fits, so it is the truth."""
    image = make("ntfs")
    put(image, START * 512 + 0x30, struct.pack("<QQ", 777, 888))
    assert codes(tree_of(image)) == ["boot-sector-bad"]
    mend(image, "boot-sector-bad")
    assert codes(tree_of(image)) == []


def test_the_volume_decides_between_two_valid_boot_sectors(make: Callable[..., Path]) -> None:
    """Twice the cluster size makes the FAT twice too long: the backup is right. The other way round the primary is."""
    image = make("fat32")
    whole = digest(image)
    put(image, START * 512 + 13, b"\x02")
    tree = tree_of(image)
    found = [problem for _, problem in tree.findings() if problem.code == "boot-differs-from-backup"]
    assert found[0].repair == "boot-from-backup"
    assert "sectors per cluster" in found[0].message
    mend(image, "boot-differs-from-backup")
    assert digest(image) == whole
    put(image, (START + 6) * 512 + 13, b"\x02")
    mend(image, "boot-differs-from-backup")
    assert digest(image) == whole


def test_a_wrong_size_never_puts_the_backup_into_the_data(make: Callable[..., Path]) -> None:
    """NTFS with a total that is too small: the place it names for the backup belongs to files. Nothing is offered by
    itself; the person who knows the partition takes the boot sector from the backup at its end."""
    image = make("ntfs")
    whole = digest(image)
    put(image, START * 512 + 0x28, struct.pack("<Q", NTFS_SIZE // 1024))
    put(image, START * 512 + NTFS_SIZE // 2, b"somebody's data" * 20)
    damaged = image.read_bytes()
    found = [problem for _, problem in tree_of(image).findings() if problem.code == "boot-differs-from-backup"]
    assert found[0].repair is None
    assert "total sectors" in found[0].message
    with pytest.raises(RefusedError, match="where other data stand"):
        mend(image, "backup-from-boot", at=START * 512)
    assert image.read_bytes() == damaged
    put(image, START * 512 + NTFS_SIZE // 2, bytes(300))
    mend(image, "boot-from-backup", at=START * 512)
    assert codes(tree_of(image)) == []
    assert whole == digest(image) or get(image, START * 512 + NTFS_SIZE // 2, 300) == bytes(300)


def test_a_backup_is_found_where_it_says_itself(make: Callable[..., Path]) -> None:
    image = make("fat32")
    put(image, START * 512 + 0x32, struct.pack("<H", 9))
    found = [problem for _, problem in tree_of(image).findings() if problem.code == "boot-differs-from-backup"]
    assert "backup sector" in found[0].message


def test_both_boot_sectors_bad_offers_nothing(make: Callable[..., Path]) -> None:
    image = make("fat32")
    for place in (0, 6 * 512):
        put(image, START * 512 + place, random.Random(place).randbytes(512))
    put(image, START * 512 + 32 * 512, bytes(512))  # and the FATs differ, so that nothing can be made of them
    tree = tree_of(image)
    assert codes(tree) == ["boot-sector-bad"]
    with pytest.raises(NotFoundError):
        mend(image, "boot-sector-bad")


@needs_checkers
def test_exfat_checksum(make: Callable[..., Path]) -> None:
    image = make("exfat")
    whole = digest(image)
    put(image, START * 512 + 3 * 512 + 5, b"\x99")  # a byte of the extended boot code
    assert codes(tree_of(image)) == ["boot-checksum-bad"]
    mend(image, "boot-checksum-bad")
    assert digest(image) == whole
    for region in (0, 12):
        put(image, (START + region + 3) * 512 + 5, b"\x99")
    assert codes(tree_of(image)) == ["boot-checksum-bad"]
    mend(image, "boot-checksum-bad")
    assert codes(tree_of(image)) == ["backup-boot-bad"]
    mend(image, "backup-boot-bad")
    assert codes(tree_of(image)) == []
    accepted(image, "exfat")


@needs_checkers
@pytest.mark.parametrize("data", [bytes(512), b"RRaA" + bytes(508), random.Random(1).randbytes(512)])
def test_fsinfo(make: Callable[..., Path], data: bytes) -> None:
    image = make("fat32")
    put(image, (START + 1) * 512, data)
    damaged = digest(image)
    assert codes(tree_of(image)) == ["fsinfo-bad"]
    undo_file = mend(image, "fsinfo-bad")
    assert codes(tree_of(image)) == []
    assert get(image, (START + 1) * 512 + 488, 8) == b"\xff" * 8
    accepted(image, "fat32")
    check_undo(image, undo_file, damaged)


def test_fsinfo_with_impossible_counts(make: Callable[..., Path]) -> None:
    image = make("fat32")
    put(image, (START + 1) * 512 + 488, struct.pack("<I", 1 << 30))
    assert codes(tree_of(image)) == ["fsinfo-bad"]


def test_fat_copies_that_differ(make: Callable[..., Path]) -> None:
    image = make("fat32")
    reserved, sectors = struct.unpack_from("<H", get(image, START * 512, 64), 14)[0], struct.unpack_from(
        "<I", get(image, START * 512, 64), 36
    )[0]
    second = (START + reserved + sectors) * 512
    put(image, second + 5000, b"\x01")
    put(image, second + 9000, b"\x01")
    found = [problem for _, problem in tree_of(image).findings()]
    assert [problem.code for problem in found] == ["fat-copies-differ"]
    assert "2 sectors" in found[0].message
    assert found[0].offset == (START + reserved) * 512 + 5000 // 512 * 512


def test_sizes_and_types_against_the_volume(make: Callable[..., Path]) -> None:
    image = make("ntfs", type="83")
    put(image, 446 + 12, struct.pack("<I", NTFS_SIZE // 512 - 100))
    assert codes(tree_of(image)) == ["type-mismatch", "volume-larger-than-partition"]
    mend(image, "type-mismatch")
    assert get(image, 446 + 4, 1) == b"\x07"
    put(image, 446 + 12, struct.pack("<I", NTFS_SIZE // 512 - 1))
    found = [problem for _, problem in tree_of(image).findings() if problem.code == "volume-larger-than-partition"]
    assert [problem.level for problem in found] == ["warning"]  # all but the backup boot sector fits
    put(image, 446 + 12, struct.pack("<I", NTFS_SIZE // 512 + 100))
    assert codes(tree_of(image)) == []


# --- tables


def test_signature_of_the_mbr(make: Callable[..., Path]) -> None:
    image = make("ext4")
    whole = digest(image)
    put(image, 510, b"\0\0")
    assert codes(tree_of(image)) == ["mbr-bad-signature"]
    mend(image, "mbr-bad-signature")
    assert digest(image) == whole


def chain(tmp_path: Path) -> Path:
    """Three logicals, by sfdisk."""
    needs_tool("sfdisk")
    script = "label: dos\nstart=2048,size=2048,type=83\nstart=8192,type=f\n"
    script += "".join(f"start={start},size=4096,type=83\n" for start in (10240, 20480, 30720))
    return sfdisk(tmp_path / "c.img", script, 32 * MIB)


def ebrs(image: Path) -> list[int]:
    return [node.start for node in tree_of(image).walk() if node.kind == "ebr"]


def test_signature_of_an_ebr(tmp_path: Path) -> None:
    image = chain(tmp_path)
    whole, places = digest(image), ebrs(image)
    put(image, places[1] + 510, b"\0\0")
    assert "ebr-bad-signature" in codes(tree_of(image))
    mend(image, "ebr-bad-signature")
    assert digest(image) == whole


def test_loop_of_ebrs_is_cut(tmp_path: Path) -> None:
    image = chain(tmp_path)
    places = ebrs(image)
    put(image, places[2] + 462, entry(5, (places[1] - places[0]) // 512, 4096))
    damaged = digest(image)
    assert codes(tree_of(image)) == ["ebr-loop"]
    undo_file = mend(image, "ebr-loop")
    assert codes(tree_of(image)) == []
    assert len(sfdisk_json(image)["partitions"]) == 5
    check_undo(image, undo_file, damaged)


def test_chain_is_written_anew(tmp_path: Path) -> None:
    """Two partitions in one EBR, and an untrusted one: afterwards a chain that every tool reads."""
    image = chain(tmp_path)
    places = ebrs(image)
    put(image, places[0] + 478, entry(0x83, 15_000 - places[0] // 512, 1024))
    put(image, places[2] + 510, b"\0\0")
    ours = [(node.start // 512, node.size // 512) for node in tree_of(image).partitions() if node.kind == "logical"]
    mend(image, "rebuild-chain")
    assert codes(tree_of(image)) == []
    theirs = [(one["start"], one["size"]) for one in sfdisk_json(image)["partitions"]][2:]
    assert sorted(theirs) == sorted(ours)


def test_status_and_active_flag(tmp_path: Path) -> None:
    image = blank(tmp_path / "d.img", 8 * MIB)
    put(image, 0, table(entry(0x83, 2048, 1000, 0x80), entry(0x83, 4096, 1000, 0x80), entry(0x83, 6144, 1000, 0x17)))
    with pytest.raises(UsageError):  # which one shall be active?
        plan_any(image, "multiple-active")
    mend(image, "bad-status-byte")
    mend(image, "multiple-active", at=4096 * 512)
    tree = tree_of(image)
    assert codes(tree) == []
    assert [node.flags for node in tree.partitions()] == [(), ("active",), ()]


def plan_any(image: Path, code: str) -> None:
    with FileSource(image) as source:
        plan_repair(source, code)


def test_types_are_set_on_request_but_never_to_an_extended_one(make: Callable[..., Path]) -> None:
    image = make("ext4")
    mend(image, "type", at=MIB, type="a5")
    assert partition(tree_of(image), 1).type == "a5"
    for wrong in ("5", "0f", "ee", "00", "zz", "123"):
        with pytest.raises((RefusedError, UsageError)):
            mend(image, "type", at=MIB, type=wrong)


# --- GPT


@pytest.fixture(scope="module")
def gpt_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    needs_tool("sgdisk")
    image = blank(tmp_path_factory.mktemp("gpt") / "d.img", 16 * MIB)
    run("sgdisk", "-n", "1:0:+4M", "-n", "5:0:+4M", "-c", "1:one", image)
    return image.read_bytes()


@pytest.fixture
def gpt(tmp_path: Path, gpt_bytes: bytes) -> Path:
    path = tmp_path / "g.img"
    path.write_bytes(gpt_bytes)
    return path


LAST = 16 * MIB // 512 - 1


def verified(image: Path) -> None:
    needs_tool("sgdisk")
    assert "No problems found" in run("sgdisk", "-v", image)


@pytest.mark.parametrize(
    ("offset", "data", "code"),
    [
        (512, bytes(512), "gpt-primary-bad"),
        (512 + 72, b"\x09", "gpt-primary-bad"),
        (1024, b"\xff" * 3, "gpt-entries-crc"),
        (LAST * 512, bytes(512), "gpt-backup-missing"),
        (LAST * 512 + 40, b"\xff", "gpt-backup-bad"),
        ((LAST - 32) * 512 + 512, b"\xff", "gpt-entries-crc"),
        (446, bytes(64), "protective-mbr-missing"),
        (510, bytes(2), "protective-mbr-missing"),
    ],
    ids=("header", "guid", "entries", "no-backup", "backup-header", "backup-entries", "no-mbr", "mbr-signature"),
)
def test_gpt_damage_is_mended_to_the_byte(gpt: Path, gpt_bytes: bytes, offset: int, data: bytes, code: str) -> None:
    put(gpt, offset, data)
    damaged = digest(gpt)
    undo_file = mend(gpt, code)
    assert codes(tree_of(gpt)) == []
    verified(gpt)
    if code != "protective-mbr-missing":  # CHS of the cap is written in two ways
        assert gpt.read_bytes() == gpt_bytes
    check_undo(gpt, undo_file, damaged)


def test_backup_moves_to_the_end_of_a_grown_disk(gpt: Path) -> None:
    with open(gpt, "r+b") as file:
        file.truncate(24 * MIB)
    before = digest(gpt)
    undo_file = mend(gpt, "gpt-backup-not-at-end")
    assert codes(tree_of(gpt)) == []
    verified(gpt)
    assert sfdisk_json(gpt)["lastlba"] == 24 * MIB // 512 - 34
    check_undo(gpt, undo_file, before)


def test_backup_of_a_disk_that_was_cut(gpt: Path) -> None:
    with open(gpt, "r+b") as file:
        file.truncate(12 * MIB)
    mend(gpt, "gpt-backup-missing")
    assert codes(tree_of(gpt)) == []
    verified(gpt)
    with open(gpt, "r+b") as file:
        file.truncate(8 * MIB)  # partition 5 ends beyond
    with pytest.raises(RefusedError):
        mend(gpt, "gpt-backup-missing")


def test_stale_gpt_is_cleared_only_when_an_mbr_is_in_force(gpt: Path) -> None:
    put(gpt, 446, entry(0x07, 2048, 8192) + bytes(48))
    mend(gpt, "stale-gpt")
    tree = tree_of(gpt)
    assert codes(tree) == []
    assert tree.scheme == "mbr"
    assert run("blkid", "-p", "-o", "value", "-s", "PTTYPE", gpt).strip() == "dos"


def test_gpt_type_changes_in_both_tables(gpt: Path) -> None:
    mend(gpt, "type", at=MIB, type="EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
    verified(gpt)
    assert sfdisk_json(gpt)["partitions"][0]["type"] == "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"


# --- what must not happen


def test_nothing_is_planned_over_sectors_that_nobody_has_read(make: Callable[..., Path]) -> None:
    image = make("fat32")
    put(image, START * 512, bytes(512))
    for hole in ((START * 512 + 100, START * 512 + 101), ((START + 6) * 512, (START + 7) * 512)):
        with FileSource(image) as file, pytest.raises((RefusedError, NotFoundError)):
            plan_repair(HoleSource(file, RangeSet([hole])), "boot-from-backup", at=START * 512)


def test_unknown_codes_and_places(make: Callable[..., Path]) -> None:
    image = make("ext4")
    with pytest.raises(NotFoundError):
        plan_any(image, "fsinfo-bad")
    with FileSource(image) as source, pytest.raises(NotFoundError):
        plan_repair(source, "fsinfo", at=12345)
    with FileSource(image) as source, pytest.raises(RefusedError):
        plan_repair(source, "fsinfo", at=MIB)


def test_plans_read_only(make: Callable[..., Path]) -> None:
    image = make("ntfs", start=63)
    before = digest(image)
    plan_any(image, "hidden-sectors-mismatch")
    with FileSource(image) as source:
        read_tree(source)
    assert digest(image) == before
