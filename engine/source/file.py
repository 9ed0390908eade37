"""Image files."""

from __future__ import annotations

import errno
import os
import stat

from engine.errors import UsageError, outside
from engine.ranges import RangeSet
from engine.source.base import Buffer, ReadError, Source

READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY


def fill(fd: int, offset: int, buffer: Buffer, path: str) -> None:
    """Read into the whole of ``buffer`` with ``preadv``, going on after short reads.

    Raises ``ReadError`` with the offset that failed; an early end (the file shrank, the device vanished) is one too.
    """
    view = memoryview(buffer)
    while view:
        try:
            count = os.preadv(fd, [view], offset)
        except OSError as error:
            gone = error.errno in (errno.ENXIO, errno.ENODEV, errno.EINVAL)
            raise ReadError(
                f"cannot read: {error.strerror}",
                code="device-gone" if gone else "read-error",
                path=path,
                offset=offset,
                advice="image the drive first and work on the image",
            ) from error
        if count == 0:
            raise ReadError("the data ends early", code="device-gone", path=path, offset=offset)
        view = view[count:]
        offset += count


class FileSource(Source):
    """A regular file, opened read-only; never mapped into memory (an I/O error would be a fatal signal)."""

    def __init__(self, path: str | os.PathLike[str], *, sector_size: int = 512) -> None:
        self.path = os.fspath(path)
        self.sector_size = sector_size
        try:
            self._fd = os.open(path, READ_FLAGS)
        except OSError as error:
            raise outside(error, "cannot open", path) from error
        facts = os.fstat(self._fd)
        if not stat.S_ISREG(facts.st_mode):
            os.close(self._fd)
            raise UsageError("it is not a regular file", path=path)
        self.size = facts.st_size
        self.file_id = (facts.st_dev, facts.st_ino)

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        fill(self._fd, offset, buffer, self.path)
        return ()

    def next_data(self, offset: int) -> int:
        try:
            return min(os.lseek(self._fd, offset, os.SEEK_DATA), self.size)
        except OSError as error:
            # ENXIO: nothing but a gap up to the end; anything else: this file system does not tell.
            return self.size if error.errno == errno.ENXIO else min(offset, self.size)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
