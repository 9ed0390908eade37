"""Random damage to tables and boot sectors: no failure, and every repair that is offered mends its finding."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.errors import RefusedError
from engine.partitions.checks import examine
from engine.partitions.model import Finding, Node, Tree
from engine.partitions.repairs import plan_repair
from tests.engine.partitions.disks import MIB, blank, entry, exfat, fat, ntfs, place_file, put, run, table
from tests.engine.partitions.test_read import Memory
from tests.support import needs_tool

Zones = list[tuple[int, int]]
CASES = 40


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[bytes, Zones]]:
    """An MBR disk with FAT32, NTFS, exFAT and a chain; a GPT disk with FAT32; each with the places worth hitting."""
    needs_tool("mkfs.vfat")
    needs_tool("mkfs.ntfs")
    needs_tool("mkfs.exfat")
    needs_tool("sgdisk")
    folder = tmp_path_factory.mktemp("damage")
    mbr = blank(folder / "m.img", 24 * MIB)
    primaries = entry(0x0C, 2048, 8192, 0x80), entry(7, 10_240, 8192), entry(7, 18_432, 8192)
    put(mbr, 0, table(*primaries, entry(5, 27_000, 20_000)))
    volume = fat(folder, 4 * MIB, hidden=2048)
    place_file(mbr, MIB, volume)
    place_file(mbr, 10_240 * 512, ntfs(folder, 4 * MIB, hidden=10_240))
    place_file(mbr, 18_432 * 512, exfat(folder, 4 * MIB))
    put(mbr, 27_000 * 512, table(entry(0x83, 2048, 4096), entry(5, 8000, 5000)))
    put(mbr, 35_000 * 512, table(entry(0x83, 63, 4000)))
    zones = [
        (446, 66), (MIB, 512), (MIB + 512, 512), (MIB + 3072, 512), (10_240 * 512, 512), (18_432 * 512 - 512, 512),
        (18_432 * 512, 512), (18_432 * 512, 24 * 512), (27_000 * 512 + 446, 66), (35_000 * 512 + 446, 66),
    ]  # fmt: skip
    gpt = blank(folder / "g.img", 16 * MIB)
    run("sgdisk", "-n", "1:0:+4M", "-t", "1:0700", "-n", "5:0:+4M", gpt)
    place_file(gpt, MIB, volume)
    end = 16 * MIB
    return [
        (mbr.read_bytes(), zones),
        (gpt.read_bytes(), [(0, 512), (512, 92), (1024, 16384), (end - 512, 92), (end - 33 * 512, 16384), (MIB, 512)]),
    ]


def damaged(disks: list[tuple[bytes, Zones]], seed: int) -> bytes:
    generator = random.Random(seed)
    base, zones = generator.choice(disks)
    image = bytearray(base)
    for _ in range(generator.choice([1, 1, 2, 3])):
        offset, size = generator.choice(zones)
        how = generator.randrange(4)
        if how == 0:
            image[offset + generator.randrange(size)] = generator.choice([0, 1, 5, 0x80, 255, generator.randrange(256)])
        elif how == 1:
            place = offset + generator.randrange(size - 4)
            image[place : place + 4] = generator.choice([bytes(4), b"\xff" * 4, generator.randbytes(4)])
        else:
            image[offset : offset + size] = bytes(size) if how == 2 else generator.randbytes(size)
    if generator.random() < 0.1:
        return bytes(image[: len(image) - 512 * generator.randrange(1, 4000)])
    return bytes(image)


def repairs_of(tree: Tree) -> list[tuple[Node | None, Finding]]:
    return [(node, finding) for node, finding in tree.findings() if finding.fixable and finding.repair != "active"]


def test_what_is_offered_helps(disks: list[tuple[bytes, Zones]], tmp_path: Path) -> None:
    mended = 0
    for seed in range(CASES):
        image = damaged(disks, seed)
        source = Memory(len(image), {0: image})
        tree = examine(source)
        for node, finding in repairs_of(tree)[:3]:
            start = node.start if node is not None else None
            try:
                plan = plan_repair(source, finding.code, at=start, tree=tree)
            except RefusedError:
                continue  # another repair has to come first, and the message says so
            after = bytearray(image)
            for write in plan.writes:
                assert after[write.offset : write.end] == write.old
                after[write.offset : write.end] = write.new
            assert plan.writes, (seed, finding)
            again = examine(Memory(len(after), {0: bytes(after)}))
            left = [(one and one.start, other.code) for one, other in again.findings()]
            assert (start, finding.code) not in left, (seed, finding)
            mended += 1
    assert mended > CASES // 2
