"""Measuring and printing: best of several rounds, ours and the anchor by turns, so that both see the same machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One figure. ``ours`` and ``anchor`` in ``unit`` (seconds unless said), ``ratio`` ours / anchor or None."""

    bench: str
    name: str
    ours: float
    anchor: float | None = None
    anchor_name: str = ""
    unit: str = "s"
    aim: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.anchor if self.anchor else None


@dataclass
class Report:
    """What a benchmark is handed: a work folder, ways to measure, and a place for its figures."""

    folder: Path
    small: bool = False
    rounds: int = 5
    out: TextIO = field(default_factory=lambda: sys.stdout)
    bench: str = ""
    rows: list[Row] = field(default_factory=list)

    def sizes(self, *all_: int) -> tuple[int, ...]:
        """The sizes to measure at; only the smaller ones in a small run."""
        return tuple(size for size in all_ if not self.small or size <= 100_000)

    def best(self, work: Work, rounds: int | None = None) -> float:
        """The shortest wall time of several rounds, in seconds."""
        return min(_timed(work) for _ in range(rounds or self.rounds))

    def against(
        self,
        name: str,
        ours: Work,
        anchor: Work,
        anchor_name: str,
        *,
        aim: float | None = None,
        rounds: int | None = None,
    ) -> None:
        """Measure both by turns and note the ratio; ``aim`` is the ratio that is wanted, for the reader."""
        pairs = [(_timed(ours), _timed(anchor)) for _ in range(rounds or self.rounds)]
        best_ours, best_anchor = min(one for one, _ in pairs), min(two for _, two in pairs)
        self.add(Row(self.bench, name, best_ours, best_anchor, anchor_name, aim=aim))

    def time(self, name: str, work: Work, rounds: int | None = None) -> None:
        """Note a time that has no anchor."""
        self.add(Row(self.bench, name, self.best(work, rounds)))

    def value(self, name: str, ours: float, unit: str, anchor: float | None = None, anchor_name: str = "",
              aim: float | None = None) -> None:  # fmt: skip
        """Note something that is not a time (bytes per second, bytes per key)."""
        self.add(Row(self.bench, name, ours, anchor, anchor_name, unit, aim))

    def skip(self, reason: str) -> None:
        """Say why something was not measured."""
        self.out.write(f"{self.bench}: not measured: {reason}\n")

    def add(self, row: Row) -> None:
        """Note a figure and print it at once."""
        self.rows.append(row)
        line = f"{row.bench:<10} {row.name:<44} {_figure(row.ours, row.unit):>12}"
        if row.anchor is not None:
            ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
            line += f"  {_figure(row.anchor, row.unit):>12}  {ratio:>7}  {row.anchor_name}"
            if row.aim is not None and row.ratio is not None:
                line += f"  (aim {row.aim:g}: {'met' if row.ratio <= row.aim else 'MISSED'})"
        self.out.write(line + "\n")
        self.out.flush()


def _timed(work: Work) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _figure(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    if value < 1e-3:
        return f"{value * 1e6:.1f} us"
    return f"{value * 1e3:.2f} ms" if value < 1 else f"{value:.3f} s"


def command(argv: Sequence[str | os.PathLike[str]], stdout: Path | None = None, ok: Sequence[int] = (0,)) -> Work:
    """Work that runs a program to its end, its output thrown away or into a file."""

    def work() -> None:
        with open(stdout or os.devnull, "wb") as sink:
            done = subprocess.run(argv, stdout=sink, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
        if done.returncode not in ok:
            raise RuntimeError(f"{argv[0]} ended with {done.returncode}")

    return work
