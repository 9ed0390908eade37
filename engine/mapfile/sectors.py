"""Maps as lists of sector numbers and as bitmaps, the way other tools want them (``ddrescuelog -l`` and ``-c``)."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from engine.errors import DamagedError, UsageError
from engine.mapfile.lines import c_number
from engine.mapfile.loose import compile_blocks
from engine.mapfile.model import Int64s, Mapfile
from engine.mapfile.status import MAX_POSITION, code_of
from engine.ranges import RangeSet

BitOrder = Literal["little", "big"]

MAX_NUMBERS = 1 << 28
_NUMBER = re.compile(rb"[+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z")


def sector_ranges(
    map_: Mapfile, statuses: str, sector_size: int = 512, domain: RangeSet | None = None, distance: int = 0
) -> RangeSet:
    """The sectors (numbers, not bytes) that hold any byte of these statuses, partial ones included.

    ``distance`` (bytes, a multiple of the sector) is added to every position first. Raises ``UsageError``.
    """
    if sector_size < 1 or distance % sector_size:
        raise UsageError("the distance must be a multiple of the sector size", code="bad-range")
    chosen = map_.ranges(statuses)
    if domain is not None:
        chosen = chosen.intersect(domain)
    low = chosen.starts // sector_size
    high = (chosen.ends - 1) // sector_size + 1
    numbers = RangeSet.from_arrays(low, high)
    return numbers.shift(distance // sector_size)


def list_sectors(
    map_: Mapfile, statuses: str, sector_size: int = 512, domain: RangeSet | None = None, distance: int = 0
) -> Int64s:
    """The sector numbers one by one, sorted, each once. Raises ``UsageError`` for more than 2^28 of them."""
    found = sector_ranges(map_, statuses, sector_size, domain, distance)
    if found.total > MAX_NUMBERS:
        raise UsageError(
            f"{found.total} sector numbers are too many to list", code="too-many", advice="take a smaller domain"
        )
    counts = found.ends - found.starts
    offsets = np.repeat(found.starts - (np.cumsum(counts) - counts), counts)
    numbers: Int64s = np.arange(found.total, dtype=np.int64) + offsets
    return numbers


def to_bitmap(
    map_: Mapfile, statuses: str, sector_size: int = 512, order: BitOrder = "little", domain: RangeSet | None = None
) -> bytes:
    """One bit per sector from position 0 to the end of the map (or domain). Raises ``UsageError`` when too large."""
    end = map_.end if domain is None or not domain else min(map_.end, int(domain.ends[-1]))
    count = -(-end // sector_size)
    if count > MAX_NUMBERS:
        raise UsageError(f"a bitmap of {count} sectors is too large", code="too-many", advice="take a smaller domain")
    steps = np.zeros(count + 1, np.int8)
    found = sector_ranges(map_, statuses, sector_size, domain)
    steps[found.starts] = 1
    steps[found.ends] = -1
    return np.packbits(np.cumsum(steps[:-1], dtype=np.int8).astype(bool), bitorder=order).tobytes()


def parse_numbers(text: bytes) -> Int64s:
    """Block numbers in any C form, separated by white space. Raises ``DamagedError`` with the line of a bad one."""
    numbers = []
    for number, line in enumerate(text.split(b"\n"), 1):
        for word in line.split():
            value = c_number(word) if _NUMBER.match(word) else -1
            if not 0 <= value < MAX_POSITION:
                raise DamagedError("bad block number", code="malformed-list", line=number)
            numbers.append(value)
    return np.array(numbers, np.int64)


def from_sectors(
    numbers: Int64s, sector_size: int = 512, *, listed: str = "+", rest: str = "-", end: int = MAX_POSITION,
    distance: int = 0,
) -> Mapfile:
    """A map where the listed sectors (any order, repeats allowed) have one status and the rest up to ``end`` another.

    Sectors that do not lie wholly before ``end`` are left out; ``distance`` is added to their positions.
    Raises ``UsageError``.
    """  # fmt: skip
    one, two = code_of(listed), code_of(rest)
    if one == two:
        raise UsageError("listed and other sectors need different statuses", code="bad-status")
    if sector_size < 1 or not 0 < end <= MAX_POSITION:
        raise UsageError("sector size and end must be positive", code="bad-range")
    if numbers.size and not (int(numbers.min()) >= 0 and int(numbers.max()) <= MAX_POSITION // sector_size):
        raise UsageError("a sector number is negative or beyond 2^63 - 1 bytes", code="bad-range")
    starts = np.unique(numbers) * np.int64(sector_size)
    starts = starts[starts < end - max(0, distance)] + distance
    starts = starts[starts >= 0]
    # the very last sector of the address space is cut at its end
    whole = (starts <= end - sector_size) if end < MAX_POSITION else np.ones(starts.size, bool)
    starts = starts[whole]
    sets = [RangeSet() for _ in range(5)]
    sets[one] = RangeSet.from_arrays(starts, starts + np.minimum(sector_size, end - starts))
    sets[two] = sets[one].complement(0, end)
    bounds, codes = compile_blocks(sets, two, 0)
    return Mapfile(bounds, codes)


def from_bitmap(
    data: bytes, sector_size: int = 512, order: BitOrder = "little", *, listed: str = "+", rest: str = "-",
    end: int = MAX_POSITION, distance: int = 0,
) -> Mapfile:
    """``from_sectors`` with the set bits of a bitmap."""  # fmt: skip
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder=order)
    numbers = np.flatnonzero(bits).astype(np.int64)
    return from_sectors(numbers, sector_size, listed=listed, rest=rest, end=end, distance=distance)
