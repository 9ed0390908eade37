"""A source that fails too often is left alone: each failed read may cost a dying drive seconds; this is no imaging."""

from __future__ import annotations

from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import Buffer, ReadError

MAX_FAILED = 5000
"""Failed reads of one look at a source."""


class EnduringSource(Source):
    """The source below, until ``MAX_FAILED`` reads of it have failed: then it counts as gone.

    That is a ``ReadError`` of the code ``device-gone``, which nobody steps over. What a map calls unread is no failure.
    """

    def __init__(self, below: Source) -> None:
        self._below = below
        self._left = MAX_FAILED
        self.size, self.sector_size, self.path = below.size, below.sector_size, below.path

    @property
    def holes(self) -> RangeSet:
        return self._below.holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        try:
            return self._below.read_into(offset, buffer)
        except ReadError as error:
            self._left -= 1
            if self._left < 0 and error.code != "device-gone":
                raise ReadError(
                    f"{MAX_FAILED} reads failed, so it is given up", code="device-gone", path=error.path,
                    offset=error.offset, advice="image the drive first and work on the image",
                ) from error  # fmt: skip
            raise

    def next_data(self, offset: int) -> int:
        return self._below.next_data(offset)

    def close(self) -> None:
        self._below.close()
