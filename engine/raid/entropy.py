"""Order-0 entropy of granules: how hard a piece of a strip is to describe byte by byte.

The XOR of several data blocks flattens byte statistics, so in its row the parity is the member with the highest
entropy.
Entropy keeps working on compressed pictures, where the lengths of compressors tie.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Floats = npt.NDArray[np.float32]


@functools.cache
def _terms(granule: int) -> npt.NDArray[np.float64]:
    import numpy as np

    counts = np.arange(granule + 1, dtype=np.float64)
    counts[1:] *= np.log2(counts[1:])
    return counts


def entropies(data: Bytes, granule: int, wanted: npt.NDArray[np.bool_]) -> Floats:
    """Bytes (0..``granule``) that an ideal order-0 coder needs for each granule; 0 where ``wanted`` is False."""
    import numpy as np

    blocks = data.reshape(-1, granule)
    found = np.zeros(blocks.shape[0], np.float32)
    terms = _terms(granule)
    bits = granule * np.log2(granule)
    if granule >= 2048:
        for at in np.flatnonzero(wanted).tolist():
            found[at] = bits - terms[np.bincount(blocks[at], minlength=1)].sum()
        return found / np.float32(8)
    # Short granules: many at once, each with 256 counters of its own.
    chosen = np.flatnonzero(wanted)
    for start in range(0, chosen.size, 512):
        part = chosen[start : start + 512]
        keys = blocks[part] + (np.arange(part.size, dtype=np.int64) * 256)[:, None]
        counts = np.bincount(keys.ravel(), minlength=part.size * 256).reshape(-1, 256)
        found[part] = bits - terms[counts].sum(axis=1)
    return found / np.float32(8)
