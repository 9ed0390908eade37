"""Recorder disks: the title list of a full disk of 250 GB (sparse image) of each family, from probe to titles with what
is missing of them. The anchor is a bare walk over the same number of small reads."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from engine import dvr
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from tests.bench.report import Report
from tests.dvr_disks import ifo, meihdfs, mpeg, pioneer, udf
from tests.dvr_disks.image import Image, when

SIZE = 250_000_000_000
TITLES = 200
_PACKS = SIZE // TITLES // 2048 * 98 // 100
_RUN_PACKS = 32767
_AIM_S = 0.3


def run(report: Report) -> None:
    """Each family, whole and under a map with many unread places."""
    for key in pioneer.MODELS:
        _list(report, f"Pioneer {key}", pioneer_image(key))
    _list(report, "MEIHDFS V2.1", meihdfs_image(0x16000000))
    _list(report, "MEIHDFS V2.1 at an odd place", meihdfs_image(0xB7310000))
    _list(report, "UDF", udf_image())


def _list(report: Report, what: str, image: Image) -> None:
    path = image.save(report.folder / "disk")
    reads = [0]
    with FileSource(path) as source:
        below = source.read_into

        def counting(offset, buffer):  # type: ignore[no-untyped-def]
            reads[0] += 1
            return below(offset, buffer)

        source.read_into = counting  # type: ignore[method-assign]
        found = dvr.read(source)
        assert len(found.titles) == TITLES, (what, len(found.titles), found.problems[:3])
        assert all(title.duration_s for title in found.titles)

    def ours() -> None:
        with FileSource(path) as source:
            dvr.read(source)

    def holed() -> None:
        step = SIZE // 10_000
        with FileSource(path) as source:
            unread = RangeSet((number * step + step // 2, number * step + step // 2 + 4096) for number in range(10_000))
            listed = dvr.read(HoleSource(source, unread))
        assert sum(title.missing.bytes for title in listed.titles)

    def plain() -> None:
        buffer = bytearray(2048)
        with open(path, "rb", buffering=0) as file:
            for number in range(reads[0]):
                os.preadv(file.fileno(), [buffer], number * 65536 % SIZE)

    report.against(f"{what}: {TITLES} titles, {reads[0]} reads", ours, plain, "as many bare reads")
    report.time(f"{what}: under 10000 unread places", holed, rounds=2)
    _fresh(report, what, path)
    path.unlink()


def _fresh(report: Report, what: str, path: Path) -> None:
    """The command in a process of its own, from the start of the interpreter on, with compiled modules as installed.

    The anchor is the aim: 0.3 s. On a machine that does other work too its processor time tells more."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(report.folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    wall, spent = [], []
    for _ in range(1 + 5):  # the first compiles
        begun, used = time.perf_counter(), _used()
        subprocess.run([sys.executable, "-m", "tui", "dvr", "list", str(path)], env=environment, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        wall.append(time.perf_counter() - begun)
        spent.append(_used() - used)
    report.value(f"{what}: dvr list, a fresh process", min(wall[1:]), "s", _AIM_S, "0.3 s", aim=1)
    report.value(f"{what}: the same, processor time", min(spent[1:]), "s", _AIM_S, "0.3 s", aim=1)


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pioneer_image(key: str) -> Image:
    """Titles of one file each, in runs of the greatest length."""
    titles = [
        pioneer.Title(b"Recording %d" % number, [pioneer.File(mpeg.Long(_PACKS), runs=-(-_PACKS // _RUN_PACKS))],
                      when(2008, 1 + number % 12, 1 + number % 28, 20, 15))
        for number in range(TITLES)
    ]  # fmt: skip
    return pioneer.disk(key, titles, size=SIZE).image


def meihdfs_image(start: int) -> Image:
    """Recordings with maps of 1250 MB each, in two runs; superblocks and tables in every group."""
    per_file = _PACKS * 2048
    units = [ifo.Unit(150)] * (_PACKS // 150)
    files = []
    # Blocks 0 to 19 of every group belong to the file system.
    places = [block for block in range(20, (SIZE - start) // meihdfs.BLOCK) if block % 0x10000 >= 32]
    step = (per_file // meihdfs.BLOCK + 2) * 2
    for number in range(TITLES):
        built = ifo.Management([ifo.Vob(0, units, when(2009, 1, 1))], [ifo.Programme([ifo.Cell(1)], b"T%d" % number)])
        first = places[400 + number * step // 2]
        files += [meihdfs.File(f"{number + 1:04d}.IFO", built.panasonic(), blocks=[20 + number]),
                  meihdfs.File(f"{number + 1:04d}.VRO", mpeg.Long(_PACKS), blocks=[first])]  # fmt: skip
    groups = -(-(SIZE - start) // meihdfs.GROUP)
    return meihdfs.disk("V2.1", files, start=start, size=SIZE, groups=groups).image


def udf_image() -> Image:
    """One VRO in pieces of 1 GiB less a block, one management file."""
    units = [ifo.Unit(150)] * (_PACKS // 150)
    sectors = 150 * len(units)
    vobs = [ifo.Vob(number * sectors, units, when(2004, 1, 1)) for number in range(TITLES)]
    programmes = [ifo.Programme([ifo.Cell(number + 1)], b"T%d" % number) for number in range(TITLES)]
    vro = mpeg.Long(sectors * TITLES)
    piece = (1 << 19) - 1
    pieces = [20_000 + number * (piece + 2) for number in range(-(-vro.packs // piece))]
    files = [udf.File("VR_MANGR.IFO", ifo.Management(vobs, programmes).standard(), pieces=[1000]),
             udf.File("VR_MOVIE.VRO", vro, pieces=pieces, piece_blocks=piece)]  # fmt: skip
    return udf.disk(files, size=SIZE).image


if __name__ == "__main__":
    sys.exit("run it with: python -m tests.bench dvr")
