"""The catalogue of a scan: an append-only file of finds, one JSON document a line.

The first line says what was scanned. What a crash left half written is dropped when the file is opened again; a resumed
scan cuts the file back to what its checkpoint knew, so that it ends with the same catalogue as one that never stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.atomic import AppendFile, append_line, write_atomic
from engine.carve.find import Find
from engine.errors import DamagedError, outside

FORMAT = "rescuedeck finds 1"
_MOST_LINE = 1 << 20


class CatalogueWriter:
    """Appends finds."""

    def __init__(self, path: Path, about: Mapping[str, Any], *, length: int | None = None) -> None:
        """Begin a new catalogue, or go on with one at ``length`` bytes. Raises ``OutsideError``."""
        self._file = AppendFile(path, length=self._begin(path, about) if length is None else length)
        if not self._file.length:
            self._file.close()
            self._file = AppendFile(path, length=self._begin(path, about))

    @staticmethod
    def _begin(path: Path, about: Mapping[str, Any]) -> int:
        """A catalogue without finds takes the place of what is there, whole: no reader ever meets half a first line."""
        head = json.dumps({"format": FORMAT, **about}).encode() + b"\n"
        write_atomic(path, head)
        return len(head)

    def add(self, finds: Iterable[Find]) -> None:
        """Append finds."""
        data = b"".join(json.dumps(find.to_json(), separators=(",", ":")).encode() + b"\n" for find in finds)
        if data:
            self._file.append(data)

    def sync(self) -> int:
        """Bring it to the disk; returns its length, for a checkpoint."""
        return self._file.sync()

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()


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
    """Its finds in order. A line that a crash cut is left out, as in every journal. Raises ``DamagedError`` when it is
    no catalogue, ``OutsideError``.
    """
    read_about(path)
    try:
        with open(path, "rb") as stream:
            stream.readline(_MOST_LINE)
            while line := stream.readline(_MOST_LINE):
                value = _document(line)
                try:
                    if value is not None:
                        yield Find.from_json(value)
                except (KeyError, TypeError, ValueError, OverflowError):
                    continue
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
