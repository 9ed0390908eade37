"""What a screen looks at: a case, or an image with a map laid over it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from engine.cases.case import is_case, load_case
from engine.errors import RescueError


@dataclass(frozen=True, slots=True)
class Subject:
    """A case directory, an image (or a description of an array), or a block device, with the map that lies over it and
    the part of it that is meant: start and end in bytes. None: no map, all of it.
    """

    path: Path
    map: Path | None = None
    window: tuple[int, int] | None = None

    @property
    def image(self) -> Path:
        """The image itself."""
        return load_case(self.path).image if is_case(self.path) else self.path

    @property
    def map_path(self) -> Path | None:
        """The map that says what was read; None when there is none."""
        if self.map is not None or not is_case(self.path):
            return self.map
        map = load_case(self.path).map
        return map if map.exists() else None

    @property
    def jobs_dir(self) -> Path:
        """Where its jobs are kept: in the case, or in a folder beside the image."""
        if is_case(self.path):
            return load_case(self.path).jobs_dir
        return self.path.with_name(self.path.name + ".jobs")

    @property
    def exports_dir(self) -> Path:
        """Where files from it are written when nobody says otherwise."""
        if is_case(self.path):
            return load_case(self.path).exports_dir
        return self.path.with_name(self.path.name + ".files")

    @property
    def is_device(self) -> bool:
        """Whether it is a block device, or a case on one; what is not there any more is none."""
        try:
            return stat.S_ISBLK(os.stat(self.image).st_mode)
        except (OSError, RescueError):
            return False

    @property
    def searchable(self) -> bool:
        """Whether there is a folder for jobs on it: not for a bare device."""
        return is_case(self.path) or not self.is_device

    @property
    def mapped(self) -> bool:
        """Whether a map says what was read."""
        return self.map is not None or (is_case(self.path) and load_case(self.path).map.exists())
