"""Fault layouts by name, drawn from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from tests.bench.dropoff.drives import SIZE, Layout, Span

TUNING_SEEDS = range(0, 100)
"""Seeds that the strategy was tuned on."""

PUBLISHED_SEEDS = range(1000, 1040)
"""Seeds of the published table: never used for tuning."""


class _Draw:
    """Draws in the terms of layouts."""

    def __init__(self, name: str, seed: int) -> None:
        self.rng = random.Random(f"{name}/{seed}")

    def log(self, low: int, high: int) -> int:
        return int(math.exp(self.rng.uniform(math.log(low), math.log(high))))

    def place(self) -> int:
        return self.rng.randrange(SIZE)

    def scattered(self, count: int, widest: int) -> list[Span]:
        return [(at, at + self.log(1, widest)) for at in (self.place() for _ in range(count))]

    def inside(self, start: int, size: int, count: int, widest: int) -> list[Span]:
        return [(at, at + self.log(1, widest)) for at in (start + self.rng.randrange(size) for _ in range(count))]


def _one(draw: _Draw) -> Layout:
    return Layout(tuple(draw.scattered(1, 4096)))


def _three(draw: _Draw) -> Layout:
    return Layout(tuple(draw.scattered(3, 64)))


def _random12(draw: _Draw) -> Layout:
    return Layout(tuple(draw.scattered(12, 256)))


def _random40(draw: _Draw) -> Layout:
    return Layout(tuple(draw.scattered(40, 64)))


def _clusters(draw: _Draw) -> Layout:
    spans: list[Span] = []
    for _ in range(3):
        spans += draw.inside(draw.place(), draw.log(2000, SIZE // 100), draw.rng.randint(4, 10), 64)
    return Layout(tuple(spans))


def _dense(draw: _Draw) -> Layout:
    return Layout(tuple(draw.inside(draw.place(), draw.log(SIZE // 1000, SIZE // 30), 20, 64)))


def _periodic(draw: _Draw) -> Layout:
    period = draw.rng.randrange(SIZE // 40, SIZE // 8)
    width = draw.log(1, period // 50)
    return Layout(tuple((at, at + width) for at in range(draw.rng.randrange(period), SIZE, period)))


def _stripes(draw: _Draw) -> Layout:
    """One head of several: its share of each band, bands that shrink towards the inner tracks."""
    period = draw.rng.randrange(SIZE // 24, SIZE // 6)
    at, share = draw.rng.randrange(period), draw.rng.uniform(0.05, 0.3)
    spans: list[Span] = []
    while at < SIZE:
        spans.append((at, at + int(period * share)))
        period = int(period * draw.rng.uniform(0.97, 0.995))
        at += period
    return Layout(tuple(spans))


def _start(draw: _Draw) -> Layout:
    return Layout(tuple((at, at + draw.log(1, 256)) for at in (draw.log(1, SIZE // 100) for _ in range(5))))


def _end(draw: _Draw) -> Layout:
    spans = [(SIZE - at - draw.log(1, 256), SIZE - at) for at in (draw.log(1, SIZE // 100) for _ in range(5))]
    return Layout(tuple(spans))


def _wide(draw: _Draw) -> Layout:
    at = draw.place()
    return Layout(((at, at + draw.log(SIZE // 1000, SIZE // 20)),))


def _mixed(draw: _Draw) -> Layout:
    at = draw.place()
    return Layout(((at, at + SIZE // 100), *draw.scattered(8, 256)))


def _slow(draw: _Draw) -> Layout:
    """Slow zones, each with a few killers in it, and some killers elsewhere."""
    slow: list[Span] = []
    spans = draw.scattered(4, 256)
    for _ in range(3):
        at, size = draw.place(), draw.log(SIZE // 1000, SIZE // 30)
        slow.append((at, at + size))
        spans += draw.inside(at, size, draw.rng.randint(1, 4), 256)
    return Layout(tuple(spans), tuple(slow))


def _flaky(draw: _Draw) -> Layout:
    """Weak places, narrow and wide, in which a run dies sooner or later."""
    wide = [(at, at + draw.log(SIZE // 1000, SIZE // 50)) for at in (draw.place() for _ in range(2))]
    return Layout((*wide, *draw.scattered(8, 256)), flaky=draw.rng.uniform(1, 8))


LAYOUTS: dict[str, tuple[str, Callable[[_Draw], Layout]]] = {
    "one": ("one killer of up to 256 MiB", _one),
    "three": ("three small killers", _three),
    "random 12": ("12 killers anywhere", _random12),
    "random 40": ("40 killers anywhere", _random40),
    "clusters": ("three groups of 4 to 10 killers", _clusters),
    "dense": ("20 killers within 0.1 to 3 % of the drive", _dense),
    "periodic": ("8 to 40 killers at one distance", _periodic),
    "stripes": ("one bad head: stripes at shrinking distances", _stripes),
    "start": ("five killers in the first hundredth", _start),
    "end": ("five killers in the last hundredth", _end),
    "wide": ("one killer of 0.1 to 5 % of the drive", _wide),
    "mixed": ("one killer of 1 %, eight small ones", _mixed),
    "slow": ("slow zones with killers in and outside", _slow),
    "flaky": ("ten weak places, two of them wide, that kill by chance", _flaky),
}
"""What each layout is, and how it is drawn."""


def make(name: str, seed: int) -> Layout:
    """A layout drawn from a seed."""
    return LAYOUTS[name][1](_Draw(name, seed))
