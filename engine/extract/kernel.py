"""Two calls of the kernel that the library of the language lacks."""

from __future__ import annotations

import ctypes
import os
from functools import cache

from engine.errors import outside

_WRITE = 2
"""SYNC_FILE_RANGE_WRITE: begin to write dirty pages, do not wait."""


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def start_writing(fd: int, offset: int, size: int) -> None:
    """Ask the kernel to begin writing what lies in the cache, so that the sync at the end has little left to do.

    Only a hint: file systems that do not know it are left alone.
    """
    call = getattr(_libc(), "sync_file_range", None)
    if call is not None:
        call(fd, ctypes.c_int64(offset), ctypes.c_int64(size), _WRITE)


def sync_filesystem(fd: int) -> None:
    """Wait until the file system that ``fd`` lies on has written everything. Raises ``OutsideError``."""
    call = getattr(_libc(), "syncfs", None)
    if call is None:
        os.sync()
    elif call(fd):
        code = ctypes.get_errno()
        raise outside(OSError(code, os.strerror(code)), "cannot write")
