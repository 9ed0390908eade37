"""Which screen shows what a path names."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cases import is_case
from engine.errors import UsageError, outside

if TYPE_CHECKING:
    from tui.screens.base import DeckScreen


def is_job(path: Path) -> bool:
    """Whether ``path`` is a job directory."""
    return (path / "spec.json").is_file()


def looks_like_map(path: Path) -> bool:
    """Whether a file starts as a ddrescue mapfile does: comments, then a status line of position, status (and pass)."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError:
        return False
    for line in head.splitlines():
        words = line.split()
        if not words or line.startswith(b"#"):
            continue
        return 2 <= len(words) <= 3 and words[0].lower().startswith(b"0x") and words[1] in b"? * / - F G +".split()
    return False


def screen_for(path: str, map: str | None = None) -> DeckScreen:
    """The screen for a case, a job, an image (with ``map``), a map or a device. Raises ``RescueError``."""
    where = Path(path)
    try:
        mode = os.stat(where).st_mode
    except OSError as error:
        raise outside(error, "cannot open that", path) from error
    if stat.S_ISDIR(mode):
        if is_case(where):
            from tui.screens.case import CaseScreen

            return CaseScreen(where)
        if is_job(where):
            from tui.screens.rescue import RescueScreen

            return RescueScreen(where)
        raise UsageError(
            "that folder is no case", path=path, advice="open a file in it, or make a case: rescuedeck case create"
        )
    if stat.S_ISBLK(mode):
        from tui.screens.devices import DevicesScreen

        return DevicesScreen(selected=os.path.realpath(where))
    if not stat.S_ISREG(mode):
        raise UsageError("that is neither a file, a case nor a block device", path=path)
    from tui.screens.image import ImageScreen

    if map is None and looks_like_map(where):
        return ImageScreen(image=None, map=where)
    return ImageScreen(image=where, map=Path(map) if map else None)
