"""The child process of ``probe``: one question as JSON on standard input, one answer on standard output."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from engine.errors import OutsideError, RescueError
from engine.source import DeviceSource, open_path

_MAX_PLACE = 1 << 20


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """``open``: size, sector and whether others have it. ``hash``: SHA-256 of some places. Errors as their code."""
    path = str(question["path"])
    try:
        if question["do"] == "open":
            with DeviceSource(path, direct=False, exclusive=True) as source:
                return {"size": source.size, "sector_size": source.sector_size, "busy": source.shared}
        hashes = []
        with open_path(path) as source_of_any_kind:
            for offset, size in question["places"]:
                reading = source_of_any_kind.read(int(offset), min(int(size), _MAX_PLACE))
                if reading.holes or len(reading.data) != size:
                    raise OutsideError("a place could not be read", code="io", path=path, offset=int(offset))
                hashes.append(hashlib.sha256(reading.data).hexdigest())
        return {"hashes": hashes}
    except RescueError as error:
        return {"error": error.code, "message": error.message}


def main() -> int:
    """Read, answer, end."""
    sys.stdout.write(json.dumps(answer(json.load(sys.stdin))))
    return 0
