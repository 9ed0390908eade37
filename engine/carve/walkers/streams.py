"""Compressed streams that say by themselves where they end: gzip, bzip2, xz, zstd, lz4."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable

from engine.carve.outcome import CHECKED, SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, NotThis, View
from engine.carve.walkers.inflate import inflate

_MOST_OUT = 64 << 30
_STEP = 1 << 20
_MOST_RETRACED = 16 << 20
_LEAST_ZSTD = 64
"""Bytes of the smallest frame whose headers prove something: noise behind the magic makes shorter ones now and then."""
_MOST_EMPTY = 8
"""Blocks without content one after another: zeros look like an endless row of them."""


def _decode_end(view: View, position: int, make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> int:
    begun, engine, out = position, make(), 0
    while not engine.eof:
        data = view.run(position, 64 << 10) if engine.needs_input else b""
        try:
            out += len(engine.decompress(data, _STEP))
        except (OSError, lzma.LZMAError, EOFError, ValueError) as error:
            raise Broken(_where(view, begun, position + len(data), make), f"packed data break off ({error})") from error
        position += len(data)
        if out:
            view.depth += 1
        if out > _MOST_OUT:
            raise Broken(position, "unpacks to more than any real file")
    return position - len(engine.unused_data)


def _where(view: View, begun: int, end: int, make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> int:
    """How far the decoder gets when it is fed a little at a time; what gave output counts as depth."""
    if end - begun > _MOST_RETRACED:
        return end
    engine, position = make(), begun
    while position < end:
        try:
            data = view.peek(position, 512) if engine.needs_input else b""
            if engine.decompress(data, _STEP):
                view.depth += 1
        except (OSError, lzma.LZMAError, EOFError, ValueError):
            return position
        position += len(data)
    return end


def gzip_member(view: View, position: int) -> tuple[int, str, int]:
    """End, stored name and stored time of one gzip member (RFC 1952)."""
    head = view.take(position, 10)
    flags = head[3]
    if head[:3] != b"\x1f\x8b\x08" or flags & 0xE0:
        raise NotThis
    name = ""
    position += 10
    if flags & 4:
        position += 2 + view.u16(position)
    for bit in (8, 16):
        if flags & bit:
            text = view.peek(position, 1024)
            if b"\0" not in text:
                raise NotThis
            part = text.split(b"\0")[0]
            if bit == 8:
                name = part.decode("latin-1")
            position += len(part) + 1
    position += 2 if flags & 2 else 0
    position, crc, out = inflate(view, position)
    if view.u32(position) != crc or view.u32(position + 4) != out & 0xFFFFFFFF:
        raise Broken(position, "its CRC or length is wrong")
    view.mark(position + 8)
    return position + 8, name, int.from_bytes(head[4:8], "little")


def gzip(view: View) -> Outcome:
    """gzip, members one after another."""
    end, name, stamp = gzip_member(view, 0)
    while view.peek(end, 3) == b"\x1f\x8b\x08":
        view.step(100_000)
        try:
            end, _, _ = gzip_member(view, end)
        except (NotThis, Broken):
            break
    extension = "tgz" if name.endswith((".tar", ".tgz")) else "gz"
    return complete(end, CHECKED, "unpacked, CRC and length right", name=name, extension=extension,
                    modified=float(stamp) if stamp else None)  # fmt: skip


def bzip2(view: View) -> Outcome:
    """bzip2."""
    if view.take(4, 6) not in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90") or not 0x31 <= view.u8(3) <= 0x39:
        raise NotThis
    view.mark(4)
    end = _decode_end(view, 0, bz2.BZ2Decompressor)
    while view.peek(end, 3) == b"BZh" and view.peek(end + 4, 6) == b"1AY&SY":
        end = _decode_end(view, end, bz2.BZ2Decompressor)
    return complete(end, CHECKED, "unpacked, every CRC right")


def _xz_engine() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 30)


def xz(view: View) -> Outcome:
    """xz, streams one after another with padding between."""
    if zlib.crc32(view.take(6, 2)) != view.u32(8):
        raise NotThis
    view.mark(12)
    end = _decode_end(view, 0, _xz_engine)
    while view.peek(end, 6) == b"\xfd7zXZ\0":
        end = _decode_end(view, end, _xz_engine)
    return complete(end, CHECKED, "unpacked, every checksum right")


def zstd(view: View) -> Outcome:
    """Zstandard by its block headers (RFC 8878)."""
    position, frames = 0, 0
    while True:
        magic = view.peek(position, 4)
        if len(magic) == 4 and magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5:
            position = view.need(position + 8 + view.u32(position + 4))
        elif magic == b"\x28\xb5\x2f\xfd":
            position = _zstd_frame(view, position)
        else:
            break
        frames += 1
    if position < _LEAST_ZSTD:
        return complete(position, SIZED, "a block or two, too few to be sure", frames=frames)
    return complete(position, WALKED, "blocks to the last one", frames=frames)


def _zstd_frame(view: View, position: int) -> int:
    flags = view.u8(position + 4)
    if flags & 8:
        raise Broken(position, "a reserved bit is set")
    single = flags >> 5 & 1
    content = (0, 2, 4, 8)[flags >> 6] or single
    position += 5 + (not single) + (0, 1, 2, 4)[flags & 3] + content
    empty = 0
    while True:
        view.step()
        head = int.from_bytes(view.take(position, 3), "little")
        last, kind, size = head & 1, head >> 1 & 3, head >> 3
        empty = 0 if size else empty + 1
        if kind == 3 or size > 128 << 10 or empty > _MOST_EMPTY:
            raise Broken(position, "no block where one must stand")
        position = view.need(position + 3 + (1 if kind == 1 else size))
        view.mark(position)
        if last:
            return view.need(position + (4 if flags & 4 else 0))


def lz4(view: View) -> Outcome:
    """LZ4 frame by its block sizes."""
    flags, limits = view.u8(4), view.u8(5)
    if flags >> 6 != 1 or flags & 2 or limits & 0x8F or not 4 <= limits >> 4 <= 7:
        raise NotThis
    most = 1 << (8 + 2 * (limits >> 4))
    position = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    while True:
        view.step()
        size = view.u32(position)
        position += 4
        if not size:
            break
        if size & 0x7FFFFFFF > most:
            raise Broken(position - 4, "a block larger than the header allows")
        position = view.need(position + (size & 0x7FFFFFFF) + (4 if flags & 16 else 0))
        view.mark(position)
    return complete(view.need(position + (4 if flags & 4 else 0)), WALKED, "blocks to the end mark")
