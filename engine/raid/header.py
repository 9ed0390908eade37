"""Where row 0 may begin: rows whose first bytes look like the start of a volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.raid.reading import Explained, fetch

if TYPE_CHECKING:
    from engine.raid.sample import Sampler

_HEAD = 4096
_REACH = 144 << 20
"""md's largest default data offset is 128 MiB."""
_MOST_ROWS = 20_000
_MOST = 24
USUAL = (0, 63 * 512, 64 << 10, 128 * 512, 1088 * 512, 1 << 20, 65664 * 512, 128 << 20)
"""Where arrays usually begin on their members: at once, at the old first partition, behind md's or a controller's
own."""


@dataclass(frozen=True, slots=True)
class Start:
    """Row 0 may begin at ``offset``, with the first data strip in ``column`` (None: nothing was seen there)."""

    offset: int
    column: int | None
    kind: str


def looks_like_start(head: bytes) -> str | None:
    """What volume, table or container may begin with these bytes (4096 of them, or what a short strip holds)."""
    if not any(head[:2048]):
        return None
    if head[510:512] == b"\x55\xaa":
        if head[3:11] in (b"NTFS    ", b"-FVE-FS-", b"EXFAT   ", b"ReFS\0\0\0\0") or head[3:7] == b"ReFS":
            return head[3:11].decode("ascii", "replace").strip()
        if head[82:85] == b"FAT" or head[54:57] == b"FAT":
            return "FAT"
        entries = [head[446 + 16 * k : 462 + 16 * k] for k in range(4)]
        if all(entry[0] in (0, 0x80) for entry in entries) and any(entry[4] for entry in entries):
            return "MBR"
    if head[512:520] == b"EFI PART":
        return "GPT"
    for sector in range(0, min(2048, len(head)), 512):
        if head[sector : sector + 8] == b"LABELONE":
            return "LVM"
    if head[1080:1082] == b"\x53\xef" and head[1114:1116] == b"\0\0" and head[1048:1052] < b"\x07":
        return "ext"
    if head[:4] == b"XFSB" and len(head) > 126 and not head[126]:
        return "XFS"
    if head[:6] == b"LUKS\xba\xbe":
        return "LUKS"
    if head[32:36] == b"NXSB":
        return "APFS"
    if head[1024:1026] in (b"H+", b"HX"):
        return "HFS+"
    return None


def find_starts(sampler: Sampler, explained: Explained, strip: int, hints: Sequence[int] = ()) -> list[Start]:
    """Places where row 0 may be, the likeliest first: those hinted at, then the usual ones, then from the front on."""
    phase = explained.fit.phase % strip
    found: list[Start] = []
    for offset, heads in _heads(sampler, explained, strip, phase):
        for column, head in enumerate(heads):
            kind = looks_like_start(head)
            if kind is not None:
                found.append(Start(offset, column, kind))
    found.sort(key=lambda one: (one.offset not in hints, one.offset not in USUAL, one.offset))
    return found[:_MOST]


def _heads(sampler: Sampler, explained: Explained, strip: int, phase: int) -> Iterator[tuple[int, list[bytes]]]:
    """Row heads of each column, from the front on; several rows in one read when strips are short."""
    size = min(_HEAD, strip)
    end = min(sampler.size, _REACH, phase + strip * _MOST_ROWS)
    together = max(1, (256 << 10) // strip) if strip <= 16 << 10 else 1
    offset = phase
    while offset + size <= end:
        rows = max(1, min(together, (end - offset) // strip))
        data = fetch(sampler, explained.reading, offset, size if rows == 1 else rows * strip)
        if data is not None:
            for row in range(rows):
                yield offset + row * strip, [one[row * strip : row * strip + size].tobytes() for one in data]
        offset += rows * strip
