"""Somebody who types fast: the real deck without a terminal, each key timed until its picture is complete."""

from __future__ import annotations

import asyncio
import gc
import os
import time
import unicodedata
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from textual import events
from textual._compositor import CompositorUpdate
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot

from tests.tui.deck import screen_lines
from tests.tui.shell import TERMINAL
from tui.app import DeckApp
from tui.options import Options
from tui.screens.base import DeckScreen

_PAGE = os.sysconf("SC_PAGE_SIZE")


class PaintingDeck(DeckApp):
    """The deck paints as it does for a terminal (Textual leaves that out without one), into nowhere."""

    sent = 0

    def _display(self, screen: Any, renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate):
            self.sent += len(renderable.render_segments(self.console))


class Typist:
    """``press`` types; ``times`` has by kind of key the seconds to its picture, and of processor in this thread."""

    def __init__(self, app: PaintingDeck, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        self.times: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.memory: list[int] = []
        self.begun = time.monotonic()
        self.count = 0

    @property
    def screen(self) -> DeckScreen:
        """The screen on top."""
        return cast(DeckScreen, self.app.screen)

    async def press(self, *keys: str, kind: str = "") -> None:
        """Type keys one after the other; each is complete on the screen before the next. ``kind`` names them in the
        report (by default by themselves)."""
        for key in keys:
            begin, worked = time.perf_counter(), time.thread_time()
            self._send(key)
            await self.painted()
            self.times[kind or key].append((time.perf_counter() - begin, time.thread_time() - worked))
            self.count += 1

    async def write(self, text: str, kind: str = "typed text") -> None:
        """Type a line, without Enter."""
        for letter in text:
            await self.press(letter, kind=kind)

    def _send(self, key: str) -> None:
        if len(key) == 1 and not key.isalnum():
            key = _character_to_key(key)
        try:
            character: str | None = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(key, key)))
        except KeyError:
            character = key if len(key) == 1 else None
        event = events.Key(key, character)
        event.set_sender(self.app)
        driver = self.app._driver
        assert driver is not None
        driver.send_message(event)

    async def painted(self) -> None:
        """Wait until every widget has done what it was told, and paint."""
        while True:
            for _ in range(2):  # what the first round does may tell others to do something
                await self.pilot._wait_for_screen()
                self.app.screen._on_timer_update()
            await asyncio.sleep(0)
            if self.app.screen._compositor.size:
                return
            await asyncio.sleep(0.002)  # another screen, which Textual lays out a moment later

    async def until(self, condition: Callable[[], object], most_s: float = 60.0) -> None:
        """Wait for background work."""
        end = time.monotonic() + most_s
        while not condition():
            assert time.monotonic() < end, f"it never came:\n{self.text()}"
            await asyncio.sleep(0.01)
        await self.painted()

    async def rest(self, seconds: float) -> None:
        """Look at the screen for a while."""
        await asyncio.sleep(seconds)
        await self.painted()

    def text(self) -> str:
        """What is on show."""
        return "\n".join(line.rstrip() for line in screen_lines(self.app))

    def weigh(self) -> int:
        """Note the memory that the process takes now, in bytes."""
        gc.collect()
        self.memory.append(rss())
        return self.memory[-1]

    @property
    def rate(self) -> float:
        """Keys per second since the beginning."""
        return self.count / (time.monotonic() - self.begun)


def rss() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def open_files() -> int:
    """How many descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))


@asynccontextmanager
async def typing(path: Path | None, *, size: tuple[int, int] = (80, 24), **options: Any) -> AsyncIterator[Typist]:
    """The deck, opened on a path, and somebody at it."""
    app = PaintingDeck(TERMINAL, Options(path=None if path is None else str(path), **options))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Typist(app, pilot)


def disk_use(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file() and not entry.is_symlink())
