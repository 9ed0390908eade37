"""Sectors with bytes beside the data (520, 524, 528, 4160, 4224 ...), read through as plain data.

Logical byte ``v`` lies at ``head + v // data * raw + before + v % data`` of the raw image. The view is computed while
reading; nothing has to be converted for the rest of the program to work on such an image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.ranges import RangeSet
from engine.source.base import Buffer, Source

if TYPE_CHECKING:
    from engine.ranges import Int64s

_CHUNK = 8 << 20
_WRITTEN = re.compile(r"(\d{3,5})(?:/(\d{3,4}))?(?:@(\d{1,4}))?(?:\+(\d{1,5}))?\Z")
PLAIN = (512, 1024, 2048, 4096)


@dataclass(frozen=True, slots=True)
class SectorFormat:
    """Sectors of ``raw`` bytes that hold ``data`` bytes from byte ``before`` on; the first one begins at ``head``."""

    raw: int
    data: int = 512
    before: int = 0
    head: int = 0

    def __post_init__(self) -> None:
        if self.data not in PLAIN or not self.data <= self.raw <= 8192:
            raise UsageError("a sector holds 512 to 4096 bytes of data in at most 8192", code="sector-format")
        if not 0 <= self.before <= self.raw - self.data or not 0 <= self.head < self.raw:
            raise UsageError("the data do not lie inside the sector", code="sector-format")

    @property
    def plain(self) -> bool:
        """Whether there is nothing beside the data, so that no view is needed."""
        return self.raw == self.data and not self.head

    @property
    def extra(self) -> int:
        """Bytes beside the data."""
        return self.raw - self.data

    def sectors(self, size: int) -> int:
        """How many whole sectors ``size`` raw bytes hold."""
        return max(0, size - self.head) // self.raw

    def __str__(self) -> str:
        usual = 4096 if self.raw >= 4096 else 512
        text = f"{self.raw}" + (f"/{self.data}" if self.data != usual else "")
        return text + (f"@{self.before}" if self.before else "") + (f"+{self.head}" if self.head else "")


def parse_sector_format(text: str | int) -> SectorFormat:
    """``520``, ``520@8`` (data begin 8 bytes into the sector), ``520+100`` (the first sector begins at byte 100),
    ``4160/512`` (512 bytes of data in each). Raises ``UsageError``."""
    match = _WRITTEN.match(str(text))
    if match is None:
        raise UsageError(
            f"{str(text)[:40]!r} is no sector size", code="sector-format",
            advice="write 520, 524, 528, 4160, 4224; 520@8 when 8 bytes stand before the data; 520+100 for a cut image",
        )  # fmt: skip
    raw = int(match[1])
    data = int(match[2]) if match[2] else 4096 if raw >= 4096 else 512
    return SectorFormat(raw, data, int(match[3] or 0), int(match[4] or 0))


class SectorSource(Source):
    """The data of another source's sectors, without what stands beside them. ``extras`` reads that."""

    def __init__(self, below: Source, format: SectorFormat) -> None:
        self._below, self.format = below, format
        self.count = format.sectors(below.size)
        self.size = self.count * format.data
        self.sector_size = format.data
        self.path = below.path

    @property
    def holes(self) -> RangeSet:
        below = self._below.holes
        return RangeSet.from_arrays(self._logical(below.starts), self._logical(below.ends)).clip(0, self.size)

    def _logical(self, raw: Int64s) -> Int64s:
        """How many data bytes lie before each raw position."""
        import numpy as np

        format = self.format
        at = np.maximum(raw - format.head, 0)
        found: Int64s = at // format.raw * format.data + np.clip(at % format.raw - format.before, 0, format.data)
        return found

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        import numpy as np

        format, view = self.format, memoryview(buffer)
        most = max(1, _CHUNK // format.raw)
        holes: list[tuple[int, int]] = []
        while view:
            first, inside = divmod(offset, format.data)
            count = min(most, -(-(inside + len(view)) // format.data))
            raw = np.empty(count * format.raw, np.uint8)
            found = self._below.read_into(format.head + first * format.raw, raw.data)
            data = raw.reshape(count, format.raw)[:, format.before : format.before + format.data]
            size = min(len(view), count * format.data - inside)
            out = np.frombuffer(view[:size], np.uint8)
            if inside == 0 and size == count * format.data:
                out.reshape(count, format.data)[:] = data
            else:
                out[:] = data.reshape(-1)[inside : inside + size]
            if found:
                bad = RangeSet(found)
                holes += list(
                    RangeSet.from_arrays(self._logical(bad.starts), self._logical(bad.ends)).clip(offset, offset + size)
                )
            view, offset = view[size:], offset + size
        return tuple(RangeSet(holes)) if len(holes) > 1 else tuple(holes)

    def raw_sectors(self, first: int, count: int) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        """``count`` raw sectors with all that stands beside the data, and the holes in them (raw positions)."""
        reading = self._below.read(self.format.head + first * self.format.raw, count * self.format.raw)
        return reading.data, reading.holes

    def next_data(self, offset: int) -> int:
        format = self.format
        raw = self._below.next_data(format.head + offset // format.data * format.raw)
        found = max(0, raw - format.head) // format.raw * format.data
        return min(self.size, max(offset, found))

    def close(self) -> None:
        self._below.close()
