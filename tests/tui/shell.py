"""Helpers for tests of the whole deck without a terminal: an app on a pretended one, devices and jobs of our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from engine.devices import Device
from engine.jobs import Job, JobState, Progress
from tests.tui.deck import screen_lines
from tui.app import DeckApp
from tui.options import Options
from tui.terminal import Terminal

TERMINAL = Terminal("xterm-256color", "truecolor", utf8=True, glyphs=True, ssh=False, width=80, height=24)

# What a damaged or malicious disk can put into names: markup, a link with an action, colours, clipboard writes,
# C1 controls, text direction, separators, lone surrogates, combining marks, wide and unassigned characters.
HOSTILE = (
    "a[/b]c",
    "[@click=app.quit]x[/]",
    "[bold red]x",
    "]]][[[",
    "\x1b[31mred\x1b]0;title\x07",
    "\x1b]52;c;aGVsbG8=\x07",
    "\x9b31m\x90q\x9c",
    "\u202egpj.exe\u2066",
    "line\nbreak\rback\ttab\x00nul\x7fdel\x08",
    "\u2028\u2029\u0085",
    "lone \udc80\ud800",
    "z" + "\u0301" * 60,
    "文字化け😀\U000e0041",
    "\ufdd0\uffff",
    "x" * 5000,
    "",
    "   ",
)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run an async test."""
    asyncio.run(test())  # type: ignore[arg-type]


def make_device(name: str = "sdb", **facts: Any) -> Device:
    """An idle 1 TB SATA disk; ``facts`` override its fields."""
    values: dict[str, Any] = {
        "name": name, "path": f"/dev/{name}", "kind": "disk", "devno": (8, 16), "size": 1000204886016,
        "logical_sector": 512, "physical_sector": 4096, "read_only": False, "removable": False, "hotplug": False,
        "rotational": True, "transport": "sata", "vendor": None, "model": "ST1000DM003-1CH162", "serial": "S1D5XYZ0",
        "wwn": "0x5000c500a1b2c3d4", "firmware": "CC47", "by_id": ("ata-ST1000DM003-1CH162_S1D5XYZ0",), "diskseq": 7,
        "hctl": "2:0:0:0", "port": None, "sysfs_path": f"/sys/devices/fake/{name}", "state": "running", "table": None,
        "filesystem": None, "label": None, "serial_source": "drive",
    }  # fmt: skip
    return Device(**{**values, **facts})


def make_job(directory: Path = Path("/cases/smith/jobs/20260101-120000-rescue-abc123"), **facts: Any) -> Job:
    """A running rescue at 43.2 %."""
    values: dict[str, Any] = {
        "id": directory.name, "directory": directory, "kind": "rescue", "title": "smith", "arguments": {},
        "created": 1767268800.0, "state": JobState.RUNNING, "started": 1767268800.0, "elapsed_s": 600.0, "runs": 1,
        "progress": Progress(done=432 << 20, total=1000 << 20, rate=52.0 * (1 << 20)),
    }  # fmt: skip
    return Job(**{**values, **facts})


def text(app: DeckApp) -> str:
    """What is on show."""
    return "\n".join(line.rstrip() for line in screen_lines(app))


async def until(pilot: Pilot[None], condition: Callable[[], object], *, most_s: float = 10.0) -> None:
    """Wait for background work to show; fails with the screen when it never does."""
    end = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < end, f"it never came:\n{text(pilot.app)}"  # type: ignore[arg-type]
        await pilot.pause(0.02)
    await pilot.pause()


@asynccontextmanager
async def deck(
    path: str | Path | None = None, *, size: tuple[int, int] = (80, 24), terminal: Terminal = TERMINAL, **options: Any
) -> AsyncIterator[tuple[DeckApp, Pilot[None]]]:
    """The deck on a pretended terminal."""
    app = DeckApp(terminal, Options(path=None if path is None else str(path), **options))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot
