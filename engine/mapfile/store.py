"""Saving a map under a name that may be taken: never over something else unasked, never while somebody writes it."""

from __future__ import annotations

import os
import stat

from engine.errors import OutsideError, RefusedError
from engine.mapfile.lock import foreign_ddrescue, hold_map
from engine.mapfile.model import Mapfile
from engine.mapfile.write import write_map

Pathish = str | os.PathLike[str]


def save_as(path: Pathish, map_: Mapfile, *, force: bool = False) -> None:
    """Save a map as ``path``. What exists there is refused unless ``force``; then it stays as ``NAME.1``.

    Raises ``OutsideError`` (code ``exists``), ``RefusedError`` (``map-held``; ``not-a-file`` for devices and folders).
    """
    refuse_taken(path, force=force)
    with hold_map(path, "saving a map"):
        refuse_taken(path, force=force)
        holder = foreign_ddrescue(path)
        if holder is not None:
            raise RefusedError(
                f"ddrescue (process {holder.pid}) writes that map", code="map-held", path=path, advice="stop it first"
            )
        write_map(path, map_, keep=1 if force else 0)


def refuse_taken(path: Pathish, *, force: bool) -> None:
    """Raise when a map may not be saved as ``path``."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            raise OutsideError("there is no such folder to save in", code="missing", path=path) from None
        return
    except OSError as error:
        raise OutsideError(f"cannot save there: {error.strerror}", code="io", path=path) from error
    if stat.S_ISLNK(mode):
        raise RefusedError("the output is a symbolic link", code="not-a-file", path=path, advice="name the file itself")
    if not stat.S_ISREG(mode):
        raise RefusedError("the output is no regular file", code="not-a-file", path=path, advice="name a new file")
    if not force:
        raise OutsideError(
            "the output file exists already", code="exists", path=path, advice="name another one, or use --force"
        )
