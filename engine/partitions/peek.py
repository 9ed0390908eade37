"""Reading a disk's structures so that what nobody has read is never taken for zeros."""

from __future__ import annotations

from collections import OrderedDict

from engine.source import Source
from engine.source.base import ReadError, Reading

_PAGE = 4096
_MAX_PAGES = 1024


class Peek:
    """Small reads from a source, by page and kept, since the same few sectors are asked for again and again.

    Medium errors count as unread; a page that the medium refuses is read again sector by sector, so that one bad
    sector hides only itself. Only a device that is gone ends the reading (``ReadError``).
    """

    __slots__ = ("_pages", "size", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.size = source.size
        self._pages: OrderedDict[int, Reading] = OrderedDict()

    def bytes_at(self, offset: int, size: int) -> bytes | None:
        """Exactly ``size`` bytes, or None when a part of them lies outside the disk or was never read."""
        if not self.inside(offset, size):
            return None
        found = self.reading(offset, size)
        return found.data if found.whole else None

    def unread(self, offset: int, size: int) -> bool:
        """Whether the disk has (some of) these bytes, but nobody has read all of them."""
        low = max(0, offset)
        return bool(self.reading(low, offset + size - low).holes)

    def inside(self, offset: int, size: int) -> bool:
        """Whether the disk has these bytes at all."""
        return offset >= 0 and size >= 0 and offset + size <= self.size

    def reading(self, offset: int, size: int) -> Reading:
        """Up to ``size`` bytes at ``offset`` with their holes; nothing from beyond the end."""
        end = min(offset + size, self.size)
        if offset < 0 or end <= offset:
            return Reading(max(offset, 0), b"", ())
        first = offset // _PAGE
        pages = [self._page(number) for number in range(first, (end - 1) // _PAGE + 1)]
        data = pages[0].data if len(pages) == 1 else b"".join(page.data for page in pages)
        holes = tuple(
            (max(low, offset), min(high, end))
            for page in pages
            for low, high in page.holes
            if low < end and high > offset
        )
        return Reading(offset, data[offset - first * _PAGE : end - first * _PAGE], holes)

    def _page(self, number: int) -> Reading:
        found = self._pages.get(number)
        if found is not None:
            self._pages.move_to_end(number)
            return found
        found = self._pages[number] = self._load(number * _PAGE)
        if len(self._pages) > _MAX_PAGES:
            self._pages.popitem(last=False)
        return found

    def _load(self, start: int) -> Reading:
        size = min(_PAGE, self.size - start)
        try:
            return self.source.read(start, size)
        except ReadError as error:
            if error.code == "device-gone":
                raise
        data = bytearray()
        holes: list[tuple[int, int]] = []
        step = max(512, self.source.sector_size)
        for position in range(start, start + size, step):
            count = min(step, start + size - position)
            try:
                piece = self.source.read(position, count)
                data += piece.data
                holes += piece.holes
            except ReadError as error:
                if error.code == "device-gone":
                    raise
                data += bytes(count)
                holes.append((position, position + count))
        return Reading(start, bytes(data), tuple(holes))
