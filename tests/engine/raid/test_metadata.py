"""Metadata superblocks against mdadm, and written by hand; compared with the findings, never trusted alone."""

from __future__ import annotations

import struct
import subprocess
import uuid
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.raid.detect import detect
from engine.raid.layout import Layout
from engine.raid.metadata import read_supers
from engine.raid.templates import DDF_TEMPLATE, MD090_TEMPLATE, MD1_TEMPLATE, guess
from engine.source import BytesSource
from engine.template import walk
from tests.engine.raid.contents import even, tool, volume
from tests.engine.raid.writer import lay
from tests.support import needs_tool

MIB = 1 << 20
SET = uuid.UUID("12345678-1234-5678-1234-567812345678")


def md1(
    role: int, *, drives: int = 4, layout: int = 2, chunk: int = 128, offset: int = 2048, at: int = 8,
    events: int = 40, size: int = 16384, level: int = 5, number: int | None = None,
) -> bytes:  # fmt: skip
    """A version 1 superblock as linux/raid/md_p.h lays it out."""
    number = role if number is None else number
    roles = [0xFFFF] * 32
    roles[number] = role
    made = 1_700_000_000
    head = struct.pack("<IIII16s32sQII", 0xA92B4EFC, 1, 0, 0, SET.bytes, b"host:0", made, level, layout)
    head += struct.pack("<QIIi", size, chunk, drives, 0)
    head = head.ljust(128, b"\0")
    head += struct.pack("<QQQQII16sBBHI", offset, size, at, 0, number, 0, bytes([role]) * 16, 0, 0, 0, 0)
    head += struct.pack("<QQQII32s", 1_700_000_500, events, 0xFFFFFFFFFFFFFFFF, 0, 32, bytes(32))
    body = bytearray(head + struct.pack("<32H", *roles))
    total = sum(struct.unpack(f"<{len(body) // 4}I", body))
    struct.pack_into("<I", body, 216, ((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF)
    return bytes(body)


def md090(role: int, *, drives: int = 4, layout: int = 0, chunk: int = 65536, size: int = 8192) -> bytes:
    """A version 0.90 superblock."""
    words = [0] * 1024
    words[:16] = [0xA92B4EFC, 0, 90, 0, 0, 0x11111111, 1_700_000_000, 5, size, drives, drives, 0, 0, 0x22222222,
                  0x33333333, 0x44444444]  # fmt: skip
    words[32:40] = [1_700_000_600, 1, drives, drives, 0, 0, 0, 77]
    words[64:66] = [layout, chunk]
    for drive in range(drives):
        words[128 + 32 * drive : 128 + 32 * drive + 5] = [drive, 8, 16 * drive, drive, 6]
    words[992:997] = [role, 8, 16 * role, role, 6]
    total = sum(words)
    words[38] = ((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF
    return struct.pack("<1024I", *words)


def ddf(role: int, drives: int, strip: int, qualifier: int, start: int, sectors: int) -> tuple[bytes, bytes]:
    """Anchor, and the structure that it points to (at LBA ``sectors`` - 100)."""
    primary = sectors - 100
    head = bytearray(
        struct.pack(">II24s8sII4s", 0xDE11DE11, 0, b"guid".ljust(24), b"01.02.00", 9, 100, b"\0\xff\xff\0")
    )
    head = head.ljust(96, b"\xff") + struct.pack(">QQB3xIQHHHHH", primary, 0, 1, 90, primary, 16, 4, 4, 2, 16)
    head = head.ljust(192, b"\xff") + struct.pack(">10I", 1, 1, 2, 1, 3, 1, 4, 4, 10, 1)
    head = bytearray(head.ljust(512, b"\xff"))
    config = bytearray(struct.pack(">II24sII24x", 0xEEEEEEEE, 0, b"vdguid".ljust(24), 200, 11))
    config += struct.pack(">HBBBBBBQQ", drives, (strip // 512).bit_length() - 1, 5, qualifier, 1, 0, 0xFF, 8000, 24000)
    config = config.ljust(512, b"\xff") + struct.pack(f">{drives}I", *(1000 + d for d in range(drives)))
    config = bytearray(
        (config.ljust(512 + 64, b"\xff") + struct.pack(f">{drives}Q", *([start] * drives))).ljust(1024, b"\xff")
    )
    struct.pack_into(">I", config, 4, 0xFFFFFFFF)
    struct.pack_into(">I", config, 4, zlib.crc32(bytes(config), 0xFFFFFFFF) ^ 0xFFFFFFFF)  # as mdadm does
    data = struct.pack(">II24sI", 0x33333333, 0, b"disk".ljust(24), 1000 + role).ljust(512, b"\xff")
    area = bytearray(100 * 512)
    area[:512], area[4 * 512 : 6 * 512], area[10 * 512 : 11 * 512] = head, config, data
    return bytes(head), bytes(area[: 99 * 512])


def at(size: int, *pieces: tuple[int, bytes]) -> BytesSource:
    image = bytearray(size)
    for offset, data in pieces:
        image[offset : offset + len(data)] = data
    return BytesSource(bytes(image))


def places(size: int) -> dict[str, int]:
    return {"md-1.2": 4096, "md-1.1": 0, "md-1.0": (size // 512 - 16 & ~7) * 512, "md-0.90": (size & ~65535) - 65536}


@pytest.mark.parametrize("kind", ["md-1.0", "md-1.1", "md-1.2"])
def test_md_1(kind):
    size = 20 * MIB + 1536
    offset = places(size)[kind]
    (found,) = read_supers(at(size, (offset, md1(2, at=offset // 512, number=5))))
    assert (found.kind, found.level, found.layout, found.strip, found.drives, found.role) == (
        kind, 5, Layout.LEFT_SYMMETRIC, 65536, 4, 2,
    )  # fmt: skip
    assert (found.data_offset, found.events, found.set_id, found.problems) == (MIB, 40, str(SET), ())
    assert found.usable
    torn = bytearray(md1(2, at=offset // 512))
    torn[72] ^= 1
    assert "checksum" in read_supers(at(size, (offset, bytes(torn))))[0].problems[0]


def test_md_090():
    size = 20 * MIB + 1536
    (found,) = read_supers(at(size, (places(size)["md-0.90"], md090(1))))
    assert (found.kind, found.layout, found.strip, found.role, found.data_offset, found.events) == (
        "md-0.90", Layout.LEFT_ASYMMETRIC, 65536, 1, 0, 77,
    )  # fmt: skip
    assert found.problems == ()


def test_ddf():
    size = 8 * MIB
    anchor, area = ddf(2, 3, 65536, 3, 64, size // 512)
    (found,) = read_supers(at(size, (size - 512, anchor), (size - 100 * 512, area)))
    assert (found.kind, found.level, found.layout, found.strip, found.drives, found.role, found.data_offset) == (
        "ddf", 5, Layout.LEFT_SYMMETRIC, 65536, 3, 2, 64 * 512,
    )  # fmt: skip
    assert found.problems == ()


@pytest.mark.full
@pytest.mark.parametrize("kind", ["md-1.0", "md-1.1", "md-1.2", "md-0.90"])
def test_mdadm_reads_the_same(kind, tmp_path: Path):
    needs_tool("mdadm")
    size = 20 * MIB
    offset = places(size)[kind]
    path = tmp_path / "member"
    data = md090(1) if kind == "md-0.90" else md1(1, at=offset // 512, size=16384)
    path.write_bytes(at(size, (offset, data)).read(0, size).data)
    done = subprocess.run(
        [tool("mdadm"), "--examine", str(path)], capture_output=True, text=True, timeout=30, check=False
    )
    said = {
        left.strip(): right.strip() for left, _, right in (line.partition(" : ") for line in done.stdout.splitlines())
    }
    (found,) = read_supers(BytesSource(path.read_bytes()))
    assert said["Raid Level"] == f"raid{found.level}"
    assert said["Raid Devices"] == str(found.drives)
    assert said["Layout"] == str(found.layout)
    assert said["Chunk Size"] == f"{found.strip // 1024}K"
    assert "correct" in said["Checksum"]
    assert int(said["Events"]) == found.events
    if kind != "md-0.90":
        assert said["Data Offset"].split()[0] == str(found.data_offset // 512)
        assert said["Device Role"] == f"Active device {found.role}"


@given(st.binary(max_size=4096), st.sampled_from([0, 4096, 8 * MIB - 65536, 8 * MIB - 512, 3072]))
@settings(max_examples=60, deadline=None)
def test_hostile_metadata(data, offset):
    for head in (b"", b"\xfc\x4e\x2b\xa9", b"\xde\x11\xde\x11", b"PRIVHEAD"):
        piece = (head + data)[: 8 * MIB - offset]
        for one in read_supers(at(8 * MIB, (offset, piece))):
            one.to_json()
    guess(data)


def test_templates():
    block = md1(3)
    fields = {field.name: field for field in walk(MD1_TEMPLATE, block)}
    assert fields["level"].meaning == "RAID5"
    assert fields["layout"].meaning == "left-symmetric"
    assert not any(field.problem for field in fields.values())
    old = {field.name: field for field in walk(MD090_TEMPLATE, md090(1))}
    assert old["layout"].meaning == "left-asymmetric"
    assert (guess(block), guess(md090(0)), guess(ddf(0, 3, 65536, 3, 0, 8192)[0])) == (
        MD1_TEMPLATE.name, MD090_TEMPLATE.name, DDF_TEMPLATE.name,
    )  # fmt: skip


# --- as a witness


def members(data: bytes, order: list[int], supers: list[bytes], strip: int = 65536) -> list[BytesSource]:
    laid = lay(data, len(order), strip, "left-symmetric", offset=MIB)
    found: list[BytesSource | None] = [None] * len(order)
    for drive, number in enumerate(order):
        image = bytearray(laid.drives[drive].tobytes())
        image[4096 : 4096 + len(supers[number])] = supers[number]
        found[number] = BytesSource(bytes(image))
    return [one for one in found if one is not None]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> bytes:
    needs_tool("mkfs.ext4")
    return volume(tmp_path_factory.mktemp("witness"), "ext4", 32 * MIB, "mixed", 11)


def test_agreement_is_told_and_gives_the_size(data):
    order = [2, 0, 3, 1]
    supers = [md1(order.index(number), size=10_000) for number in range(4)]
    answer = detect(members(data, order, supers))
    assert answer.verdict == "found"
    assert any("metadata agree" in one for one in answer.best.evidence)
    assert answer.best.geometry.rows == 10_000 * 512 // 65536
    assert not answer.problems


def test_a_set_made_anew_by_mistake_is_not_believed(data):
    """Fresh superblocks with another strip and order over the old array."""
    order = [2, 0, 3, 1]
    answer = detect(members(data, order, [md1(number, chunk=1024, layout=0) for number in range(4)]))
    assert answer.verdict == "found"
    assert list(answer.best.geometry.order) == order
    assert answer.best.geometry.strip == 65536
    assert {"metadata-disagrees"} <= {problem.code for problem in answer.problems}


def test_where_contents_tell_nothing_metadata_are_offered_but_not_sworn_to():
    order = [1, 0, 2]
    supers = [md1(order.index(number), drives=3, size=12_288) for number in range(3)]
    answer = detect(members(even(12 * MIB), order, supers))
    assert answer.verdict == "encrypted"
    assert list(answer.best.geometry.order) == order
    assert answer.best.score <= 0.5
    assert "could not confirm" in answer.best.evidence[0]


def test_a_stale_superblock_is_named(data):
    order = [2, 0, 3, 1]
    supers = [md1(order.index(number), events=12 if number == 3 else 40) for number in range(4)]
    answer = detect(members(data, order, supers))
    assert any(problem.code == "metadata-stale" and "member 4" in problem.message for problem in answer.problems)


# --- Windows dynamic disks


def _vblk(number: int, kind: int, flags: int, body: bytes, fixed: int) -> bytes:
    """A record of the LDM database; ``body`` are its fields, ``fixed`` bytes of other things behind them."""
    head = struct.pack(">4sIIHHHBBI", b"VBLK", number, number, 0, 1, 0, flags, kind, len(body) + fixed)
    return (head + body).ljust(128, b"\0")


def _text(value: bytes) -> bytes:
    return bytes([len(value)]) + value


def _number(value: int) -> bytes:
    raw = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    return bytes([len(raw)]) + raw


def ldm_disk(column: int, *, size: int = 8 * MIB, columns: int = 3, strip: int = 128) -> BytesSource:
    """A dynamic disk with one column of a RAID5, as the kernel's reader of the format lays its fields out."""
    guids = [str(uuid.UUID(int=100 + n)).encode() for n in range(columns)]
    start, config = 63, size // 512 - 2048
    private = bytearray(512)
    private[:8] = b"PRIVHEAD"
    private[0x30 : 0x30 + 36] = guids[column]
    struct.pack_into(">QQQQ", private, 0x11B, start, config - start, config, 2048)
    contents = bytearray(512)
    contents[:8], contents[0x24:0x2A] = b"TOCBLOCK", b"config"
    struct.pack_into(">Q", contents, 0x2E, 17)
    records = [_vblk(1, 0x51, 0, _number(7) + _text(b"Volume1") + bytes(80), 0)]
    component = _number(20) + _text(b"Volume1-01") + _text(b"ACTIVE") + b"\x03" + bytes(4) + _number(columns)
    component += bytes(16) + _number(7) + b"\0" + _number(strip) + _number(columns)
    records.append(_vblk(2, 0x32, 0x10, component, 0))
    for n in range(columns):
        records.append(_vblk(10 + n, 0x34, 0, _number(30 + n) + _text(b"Disk%d" % n) + _text(guids[n]) + bytes(8), 0))
        part = _number(40 + n) + _text(b"Disk%d-01" % n) + bytes(12) + struct.pack(">QQ", 65, 0)
        part += _number(4096) + _number(20) + _number(30 + n) + b"\x01" + bytes([n])
        records.append(_vblk(20 + n, 0x33, 0x08, part, 0))
    database = struct.pack(">4sIII", b"VMDB", len(records) + 4, 128, 512).ljust(512, b"\0") + b"".join(records)
    return at(size, (6 * 512, bytes(private)), ((config + 1) * 512, bytes(contents)), ((config + 17) * 512, database))


@pytest.mark.parametrize("column", [0, 1, 2])
def test_windows_dynamic_disks(column):
    (found,) = read_supers(ldm_disk(column))
    assert (found.kind, found.level, found.layout, found.strip, found.drives, found.role, found.data_offset) == (
        "ldm", 5, Layout.LEFT_SYMMETRIC, 65536, 3, column, (63 + 65) * 512,
    )  # fmt: skip
    assert (found.name, found.data_size) == ("Volume1", 4096 * 512)
