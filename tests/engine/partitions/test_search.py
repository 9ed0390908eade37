"""Lost partitions: all kinds at all places, by primaries and backups, over holes; no phantoms."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CancelledError, DamagedError
from engine.partitions.search import Find, SearchResult, SizeFrom, Standing, search
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource, Source
from engine.source.base import ReadError
from tests.engine.partitions import written_volumes
from tests.engine.partitions.disks import MIB, blank, ntfs, put, run, sfdisk
from tests.engine.partitions.volume_kinds import LIGHT, SAMPLES, Makery, copy_into, lay, wipe
from tests.support import needs_tool

EVERYTHING = pytest.param(list(SAMPLES), marks=pytest.mark.full, id="all")
BACKED = [name for name in LIGHT if SAMPLES[name].wipe]
ALL_BACKED = pytest.param([name for name in SAMPLES if SAMPLES[name].wipe], marks=pytest.mark.full, id="all")


def find_in(disk: Path, *, deep: bool = True) -> SearchResult:
    with FileSource(disk) as source:
        return search(source, deep=deep)


def compare(found: SearchResult, places: dict[int, str]) -> None:
    """Exactly these volumes at top level, each of its kind and size."""
    assert {find.start: find.kind for find in found.volumes} == {
        start: SAMPLES[name].kind for start, name in places.items()
    }
    for find in found.volumes:
        sample = SAMPLES[places[find.start]]
        assert find.group is None
        assert not find.listed
        if sample.sized and sample.name not in ("md-0.90", "iso9660"):
            assert find.size_from is SizeFrom.SUPERBLOCK
            assert sample.size - MIB < find.size <= sample.size
    assert found.dropped == 0


@pytest.fixture(scope="session")
def light(make_volume: Makery, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    """A disk with all light kinds, aligned; never to be written to."""
    disk = tmp_path_factory.mktemp("light") / "disk"
    return disk, lay(disk, make_volume, LIGHT)


@pytest.mark.parametrize("aligned", [True, False], ids=["aligned", "unaligned"])
@pytest.mark.parametrize("names", [pytest.param(LIGHT, id="light"), EVERYTHING])
def test_every_kind_is_found(
    make_volume: Makery, light: tuple[Path, dict[int, str]], tmp_path: Path, names: list[str], aligned: bool
) -> None:
    disk, places = light
    if names != LIGHT or not aligned:
        disk = tmp_path / "disk"
        places = lay(disk, make_volume, names, aligned=aligned)
    assert len(places) >= 24
    found = find_in(disk)
    compare(found, places)
    assert all(find.confidence == "high" for find in found.volumes)
    assert not any(find.standing in (Standing.DOUBTFUL, Standing.OLDER) for find in found.finds)
    if aligned:
        compare(find_in(disk, deep=False), places)


@pytest.mark.parametrize("aligned", [True, False], ids=["aligned", "unaligned"])
@pytest.mark.parametrize("names", [pytest.param(BACKED, id="light"), ALL_BACKED])
def test_every_kind_is_found_by_its_backup(
    make_volume: Makery, tmp_path: Path, names: list[str], aligned: bool
) -> None:
    disk = tmp_path / "disk"
    places = lay(disk, make_volume, names, aligned=aligned)
    for start, name in places.items():
        wipe(disk, start, name)
    found = find_in(disk)
    compare(found, places)
    assert all(find.by_backup for find in found.volumes)
    assert all(find.confidence == "medium" for find in found.volumes)
    if aligned:
        quick = {find.start for find in find_in(disk, deep=False).volumes}
        assert quick >= {start for start, name in places.items() if SAMPLES[name].quick_backup}
        assert quick <= set(places)


def test_both_boot_sectors_of_ntfs_lost(make_volume: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    places = lay(disk, make_volume, ["fat32", "ntfs-64k", "ext4"], aligned=False)
    start = next(start for start, name in places.items() if name == "ntfs-64k")
    put(disk, start, bytes(512))
    put(disk, start + 32 * MIB - 512, bytes(512))
    compare(find_in(disk), places)


def test_no_phantoms_in_noise(tmp_path: Path) -> None:
    noise = random.Random(11)
    disk = tmp_path / "disk"
    with open(disk, "wb") as file:
        for _ in range(96):
            file.write(noise.randbytes(MIB))
    found = find_in(disk)
    assert found.finds == ()
    assert found.tables == ()


def test_disk_images_stored_as_files_are_inside(make_volume: Makery, tmp_path: Path) -> None:
    needs_tool("mkfs.ext4")
    needs_tool("mkfs.vfat")
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "volume.img").write_bytes(make_volume("ext4-1k").read_bytes())
    image = sfdisk(folder / "whole-disk.img", "label: dos\nstart=2048, size=20480, type=c\n", 12 * MIB)
    copy_into(image, MIB, make_volume("fat12"))
    outer = blank(tmp_path / "outer", 220 * MIB)
    run("mkfs.ext4", "-q", "-F", "-b", "4096", "-d", folder, outer)
    disk = blank(tmp_path / "disk", 230 * MIB)
    copy_into(disk, 3 * MIB, outer)
    for number, name in enumerate(("fat16", "ntfs", "exfat")):  # where its files are not: as if whole files lay there
        copy_into(disk, (140 + 33 * number) * MIB + 8192, make_volume(name))
    found = find_in(disk)
    assert [(find.start, find.kind) for find in found.volumes] == [(3 * MIB, "ext4")]
    inner = [find for find in found.finds if find.standing is Standing.INSIDE]
    assert {find.kind for find in inner} >= {"fat16", "ntfs", "exfat", "ext4", "fat12"}
    assert all(find.inside == 3 * MIB for find in inner)


def test_journals_hold_copies_that_are_no_volumes(make_volume: Makery, tmp_path: Path) -> None:
    """The journal of ext4 holds superblocks: none of them begins a volume."""
    disk = tmp_path / "disk"
    places = lay(disk, make_volume, ["ext4"])
    start = next(iter(places))
    with FileSource(disk) as source:
        head = source.read(start, 16 << 10).data
    for offset in (37 * MIB, 101 * MIB + 4096):
        put(disk, start + offset, head)
    found = find_in(disk)
    compare(found, places)
    assert len(found.finds) == 1


def test_quick_format_over_an_older_volume(make_volume: Makery, tmp_path: Path) -> None:
    """FAT32 over NTFS leaves the backup boot sector and much of the MFT."""
    needs_tool("mkfs.vfat")
    disk = blank(tmp_path / "disk", 80 * MIB)
    copy_into(disk, MIB, ntfs(tmp_path, 64 * MIB))
    whole = blank(tmp_path / "new", 64 * MIB)
    copy_into(whole, 0, ntfs(tmp_path, 64 * MIB))
    run("mkfs.vfat", "-F", "32", whole)
    copy_into(disk, MIB, whole)
    put(disk, MIB + 64 * MIB - 512, ntfs(tmp_path, 64 * MIB).read_bytes()[-512:])
    put(disk, MIB + 16384, ntfs(tmp_path, 64 * MIB).read_bytes()[16384:49152])  # as if the MFT had survived
    found = find_in(disk)
    assert [(find.start, find.kind) for find in found.volumes] in ([(MIB, "fat32")], [(MIB, "fat32")])
    assert [find.standing for find in found.finds if find.kind == "ntfs"] in ([], [Standing.OLDER])


def test_smaller_partitions_over_a_large_older_one(make_volume: Makery, tmp_path: Path) -> None:
    disk = blank(tmp_path / "disk", 260 * MIB)
    old = ntfs(tmp_path, 250 * MIB)
    copy_into(disk, MIB, old)
    for start, name in ((MIB, "fat32"), (66 * MIB, "ext4-1k"), (92 * MIB, "exfat")):
        put(disk, start, bytes(SAMPLES[name].size))
        copy_into(disk, start, make_volume(name))
    found = find_in(disk)
    assert [(find.start, find.kind) for find in found.volumes] == [
        (MIB, "fat32"), (66 * MIB, "ext4"), (92 * MIB, "exfat"),
    ]  # fmt: skip
    older = [find for find in found.finds if find.standing is Standing.OLDER]
    assert [(find.start, find.kind, find.by_backup) for find in older] == [(MIB, "ntfs", True)]


def test_one_partition_over_a_large_older_volume_is_an_open_question(make_volume: Makery, tmp_path: Path) -> None:
    """A stick that was one FAT32 volume and was partitioned later: its backup boot sector and FATs are still there."""
    needs_tool("mkfs.vfat")
    disk = blank(tmp_path / "disk", 200 * MIB)
    run("mkfs.vfat", "-F", "32", disk)
    put(disk, 0, bytes(512))
    for start in (4 * MIB, 4 * MIB + 4096):
        whole = tmp_path / f"disk-{start}"
        blank(whole, 0)
        copy_into(whole, 0, disk)
        copy_into(whole, start, make_volume("ntfs"))
        found = find_in(whole)
        if start % MIB:  # nobody makes partitions there: a file
            assert [(find.start, find.group) for find in found.volumes] == [(0, None)]
        else:
            assert [(find.start, find.group) for find in found.volumes] == [(0, 1), (start, 1)]
            assert [find.confidence for find in found.volumes] == ["medium", "high"]


@pytest.mark.parametrize("wiped", [False, True])
def test_groups_of_a_recorder_begin_no_volumes(tmp_path: Path, wiped: bool) -> None:
    """MEIHDFS repeats its superblock every 51.5 GB, without a number."""
    start, group = 0x16000000, 0xC0000 << 16
    disk = blank(tmp_path / "disk", start + 3 * group + 9 * MIB)
    head = written_volumes.meihdfs_head(3 * 65536 + 10)
    places = [start + group * number for number in range(1 if wiped else 0, 4)]
    for place in places:
        put(disk, place, head)
    kept = RangeSet([(place, place + 4096) for place in places])
    with HoleSource(FileSource(disk), kept.complement(0, os.path.getsize(disk))) as source:
        found = search(source, deep=True)
    assert [(find.start, find.kind, find.by_backup) for find in found.volumes] == [(start, "meihdfs", wiped)]


def test_overlapping_finds_of_equal_weight_form_a_group(make_volume: Makery, tmp_path: Path) -> None:
    disk = blank(tmp_path / "disk", 140 * MIB)
    copy_into(disk, MIB, make_volume("fat32"))
    copy_into(disk, 33 * MIB, make_volume("fat32"))
    found = find_in(disk)
    assert [(find.start, find.group) for find in found.volumes] == [(MIB, 1), (33 * MIB, 1)]


# --- tables


def chained(tmp_path: Path, make_volume: Makery) -> tuple[Path, dict[int, str]]:
    """A primary and a chain of three logicals, one of them of unknown size (LUKS)."""
    needs_tool("sfdisk")
    script = (
        "label: dos\nstart=2048, size=4096, type=1\nstart=8192, size=200000, type=f\n"
        "start=10240, size=32768, type=7\nstart=45056, size=50000, type=83\nstart=102400, size=32768, type=7\n"
    )
    disk = sfdisk(tmp_path / "disk", script, 110 * MIB)
    places = {2048: "fat12", 10240: "ntfs", 45056: "luks2", 102400: "exfat"}
    for lba, name in places.items():
        copy_into(disk, lba * 512, make_volume(name))
    return disk, {lba * 512: name for lba, name in places.items()}


@pytest.mark.parametrize("deep", [False, True], ids=["quick", "deep"])
def test_listed_volumes_are_told_so(tmp_path: Path, make_volume: Makery, deep: bool) -> None:
    disk, places = chained(tmp_path, make_volume)
    found = find_in(disk, deep=deep)
    assert {find.start for find in found.volumes} == set(places)
    assert all(find.listed for find in found.volumes)
    assert found.lost == ()
    sizes = {find.start: (find.size, find.size_from) for find in found.volumes}
    assert sizes[45056 * 512] == (50000 * 512, SizeFrom.TABLE)


def test_chain_of_ebrs_without_its_mbr(tmp_path: Path, make_volume: Makery) -> None:
    """The records of the chain give the size that a LUKS header does not tell, and the base of all of them."""
    disk, places = chained(tmp_path, make_volume)
    put(disk, 440, bytes(72))
    found = find_in(disk)
    assert {find.start for find in found.lost} == set(places)
    luks = next(find for find in found.volumes if find.kind == "crypto_LUKS")
    assert (luks.size, luks.size_from) == (50000 * 512, SizeFrom.TABLE)
    assert [find.logical for find in found.volumes] == [False, True, True, True]
    chain = next(table for table in found.tables if table.kind == "ebr-chain")
    assert chain.base == 8192 * 512
    assert [entry.start // 512 for entry in chain.entries] == [10240, 45056, 102400]


def test_chain_without_its_first_record(tmp_path: Path, make_volume: Makery) -> None:
    disk, places = chained(tmp_path, make_volume)
    put(disk, 440, bytes(72))
    put(disk, 8192 * 512, bytes(512))
    found = find_in(disk)
    assert {find.start for find in found.lost} == set(places)
    assert next(find for find in found.volumes if find.kind == "crypto_LUKS").size == 50000 * 512


def test_backup_gpt_tells_of_what_nobody_recognises(tmp_path: Path, make_volume: Makery) -> None:
    needs_tool("sgdisk")
    disk = blank(tmp_path / "disk", 100 * MIB)
    run("sgdisk", "-n", "1:2048:34815", "-c", "1:Windows", "-n", "2:40960:90000", "-c", "2:strange", disk)
    copy_into(disk, MIB, make_volume("ntfs"))
    put(disk, 0, bytes(34 * 512))
    put(disk, 100 * MIB - 512, bytes(512))
    found = find_in(disk)
    assert [find.start for find in found.lost] == [MIB]
    with open(disk, "r+b") as file:  # the disk grew: the backup stands in the middle of nowhere
        file.truncate(100 * MIB)
    disk2 = blank(tmp_path / "grown", 100 * MIB)
    run("sgdisk", "-n", "1:2048:34815", "-c", "1:Windows", "-n", "2:40960:90000", "-c", "2:strange", disk2)
    copy_into(disk2, MIB, make_volume("ntfs"))
    put(disk2, 0, bytes(34 * 512))
    os.truncate(disk2, 120 * MIB)
    found = find_in(disk2)
    assert [(find.start, find.size, find.kind, find.name) for find in found.lost] == [
        (MIB, 16 * MIB, "ntfs", "Windows"), (20 * MIB, (90000 - 40960 + 1) * 512, "", "strange"),
    ]  # fmt: skip
    assert [find.confidence for find in found.lost] == ["high", "medium"]


# --- holes, errors, stops


def test_holes_are_skipped_and_told(make_volume: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    places = lay(disk, make_volume, ["fat32", "ntfs", "ext4-1k"])
    starts = list(places)
    holes = RangeSet([(starts[0], starts[0] + 2048), (starts[1] + 4096, starts[1] + 9 * MIB), (0, 300)])
    for deep in (True, False):
        with HoleSource(FileSource(disk), holes) as source:
            found = search(source, deep=deep)
        assert found.unread_bytes == holes.total
        assert {find.start: find.kind for find in found.volumes} == {
            starts[0]: "fat32", starts[1]: "ntfs", starts[2]: "ext4",
        }  # fmt: skip
        by_start = {find.start: find for find in found.volumes}
        assert by_start[starts[0]].by_backup
        # both records that would confirm the NTFS boot sector were never read: it stays, but it is not sure
        assert by_start[starts[1]].confidence == "low"


class Failing(FileSource):
    """A medium with unreadable stretches; they can be given up or be the end of the device."""

    def __init__(self, path: Path, bad: RangeSet, code: str = "read-error") -> None:
        super().__init__(path)
        self.bad, self.code = bad, code

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> tuple[tuple[int, int], ...]:
        if self.bad.overlaps(offset, offset + len(buffer)):
            raise ReadError("cannot read", code=self.code, path=self.path, offset=offset)
        return super().read_into(offset, buffer)


def test_unreadable_sectors_cost_only_their_surroundings(make_volume: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    places = lay(disk, make_volume, ["fat32", "ntfs", "ext4-1k"])
    starts = list(places)
    bad = RangeSet([(starts[0] + 512, starts[0] + 1024), (starts[2] + 3 * MIB, starts[2] + 3 * MIB + 1)])
    with Failing(disk, bad) as source:
        found = search(source, deep=True)
    assert {find.start for find in found.volumes} == set(places)
    assert found.unread_bytes == 2 * 512
    with Failing(disk, RangeSet([(starts[1], starts[1] + 1)]), "device-gone") as source, pytest.raises(ReadError):
        search(source, deep=True)


class Stops:
    """A reporter that asks to stop after some updates."""

    def __init__(self, after: int) -> None:
        self.left = after

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        self.left -= 1

    def event(self, kind: str, **facts: object) -> None:
        return

    def cancelled(self) -> bool:
        return self.left < 0


class Remembers(FileSource):
    """Knows the lowest position of large reads."""

    lowest = 1 << 62

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> tuple[tuple[int, int], ...]:
        if len(buffer) >= MIB:
            self.lowest = min(self.lowest, offset)
        return super().read_into(offset, buffer)


def test_a_disk_that_is_one_volume_has_lost_nothing(make_volume: Makery) -> None:
    found = find_in(make_volume("fat32"), deep=False)
    assert [(find.start, find.listed) for find in found.volumes] == [(0, True)]
    assert found.lost == ()


def test_a_stopped_search_goes_on(light: tuple[Path, dict[int, str]]) -> None:
    disk, places = light
    whole = find_in(disk)
    kept: list[dict[str, object]] = []
    with FileSource(disk) as source, pytest.raises(CancelledError):
        search(source, deep=True, reporter=Stops(60), checkpoint=kept.append)
    saved = json.loads(json.dumps(kept[-1]))
    assert 100 * MIB < saved["position"] < 200 * MIB
    with Remembers(disk) as source:
        again = search(source, deep=True, saved=saved, checkpoint=kept.append)
        assert source.lowest == saved["position"]
    compare(again, places)
    assert again.finds == whole.finds
    saved["size"] += 512
    with FileSource(disk) as source, pytest.raises(DamagedError):
        search(source, deep=True, saved=saved)


def test_results_survive_json(make_volume: Makery, tmp_path: Path) -> None:
    disk, _ = chained(tmp_path, make_volume)
    put(disk, 440, bytes(72))
    found = find_in(disk)
    value = json.loads(json.dumps(found.to_json()))
    again = SearchResult.from_json(value)
    assert again.to_json() == found.to_json()
    del value["found"][0]["start"]
    with pytest.raises(DamagedError):
        SearchResult.from_json(value)


# --- hostile disks


class Memory(Source):
    """A source in memory."""

    path = "memory"

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)
        self.reads = 0

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        memoryview(buffer)[:] = self.data[offset : offset + len(buffer)]
        self.reads += 1
        return ()

    def close(self) -> None:
        return


@pytest.mark.parametrize("name", ["fat12", "ntfs", "ext4-1k", "luks1", "lvm", "md-1.2", "hfsplus", "exfat"])
def test_a_disk_full_of_the_same_structure(make_volume: Makery, name: str) -> None:
    """Every few sectors another superblock: bounded work, bounded answer."""
    head = make_volume(name).read_bytes()[:8192]
    source = Memory(head * 512)
    found = search(source, deep=True)
    assert len(found.finds) <= 2000
    assert source.reads < 100_000


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_disk_gives_an_answer(make_volume: Makery, data: st.DataObject) -> None:
    """Structures cut out of real volumes, mutated and strewn over a small disk: no crash, no hang, sane finds."""
    disk = bytearray(2 * MIB + data.draw(st.integers(0, 3)) * 512 + data.draw(st.sampled_from([0, 0, 17])))
    names = [name for name in LIGHT if SAMPLES[name].size <= 40 * MIB]
    for _ in range(data.draw(st.integers(1, 12))):
        name = data.draw(st.sampled_from(names))
        with open(make_volume(name), "rb") as file:
            offset = data.draw(st.sampled_from([0, 512, 1024, 4096, 32768, -1024, -8192, -65536]))
            file.seek(offset % SAMPLES[name].size)
            piece = bytearray(file.read(data.draw(st.sampled_from([512, 4096, 66 << 10]))))
        for _ in range(data.draw(st.integers(0, 3))):
            piece[data.draw(st.integers(0, 511))] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
        at = data.draw(st.integers(0, len(disk) // 512)) * 512
        disk[at : at + len(piece)] = piece[: max(0, len(disk) - at)]
    source = Memory(bytes(disk))
    for deep in (True, False):
        found = search(source, deep=deep)
        for find in found.finds:
            check_find(find, len(disk))
    assert source.reads < 40_000


def check_find(find: Find, size: int) -> None:
    assert 0 <= find.start < size
    assert find.size > 0
    assert find.evidence
    assert find.standing is not Standing.INSIDE or find.inside is not None
