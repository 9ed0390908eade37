"""The map editor on the line: milliseconds from a key to its answer and bytes of it, at three sizes of map and two of
terminal.

Keys are pressed on a pseudo-terminal in full colour with the frame limit at 60 a second, so that it is our work that is
measured. The time is from the key to the first byte of the answer; the bytes are those until nothing more comes.
"""

from __future__ import annotations

import shutil
import statistics
import time

from engine.mapfile import write_map
from tests.bench.bench_mapfile import random_map
from tests.bench.report import Report
from tests.terminal.pty_program import PtyProgram
from tests.terminal.tmux import DECK

_SIZES = ((80, 24), (200, 50))
_KEYS = (
    ("cursor right", b"l"),
    ("cursor down", b"j"),
    ("zoom in", b"+"),
    ("cursor right, zoomed", b"l"),
    ("zoom out", b"-"),
    ("next bad sector", b"n"),
    ("set status", b"s/"),
    ("undo", b"u"),
    ("redo", b"\x12"),
    ("undo again", b"u"),
    ("begin a range", b"v"),
    ("longer range", b"l"),
    ("end a range", b"v"),
    ("select nothing", b"mn"),
)
_STEP_MOST = 500


def run(report: Report) -> None:
    """Every size of map on every size of terminal."""
    for count in report.sizes(1_000, 100_000, 1_000_000):
        path = report.folder / f"editor-{count}" / "disk.map"
        path.parent.mkdir()
        write_map(path, random_map(count, 7), durable=False)
        for size in _SIZES:
            _keys(report, str(path), count, size)
        shutil.rmtree(path.parent)


def _keys(report: Report, path: str, count: int, size: tuple[int, int]) -> None:
    argv = [*DECK, "open", path, "--theme", "dark"]
    where = f"{count} blocks, {size[0]}x{size[1]}"
    env = {"COLORTERM": "truecolor", "TEXTUAL_FPS": "60"}
    begin = time.monotonic()
    with PtyProgram(argv, env=env, size=size) as program:
        program.until(b"next run reads")
        report.value(f"open to first picture, {where}", (time.monotonic() - begin) * 1000, "ms")
        _quiet(program)
        program.write(b"f-")
        _quiet(program)
        program.write(b"jj")  # into the middle, where a step has neighbours
        _quiet(program)
        found: dict[str, list[tuple[float, int]]] = {name: [] for name, _ in _KEYS}
        for _ in range(max(3, report.rounds)):
            for name, key in _KEYS:
                found[name].append(_press(program, key))
        for name, results in found.items():
            report.value(f"key to paint, {name}, {where}", statistics.median(ms for ms, _ in results), "ms")
            sent = statistics.median(count for _, count in results)
            if name == "cursor right":
                report.value(f"bytes of {name}, {where}", sent, "B", _STEP_MOST, "the budget", aim=1.0)
            else:
                report.value(f"bytes of {name}, {where}", sent, "B")
        if size[0] >= 100:
            report.value(f"bytes of the list that follows, {where}", _following(program), "B")
        program.write(b"\x11")
        program.wait()


def _press(program: PtyProgram, keys: bytes) -> tuple[float, int]:
    """Milliseconds from the last of the keys to the first byte, and bytes of that key's answer."""
    for key in keys[:-1]:
        program.write(bytes([key]))
        _quiet(program)
    before, begin = len(program.sent), time.monotonic()
    program.write(keys[-1:])
    while len(program.sent) == before:
        if time.monotonic() - begin > 10:
            raise RuntimeError(f"{keys!r} was never answered")
        time.sleep(0.0005)
    took = (time.monotonic() - begin) * 1000
    _quiet(program)
    return took, len(program.sent) - before


def _following(program: PtyProgram) -> float:
    """Bytes of a step after which the cursor rests, so that the list beside the map steps along."""
    before = len(program.sent)
    program.write(b"j")
    time.sleep(1.5)
    return len(program.sent) - before


def _quiet(program: PtyProgram) -> None:
    while True:
        before = len(program.sent)
        time.sleep(0.25)  # shorter than the rest after which the list beside the map follows: that is measured apart
        if len(program.sent) == before:
            return
