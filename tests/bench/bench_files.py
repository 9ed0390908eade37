"""Files of a volume: the index beside The Sleuth Kit's own listing, what a new map costs, extraction beside cp."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from engine.cases.damage import Damage
from engine.cases.taking import Choice, take
from engine.cases.volumes import open_volume
from engine.filesystems.build import build
from engine.filesystems.hits import files_hit
from engine.filesystems.index import Index
from engine.mapfile import Mapfile, read_map, write_map
from engine.mapfile.model import Runs
from engine.ranges import RangeSet
from engine.source import FileSource
from engine.tools import find_tool
from tests.bench.report import Report
from tests.bench.synthetic_fat import write


def run(report: Report) -> None:
    """10^5 and 10^6 files, then content."""
    for files in (20_000,) if report.small else (100_000, 1_000_000):
        _index(report, files)
    _extraction(report)


def _index(report: Report, files: int) -> None:
    image, path = report.folder / "files.img", report.folder / "files.sqlite"
    write(image, files)
    begun = time.perf_counter()
    with FileSource(image) as source:
        built = build(source, path)
    took = time.perf_counter() - begun
    assert built.files == files
    fls, other = find_tool("fls"), None
    if fls is not None:
        begun = time.perf_counter()
        with open(os.devnull, "wb") as nowhere:
            subprocess.run([fls, "-r", "-p", "-l", image], stdout=nowhere, check=True, timeout=1800)
        other = time.perf_counter() - begun
    report.value(f"index of {files} files", took, "s", other, "fls -rpl")
    report.value("size of that index", path.stat().st_size / 1e6, "MB")
    size = image.stat().st_size
    maps = [report.folder / "0.map", report.folder / "1.map"]
    for number, map_ in enumerate(maps):
        write_map(map_, _holed(size, 10_000, number))
    with Index(path) as index:
        begun = time.perf_counter()
        _query(index, maps[0], size)
        report.value("what is hit, first time (opens the places)", time.perf_counter() - begun, "s")
        times, hit = [], 0
        for number in range(report.rounds):
            begun = time.perf_counter()
            hit = _query(index, maps[number % 2], size)
            times.append(time.perf_counter() - begun)
        report.value(f"what is hit after a new map ({hit} files)", min(times), "s", 0.2, "the promise")
    image.unlink()
    path.unlink()


def _holed(size: int, areas: int, seed: int) -> Mapfile:
    """``areas`` unread stretches of 512 bytes to 64 KiB over the whole disk."""
    import numpy as np

    dice = random.Random(seed)
    holes = RangeSet((at, at + 512 * dice.randrange(1, 128)) for at in sorted(
        dice.randrange(1 << 20, size - (1 << 17)) // 512 * 512 for _ in range(areas)))  # fmt: skip
    edges = np.empty(2 * len(holes) + 2, np.int64)
    edges[0], edges[-1], edges[1:-1:2], edges[2:-1:2] = 0, size, holes.starts, holes.ends
    codes = np.zeros(edges.size - 1, np.uint8)
    codes[1::2] = 4
    return Mapfile.new(0, size, "+").put(Runs(edges, codes))


def _query(index: Index, map_: Path, size: int) -> int:
    """What the screen asks after a pass: the map, the join, the first hundred rows with their paths."""
    holes = read_map(map_).holes(0, size)
    told = Damage(index, holes, files_hit(index, holes))
    assert len(list(told.files(0, 100))) == 100
    return len(told.hits)


def _extraction(report: Report) -> None:
    mkfs = find_tool("mkfs.ext4")
    if mkfs is None:
        report.skip("mkfs.ext4 is not installed")
        return
    tree, image = report.folder / "tree", report.folder / "tree.img"
    tree.mkdir()
    dice = random.Random(1)
    count = 100 if report.small else 600
    for number in range(count):
        folder = tree / f"d{number % 20}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}.bin").write_bytes(dice.randbytes(dice.randrange(1, 2 << 20)))
    with open(image, "wb") as stream:
        stream.truncate(count * (5 << 18) + (64 << 20))
    subprocess.run([mkfs, "-q", "-F", "-d", tree, image], check=True, capture_output=True, timeout=600)
    runs = iter(range(1000))

    def ours() -> None:
        with open_volume(image, index=report.folder / "tree.sqlite") as opened:
            assert take(opened, Choice(), report.folder / f"out{next(runs)}").files == count

    def cp() -> None:
        target = report.folder / f"cp{next(runs)}"
        subprocess.run(["cp", "-a", tree, target], check=True, timeout=600)
        os.sync()

    ours()  # the index is made once
    report.against(f"extraction of {count} files with SHA-256, synced", ours, cp, "cp -a; sync")


if __name__ == "__main__":
    sys.exit("run it with: python -m tests.bench files")
