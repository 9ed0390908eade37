"""Databases, logs and small files of systems: SQLite, PST, ESE, event logs, registry, shortcuts, property lists."""

from __future__ import annotations

import re
import zlib

from engine.carve.outcome import CHECKED, SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, Ended, NotThis, View

_PAGE_TYPES = frozenset((2, 5, 10, 13))


def sqlite(view: View) -> Outcome:
    """SQLite 3: page size times page count, where the change counters say that the count is valid."""
    page = view.b16(16)
    page = 65536 if page == 1 else page
    if page < 512 or page & page - 1 or view.take(21, 3) != b"\x40\x20\x20" or view.u8(18) not in (1, 2):
        raise NotThis
    view.mark(100)
    count = view.b32(28)
    if count and view.b32(24) == view.b32(92):
        end = view.need(count * page)
        if view.u8(100) not in _PAGE_TYPES:
            raise Broken(100, "no table page where one must stand")
        wrong = 0
        for number in range(2, min(count, 64) + 1):
            at = (number - 1) * page
            if view.holed(at, 8):
                continue
            wrong += view.u8(at) not in _PAGE_TYPES and view.u8(at) != 0
        if wrong > min(count, 64) // 2 + 1:
            raise Broken(page, "its pages are none")
        return complete(end, WALKED, "page size and count, counters agree", pages=count)
    position = page
    while position < view.size and view.u8(position) in (*_PAGE_TYPES, 0) and any(view.peek(position, 16)):
        view.step()
        position = min(view.size, position + page)
        view.mark(position)
    return complete(position, SIZED, "an old form without a valid count: pages to the last one")


def sqlite_wal(view: View) -> Outcome:
    """SQLite write-ahead log: frames with the salts of its header."""
    page = view.b32(8)
    if view.b32(4) != 3007000 or page < 512 or page > 65536 or page & page - 1:
        raise NotThis
    salts = view.take(16, 8)
    position = 32
    view.mark(32)
    while view.peek(position + 8, 8) == salts and position + 24 + page <= view.size:
        view.step()
        position += 24 + page
        view.mark(position)
    return complete(position, WALKED, "frames with its salts")


def outlook(view: View) -> Outcome:
    """PST and OST ([MS-PST])."""
    version = view.u16(10)
    if view.take(8, 2) not in (b"SM", b"SO"):
        raise NotThis
    view.mark(12)
    if version in (14, 15):
        end = view.u32(168)
    elif version in (23, 36):
        end = view.u64(184)
    else:
        raise NotThis
    if end < 512:
        raise Broken(168, "a file smaller than its header")
    return complete(
        view.need(end), SIZED, "the end in its header", extension="ost" if view.take(8, 2) == b"SO" else "pst"
    )


def ese(view: View) -> Outcome:
    """Extensible storage engine: pages, while they look like pages."""
    page = view.u32(236)
    if page not in (2048, 4096, 8192, 16384, 32768) or view.u32(8) not in (0x620, 0x623):
        raise NotThis
    view.mark(240)
    position = 2 * page
    while position + page <= view.size:
        view.step()
        head = view.peek(position, 40)
        if (
            head[4:8] not in (b"\0\0\0\0",)
            and int.from_bytes(head[4:8], "little") != position // page - 1
            and page < 16384
        ):
            break
        if not any(head):
            break
        position += page
        view.mark(position)
    return complete(position, SIZED, "pages to the last plausible one", extension="edb")


def evtx(view: View) -> Outcome:
    """Windows event log: header and chunks of 64 KiB, CRC of the header."""
    if view.u16(40) != 4096 or view.u32(32) != 128:
        raise NotThis
    head = view.take(0, 128)
    if zlib.crc32(head[:120]) != int.from_bytes(head[124:128], "little"):
        raise Broken(124, "its header's CRC is wrong")
    view.mark(128)
    count = view.u16(42)
    position = 4096
    for index in range(1 << 16):
        first = view.peek(position, 8)
        if first != b"ElfChnk\0" and not (index < count and not any(first)):
            break
        view.need(position + 65536)
        position += 65536
        view.mark(position)
    return complete(position, CHECKED if position == 4096 + count * 65536 else WALKED, "chunks to the last one")


def evt(view: View) -> Outcome:
    """Windows event log before Vista: the size is in the header."""
    if view.u32(0) != 48 or view.u32(44) != 48 or view.u32(8) != 1:
        raise NotThis
    size = view.u32(32)
    view.mark(48)
    if size < 48:
        raise Broken(32, "smaller than its header")
    return complete(view.need(size), SIZED, "the size in its header, repeated header length")


def registry(view: View) -> Outcome:
    """Registry hive: bins of 4 KiB and more that tile it."""
    if view.u32(20) != 1 or view.u32(28) not in (0, 1):
        raise NotThis
    size = view.u32(40)
    if not size or size % 4096:
        raise NotThis
    view.mark(48)
    position = 4096
    while position < 4096 + size:
        view.step()
        if view.take(position, 4) != b"hbin" or view.u32(position + 4) != position - 4096:
            raise Broken(position, "no bin where one must stand")
        length = view.u32(position + 8)
        if not length or length % 4096:
            raise Broken(position, "a bin of no length")
        position = view.need(position + length)
        view.mark(position)
    name = view.take(48, 64).decode("utf-16-le", "replace").split("\0")[0].replace("\\", "/").rsplit("/", 1)[-1]
    return complete(position, WALKED, "bins tile it", name=name)


def shortcut(view: View) -> Outcome:
    """Windows shortcut ([MS-SHLLINK]): the parts that its flags name, then extra blocks."""
    if view.take(4, 16) != bytes.fromhex("0114020000000000c000000000000046"):
        raise NotThis
    flags = view.u32(20)
    position = 76
    view.mark(76)
    if flags & 1:
        position += 2 + view.u16(position)
    if flags & 2:
        size = view.u32(position)
        if size < 28:
            raise Broken(position, "a location smaller than its header")
        position += size
    for bit in (4, 8, 16, 32, 64):
        if flags & bit:
            position += 2 + view.u16(position) * (2 if flags & 128 else 1)
    view.need(position)
    view.mark(position)
    while True:
        view.step(1000)
        size = view.u32(position)
        if size < 4:
            return complete(position + 4, WALKED, "the parts its flags name, and the end block")
        if size < 8 or view.u32(position + 4) >> 16 != 0xA000:
            raise Broken(position, "no block where one must stand")
        position = view.need(position + size)
        view.mark(position)


def prefetch(view: View) -> Outcome:
    """Windows prefetch, unpacked."""
    if view.u32(0) not in (17, 23, 26, 30, 31):
        raise NotThis
    size = view.u32(12)
    if not 84 <= size <= 16 << 20:
        raise NotThis
    view.mark(84)
    name = view.take(16, 60).decode("utf-16-le", "replace").split("\0")[0]
    return complete(view.need(size), SIZED, "the size in its header", name=name)


def index_dat(view: View) -> Outcome:
    """Internet Explorer's index.dat."""
    size = view.u32(28)
    if size < 0x4000 or size % 4096:
        raise NotThis
    view.mark(32)
    return complete(view.need(size), SIZED, "the size in its header")


_PLIST_TRAILER = re.compile(rb"(?=\0\0\0\0\0[\s\S][\x01-\x08][\x01-\x08][\s\S]{24})")
"""Unused bytes, sort version, sizes of offsets and references, three numbers of 64 bits."""


def binary_plist(view: View) -> Outcome:
    """Apple binary property list: a trailer whose offset table ends exactly before it."""
    position = 8
    view.mark(8)
    most = min(view.size, 64 << 20)
    window = view.peek(0, min(most, 256 << 10))
    while True:
        for found in _PLIST_TRAILER.finditer(window, position):
            at, unit = found.start(), window[found.start() + 6]
            count = int.from_bytes(window[at + 8 : at + 16], "big")
            table = int.from_bytes(window[at + 24 : at + 32], "big")
            top = int.from_bytes(window[at + 16 : at + 24], "big")
            if count and table >= 9 and table + count * unit == at and top < count:
                return complete(
                    at + 32, WALKED, "the trailer's offset table ends where the trailer begins", objects=count
                )
        if len(window) >= most:
            raise (Ended(view.size) if most == view.size else Broken(position, "no trailer"))
        position = max(8, len(window) - 31)
        before, window = len(window), view.peek(0, min(most, 4 * len(window)))
        if len(window) == before:
            view.take(before, 1)
        if len(window) > 16 << 20:
            raise Broken(position, "no trailer")


def access(view: View) -> Outcome:
    """Jet and ACE databases: pages, while their type byte is one."""
    page = 2048 if view.u8(20) == 0 else 4096
    position = page
    view.mark(24)
    while position + page <= view.size:
        view.step()
        kind = view.take(position, 2)
        if kind[0] > 5 or kind[0] == 0 or kind[1] not in (0, 1):
            break
        position += page
        view.mark(position)
    return complete(position, SIZED, "pages to the last plausible one", extension="accdb" if view.u8(20) > 1 else "mdb")
