"""Extraction, hashed and with sidecars, beside ``cp`` of the same bytes: in memory, and until they are on the disk.

``cp`` alone does less work than is wanted. In memory the sum sets the limit: SHA-256 runs at 1.5 to 2 GB/s on a
processor with instructions for it, ``cp`` at 3 to 5. So the sum alone is printed too, and ``cp`` with ``sha256sum``,
which is what a person does who wants both.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from engine.extract import Item, Options, extract
from engine.source import Extent, ExtentSource, FileSource
from tests.bench.report import Report

_PIECE = 4 << 20


def run(report: Report) -> None:
    """Four files, each of many extents, warm cache. The aim: at least 0.8 of the rate of ``cp``."""
    size = (64 if report.small else 1024) << 20
    disk = report.folder / "disk"
    with open(disk, "wb") as file:
        for _ in range(size // _PIECE):
            file.write(os.urandom(_PIECE))
    plain = [report.folder / f"plain{n}" for n in range(4)]
    with open(disk, "rb") as stream:
        for path in plain:
            with open(path, "wb") as file:
                file.write(stream.read(size // 4))
    out = report.folder / "out"

    def ours(durable: bool) -> None:
        shutil.rmtree(out, ignore_errors=True)
        with FileSource(disk) as source:
            quarter = size // 4
            items = [
                Item(f"film {n}.mpg", ExtentSource(source, [
                    Extent(at, _PIECE) for at in range(n * quarter, (n + 1) * quarter, _PIECE)]), 1e9)
                for n in range(4)
            ]  # fmt: skip
            done = extract(items, out, Options(journal=report.folder / "journal", durable=durable))
        assert len(done.written) == 4
        (report.folder / "journal").unlink()

    def cp(sync: bool) -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        subprocess.run(["cp", *map(str, plain), str(out)], check=True)
        if sync:
            subprocess.run(["sync", *(str(out / path.name) for path in plain)], check=True)

    def summed() -> None:
        total, buffer = hashlib.sha256(), bytearray(256 << 10)
        with open(disk, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                total.update(memoryview(buffer)[:count])

    def by_hand(sync: bool) -> None:
        cp(sync)
        subprocess.run(["sha256sum", *(str(out / path.name) for path in plain)], check=True, stdout=subprocess.DEVNULL)

    for words, sync in (("in memory", False), ("until on the disk", True)):
        name = f"{size >> 20} MiB in 4 files, hashed, {words}"
        report.against(f"{name}", partial(ours, sync), partial(cp, sync), "cp" + (" + sync" if sync else ""),
                       aim=1 / 0.8)  # fmt: skip
        row = report.rows[-1]
        report.value("rate of the same", size / row.ours / 1e9, "GB/s", size / (row.anchor or 1) / 1e9, "cp")
        report.against(f"{name}", partial(ours, sync), partial(by_hand, sync),
                       "cp" + (" + sync" if sync else "") + " + sha256sum", aim=1, rounds=2)  # fmt: skip
        if not sync:
            report.against(f"{name}", partial(ours, False), summed, "reading and SHA-256 alone")
    _clean(report.folder)


def _clean(folder: Path) -> None:
    shutil.rmtree(folder / "out", ignore_errors=True)
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()


if __name__ == "__main__":
    sys.exit("run it with: python -m tests.bench extract")
