"""Block devices: opened read-only, read with pread in whole sectors, size by ioctl."""

from __future__ import annotations

import array
import errno
import fcntl
import mmap
import os
import stat

from engine.errors import OutsideError, UsageError, outside
from engine.ranges import RangeSet
from engine.source.base import Buffer, Source
from engine.source.file import READ_FLAGS, fill

# linux/fs.h
_BLKGETSIZE64 = 0x80081272
_BLKSSZGET = 0x1268
_BOUNCE_SIZE = 1 << 20


def device_size(fd: int) -> int:
    """Bytes of the device behind ``fd``: BLKGETSIZE64, or the end found by seeking."""
    answer = array.array("Q", [0])
    try:
        fcntl.ioctl(fd, _BLKGETSIZE64, answer)
        return int(answer[0])
    except OSError:
        return os.lseek(fd, 0, os.SEEK_END)


def device_sector_size(fd: int) -> int:
    """The logical sector in bytes (BLKSSZGET); 512 when the device does not tell."""
    answer = array.array("i", [0])
    try:
        fcntl.ioctl(fd, _BLKSSZGET, answer)
    except OSError:
        return 512
    return int(answer[0]) if answer[0] > 0 else 512


class DeviceSource(Source):
    """A block device. ``direct`` reads past the page cache: one bad sector then costs that sector, not a page of 4096
    bytes, and no readahead touches places nobody asked for.

    ``exclusive`` claims it against mounts (O_EXCL) while it is open; when something holds it already, ``shared`` is
    True and reading goes on.
    """

    def __init__(self, path: str | os.PathLike[str], *, direct: bool = True, exclusive: bool = False) -> None:
        self.path = os.fspath(path)
        self.shared = False
        flags = READ_FLAGS | (os.O_DIRECT if direct else 0)
        self._fd = self._open(flags, exclusive)
        facts = os.fstat(self._fd)
        if not stat.S_ISBLK(facts.st_mode):
            os.close(self._fd)
            raise UsageError("it is not a block device", path=path)
        self.device_number = facts.st_rdev
        self.size = device_size(self._fd)
        self.sector_size = device_sector_size(self._fd)
        self._direct = direct
        # O_DIRECT wants memory aligned to the sector: an anonymous mapping is aligned to the page.
        self._bounce = mmap.mmap(-1, _BOUNCE_SIZE) if direct else None
        if self.size == 0:
            self.close()
            raise OutsideError(
                "the device has size 0",
                code="device-gone",
                path=path,
                advice="it is gone, holds no medium, or has sectors that the system cannot read (520 bytes)",
            )

    def _open(self, flags: int, exclusive: bool) -> int:
        try:
            if exclusive:
                try:
                    return os.open(self.path, flags | os.O_EXCL)
                except OSError as error:
                    if error.errno != errno.EBUSY:
                        raise
                    self.shared = True
            return os.open(self.path, flags)
        except OSError as error:
            raise outside(error, "cannot open", self.path) from error

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        if self._bounce is None:
            fill(self._fd, offset, buffer, self.path)
            return ()
        view, bounce = memoryview(buffer), memoryview(self._bounce)
        while view:
            start = offset - offset % self.sector_size
            end = min(offset + len(view), start + _BOUNCE_SIZE)
            padded = min(self.size, -(-end // self.sector_size) * self.sector_size)
            fill(self._fd, start, bounce[: padded - start], self.path)
            count = end - offset
            view[:count] = bounce[offset - start : end - start]
            view, offset = view[count:], end
        return ()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
