"""What every source offers: a size, a sector size, reads, and the holes in what was read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engine.errors import RescueError

if TYPE_CHECKING:
    from engine.ranges import RangeSet

Buffer = bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes of a source and the parts of them that nobody has read.

    ``data`` is shorter than asked only at the source's end. ``holes`` are positions in the source, inside the reading;
    the bytes of ``data`` there are filler (zeros), never content.
    """

    offset: int
    data: bytes
    holes: tuple[tuple[int, int], ...]

    @property
    def whole(self) -> bool:
        """Whether every byte is content."""
        return not self.holes

    @property
    def missing(self) -> int:
        """How many bytes are filler."""
        return sum(end - start for start, end in self.holes)


class ReadError(RescueError):
    """The medium did not give the bytes at ``offset``: an unreadable place, or a device that is gone."""

    exit_code = 3
    default_code = "read-error"


class Source(ABC):
    """A run of ``size`` bytes that can be read from any position.

    ``sector_size`` is the logical sector in bytes (512 when unknown); ``path`` names it for messages.
    """

    size: int
    sector_size: int = 512
    path: str

    @property
    @abstractmethod
    def holes(self) -> RangeSet:
        """The bytes nobody has read, as positions in this source."""

    @abstractmethod
    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        """Fill ``buffer`` from ``offset`` on and return the holes in it (absolute, clipped to the buffer).

        The whole buffer must lie inside the source (``ValueError`` otherwise). Raises ``ReadError`` when the medium
        fails; what the buffer then holds is undefined.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the descriptors back; reading afterwards fails."""

    def read(self, offset: int, size: int) -> Reading:
        """Up to ``size`` bytes from ``offset``; fewer at the end, none beyond it."""
        if offset < 0 or size < 0:
            raise ValueError("offset and size are not negative")
        data = bytearray(max(0, min(size, self.size - offset)))
        holes = self.read_into(offset, data) if data else ()
        return Reading(offset, bytes(data), holes)

    def next_data(self, offset: int) -> int:
        """The first position from ``offset`` on that may hold something; ``size`` when nothing follows.

        What is passed over is a sparse stretch of a file (it reads as zeros) or a hole. A source that does not know
        gives ``offset`` back.
        """
        return min(offset, self.size)

    def check_inside(self, offset: int, size: int) -> None:
        """Raise ``ValueError`` unless ``[offset, offset + size)`` lies in the source."""
        if offset < 0 or offset + size > self.size:
            raise ValueError(f"{offset}+{size} lies outside 0-{self.size}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
