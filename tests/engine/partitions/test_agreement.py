"""Tables made by sfdisk, sgdisk and parted, read by them and by us: every start, size, type, name and GUID agrees."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from engine.partitions.model import Tree
from tests.engine.partitions.disks import (
    MIB,
    blank,
    codes,
    entry,
    exfat,
    ext4,
    fat,
    loop,
    ntfs,
    partition,
    place_file,
    put,
    run,
    sfdisk,
    sfdisk_json,
    table,
    tree_of,
)
from tests.support import needs_tool


def dos_layout(generator: random.Random, sectors: int) -> str:
    """A random table for sfdisk: primaries and, mostly, an extended partition with logicals, some unaligned."""
    lines = ["label: dos", f"label-id: 0x{generator.randrange(1 << 32):08x}"]
    cuts = sorted(generator.sample(range(64, sectors - 64, 8 if generator.random() < 0.5 else 1), 8))
    places = [(low, high - low) for low, high in zip(cuts, cuts[1:], strict=False) if high - low > 16]
    primaries = places[: generator.randint(1, 3)]
    for number, (start, size) in enumerate(primaries, 1):
        kind = generator.choice(["7", "c", "83", "82", "e", "a5", "27", "af"])
        active = ", bootable" if number == 2 else ""
        lines.append(f"start={start}, size={size - 8}, type={kind}{active}")
    rest = places[len(primaries) :]
    if rest:
        start = rest[0][0]
        lines.append(f"start={start}, size={sectors - start}, type={generator.choice(['5', 'f', '85'])}")
        for low, size in rest:
            lines.append(f"start={low + 4}, size={size - 8}, type={generator.choice(['7', 'b', '83', '8e', 'fd'])}")
    return "\n".join(lines) + "\n"


def told_by_us(tree: Tree) -> list[tuple[int, int, int, str, bool]]:
    size = tree.sector_size
    return sorted(
        (node.index or 0, node.start // size, node.size // size, node.type, "active" in node.flags)
        for node in tree.partitions()
    )


@pytest.mark.parametrize("seed", range(12))
def test_mbr_with_chain_agrees_with_sfdisk(tmp_path: Path, seed: int) -> None:
    needs_tool("sfdisk")
    sectors = 64 * MIB // 512
    image = sfdisk(tmp_path / "d.img", dos_layout(random.Random(seed), sectors))
    found = sfdisk_json(image)
    theirs = sorted(
        (int(re.search(r"(\d+)$", one["node"])[1]), one["start"], one["size"], f"{int(one['type'], 16):02x}",
         one.get("bootable", False))
        for one in found["partitions"]
    )  # fmt: skip
    tree = tree_of(image)
    assert tree.scheme == "mbr"
    assert told_by_us(tree) == theirs
    assert f"0x{tree.nodes[0].name}" == found["id"]
    assert not {"overlap", "chs-mismatch", "ebr-garbage", "partition-outside-extended"} & set(codes(tree, notes=True))


@pytest.mark.parametrize("seed", range(3))
def test_gpt_agrees_with_sfdisk_and_sgdisk(tmp_path: Path, seed: int) -> None:
    needs_tool("sfdisk")
    needs_tool("sgdisk")
    generator = random.Random(seed)
    image = blank(tmp_path / "d.img", 64 * MIB)
    arguments = []
    for number in generator.sample(range(1, 129), generator.randint(1, 12)):
        kind = generator.choice(["8300", "8200", "0700", "ef00", "8e00", "fd00", "af00", "a504"])
        arguments += ["-n", f"{number}:0:+{generator.randint(1, 4)}M", "-t", f"{number}:{kind}"]
        arguments += ["-c", f"{number}:{generator.choice(['data', 'Grüße', '空', 'a b'])}"]
        if generator.random() < 0.3:
            arguments += ["-A", f"{number}:set:{generator.choice([0, 2, 60, 63])}"]
    run("sgdisk", *arguments, image)
    found = sfdisk_json(image)
    tree = tree_of(image)
    assert tree.scheme == "gpt"
    assert tree.nodes[1].uuid == found["id"]
    theirs = sorted(
        (int(re.search(r"(\d+)$", one["node"])[1]), one["start"], one["size"], one["type"], one["uuid"],
         one.get("name", ""))
        for one in found["partitions"]
    )  # fmt: skip
    ours = sorted(
        (node.index, node.start // 512, node.size // 512, node.type, node.uuid, node.name)
        for node in tree.partitions()
    )
    assert ours == theirs
    assert not codes(tree)
    for node in tree.partitions():
        detail = run("sgdisk", "-i", str(node.index), image)
        flags = int(re.search(r"Attribute flags: ([0-9A-F]+)", detail)[1], 16)
        assert len(node.flags) == flags.bit_count()


def test_parted_agrees_in_bytes(tmp_path: Path) -> None:
    needs_tool("parted")
    for label in ("msdos", "gpt"):
        image = blank(tmp_path / f"{label}.img", 64 * MIB)
        kinds = ("primary", "extended", "logical") if label == "msdos" else ("one", "two", "three")
        ends = ((1, 9), (10, 60), (12, 30)) if label == "msdos" else ((1, 9), (10, 11), (12, 30))
        steps: list[str] = ["mklabel", label]
        for kind, (start, end) in zip(kinds, ends, strict=True):
            steps += ["mkpart", kind, *(["ext2"] if kind != "extended" else []), f"{start}MiB", f"{end}MiB"]
        run("parted", "-s", image, *steps)
        rows = [line.split(":") for line in run("parted", "-sm", image, "unit", "B", "print").splitlines()[2:]]
        theirs = sorted((int(row[0]), int(row[1][:-1]), int(row[3][:-1])) for row in rows)
        ours = sorted((node.index, node.start, node.size) for node in tree_of(image).partitions())
        assert ours == theirs


def test_volumes_agree_with_blkid(tmp_path: Path) -> None:
    needs_tool("mkfs.vfat")
    needs_tool("mkfs.ntfs")
    needs_tool("mkfs.ext4")
    needs_tool("sfdisk")
    needs_tool("blkid")
    script = "label: gpt\n" + "".join(
        f"start={start}, size={size}, type={kind}\n"
        for start, size, kind in (
            (2048, 4 * 2048, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"),
            (20480, 8 * 2048, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"),
            (40960, 40 * 2048, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"),
            (126976, 8 * 2048, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"),
            (147456, 16 * 2048, "0FC63DAF-8483-4772-8E79-3D69D8477DE4"),
        )
    )
    image = sfdisk(tmp_path / "d.img", script, 96 * MIB)
    volumes = (
        fat(tmp_path, 4 * MIB, bits=12, hidden=2048), fat(tmp_path, 8 * MIB, bits=16, hidden=20480),
        fat(tmp_path, 40 * MIB, hidden=40960), ntfs(tmp_path, 8 * MIB, hidden=126976), ext4(tmp_path, 16 * MIB),
    )  # fmt: skip
    starts = (2048, 20480, 40960, 126976, 147456)
    for start, volume in zip(starts, volumes, strict=True):
        place_file(image, start * 512, volume)
    tree = tree_of(image)
    assert not codes(tree)
    for number, start in enumerate(starts, 1):
        told = dict(
            line.split("=", 1)
            for line in run("blkid", "-p", "-o", "export", "-O", str(start * 512), "-S",
                            str(partition(tree, number).size), image).splitlines()
        )  # fmt: skip
        volume = partition(tree, number).filesystem
        assert volume is not None
        kind = "vfat" if volume.kind.startswith("fat") else volume.kind
        assert (kind, volume.label, volume.uuid) == (told["TYPE"], told["LABEL"], told["UUID"])


def test_exfat_agrees_with_blkid(tmp_path: Path) -> None:
    needs_tool("mkfs.exfat")
    needs_tool("blkid")
    image = exfat(tmp_path, 8 * MIB)
    tree = tree_of(image)
    told = dict(line.split("=", 1) for line in run("blkid", "-p", "-o", "export", image).splitlines())
    assert tree.scheme == "volume"
    volume = tree.nodes[0].filesystem
    assert volume is not None
    assert (volume.kind, volume.label, volume.uuid) == (told["TYPE"], told["LABEL"], told["UUID"])
    assert not codes(tree)


def test_sectors_of_4096(tmp_path: Path) -> None:
    """A table made for 4096-byte sectors is read in its own unit, and nothing is proposed to be written."""
    needs_tool("sfdisk")
    image = blank(tmp_path / "d.img", 64 * MIB)
    with loop(image, 4096) as device:
        run("sfdisk", "-q", device, stdin="label: gpt\nsize=8M\nsize=16M\n")
        rows = [(one["start"], one["size"]) for one in sfdisk_json(Path(device))["partitions"]]
    tree = tree_of(image)
    assert tree.sector_size == 4096
    assert [(node.start // 4096, node.size // 4096) for node in tree.partitions()] == rows
    assert codes(tree, notes=True) == ["sector-size-4096"]


def test_mbr_of_4096_byte_sectors_is_told_by_its_contents(tmp_path: Path) -> None:
    needs_tool("mkfs.ext4")
    image = blank(tmp_path / "d.img", 64 * MIB)
    put(image, 0, table(entry(0x83, 256, 4096)))
    place_file(image, 256 * 4096, ext4(tmp_path, 16 * MIB))
    tree = tree_of(image)
    assert tree.sector_size == 4096
    assert [(node.start, node.size) for node in tree.partitions()] == [(MIB, 16 * MIB)]
    assert "sector-size-4096" in codes(tree, notes=True)


@pytest.mark.full
def test_mmls_agrees_on_starts_and_lengths(tmp_path: Path) -> None:
    needs_tool("mmls")
    needs_tool("sfdisk")
    for seed in range(6):
        image = sfdisk(tmp_path / f"{seed}.img", dos_layout(random.Random(seed), 64 * MIB // 512))
        rows = re.findall(r"^\d+:\s+\d+:\d+\s+(\d+)\s+\d+\s+(\d+)", run("mmls", image), re.MULTILINE)
        tree = tree_of(image)
        ours = {(node.start // 512, node.size // 512) for node in tree.partitions() if node.kind != "extended"}
        assert ours == {(int(start), int(size)) for start, size in rows}
