"""The FUSE file system around a `Drive`: one read-only node, facts beside it, never a cache in between.

Opened with O_DIRECT the node is read by the kernel as a block device is: a read that hangs leaves the reader in state D
with the read's position in `/proc/PID/fdinfo`, and no signal ends it. Opened without, each read still reaches the drive
as it was made (FUSE direct_io), but then the waiting reader sleeps in state S until the first signal.
"""

from __future__ import annotations

import ctypes.util
import errno
import itertools
import os
import stat
import threading
from collections.abc import Callable
from typing import Any

from tests.failing_disk import tree
from tests.failing_disk.drive import Drive, Handle

AUTO_INVAL_DATA = 1 << 12
"""FUSE capability: ask for attributes before reads. Costs a request per read and we have nothing to invalidate."""

THREADS = 128
"""Workers at most: so many reads may hang at once before the next request waits."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC


class DiskFS:
    """Operations for mfusepy (used with raw_fi). `device` gives the loop device in front of the node, if any."""

    use_ns = True

    def __init__(self, drive: Drive, mount: str, mounted: Callable[[], None], device: Callable[[], str | None]) -> None:
        self._drive = drive
        self._mount = mount
        self._mounted = mounted
        self._device = device
        self._handles: dict[int, Handle] = {}
        self._content: dict[int, bytes] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def init_with_config(self, conn: Any, config: Any) -> None:
        """Called by libfuse when the mount is up."""
        conn.want &= ~AUTO_INVAL_DATA
        conn.max_background = THREADS  # O_DIRECT reads are background requests: 12 of them at once by default
        self._mounted()

    # -- looking ------------------------------------------------------------------------------------------------

    def getattr(self, path: str, fi: Any = None) -> dict[str, int]:
        """Attributes of a path, or of an open descriptor (which stays valid when its node is no more)."""
        handle = self._handles.get(fi.fh) if fi is not None else None
        if handle is not None:
            return self._node_attributes(handle.size)
        name = path.lstrip("/")
        if name and name == self._drive.visible_node():
            return self._node_attributes(self._drive.size)
        entry = self._lookup(path)
        if entry is None:
            return {"st_mode": stat.S_IFDIR | 0o555, "st_nlink": 2}
        kind = stat.S_IFLNK | 0o777 if isinstance(entry, str) else stat.S_IFREG | 0o444
        return {"st_mode": kind, "st_nlink": 1, "st_size": len(entry)}

    def readdir(self, path: str, fh: int) -> list[str]:
        """Names in a directory."""
        base = path.rstrip("/") + "/"
        names = [p[len(base) :] for p in self._tree() if p.startswith(base)]
        if base == "/" and (node := self._drive.visible_node()):
            names.append(node)
        return [".", "..", *(n for n in names if "/" not in n)]

    def readlink(self, path: str) -> str:
        """Target of a link."""
        entry = self._lookup(path)
        if not isinstance(entry, str):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
        return entry

    def statfs(self, path: str) -> dict[str, int]:
        """Answers at once, whatever the drive does."""
        sector = self._drive.profile.sector_size
        return {"f_bsize": sector, "f_frsize": sector, "f_blocks": self._drive.size // sector, "f_namemax": 255}

    def _node_attributes(self, size: int) -> dict[str, int]:
        return {
            "st_mode": stat.S_IFREG | 0o444,
            "st_nlink": 1,
            "st_size": size,
            "st_blocks": size // 512,
            "st_blksize": self._drive.profile.sector_size,
        }

    def _tree(self) -> dict[str, tree.Entry]:
        return tree.build({**self._drive.status(), "device": self._device()}, self._mount)

    def _lookup(self, path: str) -> tree.Entry:
        if path == "/":
            return None
        entries = self._tree()
        if path not in entries:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return entries[path]

    # -- reading ------------------------------------------------------------------------------------------------

    def open(self, path: str, fi: Any) -> int:
        """Open for reading; anything else is refused with EROFS and noted."""
        if fi.flags & _WRITING:
            raise self._drive.violation("open for writing", path)
        name = path.lstrip("/")
        direct = bool(fi.flags & os.O_DIRECT)
        number = next(self._numbers)
        if name == self._drive.visible_node():
            handle = self._drive.open(name, direct)
            fi.direct_io = 0 if direct else 1
            with self._lock:
                self._handles[number] = handle
        else:
            entry = self._lookup(path)
            if not isinstance(entry, bytes):
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            fi.direct_io = 1
            with self._lock:
                self._content[number] = entry
        fi.fh = number
        return 0

    def read(self, path: str, size: int, offset: int, fi: Any) -> bytes:
        """Read from the drive, or from one of the files of facts."""
        handle = self._handles.get(fi.fh)
        if handle is None:
            return self._content[fi.fh][offset : offset + size]
        return self._drive.read(handle, offset, size)

    def release(self, path: str, fi: Any) -> int:
        """Close a descriptor."""
        with self._lock:
            self._handles.pop(fi.fh, None)
            self._content.pop(fi.fh, None)
        return 0

    # -- everything that would change the disk ------------------------------------------------------------------

    def write(self, path: str, data: bytes, offset: int, fi: Any) -> int:
        raise self._drive.violation(f"write of {len(data)} bytes at {offset}", path)

    def create(self, path: str, mode: int, fi: Any) -> int:
        raise self._drive.violation("create", path)

    def truncate(self, path: str, length: int, fi: Any = None) -> int:
        raise self._drive.violation(f"truncate to {length}", path)

    def fallocate(self, path: str, mode: int, offset: int, size: int, fi: Any) -> int:
        raise self._drive.violation("fallocate", path)

    def unlink(self, path: str) -> int:
        raise self._drive.violation("unlink", path)

    def rename(self, old: str, new: str) -> int:
        raise self._drive.violation("rename", old)

    def chmod(self, path: str, mode: int) -> int:
        raise self._drive.violation("chmod", path)

    def chown(self, path: str, uid: int, gid: int) -> int:
        raise self._drive.violation("chown", path)

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        raise self._drive.violation("utimens", path)

    def mkdir(self, path: str, mode: int) -> int:
        raise self._drive.violation("mkdir", path)

    def mknod(self, path: str, mode: int, dev: int) -> int:
        raise self._drive.violation("mknod", path)

    def symlink(self, target: str, source: str) -> int:
        raise self._drive.violation("symlink", target)

    def setxattr(self, path: str, name: str, value: bytes, options: int, position: int = 0) -> int:
        raise self._drive.violation("setxattr", path)


def serve(fs: DiskFS, mount: str, allow_other: bool) -> None:
    """Mount and answer until unmounted. Raises OSError or RuntimeError when that is not possible."""
    if ctypes.util.find_library("fuse3"):
        os.environ.setdefault("FUSE_LIBRARY_NAME", "fuse3")
    import mfusepy

    options: dict[str, Any] = {"attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0}
    version = (mfusepy.fuse_version_major, mfusepy.fuse_version_minor)
    if version >= (3, 12):
        options.update(max_threads=THREADS, max_idle_threads=16)
    if allow_other:
        options["allow_other"] = True
    mfusepy.FUSE(fs, mount, raw_fi=True, foreground=True, fsname="failing_disk", **options)
