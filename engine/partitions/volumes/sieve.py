"""Tests over many sectors at once: rows of 512 bytes. numpy itself is the caller's; nothing is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.partitions.volumes.family import Sieve

    Rows = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]
    Column = npt.NDArray[np.int64]


def has(place: int, magic: bytes) -> Sieve:
    """Sectors with ``magic`` at ``place``."""
    wanted = list(magic)

    def test(rows: Rows) -> Mask:
        return cast("Mask", (rows[:, place : place + len(wanted)] == wanted).all(axis=1))

    return test


def little(rows: Rows, place: int, size: int) -> Column:
    """The little-endian number of ``size`` bytes (at most 7) at ``place`` of every sector."""
    value = rows[:, place].astype("int64")
    for index in range(1, size):
        value = value | rows[:, place + index].astype("int64") << 8 * index
    return value


def big(rows: Rows, place: int, size: int) -> Column:
    """The big-endian number of ``size`` bytes (at most 7) at ``place`` of every sector."""
    value = rows[:, place].astype("int64")
    for index in range(1, size):
        value = value << 8 | rows[:, place + index].astype("int64")
    return value


def power(value: Column) -> Mask:
    """Powers of two."""
    return cast("Mask", (value > 0) & ((value & (value - 1)) == 0))
