"""Copy first: a repair made on a new copy of an image, so that the image itself stays as it is."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from engine.atomic import fsync_directory, new_file, write_all, write_atomic
from engine.cases.case import is_case, load_case
from engine.cases.opening import open_source
from engine.edits import Applied, WritePlan, apply_plan, unfinished
from engine.errors import OutsideError, RefusedError, outside
from engine.host.space import needed_bytes, room_at
from engine.progress import SILENT, Reporter, check
from engine.source import Source, open_path
from engine.source.split import piece_paths

_CHUNK, _GRAIN = 4 << 20, 64 << 10
_FICLONE = 0x40049409
_PART = ".part"


def map_of(source: str | os.PathLike[str], map: str | os.PathLike[str] | None) -> Path | None:
    """The map that says what of SOURCE was read."""
    if map is not None or not is_case(source):
        return None if map is None else Path(map)
    found = load_case(source).map
    return found if found.exists() else None


def repair_copy(
    source: str | os.PathLike[str],
    plan: WritePlan,
    out: str | os.PathLike[str],
    *,
    map: str | os.PathLike[str] | None = None,
    reporter: Reporter = SILENT,
) -> Applied:
    """Copy SOURCE's image to the new file ``out``, and write the plan into the copy.

    What was never read (by the map, which is copied to ``out`` + ``.map``) and zeros stay holes of the copy's file.
    Where the file system can, the copy shares its blocks with the image. The copy has its name only when it is
    complete and the plan is written into it; ``out`` + ``.part`` is removed when that fails. The undo file lies beside
    it.

    Raises ``RefusedError`` when the plan fits the image no more, ``OutsideError`` (exists, no room) and
    ``CancelledError``.
    """
    target, part = Path(out), Path(f"{os.fspath(out)}{_PART}")
    kept = Path(f"{os.fspath(out)}.map")
    known = map_of(source, map)
    for path in (target, *([kept] if known is not None else [])):
        if os.path.lexists(path):
            raise OutsideError("the output file exists already", code="exists", path=path, advice="name another one")
    image = load_case(source).image if is_case(source) else Path(source)
    if plan.size != _image_size(image):
        raise RefusedError(f"the plan was made for {plan.size} bytes", code="target-changed", path=image,
                           advice="look at it again and make the plan anew")  # fmt: skip
    fd = new_file(part, mode=0o644)
    try:
        try:
            if not _cloned(image, fd):
                _copy(source, known, part, fd, reporter)
            os.fsync(fd)
        finally:
            os.close(fd)
        if known is not None:
            write_atomic(kept, known.read_bytes(), mode=0o644)
        _put_aside(target)
        done = apply_plan(plan, part, undo_dir=target.absolute().parent, named=target)
        os.link(part, target)  # an existing file is not replaced
        fsync_directory(target.absolute().parent)
    except OSError as error:
        raise outside(error, "cannot make the copy", target) from error
    finally:
        _remove(part)
    return done


def _put_aside(target: Path) -> None:
    """Undo files of an earlier copy of that name, which broke off before it got the name, are of no copy at all."""
    for journal in unfinished(target.absolute().parent, target):
        os.replace(journal.path, f"{journal.path}.old")


def _image_size(image: Path) -> int:
    with open_path(image) as source:
        return source.size


def _cloned(image: Path, fd: int) -> bool:
    """Share the blocks, where the file system can; nothing has been written when it cannot."""
    if len(piece_paths(os.fspath(image))) != 1:
        return False
    try:
        below = os.open(image, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise outside(error, "cannot open", image) from error
    try:
        fcntl.ioctl(fd, _FICLONE, below)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM):
            return False
        raise
    finally:
        os.close(below)
    return True


def _copy(source: str | os.PathLike[str], map: Path | None, part: Path, fd: int, reporter: Reporter) -> None:
    with open_source(source, map=map) as opened:
        image = load_case(source).image if is_case(source) else source
        size = _image_size(Path(image))
        room = room_at(part)
        wanted = needed_bytes(_allocated(Path(image), size), 0)
        if room.free < wanted:
            raise OutsideError(
                f"the copy needs {wanted} bytes, there are {room.free}", code="no-space", path=part.parent,
                advice="name a folder on another disk",
            )  # fmt: skip
        _pieces(opened, min(size, opened.size), fd, reporter)
        if size:
            os.lseek(fd, size - 1, os.SEEK_SET)
            last = opened.read(size - 1, 1).data if opened.size >= size else b""
            write_all(fd, last or b"\0")


def _allocated(image: Path, size: int) -> int:
    return min(size, sum(os.stat(piece).st_blocks * 512 for piece in piece_paths(os.fspath(image))))


def _pieces(opened: Source, size: int, fd: int, reporter: Reporter) -> None:
    zeros = bytes(_GRAIN)
    buffer = bytearray(_CHUNK)
    for position in range(0, size, _CHUNK):
        check(reporter)
        reporter.update(position, size, "B", "copying the image")
        view = memoryview(buffer)[: min(_CHUNK, size - position)]
        opened.read_into(position, view)
        for at in range(0, len(view), _GRAIN):
            grain = view[at : at + _GRAIN]
            if grain != zeros[: len(grain)]:
                os.lseek(fd, position + at, os.SEEK_SET)
                write_all(fd, grain)


def _remove(path: Path) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise outside(error, "cannot remove the unfinished copy", path) from error
