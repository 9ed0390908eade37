"""Who is writing this map: an flock on a lock file beside it, and a look for a ddrescue that somebody started by hand.

The lock lives exactly as long as its holder: a killed process frees it, so nothing is ever stale. The text in the lock
file only says who; it proves nothing.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.atomic import write_all
from engine.errors import OutsideError, RefusedError, outside

Pathish = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a map. ``since`` in seconds since 1970; ``own`` False for a ddrescue started outside of rescuedeck."""

    pid: int
    command: str
    since: float
    own: bool = True


def lock_path(path: Pathish) -> Path:
    """The lock file of a map: beside the file itself, also when it was named through a link."""
    real = Path(os.path.realpath(path))
    return real.with_name(f".{real.name}.lock")


@contextmanager
def hold_map(path: Pathish, command: str | None = None) -> Iterator[None]:
    """Hold a map for writing; ``command`` says what for. Raises ``RefusedError`` (code ``map-held``)."""
    lock = lock_path(path)
    fd = _acquire(lock, path)
    try:
        _sign(fd, lock, command or _command_of(os.getpid()))
        yield
    finally:
        # still held: nobody else can hold a file of this name, so the name is ours to remove
        try:
            os.unlink(lock)
        except FileNotFoundError:
            pass
        os.close(fd)


def _sign(fd: int, lock: Path, command: str) -> None:
    said = {"pid": os.getpid(), "command": command, "since": time.time()}
    try:
        os.ftruncate(fd, 0)
        write_all(fd, json.dumps(said).encode("ascii") + b"\n")
    except OSError as error:
        raise outside(error, "cannot lock the map", lock) from error


def _acquire(lock: Path, path: Pathish) -> int:
    while True:
        try:
            fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise outside(error, "cannot lock the map", lock) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _said(fd)
            os.close(fd)
            who = f"by process {holder.pid} ({holder.command})" if holder else "by another process"
            raise RefusedError(
                f"the map is being written {who}", code="map-held", path=path, advice="stop that job first"
            ) from None
        except OSError as error:
            if os.fstat(fd).st_size == 0:
                os.unlink(lock)  # nobody can hold it here, and nobody has signed it
            os.close(fd)
            raise _no_lock(error, "cannot lock the map", lock) from error
        if _is_named(fd, lock):
            return fd
        os.close(fd)  # its last holder removed it between our open and our lock


def _no_lock(error: OSError, action: str, lock: Path) -> OutsideError:
    told = outside(error, action, lock)
    if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
        told.code = "no-locks"
        told.advice = "this file system has no file locks, which maps need: put the map on another one"
    return told


def _is_named(fd: int, lock: Path) -> bool:
    try:
        named, mine = os.stat(lock), os.fstat(fd)
    except FileNotFoundError:
        return False
    return (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino)


def _said(fd: int) -> Holder | None:
    try:
        said = json.loads(os.pread(fd, 4096, 0))
        return Holder(int(said["pid"]), str(said["command"]), float(said["since"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None  # cut or foreign text: held all the same, by somebody unknown


def map_holder(path: Pathish) -> Holder | None:
    """Who writes this map now: a holder of its lock, or a ddrescue that was given this file; None for nobody."""
    return lock_holder(path) or foreign_ddrescue(path)


def lock_holder(path: Pathish) -> Holder | None:
    """Who holds the map's lock, or None."""
    lock = lock_path(path)
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise outside(error, "cannot look at the map's lock", lock) from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _said(fd) or Holder(0, "unknown", 0.0)
        except OSError as error:
            raise _no_lock(error, "cannot look at the map's lock", lock) from error
        return None
    finally:
        os.close(fd)


def foreign_ddrescue(path: Pathish) -> Holder | None:
    """A running ddrescue with this very file among its arguments, or None. Processes we may not look at stay unseen."""
    try:
        wanted = os.stat(path)
    except OSError:
        return None
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            with open(f"/proc/{entry.name}/comm", "rb") as comm:
                if comm.read(64).strip() != b"ddrescue":
                    continue
            with open(f"/proc/{entry.name}/cmdline", "rb") as cmdline:
                arguments = cmdline.read(1 << 16).split(b"\0")[1:]
            folder = os.open(f"/proc/{entry.name}/cwd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        try:
            if any(_is_file(argument, folder, wanted) for argument in arguments if argument[:1] not in (b"", b"-")):
                pid = int(entry.name)
                return Holder(pid, _command_of(pid), os.stat(f"/proc/{pid}").st_mtime, own=False)
        except OSError:
            continue
        finally:
            os.close(folder)
    return None


def _is_file(name: bytes, folder: int, wanted: os.stat_result) -> bool:
    try:
        found = os.stat(name, dir_fd=folder)
    except (OSError, ValueError):
        return False
    return (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino)


def _command_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            return cmdline.read(4096).replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return "unknown"
