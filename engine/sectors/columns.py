"""Columns: an image folded by the raw size, so that bytes beside the data stand above each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.sectors.anchors import SHAPES
from engine.source import SectorFormat

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.sectors.detect import Piece

_LEAST_ROWS = 64
_STANDS_OUT = 0.25


def _zero_shares(pieces: Sequence[Piece], raw: int) -> npt.NDArray[np.float64] | None:
    """Share of zeros in each column (position modulo ``raw``), over sectors that are not empty."""
    import numpy as np

    total, rows = np.zeros(raw), 0
    for piece in pieces:
        skip = -piece.offset % raw
        count = (len(piece.data) - skip) // raw
        if count <= 0:
            continue
        array = np.frombuffer(piece.data, np.uint8)[skip : skip + count * raw].reshape(count, raw)
        filled = (array != 0).sum(axis=1) > raw // 8
        total += (array[filled] == 0).sum(axis=0)
        rows += int(filled.sum())
    return total / rows if rows >= _LEAST_ROWS else None


def find_by_columns(pieces: Sequence[Piece]) -> tuple[SectorFormat, str, tuple[str, ...]] | None:
    """A size at which a window of columns is much emptier than all others: zeros or stamps beside encrypted data."""
    import numpy as np

    best: tuple[float, int, int, int, float] | None = None
    for raw, data in SHAPES[1:]:
        shares = _zero_shares(pieces, raw)
        if shares is None:
            continue
        extra = raw - data
        around = np.concatenate((shares, shares[:extra]))
        sums = np.convolve(around, np.ones(extra), "valid")[:raw] / extra
        at = int(sums.argmax())
        inside = float(sums[at])
        outside = (float(shares.sum()) - inside * extra) / data
        lead = inside - outside
        if lead > _STANDS_OUT and (best is None or lead * extra > best[0]):
            best = (lead * extra, raw, data, at, inside)
    if best is None:
        return None
    _, raw, data, at, inside = best
    begins = (at + raw - data) % raw  # data begin behind the window
    near = min(begins, raw - begins) < raw - data and begins != raw - data
    before = begins if begins == raw - data and inside > 0.97 else 0
    # A window that is a few bytes off (stamps are not all zeros) still means sectors that begin with the image.
    format = SectorFormat(raw, data, before, 0 if before or near else begins)
    trailer = "zero" if inside > 0.97 else "vendor"
    words = (
        f"folded by {raw}, {raw - data} columns stand out: {inside:.0%} zeros there; no structure is known in the data",
    )
    return format, trailer, words


def describe(pieces: Sequence[Piece], raw: int, data: int, phase: int) -> tuple[str, list[str]]:
    """What kind of bytes stand beside the data when they are no protection information."""
    import numpy as np

    shares = _zero_shares(pieces, raw)
    if shares is None:
        return "unknown", []
    beside = np.roll(shares, -(phase + data) % raw)[: raw - data]
    rest = float(np.roll(shares, -phase % raw)[:data].mean())
    if float(beside.min()) > 0.97:
        return "zero", ["zeros stand beside the data"]
    spread = _values(pieces, raw, (phase + data) % raw, raw - data)
    quiet = int((spread < 0.75).sum())
    if quiet >= max(1, (raw - data) // 8) or float(beside.mean()) > rest + 0.2:
        return "vendor", [
            f"{quiet} of the {raw - data} bytes beside the data change little from sector to sector: stamps"
        ]
    return "unknown", ["the bytes beside the data follow no pattern that is known"]


def _values(pieces: Sequence[Piece], raw: int, at: int, count: int) -> npt.NDArray[np.float64]:
    """Entropy (0..1) of each column beside the data."""
    import numpy as np

    columns: list[npt.NDArray[np.uint8]] = []
    for piece in pieces:
        skip = (at - piece.offset) % raw
        rows = (len(piece.data) - skip) // raw
        if rows > 0:
            columns.append(np.frombuffer(piece.data, np.uint8)[skip : skip + rows * raw].reshape(rows, raw)[:, :count])
    both = np.concatenate(columns)
    both = both[both.any(axis=1)]
    found = np.ones(count)
    for column in range(count):
        counts = np.bincount(both[:, column], minlength=256)
        p = counts[counts > 0] / max(1, counts.sum())
        found[column] = float(-(p * np.log2(p)).sum()) / 8 if counts.sum() else 0.0
    return found
