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

    def keys(self, times: Mapping[str, Sequence[tuple[float, float]]]) -> None:
        """A table of key times: (seconds to the picture, seconds of processor in the event loop) by kind of key.

        On a machine with other work the first says how busy that is, the second what the key costs.
        """
        self._line(f"{'ms from key to picture':<28} {'keys':>6} {'p50':>6} {'p90':>6} {'p99':>6} {'most':>6}"
                   f"  | CPU {'p50':>6} {'p90':>6} {'p99':>6} {'most':>6}")  # fmt: skip
        for kind, all_ in [*sorted(times.items()), ("all", [one for some in times.values() for one in some])]:
            if all_:
                wall, cpu = _percentiles([one for one, _ in all_]), _percentiles([one for _, one in all_])
                shown = [" ".join(f"{one:6.1f}" for one in some) for some in (wall, cpu)]
                late = " late" if cpu[1] > QUICK_MS else ""
                self._line(f"  {kind:<26} {len(all_):>6} {shown[0]}  |     {shown[1]}{late}")
                for name, one, two in zip(("p50", "p90", "p99", "most"), wall, cpu, strict=True):
                    self.figures.append(Figure(self.load, f"{kind} {name}", one, "ms"))
                    self.figures.append(Figure(self.load, f"{kind} {name} of processor", two, "ms"))

    def _line(self, text: str) -> None:
        self.out.write(f"{self.load:<9} {text}\n")
        self.out.flush()


def _percentiles(times: Sequence[float]) -> tuple[float, ...]:
    """Half, nine tenths, 99 hundredths are below, and the largest; in ms."""
    ms = sorted(1000 * one for one in times)
    return (*(ms[min(len(ms) - 1, int(len(ms) * part))] for part in (0.5, 0.9, 0.99)), ms[-1])
