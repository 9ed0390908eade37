"""Disks of recorders and surveillance systems that are named here but not read, each with what can be done.

Facts: public readers and analyses of these systems.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.dvr.disk import Disk
from engine.dvr.model import Finding
from engine.dvr.pack import PACK_START, is_pack
from engine.source import Source
from engine.text import safe_text

SCAN = "its recordings can be looked for by the MPEG clock (dvr scan)"
TS = "its streams are MPEG transport streams: carve for them"
_SAMPLES = 96


@dataclass(frozen=True, slots=True)
class Brand:
    """A system by its signature."""

    variant: str
    recorder: str
    advice: str
    confidence: float = 0.9


def probe(source: Source) -> list[Finding]:
    """Findings for the systems that are known by a signature near the beginning of the disk."""
    head = Disk(source).piece(0, 4096)
    data = head.data.ljust(4096, b"\0")
    found = []
    for test in (_by_name, _by_words, _tivo, _philips, _ufs):
        brand = test(Disk(source), data)
        if brand is not None:
            found.append(finding(*brand))
    return found


def finding(brand: Brand, reason: str) -> Finding:
    """A brand as a finding, with why it was named."""
    return Finding("foreign", brand.variant, brand.recorder, brand.confidence, (reason,), readable=False,
                   advice=brand.advice, place=0)  # fmt: skip


Answer = tuple[Brand, str] | None


def _by_name(_disk: Disk, data: bytes) -> Answer:
    cctv = "its own reader is needed; the streams are H.264 in blocks of their own layout"
    if data[0x210:0x222] == b"HIKVISION@HANGZHOU":
        version = safe_text(data[0x230:0x250].partition(b"\0")[0], 32)
        return Brand("hikvision", f"Hikvision surveillance recorder {version}".strip(),
                     f"blocks of MPEG-PS with H.264; {SCAN}"), "HIKVISION@HANGZHOU at byte 528"  # fmt: skip
    if data[:7] == b"DHFS4.1":
        return Brand("dhfs", "Dahua surveillance recorder (DHFS 4.1)", cctv), "DHFS4.1 at byte 0"
    if data[:5] == b"WFS0." and data[5:6] in (b"4", b"5"):
        name = data[:6].decode("ascii")
        return Brand("wfs", f"surveillance recorder ({name})", cctv), f"{name} at byte 0"
    return None


def _by_words(_disk: Disk, data: bytes) -> Answer:
    words = bytes(data[at ^ 3] for at in range(64))
    pairs = bytes(data[at ^ 1] for at in range(64))
    for order, line in (
        ("", data[:64]),
        (" (words of 16 bits swapped)", pairs),
        (" (words of 32 bits swapped)", words),
    ):
        if line[4:23] == b"TOPFIELD TF5000PVR " or line[4:20] == b"TOPFIELD PVR HDD":
            model = "TF5000" if line[4:20] == b"TOPFIELD TF5000P" else "TF4000"
            return Brand("topfield", f"Topfield {model} receiver", TS), f"TOPFIELD at byte 4{order}"
    return None


def _tivo(_disk: Disk, data: bytes) -> Answer:
    if data[:2] not in (b"\x14\x92", b"\x92\x14") or data[512:514] not in (b"PM", b"MP"):
        return None
    swapped = data[:2] == b"\x92\x14"
    map_ = bytes(data[at ^ 1] for at in range(512, 4096)) if swapped else data[512:]
    media = b"MFS" in map_
    words = "TiVo boot word and Apple partition map" + (", words swapped" if swapped else "")
    return Brand("tivo", "TiVo series 1 or 2", "MFS can be read by mfs-utils and MFS Tools",
                 0.95 if media else 0.7), words  # fmt: skip


def _philips(disk: Disk, data: bytes) -> Answer:
    """A partition table with every byte pair swapped."""
    if data[0x1FE:0x200] != b"\xaa\x55":
        return None
    table = bytes(data[at ^ 1] for at in range(0x1BE, 0x1FE))
    entries = [table[at : at + 16] for at in range(0, 64, 16)]
    used = [entry for entry in entries if entry[4]]
    sectors = disk.size // 512
    fits = [int.from_bytes(entry[8:12], "little") < sectors for entry in used]
    if not used or not all(entry[0] in (0, 0x80) for entry in entries) or not all(fits):
        return None
    return Brand("swapped-mbr", "Philips HDR class recorder", f"swap its words; {SCAN}", 0.6), (
        "a partition table with swapped bytes"
    )


def _ufs(disk: Disk, data: bytes) -> Answer:
    """Panasonic televisions and DIGA external disks: the first of two partitions is UFS2."""
    if data[0x1FE:0x200] != b"\x55\xaa":
        return None
    start = int.from_bytes(data[0x1BE + 8 : 0x1BE + 12], "little") * 512
    second = int.from_bytes(data[0x1CE + 8 : 0x1CE + 12], "little")
    magic = disk.get(start + 65536 + 1372, 4)
    if not second or magic not in (b"\x19\x01\x54\x19", b"\x19\x54\x01\x19"):
        return None
    return Brand("ufs2", "disk with UFS2 first, as Panasonic televisions and DIGA recorders use it",
                 "the index (.aid, .vid, .pmt) is on the first partition; the second one's layout is not in print",
                 0.4), "UFS2 in the first of two partitions"  # fmt: skip


def probe_streams(source: Source) -> list[Finding]:
    """A disk of no known system, sampled for MPEG packs and transport packets."""
    counts: dict[tuple[str, bool], int] = {}
    disk = Disk(source)
    step = max(65536, source.size // _SAMPLES // 2048 * 2048)
    looked = 0
    for at in range(0, source.size, step):
        piece = disk.piece(at, min(65536, source.size - at))
        if len(piece.data) < 4096 or not any(piece.data):
            continue
        looked += 1
        for kind, swapped in _streams(piece.data):
            counts[kind, swapped] = counts.get((kind, swapped), 0) + 1
    found = []
    for (kind, swapped), count in sorted(counts.items(), key=lambda one: -one[1]):
        words = f"{count} of {looked} places with data hold MPEG {kind} stream" + (", words swapped" if swapped else "")
        advice = SCAN if kind == "program" else TS
        recorder = f"unknown recorder with MPEG {kind} streams"
        found.append(Finding("streams", kind, recorder, round(0.3 * count / looked, 3), (words,), swapped=swapped,
                             readable=False, advice=advice))  # fmt: skip
    return found


def _streams(data: bytes) -> list[tuple[str, bool]]:
    found = []
    for swapped in (False, True):
        if swapped:
            both = bytearray(data[: len(data) & ~1])
            both[0::2], both[1::2] = both[1::2], both[0::2]
            data = bytes(both)
        at, tries = data.find(PACK_START), 0
        while at >= 0 and tries < 64:
            if all(is_pack(data[place : place + 14]) for place in range(at, at + 8 * 2048, 2048)):
                found.append(("program", swapped))
                break
            at, tries = data.find(PACK_START, at + 1), tries + 1
        for packet in (188, 192, 204):
            at = data.find(b"\x47")
            tries = 0
            while at >= 0 and tries < 512 and at + 16 * packet < len(data):
                if (
                    all(data[at + packet * number] == 0x47 for number in range(16))
                    and ("transport", swapped) not in found
                ):
                    found.append(("transport", swapped))
                    break
                at, tries = data.find(b"\x47", at + 1), tries + 1
    return found
