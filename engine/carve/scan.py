"""Where files may begin: one pass over the first bytes of every block, and the exact comparison of the few hits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.carve.signatures import Signature

    Bytes = npt.NDArray[np.uint8]

BLOCK = 512
CHUNK = 8 << 20
_HASH = 2654435761


@dataclass(frozen=True, slots=True)
class Hit:
    """A place (bytes in the source) where a file with this signature may begin."""

    start: int
    signature: Signature


class _Column:
    """The signatures whose magic stands at the same place in a block.

    ``ahead``: how many whole blocks after the file's start that is.
    """

    def __init__(self, column: int) -> None:
        import numpy as np

        self.column = column
        self.by_pair: dict[int, list[Signature]] = defaultdict(list)
        self.long = np.zeros(1 << 16, np.bool_)
        self.short = np.zeros(1 << 16, np.bool_)
        self.any_short = False

    def add(self, signature: Signature) -> None:
        """Enter one signature into the tables."""
        magic, mask = signature.magic, signature.mask or b"\xff" * len(signature.magic)
        whole = len(magic) >= 4 and set(mask[:4]) == {0xFF}
        lows = [byte for byte in range(256) if byte & mask[0] == magic[0]]
        highs = [byte for byte in range(256) if len(magic) < 2 or byte & mask[1] == magic[1]]
        for pair in (low | high << 8 for low in lows for high in highs):
            self.by_pair[pair].append(signature)
            if not whole:
                self.short[pair] = True
                self.any_short = True
        if whole:
            key = int.from_bytes(magic[:4], "little")
            self.long[(key * _HASH & 0xFFFFFFFF) >> 16] = True


class Scanner:
    """Finds candidates at multiples of ``block`` bytes (a power of two, 512 or more)."""

    def __init__(self, signatures: Sequence[Signature], block: int = BLOCK) -> None:
        self.block = block
        self._columns: dict[int, _Column] = {}
        self._stride_188 = [s for s in signatures if s.kind == "mpeg-ts"]
        for signature in signatures:
            if signature.kind == "mpeg-ts":
                continue
            column = signature.offset % BLOCK
            self._columns.setdefault(column, _Column(column)).add(signature)
        self.reach = max((s.offset + len(s.magic) for s in signatures), default=0)
        """Bytes after a start that are needed to compare every magic."""

    def hits(self, data: Bytes, base: int, limit: int) -> Iterator[Hit]:
        """Candidates by their start, for starts in ``[base, base + limit)``.

        ``data`` begins at ``base`` (a multiple of the block) and reaches ``limit + reach`` bytes, fewer at the end.
        """
        found: list[tuple[int, Signature]] = []
        for column in self._columns.values():
            self._column_hits(column, data, base, limit, found)
        if self._stride_188:
            self._packet_hits(data, base, limit, found)
        found.sort(key=lambda pair: (pair[0], pair[1].weak, pair[1].offset))
        for start, signature in found:
            yield Hit(start, signature)

    def _column_hits(
        self, table: _Column, data: Bytes, base: int, limit: int, found: list[tuple[int, Signature]]
    ) -> None:
        import numpy as np

        count = (data.size - table.column - 4) // BLOCK + 1 if data.size >= table.column + 4 else 0
        if count <= 0:
            return
        rows = np.lib.stride_tricks.as_strided(data[table.column :], (count, 4), (BLOCK, 1), writeable=False)
        keys = np.ascontiguousarray(rows).view("<u4").ravel()
        flags = table.long[(keys * np.uint32(_HASH)) >> np.uint32(16)]
        if table.any_short:
            flags |= table.short[keys & np.uint32(0xFFFF)]
        for index in np.flatnonzero(flags).tolist():
            pair = int(keys[index]) & 0xFFFF
            position = index * BLOCK + table.column
            for signature in table.by_pair.get(pair, ()):
                start = position - signature.offset
                if (
                    0 <= start < limit
                    and not (base + start) % self.block
                    and signature.matches(data[position : position + len(signature.magic)].tobytes())
                ):
                    found.append((base + start, signature))

    def _packet_hits(self, data: Bytes, base: int, limit: int, found: list[tuple[int, Signature]]) -> None:
        import numpy as np

        for signature in self._stride_188:
            stride, first = (192, 4) if signature.offset else (188, 0)
            reach = first + 4 * stride
            count = min(limit // BLOCK + bool(limit % BLOCK), (data.size - reach - 1) // BLOCK + 1)
            if count <= 0:
                continue
            right = np.ones(count, np.bool_)
            for packet in range(5):
                at = first + packet * stride
                right &= data[at::BLOCK][:count] == 0x47
                if not right.any():
                    break
            for index in np.flatnonzero(right).tolist():
                if not (base + index * BLOCK) % self.block:
                    found.append((base + index * BLOCK, signature))
