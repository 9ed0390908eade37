"""A file system that lacks what some lack: locks, hard links, sparse files, room for large files. Mounted by FUSE.

    with odd(folder, "no-locks", "no-links") as place: ...

``python -m tests.safety.odd_fs BEHIND MOUNT LACK...`` is the process that serves it: what is written below ``MOUNT``
lands below ``BEHIND``. ``large=N``: no file grows beyond N bytes; ``read-only``; ``stale``: every read fails as on a
file server that has lost the file.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LACKS = ("no-locks", "no-links", "no-rename-over", "no-folder-sync", "read-only", "stale")
_ROOT = Path(__file__).parents[2]


class OddFS:
    """A folder as it is, but for what it lacks (operations for mfusepy)."""

    use_ns = True

    def __init__(self, behind: str, lacks: set[str], most: int | None) -> None:
        self._behind, self._lacks, self._most = behind, lacks, most

    def _at(self, path: str) -> str:
        return self._behind + path

    def _refuse(self, lack: str, number: int) -> None:
        if lack in self._lacks:
            raise OSError(number, os.strerror(number))

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """Attributes."""
        facts = os.lstat(self._at(path))
        names = ("st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks")
        return {name: getattr(facts, name) for name in names} | {
            "st_atime": facts.st_atime_ns, "st_mtime": facts.st_mtime_ns, "st_ctime": facts.st_ctime_ns,
        }  # fmt: skip

    def readdir(self, path: str, fh: int) -> list[str]:
        """Names."""
        return [".", "..", *os.listdir(self._at(path))]

    def open(self, path: str, flags: int) -> int:
        """A descriptor."""
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._refuse("read-only", errno.EROFS)
        return os.open(self._at(path), flags & ~os.O_NOFOLLOW)

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        """A new file."""
        self._refuse("read-only", errno.EROFS)
        return os.open(self._at(path), os.O_RDWR | os.O_CREAT, mode)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Bytes."""
        self._refuse("stale", errno.ESTALE)
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Bytes."""
        if self._most is not None and offset + len(data) > self._most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return os.pwrite(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        """Make it that long."""
        if self._most is not None and length > self._most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        os.truncate(self._at(path), length)

    def fallocate(self, path: str, mode: int, offset: int, size: int, fh: int) -> int:
        """Never there."""
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        """To the disk."""
        os.fsync(fh)
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        """Names to the disk: many such file systems cannot."""
        self._refuse("no-folder-sync", errno.EINVAL)
        return 0

    def flock(self, path: str, fh: int, op: int) -> int:
        """A lock."""
        self._refuse("no-locks", errno.ENOLCK)
        import fcntl

        fcntl.flock(fh, op)
        return 0

    def link(self, target: str, source: str) -> None:
        """A second name."""
        self._refuse("no-links", errno.EPERM)
        os.link(self._at(source), self._at(target))

    def rename(self, old: str, new: str) -> None:
        """Another name."""
        if os.path.lexists(self._at(new)):
            self._refuse("no-rename-over", errno.EEXIST)
        os.rename(self._at(old), self._at(new))

    def unlink(self, path: str) -> None:
        """No more."""
        os.unlink(self._at(path))

    def mkdir(self, path: str, mode: int) -> None:
        """A folder."""
        self._refuse("read-only", errno.EROFS)
        os.mkdir(self._at(path), mode)

    def rmdir(self, path: str) -> None:
        """No folder."""
        os.rmdir(self._at(path))

    def chmod(self, path: str, mode: int) -> None:
        """Permissions."""
        os.chmod(self._at(path), mode)

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Owner."""
        os.chown(self._at(path), uid, gid)

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        """Times."""
        os.utime(self._at(path), ns=times or (time.time_ns(), time.time_ns()))

    def statfs(self, path: str) -> dict[str, int]:
        """Room."""
        facts = os.statvfs(self._at(path))
        return {name: getattr(facts, name) for name in ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_frsize")}

    def release(self, path: str, fh: int) -> None:
        """Close."""
        os.close(fh)


@contextmanager
def odd(folder: Path, *lacks: str) -> Iterator[Path]:
    """Such a file system below ``folder``, mounted while the block runs."""
    behind, place = folder / "behind", folder / "odd"
    behind.mkdir(parents=True)
    place.mkdir()
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.safety.odd_fs", str(behind), str(place), *lacks], cwd=_ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while not os.path.ismount(place):
            assert child.poll() is None and time.monotonic() < end, child.stdout and child.stdout.read()
            time.sleep(0.02)
        yield place
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(place)], check=False, capture_output=True)
        child.terminate()
        child.communicate(timeout=30)


def main(behind: str, place: str, *lacks: str) -> None:
    """Serve until unmounted."""
    os.environ.setdefault("FUSE_LIBRARY_NAME", "fuse3")
    import mfusepy

    most = next((int(lack.partition("=")[2]) for lack in lacks if lack.startswith("large=")), None)
    fs = OddFS(behind, set(lacks), most)
    if "no-locks" not in lacks:
        del OddFS.flock  # then the kernel keeps the locks itself
    mfusepy.FUSE(fs, place, foreground=True, fsname="odd", attr_timeout=0, entry_timeout=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
