"""A private folder in memory for targets that read files, one for each process and name, gone when it ends."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path


@functools.cache
def _base(pid: int) -> Path:
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix=f"rescuedeck-fuzz-{pid}-", dir=where))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def folder(name: str) -> Path:
    """The folder ``name`` of this process (0700)."""
    path = _base(os.getpid()) / name
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def remove(pid: int | None = None) -> None:
    """What this process has made, or another of ours that did not end in the usual way."""
    base = _base(os.getpid())
    if pid is None:
        shutil.rmtree(base, ignore_errors=True)
        return
    for left in base.parent.glob(f"rescuedeck-fuzz-{pid}-*"):
        shutil.rmtree(left, ignore_errors=True)
