"""A recorder's disk as it comes in: real streams, several parts, same names, hostile names, deleted, unread areas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.dvr_disks import pioneer
from tests.dvr_disks.image import when

Stream = Callable[[int, int], bytes]
"""(seconds, number) -> whole packs."""


@dataclass(frozen=True)
class Sample:
    """``laid``: slot -> (start, size) runs in playing order; ``content`` the bytes of each."""

    path: Path
    laid: dict[str, list[tuple[int, int]]]
    content: dict[str, bytes]
    disk: pioneer.Disk


def pioneer_disk(path: Path, stream: Stream, *, key: str = "545h", seconds: int = 6) -> Sample:
    """Six titles: fragmented; A-B deleted (two files); same name twice; hostile name; deleted; one of two runs."""
    titles = [
        pioneer.Title(b"Tatort: Rot", [pioneer.File(stream(seconds, 0), 3, when(2008, 5, 18, 20, 15))]),
        pioneer.Title(b"Urlaub 2008", [
            pioneer.File(stream(seconds, 1), 2, when(2008, 7, 1, 12, 0)),
            pioneer.File(stream(seconds, 2), 2, when(2008, 7, 1, 12, 0)),
        ]),
        pioneer.Title(b"Sportschau", [pioneer.File(stream(seconds, 3), 1, when(2008, 8, 2, 18, 10))]),
        pioneer.Title(b"Sportschau", [pioneer.File(stream(seconds, 4), 1, when(2008, 8, 9, 18, 10))]),
        pioneer.Title(b"../../etc/\x1b[2J[b]x", [pioneer.File(stream(seconds, 5), 2, when(2008, 9, 1, 9, 5))]),
        pioneer.Title(b"Geloescht", [pioneer.File(stream(seconds, 6), 2, when(2008, 10, 3, 22, 40))], visible=False),
    ]  # fmt: skip
    need = sum(len(file.data) for title in titles for file in title.files)  # type: ignore[arg-type]
    size = (0x4008 + 4096) * 2048 + need + (16 << 20)
    made = pioneer.disk(key, titles, size=size)
    made.image.save(path)
    return Sample(path, made.image.laid, made.image.content, made)


def map_with(path: Path, size: int, holes: list[tuple[int, int]]) -> Path:
    """A mapfile in which all but ``holes`` (start, size; sorted) is finished."""
    lines, at = ["0x0 ? 1"], 0
    for start, length in holes:
        if start > at:
            lines.append(f"{at:#x} {start - at:#x} +")
        lines.append(f"{start:#x} {length:#x} -")
        at = start + length
    if size > at:
        lines.append(f"{at:#x} {size - at:#x} +")
    path.write_text("\n".join(lines) + "\n")
    return path
