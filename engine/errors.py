"""The few exceptions a person can act on: what went wrong, where, and what to do.

Only these become messages on the command line and on screens. Exit codes are those of the command line's
contract: 1 the thing is damaged or not found, 2 wrong usage, 3 something outside is missing or failed, 130
interrupted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


class RescueError(Exception):
    """Base of all errors a person can act on.

    ``message`` says what went wrong (without the location), ``path`` / ``line`` / ``offset`` where (offset in bytes),
    ``advice`` what to do next, ``code`` a stable slug for scripts.
    """

    exit_code = 3
    default_code = "failed"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        path: str | os.PathLike[str] | None = None,
        line: int | None = None,
        offset: int | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.path = os.fspath(path) if path is not None else None
        self.line = line
        self.offset = offset
        self.advice = advice

    @property
    def where(self) -> str:
        """The location in words: ``file, line 3`` or ``file, offset 512``; empty when there is none."""
        parts = []
        if self.path is not None:
            parts.append(self.path)
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.offset is not None:
            parts.append(f"offset {self.offset}")
        return ", ".join(parts)

    def __str__(self) -> str:
        text = self.message
        if self.where:
            text += f" ({self.where})"
        if self.advice:
            text += f"; {self.advice}"
        return text


class UsageError(RescueError):
    """The caller asked for something that makes no sense (exit code 2)."""

    exit_code = 2
    default_code = "usage"


class DamagedError(RescueError):
    """The thing is there, but it is not what it should be (exit code 1)."""

    exit_code = 1
    default_code = "damaged"


class NotFoundError(RescueError):
    """What was looked for inside a thing is not there (exit code 1)."""

    exit_code = 1
    default_code = "not-found"


class OutsideError(RescueError):
    """Something outside is missing or failed: tool, permission, space, device (exit code 3)."""

    exit_code = 3
    default_code = "outside"


class RefusedError(OutsideError):
    """A safety rule forbids it: target on the source, source in use, file exists, map held by a job."""

    default_code = "refused"


class CancelledError(RescueError):
    """The person stopped it; what was done so far is kept (exit code 130)."""

    exit_code = 130
    default_code = "interrupted"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in data that could still be read: collected, not raised."""

    code: str
    message: str
    offset: int | None = None
    line: int | None = None


def outside(error: OSError, action: str, path: str | os.PathLike[str] | None = None) -> OutsideError:
    """Turn an ``OSError`` into the message for ``action`` (such as "cannot read the map"), with advice where known."""
    import errno

    advice = {
        errno.EACCES: "it is not open to you: use sudo, or ask for access to it",
        errno.EPERM: "the system does not permit it",
        errno.ENOENT: "check the name",
        errno.ENOSPC: "the disk is full: make room and try again",
        errno.EDQUOT: "your share of that disk is used up: make room or choose another place",
        errno.EFBIG: "no file may be that large there (FAT32: below 4 GiB): choose another file system",
        errno.ENOLCK: "that file system has no file locks: choose another place",
        errno.EROFS: "that file system is read-only: choose another place",
        errno.ENXIO: "the device is gone: check cable and power",
        errno.ENODEV: "the device is gone: check cable and power",
        errno.ENOMEDIUM: "there is no medium in the drive",
        errno.EIO: "the medium gave a read error: image it first",
        errno.EISDIR: "name a file in it",
        errno.EBUSY: "something else uses it",
        errno.ENAMETOOLONG: "choose a shorter name",
        errno.ESTALE: "the file server has lost it: look at the mount",
    }.get(error.errno or 0)
    code = {
        errno.EACCES: "permission",
        errno.EPERM: "permission",
        errno.ENOENT: "missing",
        errno.ENOSPC: "no-space",
        errno.EDQUOT: "no-space",
        errno.EFBIG: "too-large",
        errno.ENXIO: "device-gone",
        errno.ENODEV: "device-gone",
        errno.EBUSY: "busy",
    }.get(error.errno or 0, "io")
    reason = error.strerror or type(error).__name__
    where = path if path is not None else error.filename
    return OutsideError(f"{action}: {reason}", code=code, path=where, advice=advice)
