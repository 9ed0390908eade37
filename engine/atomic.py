"""The one way to save a file: write beside, fsync, rename, fsync the directory; keep older generations on request.

Each step is there for a crash that was seen to lose data without it: no fsync of the file leaves empty files after a
power cut, no fsync of the directory forgets an acknowledged rename.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import OutsideError, outside

Pathish = str | os.PathLike[str]


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte of ``data``; short writes are continued, errors raise ``OSError``."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def fsync_directory(directory: Pathish) -> None:
    """Make names created or renamed in ``directory`` durable, where the file system can do that at all."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):  # some network and FUSE ones cannot
            raise
    finally:
        os.close(fd)


def give_to_invoker(fd: int) -> None:
    """Under sudo, hand a new file to the person who called, so that they can open their own case later."""
    owner = _invoker()
    if owner is not None:
        _give(fd, owner)


def give_to_owner(fd: int) -> None:
    """What root makes in a folder of somebody's is theirs, else that of the person who called sudo.

    So a case keeps one owner, whoever works in it. A folder into which others may write says nothing of an owner.
    """
    if os.geteuid() != 0:
        return
    try:
        facts = os.stat(os.path.dirname(os.readlink(f"/proc/self/fd/{fd}")))
    except OSError:  # no /proc here, or the folder is gone already
        facts = None
    if facts is not None and facts.st_uid != 0 and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        _give(fd, (facts.st_uid, facts.st_gid))
    else:
        give_to_invoker(fd)


def _invoker() -> tuple[int, int] | None:
    uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    return (int(uid), int(gid)) if os.geteuid() == 0 and uid.isdigit() and gid.isdigit() else None


def _give(fd: int, owner: tuple[int, int]) -> None:
    facts = os.fstat(fd)
    if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
        return  # it has another name elsewhere: somebody may have planted a file of root's here to be given it
    os.fchown(fd, *owner)


def write_atomic(path: Pathish, data: bytes, *, mode: int = 0o600, keep: int = 0, durable: bool = True) -> None:
    """Replace ``path`` by ``data``: afterwards it holds the old or the new bytes, never a part of either.

    ``keep`` older generations stay as ``NAME.1`` (newest) ... ``NAME.keep``. An existing file's mode and owner are
    kept; a new one gets ``mode``. ``durable=False`` leaves out the fsyncs (state files that are rewritten each second:
    a power cut may then bring back an older whole state or, on some file systems, an empty file).
    Raises ``OutsideError``; the old file is then untouched.
    """
    target = Path(path)
    directory = target.parent
    tmp = directory / f".{target.name}.{os.getpid()}.tmp"
    try:
        try:
            fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        except FileExistsError:  # a crash of a process with our number left it
            os.unlink(tmp)
            fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            _copy_owner(target, fd)
            write_all(fd, data)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        if keep > 0:
            rotate(target, keep)
        os.replace(tmp, target)
        if durable:
            fsync_directory(directory)
    except OSError as error:
        try:
            os.unlink(tmp)
        except FileNotFoundError:
            pass
        raise outside(error, "cannot save", target) from error


def _copy_owner(target: Path, fd: int) -> None:
    try:
        old = os.stat(target)
    except FileNotFoundError:
        give_to_owner(fd)
        return
    os.fchmod(fd, stat.S_IMODE(old.st_mode))
    if os.geteuid() == 0:
        os.fchown(fd, old.st_uid, old.st_gid)


def rotate(target: Path, keep: int) -> None:
    """Shift ``NAME.1`` ... up by one and link the present file as ``NAME.1``, so that it never goes without a name."""
    if not target.exists():
        return
    for number in range(keep, 0, -1):
        older = target.with_name(f"{target.name}.{number}")
        if not older.exists():
            continue
        if number == keep:
            older.unlink()
        else:
            os.replace(older, target.with_name(f"{target.name}.{number + 1}"))
    first = target.with_name(f"{target.name}.1")
    try:
        os.link(target, first)
    except OSError:  # file systems without hard links (FAT, some network ones): a copy, written the same careful way
        write_atomic(first, target.read_bytes())


def write_json(path: Pathish, value: Any, *, keep: int = 0, mode: int = 0o600, durable: bool = True) -> None:
    """``write_atomic`` of ``value`` as indented JSON, keys in the order given."""
    text = json.dumps(value, indent=1, ensure_ascii=True) + "\n"
    write_atomic(path, text.encode("ascii"), keep=keep, mode=mode, durable=durable)


def append_line(path: Pathish, line: bytes, *, durable: bool = True, mode: int = 0o600) -> None:
    """Append one line to a journal in one write; a torn last line left by a crash is closed off first.

    Readers must skip a line that does not parse: it is the one a crash cut.
    """
    if b"\n" in line:
        raise ValueError("a journal line holds no newline")
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            size = os.fstat(fd).st_size
            if size == 0:
                give_to_owner(fd)
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            write_all(fd, (b"\n" if torn else b"") + line + b"\n")
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise outside(error, "cannot append", path) from error


class AppendFile:
    """A file of ours that grows in batches, such as a catalogue; ``length`` is what a checkpoint keeps of it.

    Begun anew without ``length``; with it, what stands behind it (written after the checkpoint) is cut off. Raises
    ``OutsideError``.
    """

    def __init__(self, path: Pathish, *, length: int | None = None, mode: int = 0o600) -> None:
        self.path = Path(path)
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
            give_to_owner(self._fd)
            size = os.fstat(self._fd).st_size
            self.length = length if length is not None and length <= size else 0
            os.ftruncate(self._fd, self.length)
            os.lseek(self._fd, self.length, os.SEEK_SET)
        except OSError as error:
            raise outside(error, "cannot write that file", path) from error

    def append(self, data: bytes) -> None:
        """Write at the end."""
        try:
            write_all(self._fd, data)
        except OSError as error:
            raise outside(error, "cannot write that file", self.path) from error
        self.length += len(data)

    def sync(self) -> int:
        """Bring it to the disk; returns ``length``."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise outside(error, "cannot write that file", self.path) from error
        return self.length

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)


def new_file(path: Pathish, *, force: bool = False, mode: int = 0o600) -> int:
    """Create an output file for writing and return its descriptor; an existing one is refused unless ``force``."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if force else os.O_EXCL)
    try:
        fd = os.open(path, flags, mode)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise outside(error, "cannot create", path) from error
    give_to_owner(fd)
    return fd


@contextmanager
def output_file(
    path: Pathish, action: str = "cannot write", *, force: bool = False, mode: int = 0o644
) -> Iterator[int]:
    """A descriptor for an output file that is written piece by piece: it has its name only when it is whole.

    It is written under a temporary name beside ``path``; when the block ends well it is brought to the disk and named,
    else it is removed. A file that is there already is refused, or with ``force`` replaced at the very end. Raises
    ``OutsideError``, with ``action`` for what the block's own writes met (``OSError``).
    """
    target = Path(path)
    if not force and os.path.lexists(target):
        raise _exists(target)
    if target.exists() and not target.is_file():  # a folder, a device, a pipe: nothing that may be replaced by a file
        raise OutsideError("that is no file", code="exists", path=target, advice="name a file")
    tmp = target.with_name(f".{target.name[:200]}.{os.getpid()}.tmp")
    try:
        os.unlink(tmp)  # a crash of a process with our number left it
    except FileNotFoundError:
        pass
    except OSError as error:
        raise outside(error, "cannot create", target) from error
    try:
        fd = new_file(tmp, mode=mode)
    except OutsideError as error:
        error.path = os.fspath(target)
        raise
    try:
        try:
            yield fd
            os.fsync(fd)
        finally:
            os.close(fd)
        if force:
            os.replace(tmp, target)
        else:
            _name_new(tmp, target)
        fsync_directory(target.parent)
    except OSError as error:
        raise outside(error, action, target) from error
    finally:
        try:
            os.unlink(tmp)
        except FileNotFoundError:
            pass


def _name_new(tmp: Path, target: Path) -> None:
    try:
        os.link(tmp, target)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL):
            raise
        os.rename(tmp, target)  # no hard links there (FAT): the name was looked for just before


def _exists(path: Pathish) -> OutsideError:
    return OutsideError(
        "the output file exists already", code="exists", path=path, advice="name another one, or use --force"
    )
