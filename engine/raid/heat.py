"""The parity evidence as a picture: for each strip position and member, how little speaks against the parity there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.raid.fold import columns_of
from engine.raid.model import HeatRow

if TYPE_CHECKING:
    from engine.raid.reading import Explained, Measured

MOST_ROWS = 1024
_STRETCH = 128
UNKNOWN_RUN = 16 << 10


def heat_run(strip: int | None, granule: int) -> int:
    """Bytes of one row of heat: a quarter of a strip, so that a person can look at other strip sizes too."""
    if strip is None:
        return max(granule, UNKNOWN_RUN)
    return strip // 4 if strip // 4 % granule == 0 and strip >= 4 * granule else granule


def heat_rows(measured: Measured, explained: Explained | None, run: int, phase: int) -> tuple[HeatRow, ...]:
    """Rows of ``run`` bytes from ``phase`` on, in order of position; neighbours are kept together, so that the
    diagonal of a moving parity is seen. ``parity`` is the column that the fit names."""
    import numpy as np

    sample, costs = measured.sample, measured.costs
    granule = sample.granule
    rows = (sample.position * granule - phase) // run
    kept, first = np.unique(rows, return_index=True)
    if kept.size > MOST_ROWS:  # a few long stretches rather than many single rows
        stretch = _STRETCH
        starts = np.linspace(0, kept.size - stretch, MOST_ROWS // stretch).astype(int)
        chosen = np.unique(np.concatenate([np.arange(s, s + stretch) for s in starts]))
        kept, first = kept[chosen], first[chosen]
    parity = None if explained is None else columns_of(explained.fit, sample.position[first], granule)
    found = []
    for number, row in enumerate(kept.tolist()):
        low, high = int(np.searchsorted(rows, row)), int(np.searchsorted(rows, row, "right"))
        part = costs[low:high]
        most = float(part.max())
        heat: tuple[float | None, ...]
        if most <= granule / 1024:
            heat = (None,) * costs.shape[1]  # all alike: nothing can be told here
        else:
            heat = tuple(1 - float(value) / most for value in part.mean(axis=0))
        named = None if parity is None else int(parity[number])
        found.append(HeatRow(row * run + phase, heat, named))
    return tuple(found)


def health(balanced: list[bool], filled: list[bool], position: list[int], granule: int, size: int, cells: int
           ) -> tuple[tuple[int, str], ...]:  # fmt: skip
    """The XOR of all members along the disk in ``cells`` parts: ``=`` zero, ``#`` not, ``~`` both, ``.`` empty; parts
    that were not looked at are left out."""
    seen: dict[int, set[str]] = {}
    step = max(1, size // cells)
    for even, full, at in zip(balanced, filled, position, strict=True):
        seen.setdefault(min(cells - 1, at * granule // step), set()).add("." if not full else "=" if even else "#")
    return tuple(
        (cell * step, "~" if {"=", "#"} <= marks else "#" if "#" in marks else "=" if "=" in marks else ".")
        for cell, marks in sorted(seen.items())
    )
