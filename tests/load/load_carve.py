"""A hundred thousand finds on the carving screen: while the scan fills the list, and afterwards."""

from __future__ import annotations

import time
from pathlib import Path

from engine.mapfile import Mapfile, write_map
from tests.engine.carve.made_files import picture
from tests.load.report import Report
from tests.load.typist import Typist, typing
from tui.screens.carving import CarvingScreen
from tui.widgets.long_list import LongList

_STEP = 4096


async def run(report: Report) -> None:
    """The real scan as a job, keys meanwhile; then sorts, filters, marks."""
    count = report.size(100_000, 2_000)
    image = report.folder / "disk.img"
    size = _image(image, count)
    map_ = Mapfile.new(0, size, "+")
    for number in range(200):
        start = (number * 90 + 9) * _STEP % size  # in some of those that are cut anyway
        map_ = map_.set_range(start + 512, start + 1024, "-")
    write_map(report.folder / "disk.img.map", map_, durable=False)
    async with typing(image, map=str(image) + ".map") as typist:
        await typist.until(lambda: "rescued" in typist.text())
        await typist.press("C", kind="(open)")
        await typist.until(lambda: isinstance(typist.screen, CarvingScreen))
        screen = typist.screen
        assert isinstance(screen, CarvingScreen)
        begun = time.monotonic()
        await typist.press("s", kind="(scan)")
        await typist.until(lambda: screen._job is not None)
        while screen._job is not None and screen._job.live:  # the list grows meanwhile
            await typist.press("j", "j", "pagedown", "k", kind="cursor, during the scan")
            await typist.rest(0.2)
        report.value("the scan, watched", time.monotonic() - begun, "s")
        listed = screen.query_one(LongList)
        whole = count - count // 10
        await typist.until(lambda: listed.count >= whole, most_s=60)
        report.must("all whole ones are listed", whole <= listed.count <= count, f"{listed.count:,}")
        for _ in range(report.size(20, 2)):
            await _round(typist)
            typist.weigh()
        report.keys(typist.times)
        later = typist.memory[len(typist.memory) // 4 :]
        report.value("memory", later[-1] / 1e6, "MB")
        report.must("memory is flat", later[-1] - later[0] < 16 << 20, f"{(later[-1] - later[0]) / 1e6:+.1f} MB")


async def _round(typist: Typist) -> None:
    press = typist.press
    for _ in range(20):
        await press("j", kind="cursor")
    await press("pagedown", "pagedown", "pageup", kind="page")
    await press("G", "g", kind="first, last")
    await press("space", "space", kind="mark")
    await press("a", "a", kind="mark all")
    for _ in range(4):
        await press("o", kind="order")
    for _ in range(4):
        await press("f", kind="state")
    await press("i", "i", kind="inner parts")
    await press("slash", kind="ask for words")
    await typist.write("gif")
    await press("enter", kind="filter")
    await press("slash", kind="ask for words")
    await press(*["backspace"] * 3, kind="typed text")
    await press("enter", kind="filter")


def _image(path: Path, count: int) -> int:
    """Small pictures of three kinds, one in each cluster; every tenth is cut short."""
    pictures = [picture(form, (12, 9), seed) for seed in range(40) for form in ("PNG", "GIF", "JPEG")]
    assert max(map(len, pictures)) <= _STEP
    with open(path, "wb") as stream:
        for number in range(count):
            one = pictures[number % len(pictures)]
            stream.seek(number * _STEP)
            stream.write(one[: len(one) * 2 // 3] if number % 10 == 9 else one)
        stream.truncate(count * _STEP)
    return count * _STEP
