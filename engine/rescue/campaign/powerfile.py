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

from engine.errors import DamagedError, NotFoundError, RefusedError, UsageError, outside
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
    """The switch of that name. Raises ``NotFoundError``, ``RefusedError`` for a file that others may write, ...

    ... ``DamagedError`` for one that cannot be read, ``UsageError`` for a switch that makes no sense.
    """
    found = path or next((one for one in places() if os.path.lexists(one)), None)
    if found is None:
        raise NotFoundError("there is no file of power switches", path=places()[0], advice="see docs/drop-off.md")
    table = _read(found)
    if name not in table:
        known = safe_text(", ".join(sorted(table)), 200)
        raise NotFoundError(f"there is no power switch {safe_text(name, 40)!r}", path=found, advice=f"it has: {known}")
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
        _trust(os.fstat(fd), path, "file")
        _trust(os.stat(path.parent), path.parent, "folder")
        try:
            return tomllib.loads(file.read(_MAX_SIZE).decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DamagedError(f"the file of power switches cannot be read: {error}", path=path) from error


def _trust(facts: os.stat_result, path: Path, what: str) -> None:
    """Only root, we ourselves, and under sudo whoever called may say what is run."""
    owners = {0, os.geteuid()}
    invoker = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and invoker.isdigit():
        owners.add(int(invoker))
    if what == "file" and not stat.S_ISREG(facts.st_mode):
        raise RefusedError("the power switches are no regular file", code="open-settings", path=path)
    if facts.st_uid not in owners:
        raise RefusedError(
            f"the {what} of power switches belongs to another user (uid {facts.st_uid})", code="open-settings",
            path=path, advice="what it names would be run: make it yours",
        )  # fmt: skip
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise RefusedError(
            f"other users may write the {what} of power switches", code="open-settings", path=path,
            advice=f"what it names would be run: chmod go-w {path}",
        )  # fmt: skip
