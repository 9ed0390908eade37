"""A disk in a few hundred bytes: only what is not zero is written down, so that a fuzzer changes structures, not zeros.

An input is ``u32 sectors`` and then pieces: ``u32 sector``, ``u16 bytes``, the bytes. The top bit of a piece's sector
makes it a hole of so many sectors that nobody has read. Any bytes are such a disk; what is cut off counts as far as it
goes.
"""

from __future__ import annotations

import struct

from engine.ranges import RangeSet
from engine.source.base import Buffer, Source
from tests.fuzz.limits import TooMuchWork

SECTOR = 512
_HOLE = 1 << 31
_PIECE = struct.Struct("<IH")
_LARGEST_PIECE = 0xFE00
# What one input may make a parser read. A reader that goes in circles meets it long before the time is up.
MOST_READS = 300_000
MOST_TIMES_SIZE = 64


class SparseSource(Source):
    """The disk of an input, at most ``most`` bytes large. Counts its readings: ``TooMuchWork`` beyond the bound."""

    def __init__(self, data: bytes, most: int) -> None:
        sectors = int.from_bytes(data[:4], "little") % (most // SECTOR) + 1
        self.size, self.path = sectors * SECTOR, "(disk)"
        self.reads, self.taken = 0, 0
        self._pieces: list[tuple[int, bytes]] = []
        holes: list[tuple[int, int]] = []
        at = 4
        while at + _PIECE.size <= len(data):
            sector, length = _PIECE.unpack_from(data, at)
            at += _PIECE.size
            start = (sector & ~_HOLE) % sectors * SECTOR
            if sector & _HOLE:
                holes.append((start, min(self.size, start + length * SECTOR)))
                continue
            self._pieces.append((start, data[at : at + length][: self.size - start]))
            at += length
        self._holes = RangeSet(holes)
        self._limit = MOST_TIMES_SIZE * max(self.size, 1 << 20) + (64 << 20)

    @property
    def holes(self) -> RangeSet:
        return self._holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        size = len(buffer)
        self.check_inside(offset, size)
        self.reads += 1
        self.taken += size
        if self.reads > MOST_READS or self.taken > self._limit:
            raise TooMuchWork(f"{self.reads} reads of {self.taken} bytes from a disk of {self.size}")
        view, end = memoryview(buffer), offset + size
        view[:] = bytes(size)
        for start, piece in self._pieces:
            low, high = max(start, offset), min(start + len(piece), end)
            if low < high:
                view[low - offset : high - offset] = piece[low - start : high - start]
        found = tuple(self._holes.clip(offset, end)) if self._holes else ()
        for low, high in found:
            view[low - offset : high - offset] = bytes(high - low)
        return found

    def close(self) -> None:
        """Nothing is open."""


def packed(size: int, parts: list[tuple[int, bytes]], holes: list[tuple[int, int]] | None = None) -> bytes:
    """An input for the disk of ``size`` bytes with ``parts`` (offset, bytes), later ones over earlier ones."""
    sectors: dict[int, bytearray] = {}
    for offset, data in parts:
        at = 0
        while at < len(data):
            number, inside = divmod(offset + at, SECTOR)
            count = min(SECTOR - inside, len(data) - at)
            sectors.setdefault(number, bytearray(SECTOR))[inside : inside + count] = data[at : at + count]
            at += count
    runs: list[tuple[int, bytearray]] = []
    for number in sorted(number for number, data in sectors.items() if any(data)):
        if runs and runs[-1][0] + len(runs[-1][1]) // SECTOR == number and len(runs[-1][1]) < _LARGEST_PIECE:
            runs[-1][1].extend(sectors[number])
        else:
            runs.append((number, bytearray(sectors[number])))
    out = [(size // SECTOR - 1).to_bytes(4, "little")]
    for number, run in runs:
        short = bytes(run).rstrip(b"\0")
        out += [_PIECE.pack(number, len(short)), short]
    for start, end in holes or []:
        out.append(_PIECE.pack(start // SECTOR | _HOLE, (end - start) // SECTOR))
    return b"".join(out)


def packed_image(image: bytes) -> bytes:
    """An input for the disk whose bytes these are."""
    return packed(-(-len(image) // SECTOR) * SECTOR, [(0, image)])
