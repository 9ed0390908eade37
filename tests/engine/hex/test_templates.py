"""Templates over what real tools wrote: each field where it belongs, with its meaning; and over any bytes at all."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.hex.registry import Overlay, field_at, guess, lay, templates
from engine.source import FileSource
from engine.source.extents import BytesSource
from engine.template import Shape, walk
from tests.engine.partitions.disks import run
from tests.support import needs_tool


def named(overlay: Overlay) -> dict[str, str]:
    return {one.name: one.meaning or str(one.value) for one in overlay.fields}


def test_every_template_has_a_name_a_title_and_a_size() -> None:
    known = templates()
    assert {"mbr", "ebr", "gpt-header", "fat32-boot", "fsinfo", "fat-directory", "ntfs-boot", "mft-record",
            "ext-superblock"} <= set(known)  # fmt: skip
    for name, one in known.items():
        assert one.name == name and one.title
        assert (one.most if isinstance(one, Shape) else one.size) > 0
    with pytest.raises(UsageError, match="no template"):
        lay(BytesSource(bytes(512)), 0, "nonsense")
    with pytest.raises(UsageError, match="behind the end"):
        lay(BytesSource(bytes(512)), 512)


def test_ext_superblock_as_mkfs_wrote_it(tmp_path: Path) -> None:
    needs_tool("mkfs.ext4")
    image = tmp_path / "ext4.img"
    os.truncate(os.open(image, os.O_CREAT | os.O_RDWR), 64 << 20)
    uuid = "12345678-1234-5678-9abc-123456789abc"
    run("mkfs.ext4", "-q", "-F", "-L", "PHOTOS", "-U", uuid, "-b", "1024", image)
    with FileSource(image) as source:
        got = named(lay(source, 1024))
        assert lay(source, 1024).name == "ext-superblock"
        assert got["magic"] == str(0xEF53) and got["label"] == "PHOTOS" and got["uuid"] == uuid
        assert got["blocks_low"] == "65536 blocks, 64.0 MiB (67108864 B)"
        assert got["log_block_size"] == "blocks of 1024 bytes" and got["state"] == "cleanly unmounted"
        assert "metadata_csum" in got["read_only_compatible"] and "extents" in got["incompatible"]
        assert got["created"].startswith("20") and got["mounted"] == "unset"
        assert not any(one.problem for one in lay(source, 1024).fields)
        backup = named(lay(source, 8193 * 1024, "ext-superblock"))
        assert backup["block_group"] == "a copy, of block group 1"
    dumped = run("dumpe2fs", "-h", image)
    assert "Filesystem created:" in dumped and "PHOTOS" in dumped


def test_fat_directory_as_mkfs_and_a_person_wrote_it(tmp_path: Path) -> None:
    needs_tool("mkfs.vfat")
    needs_tool("mtype")
    image, text = tmp_path / "fat.img", tmp_path / "A long name with blanks.txt"
    os.truncate(os.open(image, os.O_CREAT | os.O_RDWR), 4 << 20)
    run("mkfs.vfat", "-F", "12", "-n", "HOLIDAY", image)
    text.write_text("hello")
    os.utime(text, (951782400 + 12 * 3600, 951782400 + 12 * 3600))
    run("mcopy", "-m", "-i", image, text, "::")
    run("mdel", "-i", image, "::A long name with blanks.txt")
    boot = image.read_bytes()[:512]
    reserved, fats, per_fat = struct.unpack_from("<H", boot, 14)[0], boot[16], struct.unpack_from("<H", boot, 22)[0]
    root = (reserved + fats * per_fat) * 512
    with FileSource(image) as source:
        overlay = lay(source, root, "fat-directory")
        got = named(overlay)
    assert got["entry[0].name"] == "HOLIDAY" and got["entry[0].attributes"] == "volume label"
    longs = [name for name in got if name.startswith("long[") and name.endswith(".name_1")]
    assert longs and any("A lon" in got[name] for name in longs)
    short = next(name.partition(".")[0] for name, value in got.items() if value.startswith("deleted: ?LONG"))
    assert got[f"{short}.size"] == "5 bytes" and "first cluster" in got[f"{short}.cluster_low"]
    assert got[f"{short}.modified_date"] == "2000-02-29"
    assert overlay.fields[-1].name.startswith("entry[") and len(overlay.fields) < 100


def test_ntfs_record_as_mkntfs_wrote_it(tmp_path: Path) -> None:
    needs_tool("mkfs.ntfs")
    image = tmp_path / "ntfs.img"
    os.truncate(os.open(image, os.O_CREAT | os.O_RDWR), 16 << 20)
    run("mkfs.ntfs", "-q", "-F", "-f", "-L", "DATA", image)
    boot = image.read_bytes()[:512]
    cluster = struct.unpack_from("<H", boot, 11)[0] * boot[13]
    mft = struct.unpack_from("<Q", boot, 0x30)[0] * cluster
    with FileSource(image) as source:
        overlay = lay(source, mft)
        assert overlay.name == "mft-record"
        got = named(overlay)
        assert got["signature"] and got["flags"] == "in use" and got["record_number"] == "0"
        name = next(key for key in got if key.startswith("file_name[") and key.endswith(".name"))
        assert got[name] == "$MFT"
        runs = next(key for key in got if key.startswith("data[") and key.endswith(".runs"))
        assert got[runs].startswith(f"{mft // cluster}+")
        created = next(key for key in got if key.startswith("standard_information") and key.endswith(".created"))
        assert got[created].startswith("20") and got[created].endswith("UTC")
        assert not any(one.problem for one in overlay.fields)
        # Every byte of the record up to its end mark belongs to exactly one field.
        spans = sorted((one.offset, one.offset + one.size) for one in overlay.fields)
        assert all(left[1] == right[0] for left, right in zip(spans, spans[1:], strict=False))
        volume = named(lay(source, mft + 3 * 1024))
        assert any(key.startswith("volume_information") for key in volume)
        assert field_at(overlay.fields, mft + 3) == overlay.fields[0]


def test_an_mbr_by_its_own_knowledge_and_nothing_known() -> None:
    data = bytearray(1 << 20)
    data[510:512] = b"\x55\xaa"
    assert lay(BytesSource(bytes(data)), 0).name == "mbr"
    assert lay(BytesSource(os.urandom(4096)), 8).name is None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(templates())), st.binary(max_size=1500), st.integers(0, 40))
def test_any_bytes_under_any_template(name: str, data: bytes, holes: int) -> None:
    one = templates()[name]
    template = one.build(data) if isinstance(one, Shape) else one
    fields = walk(template, data, holes=((5, 5 + holes),) if holes else ())
    for field in fields:
        assert field.meaning.isprintable() or not field.meaning
        assert field.offset >= 0
    guess(data)


def test_hostile_records_end() -> None:
    """Attributes that run in circles, overlap or claim to be endless."""
    shape = templates()["mft-record"]
    assert isinstance(shape, Shape)
    head = bytearray(4096)
    head[:8] = b"FILE\x30\0\x03\0"
    struct.pack_into("<H", head, 20, 56)
    for at in range(56, 4072, 16):
        struct.pack_into("<IIBBHHH", head, at, 0x80, 16, 0, 255, 0, 0, 0)
    assert len(walk(shape.build(bytes(head)), bytes(head))) < 1000
    struct.pack_into("<IIBBHHH", head, 56, 0x80, 4040, 1, 200, 60000, 0, 0)
    struct.pack_into("<H", head, 56 + 32, 65535)
    assert walk(shape.build(bytes(head)), bytes(head))
