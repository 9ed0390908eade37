"""The index as a file: an SQLite database of entries, with the places of all bytes as sorted columns beside them."""

from __future__ import annotations

import json
import os
import sqlite3
from array import array
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.atomic import fsync_directory, give_to_owner, new_file
from engine.errors import outside
from engine.ranges import RangeSet

VERSION = 2
_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE entries (
  id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,
  inode INTEGER NOT NULL, stream INTEGER, number INTEGER, size INTEGER, modified REAL, created REAL,
  lost INTEGER NOT NULL DEFAULT 0, same_as INTEGER, ext TEXT, pieces BLOB, target TEXT, problem TEXT);
CREATE TABLE areas (start INTEGER NOT NULL, stop INTEGER NOT NULL, what TEXT NOT NULL);
CREATE TABLE sets (name TEXT PRIMARY KEY, starts BLOB NOT NULL, ends BLOB NOT NULL);
CREATE TABLE columns (name TEXT PRIMARY KEY, data BLOB NOT NULL);
"""
_INDEXES = """
CREATE INDEX by_parent ON entries (parent, name);
CREATE INDEX by_ext ON entries (ext) WHERE ext IS NOT NULL;
CREATE INDEX by_twin ON entries (same_as) WHERE same_as IS NOT NULL;
CREATE INDEX by_loss ON entries (lost) WHERE lost > 0;
CREATE INDEX by_state ON entries (id) WHERE state & 16;
"""
COLUMNS = ("start", "size", "owner", "position", "span", "kind")
"""Of every place: bytes on the volume, the entry it belongs to, where in the file and how much of it, what it holds."""
_INSERT = f"INSERT INTO entries VALUES ({','.join('?' * 17)})"
Entry = tuple[Any, ...]


class Writer:
    """Builds the database beside its final name; ``finish`` makes it the index. Raises ``OutsideError``."""

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._rows: list[Entry] = []
        self._places: array[int] = array("q")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._part.unlink(missing_ok=True)
            # names of a client's files: nobody else's business, whatever the umask
            os.close(new_file(self._part))
            self._db = sqlite3.connect(self._part, isolation_level=None)
            self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=8192;" + _SCHEMA)
            self._db.execute("BEGIN")
        except (OSError, sqlite3.Error) as error:
            raise self._failed(error) from error

    def entry(self, row: Entry) -> None:
        """One entry, in the order of the table's columns."""
        self._rows.append(row)
        if len(self._rows) >= 5000:
            self._flush()

    def place(self, start: int, size: int, owner: int, position: int, span: int, kind: int) -> None:
        """One place of an entry's bytes."""
        self._places.extend((start, size, owner, position, span, kind))

    def places_of(self, kinds: Sequence[int]) -> RangeSet:
        """Where the places of these kinds are that were given so far."""
        import numpy as np

        table = np.frombuffer(self._places.tobytes(), np.int64).reshape(-1, len(COLUMNS))
        chosen = table[np.isin(table[:, 5], np.array(kinds))]
        return RangeSet.from_arrays(chosen[:, 0], chosen[:, 0] + chosen[:, 1])

    def finish(self, facts: dict[str, Any], areas: Iterable[tuple[int, int, str]], sets: dict[str, RangeSet]) -> None:
        """Sort the places, write all, and give the database its name."""
        import numpy as np

        self._flush()
        try:
            run = self._db.execute
            table = np.frombuffer(self._places, np.int64).reshape(-1, len(COLUMNS))
            order = np.argsort(table[:, 0], kind="stable")
            for number, name in enumerate(COLUMNS):
                column = table[order, number].astype(np.int8 if name == "kind" else np.int64)
                run("INSERT INTO columns VALUES (?, ?)", (name, column.tobytes()))
            for name, ranges in sets.items():
                run("INSERT INTO sets VALUES (?, ?, ?)", (name, ranges.starts.tobytes(), ranges.ends.tobytes()))
            self._db.executemany("INSERT INTO areas VALUES (?, ?, ?)", areas)
            self._db.executemany(
                "INSERT INTO facts VALUES (?, ?)", [(name, json.dumps(value)) for name, value in facts.items()]
            )
            run("COMMIT")
            self._db.executescript(_INDEXES)
            self._db.close()
            fd = os.open(self._part, os.O_RDONLY | os.O_CLOEXEC)
            try:
                give_to_owner(fd)
                os.fsync(fd)
            finally:
                os.close(fd)
            os.replace(self._part, self._path)
            fsync_directory(self._path.parent)
        except (OSError, sqlite3.Error) as error:
            raise self._failed(error) from error

    def drop(self) -> None:
        """Give up; what was written goes away."""
        self._db.close()
        self._part.unlink(missing_ok=True)

    def _flush(self) -> None:
        try:
            self._db.executemany(_INSERT, self._rows)
        except sqlite3.Error as error:
            raise self._failed(error) from error
        self._rows = []

    def _failed(self, error: Exception) -> Exception:
        if isinstance(error, OSError):
            return outside(error, "cannot write the index of files", self._path)
        from engine.errors import OutsideError

        full = "full" in str(error)
        return OutsideError(
            f"cannot write the index of files: {error}", code="no-space" if full else "io", path=self._path,
            advice="make room and try again" if full else None,
        )  # fmt: skip


def pack_pieces(pieces: Iterable[tuple[int, int, int, int]]) -> bytes:
    """(position, span, start, size) of each piece, eight bytes each."""
    flat = array("q")
    for piece in pieces:
        flat.extend(piece)
    return flat.tobytes()


def open_database(path: Path) -> sqlite3.Connection:
    """For reading. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as probe:
        probe.execute("SELECT value FROM facts WHERE name='version'").fetchone()
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
