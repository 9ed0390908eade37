"""What a conversion keeps besides the data: the bytes beside them, so that nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.ranges import RangeSet
from engine.source import SectorFormat, Source
from engine.source.base import Buffer

if TYPE_CHECKING:
    from engine.ranges import Int64s

_CHUNK = 4 << 20


class BesideSource(Source):
    """The bytes beside the data of each sector, one sector after the other: ``extra`` bytes each."""

    def __init__(self, below: Source, format: SectorFormat) -> None:
        self._below, self.format = below, format
        self.size = format.sectors(below.size) * format.extra
        self.path = below.path

    @property
    def holes(self) -> RangeSet:
        below = self._below.holes
        return RangeSet.from_arrays(self._beside(below.starts), self._beside(below.ends)).clip(0, self.size)

    def _beside(self, raw: Int64s) -> Int64s:
        """How many bytes beside data lie before each raw position."""
        import numpy as np

        format = self.format
        at = np.maximum(raw - format.head, 0)
        inside = at % format.raw
        passed = np.minimum(inside, format.before) + np.clip(inside - format.before - format.data, 0, format.extra)
        found: Int64s = at // format.raw * format.extra + passed
        return found

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        import numpy as np

        format, view = self.format, memoryview(buffer)
        holes: list[tuple[int, int]] = []
        while view:
            first, inside = divmod(offset, format.extra)
            count = min(max(1, _CHUNK // format.raw), -(-(inside + len(view)) // format.extra))
            raw = np.empty(count * format.raw, np.uint8)
            found = self._below.read_into(format.head + first * format.raw, raw.data)
            rows = raw.reshape(count, format.raw)
            beside = np.concatenate((rows[:, : format.before], rows[:, format.before + format.data :]), axis=1)
            size = min(len(view), count * format.extra - inside)
            np.frombuffer(view[:size], np.uint8)[:] = beside.reshape(-1)[inside : inside + size]
            if found:
                bad = RangeSet(found)
                holes += list(
                    RangeSet.from_arrays(self._beside(bad.starts), self._beside(bad.ends)).clip(offset, offset + size)
                )
            view, offset = view[size:], offset + size
        return tuple(RangeSet(holes)) if len(holes) > 1 else tuple(holes)

    def close(self) -> None:
        self._below.close()
