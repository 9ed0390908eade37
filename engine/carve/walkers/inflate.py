"""Deflate streams inside of files: where they end, what they hold, and where exactly they break."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from engine.carve.view import Broken

if TYPE_CHECKING:
    from engine.carve.view import View

_FEED, _STEP, _FINE = 64 << 10, 1 << 20, 512
_MOST_OUT = 64 << 30
_SURE = 16 << 10
"""Bytes of output that other data never give: noise ends a decoder long before."""


def inflate(view: View, position: int) -> tuple[int, int, int]:
    """End (bytes from the file's start), CRC-32 and length of the content of a raw deflate stream (RFC 1951).

    Raises ``Broken`` where the decoder fails, to 512 bytes; what gave output before counts as depth.
    """
    engine, crc, out = zlib.decompressobj(-15), 0, 0
    while not engine.eof:
        data = view.run(position, _FEED)
        feed, before = data, engine.copy()
        while feed and not engine.eof:
            try:
                part = engine.decompress(feed, _STEP)
            except zlib.error as error:
                raise Broken(_where(view, position, data, before), f"packed data break off ({error})") from error
            crc, out, feed = zlib.crc32(part, crc), out + len(part), engine.unconsumed_tail
            if out > _MOST_OUT:
                raise Broken(position, "unpacks to more than any real file")
        if out > 256:
            view.depth += 2 if engine.eof or out > _SURE else 1
        position += len(data) - len(engine.unused_data)
    return position, crc, out


def _where(view: View, position: int, data: bytes, engine: zlib._Decompress) -> int:
    for at in range(0, len(data), _FINE):
        feed = data[at : at + _FINE]
        while feed and not engine.eof:
            try:
                if engine.decompress(feed, _STEP):
                    view.depth += 1
            except zlib.error:
                return position + at
            feed = engine.unconsumed_tail
    return position + len(data)
