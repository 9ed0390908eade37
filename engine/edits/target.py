"""What is written to: an image, the pieces of a split image, or a block device. Opened here and nowhere else."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from engine.edits.guard import check_device, check_image, same_device
from engine.errors import OutsideError, RefusedError, outside
from engine.host.roots import HERE, Roots
from engine.source.device import device_sector_size, device_size
from engine.source.split import piece_paths

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY
_BOUNCE = 1 << 20


@dataclass(frozen=True, slots=True)
class Lift:
    """The read-only mode lifted for one device: ``word`` is what must be typed (the end of its serial number),
    ``typed`` what a person did type."""

    word: str
    typed: str

    @property
    def given(self) -> bool:
        """Whether it was typed."""
        return bool(self.word) and self.typed.strip().lower() == self.word.strip().lower()


class Target:
    """An open target. Use ``open_target``; close it soon."""

    kind: str
    path: str
    size: int
    sector_size: int

    def __init__(self, path: str, kind: str, pieces: list[tuple[int, int, int]], sector_size: int) -> None:
        self.path, self.kind, self.sector_size = path, kind, sector_size
        self._pieces = pieces  # descriptor, start, size
        self.size = sum(size for _, _, size in pieces)
        # O_DIRECT wants memory aligned to the sector: an anonymous mapping is aligned to the page
        self._bounce = mmap.mmap(-1, _BOUNCE) if kind == "device" else None

    def read(self, offset: int, size: int) -> bytes:
        """Bytes as they are on the medium (devices) or in the file. Raises ``OutsideError``."""
        found = b"".join(self._read_piece(fd, at, count) for fd, at, count in self._parts(offset, size))
        if len(found) != size:
            raise OutsideError("the target ends early", code="target-changed", path=self.path, offset=offset)
        return found

    def write(self, offset: int, data: bytes) -> None:
        """Write and make durable. On a device whole sectors are read, changed and written; a sector that cannot be read
        is not written. Raises ``OutsideError``."""
        done = 0
        for fd, at, count in self._parts(offset, len(data)):
            piece = data[done : done + count]
            try:
                if self._bounce is None:
                    _pwrite(fd, piece, at)
                else:
                    self._write_sectors(fd, piece, at)
                os.fsync(fd)
            except OSError as error:
                raise outside(error, f"cannot write at {offset + done}", self.path) from error
            done += count

    def forget(self) -> None:
        """Drop what the page cache holds, so that the next reading comes from the medium."""
        for fd, _, _ in self._pieces:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Give the descriptors (and with them the locks) back."""
        pieces, self._pieces = self._pieces, []
        for fd, _, _ in pieces:
            os.close(fd)

    def _parts(self, offset: int, size: int) -> Iterator[tuple[int, int, int]]:
        """Descriptor, position in it and count, for each piece touched."""
        if offset < 0 or offset + size > self.size:
            raise ValueError(f"{offset}+{size} lies outside 0-{self.size}")
        for fd, start, length in self._pieces:
            low, high = max(offset, start), min(offset + size, start + length)
            if low < high:
                yield fd, low - start, high - low

    def _read_piece(self, fd: int, at: int, count: int) -> bytes:
        try:
            if self._bounce is None:
                return _pread(fd, count, at)
            found = bytearray()
            while len(found) < count:
                low, high = self._sectors(at + len(found), count - len(found))
                view = memoryview(self._bounce)[: high - low]
                if os.preadv(fd, [view], low) != high - low:
                    break
                skip = at + len(found) - low
                found += view[skip : skip + count - len(found)]
            return bytes(found)
        except OSError as error:
            raise outside(error, f"cannot read at {at}", self.path) from error

    def _sectors(self, at: int, count: int) -> tuple[int, int]:
        unit = self.sector_size
        low = at - at % unit
        return low, min(-(-(at + count) // unit) * unit, low + _BOUNCE)

    def _write_sectors(self, fd: int, data: bytes, at: int) -> None:
        assert self._bounce is not None
        done = 0
        while done < len(data):
            low, high = self._sectors(at + done, len(data) - done)
            view = memoryview(self._bounce)[: high - low]
            if os.preadv(fd, [view], low) != high - low:
                raise OSError(errno.EIO, "the sector cannot be read")
            skip = at + done - low
            count = min(len(data) - done, high - low - skip)
            view[skip : skip + count] = data[done : done + count]
            if os.pwritev(fd, [view], low) != high - low:
                raise OSError(errno.EIO, "the sector was written in part")
            done += count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pwrite(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, at)
        view, at = view[count:], at + count


def _pread(fd: int, count: int, at: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = os.pread(fd, count - len(found), at + len(found))
        if not piece:
            break
        found += piece
    return found


def open_target(
    path: str | os.PathLike[str],
    *,
    lift: Lift | None = None,
    keep: Iterable[str | os.PathLike[str]] = (),
    roots: Roots = HERE,
) -> Target:
    """Open an image (or the first piece of a split one), or a device whose read-only mode was lifted, for writing.

    ``keep`` are places that must not lie on the device. Raises ``RefusedError`` where a safety rule forbids it.
    """
    name = os.fspath(path)
    try:
        mode = os.stat(name).st_mode
    except OSError as error:
        raise outside(error, "cannot open", name) from error
    if stat.S_ISBLK(mode):
        return _device(name, lift, keep, roots)
    pieces = [os.fspath(piece) for piece in piece_paths(name)]
    for piece in pieces:
        check_image(piece, roots)
    opened: list[tuple[int, int, int]] = []
    try:
        start = 0
        for piece in pieces:
            fd = _open(piece, _FLAGS)
            size = os.fstat(fd).st_size
            opened.append((fd, start, size))
            _hold(fd, piece)
            start += size
    except BaseException:
        for fd, _, _ in opened:
            os.close(fd)
        raise
    return Target(name, "split" if len(pieces) > 1 else "image", opened, 512)


def _device(path: str, lift: Lift | None, keep: Iterable[str | os.PathLike[str]], roots: Roots) -> Target:
    if lift is None or not lift.given:
        word = f": type {lift.word} to lift it" if lift is not None and lift.word else ""
        raise RefusedError(
            f"devices are read-only{word}", code="device-locked", path=path,
            advice="repair an image; or lift the read-only mode for this device and confirm it",
        )  # fmt: skip
    kept = list(keep)
    check_device(path, roots, keep=kept)
    fd = _open(path, _FLAGS | os.O_EXCL | os.O_DIRECT)
    try:
        if not same_device(fd, path, roots):
            raise RefusedError("the name belongs to another device now", code="target-changed", path=path)
        check_device(path, roots, keep=kept)
        _hold(fd, path)
        return Target(path, "device", [(fd, 0, device_size(fd))], device_sector_size(fd))
    except BaseException:
        os.close(fd)
        raise


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, flags)
    except OSError as error:
        raise outside(error, "cannot open for writing", path) from error


def _hold(fd: int, path: str) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RefusedError("another program holds it", code="target-in-use", path=path) from error
    except OSError as error:
        told = outside(error, "cannot lock what is to be written", path)
        told.advice = "copy the image to a file system that has file locks, and repair it there"
        raise told from error
