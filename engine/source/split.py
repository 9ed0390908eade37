"""Images in pieces: ``disk.001``, ``disk.002``, ... read as one."""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Sequence
from pathlib import Path

from engine.errors import DamagedError
from engine.ranges import RangeSet
from engine.source.base import Buffer, Source
from engine.source.file import FileSource

_FIRST = re.compile(r"(.*\.)(0*)([01])\Z")
_MAX_PIECES = 10_000


def piece_paths(first: str | os.PathLike[str]) -> list[Path]:
    """All pieces that begin with ``first`` (``NAME.001`` or ``NAME.000``), in order, up to the first missing number.

    A piece that is missing in the middle would shift everything behind it: when a later number exists, that is a
    ``DamagedError`` which names the missing one. Returns just ``[first]`` when the name is not that of a first piece.
    """
    path = Path(first)
    match = _FIRST.match(path.name)
    if not match or len(match.group(2)) < 1:
        return [path]
    width = len(match.group(2)) + 1
    start = int(match.group(3))

    def piece(number: int) -> Path:
        return path.with_name(f"{match.group(1)}{number:0{width}d}")

    found = []
    number = start
    while number < start + _MAX_PIECES and piece(number).exists():
        found.append(piece(number))
        number += 1
    for ahead in range(number + 1, number + 10):
        if piece(ahead).exists():
            raise DamagedError(
                "a piece of the split image is missing",
                code="piece-missing",
                path=piece(number),
                advice=f"{piece(ahead).name} exists: find the missing piece, or move it away on purpose",
            )
    return found or [path]


class SplitSource(Source):
    """Several files read as one run of bytes. Closes them when closed."""

    def __init__(self, pieces: Sequence[Source], path: str) -> None:
        self.path = path
        self.sector_size = pieces[0].sector_size if pieces else 512
        self._pieces = list(pieces)
        self._starts = [0]
        for piece in self._pieces:
            self._starts.append(self._starts[-1] + piece.size)
        self.size = self._starts[-1]

    @classmethod
    def open(cls, first: str | os.PathLike[str]) -> SplitSource:
        """From the first piece's path; the others are found beside it."""
        opened: list[Source] = []
        try:
            for path in piece_paths(first):
                opened.append(FileSource(path))
        except BaseException:
            for source in opened:
                source.close()
            raise
        return cls(opened, os.fspath(first))

    @property
    def holes(self) -> RangeSet:
        found = RangeSet()
        for start, piece in zip(self._starts, self._pieces, strict=False):
            found = found.union(piece.holes.shift(start))
        return found

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        view = memoryview(buffer)
        holes: list[tuple[int, int]] = []
        index = bisect.bisect_right(self._starts, offset) - 1
        while view:
            start, piece = self._starts[index], self._pieces[index]
            count = min(len(view), start + piece.size - offset)
            if count > 0:
                holes += [(start + low, start + high) for low, high in piece.read_into(offset - start, view[:count])]
                view, offset = view[count:], offset + count
            index += 1
        return tuple(holes)

    def next_data(self, offset: int) -> int:
        for start, piece in zip(self._starts, self._pieces, strict=False):
            if offset < start + piece.size:
                found = start + piece.next_data(max(0, offset - start))
                if found < start + piece.size:
                    return found
        return self.size

    def close(self) -> None:
        for piece in self._pieces:
            piece.close()
