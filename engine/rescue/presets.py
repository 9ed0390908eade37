"""The options a case starts its rescue with: what was used last there, or what it was made with.

Kept as ``rescue-options.json`` in the case directory, so that coming back after days needs no memory.
"""

from __future__ import annotations

import json
from pathlib import Path

from engine.atomic import Pathish, write_json
from engine.errors import RescueError
from engine.rescue.options import RescueOptions

FILE_NAME = "rescue-options.json"
_MAX_SIZE = 1 << 20


def save_preset(directory: Pathish, options: RescueOptions) -> None:
    """Keep ``options`` as those of the case in ``directory``."""
    write_json(Path(directory) / FILE_NAME, options.to_json())


def load_preset(directory: Pathish) -> RescueOptions | None:
    """The options kept in ``directory``; None when there are none or they cannot be used any more."""
    try:
        with open(Path(directory) / FILE_NAME, "rb") as stream:
            return RescueOptions.from_json(json.loads(stream.read(_MAX_SIZE)))
    except (OSError, ValueError, TypeError, RescueError):
        return None
