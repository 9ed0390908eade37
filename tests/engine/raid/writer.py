"""Lays a volume out over drives, byte by byte as mdadm's manual and md's source describe it; knows nothing of ours."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class Laid:
    """What was laid out: drives in drive order, and which member (as handed over) is which drive."""

    drives: list[np.ndarray]
    volume: bytes
    strip: int
    layout: str
    offset: int
    order: list[int] = field(default_factory=list)
    members: list[Path] = field(default_factory=list)

    def sequence(self, delay: int = 1) -> list[int]:
        """Members as the parity visits them from row 0 on."""
        count = len(self.drives)
        rows = [parity(self.layout, count, row * delay, delay) for row in range(count)]
        return [self.order[drive] for drive in rows]


def parity(layout: str, drives: int, row: int, delay: int = 1, first: int | None = None) -> int:
    first = delay if first is None else first
    turn = (row + delay - first) // delay
    if layout.startswith("left"):
        return drives - 1 - turn % drives
    if layout.startswith("right"):
        return turn % drives
    return 0 if layout == "parity-first" else drives - 1


def place(layout: str, drives: int, row: int, index: int, delay: int = 1, first: int | None = None) -> int:
    p = parity(layout, drives, row, delay, first)
    if layout.endswith("-symmetric"):
        return (p + 1 + index) % drives
    return index if index < p else index + 1


def lay(
    volume: bytes,
    drives: int,
    strip: int,
    layout: str,
    *,
    offset: int = 0,
    delay: int = 1,
    first: int | None = None,
    filler: np.ndarray | None = None,
    tail: int = 0,
) -> Laid:
    """The volume over ``drives``; the last row is filled with zeros. ``filler``: what was on the drives before."""
    row_size = strip * (drives - 1)
    rows = -(-len(volume) // row_size)
    padded = volume + bytes(rows * row_size - len(volume))
    made = [np.zeros(offset + rows * strip + tail, np.uint8) for _ in range(drives)]
    if filler is not None:
        for number, drive in enumerate(made):
            drive[:] = filler[number][: drive.size]
    for row in range(rows):
        total = np.zeros(strip, np.uint8)
        at = offset + row * strip
        for index in range(drives - 1):
            start = row * row_size + index * strip
            data = np.frombuffer(padded, np.uint8, strip, start)
            made[place(layout, drives, row, index, delay, first)][at : at + strip] = data
            total ^= data
        made[parity(layout, drives, row, delay, first)][at : at + strip] = total
    return Laid(made, padded, strip, layout, offset)


def save(laid: Laid, folder: Path, *, seed: int = 0, shuffle: bool = True, name: str = "m") -> list[Path]:
    """The drives as files, in any order: ``order[d]`` is then the number of the member that is drive ``d``."""
    order = list(range(len(laid.drives)))
    if shuffle:
        random.Random(seed).shuffle(order)
    folder.mkdir(parents=True, exist_ok=True)
    laid.order = order
    laid.members = [folder / f"{name}{number}" for number in range(len(order))]
    for drive, number in enumerate(order):
        laid.members[number].write_bytes(laid.drives[drive].tobytes())
    return laid.members
