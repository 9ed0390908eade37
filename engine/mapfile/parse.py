"""Reading mapfiles strictly, as ddrescue reads its rescue map: the first wrong line is an error with its number."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

import numpy as np

from engine.errors import DamagedError, OutsideError, outside
from engine.mapfile.lines import Line, lines, next_line, parse_block, parse_status, skip_comments
from engine.mapfile.model import Comment, Mapfile
from engine.mapfile.scan import BlockList, read_blocks

MAX_FILE = 1 << 30
_MAX_COMMENTS, _MAX_COMMENT, _MAX_COMMENT_BYTES = 10_000, 1 << 16, 4 << 20
_HEADINGS = (b"#current_poscurrent_status", b"#current_poscurrent_statuscurrent_pass", b"#possizestatus")

Pathish = str | os.PathLike[str]


class CommentBox:
    """Collects the comments worth keeping when a changed map is written; bounded against hostile input."""

    def __init__(self) -> None:
        self.kept: list[Comment] = []
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether no more are kept."""
        return len(self.kept) >= _MAX_COMMENTS or self._bytes > _MAX_COMMENT_BYTES

    def add(self, before: int, text: bytes, _whole_line: bool = True) -> bool:
        """Keep one more; False when there is no room for others."""
        text = text.rstrip(b" \t\r\v\f").replace(b"\r", b" ")
        if before <= 0 and b"".join(text.split()) in _HEADINGS:
            return True  # written anew with every map
        self._bytes += len(text)
        if len(text) <= _MAX_COMMENT and not self.full:
            self.kept.append(Comment(before, text))
        return not self.full


_OPEN_PIPES = ("/dev/fd/", "/proc/self/fd/")


def read_file(path: Pathish) -> bytes:
    """The bytes of a mapfile. Refuses devices and folders, and what is far too large; raises ``OutsideError``."""
    try:
        state = os.stat(path)  # before opening: to open a failing drive can hang
        if stat.S_ISBLK(state.st_mode) or stat.S_ISCHR(state.st_mode):
            raise OutsideError("a device is no mapfile", code="not-a-map", path=path, advice="name the map's file")
        if stat.S_ISFIFO(state.st_mode) and not os.fspath(path).startswith(_OPEN_PIPES):
            # opening it would wait for somebody to write; what the shell hands over as <(...) is open already
            raise OutsideError("a named pipe is no mapfile", code="not-a-map", path=path, advice="name the map's file")
        if state.st_size > MAX_FILE:
            raise DamagedError(
                "too large for a mapfile", code="not-a-map", path=path, advice="did you name the image instead?"
            )
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise outside(error, "cannot read the map", path) from error
    if len(data) > MAX_FILE:
        raise DamagedError("too large for a mapfile", code="not-a-map", path=path)
    return data


def read_map(path: Pathish) -> Mapfile:
    """Read a mapfile strictly. Raises ``OutsideError``, or ``DamagedError`` (``not-a-map``, ``malformed-map``)."""
    return parse_map(read_file(path), path=path)


def parse_map(data: bytes, *, path: Pathish | None = None, bulk: bool = True) -> Mapfile:
    """Parse a mapfile strictly. Raises ``DamagedError`` with the line that ddrescue would name.

    ``bulk=False`` takes the exact path for every line (both give the same map; this is the slow one).
    """
    read = read_list(data, path, bulk=bulk)
    found, bad = read.found, read.bad
    starts, sizes, codes = found.arrays()
    ends = starts + sizes
    broken = np.flatnonzero(starts[1:] != ends[:-1])
    if broken.size:
        index = int(broken[0]) + 1
        at, due = int(starts[index]), int(ends[index - 1])
        what = f"a gap of {at - due} bytes" if at > due else "it overlaps or precedes the one before"
        raise DamagedError(
            f"blocks are not contiguous: this one begins at {at}, the one before ends at {due} ({what})",
            code="malformed-map", path=path, line=found.line_of(index), advice=_REPAIR,
        )  # fmt: skip
    if bad is not None:
        raise bad_block(data, bad, path)
    bounds = np.concatenate((starts, ends[-1:])) if codes.size else np.zeros(1, np.int64)
    return Mapfile(bounds, codes, *read.status, comments=read.comments, raw=data)


class Listed(NamedTuple):
    """A map's status line, its blocks in file order, and the first line that is no block (None when all are)."""

    status: tuple[int, str, int]
    found: BlockList
    bad: Line | None
    comments: tuple[Comment, ...]


def read_list(data: bytes, path: Pathish | None, *, bulk: bool = True) -> Listed:
    """Status line and blocks in file order, unchecked. A file of comments only is an empty map.

    Raises ``DamagedError`` for a bad or missing status line.
    """
    box = CommentBox()
    offset, number = 0, 1
    while (line := next_line(data, offset, number)) is not None:
        offset, number = line.end, line.number
        if line.text is None:
            if not box.add(-1, line.comment or b"#"):
                offset, number = skip_comments(data, offset, number)
            continue
        status = parse_status(line.text)
        if status is None:
            raise _bad_status(data, line.text, line.number, path)
        found, bad = read_blocks(data, offset, number, box.add, bulk=bulk)
        return Listed(status, found, bad, tuple(box.kept))
    return Listed((0, "?", 1), BlockList(), None, tuple(box.kept))


def bad_block(data: bytes, bad: Line, path: Pathish | None) -> DamagedError:
    """The error for a line that is no block line."""
    if _has_blocks(data):
        return DamagedError("bad block line in list", code="malformed-map", path=path, line=bad.number, advice=_REPAIR)
    return DamagedError("this is no mapfile: no block lines", code="not-a-map", path=path, line=bad.number)


_REPAIR = "see 'map check' for all problems and a repair"


def _bad_status(data: bytes, text: bytes, number: int, path: Pathish | None) -> DamagedError:
    if not _has_blocks(data):
        return DamagedError("this is no mapfile", code="not-a-map", path=path, line=number)
    reason = "bad or missing status line"
    if parse_block(text) is not None:
        reason = "the status line is missing: the block list begins at once"
    return DamagedError(reason, code="malformed-map", path=path, line=number, advice=_REPAIR)


def _has_blocks(data: bytes, most: int = 1000) -> bool:
    """Whether any of the first lines could be a block line."""
    for tried, line in enumerate(lines(data)):
        if line.text is not None and parse_block(line.text) is not None:
            return True
        if tried >= most:
            return False
    return False
