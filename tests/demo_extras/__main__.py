"""More patients for the demonstration, by the writers that the project's tests use:

    python tests/demo_extras FOLDER      recorder.img with recorder.map, letter.doc

A program of its own, as the failing disk is: the deck itself holds no writers of broken things.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.dvr_disks.mpeg import real_stream, stream
from tests.dvr_disks.samples import map_with, pioneer_disk
from tests.engine.ole2 import writer

_UNREAD = 96 << 10


def _plain(seconds: int, number: int) -> bytes:
    return stream(seconds * 75, number, scr=number * 5_000_000)


def recorder(folder: Path) -> None:
    """A video recorder's disk with six titles, two of them with unread places."""
    image = folder / "recorder.img"
    if image.exists():
        return
    part = folder / f".recorder.{os.getpid()}.tmp"
    made = pioneer_disk(part, real_stream if shutil.which("ffmpeg") else _plain)
    holes = []
    for slot in sorted(made.laid)[:2]:
        start, size = made.laid[slot][0]
        at = start + size // 3 // 2048 * 2048
        holes.append((at, min(_UNREAD, size // 3)))
    map_with(folder / "recorder.map", part.stat().st_size, sorted(holes))
    os.replace(part, image)


def letter(folder: Path) -> None:
    """A Word document whose first sector, the header, is gone."""
    path = folder / "letter.doc"
    if not path.exists():
        data = bytearray(writer.write(writer.letter()).data)
        data[:512] = bytes(512)
        path.write_bytes(data)


def main() -> int:
    """Write them into the folder that is named."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.stderr.write("name a folder\n")
        return 2
    recorder(Path(sys.argv[1]))
    letter(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
