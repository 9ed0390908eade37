"""Power switches by name, from a settings file. It says which programs run, so not everybody may have written it.

```toml
[bench]                                       # --power-switch bench
off = ["uhubctl", "-l", "1-1", "-p", "2", "-a", "off"]
on = ["uhubctl", "-l", "1-1", "-p", "2", "-a", "on"]
off_seconds = 5
```
"""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

from engine.errors import DamagedError, RefusedError, UsageError, outside
from engine.jobs.directory import allowed_owners
from engine.rescue.campaign.settings import PowerSwitch
from engine.text import safe_text

FILE_NAME = "power.toml"
SYSTEM = Path("/etc/rescuedeck")
_MAX_SIZE = 1 << 20


def places() -> list[Path]:
    """Where the file may lie, the person's own first."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return [Path(home) / "rescuedeck" / FILE_NAME, SYSTEM / FILE_NAME]


def load_switch(name: str, path: Path | None = None) -> PowerSwitch:
    """The switch of that name. Raises ``UsageError`` when there is none, or one that makes no sense, ``RefusedError``
    for a file that others may write, ``DamagedError`` for one that cannot be read.
    """
    found = path or next((one for one in places() if os.path.lexists(one)), None)
    if found is None:
        raise UsageError(
            "there is no file of power switches", code="no-power-switch", path=places()[0],
            advice="see docs/drop-off.md",
        )  # fmt: skip
    table = _read(found)
    if name not in table:
        known = safe_text(", ".join(sorted(table)), 200)
        raise UsageError(
            f"there is no power switch {safe_text(name, 40)!r}", code="no-power-switch", path=found,
            advice=f"it has: {known}",
        )  # fmt: skip
    try:
        return PowerSwitch.from_json(table[name])
    except UsageError as error:
        error.path = os.fspath(found)
        raise


def _read(path: Path) -> dict[str, Any]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise outside(error, "cannot read the power switches", path) from error
    with os.fdopen(fd, "rb") as file:
        for facts, where, what in ((os.fstat(fd), path, "file"), (os.stat(path.parent), path.parent, "folder")):
            problem = distrust(facts)
            if problem:
                raise RefusedError(
                    f"the {what} of power switches {problem}", code="open-settings", path=where,
                    advice=f"what it names would be run: make it yours, and chmod go-w {where}",
                )  # fmt: skip
        try:
            return tomllib.loads(file.read(_MAX_SIZE).decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DamagedError(f"the file of power switches cannot be read: {error}", path=path) from error


def distrust(facts: os.stat_result) -> str:
    """Why a file (or the folder it lies in) may not say what is run; empty when it may.

    Only root, we ourselves, and under sudo whoever called may have written it.
    """
    if not (stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode)):
        return "is no regular file"
    if facts.st_uid not in {0, *allowed_owners()}:
        return f"belongs to another user (uid {facts.st_uid})"
    return "may be written by other users" if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""
