"""The entropy of a source along a strip: one sample for each cell, and what nobody has read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.hex.inspector import entropy
from engine.hex.reading import Bytes

SAMPLE = 4096
"""At most so many bytes of a cell are looked at, from its beginning."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Cells of ``cell`` bytes from ``start`` on. ``values``: bits per byte (0 to 8) of each cell's sample, or the
    status letter of a cell whose sample nobody has read. ``sampled`` is False when every byte was looked at."""

    start: int
    cell: int
    values: tuple[float | str, ...]
    sampled: bool

    @property
    def end(self) -> int:
        """First byte behind the last cell."""
        return self.start + self.cell * len(self.values)


def measure(
    opened: Bytes, start: int, end: int, cells: int, *, stopped: Callable[[], bool] = lambda: False
) -> Strip:
    """At most ``cells`` cells over ``[start, end)``; reads at most ``cells * SAMPLE`` bytes. ``stopped`` ends it early.
    """
    start, end = max(0, start), min(opened.size, end)
    size = max(1, -(-(end - start) // max(1, cells)))
    values: list[float | str] = []
    for low in range(start, end, size):
        if stopped():
            break
        page = opened.read(low, min(SAMPLE, size, end - low))
        content = bytearray()
        at = page.offset
        for one in page.unread:
            content += page.data[at - page.offset : one.start - page.offset]
            at = one.end
        content += page.data[at - page.offset :]
        values.append(entropy(bytes(content)) if content else page.unread[0].letter)
    return Strip(start, size, tuple(values), size > SAMPLE)
