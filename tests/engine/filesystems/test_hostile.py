"""Volumes made to hurt: names that climb, loops, damage at random; nothing crashes, nothing hangs, nothing escapes."""

from __future__ import annotations

import random
import shutil
import struct

import pytest

from engine.errors import RescueError
from engine.extract import safe_name
from engine.filesystems import kinds, reader
from engine.filesystems.build import build
from engine.filesystems.content import Contents
from engine.filesystems.hits import files_hit
from engine.filesystems.index import Index
from engine.filesystems.layout import fat
from engine.filesystems.slack import slack, unallocated
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from tests.engine.filesystems.conftest import index_of
from tests.engine.filesystems.written import mounted, run


def exercise(image, where) -> Index | None:
    """Everything a screen would do."""
    with FileSource(image) as source:
        try:
            build(source, where)
        except RescueError:
            return None
        index = Index(where)
        hits = files_hit(index, RangeSet([(0, source.size // 3)]))
        assert hits.classes.holes == min(source.size // 3, index.size)
        slack(index, source.size)
        unallocated(index)
        with Contents(index, HoleSource(source, RangeSet([(4096, 8192)]))) as contents:
            for entry in index.everything("WHERE id > 1"):
                index.path(entry)
                if entry.kind == kinds.FILE and entry.size is not None and entry.size < 1 << 40:
                    try:
                        content = contents.open(entry)
                    except RescueError:
                        continue
                    assert content.size == entry.size
                    content.read(0, 4096)
                    content.read(max(0, content.size - 100), 100)
        return index


def test_names_that_climb_or_draw(ext4, tmp_path):
    """The kernel refuses a slash in a name: it is put into the directory block by hand."""
    image = tmp_path / "names.img"
    shutil.copy(ext4.image, image)
    with mounted(image, "ext4") as top:
        (top / "evil").mkdir()
        for name in ("AAAAAAAAetc", "BBBBBBBBBBBB", "x\x1b[2Jred\x07", "new\nline", "\u202etxt.exe"):
            (top / "evil" / name).write_bytes(b"here")
    data = image.read_bytes()
    assert data.count(b"AAAAAAAAetc") >= 1
    data = data.replace(b"AAAAAAAAetc", b"../../../et").replace(b"BBBBBBBBBBBB", b"/abs/\0/\xff\xfe..x")
    image.write_bytes(data)
    index = exercise(image, tmp_path / "a.sqlite")
    assert index is not None
    names = [index.path(entry) for entry in index.children(index.find("evil").id)]
    assert any("../../../et" in name for name in names)
    for name in names:
        safe = safe_name(name)
        assert ".." not in safe.split("/") and not safe.startswith("/")
        assert all(char.isprintable() or char == " " for char in safe)


def test_a_fat_directory_that_holds_itself(fat32, tmp_path):
    """docs/deep's entry for deeper leads back to the root's cluster, and one file's chain runs in a ring."""
    image = tmp_path / "loop.img"
    shutil.copy(fat32.image, image)
    with FileSource(image) as source:
        boot = fat.read_boot(source)
    index = index_of(fat32.image, tmp_path)
    data = bytearray(image.read_bytes())
    at = data.find(b"DEEPER     ")
    assert at > 0
    struct.pack_into("<H", data, at + 20, 0)
    struct.pack_into("<H", data, at + 26, 2)
    pieces = index.pieces(index.find("big.bin"))
    cluster = (pieces[0].start - boot.data) // boot.cluster + 2
    for number in range(boot.fats):
        struct.pack_into("<I", data, boot.reserved + number * boot.fat_size + 4 * (cluster + 5), cluster)
    image.write_bytes(data)
    found = exercise(image, tmp_path / "a.sqlite")
    assert found is not None
    assert found.counts["entries"] < 4 * index.counts["entries"]
    big = found.find("big.bin")
    assert big.size == 1_500_000 and big.lost > 1_000_000
    hit = found.entries(files_hit(found, RangeSet()).owners.tolist())
    assert big.id in hit and {entry.name for entry in hit.values()} == {"big.bin"}  # it is seen once more in the ring


@pytest.mark.parametrize("volume", ["fat16", "ntfs", "ext2", "ext4"], indirect=True)
def test_damage_at_random(volume, tmp_path, monkeypatch):
    """Bytes of the own structures turned at random. The library has been seen to run in circles: it is given up."""
    monkeypatch.setattr(reader, "QUIET_S", 3.0)
    index = index_of(volume.image, tmp_path)
    own = [(low, high) for low, high in index.own if high - low < 1 << 22] or list(index.own)
    dice = random.Random(volume.family)
    for number in range(2):
        image = tmp_path / "hurt.img"
        shutil.copy(volume.image, image)
        with open(image, "r+b") as stream:
            for _ in range(60 * (number + 1)):
                low, high = dice.choice(own)
                stream.seek(dice.randrange(low, high))
                stream.write(dice.randbytes(dice.choice((1, 2, 4, 16))))
        exercise(image, tmp_path / "hurt.sqlite")


def test_sizes_beyond_reason(fat32, tmp_path):
    """A FAT entry of 30 MiB over a chain of 400 kB: the rest is lost, not invented."""
    image = tmp_path / "huge.img"
    shutil.copy(fat32.image, image)
    data = bytearray(image.read_bytes())
    at = data.find(b"FRAG1   BIN")
    struct.pack_into("<I", data, at + 28, 30 << 20)
    image.write_bytes(data)
    index = exercise(image, tmp_path / "a.sqlite")
    entry = index.find("frag1.bin")
    assert entry.size == 30 << 20
    placed = sum(piece.span for piece in index.pieces(entry) if piece.start >= 0)
    assert placed + entry.lost == entry.size and placed < 1 << 20


def test_hard_links_are_counted_once(ext4, tmp_path):
    image = tmp_path / "links.img"
    shutil.copy(ext4.image, image)
    run("debugfs", "-w", "-R", "ln /big.bin /docs/again.bin", image)
    run("debugfs", "-w", "-R", "sif /big.bin links_count 2", image)
    run("debugfs", "-w", "-R", "symlink /docs/pointer ../big.bin", image)
    index = index_of(image, tmp_path)
    one, two = index.find("big.bin"), index.find("docs/again.bin")
    assert {one.same_as, two.same_as} == {None, min(one.id, two.id)}
    hits = files_hit(index, index.places.owned_by([one.holder]))
    assert hits.owners.tolist() == [one.holder] and hits.missing == 1_500_000
    assert index.find("docs/pointer").target == "../big.bin"
    with FileSource(image) as source, Contents(index, source) as contents:
        assert contents.open(one).read(0, 100) == contents.open(two).read(0, 100)
