"""RAID detection, assembly and sectors, beside plain reading, XOR and copying in memory in the same run."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np

from engine.cases.exporting import export_image
from engine.progress import SILENT
from engine.raid.array import ArraySource
from engine.raid.detect import detect
from engine.raid.layout import Geometry, Layout
from engine.raid.parity import xor_into
from engine.sectors.guard import guards
from engine.source import FileSource, SectorFormat, SectorSource
from tests.bench.report import Report
from tests.engine.raid.contents import volume
from tests.engine.raid.writer import lay, save

MIB = 1 << 20


def run(report: Report) -> None:
    """Small set, huge sparse set, parity arithmetic, reading through, export, sectors."""
    made = lay(volume(report.folder, "ext4", 192 * MIB, "mixed", 9), 4, 65536, "left-symmetric", offset=MIB)
    members = save(made, report.folder / "set", seed=4)
    _detection(report, members)
    _sparse(report, made)
    _parity(report)
    _reading(report, made, members)
    _sectors(report)


def _seconds(work) -> float:  # type: ignore[no-untyped-def]
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _detection(report: Report, members: list[Path]) -> None:
    sources = [FileSource(path) for path in members]
    took = report.best(lambda: detect(sources), 3)
    answer = detect(sources)
    report.value("4 members of 64 MiB: found in", took, "s", None, "")
    report.value("4 members of 64 MiB: read of each", answer.read / MIB, "MiB", None, "")
    report.value(
        "4 members of 64 MiB: right and sure", float(answer.best is not None and answer.best.proven), "", None, ""
    )


def _sparse(report: Report, made) -> None:  # type: ignore[no-untyped-def]
    """1 TB members in which a few hundred MiB hold something."""
    folder = report.folder / "sparse"
    folder.mkdir()
    paths = []
    for number, drive in enumerate(made.drives):
        path = folder / f"m{number}"
        with open(path, "wb") as stream:
            stream.truncate(1000 * 1000 * 1000 * 1000)
            stream.seek(0)
            stream.write(drive.tobytes())
        paths.append(path)
    sources = [FileSource(path) for path in paths]
    took = report.best(lambda: detect(sources), 2)
    answer = detect(sources)
    best = answer.best
    right = best is not None and best.geometry.order == (0, 1, 2, 3) and best.geometry.strip == 65536
    report.value("4 x 1 TB sparse: found in", took, "s", None, "")
    report.value("4 x 1 TB sparse: read of each", answer.read / MIB, "MiB", None, "")
    report.value("4 x 1 TB sparse: right", float(right), "", None, "")


def _parity(report: Report) -> None:
    size = 64 * MIB
    rng = np.random.default_rng(1)
    parts = [rng.integers(0, 256, size, np.uint8) for _ in range(4)]
    target = np.zeros(size, np.uint8)
    # Four arrays are read; the anchor reads four and writes them (copying in memory).
    spare = [np.empty(size, np.uint8) for _ in parts]
    report.against(
        "XOR of 4 x 64 MiB", lambda: xor_into(target, parts),
        lambda: [np.copyto(to, part) for to, part in zip(spare, parts, strict=True)], "copying in memory", aim=1.5,
    )  # fmt: skip


def _reading(report: Report, made, members: list[Path]) -> None:  # type: ignore[no-untyped-def]
    order = tuple(made.order)
    geometry = Geometry(Layout.LEFT_SYMMETRIC, 65536, order, (MIB,) * 4)
    plain = report.folder / "volume"
    plain.write_bytes(made.volume)
    buffer = bytearray(4 * MIB)

    def through(source) -> None:  # type: ignore[no-untyped-def]
        for at in range(0, source.size - len(buffer), len(buffer)):
            source.read_into(at, buffer)

    def array(missing: int | None = None) -> ArraySource:
        sources = [None if n == missing else FileSource(path) for n, path in enumerate(members)]
        chosen = Geometry(geometry.layout, 65536, tuple(None if m == missing else m for m in order), geometry.offsets)
        return ArraySource(sources, chosen, "a")

    whole, degraded, flat = array(), array(2), FileSource(plain)
    report.against("reading an array", lambda: through(whole), lambda: through(flat), "the volume as a file", aim=1.3)
    report.against("reading it, one member missing", lambda: through(degraded), lambda: through(flat),
                   "the volume as a file")  # fmt: skip
    targets = iter(range(1000))

    def export(source) -> None:  # type: ignore[no-untyped-def]
        path = report.folder / f"out{next(targets)}"
        export_image(source, path, SILENT, facts={})
        path.unlink()

    report.against(
        "export of an array", lambda: export(whole), lambda: export(flat), "export of the volume's file", aim=1.3
    )


def _sectors(report: Report) -> None:
    raw = report.folder / "raw520"
    size = 128 * MIB // 520 * 520
    raw.write_bytes(random.Random(1).randbytes(size))
    view, flat = SectorSource(FileSource(raw), SectorFormat(520)), FileSource(raw)
    buffer = bytearray(4 * MIB)

    def through(source) -> None:  # type: ignore[no-untyped-def]
        for at in range(0, source.size - len(buffer), len(buffer)):
            source.read_into(at, buffer)

    report.against("reading 520-byte sectors through", lambda: through(view), lambda: through(flat), "the raw image")
    rows = np.frombuffer(raw.read_bytes()[: 32 * MIB], np.uint8).reshape(-1, 512)
    took = report.best(lambda: guards(rows), 3)
    report.value("guard CRCs", 32 * MIB / took / 1e9, "GB/s", None, "")
