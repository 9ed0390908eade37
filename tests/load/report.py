"""Figures of a load run: times of keys as percentiles, values, and what must hold."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

QUICK_MS = 100.0
"""A key that is answered later than this feels late; half of the keys of each kind must be far below."""


@dataclass(frozen=True)
class Figure:
    """One line of the report."""

    load: str
    name: str
    value: float
    unit: str


class BrokenError(AssertionError):
    """Something does not hold under load that must hold on every machine."""


@dataclass
class Report:
    """What a load run is handed: a work folder, how much of it, and a place for its figures."""

    folder: Path
    small: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    load: str = ""
    figures: list[Figure] = field(default_factory=list)

    def size(self, large: int, small: int) -> int:
        """How much: ``large``, or in a small run ``small``."""
        return small if self.small else large

    def value(self, name: str, value: float, unit: str) -> None:
        """Note a figure and print it at once."""
        self.figures.append(Figure(self.load, name, value, unit))
        shown = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
        self._line(f"{name:<64} {shown:>14} {unit}")

    def must(self, what: str, holds: bool, found: object = "") -> None:
        """What has to hold whatever the machine; raises ``BrokenError`` when it does not."""
        if not holds:
            raise BrokenError(f"{self.load}: does not hold: {what} ({found})")
        self._line(f"{'holds: ' + what:<64} {found!s:>14}")

    def keys(self, times: Mapping[str, Sequence[float]]) -> None:
        """A table of key times: ``times`` in seconds by kind of key."""
        self._line(f"{'key to picture, ms':<28} {'keys':>7} {'p50':>7} {'p90':>7} {'p99':>7} {'most':>7}")
        for kind, all_ in [*sorted(times.items()), ("all", [one for some in times.values() for one in some])]:
            ms = sorted(1000 * one for one in all_)
            if not ms:
                continue
            p50, p90, p99 = (ms[min(len(ms) - 1, int(len(ms) * part))] for part in (0.5, 0.9, 0.99))
            late = " late" if p90 > QUICK_MS else ""
            self._line(f"  {kind:<26} {len(ms):>7} {p50:7.1f} {p90:7.1f} {p99:7.1f} {ms[-1]:7.1f}{late}")
            for name, one in (("p50", p50), ("p90", p90), ("p99", p99), ("most", ms[-1])):
                self.figures.append(Figure(self.load, f"{kind} {name}", one, "ms"))

    def _line(self, text: str) -> None:
        self.out.write(f"{self.load:<9} {text}\n")
        self.out.flush()
