"""Where the header lies, or would lie, and how large the sectors are.

A FAT marks its own sectors by number; a table row at offset p that is sector x of a document begins at
p - (x + 1) * size. Every pair of a mark and a row votes; the right place collects one vote for each FAT sector, noise
spreads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from engine.ole2.evidence import Evidence
from engine.ole2.read import read_header
from engine.ole2.structs import FAT_MARK, SIGNATURE
from engine.source import Source

_SAMPLE = 2048
SIZES = (512, 4096)


@dataclass(frozen=True, slots=True)
class Place:
    """A place for the header and a sector size, with the votes for it."""

    base: int
    sector_size: int
    votes: int
    words: str


def vote(evidence: Evidence, size: int) -> Counter[int]:
    """Votes for each base at a sector size; at most some thousand rows take part."""
    indexed = np.flatnonzero((evidence.votes[:, 0] >= 0) & (evidence.marks > 0))[:_SAMPLE]
    numbers: list[int] = []
    for row in indexed.tolist():
        first = int(evidence.votes[row, 0])
        numbers += (np.flatnonzero(evidence.table[row] == FAT_MARK)[:256] + first).tolist()
        if len(numbers) >= _SAMPLE:
            break
    if not numbers or not evidence.table_at.size:
        return Counter()
    rows = evidence.table_at[: 2 * _SAMPLE]
    marks = np.array(sorted(set(numbers))[:_SAMPLE], np.int64)
    bases = (rows[:, None] - (marks[None, :] + 1) * size).ravel()
    bases = bases[bases >= -size]
    values, counts = np.unique(bases, return_counts=True)
    best = np.argsort(-counts, kind="stable")[:16]
    return Counter({int(values[i]): int(counts[i]) for i in best.tolist() if counts[i] > 0})


def places(source: Source, evidence: Evidence, base: int | None = None, sector_size: int | None = None) -> list[Place]:
    """Where to look, in this order: the beginning of the file, a header that was cut off, signatures, votes. ``base``
    and ``sector_size`` are a person's choice."""
    votes = {size: vote(evidence, size) for size in SIZES}
    found: dict[tuple[int, int], Place] = {}

    def add(at: int, size: int, words: str) -> None:
        if sector_size in (None, size) and base in (None, at) and at + size <= source.size and (
            at % 512 == evidence.phase):  # fmt: skip
            found.setdefault((at, size), Place(at, size, votes[size][at], words))

    if base is not None:
        for size in sorted(SIZES, key=lambda size: -votes[size][base]):
            add(base, size, f"the place of the header was chosen by hand: {base}")
    header, _ = read_header(source)
    first = header.sector_size if header.signature == SIGNATURE else None
    for size in sorted(SIZES, key=lambda size: (-votes[size][0], size != first, size)):
        add(0, size, f"header at the beginning, sectors of {size} bytes" + _by(votes[size][0]))
    strong = [(count, at, size) for size in SIZES for at, count in votes[size].items()]
    for count, at, size in sorted(strong, key=lambda one: (-one[0], abs(one[1])))[:6]:
        if at < 0 or count >= 2 or len(strong) <= 64:
            add(at, size, f"header {'cut off' if at < 0 else f'at {at}'}, sectors of {size} bytes" + _by(count))
    for size in SIZES:
        add(-size, size, f"header cut off, sectors of {size} bytes" + _by(votes[size][-size]))
    add(-512, 4096, "the first 512 bytes cut off, sectors of 4096 bytes" + _by(votes[4096][-512]))
    for at in evidence.header_at[:64].tolist():
        shift, _ = read_header(source, at)
        for size in SIZES if shift.sector_size is None else (shift.sector_size,):
            add(at, size, f"a header's signature at {at}, sectors of {size} bytes")
    ordered = list(found.values())
    # The first look is at the beginning; what nothing speaks for comes last.
    return sorted(ordered, key=lambda one: (one.base != 0 or not one.votes, -one.votes, one.base != 0))


def _by(count: int) -> str:
    return f" ({count} FAT marks fall on tables there)" if count else ""
