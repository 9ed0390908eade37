"""Disks for the tests of partitions, made by the tools that people use: sfdisk, sgdisk, mkfs."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.partitions.checks import examine
from engine.partitions.model import Node, Tree
from engine.source import FileSource
from tests.support import find_tool, needs_loop

MIB = 1 << 20


def run(*argv: str | Path, stdin: str | None = None, ok: tuple[int, ...] = (0,)) -> str:
    """A tool's output; fails the test when its status is not one of ``ok``."""
    name, *rest = map(str, argv)
    done = subprocess.run(
        [find_tool(name) or name, *rest], input=stdin, capture_output=True, text=True, timeout=60, check=False,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "BLKID_FILE": "/dev/null",
             "MTOOLS_SKIP_CHECK": "1"},
    )  # fmt: skip
    assert done.returncode in ok, f"{name}: {done.returncode} {done.stdout} {done.stderr}"
    return done.stdout


def blank(path: Path, size: int) -> Path:
    """A sparse file."""
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def sfdisk(path: Path, script: str, size: int = 64 * MIB) -> Path:
    """A disk with a table by sfdisk."""
    blank(path, size)
    run("sfdisk", "-q", path, stdin=script)
    return path


def put(path: Path, offset: int, data: bytes) -> None:
    """Overwrite bytes."""
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def get(path: Path, offset: int, size: int) -> bytes:
    """Bytes of a file."""
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)


def place_file(path: Path, offset: int, volume: Path) -> None:
    """Copy a volume into a disk, sparse where it is zero."""
    position = offset
    with open(volume, "rb") as source, open(path, "r+b") as target:
        while piece := source.read(MIB):
            if any(piece):
                target.seek(position)
                target.write(piece)
            position += len(piece)


def fat(folder: Path, size: int, *, bits: int = 32, hidden: int = 0, label: str = "RESCUE") -> Path:
    """A FAT volume by mkfs.vfat."""
    path = blank(folder / f"fat{bits}-{size}-{hidden}.vol", size)
    cluster = {12: 4, 16: 2, 32: 1}[bits]
    run("mkfs.vfat", "-F", str(bits), "-s", str(cluster), "-h", str(hidden), "-n", label, "-i", "1234ABCD", path)
    return path


def ntfs(folder: Path, size: int, *, hidden: int = 0, label: str = "RESCUE", cluster: int = 4096) -> Path:
    """An NTFS volume by mkntfs, which fills its partition but for the backup boot sector."""
    path = blank(folder / f"ntfs-{size}-{hidden}.vol", size)
    run("mkfs.ntfs", "-F", "-Q", "-q", "-p", str(hidden), "-c", str(cluster), "-L", label, "-H", "255", "-S", "63",
        path)  # fmt: skip
    return path


def exfat(folder: Path, size: int, *, label: str = "RESCUE") -> Path:
    """An exFAT volume by mkfs.exfat."""
    path = blank(folder / f"exfat-{size}.vol", size)
    run("mkfs.exfat", "-L", label, path)
    return path


def ext4(folder: Path, size: int, *, label: str = "RESCUE") -> Path:
    """An ext4 volume."""
    path = blank(folder / f"ext4-{size}.vol", size)
    run("mkfs.ext4", "-q", "-F", "-L", label, path)
    return path


def tree_of(path: Path, *, sector_size: int | None = None) -> Tree:
    """The examined tree of an image."""
    with FileSource(path) as source:
        return examine(source, sector_size=sector_size)


def codes(tree: Tree, *, notes: bool = False) -> list[str]:
    """Codes of all findings, sorted; notes only on request."""
    return sorted(problem.code for _, problem in tree.findings() if notes or problem.level != "note")


def partition(tree: Tree, index: int) -> Node:
    """The partition with that number."""
    return next(node for node in tree.partitions() if node.index == index)


def sfdisk_json(path: Path) -> dict[str, Any]:
    """What sfdisk reads."""
    value: dict[str, Any] = json.loads(run("sfdisk", "-J", path))["partitiontable"]
    return value


def entry(kind: int, start: int, size: int, status: int = 0) -> bytes:
    """16 bytes of a table, CHS left out."""
    return struct.pack("<B3xB3xII", status, kind, start, size)


def table(*entries: bytes, signature: bytes = b"\x55\xaa", disk_id: int = 0x12345678) -> bytes:
    """A table sector."""
    return struct.pack("<440sIH64s2s", b"", disk_id, 0, b"".join(entries), signature)


@contextmanager
def loop(image: Path, sector_size: int = 512) -> Iterator[str]:
    """A loop device over an image, detached afterwards."""
    needs_loop()
    device = run("losetup", "--show", "-f", "--sector-size", str(sector_size), image).strip()
    try:
        yield device
    finally:
        run("losetup", "-d", device)
