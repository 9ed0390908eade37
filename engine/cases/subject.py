"""What a screen looks at: a case, or an image with a map laid over it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from engine.cases.case import is_case, load_case
from engine.errors import outside


@dataclass(frozen=True, slots=True)
class Subject:
    """A case directory, or an image (or a description of an array) with the map that lies over it (None: no map)."""

    path: Path
    map: Path | None = None

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
        """Whether it is a block device (or a case on one). Raises ``OutsideError`` when nothing is there any more."""
        try:
            return stat.S_ISBLK(os.stat(self.image).st_mode)
        except OSError as error:
            raise outside(error, "cannot open that", self.path) from error
