"""Lost packs as padding packs, so that a player goes over the gap instead of stopping in it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.dvr.pack import CLOCK_WRAP, PACK_SIZE, clock_distance, pack_clock
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import Buffer

_DVD_MUX = 25_200
_ONE_PACK = 43_886
"""Ticks of 27 MHz that a pack lasts at 10.08 Mbit/s."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    start: int
    end: int
    clock: int
    step: float


def padding_pack(clock: int) -> bytes:
    """A pack of nothing at ``clock`` (27 MHz): header and one padding packet."""
    base, extension = clock // 300 % (1 << 33), clock % 300
    value = 1 << 46 | (base >> 30) << 43 | 1 << 42 | (base >> 15 & 0x7FFF) << 27 | 1 << 26 | (base & 0x7FFF) << 11
    head = b"\0\0\1\xba" + (value | 1 << 10 | extension << 1 | 1).to_bytes(6, "big")
    head += (_DVD_MUX << 2 | 3).to_bytes(3, "big") + b"\xf8"
    rest = PACK_SIZE - len(head) - 6
    return head + b"\0\0\1\xbe" + rest.to_bytes(2, "big") + b"\xff" * rest


class FilledSource(Source):
    """``below`` (a programme stream from its first pack on) with every pack that has a hole in it replaced by padding.

    It has no holes of its own: what was filled is told by ``filled``.
    """

    def __init__(self, below: Source) -> None:
        self._below = below
        self.size, self.sector_size, self.path = below.size, below.sector_size, below.path
        holes = below.holes
        starts = holes.starts // PACK_SIZE * PACK_SIZE
        ends = -(-holes.ends // PACK_SIZE) * PACK_SIZE
        self.filled = RangeSet.from_arrays(starts, ends).clip(0, self.size)
        self._stretches = [self._stretch(low, high) for low, high in self.filled]

    def _stretch(self, low: int, high: int) -> _Stretch:
        packs = (high - low) // PACK_SIZE
        before = self._clock(low - PACK_SIZE)
        after = self._clock(high)
        if before is None:
            clock = 0 if after is None else (after - (packs + 1) * _ONE_PACK) % CLOCK_WRAP
            return _Stretch(low, high, clock, _ONE_PACK)
        step = clock_distance(before, after) / (packs + 1) if after is not None else _ONE_PACK
        return _Stretch(low, high, before, step if 0 < step < 27_000_000 else _ONE_PACK)

    def _clock(self, position: int) -> int | None:
        if position < 0 or position + PACK_SIZE > self.size:
            return None
        reading = self._below.read(position, 14)
        return pack_clock(reading.data) if reading.whole else None

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self._below.read_into(offset, buffer)
        view, end = memoryview(buffer), offset + len(buffer)
        if self.filled.overlaps(offset, end):
            for one in self._stretches:
                if one.start < end and one.end > offset:
                    self._pad(one, offset, view)
        return ()

    def _pad(self, one: _Stretch, offset: int, view: memoryview) -> None:
        low, high = max(one.start, offset), min(one.end, offset + len(view))
        for number in range((low - one.start) // PACK_SIZE, -(-(high - one.start) // PACK_SIZE)):
            at = one.start + number * PACK_SIZE
            pack = padding_pack(round(one.clock + (number + 1) * one.step) % CLOCK_WRAP)
            a, b = max(at, low), min(at + PACK_SIZE, high)
            view[a - offset : b - offset] = pack[a - at : b - at]

    def close(self) -> None:
        self._below.close()


def filled(content: Source) -> tuple[Source, RangeSet]:
    """``content`` with its lost packs padded, and which bytes those are."""
    source = FilledSource(content)
    return source, source.filled
