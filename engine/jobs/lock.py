"""Who works on a job: the lock on its directory, and the processes that hold it, as the kernel tells.

A job is alive as long as its lock is held. A killed process frees it, and numbers of processes are never guessed: a
holder is a process that has the lock file open with an exclusive flock on it (``/proc/PID/fdinfo``, proc(5)).
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import OutsideError, RefusedError, outside
from engine.jobs.directory import LOCK, JobDirectory

_TRY_S = 2.0


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a job. ``stuck``: it waits in the kernel (state D), no signal reaches it until that ends."""

    pid: int
    name: str
    stuck: bool


def here() -> str:
    """This machine since its start, and this namespace of process numbers: where a process number means something."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return f"{stream.read(64).strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def is_held(directory: JobDirectory) -> bool:
    """Whether a process works on the job: a shared lock is tried for a moment."""
    fd = directory.open_lock(create=False)
    if fd is None:
        return False
    try:
        return not _try(fd, fcntl.LOCK_SH, directory)
    finally:
        os.close(fd)


def take(directory: JobDirectory) -> int:
    """Take the lock and return its descriptor (close it to let go). Raises ``RefusedError`` when a process holds it.

    A watcher's look makes the exclusive lock fail for an instant; a true holder also keeps the shared one away.
    """
    fd = directory.open_lock(create=True)
    assert fd is not None
    deadline = time.monotonic() + _TRY_S
    try:
        while not _try(fd, fcntl.LOCK_EX, directory):
            if not _try(fd, fcntl.LOCK_SH, directory) or time.monotonic() > deadline:
                raise RefusedError(
                    "the job is running already",
                    code="job-held",
                    path=directory.path,
                    advice="watch it (jobs attach), or stop it first",
                )
            fcntl.flock(fd, fcntl.LOCK_UN)
            time.sleep(0.005)
    except BaseException:
        os.close(fd)
        raise
    return fd


def adopt(directory: JobDirectory, fd: int) -> None:
    """Check that an inherited descriptor is this job's lock and holds it. Raises ``RefusedError``."""
    os.set_inheritable(fd, False)
    here = os.stat(LOCK, dir_fd=directory.fd, follow_symlinks=False)
    if not os.path.samestat(os.fstat(fd), here) or not _try(fd, fcntl.LOCK_EX, directory):
        raise RefusedError("the lock handed over is not this job's", code="job-held", path=directory.path)


def _try(fd: int, operation: int, directory: JobDirectory) -> bool:
    try:
        fcntl.flock(fd, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
            raise OutsideError(
                "this file system has no file locks, which jobs need",
                code="no-locks",
                path=directory.path,
                advice="put the case on another file system",
            ) from error
        raise outside(error, "cannot lock the job", directory.path / LOCK) from error
    return True


def find_holders(directory: JobDirectory, hint: int | None = None) -> list[Holder]:
    """The processes that hold the lock; ``hint`` is looked at first and, when it does hold it, alone.

    Empty when nobody holds it, or when the holder cannot be seen (another user's, another machine's or container's).
    """
    fd = directory.open_lock(create=False)
    if fd is None:
        return []
    try:
        wanted = os.fstat(fd)
        if hint is not None and _holds(hint, wanted):
            return [_describe(hint)]
        return [_describe(pid) for pid in _processes() if pid != os.getpid() and _holds(pid, wanted)]
    finally:
        os.close(fd)


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _holds(pid: int, wanted: os.stat_result) -> bool:
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for number in numbers:
        try:
            if not os.path.samestat(os.stat(f"/proc/{pid}/fd/{number}"), wanted):
                continue
            with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii", errors="replace") as stream:
                lines = stream.read(65536).splitlines()
        except OSError:
            continue
        if any(line.startswith("lock:") and "FLOCK" in line and "WRITE" in line for line in lines):
            return True
    return False


def _describe(pid: int) -> Holder:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            text = stream.read(4096)
    except OSError:
        return Holder(pid, "", False)
    name, _, rest = text.partition("(")[2].rpartition(")")
    return Holder(pid, name, rest.split()[:1] == ["D"])


def send(directory: JobDirectory, pid: int, number: signal.Signals) -> bool:
    """Signal a process if, and only if, it holds this job's lock; False when it does not (any more).

    The process is pinned by a descriptor before it is checked, so that its number cannot pass to another one between.
    Raises ``OutsideError`` when it may not be signalled.
    """
    fd = directory.open_lock(create=False)
    if fd is None:
        return False
    pinned: int | None = None
    try:
        wanted = os.fstat(fd)
        try:
            pinned = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        except OSError as error:
            # Kernels before 5.3 and some containers have no process descriptors; the check alone must do there.
            if error.errno not in (errno.ENOSYS, errno.EPERM):
                raise
        if not _holds(pid, wanted):
            return False
        if pinned is not None:
            signal.pidfd_send_signal(pinned, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return False
    except OSError as error:
        raise outside(error, f"cannot signal process {pid}", directory.path) from error
    finally:
        os.close(fd)
        if pinned is not None:
            os.close(pinned)
    return True
