"""A job directory, opened once and used through its descriptor: no symbolic links, no other people's files.

This is the only module of the room that creates, replaces or removes files, and it does so only inside a directory
that belongs to the person (or to the person who called sudo) and that nobody else may write to.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from types import TracebackType

from engine.atomic import append_line, give_to_invoker, give_to_owner, write_all, write_atomic
from engine.errors import DamagedError, NotFoundError, OutsideError, RefusedError, outside
from engine.text import safe_text

SPEC = "spec.json"
STATE = "state.json"
LOCK = "lock"
JOURNAL = "journal.jsonl"
JOURNAL_OLD = "journal.1.jsonl"
CHECKPOINT = "checkpoint.json"
LOG = "stderr.log"
LOG_OLD = "stderr.1.log"
WORK = "work"
TEMPORARY = re.compile(r"\.[a-z0-9.]+\.[0-9]+\.tmp")

# Where the file system keeps no permissions, the mount options decided who may write: nothing to find out here.
_WITHOUT_PERMISSIONS = frozenset(
    {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "cifs", "smb3", "9p", "vboxsf", "fuse.vmhgfs-fuse"}
)
_FULL = (errno.ENOSPC, errno.EDQUOT)


def allowed_owners() -> frozenset[int]:
    """User ids whose job directories we take: our own; for root under sudo also the caller's."""
    owners = {os.geteuid()}
    invoker = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and invoker.isdecimal():
        owners.add(int(invoker))
    return frozenset(owners)


def is_full(error: OutsideError) -> bool:
    """Whether an error of saving means that there is no room left."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _FULL


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents (0700), each owned as what it is in, or by who called sudo. ``OSError``."""
    for folder in (*reversed(path.parents), path):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            continue
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            give_to_owner(fd)
        finally:
            os.close(fd)


def _user(uid: int) -> str:
    import pwd

    try:
        return safe_text(pwd.getpwuid(uid).pw_name, 40)
    except KeyError:
        return f"uid {uid}"


def _how_to_reach(uid: int) -> str:
    """A job says what is to be done, with its arguments: root does not do what somebody else has written there."""
    if uid == 0:
        return "root started it: run rescuedeck with sudo to show, stop or resume it"
    if os.geteuid() == 0:
        return f"root does not do what others have written; as that user: sudo -u '#{uid}' rescuedeck"
    return "only its owner can show, stop or resume it"


class JobDirectory:
    """An open job directory. Raises ``NotFoundError``, ``RefusedError``, ``OutsideError`` when it cannot be trusted."""

    __slots__ = ("fd", "path")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        try:
            self.fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR) and not self.path.is_symlink():
                raise NotFoundError("there is no such job", code="no-job", path=self.path) from error
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise RefusedError(
                    "a job directory may not be a symbolic link", path=self.path, advice="name the directory itself"
                ) from error
            raise outside(error, "cannot open the job", self.path) from error
        try:
            self._trust()
        except BaseException:
            os.close(self.fd)
            raise

    @classmethod
    def create(cls, path: Path) -> JobDirectory:
        """Make a new directory (0700, owned by the caller of sudo where there is one) and open it. ``OutsideError``."""
        try:
            os.mkdir(path, 0o700)
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                give_to_invoker(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise outside(error, "cannot create the job", path) from error
        return cls(path)

    def _trust(self) -> None:
        status = os.fstat(self.fd)
        if status.st_uid not in allowed_owners():
            raise RefusedError(
                f"the job belongs to another user ({_user(status.st_uid)})",
                code="foreign-job",
                path=self.path,
                advice=_how_to_reach(status.st_uid),
            )
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not self._without_permissions():
            raise RefusedError(
                "other users may write into the job directory, so it cannot be trusted",
                code="open-job",
                path=self.path,
                advice="look at what it holds; if it is yours, chmod 700 it",
            )

    def _without_permissions(self) -> bool:
        from engine.host.mounts import mount_of

        mount = mount_of(self.path)
        return mount is not None and mount.fstype in _WITHOUT_PERMISSIONS

    def __enter__(self) -> JobDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _at(self, name: str) -> str:
        # The directory that was checked, whatever has happened to its name since.
        return f"/proc/self/fd/{self.fd}/{name}"

    def open_to_read(self, name: str) -> int | None:
        """A descriptor of a regular file of trusted owner, None when it is not there."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise outside(error, "cannot read the job", self.path / name) from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise DamagedError("that is not a plain file", code="job-damaged", path=self.path / name)
        return fd

    def read(self, name: str, limit: int) -> bytes | None:
        """The bytes of a file, None when it is not there. Raises ``DamagedError`` when it is larger than ``limit``."""
        fd = self.open_to_read(name)
        if fd is None:
            return None
        try:
            with os.fdopen(fd, "rb", buffering=0) as stream:
                data = stream.read(limit + 1)
        except OSError as error:
            raise outside(error, "cannot read the job", self.path / name) from error
        if len(data) > limit:
            raise DamagedError("the file is larger than it can be", code="job-damaged", path=self.path / name)
        return data

    def mark(self, name: str) -> tuple[int, int]:
        """(mtime_ns, inode) of a file, (0, 0) when it is not there: differs after each replacement."""
        try:
            status = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_ino

    def size(self, name: str) -> int:
        """Bytes of a file, 0 when it is not there."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_size
        except OSError:
            return 0

    def save(self, name: str, data: bytes, *, durable: bool) -> None:
        """Replace a file atomically (mode 0600). Raises ``OutsideError``; the old file is then untouched."""
        try:
            write_atomic(self._at(name), data, durable=durable)
        except OutsideError as error:
            error.path = str(self.path / name)
            raise

    def append(self, name: str, line: bytes) -> None:
        """Append a line; a torn last line is closed off first. Not durable: see ``sync``. Raises ``OutsideError``."""
        try:
            append_line(self._at(name), line, durable=False)
        except OutsideError as error:
            error.path = str(self.path / name)
            raise

    def sync(self, name: str) -> None:
        """Make what was appended durable."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.fd)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        except FileNotFoundError:
            return
        except OSError as error:
            raise outside(error, "cannot save", self.path / name) from error

    def replace(self, old: str, new: str) -> None:
        """Rename within the directory. Raises ``OutsideError``."""
        try:
            os.replace(old, new, src_dir_fd=self.fd, dst_dir_fd=self.fd)
        except OSError as error:
            raise outside(error, "cannot rename", self.path / old) from error

    def unlink(self, name: str) -> bool:
        """Remove a file; False when it was not there. Raises ``OutsideError``."""
        try:
            os.unlink(name, dir_fd=self.fd)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise outside(error, "cannot remove", self.path / name) from error
        return True

    def reserve(self, name: str, size: int) -> bool:
        """Make a file of ``size`` bytes whose room can be given back when the disk is full; False when there is none.

        Random bytes: a file system that compresses or stores holes would reserve nothing for zeros.
        """
        try:
            fd = os.open(
                name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.fd
            )
        except FileExistsError:
            return True
        except OSError:
            return False
        try:
            give_to_invoker(fd)
            write_all(fd, os.urandom(size))
        except OSError:
            self.unlink(name)
            return False
        finally:
            os.close(fd)
        return True

    def clear_temporary(self) -> None:
        """Remove what killed processes left of their saves; only for the holder of the lock."""
        for name in os.listdir(self.fd):
            if TEMPORARY.fullmatch(name):
                self.unlink(name)

    def open_lock(self, *, create: bool) -> int | None:
        """A descriptor of the lock file; None when it is not there and ``create`` is not asked for."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        made = create and self.mark(LOCK) == (0, 0)
        try:
            fd = os.open(LOCK, flags, 0o600, dir_fd=self.fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            if not create and error.errno in (errno.EROFS, errno.EACCES):
                return self.open_to_read(LOCK)
            raise outside(error, "cannot open the job's lock", self.path / LOCK) from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise DamagedError("that is not a plain file", code="job-damaged", path=self.path / LOCK)
        if made:
            give_to_invoker(fd)
        return fd

    def open_log(self) -> int:
        """A descriptor to append to the log of what the runner prints."""
        made = self.mark(LOG) == (0, 0)
        try:
            fd = os.open(
                LOG, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.fd
            )
        except OSError as error:
            raise outside(error, "cannot open the job's log", self.path / LOG) from error
        if made:
            give_to_invoker(fd)
        return fd

    def bound_log(self, limit: int, keep: int) -> None:
        """Cut the log when it is larger than ``limit``: its last ``keep`` bytes move to the older log.

        The file itself stays, so that every program that appends to it is bounded. What is printed in between is lost.
        Raises ``OutsideError``.
        """
        size = self.size(LOG)
        if size <= limit:
            return
        fd = self.open_log()
        try:
            self.save(LOG_OLD, os.pread(fd, keep, max(0, size - keep)), durable=False)
            os.ftruncate(fd, 0)
            write_all(fd, f"[{size} bytes were printed before; their end is in {LOG_OLD}]\n".encode())
        except OSError as error:
            raise outside(error, "cannot cut the job's log", self.path / LOG) from error
        finally:
            os.close(fd)

    def make_work(self) -> Path:
        """The folder for scratch files of the work itself (0700); removed with the job."""
        try:
            os.mkdir(WORK, 0o700, dir_fd=self.fd)
        except FileExistsError:
            pass
        except OSError as error:
            raise outside(error, "cannot create a folder", self.path / WORK) from error
        try:
            fd = os.open(WORK, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.fd)
            try:
                give_to_invoker(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise outside(error, "cannot open a folder", self.path / WORK) from error
        return self.path / WORK
