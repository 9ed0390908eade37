"""The screens on the line: what a second of a live rescue and a key in the block map cost in bytes and milliseconds.

Bytes of the live screen are held against ddrescue's own screen on a terminal, both watching a copy of the same source
at the same speed. Keys are pressed on a pseudo-terminal of 80x24 in full colour; the time is from the key to the first
byte of the answer, with the frame limit at 60 a second so that it is our work that is measured and not the limit.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from pathlib import Path

from engine import jobs
from engine.cases import create_case
from engine.mapfile import write_map
from engine.rescue.arguments import RescueArguments
from engine.rescue.options import RescueOptions
from engine.tools import find_tool
from tests.bench.bench_mapfile import random_map
from tests.bench.report import Report
from tests.terminal.pty_program import PtyProgram
from tests.terminal.tmux import DECK

_SECONDS = 15.0
_RATE = 4 << 20
_BUDGET = 1024
_KEYS = (("cursor right", b"l"), ("cursor down", b"j"), ("zoom in", b"+"), ("zoom out", b"-"), ("next gap", b"n"))


def run(report: Report) -> None:
    """Live bytes, then keys."""
    tool = find_tool("ddrescue")
    if tool is None:
        report.skip("ddrescue is not installed")
    else:
        _live(report, tool)
    for count in report.sizes(1_000, 100_000, 1_000_000):
        _keys(report, count)


def _live(report: Report, tool: str) -> None:
    source = report.folder / "source.img"
    with source.open("wb") as file:
        file.truncate(int(_SECONDS * 3 * _RATE))
    theirs = _ddrescue_screen(tool, source, report.folder / "screen-theirs")
    for theme in ("dark", "ansi"):
        ours = _deck_screen(source, report.folder / f"case-{theme}", theme)
        report.value(f"live rescue, bytes/s, theme {theme}", ours, "B/s", theirs, "ddrescue's screen", aim=1.0)
        report.value(f"live rescue against 1 kB/s, theme {theme}", ours, "B/s", _BUDGET, "the budget", aim=1.0)


def _ddrescue_screen(tool: str, source: Path, folder: Path) -> float:
    folder.mkdir()
    argv = [tool, f"--max-read-rate={_RATE}", str(source), str(folder / "image"), str(folder / "map")]
    with PtyProgram(argv) as program:
        return _bytes_per_second(program, settle_s=3.0)


def _deck_screen(source: Path, folder: Path, theme: str) -> float:
    case = create_case(folder, source_path=str(source), source_size=source.stat().st_size)
    arguments = RescueArguments(
        str(source), str(case.image), str(case.map), case=str(case.directory),
        options=RescueOptions(max_read_rate=_RATE, map_save_interval=1, map_sync_interval=5),
    )  # fmt: skip
    job = jobs.start("rescue", arguments.to_json(), case.jobs_dir)
    try:
        argv = [*DECK, "open", str(job.directory), "--theme", theme]
        with PtyProgram(argv, env={"COLORTERM": "truecolor"}) as program:
            program.until(b"RUNNING")
            return _bytes_per_second(program, settle_s=4.0)
    finally:
        jobs.stop(job.directory)
        while jobs.load(job.directory).live:
            time.sleep(0.1)
        shutil.rmtree(folder)


def _bytes_per_second(program: PtyProgram, settle_s: float) -> float:
    time.sleep(settle_s)
    before, begin = len(program.sent), time.monotonic()
    time.sleep(_SECONDS)
    return (len(program.sent) - before) / (time.monotonic() - begin)


def _keys(report: Report, count: int) -> None:
    path = report.folder / f"keys-{count}.map"
    write_map(path, random_map(count, 7), durable=False)
    argv = [*DECK, "open", str(path), "--theme", "dark"]
    with PtyProgram(argv, env={"COLORTERM": "truecolor", "TEXTUAL_FPS": "60"}) as program:
        while len(program.sent) < 3000:  # the start screen and the map have been painted
            time.sleep(0.1)
        _quiet(program)
        for name, key in _KEYS:
            found = [_press(program, key) for _ in range(max(3, report.rounds))]
            report.value(f"key to paint, {name}, {count} blocks", statistics.median(ms for ms, _ in found), "ms")
            report.value(f"bytes of {name}, {count} blocks", statistics.median(sent for _, sent in found), "B")
        program.write(b"\x11")
        program.wait()
    os.unlink(path)


def _press(program: PtyProgram, key: bytes) -> tuple[float, int]:
    """Milliseconds to the first byte, and bytes until it is quiet."""
    before, begin = len(program.sent), time.monotonic()
    program.write(key)
    while len(program.sent) == before:
        if time.monotonic() - begin > 5:
            raise RuntimeError(f"{key!r} was never answered")
        time.sleep(0.0005)
    took = (time.monotonic() - begin) * 1000
    _quiet(program)
    return took, len(program.sent) - before


def _quiet(program: PtyProgram) -> None:
    while True:
        before = len(program.sent)
        time.sleep(0.5)
        if len(program.sent) == before:
            return
