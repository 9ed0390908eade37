"""The index of a volume, for asking: entries by directory and name, the places of all bytes, the volume's own areas.

Opened once and kept: a new map costs one join, not another walk.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from engine.errors import DamagedError, NotFoundError, outside
from engine.filesystems import kinds
from engine.filesystems.places import GAP, LOST, Piece
from engine.filesystems.store import COLUMNS, VERSION, open_database
from engine.ranges import RangeSet

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_FIELDS = ("id, parent, name, kind, state, inode, stream, number, size, modified, created, lost, same_as, target, "
           "problem")  # fmt: skip
_MAX_DEPTH = 400
_SOME = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, directory, link or named stream. ``size`` is None when nobody knows it; ``lost``: bytes whose place is
    not known; ``same_as``: the entry that is another name of the same file and holds its places."""

    id: int
    parent: int
    name: str
    kind: int
    state: int
    inode: int
    stream: int | None
    number: int | None
    size: int | None
    modified: float | None
    created: float | None
    lost: int
    same_as: int | None
    target: str | None
    problem: str | None

    @property
    def is_directory(self) -> bool:
        return self.kind == kinds.DIRECTORY

    @property
    def deleted(self) -> bool:
        return bool(self.state & kinds.DELETED)

    @property
    def holder(self) -> int:
        """The entry that holds this one's places."""
        return self.same_as or self.id


@dataclass(frozen=True, slots=True)
class Places:
    """All places, ascending by ``start``; one element each (see ``store.COLUMNS``)."""

    start: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    owner: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    span: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int8]
    reach: npt.NDArray[np.int64]

    def of(self, *wanted: int) -> RangeSet:
        """Where places of these kinds are."""
        import numpy as np

        chosen = np.isin(self.kind, np.array(wanted, np.int8))
        return RangeSet.from_arrays(self.start[chosen], self.start[chosen] + self.size[chosen])

    def owned_by(self, owners: Iterable[int], *wanted: int) -> RangeSet:
        """Where places of these owners and kinds are (all kinds when none is named)."""
        import numpy as np

        chosen = np.isin(self.owner, np.fromiter(owners, np.int64))
        if wanted:
            chosen &= np.isin(self.kind, np.array(wanted, np.int8))
        return RangeSet.from_arrays(self.start[chosen], self.start[chosen] + self.size[chosen])


class Index:
    """An index file, open for reading. May be used from several threads, one at a time."""

    def __init__(self, path: Path) -> None:
        self.file = path
        try:
            if not path.is_file():
                raise NotFoundError("there is no index of these files yet", code="no-index", path=path,
                                    advice="make it first: rescuedeck fs index")  # fmt: skip
            self._db = open_database(path)
            facts = {name: json.loads(value) for name, value in self._db.execute("SELECT name, value FROM facts")}
        except OSError as error:
            raise outside(error, "cannot open the index of files", path) from error
        except (sqlite3.Error, ValueError) as error:
            raise self._damaged() from error
        if facts.get("version") != VERSION:
            raise DamagedError("the index of files is of another version", code="old-index", path=path,
                               advice="make it again")  # fmt: skip
        self.facts: dict[str, Any] = facts
        self._paths: dict[int, str] = {1: ""}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def _damaged(self) -> DamagedError:
        return DamagedError("the index of files is damaged", code="index", path=self.file, advice="make it again")

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._damaged() from error

    # --- the volume

    @property
    def family(self) -> str:
        """``fat12`` ... ``ext4``, ``ntfs``, ``exfat``, ``hfs+``, ``iso9660``, ``ufs``."""
        return str(self.facts["family"])

    @property
    def size(self) -> int:
        """Bytes that the file system covers."""
        return int(self.facts["size"])

    @property
    def unit(self) -> int:
        """Bytes that are allocated at once."""
        return int(self.facts["unit"])

    @property
    def counts(self) -> dict[str, Any]:
        """Entries, files, directories, deleted, problems."""
        return dict(self.facts["counts"])

    @property
    def problems(self) -> list[tuple[int, str]]:
        """(entry, what the library said), the first thousand."""
        return [(int(entry), str(message)) for entry, message in self.facts["problems"]]

    @property
    def areas(self) -> list[tuple[int, int, str]]:
        """(start, end, what) of the file system's own structures."""
        return [(int(a), int(b), str(c)) for a, b, c in self._rows("SELECT * FROM areas ORDER BY start")]

    def ranges(self, name: str) -> RangeSet | None:
        """A set of the volume: ``metadata``, ``free``, ``unknown``, ``bad``, ``tail``, ``touched``, ``holes``."""
        import numpy as np

        row = self._rows("SELECT starts, ends FROM sets WHERE name = ?", (name,))
        if not row:
            return None
        return RangeSet.from_arrays(np.frombuffer(row[0][0], np.int64), np.frombuffer(row[0][1], np.int64))

    @cached_property
    def free(self) -> RangeSet | None:
        """Free space; None when the family does not tell."""
        return self.ranges("free")

    @cached_property
    def own(self) -> RangeSet:
        """Everything that is not content: own structures, own files, directories, what tells where content is."""
        from engine.filesystems.places import DIRECTORY, META, SYSTEM

        return (self.ranges("metadata") or RangeSet()).union(self.places.of(DIRECTORY, META, SYSTEM))

    @cached_property
    def content(self) -> RangeSet:
        """The bytes of files, deleted ones left out."""
        from engine.filesystems.places import CONTENT, PACKED

        return self.places.of(CONTENT, PACKED)

    @cached_property
    def places(self) -> Places:
        """All places, read once."""
        import numpy as np

        columns = dict(self._rows("SELECT name, data FROM columns"))
        try:
            start, size, owner, position, span = (np.frombuffer(columns[name], np.int64) for name in COLUMNS[:5])
            kind = np.frombuffer(columns["kind"], np.int8)
        except (KeyError, ValueError) as error:
            raise self._damaged() from error
        if len({column.size for column in (start, size, owner, position, span, kind)}) != 1:
            raise self._damaged()
        reach = np.maximum.accumulate(start + size) if start.size else start
        return Places(start, size, owner, position, span, kind, reach)

    def is_stale(self, holes: RangeSet) -> bool:
        """Whether bytes that the walk lacked have been read since: another walk would know more."""
        lacked = self.ranges("touched")
        return bool(lacked and lacked.subtract(holes))

    # --- entries

    def entry(self, number: int) -> Entry:
        """By its number. Raises ``NotFoundError``."""
        rows = self._rows(f"SELECT {_FIELDS} FROM entries WHERE id = ?", (number,))
        if not rows:
            raise NotFoundError("there is no such file in the index", code="no-file")
        return Entry(*rows[0])

    def entries(self, numbers: Iterable[int]) -> dict[int, Entry]:
        """Several at once."""
        wanted = list(numbers)
        found: dict[int, Entry] = {}
        for at in range(0, len(wanted), _SOME):
            part = wanted[at : at + _SOME]
            marks = ",".join("?" * len(part))
            for row in self._rows(f"SELECT {_FIELDS} FROM entries WHERE id IN ({marks})", part):
                found[row[0]] = Entry(*row)
        return found

    def parents(self, numbers: Iterable[int]) -> dict[int, int]:
        """The directory of each entry."""
        wanted = list(numbers)
        found: dict[int, int] = {}
        for at in range(0, len(wanted), _SOME):
            part = wanted[at : at + _SOME]
            marks = ",".join("?" * len(part))
            found.update(self._rows(f"SELECT id, parent FROM entries WHERE id IN ({marks})", part))
        return found

    def children(self, number: int, *, deleted: bool = True) -> list[Entry]:
        """What a directory (or a file with further streams) holds, by name, directories first."""
        where = "" if deleted else f" AND NOT state & {kinds.DELETED}"
        order = f"kind != {kinds.DIRECTORY}, kind = {kinds.SYSTEM}, name"
        return [
            Entry(*row)
            for row in self._rows(f"SELECT {_FIELDS} FROM entries WHERE parent = ?{where} ORDER BY {order}", (number,))
        ]

    def search(self, words: str, *, limit: int = 2000) -> list[Entry]:
        """Entries whose name holds ``words`` (``*`` and ``?`` as in the shell), case ignored."""
        pattern = "".join({"*": "%", "?": "_", "%": "\\%", "_": "\\_", "\\": "\\\\"}.get(char, char) for char in words)
        if not set(words) & {"*", "?"}:
            pattern = f"%{pattern}%"
        rows = self._rows(
            f"SELECT {_FIELDS} FROM entries WHERE name LIKE ? ESCAPE '\\' AND id > 1 LIMIT ?", (pattern, limit)
        )
        return [Entry(*row) for row in rows]

    def everything(self, where: str = "", values: Sequence[Any] = ()) -> Iterator[Entry]:
        """All entries in the order of the walk, or those of an SQL condition made here."""
        for row in self._rows(f"SELECT {_FIELDS} FROM entries {where} ORDER BY id", values):
            yield Entry(*row)

    def path(self, entry: Entry) -> str:
        """``docs/letter.txt``; a stream follows its file after a colon. As it is on the disk: not safe to print."""
        if entry.id == 1:
            return ""
        above = self._directory(entry.parent)
        joint = ":" if entry.kind == kinds.STREAM else "/"
        return f"{above}{joint}{entry.name}" if above else entry.name

    def _directory(self, number: int) -> str:
        chain: list[tuple[int, str]] = []
        at = number
        while at not in self._paths and len(chain) < _MAX_DEPTH:
            rows = self._rows("SELECT parent, name FROM entries WHERE id = ?", (at,))
            if not rows:
                break
            chain.append((at, str(rows[0][1])))
            at = int(rows[0][0])
        above = self._paths.get(at, "...")
        for known, name in reversed(chain):
            above = f"{above}/{name}" if above else name
            self._paths[known] = above
        return above

    def find(self, path: str) -> Entry:
        """By its path on the volume. Raises ``NotFoundError``; a name that is not deleted goes before one that is."""
        entry = self.entry(1)
        for part in [part for part in path.split("/") if part]:
            rows = self._rows(
                f"SELECT {_FIELDS} FROM entries WHERE parent = ? AND name = ? ORDER BY state & 1, id LIMIT 1",
                (entry.id, part),
            ) or self._rows(
                f"SELECT {_FIELDS} FROM entries WHERE parent = ? AND name = ? COLLATE NOCASE ORDER BY state & 1 "
                "LIMIT 1", (entry.id, part),
            ) or self._stream(entry, part)  # fmt: skip
            if not rows:
                raise NotFoundError(f"there is no {path!r} on the volume", code="no-file",
                                    advice="fs list shows what there is")  # fmt: skip
            entry = Entry(*rows[0])
        return entry

    def _stream(self, above: Entry, part: str) -> list[tuple[Any, ...]]:
        stem, colon, stream = part.partition(":")
        if not colon:
            return []
        return self._rows(
            f"SELECT {_FIELDS} FROM entries WHERE name = ? AND kind = {kinds.STREAM} AND parent IN "
            "(SELECT id FROM entries WHERE parent = ? AND name = ?)", (stream, above.id, stem),
        )  # fmt: skip

    def below(self, number: int) -> list[int]:
        """An entry and everything under it."""
        rows = self._rows(
            "WITH RECURSIVE tree(id) AS (SELECT ? UNION SELECT entries.id FROM entries JOIN tree ON parent = tree.id) "
            "SELECT id FROM tree", (number,),
        )  # fmt: skip
        return [int(row[0]) for row in rows]

    def pieces(self, entry: Entry) -> list[Piece]:
        """Where its bytes are, in the file's order; empty for one without content."""
        rows = self._rows("SELECT pieces FROM entries WHERE id = ?", (entry.holder,))
        if not rows or rows[0][0] is None:
            return []
        flat = array("q", rows[0][0])
        return [Piece(*four) for four in zip(flat[0::4], flat[1::4], flat[2::4], flat[3::4], strict=True)]

    def twins(self, number: int) -> list[Entry]:
        """Other names of a file."""
        return [Entry(*row) for row in self._rows(f"SELECT {_FIELDS} FROM entries WHERE same_as = ?", (number,))]

    def lost(self) -> list[tuple[int, int]]:
        """(entry, bytes whose place is not known), deleted ones left out."""
        return [
            (int(a), int(b))
            for a, b in self._rows(f"SELECT id, lost FROM entries WHERE lost > 0 AND NOT state & {kinds.DELETED}")
        ]

    def unread(self) -> list[int]:
        """Entries whose record was never read: a name, and nothing else known. Deleted ones left out."""
        query = f"SELECT id FROM entries WHERE state & {kinds.UNREAD} AND NOT state & {kinds.DELETED}"
        return [int(row[0]) for row in self._rows(query)]

    def types(self) -> list[tuple[str, int, int]]:
        """(extension in lower case, files, bytes), the most bytes first."""
        return [
            (str(a), int(b), int(c or 0))
            for a, b, c in self._rows(
                "SELECT ext, COUNT(*), SUM(size) FROM entries WHERE ext IS NOT NULL AND NOT state & 1 "
                "AND same_as IS NULL GROUP BY ext ORDER BY 3 DESC"
            )
        ]

    def of_types(self, endings: Iterable[str]) -> list[int]:
        """Files with one of these extensions (without the dot), deleted ones left out."""
        wanted = [ending.lower().lstrip(".") for ending in endings]
        marks = ",".join("?" * len(wanted))
        return [
            int(row[0])
            for row in self._rows(f"SELECT id FROM entries WHERE ext IN ({marks}) AND NOT state & 1", wanted)
        ]

    def holders(self, numbers: Iterable[int]) -> set[int]:
        """The entries that hold the places of these."""
        return {entry.holder for entry in self.entries(numbers).values()}




def marker(start: int) -> str:
    """What a piece's start means when it is no position: ``gap``, ``lost``, or empty."""
    return {GAP: "gap", LOST: "lost"}.get(start, "")
