"""Memo files: long texts and objects beside a table."""

from __future__ import annotations

import struct

from engine.errors import RescueError
from engine.source import Source

MOST = 16 << 20
"""A memo that claims to be longer is not believed."""
_STEP = 1 << 16


class MemoError(ValueError):
    """A memo that cannot be read; the text says why."""


class Memo:
    """A memo file of one of the layouts ``dbt3``, ``dbt4``, ``fpt`` and ``smt``."""

    def __init__(self, source: Source, kind: str) -> None:
        self._source = source
        head = source.read(0, 512).data.ljust(24, b"\0")
        self.kind = kind
        if kind == "dbt4" or (kind == "dbt3" and self._looks_like_dbt4(head)):
            self.kind = "dbt4"
            self._block = struct.unpack_from("<H", head, 20)[0] or 512
        elif kind == "dbt3":
            self._block = 512
        else:
            self._block = struct.unpack_from(">H" if kind == "fpt" else "<H", head, 6 if kind == "fpt" else 4)[0] or 1

    def _looks_like_dbt4(self, head: bytes) -> bool:
        block = struct.unpack_from("<H", head, 20)[0]
        return block >= 64 and self._source.read(block, 4).data == b"\xff\xff\x08\0"

    def read(self, block: int) -> bytes:
        """The memo that begins at a block. Raises ``MemoError``."""
        at = block * self._block
        if block <= 0 or at >= self._source.size:
            raise MemoError(f"memo block {block} lies behind the end of the memo file")
        if self.kind == "dbt3":
            return self._until_end(at)
        head = self._read(at, 8)
        if self.kind == "dbt4":
            if head[:4] != b"\xff\xff\x08\0":
                raise MemoError(f"memo block {block} does not begin like a memo")
            size = struct.unpack("<I", head[4:])[0] - 8
        else:
            size = struct.unpack(">I" if self.kind == "fpt" else "<I", head[4:])[0]
        if not 0 <= size <= min(MOST, self._source.size - at - 8):
            raise MemoError(f"memo block {block} claims an impossible length")
        return self._read(at + 8, size)

    def _until_end(self, at: int) -> bytes:
        """A text without a length: it ends with 0x1A."""
        found = bytearray()
        while len(found) < MOST and at < self._source.size:
            piece = self._read(at, min(_STEP, self._source.size - at))
            end = piece.find(b"\x1a")
            if end >= 0:
                return bytes(found + piece[:end])
            found += piece
            at += len(piece)
        return bytes(found)

    def _read(self, at: int, size: int) -> bytes:
        try:
            reading = self._source.read(at, size)
        except RescueError as error:
            raise MemoError(f"the memo file cannot be read at {at}") from error
        if reading.holes:
            raise MemoError(f"a part of the memo at {at} was never read")
        if len(reading.data) < size:
            raise MemoError(f"the memo file ends at {self._source.size}")
        return reading.data
