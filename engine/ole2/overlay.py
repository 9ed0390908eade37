"""A repaired document without a copy: the original's bytes with the written sectors laid over them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import Buffer
from engine.source.extents import Extent, ExtentSource


class OverlaySource(Source):
    """``size`` bytes of another source from ``base`` on (below 0: that many new bytes come first), with ``patches``
    (offset -> bytes, not overlapping) over them. A patched byte is content; what lies behind the end of the source
    below and is not patched is a hole. Closing it leaves the source below open."""

    def __init__(self, below: Source, base: int, size: int, patches: Mapping[int, bytes]) -> None:
        lead = max(0, -base)
        extents = [Extent(None, lead)] if lead else []
        self._lower = ExtentSource(below, [*extents, Extent(max(0, base), size - lead)])
        self.size, self.sector_size, self.path = size, below.sector_size, below.path
        self._at = sorted(patches)
        self._patches = [bytes(patches[at]) for at in self._at]
        self.patched = RangeSet((at, at + len(data)) for at, data in zip(self._at, self._patches, strict=True))
        self._holes = self._lower.holes.subtract(self.patched).clip(0, size)

    @property
    def holes(self) -> RangeSet:
        return self._holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        view, end = memoryview(buffer), offset + len(buffer)
        holes = self._lower.read_into(offset, view)
        index = max(0, bisect_right(self._at, offset) - 1)
        patched = False
        while index < len(self._at) and self._at[index] < end:
            at, data = self._at[index], self._patches[index]
            low, high = max(at, offset), min(at + len(data), end)
            if low < high:
                view[low - offset : high - offset] = data[low - at : high - at]
                patched = True
            index += 1
        return tuple(self._holes.clip(offset, end)) if patched and holes else holes

    def close(self) -> None:
        return
