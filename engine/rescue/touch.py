"""The child process that reads one place of a drive: it may hang, and is then left behind; nobody waits in it.

Usage: touch PATH OFFSET SIZE. Prints one JSON line: {"ok": true, "sha256": ...} or {"ok": false, "code": ..., ...}.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Sequence

from engine.errors import RescueError, outside
from engine.source.base import Source
from engine.source.device import DeviceSource
from engine.source.file import FileSource


def main(argv: Sequence[str]) -> int:
    """Open, read, tell."""
    path, offset, size = argv[0], int(argv[1]), int(argv[2])
    try:
        print_line({"ok": True, **_read(path, offset, size)})
    except RescueError as error:
        cause = error.__cause__
        number = cause.errno if isinstance(cause, OSError) else None
        print_line({"ok": False, "code": error.code, "message": error.message, "errno": number})
    return 0


def _read(path: str, offset: int, size: int) -> dict[str, object]:
    try:
        block = stat.S_ISBLK(os.stat(path).st_mode)
    except OSError as error:
        raise outside(error, "cannot find the drive", path) from error
    source: Source = DeviceSource(path) if block else FileSource(path)
    with source:
        data = source.read(offset, size).data if size else b""
        return {"size": source.size, "sha256": hashlib.sha256(data).hexdigest()}


def print_line(value: dict[str, object]) -> None:
    """One JSON line on standard output."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()
