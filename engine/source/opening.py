"""From a path to the source behind it: file, first piece of a split image, or block device."""

from __future__ import annotations

import os
import stat

from engine.errors import UsageError, outside
from engine.source.base import Source
from engine.source.device import DeviceSource
from engine.source.file import FileSource
from engine.source.split import SplitSource, piece_paths


def open_path(path: str | os.PathLike[str]) -> Source:
    """Open what ``path`` names. Raises ``OutsideError`` (missing, no access) and ``UsageError`` (a folder, a pipe)."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise outside(error, "cannot open", path) from error
    if stat.S_ISBLK(mode):
        return DeviceSource(path)
    if stat.S_ISDIR(mode):
        raise UsageError(
            "that is a folder, not an image or a device", path=path, advice="name a file in it, or a case directory"
        )
    if not stat.S_ISREG(mode):
        raise UsageError("it is neither a file nor a block device", path=path)
    if len(piece_paths(path)) > 1:
        return SplitSource.open(path)
    return FileSource(path)
