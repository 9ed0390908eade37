"""The file being written: ``NAME.part``, written in order, sparse where nothing is known, final when complete."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from engine.atomic import give_to_owner, new_file
from engine.errors import OutsideError, RefusedError, outside
from engine.extract.kernel import start_writing

SUFFIX = ".part"
_FLUSH = 32 << 20


class PartFile:
    """``path`` + ``.part``. Positions below ``position`` are written (or left sparse on purpose)."""

    def __init__(self, path: Path, fd: int, position: int) -> None:
        self.path, self.fd, self.position = path, fd, position
        self._flushed = position
        self.early = False
        """Let the kernel begin to write at once (it costs, but the sync at the end is short)."""

    @classmethod
    def begin(cls, path: Path, *, replace: bool = False) -> PartFile:
        """A new one. Raises ``OutsideError``, also when it is there already and not to be replaced."""
        if replace:
            part_path(path).unlink(missing_ok=True)
        return cls(path, new_file(part_path(path), mode=0o644), 0)

    @classmethod
    def go_on(cls, path: Path, position: int) -> PartFile | None:
        """An earlier run's, cut back to ``position`` bytes at most; None when it is not there."""
        part = part_path(path)
        try:
            fd = os.open(part, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise outside(error, "cannot go on with the file", part) from error
        position = min(position, os.fstat(fd).st_size)
        os.ftruncate(fd, position)
        return cls(path, fd, position)

    def write(self, data: memoryview) -> None:
        """Write the next bytes. Raises ``OutsideError``."""
        try:
            while data:
                count = os.pwrite(self.fd, data, self.position)
                self.position += count
                data = data[count:]
            if self.early and self.position - self._flushed >= _FLUSH:
                start_writing(self.fd, self._flushed, self.position - self._flushed)
                self._flushed = self.position
        except OSError as error:
            raise outside(error, "cannot write", part_path(self.path)) from error

    def skip(self, size: int) -> None:
        """Leave the next ``size`` bytes sparse."""
        self.position += size
        try:
            os.ftruncate(self.fd, self.position)
        except OSError as error:
            raise outside(error, "cannot write", part_path(self.path)) from error

    def settle(self, modified: float | None) -> None:
        """The time that the file shall bear."""
        if modified is not None:
            stamp = int(min(max(modified, 0.0), 2.0**33) * 1e9)
            os.utime(self.fd, ns=(stamp, stamp))

    def sync(self) -> None:
        """Until it is on the disk. Raises ``OutsideError``."""
        try:
            os.fsync(self.fd)
        except OSError as error:
            raise outside(error, "cannot write", part_path(self.path)) from error

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def part_path(path: Path) -> Path:
    """Where ``path`` is while it is not complete."""
    return path.with_name(path.name + SUFFIX)


def finish(part: Path, path: Path, *, replace: bool) -> None:
    """Give the complete file its name; one that exists is never overwritten unless ``replace``."""
    try:
        if replace:
            os.replace(part, path)
        else:
            _name_it(part, path)
    except OSError as error:
        raise outside(error, "cannot give the file its name", path) from error


def _name_it(part: Path, path: Path) -> None:
    try:
        os.link(part, path, follow_symlinks=False)
    except FileExistsError as error:
        raise OutsideError(
            "a file of that name appeared meanwhile", code="exists", path=path, advice="move it away and go on"
        ) from error
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL):
            raise
        os.rename(part, path)  # no hard links there (FAT): the name was looked for when it was chosen
    else:
        os.unlink(part)


def take_back(part: Path, final: Path) -> None:
    """Make a file that a crash left between its two names (or under the final one, not yet noted) a part again.

    Only for a final name that the journal says was given to this very item.
    """
    try:
        if not final.is_file() or final.is_symlink():
            return
        if not part.exists():
            os.rename(final, part)
        elif os.path.samefile(part, final):
            os.unlink(final)
    except OSError as error:
        raise outside(error, "cannot go on with the file", final) from error


def make_folder(target: Path, relative: Path) -> None:
    """``target/relative`` with everything above it, each a real folder: a link planted there leads nowhere.

    Raises ``OutsideError``, ``RefusedError``.
    """
    try:
        if not target.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            _give(target)
        here = target
        for name in relative.parts:
            here = here / name
            if here.is_symlink():
                raise RefusedError("a link stands where a folder should be", code="link", path=here,
                                   advice="choose another folder to write to")  # fmt: skip
            if not here.is_dir():
                here.mkdir(exist_ok=True)
                _give(here)
    except OSError as error:
        raise outside(error, "cannot make the folder", error.filename or target) from error


def _give(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        give_to_owner(fd)
    finally:
        os.close(fd)
