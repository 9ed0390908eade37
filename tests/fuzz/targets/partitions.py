"""Partition tables, boot sectors and superblocks; the search for lost ones; templates over them."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine.errors import RescueError
from engine.hex.registry import lay, templates
from engine.partitions.checks import examine
from engine.partitions.document import tree_document
from engine.partitions.inspect import facts_of, fields_at
from engine.partitions.peek import Peek
from engine.partitions.rebuilt.propose import propose
from engine.partitions.search.model import SearchResult
from engine.partitions.search.plan import plan_table
from engine.partitions.search.search import search
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.recognise import recognise_all
from tests.engine.partitions import written_volumes
from tests.engine.partitions.disks import entry, table
from tests.fuzz.sparse import SparseSource, packed
from tests.fuzz.target import Target
from tests.fuzz.volumes import volume_parts

MIB = 1 << 20
TABLES_MOST, SEARCH_MOST = 64 * MIB, 4 * MIB


def tables(data: bytes) -> object:
    """The tree with its problems, and the fields of what it found."""
    source = SparseSource(data, TABLES_MOST)
    tree = examine(source)
    peek, told = Peek(source), []
    for node in list(tree.walk())[:20]:
        for place in node.places[:2]:
            told.append((fields_at(peek, tree, node, place), facts_of(peek, tree, node, place)))
    tree_document(tree)
    assert told is not None
    return [(node.uuid, node.problems, _shown(node.filesystem)) for node in tree.walk()]


def _shown(volume: Volume | None) -> object:
    """What is never a name: names are made safe where they are shown, which the commands' targets look at."""
    return None if volume is None else (volume.kind, volume.version, volume.uuid, volume.evidence, volume.problems)


def _gpt() -> list[tuple[int, bytes]]:
    import zlib

    entries = struct.pack(
        "<16s16sQQQ72s", bytes(range(16)), bytes(range(16, 32)), 40, 99, 0, "Daten".encode("utf-16-le")
    )
    array = entries.ljust(128 * 128, b"\0")

    def header(own: int, other: int, at: int) -> bytes:
        body = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 1 << 16, 92, 0, 0, own, other, 34, 1990, bytes(16), at,
                           128, 128, zlib.crc32(array))  # fmt: skip
        return body[:16] + struct.pack("<I", zlib.crc32(body)) + body[20:]

    return [(0, table(entry(0xEE, 1, 2047))), (512, header(1, 2047, 2)), (1024, entries),
            (2015 * 512, entries), (2047 * 512, header(2047, 1, 2015))]  # fmt: skip


def _chain(count: int) -> list[tuple[int, bytes]]:
    parts = [(0, table(entry(0x83, 64, 64), entry(5, 256, 4096 - 256)))]
    for number in range(count):
        base = 256 + number * 128
        more = [entry(5, (number + 1) * 128, 128)] if number + 1 < count else []
        parts.append((base * 512, table(entry(0x0B, 2, 100), *(more or [bytes(16)]))))
    return parts


def _tables() -> Iterator[bytes]:
    yield packed(2048 * 512, _gpt())
    yield packed(4096 * 512, _chain(6))
    yield packed(
        4096 * 512, [(0, table(entry(7, 8, 100), entry(0x0F, 200, 3000))), (200 * 512, table(entry(5, 0, 10)))]
    )
    boot = volume_parts("fat16")
    yield packed(32 * MIB, [(0, table(entry(6, 64, 16384))), *((at + 64 * 512, part) for at, part in boot)])
    yield from _volumes()


def superblocks(data: bytes) -> object:
    """What begins at the start of the disk, and the boot sector it should have."""
    source = SparseSource(data, TABLES_MOST)
    told = [_shown(volume) for volume in recognise_all(source, 0)]
    made = propose(Peek(source), 0, source.size, sector_size=512, hidden=63)
    return told, None if made is None else made.notes


_WRITTEN_SIZE = 5 * MIB
WRITTEN = ("lvm", "md_old", "md_end", "md_front", "hfsplus", "hfsx", "refs", "bitlocker", "zfs", "meihdfs")
MADE = ("fat12", "fat16", "fat32", "exfat", "ntfs", "ext2", "ext4", "xfs", "btrfs", "swap", "f2fs", "jfs", "reiserfs")


def _volumes() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="fuzz-volumes-") as folder:
        for name in WRITTEN:
            path = Path(folder, name)
            with open(path, "wb") as file:
                file.truncate(_WRITTEN_SIZE)
            getattr(written_volumes, name)(path)
            yield packed(_WRITTEN_SIZE, [(0, path.read_bytes())])
    for name in MADE:
        parts = volume_parts(name)
        if parts:
            yield packed(max(at + len(part) for at, part in parts) + 4096 & ~4095, parts)


def lost(data: bytes) -> object:
    """The search on a small disk, deep, what it would write, and its result kept and loaded again."""
    source = SparseSource(data, SEARCH_MOST)
    result = search(source, deep=True)
    saved = json.loads(json.dumps(result.to_json()))
    assert SearchResult.from_json(saved).to_json() == result.to_json()
    for label in (None, "dos", "gpt"):
        try:
            plan = plan_table(result, label=label)
            plan.write_plan(source)
        except RescueError:
            continue
    return [(find.kind, _shown(find.volume)) for find in result.volumes]


def overlay(data: bytes) -> object:
    """Every structure template at a place that the input chooses, or the one that is guessed."""
    names = [None, *sorted(templates())]
    name = names[data[0] % len(names)] if data else None
    source = SparseSource(data[1:], TABLES_MOST)
    lay(source, 0, None, alone=True)
    return [(one.name, one.problem) for one in lay(source, 0, name).fields]


def _overlays() -> Iterator[bytes]:
    volumes = list(_volumes())
    for number in range(len(templates()) + 1):
        yield bytes([number]) + volumes[number % len(volumes)][:3000]


TARGETS = (
    Target("partition-tables", tables, lambda: _tables(), runs=250, longest=8192),
    Target("superblocks", superblocks, lambda: _volumes(), runs=60, longest=8192),
    Target("partition-search", lost, lambda: _tables(), runs=80, longest=8192),
    Target("templates", overlay, lambda: _overlays(), runs=200, longest=4096),
)
