"""LUKS1 and LUKS2: encrypted volumes. Only their headers can be read; LUKS2 keeps two, each with a checksum.

Facts: the LUKS1 and LUKS2 on-disk format specifications; volumes of cryptsetup.
"""

from __future__ import annotations

import hashlib

from engine.partitions.volumes.bits import b16, b32, b64, text
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

_MAGIC, _SECOND = b"LUKS\xba\xbe", b"SKUL\xba\xbe"
_SLOT_STATES = (0x00AC71F3, 0x0000DEAD)
_HEADERS = tuple(16384 << shift for shift in range(9))
"""Sizes that a LUKS2 header may have; the second one stands behind the first."""


def examine(view: View) -> Volume | None:
    """The encrypted volume at the view's start."""
    data = view.get(0, 4096)
    if data is not None and data[:6] == _MAGIC:
        if b16(data, 6) == 1:
            return _first(view, data)
        if b16(data, 6) == 2 and b64(data, 8) in _HEADERS and b64(data, 256) == 0:
            return _second(view, data, 0)
    for place in (*view.copies, *_HEADERS):
        data = view.get(place, 4096)
        if data is not None and data[:6] == _SECOND and b16(data, 6) == 2 and b64(data, 256) == place:
            return _second(view, data, place)
    return None


def _first(view: View, data: bytes) -> Volume | None:
    if b32(data, 104) == 0 or not 0 < b32(data, 108) <= 1024:
        return None
    found = Findings(view)
    found.seen("LUKS1 header", 0)
    slots = [b32(data, 208 + 48 * slot) in _SLOT_STATES for slot in range(8)]
    found.confirm("key slots", 208, 384, all(slots))
    if not all(slots):
        found.problem("superblock-bad", "a key slot of the header is neither in use nor empty", 208)
    return Volume(
        "crypto_LUKS", view.start, None, version="1", uuid=text(data[168:208]), block_size=512,
        confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _second(view: View, data: bytes, place: int) -> Volume | None:
    size = b64(data, 8)
    if size not in _HEADERS:
        return None
    found = Findings(view)
    found.seen("second LUKS2 header" if place else "LUKS2 header", place)
    if place:
        found.problem("superblock-bad", f"the first header is bad, the second at +{place} is good")
    good = _checksum(view, data, place, size)
    found.confirm("checksum of the header", place, size, good)
    if good is False:
        found.problem("superblock-bad", "the header's checksum is wrong", place)
    other = view.get(0 if place else size, 16)
    if other is not None and other[:6] in (_MAGIC, _SECOND) and b64(other, 8) == size:
        found.seen("LUKS2 header" if place else "second LUKS2 header", 0 if place else size)
    return Volume(
        "crypto_LUKS", view.start, None, version="2", label=text(data[24:72]), uuid=text(data[168:208]),
        by_backup=place > 0, checksum=good, confirmation=found.confirmation,
        evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _checksum(view: View, data: bytes, place: int, size: int) -> bool | None:
    whole = view.get(place, size)
    name = text(data[72:104])
    if whole is None or name not in ("sha1", "sha256", "sha512"):
        return None
    digest = hashlib.new(name, whole[:448] + bytes(64) + whole[512:], usedforsecurity=False).digest()
    return whole[448 : 448 + len(digest)] == digest


def locate(view: View) -> list[int]:
    """The second header of LUKS2 says how far it stands from the start."""
    data = view.get(0, 512)
    if data is None:
        return []
    if data[:6] == _MAGIC:
        return [0]
    return [-b64(data, 256)] if data[:6] == _SECOND and b64(data, 256) in _HEADERS else []


FAMILY = Family(
    "luks", examine, (Mark(0, b"LU", has(0, _MAGIC), locate), Mark(0, b"SK", has(0, _SECOND), locate))
)
