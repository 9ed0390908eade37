"""T10 protection information: the guard CRC over many sectors at once, and the tags beside it.

CRC-16 with polynomial 0x8BB7, begun with 0, not reflected (T10 SBC). Checked over 512 or 4096 bytes.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Rows = npt.NDArray[np.uint8]
    Words = npt.NDArray[np.uint16]

POLYNOMIAL = 0x8BB7
_TOGETHER = 8192


@functools.cache
def _table() -> Words:
    """What two more bytes do to the CRC: one look-up for each 16-bit word."""
    import numpy as np

    crc = np.arange(65536, dtype=np.uint32)
    for _ in range(16):
        crc = (np.where(crc & 0x8000, (crc << 1) ^ POLYNOMIAL, crc << 1) & 0xFFFF).astype(np.uint32)
    return crc.astype(np.uint16)


def guards(rows: Rows) -> Words:
    """The CRC of each row of bytes (an even number of columns)."""
    import numpy as np

    table = _table()
    found = np.empty(rows.shape[0], np.uint16)
    for start in range(0, rows.shape[0], _TOGETHER):
        words = np.ascontiguousarray(rows[start : start + _TOGETHER]).view(">u2").astype(np.uint16).T.copy()
        crc = np.zeros(words.shape[1], np.uint16)
        for word in words:
            np.bitwise_xor(crc, word, out=crc)
            crc = table.take(crc)
        found[start : start + _TOGETHER] = crc
    return found


def big16(columns: Rows) -> npt.NDArray[np.int64]:
    """Two columns as big-endian numbers."""
    import numpy as np

    return columns[:, 0].astype(np.int64) << 8 | columns[:, 1]


def big32(columns: Rows) -> npt.NDArray[np.int64]:
    """Four columns as big-endian numbers."""
    return big16(columns[:, :2]) << 16 | big16(columns[:, 2:4])
