"""A volume of a million files: the index as a job, then tree, files hit, deleted, search, marks."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np

from engine.mapfile import Mapfile, write_map
from engine.ranges import RangeSet
from tests.bench.synthetic_fat import write
from tests.load.report import Report
from tests.load.typist import Typist, typing
from tui.screens.files import FilesScreen
from tui.widgets.long_list import LongList


async def run(report: Report) -> None:
    """Index, then keys."""
    files = report.size(1_000_000, 20_000)
    image = report.folder / "disk.img"
    write(image, files)
    _holes(Path(f"{image}.map"), image.stat().st_size, report.size(10_000, 500))
    async with typing(image, map=str(image) + ".map") as typist:
        await typist.until(lambda: "rescued" in typist.text())
        await typist.press("F", kind="(open)")
        await typist.until(lambda: isinstance(typist.screen, FilesScreen) and "not listed yet" in typist.text())
        screen = typist.screen
        assert isinstance(screen, FilesScreen)
        begun = time.monotonic()
        await typist.press("i", kind="(index)")
        await typist.until(lambda: screen._overview is not None, most_s=1200)
        report.value(f"the index of {files:,} files", time.monotonic() - begun, "s")
        listed = screen.query_one(LongList)
        await typist.until(lambda: listed.count > 0)
        for _ in range(report.size(15, 2)):
            await _round(typist, listed)
            typist.weigh()
        report.keys(typist.times)
        later = typist.memory[len(typist.memory) // 4 :]
        report.value("memory", later[-1] / 1e6, "MB")
        report.must("memory is flat", later[-1] - later[0] < 32 << 20, f"{(later[-1] - later[0]) / 1e6:+.1f} MB")


async def _round(typist: Typist, listed: LongList) -> None:
    press = typist.press
    screen = typist.screen
    assert isinstance(screen, FilesScreen)

    async def moved_about() -> None:
        await press(*"jjjjjjjjjj", kind="cursor")
        await press("pagedown", "pagedown", "pageup", kind="page")
        await press("G", "g", kind="first, last")

    await moved_about()
    await press("enter", kind="into a folder")
    await typist.until(lambda: screen._trail.strip("/") != "" and listed.count > 500)
    await moved_about()
    await press("space", "space", "space", kind="mark")
    await press("left", kind="up")
    await typist.until(lambda: screen._trail == "/")
    begun = time.perf_counter()
    await press("v", kind="the files hit (asked)")
    await typist.until(lambda: screen._view == "hit" and listed.count > 100 and bool(screen._paths))
    typist.times["the files hit (listed)"].append((time.perf_counter() - begun, 0.0))
    await moved_about()
    await press("v", kind="deleted ones (asked)")
    await typist.until(lambda: "nothing here" in typist.text())
    await press("slash", kind="ask for words")
    await press(*["backspace"] * len(screen._words), kind="typed text")
    await typist.write("F0001")
    begun = time.perf_counter()
    await press("enter", kind="search (asked)")
    await typist.until(lambda: screen._view == "search" and listed.count > 0)
    typist.times["search (listed)"].append((time.perf_counter() - begun, 0.0))
    await moved_about()
    await press("v", kind="the tree (asked)")
    await typist.until(lambda: screen._view == "tree" and listed.count > 0)
    if screen._trail != "/":
        await press("left", kind="up")
        await typist.until(lambda: screen._trail == "/")


def _holes(path: Path, size: int, areas: int) -> None:
    """``areas`` unread stretches of 512 bytes to 64 KiB."""
    dice = random.Random(3)
    holes = RangeSet((at, at + 512 * dice.randrange(1, 128)) for at in sorted(
        dice.randrange(size // 2, size - (1 << 17)) // 512 * 512 for _ in range(areas)))  # fmt: skip
    edges = np.empty(2 * len(holes) + 2, np.int64)
    edges[0], edges[-1], edges[1:-1:2], edges[2:-1:2] = 0, size, holes.starts, holes.ends
    codes = np.zeros(edges.size - 1, np.uint8)
    codes[1::2] = 4
    write_map(path, Mapfile(edges, codes), durable=False)
