"""How many records there are, by their flags."""

from __future__ import annotations

from engine.artifacts.dbf.model import FLAGS
from engine.source import Source

_CHUNK = 1 << 20
END = 0x1A


def count_rows(source: Source, start: int, length: int, claimed: int) -> int:
    """Records of ``length`` bytes from ``start`` on. ``claimed`` (the header's count) is believed when the end mark or
    the end of the file follows; else the flags decide: up to the last right one, where most of them are right.

    What nobody has read counts as right: the geometry is kept, those rows are damaged and not gone.
    """
    room = max(0, source.size - start) // length
    at = start + claimed * length
    if claimed <= room and (at == source.size or source.read(at, 1).data == bytes([END])):
        return claimed
    last = right = best = 0
    for number, good in enumerate(_flags(source, start, length, room), 1):
        if good:
            right += 1
            last = number
            if right * 2 > last:
                best = last
    return best


def _flags(source: Source, start: int, length: int, room: int) -> list[bool]:
    found: list[bool] = []
    step = max(1, _CHUNK // length)
    for begin in range(0, room, step):
        reading = source.read(start + begin * length, min(step, room - begin) * length)
        for index, flag in enumerate(reading.data[::length]):
            at = reading.offset + index * length
            found.append(flag in FLAGS or any(low <= at < high for low, high in reading.holes))
    return found
