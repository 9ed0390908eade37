"""The hex view: what a key costs in bytes and milliseconds beside a hex dump in ``less``, how fast a search is beside
``grep`` over the same file in the cache, and what a page of a large sparse source costs.

``less`` shows the same rows; it may use the terminal's own scrolling, which a screen of panes cannot.
"""

from __future__ import annotations

import os
import statistics
import subprocess
from pathlib import Path

import numpy as np

from engine.cases.subject import Subject
from engine.hex.patterns import Kind, Pattern
from engine.hex.reading import PAGE, open_bytes
from engine.hex.search import search
from engine.source import FileSource
from engine.tools import find_tool
from tests.bench.bench_screen import _press, _quiet
from tests.bench.report import Report, command
from tests.terminal.pty_program import PtyProgram
from tests.terminal.tmux import DECK

_MIB = 1 << 20
_KEYS = (("cursor right", b"l"), ("page on", b"\x1b[6~"), ("page back", b"\x1b[5~"))
_NEEDLE = b"Xq7needle"


def run(report: Report) -> None:
    """Bytes, then speed."""
    image = report.folder / "hex.img"
    size = (64 if report.small else 1024) * _MIB
    _make(image, size)
    _scrolling(report, image)
    _searching(report, image, size)
    _pages(report)


def _make(image: Path, size: int) -> None:
    noise = np.random.default_rng(5)
    with image.open("wb") as file:
        for at in range(0, size, 16 * _MIB):
            block = noise.integers(0, 256, min(16 * _MIB, size - at), np.uint8).tobytes()
            file.write(block if at // (16 * _MIB) % 3 < 2 else bytes(len(block)))
    with image.open("r+b") as file:
        for place in (5, size // 2, size - 100):
            file.seek(place)
            file.write(_NEEDLE)


def _scrolling(report: Report, image: Path) -> None:
    theirs = _less(report, image)
    for theme in ("dark", "ansi"):
        argv = [*DECK, "open", str(image), "--theme", theme]
        with PtyProgram(argv, env={"COLORTERM": "truecolor", "TEXTUAL_FPS": "60"}) as program:
            program.until(b"nobody can say")
            _quiet(program)
            program.write(b"x")
            program.until(b"00000010")
            _quiet(program)
            for name, key in _KEYS:
                _measure(report, program, f"{name}, {theme}", key, theirs.get(name))
            program.write(b"\x1b[B" * 40)  # to the lower edge and beyond
            _quiet(program)
            _measure(report, program, f"row on at the edge, {theme}", b"j", theirs.get("row on"))
            program.write(b"\x11")
            program.wait()


def _less(report: Report, image: Path) -> dict[str, float]:
    """Bytes of the same movements in a dump under ``less``."""
    if find_tool("less") is None or find_tool("xxd") is None:
        report.skip("less or xxd is not installed: scrolling has no anchor")
        return {}
    dump = report.folder / "dump.txt"
    with dump.open("wb") as out:
        subprocess.run(["xxd", "-g", "1", "-l", str(4 * _MIB), str(image)], stdout=out, check=True)
    found: dict[str, float] = {}
    with PtyProgram(["less", "-S", str(dump)]) as program:
        program.until(b"00000010")
        _quiet(program)
        for name, key in (("page on", b" "), ("page back", b"b"), ("row on", b"j")):
            if name == "row on":
                program.write(b" ")
                _quiet(program)
            found[name] = statistics.median(_press(program, key)[1] for _ in range(max(3, report.rounds)))
            if name == "page on":
                for _ in range(6):
                    program.write(b" ")
                _quiet(program)
        program.write(b"q")
    return found


def _measure(report: Report, program: PtyProgram, name: str, key: bytes, anchor: float | None) -> None:
    found = [_press(program, key) for _ in range(max(3, report.rounds))]
    report.value(f"key to paint, {name}", statistics.median(ms for ms, _ in found), "ms")
    report.value(f"bytes of {name}", statistics.median(sent for _, sent in found), "B", anchor, "xxd in less")


def _searching(report: Report, image: Path, size: int) -> None:
    def ours(kind: Kind, text: str, finds: int) -> None:
        got: list[tuple[int, int]] = []
        with FileSource(image) as source:
            search(source, Pattern(kind, text), got.extend)
        assert len(got) >= finds, got

    with image.open("rb") as file:  # into the cache
        while file.read(16 * _MIB):
            pass
    word = _NEEDLE.decode()
    grep = ["grep", "-a", "-o", "-b", "-F", word, str(image)]
    rounds = 3
    sink = report.folder / "grep.out"  # into a file: with /dev/null grep ends at the first match
    theirs = command(grep, sink)
    report.against("search, hex", lambda: ours("hex", _NEEDLE.hex(), 3), theirs, "grep -F", rounds=rounds)
    report.against("search, text in all encodings", lambda: ours("text", word, 3), theirs, "grep -F", rounds=rounds)
    report.against("search, text in any case", lambda: ours("any-case", word.lower(), 3),
                   command([*grep[:-2], "-i", *grep[-2:]], sink, ok=(0, 1)), "grep -F -i", rounds=rounds)  # fmt: skip
    regex = ["grep", "-a", "-o", "-b", "-P", "Xq[0-9]need", str(image)]
    report.against("search, regular expression", lambda: ours("regex", "Xq[0-9]need", 3),
                   command(regex, sink, ok=(0, 1, 2)), "grep -P", rounds=rounds)  # fmt: skip
    report.value("search, hex, bytes per second", size / report.best(lambda: ours("hex", _NEEDLE.hex(), 3), 2) / _MIB,
                 "MiB/s")  # fmt: skip


def _pages(report: Report) -> None:
    """A page anywhere in a source of 8 TiB under a map of many blocks."""
    image, map = report.folder / "large.img", report.folder / "large.map"
    size = 8 << 40
    with image.open("wb") as file:
        os.truncate(file.fileno(), size)
    lines = ["0x00 + 1"]
    step = size // 10_000 // 512 * 512
    lines += [f"0x{at:x} 0x{min(step, size - at):x} {'+-'[at // step % 2]}" for at in range(0, size, step)]
    map.write_text("\n".join(lines) + "\n")
    opened = open_bytes(Subject(image, map))
    place = size // PAGE // 3
    report.time("a page of 8 TiB under 10,000 blocks", lambda: opened.page(place))
    opened.close()
