"""The pictures of the guide, taken from the program itself on disks made for it.

./rescuedeck python docs/make_pictures.py        writes docs/pictures/*.svg
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.cases import create_case, record
from tests.engine.carve.made_files import made, picture
from tests.support import find_tool
from tests.tui.picture import to_svg
from tests.tui.shell import deck, text, until

HERE = Path(__file__).resolve().parent / "pictures"
SECTOR = 512


def _elsewhere(svg: str) -> str:
    """The image under a name as long as its own, so that no picture shows where it was taken."""
    own = re.escape(tempfile.gettempdir()) + r"/[^<\s]*disk\.img"
    return re.sub(
        own,
        lambda found: "/srv/images/smith-2026-11-21".ljust(len(found[0]) - 4, "0")[: len(found[0]) - 4] + ".img",
        svg,
    )


def make_disk(folder: Path) -> tuple[Path, Path]:
    """A disk with a FAT volume of photographs, and a map with bad areas in some of them."""
    volume = folder / "volume"
    volume.write_bytes(bytes(24 << 20))
    run("mkfs.vfat", "-F", "16", "-n", "PHOTOS", volume)
    run("mmd", "-i", volume, "::/DCIM", "::/LETTERS")
    for number in range(24):
        name = folder / f"IMG_{number:04}.JPG"
        name.write_bytes(picture("JPEG", (640, 480), seed=number, quality=90))
        run("mcopy", "-i", volume, name, f"::/DCIM/IMG_{number:04}.JPG")
    for name in ("zip", "pdf", "docx"):
        (folder / f"letter.{name}").write_bytes(made(name))
        run("mcopy", "-i", volume, folder / f"letter.{name}", "::/LETTERS")
    run("mdel", "-i", volume, "::/DCIM/IMG_0007.JPG")
    image = folder / "disk.img"
    with open(image, "wb") as out:
        out.truncate(32 << 20)
    run("sfdisk", "-q", image, given=b"label: dos\nstart=2048,size=49152,type=e,bootable\n")
    with open(image, "r+b") as out:
        out.seek(2048 * SECTOR)
        out.write(volume.read_bytes())
    lines, at = ["0x0 + 1"], 0
    lacks = ((1_900_544, 4096, "-"), (2_600_960, 65536, "/"), (4_002_304, 512, "-"), (30 << 20, 1 << 20, "?"))
    for start, size, status in lacks:
        lines += [f"0x{at:x} 0x{start - at:x} +", f"0x{start:x} 0x{size:x} {status}"]
        at = start + size
    lines.append(f"0x{at:x} 0x{(32 << 20) - at:x} +")
    map_ = folder / "disk.map"
    map_.write_text("\n".join(lines) + "\n")
    return image, map_


def run(tool: str, *words: str | os.PathLike[str], given: bytes | None = None) -> None:
    """A tool that must be there."""
    path = find_tool(tool)
    if path is None:
        raise SystemExit(f"{tool} is not installed; ./rescuedeck test brings it in")
    subprocess.run([path, *words], input=given, check=True, capture_output=True)


async def take(name: str, path: Path, steps: list[tuple[tuple[str, ...], Callable[[str], bool]]]) -> None:
    """Open ``path``, press keys, wait for each step's words, save the screen."""
    async with deck(path, size=(80, 24)) as (app, pilot):
        for keys, condition in steps:
            if keys:
                await pilot.press(*keys)
            await until(pilot, lambda condition=condition: condition(text(app)), most_s=60)  # type: ignore[misc]
        app.screen.set_subject("/srv/cases/smith")  # type: ignore[attr-defined]
        await pilot.pause(0.2)
        (HERE / f"{name}.svg").write_text(_elsewhere(to_svg(app)))


def has(*words: str) -> Callable[[str], bool]:
    """A condition: all of these are on show."""
    return lambda shown: all(word in shown for word in words)


def main() -> None:
    """Take them all."""
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image, map_ = make_disk(folder)
        os.chdir(folder)
        case = create_case(
            folder / "smith", title="Smith, wedding photos", image=image, map=map_, source_path="/dev/sdb",
            source_size=32 << 20,
            identity={"model": "ST1000DM003-1CH162", "serial": "S1D5XYZ0", "size_bytes": 32 << 20},
        )  # fmt: skip
        record(case, "rescue-pass", message="this pass is done", recipe="copy", gained=31 << 20)
        opened: Any = case.directory
        asyncio.run(take("case", opened, [((), has("INSIDE"))]))
        asyncio.run(take("map-editor", opened, [((), has("INSIDE")), (("e",), has("next run")),
                                                (("G",), has("finished"))]))  # fmt: skip
        asyncio.run(take("partitions", opened, [((), has("INSIDE")), (("t",), has("FAT16"))]))
        asyncio.run(take("carving", opened, [((), has("INSIDE")), (("C",), has("none yet")),
                                             (("s",), has("done", "files,")),
                                             (("o", "o", "o", "g"), has("cheapest"))]))  # fmt: skip
        asyncio.run(take("bytes", opened, [((), has("INSIDE")), (("x",), has("00000000"))]))
        asyncio.run(take("files", opened, [((), has("INSIDE")), (("F",), has("i walk")), (("i",), has("DCIM"))]))


if __name__ == "__main__":
    main()
