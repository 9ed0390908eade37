"""XOR over buffers, in place and as words: the parity arithmetic of every layout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]

_BLOCK = 256 << 10
"""A block of this size stays in the processor's cache while all members are laid over it."""


def xor_into(target: Bytes, others: Iterable[Bytes]) -> None:
    """``target ^= other`` for each of ``others``; all one-dimensional, contiguous and equally long.

    Done block by block, so that the target is fetched from memory once, not once for each member.
    """
    import numpy as np

    listed = list(others)
    whole = target.size - target.size % 8
    words = target[:whole].view(np.uint64)
    views = [other[:whole].view(np.uint64) for other in listed]
    step = _BLOCK // 8
    for start in range(0, words.size, step):
        part = words[start : start + step]
        for view in views:
            np.bitwise_xor(part, view[start : start + step], out=part)
    for other in listed:
        if whole < target.size:
            target[whole:] ^= other[whole:]


def nonzero_granules(data: Bytes, granule: int) -> npt.NDArray[np.bool_]:
    """For each granule of ``data`` (a whole number of them, of a multiple of 8 bytes) whether any byte is not zero."""
    import numpy as np

    return np.asarray(data.view(np.uint64).reshape(-1, granule // 8).any(axis=1))
