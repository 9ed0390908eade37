"""The catalogue of a scan: an append-only file of finds, one JSON document a line.

The first line says what was scanned. What a crash left half written is dropped when the file is opened again; a resumed
scan cuts the file back to what its checkpoint knew, so that it ends with the same catalogue as one that never stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.atomic import append_line, give_to_invoker, write_all
from engine.carve.find import Find
from engine.errors import DamagedError, outside

FORMAT = "rescuedeck finds 1"
_MOST_LINE = 1 << 20


class CatalogueWriter:
    """Appends finds. ``length`` is what a checkpoint keeps."""

    def __init__(self, path: Path, about: Mapping[str, Any], *, length: int | None = None) -> None:
        """Begin a new catalogue, or go on with one at ``length`` bytes. Raises ``OutsideError``."""
        self.path = path
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._fd = os.open(path, flags, 0o600)
            give_to_invoker(self._fd)
            size = os.fstat(self._fd).st_size
            if length is not None and length <= size:
                os.ftruncate(self._fd, length)
                self.length = length
            else:
                os.ftruncate(self._fd, 0)
                self.length = 0
            os.lseek(self._fd, self.length, os.SEEK_SET)
            if not self.length:
                self._append(json.dumps({"format": FORMAT, **about}).encode() + b"\n")
        except OSError as error:
            raise outside(error, "cannot write the catalogue", path) from error

    def _append(self, data: bytes) -> None:
        try:
            write_all(self._fd, data)
        except OSError as error:
            raise outside(error, "cannot write the catalogue", self.path) from error
        self.length += len(data)

    def add(self, finds: Iterable[Find]) -> None:
        """Append finds."""
        data = b"".join(json.dumps(find.to_json(), separators=(",", ":")).encode() + b"\n" for find in finds)
        if data:
            self._append(data)

    def sync(self) -> int:
        """Bring it to the disk; returns ``length``."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise outside(error, "cannot write the catalogue", self.path) from error
        return self.length

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)


def read_about(path: Path) -> dict[str, Any]:
    """The first line. Raises ``DamagedError``, ``OutsideError``."""
    try:
        with open(path, "rb") as stream:
            line = stream.readline(_MOST_LINE)
    except OSError as error:
        raise outside(error, "cannot read the catalogue", path) from error
    about = _document(line)
    if about is None or about.get("format") != FORMAT:
        raise DamagedError("this is no catalogue of finds", code="catalogue", path=path)
    return about


def read_finds(path: Path) -> Iterator[Find]:
    """Its finds in order; a last line that was cut off is left out. Raises ``DamagedError``, ``OutsideError``."""
    read_about(path)
    try:
        with open(path, "rb") as stream:
            stream.readline(_MOST_LINE)
            while line := stream.readline(_MOST_LINE):
                if not line.endswith(b"\n"):
                    return
                value = _document(line)
                try:
                    find = None if value is None else Find.from_json(value)
                except (KeyError, TypeError, ValueError, OverflowError):
                    find = None
                if find is None:
                    raise DamagedError("a line of the catalogue is damaged", code="catalogue", path=path)
                yield find
    except OSError as error:
        raise outside(error, "cannot read the catalogue", path) from error


def append_find(path: Path, find: Find) -> None:
    """Add a find to a finished catalogue: with the start of one that is there, it takes its place (``newest``)."""
    append_line(path, json.dumps(find.to_json(), separators=(",", ":")).encode())


def newest(finds: Iterable[Find]) -> list[Find]:
    """Of several finds at one start, the last: in the order of their starts."""
    places = {(find.start, find.inside): find for find in finds}
    return sorted(places.values(), key=lambda find: find.start)


def _document(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
