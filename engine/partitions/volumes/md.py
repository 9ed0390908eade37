"""Members of Linux md arrays: superblock 0.90 and 1.0 near the end, 1.1 at the start, 1.2 at 4 KiB.

Facts: Linux's md_p.h; arrays of mdadm.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.partitions.volumes.bits import b32, text, u32, u64, uuid, words_sum
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

_MAGIC = 0xA92B4EFC
_OLD_SIZE, _RESERVED = 4096, 64 << 10
_MAX_CHUNK = 64 << 20
_TRACK = 63 * 512


def examine(view: View) -> Volume | None:
    """The member of an array at the view's start: the superblock of version 1.x or 0.90 that belongs there."""
    for place in (0, 4096, *view.copies, *_ends(view.size)):
        data = view.get(place, 256) if place >= 0 else None
        if data is None or _MAGIC not in (u32(data, 0), b32(data, 0)):
            continue
        if u32(data, 0) == _MAGIC and u32(data, 4) == 1:
            found = _new(view, data, place)
        else:
            found = _old(view, place, u32 if u32(data, 0) == _MAGIC else b32)
        if found is not None:
            return found
    return None


def _ends(size: int | None) -> list[int]:
    """The place of 1.0 and that of 0.90 in a partition of ``size`` bytes."""
    if size is None or size < 2 * _RESERVED:
        return []
    sectors = size // 512
    return [((sectors - 16) & ~7) * 512, size // _RESERVED * _RESERVED - _RESERVED]


def _new(view: View, data: bytes, place: int) -> Volume | None:
    devices = u32(data, 220)
    if u64(data, 144) * 512 != place or devices > 1920:
        return None
    whole = view.get(place, 256 + 2 * devices)
    if whole is None:
        return None
    total = sum(u32(whole, offset) for offset in range(0, len(whole) - 3, 4)) - u32(whole, 216)
    if len(whole) % 4:
        total += int.from_bytes(whole[-2:], "little")
    good = (total & 0xFFFFFFFF) + (total >> 32) & 0xFFFFFFFF == u32(whole, 216)
    minor = 1 if place == 0 else 2 if place == 4096 else 0
    start, size = u64(data, 128) * 512, u64(data, 136) * 512
    end = max(start + size, place + 4096 if minor == 0 else 0)
    return _member(view, place, good, f"1.{minor}", end if size else None, text(data[32:64]), uuid(data[16:32]))


def _old(view: View, place: int, number: Callable[[bytes, int], int]) -> Volume | None:
    data = view.get(place, _OLD_SIZE)
    if data is None or number(data, 4) != 0 or number(data, 8) != 90:
        return None
    if place not in _old_places(data, number):
        return None
    body = data[:152] + bytes(4) + data[156:]
    good = words_sum(body, number) == number(data, 152)
    words = [number(data, offset) for offset in (20, 52, 56, 60)]
    name = uuid(b"".join(word.to_bytes(4, "little" if number is u32 else "big") for word in words))
    return _member(view, place, good, "0.90", place + _RESERVED, "", name)


def _old_places(data: bytes, number: Callable[[bytes, int], int]) -> list[int]:
    """Offsets that the superblock may have in its member: behind the data, which is cut to whole chunks (striped
    levels only), at a multiple of 64 KiB."""
    size = number(data, 32) * 1024
    chunk = number(data, 260) if number(data, 28) in (0, 4, 5, 6, 10) else 0
    first = -(-size // _RESERVED) * _RESERVED
    last = size + (chunk if chunk <= _MAX_CHUNK else 0)
    return [first, *range(first + _RESERVED, last, _RESERVED)]


def _member(view: View, place: int, good: bool, version: str, size: int | None, label: str, name: str) -> Volume:
    found = Findings(view)
    found.seen(f"md superblock {version}", place)
    found.confirm("checksum of the superblock", place, 256, good)
    if not good:
        found.problem("superblock-bad", "the superblock's checksum is wrong", place)
    return Volume(
        "linux_raid_member", view.start, size, version=version, label=label, uuid=name, checksum=good,
        confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def locate(view: View) -> list[int]:
    """1.x says where it stands; 0.90 stands behind the data, exactly for mirrors and nearly for stripes."""
    data = view.get(0, _OLD_SIZE)
    if data is None:
        return []
    if u32(data, 4) == 1:
        return [-u64(data, 144) * 512] if u64(data, 144) < 1 << 54 else []
    number = u32 if u32(data, 0) == _MAGIC else b32
    if number(data, 4) != 0 or number(data, 8) != 90:
        return []
    places = _old_places(data, number)
    # Members of striped arrays leave a choice: of the possible starts, the one where partitions use to begin.
    usual = [place for place in places if (view.start - place) % (1 << 20) == 0 or (view.start - place) % _TRACK == 0]
    return [-place for place in (usual or places)[:1]]


FAMILY = Family(
    "md", examine,
    tuple(Mark(0, magic[:2], has(0, magic), locate) for magic in (b"\xfc\x4e\x2b\xa9", b"\xa9\x2b\x4e\xfc")),
)  # fmt: skip
