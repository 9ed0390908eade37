"""Walks through every screen of the deck, and on each of them lets the terminal shrink to nothing and come back.

``python -m tests.safety.walker FOLDER RESULT``: sources are made below ``FOLDER``, ``RESULT`` gets JSON: which scenes
were met, which files are sources, what was wrong.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.gallery import walks_inside
from tests.gallery.camera import Camera, Stage
from tests.gallery.material import Material
from tests.gallery.table import SHOWS
from tests.gallery.walks import WALKS
from tests.safety.traced import MARK
from tests.support import find_tool
from tests.tui.shell import deck, text

assert walks_inside
SMALL = ((1, 1), (0, 0), (20, 5), (2, 40), (200, 1))
SOURCES = ("disk", "blank", "lost", "recorder", "letter", "members", "strange", "table")
"""Of the gallery's material: what may only be read."""


@dataclass(slots=True)
class Shrinking(Camera):
    """Instead of taking pictures."""

    wrong: list[str] = field(default_factory=list)
    met: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def deck(self, path: Path | None = None, **options: Any) -> AsyncIterator[Stage]:
        """A deck to walk through."""
        async with deck(path, size=(80, 24), **options) as (app, pilot):
            yield ShrinkingStage(self, app, pilot)


@dataclass(frozen=True, slots=True)
class ShrinkingStage(Stage):
    """Where each scene is shrunk."""

    async def take(self, scene: str, subject: str | None = None) -> None:
        """The terminal becomes very small in several ways, then what it was: the same screen must be there, usable."""
        camera = self.camera
        assert isinstance(camera, Shrinking)
        camera.met.add(scene)
        if scene == "too-small":
            return
        for size in SMALL:
            await self.pilot.resize_terminal(*size)
            await self.pilot.pause(0.01)
        await self.pilot.resize_terminal(80, 24)
        end = time.monotonic() + 60
        while type(self.app.screen).__name__ != SHOWS[scene] and time.monotonic() < end:
            await self.pilot.pause(0.02)
        if type(self.app.screen).__name__ != SHOWS[scene]:
            camera.wrong.append(f"{scene}: {type(self.app.screen).__name__} after the terminal came back")
        elif len([line for line in text(self.app).splitlines() if line.strip()]) < 3:
            camera.wrong.append(f"{scene}: nothing on show after the terminal came back")


class _Protected(Material):
    """Nobody may write to what is read. ``digests``: of those that were made."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.digests: dict[str, str] = {}


def _protect(name: str) -> None:
    make = Material.__dict__[name].func

    def protected(self: _Protected) -> Any:
        made = make(self)
        for path in made if isinstance(made, list) else [made]:
            path.chmod(0o444)
            self.digests[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            try:
                os.open(f"{MARK}{path}", os.O_RDONLY)
            except OSError:
                pass  # it is not there: only the trace sees that from now on the file may only be read
        return made

    guarded = cached_property(protected)
    guarded.__set_name__(_Protected, name)
    setattr(_Protected, name, guarded)


for _name in SOURCES:
    _protect(_name)


def main(folder: str, result: str, *only: str) -> None:
    """Walk."""
    state = tempfile.mkdtemp(dir=folder)
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        os.environ[f"XDG_{name}_HOME"] = f"{state}/{name.lower()}"
    camera = Shrinking()
    sources: dict[str, str] = {}
    for number, way in enumerate(WALKS):
        if only and way.walk.__name__ not in only or not all(find_tool(tool) for tool in way.needs):
            continue
        here = Path(folder, str(number))
        here.mkdir()
        made, began = _Protected(here), time.monotonic()
        try:
            asyncio.run(way.walk(camera, made))  # type: ignore[arg-type]
        except Exception as error:  # it is told; the other ways are walked all the same
            camera.wrong.append(f"{way.walk.__name__}: {type(error).__name__}: {str(error)[-1500:]}")
        print(f"{way.walk.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        sources |= made.digests
    Path(result).write_text(json.dumps({"met": sorted(camera.met), "sources": sources, "wrong": camera.wrong}))


if __name__ == "__main__":
    main(*sys.argv[1:])
