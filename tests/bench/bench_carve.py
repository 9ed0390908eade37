"""Carving beside PhotoRec on the same image: what came out byte for byte, what is usable, how much of it is files.

Usable: the find begins at a file's start and holds all of it (a little padding more). Precision: of all that is given
out, how much begins where a file begins. Rates: the aligned scan of cached data beside plain reading.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

from engine.carve.carving import carve
from engine.carve.find import Find
from engine.carve.outcome import Status
from engine.carve.signatures import table
from engine.source import FileSource
from tests.bench.report import Report
from tests.engine.carve.corpus import make_corpus
from tests.support import find_tool

_BLOCK = 4 << 20


def run(report: Report) -> None:
    """Quality, then rates."""
    files = make_corpus(report.folder / "corpus", office=not report.small)
    for words, align in (("at sectors", 512), ("at odd places", 1)):
        truth = _lay(report.folder / "disk", files, align, 64 << 20 if report.small else 1 << 30)
        _quality(report, words, truth, everywhere=align == 1)
    _rates(report)


def _lay(path: Path, files: list[Path], align: int, size: int) -> dict[int, bytes]:
    """Files in random order with noise, zeros and text between them; returns content by start."""
    dice, truth = random.Random(1), dict[int, bytes]()
    order = list(files)
    dice.shuffle(order)
    with open(path, "wb") as out:
        out.write(dice.randbytes(1 << 20))
        for file in order:
            content = file.read_bytes()
            gap = dice.randrange(64) * 512 if align == 512 else dice.randrange(1, 20_000)
            kind = dice.randrange(3)
            gap += -(out.tell() + gap) % align
            out.write((dice.randbytes(gap), bytes(gap), (b"plain words between files. " * (gap // 27 + 1))[:gap])[kind])
            truth[out.tell()] = content
            out.write(content)
        out.write(dice.randbytes(1 << 20))
        out.truncate(max(size, out.tell()))
    return truth


def _quality(report: Report, words: str, truth: dict[int, bytes], *, everywhere: bool) -> None:
    disk = report.folder / "disk"
    begun = time.perf_counter()
    with FileSource(disk) as source:
        finds = [find for find in carve(source, table(), everywhere=everywhere) if find.inside is None]
    took = time.perf_counter() - begun
    exact = sum(_exact(find, truth) for find in finds)
    usable = sum(find.start in truth and find.size >= len(truth[find.start]) for find in finds)
    right = sum(find.start in truth for find in finds)
    theirs = _photorec(report.folder, disk, truth)
    other = (None,) * 4 if theirs is None else theirs
    count = len(truth)
    report.value(f"{count} files {words}: byte for byte", 100 * exact / count, "%", other[0], "photorec")
    report.value(f"{count} files {words}: usable", 100 * usable / count, "%", other[1], "photorec")
    report.value(f"{count} files {words}: precision", 100 * right / max(1, len(finds)), "%", other[2], "photorec")
    report.value(f"{count} files {words}: time", took, "s", other[3], "photorec")


def _exact(find: Find, truth: dict[int, bytes]) -> bool:
    return find.status is Status.COMPLETE and find.size == len(truth.get(find.start, b""))


def _photorec(folder: Path, disk: Path, truth: dict[int, bytes]) -> tuple[float, float, float, float] | None:
    tool = find_tool("photorec")
    if tool is None:
        return None
    out = folder / "photorec"
    shutil.rmtree(folder / "photorec.1", ignore_errors=True)
    words = "partition_none,options,paranoid,fileopt,everything,enable,search"
    begun = time.perf_counter()
    subprocess.run([tool, "/log", "/logname", folder / "photorec.log", "/d", out, "/cmd", disk, words],
                   stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=3600, cwd=folder,
                   env={**os.environ, "TERM": "xterm"})  # fmt: skip
    took = time.perf_counter() - begun
    heads = {content[:4096]: content for content in truth.values()}
    sums = {hashlib.sha256(content).digest() for content in truth.values()}
    exact = usable = right = total = 0
    for path in folder.glob("photorec.*/*"):
        if not path.is_file() or path.name == "report.xml":
            continue
        total += 1
        content = path.read_bytes()
        exact += hashlib.sha256(content).digest() in sums
        original = heads.get(content[:4096])
        if original is not None:
            right += 1
            usable += content[: len(original)] == original
    return 100 * exact / len(truth), 100 * usable / len(truth), 100 * right / max(1, total), took


def _rates(report: Report) -> None:
    path = report.folder / "noise"
    size = (64 << 20) if report.small else (1 << 30)
    dice = random.Random(2)
    with open(path, "wb") as out:
        piece = dice.randbytes(16 << 20)
        for number in range(size // len(piece)):
            out.write(piece[number:] + piece[:number])
    for words, everywhere in (("aligned", False), ("everywhere", True)):

        def ours(everywhere: bool = everywhere) -> None:
            with FileSource(path) as source:
                for _ in carve(source, table(), everywhere=everywhere):
                    pass

        report.against(f"scan of {size >> 20} MiB of noise, {words}", ours, lambda: _plain(path), "plain reading")


def _plain(path: Path) -> None:
    buffer = bytearray(_BLOCK)
    with open(path, "rb", buffering=0) as stream:
        while stream.readinto(buffer):
            pass
