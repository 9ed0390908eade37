"""Taking one screen in all sizes and looks: the deck stays where it is, the terminal under it changes."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.filter import LineFilter, NoColor
from textual.pilot import Pilot
from textual.widget import Widget

from tests.gallery.table import SHOWS
from tests.support import find_tool
from tests.tui.picture import to_svg
from tests.tui.shell import deck, text, until
from tui.app import DeckApp
from tui.filters import AsciiFilter

Size = tuple[int, int]
SIZES: tuple[Size, ...] = ((80, 24), (120, 40), (200, 60))


@dataclass(frozen=True, slots=True)
class Look:
    """A theme and what the terminal cannot show."""

    name: str
    theme: str
    filters: tuple[LineFilter, ...] = ()


LOOKS = {
    look.name: look
    for look in (
        Look("dark", "dark"),
        Look("light", "light"),
        Look("16", "ansi"),
        Look("mono", "mono", (NoColor(),)),
        Look("ascii", "ansi", (AsciiFilter(letters=True),)),
    )
}


@dataclass(frozen=True, slots=True)
class Shot:
    """A screen as text, with how it was taken. ``focus``: which widget has it."""

    scene: str
    screen: str
    size: Size
    look: str
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """As its file is called."""
        return f"{self.scene}-{self.size[0]}x{self.size[1]}-{self.look}"


@dataclass(slots=True)
class Camera:
    """What to take, where to put it. ``shots`` are all that were taken."""

    out: Path | None = None
    sizes: Sequence[Size] = ((80, 24),)
    looks: Sequence[str] = ("dark",)
    scenes: frozenset[str] = frozenset(SHOWS)
    shots: list[Shot] = field(default_factory=list)

    def wants(self, *scenes: str) -> bool:
        """Whether one of these is asked for."""
        return not self.scenes.isdisjoint(scenes)

    @asynccontextmanager
    async def deck(self, path: Path | None = None, **options: Any) -> AsyncIterator[Stage]:
        """A deck to walk through, at 80x24 until a picture is taken."""
        async with deck(path, size=(80, 24), **options) as (app, pilot):
            yield Stage(self, app, pilot)


@dataclass(frozen=True, slots=True)
class Stage:
    """A deck on a pretended terminal before the camera."""

    camera: Camera
    app: DeckApp
    pilot: Pilot[None]

    async def press(self, *keys: str) -> None:
        """Press keys; a text of several letters is typed."""
        for key in keys:
            await self.pilot.press(*(key if key.isupper() and len(key) > 1 else [key]))

    async def type(self, words: str) -> None:
        """Put a text into the line of the open prompt in place of what is there."""
        await self.pilot.press("ctrl+u", *({"/": "slash", " ": "space", ".": "full_stop"}.get(c, c) for c in words))

    async def until(self, *words: str, most_s: float = 120.0) -> None:
        """Wait until all these words are on show."""
        await until(self.pilot, lambda: all(word in text(self.app) for word in words), most_s=most_s)

    async def when(self, condition: Callable[[], object], most_s: float = 120.0) -> None:
        """Wait for something else."""
        await until(self.pilot, condition, most_s=most_s)

    async def take(self, scene: str, subject: str | None = None) -> None:
        """Take the screen that is up in all sizes and looks. ``subject`` replaces a path of this machine."""
        if scene not in self.camera.scenes:
            return
        if subject is not None:
            self.app.screen.set_subject(subject)  # type: ignore[attr-defined]
        for look in (LOOKS[name] for name in self.camera.looks):
            for size in self.camera.sizes:
                await self._dress(look, (52, 14) if scene == "too-small" else size)
                screen = type(self.app.screen).__name__
                assert screen == SHOWS[scene], f"{scene} shows {screen}"
                self._keep(scene, screen, size, look.name)
        await self._dress(LOOKS["dark"], (80, 24))

    async def _dress(self, look: Look, size: Size) -> None:
        self.app._filters_of_ours = list(look.filters)
        self.app.theme = look.theme
        await self.pilot.resize_terminal(*size)
        for node in self.app.screen.walk_children(with_self=True):
            if isinstance(node, Widget):
                node._styles_cache.clear()
                node.refresh()
        await self.pilot.pause(0.05)
        before = ""
        for _ in range(40):
            now = text(self.app)
            if now == before:
                break
            before = now
            await self.pilot.pause(0.05)

    def _keep(self, scene: str, screen: str, size: Size, look: str) -> None:
        shot = Shot(scene, screen, size, look, tuple(text(self.app).split("\n")))
        self.camera.shots.append(shot)
        out = self.camera.out
        if out is None:
            return
        (out / f"{shot.name}.txt").write_text("\n".join(shot.lines) + "\n")
        svg = out / f"{shot.name}.svg"
        svg.write_text(to_svg(self.app))
        painter = find_tool("rsvg-convert")
        if painter is not None:
            subprocess.run([painter, svg, "-o", svg.with_suffix(".png")], check=True, capture_output=True)
