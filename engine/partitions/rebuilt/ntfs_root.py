"""The root directory of an NTFS volume: the names that a proposed boot sector would show."""

from __future__ import annotations

from engine.partitions.volumes.bits import is_power, u8, u16, u32, u64
from engine.partitions.volumes.ntfs import attributes, resident
from engine.partitions.volumes.view import View

_SHOWN = 12
_BLOCKS = 16


def index_size(root: bytes) -> int | None:
    """Bytes of an index block, as the index root of record 5 says."""
    value = resident(root, 0x90) if root else None
    size = u32(value, 8) if value else 0
    return size if is_power(size, 512, 64 << 10) else None


def read_root(view: View, root: bytes, cluster: int, block: int) -> tuple[str, ...] | None:
    """The first names in the directory of record 5, system files left out; None when it cannot be read."""
    value = resident(root, 0x90) if root else None
    if value is None or len(value) < 32:
        return None
    names = _entries(value, 16 + u32(value, 16))
    for kind, attribute in attributes(root):
        if kind != 0xA0 or attribute[8] != 1:
            continue
        run = _first_run(attribute)
        if run is None:
            return None
        for number in range(min(_BLOCKS, run[1] * cluster // block)):
            data = _indexed(view, run[0] * cluster + number * block, block)
            if data is not None:
                names += _entries(data, 0x18 + u32(data, 0x18))
    return tuple(list(dict.fromkeys(names))[:_SHOWN])


def _entries(data: bytes, at: int) -> list[str]:
    found: list[str] = []
    while at + 16 <= len(data):
        length, flags = u16(data, at + 8), u16(data, at + 12)
        if flags & 2 or length < 16 or length % 8:
            break
        key = data[at + 16 : at + length]
        count, space = u8(key, 64), u8(key, 65)
        name = key[66 : 66 + 2 * count].decode("utf-16-le", "replace")
        if space != 2 and len(name) == count and count and u64(data, at) & 0xFFFFFFFFFFFF >= 24:
            found.append(name + ("/" if u32(key, 56) & 0x10000000 else ""))
        at += length
    return found


def _indexed(view: View, place: int, size: int) -> bytes | None:
    """An index block with its update sequence undone."""
    data = view.get(place, size)
    if data is None or data[:4] != b"INDX":
        return None
    at, count = u16(data, 4), u16(data, 6)
    if count != size // 512 + 1 or at + 2 * count > size:
        return None
    mended = bytearray(data)
    for index in range(1, count):
        end = index * 512 - 2
        if data[end : end + 2] != data[at : at + 2]:
            return None
        mended[end : end + 2] = data[at + 2 * index : at + 2 * index + 2]
    return bytes(mended)


def _first_run(attribute: bytes) -> tuple[int, int] | None:
    """LCN and clusters of the first run."""
    place = u16(attribute, 0x20)
    if place >= len(attribute):
        return None
    width, depth = attribute[place] & 15, attribute[place] >> 4
    body = attribute[place + 1 : place + 1 + width + depth]
    if not 1 <= width <= 8 or not 1 <= depth <= 8 or len(body) < width + depth:
        return None
    count, first = int.from_bytes(body[:width], "little"), int.from_bytes(body[width:], "little", signed=True)
    return (first, count) if first > 0 and 0 < count < 1 << 40 else None
