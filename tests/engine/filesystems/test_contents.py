"""Every file of every family, byte for byte; holes with the truth found by writing into them and reading back."""

from __future__ import annotations

import hashlib
import random
import shutil

import numpy as np
import pytest

from engine.filesystems import kinds
from engine.filesystems.build import build
from engine.filesystems.content import Contents
from engine.filesystems.hits import files_hit, missing_in
from engine.filesystems.index import Index
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from tests.engine.filesystems.conftest import index_of
from tests.engine.filesystems.written import read_back

LIGHT = ("fat12", "fat16", "fat32", "ntfs", "ext2", "ext3", "ext4")
ALL = [*LIGHT, pytest.param("exfat", marks=pytest.mark.full)]


@pytest.mark.parametrize("volume", ALL, indirect=True)
def test_every_file_is_read_right(volume, tmp_path):
    index = index_of(volume.image, tmp_path)
    assert index.family == volume.family
    found = {}
    with FileSource(volume.image) as source, Contents(index, source) as contents:
        for entry in index.everything(f"WHERE kind = {kinds.FILE} AND NOT state & 1"):
            with contents.open(entry) as content:
                assert not content.holes
                found[index.path(entry)] = hashlib.sha256(content.read(0, content.size).data).hexdigest()
    assert found == volume.truth
    assert index.counts["unread_bytes"] == 0 and not index.problems
    big = index.find("big.bin")
    zone = 90_000 if volume.family.startswith("fat") else 0  # FAT keeps local time
    assert big.modified == pytest.approx(1_500_000_000, abs=zone)


@pytest.mark.parametrize("volume", ALL, indirect=True)
def test_classes_of_the_volume_do_not_overlap(volume, tmp_path):
    index = index_of(volume.image, tmp_path)
    assert index.free is not None
    assert not index.content.intersect(index.free)
    assert not index.own.intersect(index.free)
    assert not index.content.intersect(index.own.subtract(_records(index)))
    everything = RangeSet.of(0, index.size)
    hits = files_hit(index, everything).classes
    assert hits.holes == index.size
    assert hits.content + hits.own + hits.free + hits.unknown + hits.other == hits.holes
    assert hits.free == index.free.total


def _records(index: Index) -> RangeSet:
    """Resident files lie in the $MFT, which is an own structure too."""
    from engine.filesystems.places import PACKED

    return index.places.of(PACKED)


@pytest.mark.parametrize("volume", LIGHT, indirect=True)
def test_holes_cost_what_the_counterpart_says(volume, tmp_path):
    """Bytes in holes of the content are turned over; what another reader then reads otherwise is the truth."""
    index = index_of(volume.image, tmp_path)
    dice = random.Random(volume.family)
    resident = index.own.intersect(index.content)
    spots = [dice.randrange(index.size // 512) * 512 for _ in range(300)]
    seeded = RangeSet((spot, spot + 512 * dice.choice((1, 2, 8, 40))) for spot in spots)
    holes = seeded.intersect(index.content).subtract(resident)
    assert holes
    turned = tmp_path / "turned.img"
    shutil.copy(volume.image, turned)
    with open(turned, "r+b") as stream:
        for low, high in holes:
            stream.seek(low)
            data = stream.read(high - low)
            stream.seek(low)
            stream.write(bytes(byte ^ 0xFF for byte in data))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    before, after = read_back(volume, volume.image, tmp_path / "a"), read_back(volume, turned, tmp_path / "b")
    truth = {}
    for name, data in before.items():
        differ = np.frombuffer(data, np.uint8) != np.frombuffer(after[name], np.uint8)
        edges = np.flatnonzero(np.diff(differ, prepend=False, append=False))
        if edges.size:
            truth[name] = RangeSet(zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True))
    hits = files_hit(index, holes)
    entries = index.entries(hits.owners.tolist())
    found = {index.path(entries[number]): missing_in(index, entries[number], holes) for number in hits.owners.tolist()}
    assert found == truth
    assert dict(zip((index.path(entries[n]) for n in hits.owners.tolist()), hits.bytes.tolist(), strict=True)) == {
        name: ranges.total for name, ranges in truth.items()
    }
    with FileSource(volume.image) as source, Contents(index, HoleSource(source, holes)) as contents:
        for name, ranges in truth.items():
            assert contents.open(index.find(name)).holes == ranges


@pytest.mark.parametrize("volume", ["fat32", "ext4", "ntfs"], indirect=True)
def test_a_new_map_needs_no_new_walk(volume, tmp_path):
    """The list over a second map equals that of an index made anew over it, when no directory was concerned."""
    index = index_of(volume.image, tmp_path)
    half = index.content.clip(0, index.size // 2).subtract(index.own)
    with FileSource(volume.image) as source:
        build(HoleSource(source, half), tmp_path / "anew.sqlite")
    anew = Index(tmp_path / "anew.sqlite")
    one, two = files_hit(index, half), files_hit(anew, half)
    assert one.classes == two.classes
    assert one.bytes.tolist() == two.bytes.tolist() and len(one)
    assert not index.is_stale(half) and not anew.is_stale(half)


def test_streams_and_packed_files(ntfs, tmp_path):
    """Resident and compressed NTFS files hang together: one missing byte takes the record, or the unit."""
    index = index_of(ntfs.image, tmp_path)
    small = index.find("docs/deep/size 59.txt")
    assert small.state & kinds.PACKED
    (piece,) = index.pieces(small)
    hole = RangeSet.of(piece.start + piece.size - 1, piece.start + piece.size)
    assert missing_in(index, small, hole) == RangeSet.of(0, 59)
    assert index.entries(files_hit(index, hole).owners.tolist())[small.id].name == small.name
    with FileSource(ntfs.image) as source, Contents(index, HoleSource(source, hole)) as contents:
        reading = contents.open(small).read(0, 59)
        assert reading.holes == ((0, 59),) and reading.data == bytes(59)
