"""Recorders that are known by what stands near the beginning of their disk alone: names of files, numbered blocks, the
maker's name. Asked only when nothing else is known of a disk; none of it is a sure thing.

Facts: single public analyses. Nothing in print describes disks of LG, Samsung, Magnavox and Funai.
"""

from __future__ import annotations

import re

from engine.dvr.disk import Disk
from engine.dvr.foreign import SCAN, TS, Brand, finding
from engine.dvr.model import Finding
from engine.source import Source

_NEAR = 4 << 20
_SECTOR = 512
_NUMBERED = 16
"""Blocks in a row that bear the next number, before one believes it."""
_LISTED = re.compile(rb"[\w -]{3}(\.(?:hre|elu|epg))(?![\w.])")
_MAKERS = {b"LG Electronics": "LG", b"SAMSUNG": "Samsung", b"MAGNAVOX": "Magnavox", b"FUNAI": "Funai"}
_BOTH = f"{SCAN}; {TS}"


def probe_names(source: Source) -> list[Finding]:
    """At most one finding, by the first 4 MiB."""
    near = Disk(source).piece(0, _NEAR).data
    if near.count(0) == len(near):
        return []
    for order, data in (("", near), (", words swapped", _swapped(near))):
        for test in (_salora, _tinyudf, _humax, _sharp, _maker):
            brand = test(data)
            if brand is not None:
                return [finding(brand[0], brand[1] + order)]
    return []


def _swapped(data: bytes) -> bytes:
    both = bytearray(data[: len(data) & ~1])
    both[0::2], both[1::2] = both[1::2], both[0::2]
    return bytes(both)


Answer = tuple[Brand, str] | None


def _salora(near: bytes) -> Answer:
    if b"/rtav/VOB00001.vtm" not in near:
        return None
    return Brand("salora", "Salora recorder", f"16 MiB blocks, the next one often before; {SCAN}", 0.5), (
        "the name /rtav/VOB00001.vtm"
    )


def _tinyudf(near: bytes) -> Answer:
    if not (b"recordings_" in near and b"index_" in near):
        return None
    return Brand("tinyudf", "Technosonic PVR-101 or another with TinyUDF", f"UDF-like; {SCAN}", 0.4), (
        "the names recordings_ and index_"
    )


def _humax(near: bytes) -> Answer:
    """Lists of programmes in files of three endings."""
    there = sorted({match[1] for match in _LISTED.finditer(near)})
    if len(there) < 2:
        return None
    return Brand("humax", "Humax 9150T, 9200T or 9300T class receiver",
                 f"humaxrw lists and copies its recordings; {TS}", 0.35), (
        f"names that end in {' and '.join(ending.decode('ascii') for ending in there)}"
    )  # fmt: skip


def _sharp(near: bytes) -> Answer:
    """Blocks at even distances that begin 00 01, 00 02, 00 03 ..., each with something in it."""
    for first in range(0, len(near) - 1, _SECTOR):
        if near[first : first + 2] != b"\0\1":
            continue
        step = _SECTOR
        while step <= 65536:
            last = first + step * (_NUMBERED - 1)
            if last + _SECTOR > len(near):
                break
            if all(_numbered(near, first + step * n, n + 1) for n in range(_NUMBERED)):
                return Brand("sharp", "Sharp AQUOS or DV-AC recorder", f"its layout is not in print; {_BOTH}", 0.3), (
                    f"blocks numbered 00 01, 00 02 ... every {step} bytes from byte {first} on"
                )
            step *= 2
    return None


def _numbered(near: bytes, at: int, number: int) -> bool:
    return near[at : at + 2] == number.to_bytes(2, "big") and any(near[at + 2 : at + _SECTOR])


def _maker(near: bytes) -> Answer:
    if near[0x1FE:0x200] in (b"\x55\xaa", b"\xaa\x55"):  # a computer's disk: names of makers stand in its files
        return None
    for name, maker in _MAKERS.items():
        if name in near:
            return Brand(maker.lower(), f"{maker} recorder", f"its layout is not in print; {_BOTH}", 0.31), (
                f"the maker's name {name.decode('ascii')}"
            )
    return None
