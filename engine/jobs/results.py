"""What a job found, when it is too much for its state: one JSON file in the job's folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from engine.errors import DamagedError, outside


def read_result(directory: str | os.PathLike[str], name: str, what: str, *, most: int) -> dict[str, Any]:
    """The mapping in the file ``name`` of a job's folder; ``what`` names it in errors, ``most`` bounds it in bytes.

    Raises ``OutsideError`` (not there yet), ``DamagedError`` (no JSON mapping, or longer than it may be).
    """
    path = Path(directory) / name
    try:
        with open(path, "rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise outside(error, f"cannot read {what}", path) from error
    try:
        value = json.loads(data) if len(data) <= most else None
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{what} is damaged", code="job-result", path=path) from error
    if not isinstance(value, dict):
        raise DamagedError(f"{what} is damaged", code="job-result", path=path)
    return value
