"""A recorder's disk of ten thousand titles: read, sorted, filtered, searched, marked, walked through."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from engine.mapfile import Mapfile, write_map
from tests.dvr_disks import ifo, mpeg, udf
from tests.dvr_disks.image import when
from tests.load.report import Report
from tests.load.typist import Typist, typing
from tui.screens.recordings import RecordingsScreen

_PACKS = 300
_NAMES = (b"Tatort", b"News at ten", b"Holiday", b"Sport", b"Film of the week")


async def run(report: Report) -> None:
    """List, keys, memory."""
    titles = report.size(10_000, 1_000)
    image = recorder_disk(report.folder / "disk.img", titles)
    _some_unread(image, report.folder / "disk.img.map")
    async with typing(image, map=str(image) + ".map") as typist:
        await typist.until(lambda: "rescued" in typist.text())
        begun = time.monotonic()
        await typist.press("V", kind="(open)")
        await typist.until(lambda: isinstance(typist.screen, RecordingsScreen) and "Tatort" in typist.text())
        report.value(f"from the key to the list of {titles:,} titles", time.monotonic() - begun, "s")
        report.must("all titles are listed", f"{titles} titles" in typist.text())
        for round_ in range(report.size(20, 2)):
            await _round(typist)
            typist.weigh()
            if round_ == 0:
                report.must("a search finds what it should", await _found(typist, "holiday") == titles // len(_NAMES))
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
    for _ in range(8):
        await press("o", kind="order")
    await press("O", "O", kind="turn round")
    for _ in range(7):
        await press("f", kind="filter")
    await press("slash", kind="ask for words")
    await typist.write("news 9")
    await press("enter", kind="search")
    await press("slash", kind="ask for words")
    await press(*["backspace"] * 6, kind="typed text")
    await press("enter", kind="search")
    await press("enter", kind="open one")
    await press("q", kind="back")


async def _found(typist: Typist, words: str) -> int:
    await typist.press("slash", kind="ask for words")
    await typist.write(words)
    await typist.press("enter", kind="search")
    line = next(line for line in typist.text().splitlines() if line.strip().startswith("titles"))
    await typist.press("slash", kind="ask for words")
    await typist.press(*["backspace"] * len(words), kind="typed text")
    await typist.press("enter", kind="search")
    return int(line.split()[1])


def recorder_disk(path: Path, titles: int) -> Path:
    """A DVD-VR volume (UDF) with one programme for each title, in one sparse VRO."""
    units = [ifo.Unit(_PACKS // 2)] * 2
    vobs = [ifo.Vob(n * _PACKS, units, when(2004, 1 + n % 12, 1 + n % 28, 20, 15)) for n in range(titles)]
    programmes = [ifo.Programme([ifo.Cell(n + 1)], b"%s %d" % (_NAMES[n % len(_NAMES)], n)) for n in range(titles)]
    vro, piece, gap = mpeg.Long(_PACKS * titles), (1 << 19) - 1, 40_000
    pieces = [gap + number * (piece + 2) for number in range(-(-vro.packs // piece))]
    files = [
        udf.File("VR_MANGR.IFO", ifo.Management(vobs, programmes).standard(), pieces=[1000]),
        udf.File("VR_MOVIE.VRO", vro, pieces=pieces, piece_blocks=piece),
    ]
    return udf.disk(files, size=2048 * (pieces[-1] + min(piece, vro.packs) + 1000)).image.save(path)


def _some_unread(image: Path, path: Path) -> None:
    """Half a thousand unread places in the recordings, none in the directory."""
    size = image.stat().st_size
    starts = np.linspace(size // 4, size - (1 << 20), 500).astype(np.int64) // 2048 * 2048
    edges = np.concatenate(([0], np.stack((starts, starts + 65536), axis=1).reshape(-1), [size])).astype(np.int64)
    codes = np.zeros(edges.size - 1, np.uint8)
    codes[1::2] = 4
    write_map(path, Mapfile(edges, codes), durable=False)
