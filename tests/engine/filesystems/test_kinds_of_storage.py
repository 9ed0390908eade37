"""Ways to keep a file: compressed, resident, in streams, reserved but unwritten, in the inode, on HFS+ and ISO 9660."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unicodedata
from pathlib import Path

import pytest

from engine.filesystems import kinds
from engine.filesystems.build import build
from engine.filesystems.content import Contents
from engine.filesystems.hits import files_hit, missing_in
from engine.filesystems.index import Index
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource, WindowSource
from tests.engine.filesystems.conftest import index_of
from tests.engine.filesystems.written import fill, format_, hashes, mounted, run
from tests.support import needs_fuse, needs_root, needs_tool


def digests(index: Index, source, names) -> dict[str, str]:
    with Contents(index, source) as contents:
        found = {}
        for name in names:
            content = contents.open(index.find(name))
            assert not content.holes, name
            found[name] = hashlib.sha256(content.read(0, content.size).data).hexdigest()
        return found


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """An NTFS volume with a compressed directory and a named stream, written by ntfs-3g."""
    needs_tool("mkfs.ntfs")
    needs_tool("ntfs-3g")
    needs_root()
    needs_fuse()
    image = tmp_path_factory.mktemp("packed") / "packed.img"
    format_(image, "ntfs")
    dice = random.Random(2)
    folder = tempfile.mkdtemp(prefix="rescuedeck-mount-")
    run("ntfs-3g", "-o", "rw,compression,streams_interface=windows", image, folder)
    try:
        top = Path(folder)
        (top / "comp").mkdir()
        os.setxattr(top / "comp", "system.ntfs_attrib_be", bytes.fromhex("00000800"))
        (top / "comp" / "text.txt").write_bytes(b"".join(b"line %d of a text\n" % n for n in range(20_000)))
        (top / "comp" / "half.bin").write_bytes(dice.randbytes(70_000) + bytes(130_000) + b"end" * 1000)
        (top / "host.txt").write_bytes(b"main")
        Path(f"{top}/host.txt:secret").write_bytes(b"hidden stream " * 500)
        (top / "plain.bin").write_bytes(dice.randbytes(900_000))
        os.sync()
        truth = hashes(top) | {"host.txt:secret": hashlib.sha256(b"hidden stream " * 500).hexdigest()}
    finally:
        run("umount", folder)
        os.rmdir(folder)
    return image, truth


def test_compressed_files_and_streams(packed, tmp_path):
    image, truth = packed
    index = index_of(image, tmp_path)
    with FileSource(image) as source:
        assert digests(index, source, truth) == truth
    assert index.find("host.txt:secret").kind == kinds.STREAM
    text = index.find("comp/text.txt")
    assert text.state & kinds.PACKED
    third = next(piece for piece in index.pieces(text) if piece.position == 2 * 65_536)
    hole = RangeSet.of(third.start + 600, third.start + 1112)
    assert missing_in(index, text, hole) == RangeSet.of(131_072, 196_608)
    assert files_hit(index, hole).bytes.tolist() == [65_536]
    with FileSource(image) as source, Contents(index, HoleSource(source, hole)) as contents:
        reading = contents.open(text).read(100_000, 200_000)
    assert reading.holes == ((131_072, 196_608),)
    whole = b"".join(b"line %d of a text\n" % n for n in range(20_000))
    assert reading.data == whole[100_000:131_072] + bytes(65_536) + whole[196_608:300_000]


def test_initialised_size(packed, tmp_path):
    """Bytes behind the initialised size are zeros by right, whatever the clusters hold; those clusters are slack."""
    image = tmp_path / "short.img"
    shutil.copy(packed[0], image)
    data = bytearray(image.read_bytes())
    at = data.find(struct.pack("<QQ", 900_000, 900_000))
    assert at > 0
    struct.pack_into("<Q", data, at + 8, 500_000)
    image.write_bytes(data)
    index = index_of(image, tmp_path)
    entry = index.find("plain.bin")
    with mounted(image, "ntfs", read_only=True) as top:
        theirs = (top / "plain.bin").read_bytes()
    assert theirs[500_000:] == bytes(400_000)
    with FileSource(image) as source, Contents(index, source) as contents:
        assert contents.open(entry).read(0, 900_000).data == theirs
    assert missing_in(index, entry, RangeSet.of(0, 1 << 40)) == RangeSet.of(0, 500_000)


@pytest.mark.parametrize(
    "options", [("-O", "inline_data", "-I", "256"), ("-O", "meta_bg,^resize_inode", "-b", "1024"), ("-O", "^flex_bg")]
)
def test_unusual_ext4(options, tmp_path):
    needs_tool("mkfs.ext4")
    needs_root()
    image = tmp_path / "e.img"
    with open(image, "wb") as stream:
        stream.truncate(64 << 20)
    run("mkfs.ext4", "-qF", *options, image)
    dice = random.Random(3)
    with mounted(image, "ext4") as top:
        (top / "tiny.txt").write_bytes(b"tiny content")
        (top / "mid").write_bytes(dice.randbytes(100_000))
        with open(top / "reserved", "wb") as stream:
            stream.write(dice.randbytes(5000))
            stream.flush()
            os.posix_fallocate(stream.fileno(), 0, 200_000)
        with open(top / "tail", "wb") as stream:
            stream.write(b"abc")
            stream.truncate(500_000)
        os.sync()
    with mounted(image, "ext4", read_only=True) as top:
        truth = hashes(top)
    index = index_of(image, tmp_path)
    with FileSource(image) as source:
        assert digests(index, source, truth) == truth
    told = dict(line.split(":", 1) for line in run("dumpe2fs", "-h", image).splitlines() if ":" in line)
    assert index.free.total == int(told["Free blocks"]) * int(told["Block size"])


@pytest.mark.full
def test_iso_9660(tmp_path):
    needs_tool("genisoimage")
    tree = tmp_path / "tree"
    tree.mkdir()
    fill(tree, plain=True)
    image = tmp_path / "disc.iso"
    run("genisoimage", "-quiet", "-R", "-J", "-input-charset", "utf-8", "-output-charset", "utf-8", "-o", image, tree)
    index = index_of(image, tmp_path)
    assert index.family == "iso9660" and index.free is None
    truth = hashes(tree)
    with FileSource(image) as source:
        assert digests(index, source, truth) == truth
    (piece,) = index.pieces(index.find("big.bin"))
    hits = files_hit(index, RangeSet.of(piece.start, piece.start + 2048))
    assert hits.owners.tolist() == [index.find("big.bin").id] and hits.classes.free is None


@pytest.mark.full
def test_hfs_plus(tmp_path):
    """A volume that xorriso writes, inside an Apple partition map, read through a window."""
    needs_tool("xorriso")
    tree = tmp_path / "tree"
    tree.mkdir()
    fill(tree, plain=True)
    image = tmp_path / "hybrid.img"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-hfsplus", "-V", "TEST", "-o", image, tree], check=True,
                   capture_output=True, stdin=subprocess.DEVNULL, timeout=60)  # fmt: skip
    data = image.read_bytes()
    entry = next(at for at in range(512, 16 * 2048, 512) if data[at + 48 : at + 57] == b"Apple_HFS")
    start, count = (512 * number for number in struct.unpack_from(">II", data, entry + 8))
    with FileSource(image) as whole:
        source = WindowSource(whole, start, min(count, whole.size - start))
        build(source, tmp_path / "h.sqlite", kind="HFS")
        index = Index(tmp_path / "h.sqlite")
        assert index.family == "hfs+"
        truth = {unicodedata.normalize("NFD", name): digest for name, digest in hashes(tree).items()}
        assert digests(index, source, truth) == truth
    assert index.find("$CatalogFile").kind == kinds.SYSTEM
    catalog = index.places.owned_by([index.find("$CatalogFile").id])
    assert not catalog.subtract(index.own)
