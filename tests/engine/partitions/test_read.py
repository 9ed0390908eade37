"""The hard cases of tables: loops, odd places, damage, disks that were cut, and sectors that nobody has read."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.partitions.checks import examine
from engine.partitions.ebr import read_chain
from engine.partitions.gpt import header_crc
from engine.partitions.model import Node, Tree
from engine.partitions.peek import Peek
from engine.partitions.read import read_tree
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from engine.source.base import Buffer, ReadError, Source
from tests.engine.partitions.disks import (
    MIB,
    blank,
    codes,
    entry,
    get,
    ntfs,
    partition,
    put,
    run,
    sfdisk,
    table,
    tree_of,
)
from tests.support import needs_tool


class Memory(Source):
    """A disk in memory: bytes at places, zeros elsewhere; ``bad`` sectors give read errors."""

    def __init__(self, size: int, pieces: dict[int, bytes], bad: frozenset[int] = frozenset()) -> None:
        self.size, self.path, self._pieces, self._bad = size, "memory", pieces, bad
        self.reads = 0

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        self.reads += 1
        view = memoryview(buffer)
        view[:] = bytes(len(view))
        for sector in self._bad:
            if offset < sector * 512 + 512 and offset + len(view) > sector * 512:
                raise ReadError("bad", offset=sector * 512)
        for place, data in self._pieces.items():
            low, high = max(place, offset), min(place + len(data), offset + len(view))
            if low < high:
                view[low - offset : high - offset] = data[low - place : high - place]
        return ()

    def close(self) -> None:
        return


def disk(sectors: int, tables: dict[int, bytes], bad: tuple[int, ...] = ()) -> Memory:
    return Memory(sectors * 512, {lba * 512: data for lba, data in tables.items()}, frozenset(bad))


def logicals(tree: Tree) -> list[tuple[int | None, int, int]]:
    return [
        (node.index, node.start // 512, node.size // 512) for node in tree.partitions() if node.kind == "logical"
    ]


def test_chain_out_of_order_is_followed_in_its_own_order() -> None:
    source = disk(100_000, {
        0: table(entry(0x0F, 1000, 90_000)),
        1000: table(entry(0x83, 10, 100), entry(5, 50_000, 2000)),
        51_000: table(entry(0x83, 10, 200), entry(5, 20_000, 2000)),
        21_000: table(entry(0x07, 10, 300)),
    })  # fmt: skip
    tree = read_tree(source)
    assert logicals(tree) == [(5, 1010, 100), (6, 51_010, 200), (7, 21_010, 300)]
    assert codes(tree, notes=True).count("ebr-out-of-order") == 1


@pytest.mark.parametrize("back", [0, 5000, 9000])
def test_loops_end(back: int) -> None:
    """The last link leads to the first EBR (relative 0), to one before, and to itself."""
    source = disk(100_000, {
        0: table(entry(0x05, 1000, 90_000)),
        1000: table(entry(0x83, 10, 100), entry(5, 5000, 2000)),
        6000: table(entry(0x83, 10, 100), entry(5, 9000, 2000)),
        10_000: table(entry(0x83, 10, 100), entry(5, back, 2000)),
    })  # fmt: skip
    tree = read_tree(source)
    assert [number for number, _, _ in logicals(tree)] == [5, 6, 7]
    assert codes(tree) == ["ebr-loop"]


def test_partition_in_entry_three_and_link_in_entry_three() -> None:
    """As in the public test image DFTT 1: places do not matter, types do."""
    source = disk(100_000, {
        0: table(entry(0x05, 1000, 90_000)),
        1000: table(entry(0x83, 10, 100), bytes(16), entry(5, 5000, 4000)),
        6000: table(entry(5, 20_000, 2000), entry(0x83, 10, 100), entry(0x83, 500, 100)),
        21_000: table(entry(0x83, 10, 100), bytes(16), bytes(16), entry(0x83, 30_000, 1 << 30, status=0x33)),
    })  # fmt: skip
    tree = read_tree(source)
    assert logicals(tree) == [(5, 1010, 100), (6, 6010, 100), (7, 6500, 100), (8, 21_010, 100)]
    assert set(codes(tree, notes=True)) >= {"ebr-link-first", "ebr-extra-entry", "ebr-garbage"}


def test_several_extended_partitions_each_with_its_own_base() -> None:
    source = disk(100_000, {
        0: table(entry(0x05, 1000, 10_000), entry(0x0F, 50_000, 10_000), entry(0x83, 30_000, 100)),
        1000: table(entry(0x83, 10, 100), entry(5, 3000, 2000)),
        4000: table(entry(0x83, 10, 100)),
        50_000: table(entry(0x83, 10, 100), entry(5, 3000, 2000)),
        53_000: table(entry(0x83, 10, 100)),
    })  # fmt: skip
    tree = read_tree(source)
    assert logicals(tree) == [(5, 1010, 100), (6, 4010, 100), (7, 50_010, 100), (8, 53_010, 100)]
    assert "multiple-extended" in codes(tree, notes=True)


def test_deleted_logical_and_extra_links() -> None:
    source = disk(100_000, {
        0: table(entry(0x05, 1000, 90_000)),
        1000: table(entry(5, 5000, 2000), entry(5, 9000, 2000)),
        6000: table(entry(0x83, 10, 100)),
        10_000: table(entry(0x83, 10, 200)),
    })  # fmt: skip
    tree = read_tree(source)
    assert logicals(tree) == [(5, 6010, 100), (6, 10_010, 200)]
    assert {"ebr-empty", "ebr-extra-link"} <= set(codes(tree, notes=True))


def test_three_hundred_logicals_are_all_read() -> None:
    tables = {0: table(entry(0x05, 1000, 90_000))}
    for number in range(300):
        link = entry(5, (number + 1) * 200, 200) if number < 299 else bytes(16)
        tables[1000 + number * 200] = table(entry(0x83, 10, 100), link)
    tree = read_tree(disk(100_000, tables))
    assert [number for number, _, _ in logicals(tree)] == list(range(5, 305))
    assert not codes(tree)


def test_a_chain_without_partitions_ends_after_a_hundred_records() -> None:
    tables = {0: table(entry(0x05, 1000, 90_000))}
    for number in range(400):
        tables[1000 + number * 2] = table(entry(5, (number + 1) * 2, 2))
    source = disk(100_000, tables)
    records = read_chain(Peek(source), 1000, 90_000, 512)
    assert len(records) == 100
    assert records[-1].problems[-1].code == "ebr-chain-too-long"


def test_missing_signature_shows_the_rest_as_untrusted() -> None:
    source = disk(100_000, {
        0: table(entry(0x05, 1000, 90_000)),
        1000: table(entry(0x83, 10, 100), entry(5, 5000, 2000)),
        6000: table(entry(0x83, 10, 100), entry(5, 9000, 2000), signature=b"\0\0"),
        10_000: table(entry(0x83, 10, 100)),
    })  # fmt: skip
    tree = read_tree(source)
    assert [number for number, _, _ in logicals(tree)] == [5, 6, 7]
    assert codes(tree) == ["ebr-bad-signature", "untrusted", "untrusted"]


def test_noise_in_place_of_an_ebr_ends_the_chain() -> None:
    noise = random.Random(3).randbytes(510) + b"\0\0"
    source = disk(100_000, {
        0: table(entry(0x05, 1000, 90_000)), 1000: table(entry(0x83, 10, 100), entry(5, 5000, 2000)), 6000: noise,
    })  # fmt: skip
    tree = read_tree(source)
    assert len(logicals(tree)) == 1
    assert codes(tree) == ["ebr-bad-signature"]


def test_links_and_logicals_that_lead_outside() -> None:
    source = disk(100_000, {
        0: table(entry(0x05, 1000, 50_000)),
        1000: table(entry(0x83, 60_000, 100), entry(5, 60_000, 2000)),
    })  # fmt: skip
    tree = read_tree(source)
    assert logicals(tree) == [(5, 61_000, 100)]
    assert sorted(codes(tree)) == ["ebr-link-outside", "partition-outside-extended"]


def test_entries_past_the_end_and_overlaps() -> None:
    source = disk(100_000, {0: table(entry(7, 2048, 50_000), entry(0x83, 40_000, 80_000), entry(0xC, 200_000, 100))})
    tree = read_tree(source)
    assert [node.start // 512 for node in tree.partitions()] == [2048, 40_000, 200_000]
    assert codes(tree) == ["overlap", "overlap", "partition-beyond-disk", "partition-beyond-disk"]


def test_status_bytes_types_without_sectors_and_two_active_ones() -> None:
    source = disk(100_000, {
        0: table(entry(7, 2048, 1000, 0x80), entry(7, 4096, 1000, 0x80), entry(7, 6144, 1000, 0x21), entry(0x83, 0, 0)),
    })  # fmt: skip
    tree = read_tree(source)
    assert codes(tree, notes=True) == ["bad-status-byte", "multiple-active", "typed-zero-size"]


def test_unsigned_mbr_is_shown_with_a_finding_but_noise_is_not() -> None:
    source = disk(100_000, {0: table(entry(7, 2048, 1000, 0x80), signature=b"\0\0")})
    tree = read_tree(source)
    assert tree.scheme == "mbr"
    assert codes(tree) == ["mbr-bad-signature"]
    for seed in range(200):
        noise = random.Random(seed).randbytes(510)
        assert read_tree(disk(2_000_000, {0: noise + b"\0\0"})).scheme == "none"
        assert read_tree(disk(2_000_000, {0: noise + b"\x55\xaa"})).scheme == "none"


def test_a_bare_ntfs_volume_is_no_partition_table(tmp_path: Path) -> None:
    """Its boot code makes four nonsense partitions for sfdisk."""
    needs_tool("mkfs.ntfs")
    tree = tree_of(ntfs(tmp_path, 8 * MIB))
    assert tree.scheme == "volume"
    assert [node.kind for node in tree.nodes] == ["volume"]
    assert not codes(tree, notes=True)


def test_table_behind_a_boot_record_in_sector_0(tmp_path: Path) -> None:
    """A USB stick with a BPB before its table: the FATs that the BPB names decide."""
    needs_tool("mkfs.vfat")
    volume = blank(tmp_path / "v.img", 8 * MIB)
    run("mkfs.vfat", "-F", "12", "-s", "8", volume)
    sector = bytearray(get(volume, 0, 512))
    sector[446:512] = entry(0x06, 2048, 8192) + bytes(48) + b"\x55\xaa"
    image = blank(tmp_path / "d.img", 8 * MIB)
    put(image, 0, bytes(sector))
    tree = tree_of(image)
    assert tree.scheme == "mbr"
    assert [node.start for node in tree.partitions()] == [MIB]


def test_disk_and_gap_cover_every_byte_once() -> None:
    source = disk(100_000, {
        0: table(entry(0x83, 63, 900), entry(0x05, 1000, 50_000)),
        1000: table(entry(0x83, 63, 100), entry(5, 5000, 2000)),
        6000: table(entry(0x83, 63, 100)),
    })  # fmt: skip
    tree = read_tree(source)
    mbr = tree.nodes[0]
    pieces = [(0, 512), *((child.start, child.end) for child in mbr.children)]
    assert_exact(pieces, 0, source.size)
    extended = next(child for child in mbr.children if child.kind == "extended")
    inner = [(node.start, node.end) for node in extended.walk() if node.kind in ("ebr", "logical", "gap")]
    assert_exact(inner, extended.start, extended.end)


def assert_exact(pieces: list[tuple[int, int]], start: int, end: int) -> None:
    position = start
    for low, high in sorted(pieces):
        assert low == position
        position = high
    assert position == end


# --- GPT


@pytest.fixture(scope="module")
def gpt_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A GPT of sgdisk's with two partitions, 16 MiB."""
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


def starts(tree: Tree) -> list[tuple[int | None, int]]:
    return [(node.index, node.start) for node in tree.partitions()]


WHOLE = [(1, MIB), (5, 5 * MIB)]


@pytest.mark.parametrize(
    ("offset", "data", "expected"),
    [
        (0, None, []),
        (512, b"X", ["gpt-primary-bad"]),
        (512 + 17, b"\xff", ["gpt-primary-bad"]),
        (1024 + 40, b"\x01", ["gpt-entries-crc"]),
        (LAST * 512, b"X", ["gpt-backup-missing"]),
        (LAST * 512 + 16, b"\xff\xff", ["gpt-backup-bad"]),
        ((LAST - 32) * 512 + 32, b"\x01", ["gpt-entries-crc"]),
        (446, bytes(66), ["protective-mbr-missing"]),
    ],
)
def test_states_of_a_gpt(gpt: Path, offset: int, data: bytes | None, expected: list[str]) -> None:
    """Whatever one of the two suffers, the partitions of the other are shown."""
    if data is not None:
        put(gpt, offset, data)
    tree = tree_of(gpt)
    assert starts(tree) == WHOLE
    assert codes(tree) == expected
    assert all(problem.fixable for _, problem in tree.findings() if problem.level != "note")


def test_both_damaged_still_shows_what_can_be_read(gpt: Path) -> None:
    put(gpt, 1024 + 48, b"\x77")
    put(gpt, (LAST - 32) * 512 + 48, b"\x77")
    tree = tree_of(gpt)
    assert [index for index, _ in starts(tree)] == [1, 5]
    assert codes(tree).count("gpt-entries-crc") == 2


def test_disk_that_grew_and_disk_that_was_cut(gpt: Path) -> None:
    with open(gpt, "r+b") as file:
        file.truncate(20 * MIB)
    tree = tree_of(gpt)
    assert starts(tree) == WHOLE
    assert codes(tree) == ["gpt-backup-not-at-end"]
    with open(gpt, "r+b") as file:
        file.truncate(10 * MIB)
    tree = tree_of(gpt)
    assert starts(tree) == WHOLE
    assert codes(tree) == ["gpt-backup-missing", "gpt-last-usable-beyond-disk"]


def test_stale_gpt_beside_an_mbr_in_force(gpt: Path) -> None:
    put(gpt, 446, entry(0x07, 2048, 8192) + bytes(48))
    tree = tree_of(gpt)
    assert tree.scheme == "mbr"
    assert starts(tree) == [(1, MIB)]
    assert codes(tree) == ["stale-gpt"]
    stale = [node for node in tree.walk() if node.kind == "primary" and "stale" in node.flags]
    assert [node.index for node in stale] == [1, 5]


def test_hybrid_mbr(gpt: Path) -> None:
    put(gpt, 446, entry(0x83, 2048, 8192) + entry(0xEE, 1, 2047) + entry(0x0C, 20_000, 100) + bytes(16))
    tree = tree_of(gpt)
    assert tree.scheme == "hybrid"
    assert "hybrid-mbr" in codes(tree)
    assert sorted(starts(tree)) == sorted([*WHOLE, (3, 20_000 * 512)])


def test_two_whole_gpts_that_differ(gpt: Path) -> None:
    header, array = bytearray(get(gpt, LAST * 512, 512)), bytearray(get(gpt, (LAST - 32) * 512, 16384))
    array[128 * 4 : 128 * 5] = bytes(128)
    header[88:92] = struct.pack("<I", zlib.crc32(array))
    header[16:20] = struct.pack("<I", header_crc(bytes(header[:92])))
    put(gpt, (LAST - 32) * 512, bytes(array))
    put(gpt, LAST * 512, bytes(header))
    tree = tree_of(gpt)
    assert starts(tree) == WHOLE
    assert codes(tree) == ["gpt-differs"]
    assert [node.index for node in tree.walk() if "second" in node.flags] == [1]


def gpt_header(
    sectors: int, *, first: int = 34, last: int = 900, count: int = 128, size: int = 128, crc: int = 0, own: int = 1,
    other: int | None = None, array: int = 2, length: int = 92,
) -> bytes:  # fmt: skip
    """A header with a right checksum, whatever it says."""
    header = struct.pack(
        "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, length, 0, 0, own, sectors - 1 if other is None else other, first,
        last, b"D" * 16, array, count, size, crc,
    )  # fmt: skip
    return header[:16] + struct.pack("<I", header_crc(header[: min(length, 92)].ljust(92, b"\0"))) + header[20:]


@pytest.mark.parametrize(("count", "size"), [(180, 128), (128, 256), (64, 512)])
def test_other_numbers_and_sizes_of_entries(count: int, size: int) -> None:
    sectors = 40_000
    array = bytearray(count * size)
    name = "é".encode("utf-16-le")
    struct.pack_into("<16s16sQQQ72s", array, size * (count - 1), b"T" * 16, b"U" * 16, 3000, 3999, 0, name)
    need = -(-len(array) // 512)
    header = gpt_header(sectors, first=2 + need, last=sectors - 2 - need, count=count, size=size, crc=zlib.crc32(array))
    tree = read_tree(disk(sectors, {0: table(entry(0xEE, 1, sectors - 1)), 1: header, 2: bytes(array)}))
    assert [(node.index, node.start, node.size, node.name) for node in tree.partitions()] == [
        (count, 3000 * 512, 1000 * 512, "é")
    ]


@pytest.mark.parametrize(
    ("count", "size"), [(1 << 31, 128), (128, 1 << 31), (0xFFFFFFFF, 0xFFFFFFFF), (128, 0), (1, 7)]
)
def test_impossible_numbers_of_entries(count: int, size: int) -> None:
    header = gpt_header(1000, count=count, size=size)
    tree = read_tree(disk(1000, {0: table(entry(0xEE, 1, 999)), 1: header}))
    assert not tree.partitions()
    assert "gpt-primary-bad" in codes(tree)


# --- what nobody has read


def with_holes(path: Path, *holes: tuple[int, int]) -> Tree:
    with FileSource(path) as file:
        return examine(HoleSource(file, RangeSet(holes)))


def test_unread_tables_are_not_empty_tables(tmp_path: Path) -> None:
    needs_tool("sfdisk")
    image = sfdisk(tmp_path / "d.img", "label: dos\nstart=2048,size=2048\nstart=6144,type=f\nstart=8192,size=2048\n"
                   "start=12288,size=2048\n")  # fmt: skip
    tree = with_holes(image, (0, 512))
    assert tree.scheme == "none"
    assert codes(tree) == ["unread"]
    tree = with_holes(image, (6144 * 512, 6144 * 512 + 512))
    assert [node.kind for node in tree.partitions()] == ["primary", "extended"]
    assert codes(tree) == ["unread"]
    tree = with_holes(image, (2048 * 512, 2048 * 512 + 4096))
    unread = [node for node, problem in tree.findings() if problem.code == "unread"]
    assert unread == [partition(tree, 1)]


def test_gpt_with_holes(gpt: Path) -> None:
    tree = with_holes(gpt, (512, 1024))
    assert starts(tree) == WHOLE
    assert codes(tree) == ["unread"]
    # the first four slots of the primary, and all of the backup
    tree = with_holes(gpt, (1024, 1536), ((LAST - 40) * 512, 16 * MIB))
    assert starts(tree) == [(5, 5 * MIB)]
    assert "4 slots" in " ".join(problem.message for _, problem in tree.findings())


def test_medium_errors_count_as_unread(tmp_path: Path) -> None:
    needs_tool("sfdisk")
    image = sfdisk(tmp_path / "d.img", "label: dos\nstart=2048,size=2048\nstart=6144,size=2048\n")
    source = Memory(64 * MIB, {0: image.read_bytes()[:512]}, frozenset({1, 2048}))
    tree = examine(source)
    assert [node.start for node in tree.partitions()] == [MIB, 3 * MIB]
    assert codes(tree) == ["unread"]
    assert examine(Memory(64 * MIB, {}, frozenset({0}))).problems[0].code == "unread"


# --- hostile disks


SECTORS = 3000


def hostile_table(draw: st.DrawFn) -> bytes:
    def number() -> int:
        return draw(st.sampled_from([0, 1, 2, 3, 63, 64, 100, 500, 2048, SECTORS - 1, SECTORS, 0x7FFFFFFF, 0xFFFFFFFF]))

    kinds = [0, 5, 5, 5, 0x0F, 0x85, 7, 0x0C, 0x83, 0xEE]
    entries = [
        entry(draw(st.sampled_from(kinds)), number(), number(), draw(st.sampled_from([0, 0, 0, 0x80, 0x33])))
        for _ in range(4)
    ]
    return table(*entries, signature=draw(st.sampled_from([b"\x55\xaa", b"\x55\xaa", b"\0\0"])))


@st.composite
def hostile_disks(draw: st.DrawFn) -> Memory:
    places = draw(st.sets(st.sampled_from([0, 1, 2, 3, 63, 64, 100, 127, 500, 2048])))
    tables = {lba: hostile_table(draw) for lba in places}
    tables[0] = hostile_table(draw)
    if draw(st.booleans()):
        header = gpt_header(
            SECTORS,
            first=draw(st.integers(0, SECTORS)), last=draw(st.integers(0, 1 << 63)),
            count=draw(st.sampled_from([1, 128, 1 << 31])), size=draw(st.sampled_from([128, 256, 0, 1 << 31])),
            own=draw(st.sampled_from([1, SECTORS - 1, 7])), other=draw(st.sampled_from([SECTORS - 1, 1, 1 << 63])),
            array=draw(st.sampled_from([2, 1, 0, 1 << 62])), length=draw(st.sampled_from([92, 0, 512, 1 << 31])),
        )  # fmt: skip
        tables[draw(st.sampled_from([1, SECTORS - 1]))] = header
    return disk(SECTORS, tables, tuple(draw(st.sets(st.integers(0, SECTORS), max_size=2))))


@settings(max_examples=150, deadline=None)
@given(hostile_disks())
def test_hostile_tables_end_and_stay_in_bounds(source: Memory) -> None:
    tree = examine(source)
    nodes = list(tree.walk())
    assert len(nodes) < 6000
    assert source.reads < 20_000
    for node in nodes:
        assert node.size >= 0
        assert_no_control(node)


def assert_no_control(node: Node) -> None:
    for problem in node.problems:
        assert problem.message.isprintable()


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=0, max_size=2048), st.integers(0, 3))
def test_random_sectors(data: bytes, shift: int) -> None:
    examine(Memory(max(512, len(data)) + 512 * shift, {512 * shift: data}))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 16 * MIB - 1), st.integers(1, 255), st.data())
def test_any_flipped_byte_of_a_gpt(gpt_bytes: bytes, place: int, mask: int, data: st.DataObject) -> None:
    """A byte changed anywhere in either table never loses the partitions of the other."""
    zone = data.draw(st.sampled_from([range(512, 17408), range((LAST - 32) * 512, 16 * MIB)]))
    place = zone[place % len(zone)]
    changed = bytes([gpt_bytes[place] ^ mask])
    pieces = {0: gpt_bytes[:18_000], (LAST - 40) * 512: gpt_bytes[(LAST - 40) * 512 :]}
    source = Memory(16 * MIB, pieces | {place: changed})
    assert starts(read_tree(source)) == WHOLE


def test_a_table_of_thirty_thousand_partitions_is_shown_but_not_looked_into_all() -> None:
    sectors, count = 200_000, 32_768
    array = b"".join(
        struct.pack("<16s16sQQQ72s", b"T" * 16, struct.pack("<QQ", 1, slot), 8300 + slot, 8300 + slot, 0, b"")
        for slot in range(count)
    )
    header = gpt_header(sectors, first=8196, last=sectors - 2, count=count, crc=zlib.crc32(array))
    source = disk(sectors, {0: table(entry(0xEE, 1, sectors - 1)), 1: header, 2: array})
    tree = examine(source)
    assert len(tree.partitions()) == count
    assert "too-many-partitions" in codes(tree)
    assert source.reads < 20_000
