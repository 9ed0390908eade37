"""The search for lost partitions: beside TestDisk on disks with a volume of every kind and no table, and against plain
reading. Found and phantoms are counted against what was laid there; a phantom is a start where no volume begins.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from engine.partitions.search import search
from engine.source import FileSource
from engine.tools import find_tool
from tests.bench.report import Report
from tests.engine.partitions.volume_kinds import SAMPLES, Makery, lay, wipe
from tests.support import find_tool as find_any

_BLOCK = 2 << 20
_SAME = ("ntfs-64k", "ext4-1k", "ext2-r0", "md-1.0", "refs", "bitlocker", "zfs", "meihdfs", "lvm", "hfs")
_LINE = re.compile(r"^(?: *\d+)? +[PDL*]? ?\D+ +(\d+) +(\d+) +(\d+)(?: \[.*\])?$")


def run(report: Report) -> None:
    """Kinds, backups, noise."""
    make = Makery(report.folder)
    names = [
        name for name, sample in SAMPLES.items() if name not in _SAME and all(find_any(tool) for tool in sample.tools)
    ]
    for words, aligned, backups in (
        ("aligned", True, False), ("at odd sectors", False, False), ("at odd sectors, only backups", False, True),
    ):  # fmt: skip
        disk = report.folder / "disk"
        chosen = [name for name in names if not backups or SAMPLES[name].wipe]
        places = lay(disk, make, chosen, aligned=aligned)
        if backups:
            for start, name in places.items():
                wipe(disk, start, name)
        _beside(report, f"{len(chosen)} volumes {words}", disk, set(places))
    _rate(report)


def _beside(report: Report, what: str, disk: Path, truth: set[int]) -> None:
    for deep in (False, True):
        begun = time.perf_counter()
        with FileSource(disk) as source:
            starts = {find.start for find in search(source, deep=deep).volumes}
        took = time.perf_counter() - begun
        way = "deep" if deep else "quick"
        theirs = _testdisk(report.folder, disk, deep=deep)
        other = (None, None, None) if theirs is None else (
            len(theirs[0] & truth), len(theirs[0] - truth), theirs[1]
        )  # fmt: skip
        report.value(f"{what}: found, {way}", len(starts & truth), "", other[0], "testdisk")
        report.value(f"{what}: phantoms, {way}", len(starts - truth), "", other[1], "testdisk")
        report.value(f"{what}: time, {way}", took, "s", other[2], "testdisk")


def _testdisk(folder: Path, disk: Path, *, deep: bool) -> tuple[set[int], float] | None:
    """Starts that TestDisk proposes (quick) or reports (deep), in its GPT mode, which tells sectors; and its time."""
    tool = find_tool("testdisk")
    if tool is None:
        return None
    log = folder / "testdisk.log"
    log.unlink(missing_ok=True)
    begun = time.perf_counter()
    subprocess.run(
        [tool, "/log", "/cmd", str(disk), "partition_gpt,analyze" + (",search" if deep else "")],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=1800,
        check=False,
    )  # fmt: skip
    took = time.perf_counter() - begun
    starts = set()
    for line in log.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match and int(match[2]) - int(match[1]) + 1 == int(match[3]):
            starts.add(int(match[1]) * 512)
    return starts, took


def _rate(report: Report) -> None:
    """Warm, one thread: every sector of noise against reading the same file into the same kind of buffer."""
    size = (64 if report.small else 1024) << 20
    path = report.folder / "noise"
    with open(path, "wb") as file:
        for _ in range(size // _BLOCK):
            file.write(os.urandom(_BLOCK))

    def plain() -> None:
        buffer = bytearray(_BLOCK)
        with open(path, "rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass

    def ours() -> None:
        with FileSource(path) as source:
            assert not search(source, deep=True).finds

    report.against(f"every sector of {size >> 20} MiB of noise", ours, plain, "plain reading")
    row = report.rows[-1]
    rates = [size / took / 1e9 for took in (row.ours, row.anchor or 1)]
    report.value("rate of the same", rates[0], "GB/s", rates[1], "plain reading")
    path.unlink()


if __name__ == "__main__":
    sys.exit("run it with: python -m tests.bench search")
