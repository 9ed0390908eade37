"""The programs outside that rescuedeck can use: which are here, which version, and what the lack of each costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine import tools
from engine.errors import OutsideError

_VERSION = re.compile(r"(?<![\w.])[vn]?(\d+(?:\.\d+)*[a-z]?)(?![\w.]*\d)")
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Tool:
    """A program: Debian package, what it is needed for, and what is not possible without it. ``for_tests``: only the
    tests of a checkout use it."""

    name: str
    package: str
    needed_for: str
    without: str
    required: bool = False
    version_option: str = "--version"
    for_tests: bool = False


TOOLS = (
    Tool("ddrescue", "gddrescue", "imaging drives", "no drive can be imaged; work on images and maps goes on", True),
    Tool("ddrescuelog", "gddrescue", "cross-checks of map operations (tests)", "those tests are skipped",
         for_tests=True),
    Tool("smartctl", "smartmontools", "the health of drives", "nobody says how ill a drive is"),
    Tool("lsblk", "util-linux", "serial numbers and file system types from udev", "some drives have no serial number"),
    Tool("fusermount3", "fuse3", "the demonstration of a drive that drops off", "the demonstration is a tamer one"),
    Tool("losetup", "mount", "attaching images read-only, by hand", "do it by hand", version_option="-V"),
    Tool("uhubctl", "uhubctl", "power-cycling USB drives", "you pull the plug yourself", version_option="-v"),
    Tool("ffmpeg", "ffmpeg", "joining and checking recordings", "recordings are saved as they are",
         version_option="-version"),
    Tool("tmux", "tmux", "tests of the whole screen", "those tests are skipped", version_option="-V", for_tests=True),
    Tool("strace", "strace", "tests that nothing writes to a source", "those tests are skipped", version_option="-V",
         for_tests=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ToolState:
    """One tool as found here. ``version`` is None when it is missing or does not tell; ``problem`` when it does not
    run."""

    tool: Tool
    path: str | None
    version: str | None
    problem: str | None = None

    @property
    def found(self) -> bool:
        """It is there and starts."""
        return self.path is not None and self.problem is None


def look_for(
    tool: Tool,
    find: Callable[[str], str | None] = tools.find_tool,
    run: Callable[..., tools.Finished] = tools.run,
) -> ToolState:
    """Find a tool and ask its version."""
    path = find(tool.name)
    if path is None:
        return ToolState(tool, None, None)
    try:
        finished = run([path, tool.version_option], timeout_s=_TIMEOUT_S)
    except OutsideError as error:
        return ToolState(tool, path, None, error.message)
    lines = (finished.stdout or finished.stderr).splitlines()
    found = _VERSION.search(lines[0]) if lines else None
    return ToolState(tool, path, found.group(1) if found else None)
