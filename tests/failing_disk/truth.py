"""What can be had from a failing disk, images whose every sector is recognisable, and layouts of faults."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tests.failing_disk.faults import Drop, Fault, Flaky, Hang
from tests.failing_disk.profiles import Profile

Range = tuple[int, int]
"""Half-open: first byte, first byte behind."""

_CHUNK = 1 << 20
_F = TypeVar("_F", bound=Fault)


def union(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Sorted, disjoint ranges that cover the same bytes."""
    out: list[Range] = []
    for start, end in sorted(r for r in ranges if r[0] < r[1]):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return tuple(out)


def complement(ranges: Iterable[Range], size: int) -> tuple[Range, ...]:
    """The bytes of [0, size) that no range covers."""
    out: list[Range] = []
    at = 0
    for start, end in union((min(a, size), min(b, size)) for a, b in ranges):
        out.append((at, start))
        at = end
    out.append((at, size))
    return tuple(r for r in out if r[0] < r[1])


@dataclass(frozen=True, slots=True)
class Truth:
    """Which bytes of a disk of `size` bytes can be read in the end, given patience and power cycles.

    `unreadable`: bad for ever. `killers`: ranges that may hang or drop the drive (those that heal or are flaky too).
    """

    size: int
    readable: tuple[Range, ...]
    unreadable: tuple[Range, ...]
    killers: tuple[Range, ...]

    @property
    def readable_bytes(self) -> int:
        """How many bytes a perfect rescue brings."""
        return sum(end - start for start, end in self.readable)


def truth(profile: Profile, size: int) -> Truth:
    """The truth about a disk of `size` bytes with the faults of `profile`."""
    bad = [(f.offset, f.end) for f in profile.faults if not f.ever_readable]
    killers = [(f.offset, f.end) for f in profile.faults if may_kill(f)]
    readable = complement(bad, size)
    return Truth(size, readable, complement(readable, size), complement(complement(killers, size), size))


def may_kill(fault: Fault) -> bool:
    """Whether touching the fault can make the drive hang or fall off the bus."""
    return isinstance(fault, Hang | Drop) or (isinstance(fault, Flaky) and fault.outcome != "error")


def first_difference(original: str | Path, copy: str | Path, ranges: Iterable[Range]) -> int | None:
    """Offset of the first byte inside `ranges` in which two images differ (a missing byte differs), or None."""
    with open(original, "rb") as left, open(copy, "rb") as right:
        for start, end in ranges:
            for at in range(start, end, _CHUNK):
                want = min(_CHUNK, end - at)
                left.seek(at)
                right.seek(at)
                a, b = left.read(want), right.read(want)
                if a != b or len(a) < want:
                    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
                    return at + same
    return None


def make_image(path: str | Path, size: int, seed: int = 0, extents: Iterable[Range] | None = None) -> Path:
    """Write an image whose sectors all differ and are never blank: noise with each sector's number in front.

    With `extents` (offsets on whole sectors) only those are written; the rest of the file stays sparse.
    """
    path = Path(path)
    noise = random.Random(seed).randbytes(512 * 251)
    with open(path, "wb") as out:
        out.truncate(size)
        for start, end in union([(0, size)] if extents is None else extents):
            if start % 512:
                raise ValueError(f"extent at {start} is not on a sector of 512 bytes")
            out.seek(start)
            for lba in range(start // 512, -(-end // 512)):
                at = lba * 512
                body = noise[(lba % 251) * 512 :][: 512 - 32]
                out.write((b"sector %020d seed" % lba).ljust(32, b".")[: end - at] + body[: max(0, end - at - 32)])
    return path


def scatter(template: _F, count: int, disk_size: int, seed: int = 0, align: int = 4096) -> tuple[_F, ...]:
    """`count` copies of a fault at random places, aligned, apart from each other and inside the disk."""
    rng = random.Random(seed)
    slots = list(range(0, disk_size - template.size + 1, align))
    taken: list[Range] = []
    while len(taken) < count:
        if not slots:
            raise ValueError("not enough room for so many faults")
        at = slots[rng.randrange(len(slots))]
        taken.append((at, at + template.size))
        slots = [s for s in slots if s >= at + template.size + align or s + template.size + align <= at]
    return tuple(replace(template, offset=start) for start, _ in sorted(taken))


def periodic(template: _F, period: int, disk_size: int) -> tuple[_F, ...]:
    """Copies of a fault every `period` bytes from its own offset on, as one bad head of several gives."""
    return tuple(replace(template, offset=at) for at in range(template.offset, disk_size - template.size + 1, period))
