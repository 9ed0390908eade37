"""Where ``/sys``, ``/dev`` and ``/proc`` are, and small careful reads from them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DevNo = tuple[int, int]
"""Major and minor number of a block device."""

_MAX_ATTRIBUTE = 64 << 10


def block_devno(path: str | os.PathLike[str]) -> DevNo | None:
    """Major and minor of the block device node at ``path`` (links followed), None when it is none or is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISBLK(status.st_mode):
        return None
    return os.major(status.st_rdev), os.minor(status.st_rdev)


@dataclass(frozen=True, slots=True)
class Roots:
    """The trees to look into. ``devno_of`` tells block nodes from other files (a recorded tree has no real nodes)."""

    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    proc: Path = Path("/proc")
    devno_of: Callable[[str | os.PathLike[str]], DevNo | None] = block_devno

    @property
    def block(self) -> Path:
        """Directory of the whole disks."""
        return self.sys / "block"

    def node_directory(self, name: str) -> Path:
        """The sysfs directory of a disk or a partition, by kernel name."""
        directory = self.sys / "class" / "block" / name
        return directory if directory.exists() else self.block / name

    def node_path(self, name: str) -> str:
        """The node of a kernel name; ``!`` in sysfs stands for ``/`` (``cciss!c0d0``)."""
        return str(self.dev / name.replace("!", "/"))


HERE = Roots()


def read_text(path: Path) -> str | None:
    """A sysfs or procfs attribute, blanks and NULs at its ends removed; None when it cannot be read or is empty.

    Many attributes exist and still fail: ``wwid`` gives ENXIO on a disk without one.
    """
    raw = read_raw(path)
    if raw is None:
        return None
    return raw.decode("utf-8", "backslashreplace").strip(" \t\r\n\0") or None


def read_raw(path: Path, limit: int = _MAX_ATTRIBUTE) -> bytes | None:
    """The bytes of an attribute, or None when it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(limit)
    except OSError:
        return None


def read_int(path: Path) -> int | None:
    """A decimal or ``0x`` attribute as a number, None when there is none."""
    text = read_text(path)
    if text is None:
        return None
    try:
        return int(text, 0) if text[:2].lower() == "0x" else int(text)
    except ValueError:
        return None


def parse_devno(text: str | None) -> DevNo | None:
    """``8:17`` as (8, 17)."""
    first, found, second = (text or "").partition(":")
    if found and first.isdecimal() and second.isdecimal():
        return int(first), int(second)
    return None


def names_in(directory: Path) -> list[str]:
    """Sorted names in a directory; none when it cannot be listed."""
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []
