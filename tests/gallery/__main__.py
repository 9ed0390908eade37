"""Pictures of every screen in every look:

./rescuedeck python -m tests.gallery --out DIR [--size 80x24,120x40,200x60] [--look dark,light,16,mono,ascii]
                                     [--screen NAME[,NAME]]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.gallery import walks_inside
from tests.gallery.camera import LOOKS, SIZES, Camera
from tests.gallery.material import Material
from tests.gallery.table import SHOWS
from tests.gallery.walks import WALKS
from tests.support import find_tool

__all__ = ["main", "walks_inside"]


def main(words: list[str] | None = None) -> int:
    """Take what is asked for; says what could not be taken and why."""
    parser = argparse.ArgumentParser(prog="tests.gallery", description="Every screen of the deck in every look.")
    parser.add_argument("--out", type=Path, required=True, help="a folder for NAME-SIZE-LOOK.svg, .png and .txt")
    parser.add_argument("--size", default=",".join(f"{w}x{h}" for w, h in SIZES))
    parser.add_argument("--look", default=",".join(LOOKS))
    parser.add_argument("--screen", default="", help=f"some of: {' '.join(SHOWS)}")
    given = parser.parse_args(words)
    scenes = frozenset(given.screen.split(",")) if given.screen else frozenset(SHOWS)
    for unknown in sorted(scenes - set(SHOWS)):
        parser.error(f"there is no screen {unknown}")
    given.out.mkdir(parents=True, exist_ok=True)
    width_height = [tuple(int(number) for number in size.split("x")) for size in given.size.split(",")]
    camera = Camera(given.out.absolute(), [(w, h) for w, h in width_height], given.look.split(","), scenes)
    os.environ["TZ"] = "UTC"
    time.tzset()
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_STATE_HOME"] = name + "/state"
        made = Material(Path(name))
        for way in WALKS:
            if not camera.wants(*way.scenes):
                continue
            lacks = [tool for tool in way.needs if find_tool(tool) is None]
            try:
                if not lacks:
                    asyncio.run(way.walk(camera, made))  # type: ignore[arg-type]
            except AssertionError as error:
                lacks = [str(error)]
            if lacks:
                failed = 1
                sys.stderr.write(f"{way.walk.__name__}: {', '.join(lacks)}\n")
    sys.stdout.write(f"{len(camera.shots)} pictures in {given.out}\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
