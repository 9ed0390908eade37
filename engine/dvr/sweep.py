"""Going over large areas of a disk in big reads, rows of blocks at a time; what nobody has read is stepped over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.dvr.disk import Disk
from engine.progress import check

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_BUFFER = 4 << 20


def blocks_in(disk: Disk, low: int, high: int, size: int) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """The blocks of ``size`` bytes in ``[low, high)`` as (number of the first block, array (blocks, size)).

    Stretches of zeros alone are left out; a block that is unread in part comes with zeros there. Tells the disk's
    reporter how far it is. Raises ``CancelledError``.
    """
    import numpy as np

    first, last = -(-low // size), min(high, disk.size) // size
    step = max(1, _BUFFER // size)
    zeros = bytes(step * size)
    for number in range(first, last, step):
        check(disk.reporter)
        disk.reporter.update(number * size, high, "B", "looking for lost structures")
        count = min(step, last - number)
        piece = disk.piece(number * size, count * size)
        if len(piece.data) < count * size or piece.data == zeros[: count * size]:
            continue
        yield number, np.frombuffer(piece.data, np.uint8).reshape(count, size)
