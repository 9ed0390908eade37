"""Maps against ddrescuelog: load, save, algebra, comparisons, loose reading; and what an edit and a repaint cost.

Our times are those inside a running program (as in the deck); the anchor is the whole run of ddrescuelog. One row
compares whole processes: ``rescuedeck map info``, interpreter start included.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np

from engine.mapfile import algebra
from engine.mapfile.cells import cells, largest_area, next_block
from engine.mapfile.loose import read_loose
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.mapfile.sectors import list_sectors
from engine.mapfile.write import render_map, write_map
from engine.tools import find_tool
from tests.bench.report import Report, command


def random_map(count: int, seed: int) -> Mapfile:
    """Five statuses at random, blocks of 0.5 KiB to 1 MiB."""
    rng = np.random.default_rng(seed)
    bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(rng.integers(1, 2049, count) * 512)))
    return Mapfile(bounds.astype(np.int64), rng.integers(0, 5, count).astype(np.uint8))


def run(report: Report) -> None:
    """All sizes."""
    tool = find_tool("ddrescuelog")
    if tool is None:
        report.skip("ddrescuelog is not installed")
        return
    for count in report.sizes(1_000, 100_000, 1_000_000):
        one, two = report.folder / f"one-{count}", report.folder / f"two-{count}"
        write_map(one, random_map(count, 1), durable=False)
        write_map(two, random_map(count, 2), durable=False)
        _files(report, tool, count, one, two)
        _edits(report, count, read_map(one))
    _processes(report, tool, max(report.sizes(1_000, 100_000, 1_000_000)))
    _shuffled(report, tool)


def _files(report: Report, tool: str, count: int, one: Path, two: Path) -> None:
    out, theirs = report.folder / "ours", report.folder / "theirs"

    def save(map_: Mapfile) -> None:
        write_map(out, map_, durable=False)

    report.against(
        f"load and totals, {count} blocks", lambda: read_map(one).totals(), command([tool, "-t", one]), "-t", aim=1.5
    )
    report.against(
        f"load, invert, save, {count} blocks", lambda: save(algebra.invert(read_map(one))),
        command([tool, "-n", one], theirs), "-n", aim=1.5,
    )  # fmt: skip
    for name, act, option in (
        ("and", algebra.and_maps, "-y"), ("or", algebra.or_maps, "-z"), ("xor", algebra.xor_maps, "-x"),
    ):  # fmt: skip
        report.against(
            f"load both, {name}, save, {count} blocks", lambda act=act: save(act(read_map(one), read_map(two))),
            command([tool, option, two, one], theirs), option, aim=1.5,
        )  # fmt: skip
    report.against(
        f"load both, compare, {count} blocks", lambda: algebra.same(read_map(one), read_map(two)),
        command([tool, "-q", "-p", two, one], ok=(0, 1)), "-p",
    )  # fmt: skip
    report.against(f"read loosely, {count} blocks", lambda: read_loose(one), command([tool, "-C", one]), "-C")
    report.against(
        f"sector list, {count} blocks", lambda: list_sectors(read_map(one), "-", 4096),
        command([tool, "-b4096", "-l-", one]), "-l- -b4096",
    )  # fmt: skip
    changed = read_map(one).set_range(0, 1, "?")
    data = render_map(changed)
    report.against(
        f"save only, {count} blocks",
        lambda: save(changed),
        lambda: theirs.write_bytes(data),
        "write() of the same bytes",
    )


def _edits(report: Report, count: int, map_: Mapfile) -> None:
    map_.totals()
    start, end = map_.end // 2 + 7, map_.end // 2 + 10_000_007 * min(1, count // 1000)
    end = min(end, map_.end)
    edited, inverse = map_.set_range(start, end, "+"), map_.runs_around(start, end)
    report.time(f"set a range with totals, {count} blocks", lambda: map_.set_range(start, end, "+").totals())
    report.time(f"undo it, {count} blocks", lambda: edited.put(inverse, merge=False).totals())
    report.time(f"1920 cells of it all, {count} blocks", lambda: cells(map_, map_.start, map_.end, 1920))
    report.time(
        f"1920 cells with bytes, {count} blocks", lambda: cells(map_, map_.start, map_.end, 1920, with_bytes=True)
    )
    report.time(f"next bad block, {count} blocks", lambda: next_block(map_, map_.end // 2, "-"))
    report.time(f"largest gap, {count} blocks", lambda: largest_area(map_, "?*/-"))


def _processes(report: Report, tool: str, count: int) -> None:
    path = report.folder / f"one-{count}"
    report.against(
        f"whole process: map info, {count} blocks", command([sys.executable, "-m", "tui", "map", "info", path]),
        command([tool, "-t", path]), "-t",
    )  # fmt: skip


def _shuffled(report: Report, tool: str) -> None:
    lines = render_map(random_map(20_000, 3)).splitlines()
    head, list_ = lines[:4], lines[4:]
    random.Random(1).shuffle(list_)
    path = report.folder / "shuffled"
    path.write_bytes(b"\n".join([*head, *list_]) + b"\n")
    report.against("read loosely, 20000 shuffled blocks", lambda: read_loose(path), command([tool, "-C", path]), "-C")
