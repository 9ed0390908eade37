"""The content of an entry as a source: its extents where it is stored plainly, through the library where packed."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from engine.errors import DamagedError, NotFoundError
from engine.filesystems import kinds
from engine.filesystems.hits import missing_in
from engine.filesystems.index import Entry, Index
from engine.filesystems.layout import copies_of
from engine.filesystems.places import GAP, LOST
from engine.filesystems.reader import Reader
from engine.filesystems.reading import CarefulSource, MirrorSource
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import Buffer
from engine.source.extents import BytesSource, Extent, ExtentSource

_CACHED = 1 << 20


class Contents:
    """Opens entries of one volume. ``volume`` is the source that was indexed, with its present holes; it stays open
    when this is closed. Use as a context manager: a worker process may have been started for packed files."""

    def __init__(self, index: Index, volume: Source) -> None:
        self._index, self._volume = index, volume
        self._holes = volume.holes
        self._reader: Reader | None = None
        self._mirror: MirrorSource | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def open(self, entry: Entry) -> Source:
        """Its content. Raises ``NotFoundError`` for a directory and for what has no content that anybody knows."""
        if entry.is_directory:
            raise NotFoundError("that is a directory", code="no-content")
        if entry.size is None:
            raise NotFoundError("nothing is known of it but its name", code="no-content")
        if entry.kind == kinds.LINK and entry.target is not None:
            return BytesSource(entry.target.encode("utf-8", "surrogateescape"), path=self._volume.path)
        pieces = self._index.pieces(entry)
        if entry.state & kinds.PACKED and pieces:
            lacking = missing_in(self._index, entry, self._holes)
            return PackedSource(self, self._index.entry(entry.holder), lacking, self._volume.path)
        if not pieces and entry.size:
            return BytesSource(b"", path=self._volume.path) if not entry.size else self._nowhere(entry.size)
        behind = self._volume.size
        return ExtentSource(
            self._volume,
            [Extent(None if piece.start == GAP else behind if piece.start == LOST else piece.start, piece.span)
             for piece in pieces],
        )  # fmt: skip

    def _nowhere(self, size: int) -> Source:
        return ExtentSource(self._volume, [Extent(self._volume.size, size)])

    def packed(self, entry: Entry, offset: int, size: int) -> bytes:
        """Bytes of a packed file through the library. Raises ``DamagedError``."""
        if self._reader is None:
            careful = CarefulSource(self._volume)
            self._reader = Reader(MirrorSource(careful, copies_of(careful)))
        if entry.stream is None or entry.number is None:
            raise DamagedError("the file has no stream to read", code="reader")
        return self._reader.content(entry.inode, entry.stream, entry.number, offset, size)


class PackedSource(Source):
    """A compressed or resident file: read by the library, in steps of 1 MiB; units with a hole in them are holes."""

    def __init__(self, contents: Contents, entry: Entry, lacking: RangeSet, path: str) -> None:
        self._contents, self._entry, self._holes = contents, entry, lacking
        self.size, self.path = entry.size or 0, path
        self._cached: tuple[int, bytes] = (0, b"")

    @property
    def holes(self) -> RangeSet:
        return self._holes

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        view = memoryview(buffer)
        end = offset + len(view)
        holes = list(self._holes.clip(offset, end))
        at = offset
        while at < end:
            start = at // _CACHED * _CACHED
            if self._cached[0] != start or not self._cached[1]:
                self._cached = (start, self._read(start))
            part = self._cached[1][at - start : end - start]
            if not part:  # the library gives less than the size it told: nobody knows the rest
                view[at - offset :] = bytes(end - at)
                holes.append((at, end))
                break
            view[at - offset : at - offset + len(part)] = part
            at += len(part)
        for low, high in holes:
            view[low - offset : high - offset] = bytes(high - low)
        return tuple(RangeSet(holes))

    def _read(self, start: int) -> bytes:
        try:
            return self._contents.packed(self._entry, start, min(_CACHED, self.size - start))
        except DamagedError:
            return b""

    def close(self) -> None:
        return
