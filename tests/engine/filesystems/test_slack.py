"""Slack, free space and deleted files: planted bytes are found, sums agree with The Sleuth Kit's tools."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from engine.filesystems import kinds
from engine.filesystems.content import Contents
from engine.filesystems.hits import overwritten
from engine.filesystems.places import CONTENT
from engine.filesystems.slack import crossed, extents, rows, slack, unallocated
from engine.ranges import RangeSet
from engine.source import ExtentSource, FileSource
from tests.engine.filesystems.conftest import index_of
from tests.engine.filesystems.written import run
from tests.support import needs_tool

FAMILIES = ["fat12", "fat16", "fat32", "ntfs", "ext2", "ext3", "ext4"]
SOME = ["fat12", "fat32", "ntfs", "ext4"]
MARK = b"\xa5"


@pytest.mark.parametrize("volume", FAMILIES, indirect=True)
def test_slack_is_what_lies_behind_the_ends(volume, tmp_path):
    index = index_of(volume.image, tmp_path)
    found = [one for one in slack(index, index.size) if one.what == "file-slack"]
    owned = {}
    for one in found:
        owned[one.owner] = owned.get(one.owner, 0) + one.size
        assert one.ram == min(one.size, -one.start % 512)
    assert not crossed(index)
    for entry in index.everything(f"WHERE kind = {kinds.FILE} AND NOT state & {kinds.DELETED | kinds.PACKED}"):
        placed = sum(piece.size for piece in index.pieces(entry) if piece.start >= 0)
        if entry.size and index.pieces(entry)[-1].start >= 0 and entry.name != "sparse.bin":
            assert owned.get(entry.id, 0) == -placed % index.unit, entry.name


@pytest.mark.parametrize("volume", SOME, indirect=True)
def test_planted_bytes_leave_with_their_map(volume, tmp_path):
    """Every byte of slack and free space is marked in a copy; the export holds marks only, and the map leads back."""
    index = index_of(volume.image, tmp_path)
    marked = tmp_path / "marked.img"
    shutil.copy(volume.image, marked)
    regions = [*slack(index, index.size), *unallocated(index)]
    with open(marked, "r+b") as stream:
        for one in regions:
            stream.seek(one.start)
            stream.write(MARK * one.size)
    again = index_of(marked, tmp_path)
    assert index.content == again.content
    for chosen in (slack(again, again.size), unallocated(again)):
        with FileSource(marked) as source:
            content = ExtentSource(source, extents(chosen, source.size))
            data = content.read(0, content.size).data
            told = list(rows(again, chosen, 1000))
            assert data == MARK * len(data) and len(data) == sum(one.size for one in chosen)
        assert sum(row["size"] for row in told) == len(data)
        assert [row["offset"] for row in told] == [sum(one["size"] for one in told[:n]) for n in range(len(told))]
        assert all(row["disk_offset"] == row["volume_offset"] + 1000 for row in told)
    assert read_names(again, marked) == read_names(index, volume.image)


def read_names(index, image):
    with FileSource(image) as source, Contents(index, source) as contents:
        return {
            index.path(entry): contents.open(entry).read(0, 1 << 22).data
            for entry in index.everything(f"WHERE kind = {kinds.FILE} AND NOT state & 1")
        }


@pytest.mark.parametrize("volume", ["fat12", "fat32", "exfat", "ntfs"], indirect=True)
def test_deleted_files_and_what_of_them_is_free(volume, tmp_path):
    index = index_of(volume.image, tmp_path)
    gone = [one for one in index.everything(f"WHERE state & {kinds.DELETED}") if one.name.endswith("MG_0001.JPG")]
    assert gone
    known = [one for one in gone if one.size]
    if not known:  # ntfs-3g gives the record to the next file: the name is all that is left
        assert all(one.deleted and one.size is None for one in gone)
        return
    entry = known[0]
    assert entry.deleted and entry.size and overwritten(index, entry) is not None
    free, placed = overwritten(index, entry)
    assert free == placed > 0
    with FileSource(volume.image) as source, Contents(index, source) as contents:
        data = contents.open(entry).read(0, entry.size).data
    lost = volume.image.parent / f"{volume.family}-tree" / "photos" / "IMG_0001.JPG"
    if lost.exists():
        assert data == lost.read_bytes()


def test_a_deleted_file_that_was_written_over(fat32, tmp_path):
    image = tmp_path / "again.img"
    shutil.copy(fat32.image, image)
    before = index_of(fat32.image, tmp_path / "before")
    (tmp_path / "new").write_bytes(os.urandom(before.free.total - 100_000))
    subprocess.run(["mcopy", "-i", image, tmp_path / "new", "::new.bin"], check=True, timeout=60)
    index = index_of(image, tmp_path)
    gone = [entry for entry in before.everything(f"WHERE state & {kinds.DELETED}") if entry.size]
    shares = [overwritten(index, index.find(before.path(entry))) for entry in gone]
    new = index.places.owned_by([index.find("new.bin").id])
    for entry, share in zip(gone, shares, strict=True):
        placed = RangeSet((p.start, p.start + p.size) for p in before.pieces(entry) if p.start >= 0)
        left = placed.subtract(new).intersect(index.free)
        if share is not None and share[1] == placed.total:
            assert share == (left.total, placed.total)
    assert any(share is None or share[0] < share[1] for share in shares)


@pytest.mark.full
@pytest.mark.parametrize("volume", [*FAMILIES, "exfat"], indirect=True)
def test_totals_agree_with_the_sleuth_kit(volume, tmp_path):
    needs_tool("blkls")
    index = index_of(volume.image, tmp_path)
    size = int(subprocess.run(f"blkls '{volume.image}' | wc -c", shell=True, capture_output=True, text=True, timeout=60,
                              check=True).stdout)  # fmt: skip
    if volume.family != "ext4":  # it calls superblock copies of groups never used free; the kernel does not
        assert index.free.total == size
    else:
        assert index.free.total == free_by_dumpe2fs(volume.image) <= size


def free_by_dumpe2fs(image) -> int:
    told = dict(line.split(":", 1) for line in run("dumpe2fs", "-h", image).splitlines() if ":" in line)
    return int(told["Free blocks"]) * int(told["Block size"])


@pytest.mark.full
@pytest.mark.parametrize("volume", FAMILIES, indirect=True)
def test_names_agree_with_fls(volume, tmp_path):
    needs_tool("fls")
    index = index_of(volume.image, tmp_path)
    mine, theirs = set(), set()
    for line in run("fls", "-rp", volume.image, timeout=60).splitlines():
        kind, rest = line.split(" ", 1)
        name = rest.split("\t", 1)[1]
        if "$OrphanFiles" in name or kind.startswith("v") or kind.startswith("V") or name.startswith("$"):
            continue
        theirs.add((rest.startswith("* "), name))
    for entry in index.everything("WHERE id > 1"):
        path = index.path(entry)
        if entry.kind not in (kinds.SYSTEM, kinds.STREAM) and not path.startswith("$"):
            mine.add((entry.deleted, path))
    assert {name for _, name in theirs} == {name for _, name in mine}
    assert {name for gone, name in theirs if gone} == {name for gone, name in mine if gone}


@pytest.mark.full
@pytest.mark.parametrize("volume", ["ext2", "ext4", "ntfs", "fat16"], indirect=True)
def test_places_agree_with_istat(volume, tmp_path):
    """The blocks istat lists are the blocks of our places, slack among them."""
    needs_tool("istat")
    index = index_of(volume.image, tmp_path)
    block = int(index.facts["block_size"])
    for name in ("big.bin", "frag1.bin", "docs/deep/size 4097.txt"):
        entry = index.find(name)
        lines = run("istat", volume.image, str(entry.inode)).splitlines()
        at = max(n for n, line in enumerate(lines) if line.startswith(("Direct Blocks", "Sectors:", "Type: $DATA")))
        theirs = set()
        for line in lines[at + 1 :]:
            words = line.split()
            if not words or not all(word.isdigit() for word in words):
                break
            theirs |= {int(word) for word in words}
        own = index.places.owned_by([entry.id], CONTENT)
        mine = {number for low, high in own for number in range(low // block, -(-high // block))}
        assert mine == theirs - {0} and mine, name


def test_places_agree_with_filefrag(ext4, tmp_path):
    from tests.engine.filesystems.written import mounted

    index = index_of(ext4.image, tmp_path)
    block = int(index.facts["block_size"])
    with mounted(ext4.image, "ext4", read_only=True) as mount:
        for name in ("big.bin", "frag1.bin", "sparse.bin"):
            theirs = RangeSet()
            for line in run("filefrag", "-v", "-b1", mount / name).splitlines():
                cells = line.replace("..", " ").replace(":", " ").split()
                if cells and cells[0].isdigit() and len(cells) >= 6:
                    theirs = theirs.union(RangeSet.of(int(cells[3]), int(cells[4]) + 1))
            pieces = [piece for piece in index.pieces(index.find(name)) if piece.start >= 0]
            mine = RangeSet((p.start, p.start + -(-p.size // block) * block) for p in pieces)
            assert mine == theirs, name
