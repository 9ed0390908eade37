"""Own structures with holes: second copies stand in, and what nobody can know is never told as whole or as zeros."""

from __future__ import annotations

import os

import pytest

from engine.errors import DamagedError, RescueError
from engine.filesystems import kinds, reader
from engine.filesystems.build import build
from engine.filesystems.content import Contents
from engine.filesystems.hits import files_hit, missing_in
from engine.filesystems.index import Index
from engine.filesystems.layout import copies_of
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from engine.source.base import ReadError, Source
from tests.engine.filesystems.conftest import index_of


def rebuilt(volume, holes: RangeSet, where) -> Index:
    with FileSource(volume.image) as source:
        build(HoleSource(source, holes), where / "holed.sqlite")
    return Index(where / "holed.sqlite")


def files(index: Index) -> set[str]:
    return {index.path(entry) for entry in index.everything(f"WHERE kind = {kinds.FILE} AND NOT state & 1")}


@pytest.mark.parametrize("volume", ["fat16", "fat32", "ntfs", "ext4"], indirect=True)
def test_second_copies_stand_in(volume, tmp_path):
    whole = index_of(volume.image, tmp_path)
    with FileSource(volume.image) as source:
        copies = copies_of(source)
    assert copies
    holes = RangeSet((copy.start, copy.start + copy.size) for copy in copies)
    index = rebuilt(volume, holes, tmp_path)
    assert files(index) == set(volume.truth)
    assert index.facts["copies"]
    assert index.free == whole.free
    assert not files_hit(index, holes.subtract(whole.content)).owners.size


@pytest.mark.parametrize("volume", ["fat16"], indirect=True)
def test_both_fats_unread(volume, tmp_path):
    """Chains end in the hole: nothing is told as whole, free space is unknown there."""
    whole = index_of(volume.image, tmp_path)
    fats = [(start, end) for start, end, what in whole.areas if what.startswith("FAT")]
    index = rebuilt(volume, RangeSet(fats), tmp_path)
    assert files(index) == set(volume.truth)
    assert not index.free
    assert index.ranges("unknown").total == index.size - max(end for _, end, _ in whole.areas)
    hit = set(files_hit(index, RangeSet(fats)).owners.tolist())
    for name in ("big.bin", "frag1.bin", "photos/IMG_0002.JPG"):
        entry = index.find(name)
        assert entry.lost > 0 and entry.id in hit, name
    with FileSource(volume.image) as source, Contents(index, HoleSource(source, RangeSet(fats))) as contents:
        entry = index.find("big.bin")
        assert contents.open(entry).holes.total == entry.lost
        assert contents.open(entry).size == entry.size


@pytest.mark.parametrize("volume", ["fat16", "fat32"], indirect=True)
@pytest.mark.parametrize("name", ["big.bin", "frag1.bin"])
def test_a_chain_with_a_hole_in_both_fats(volume, tmp_path, name):
    """What lies before the hole is known, what follows is not, and nothing behind is guessed."""
    whole = index_of(volume.image, tmp_path)
    starts = [start for start, _end, what in whole.areas if what.startswith("FAT")]
    data = max(end for _, end, _ in whole.areas)
    pieces = whole.pieces(whole.find(name))
    cluster = (pieces[0].start - data) // whole.unit + 2 + 40
    width = 2 if volume.family == "fat16" else 4
    spot = cluster * width // 512 * 512
    holes = RangeSet((start + spot, start + spot + 512) for start in starts)
    index = rebuilt(volume, holes, tmp_path)
    entry = index.find(name)
    assert not entry.deleted and 0 < entry.lost < entry.size
    known = [piece for piece in index.pieces(entry) if piece.start >= 0]
    placed = RangeSet((piece.start, piece.start + piece.size) for piece in known)
    true = RangeSet((piece.start, piece.start + piece.size) for piece in pieces)
    assert placed and not placed.subtract(true)
    assert placed.total + entry.lost == entry.size
    found = files(index)  # directories of several clusters may have lost their ends with the same sector
    assert found <= set(volume.truth) and index.counts["unread_bytes"] > 0


@pytest.mark.parametrize("volume", ["ext2", "ext3"], indirect=True)
def test_indirect_blocks_that_were_never_read_are_no_gaps(volume, tmp_path):
    from engine.filesystems.places import META

    whole = index_of(volume.image, tmp_path)
    entry = whole.find("big.bin")
    holes = whole.places.owned_by([entry.id], META)
    assert holes
    index = rebuilt(volume, holes, tmp_path)
    again = index.find("big.bin")
    assert again.lost > again.size // 2
    lacking = missing_in(index, again, holes)
    assert lacking.total == again.lost
    with FileSource(volume.image) as source, Contents(index, HoleSource(source, holes)) as contents:
        assert contents.open(again).holes == lacking
    sparse = index.find("sparse.bin")
    assert not sparse.lost  # its own indirect blocks were read: its gaps are gaps


@pytest.mark.parametrize("volume", ["ntfs", "ext4"], indirect=True)
def test_a_record_that_was_never_read(volume, tmp_path):
    whole = index_of(volume.image, tmp_path)
    entry = whole.find("frag2.bin")
    with FileSource(volume.image) as source:
        from engine.filesystems.layout import layout_of

        mft = []
        if volume.family == "ntfs":
            mft = [(piece.start, piece.size) for piece in whole.pieces(whole.find("$MFT"))]
        place = layout_of(source, volume.family, lambda name: mft if name == "$MFT" else ()).record(entry.inode)
    assert place is not None
    holes = RangeSet.of(place[0], sum(place))
    index = rebuilt(volume, holes, tmp_path)
    again = index.find("frag2.bin")
    assert again.state & kinds.UNREAD and again.size is None
    assert index.unread() == [again.id]
    assert index.counts["unread_bytes"] > 0
    assert not index.is_stale(holes) and index.is_stale(RangeSet())
    assert files(index) == set(volume.truth)


@pytest.mark.parametrize("volume", ["fat32", "ext4", "ext2"], indirect=True)
def test_a_directory_that_was_never_read_is_told(volume, tmp_path):
    from engine.filesystems.places import DIRECTORY

    whole = index_of(volume.image, tmp_path)
    holes = whole.places.owned_by([whole.find("photos").id], DIRECTORY)
    index = rebuilt(volume, holes, tmp_path)
    assert not any(name.startswith("photos/") for name in files(index))
    hits = files_hit(index, holes)
    assert hits.directories.tolist() == [index.find("photos").id]
    assert hits.directory_bytes.tolist() == [holes.total]
    assert hits.classes.own == holes.total
    assert index.is_stale(RangeSet())


class Failing(Source):
    """A device with places that give a read error."""

    def __init__(self, below: Source, bad: RangeSet) -> None:
        self._below, self._bad = below, bad
        self.size, self.path = below.size, "failing"

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset, buffer):
        if self._bad.overlaps(offset, offset + len(buffer)):
            raise ReadError("cannot read", offset=offset)
        return self._below.read_into(offset, buffer)

    def close(self) -> None:
        self._below.close()


def test_read_errors_are_holes(fat32, tmp_path):
    whole = index_of(fat32.image, tmp_path)
    (piece, *_rest) = whole.pieces(whole.find("docs"))[:1] or [None]
    from engine.filesystems.places import DIRECTORY

    bad = whole.places.owned_by([whole.find("docs").id], DIRECTORY)
    with FileSource(fat32.image) as source:
        build(Failing(source, bad), tmp_path / "failing.sqlite")
    index = Index(tmp_path / "failing.sqlite")
    assert "big.bin" in files(index) and not any(name.startswith("docs/") for name in files(index))
    assert index.counts["unread_bytes"] == bad.total
    assert piece is None


class Murderer(Source):
    """Ends the worker process after so many reads, as a crash of the library would."""

    def __init__(self, below: Source, after: list[int]) -> None:
        self._below, self.after, self.reads = below, after, 0
        self.size, self.path = below.size, below.path

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset, buffer):
        self.reads += 1
        if self.reads in self.after:
            for pid in _workers():
                os.kill(pid, 9)
        return self._below.read_into(offset, buffer)

    def close(self) -> None:
        self._below.close()


def _workers() -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                parent = int(stat.read().rpartition(b")")[2].split()[1])
            with open(f"/proc/{name}/cmdline", "rb") as line:
                if parent == os.getpid() and b"engine.filesystems.worker" in line.read():
                    found.append(int(name))
        except (OSError, ValueError, IndexError):
            continue
    return found


@pytest.mark.parametrize("after", [[3], [8], [9, 14], [12]])
def test_a_crash_of_the_reader_costs_a_restart(ext4, tmp_path, after):
    with FileSource(ext4.image) as source:
        murderer = Murderer(source, after)
        build(murderer, tmp_path / "a.sqlite")
        assert murderer.reads >= after[-1]
    index = Index(tmp_path / "a.sqlite")
    assert files(index) == set(ext4.truth)
    assert not _workers()


def test_a_hung_reader_is_given_up(fat32, tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "QUIET_S", 0.3)
    monkeypatch.setattr(reader, "_START", "import time; time.sleep(60)  # engine.filesystems.worker")
    with FileSource(fat32.image) as source, pytest.raises(DamagedError) as told:
        build(source, tmp_path / "a.sqlite")
    assert told.value.code == "no-filesystem"
    assert not _workers() and not (tmp_path / "a.sqlite").exists() and not (tmp_path / "a.sqlite.part").exists()


def test_nothing_there(tmp_path):
    (tmp_path / "zeros").write_bytes(bytes(1 << 20))
    with FileSource(tmp_path / "zeros") as source, pytest.raises(RescueError):
        build(source, tmp_path / "a.sqlite")


def test_a_damaged_index_is_refused(fat32, tmp_path):
    index_of(fat32.image, tmp_path).close()
    path = tmp_path / "fat32.sqlite"
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes(len(data) - 4096))
    with pytest.raises(DamagedError):
        Index(path).find("big.bin")
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(DamagedError):
        Index(path)
