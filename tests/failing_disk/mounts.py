"""Whether something is mounted, and getting rid of it whatever still uses it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def is_mounted(path: str | os.PathLike[str]) -> bool:
    """Whether a file system is mounted on exactly this directory (also one whose server is dead)."""
    wanted = os.path.realpath(Path(path).parent) + "/" + Path(path).name
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        return any(_unescape(line.split(" ")[4]) == wanted for line in lines)


def unmount(path: str | os.PathLike[str]) -> bool:
    """Unmount, lazily when it is in use; True when nothing is mounted there afterwards."""
    target = os.fspath(path)
    for command in (["fusermount3", "-u"], ["fusermount3", "-u", "-z"], ["umount", "-l"]):
        if not is_mounted(path):
            return True
        try:
            subprocess.run([*command, target], capture_output=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
    return not is_mounted(path)


def _unescape(field: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, char)
    return field
