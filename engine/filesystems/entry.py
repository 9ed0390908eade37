"""From the library's rows to entries of the index: what it is, what state it is in, where its bytes are."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from engine.filesystems import kinds
from engine.filesystems.layout import Layout
from engine.filesystems.places import (
    CONTENT,
    DELETED,
    DIRECTORY,
    GAP,
    LOST,
    META,
    PACKED,
    SLACK,
    SYSTEM,
    Piece,
    Placed,
    is_compressed,
    place,
    place_compressed,
    place_record,
)
from engine.filesystems.reader import RECOVERY, RESIDENT, Facts, Row, Stream
from engine.filesystems.store import Writer
from engine.ranges import RangeSet

_DATA = {"ntfs": 128, "hfs+": 4352}
_NAMED = {128: True, 4353: True}
"""Further streams that are files of their own: named $DATA of NTFS, resource forks of HFS+."""
_NTFS_META = (0x20, 0xA0, 0xB0)
_HFS_COMPRESSED = 0x10
_MAX_SIZE = 1 << 62
_LABEL = " (Volume Label Entry)"
_NO_VALID: dict[tuple[int, int], int] = {}


class EntryMaker:
    """Writes one entry for each file, directory, link and named stream. ``count`` etc. tell how many there are."""

    def __init__(
        self, writer: Writer, facts: Facts, layout: Layout | None, holes: RangeSet,
        valid: dict[tuple[int, int], int], problem: Callable[[int, str], None],
    ) -> None:  # fmt: skip
        self._writer, self._facts, self._layout, self._holes = writer, facts, layout, holes
        self._valid, self._tell = valid or _NO_VALID, problem
        self._block = facts.block_size
        self._data_type = _DATA.get(facts.family, 1)
        self._has_records = facts.family == "ntfs" or facts.family.startswith("ext")
        self._ext = facts.family in ("ext2", "ext3", "ext4")
        self._fat = facts.family.startswith("fat")
        self._directories: dict[int, list[tuple[int, int]]] = {}
        self.doubtful = 0
        self._twins: dict[int, int] = {}
        self._system: set[int] = set()
        self.count = self.files = self.directories = self.deleted = 0
        self.last_kind = self.last_state = 0
        self._next = 1

    # --- special ones

    def root(self, row: Row | None) -> int:
        """The root directory, without a name."""
        number = self._take_id()
        size = 0
        if row is not None:
            self._own_places(row, number, DIRECTORY)
            size = int(row.meta[2]) if row.meta is not None else 0
        self._write(number, 0, "", kinds.DIRECTORY, 0, self._facts.root, size=min(max(size, 0), _MAX_SIZE))
        return number

    def orphanage(self, row: Row, parent: int) -> int:
        """The library's folder for what has no name."""
        number = self._take_id()
        self._write(number, parent, row.name, kinds.DIRECTORY, kinds.DELETED | kinds.ORPHAN, row.inode)
        return number

    def system(self, row: Row | None, inode: int, parent: int) -> None:
        """A file of the file system itself that no directory names (ext's journal)."""
        if row is None or row.meta is None or not row.meta[2]:
            return
        number = self._take_id()
        self._own_places(row, number, SYSTEM)
        name = {7: "$ResizeInode", 8: "$Journal"}.get(inode, f"$Inode{inode}")
        self._write(number, parent, name, kinds.SYSTEM, 0, inode, size=int(row.meta[2]))

    # --- entries

    def entry(self, row: Row, parent: int, *, deleted: bool, orphan: bool) -> int:
        """An entry of a directory; returns its number. ``deleted``: the directory itself is."""
        number = self._take_id()
        meta = row.meta
        kind = kinds.kind_of(None if meta is None else meta[0], row.name_type)
        state = kinds.ORPHAN if orphan else 0
        unsure = self._fat and not row.name_flags & 1 and not row.name.startswith("_") and self._unsure(parent)
        if unsure and not deleted:
            self.doubtful += 1
        elif deleted or not row.name_flags & 1:
            state |= kinds.DELETED
            if meta is not None and meta[1] & 1 and not orphan and not deleted:
                state |= kinds.REUSED
        if self._is_system(row, parent, kind) or (self._fat and row.name.endswith(_LABEL)):
            kind = kinds.SYSTEM if kind != kinds.DIRECTORY else kind
            self._system.add(number)
        if self._record_unread(row.inode) or (meta is None and not state & kinds.DELETED):
            state |= kinds.UNREAD
        elif row.problem is not None:
            state |= kinds.DAMAGED
            self._tell(number, row.problem)
        self.last_kind, self.last_state = kind, state
        self._count(kind, state)
        if meta is None or state & (kinds.REUSED | kinds.UNREAD):
            self._write(number, parent, row.name, kind, state, row.inode, problem=row.problem)
            return number
        self._known(row, number, parent, kind, state)
        return number

    def _known(self, row: Row, number: int, parent: int, kind: int, state: int) -> None:
        meta = row.meta
        assert meta is not None
        links, twin = meta[5], None
        if links > 1 and not state & kinds.DELETED and kind != kinds.DIRECTORY:
            twin = self._twins.setdefault(row.inode, number)
            twin = None if twin == number else twin
        main = self._main(row, kind)
        size = min(max(0, main.size if main is not None else int(meta[2])), _MAX_SIZE)
        placed = None
        if kind == kinds.DIRECTORY:
            self._own_places(row, number, DIRECTORY)
        elif twin is None and main is not None and main.name != "$Bad":
            placed = self._place(row, main, live=not state & kinds.DELETED)
            state = self._keep(placed, main, number, kind, state)
        elif twin is None and main is None and size and kind in (kinds.FILE, kinds.SYSTEM):
            placed = Placed((), ())
        lost = 0
        if placed is not None:
            lost = placed.lost if placed.pieces else size
        if twin is None:
            self._extra(row, main, number, kind, state)
        self._write(
            number, parent, row.name, kind, state, row.inode, main, size, meta[3], meta[4], lost, twin,
            placed, meta[7], row.problem,
        )  # fmt: skip
        if twin is None and kind in (kinds.FILE, kinds.SYSTEM, kinds.DIRECTORY):
            for stream in row.streams:
                if _NAMED.get(stream.type) and stream is not main and (stream.name or stream.type == 4353):
                    self._named(row, stream, number, state)

    def _main(self, row: Row, kind: int) -> Stream | None:
        if kind == kinds.DIRECTORY:
            return None
        for stream in row.streams:
            if stream.type == self._data_type and (not stream.name or self._facts.family != "ntfs"):
                return stream
        return next((stream for stream in row.streams if stream.type == 1), None)

    def _named(self, row: Row, stream: Stream, parent: int, state: int) -> None:
        number = self._take_id()
        if parent in self._system:
            self._system.add(number)
        name = stream.name or "rsrc"
        placed = None
        lost = 0
        if name != "$Bad" and stream.size:
            placed = self._place(row, stream, live=not state & kinds.DELETED)
            state = self._keep(placed, stream, number, kinds.STREAM, state)
            lost = placed.lost if placed.pieces else stream.size
        self._write(number, parent, name, kinds.STREAM, state, row.inode, stream, stream.size, lost=lost, placed=placed)

    def _place(self, row: Row, stream: Stream, *, live: bool) -> Placed:
        record = self._layout.record(row.inode) if self._layout is not None else None
        packed_hfs = self._facts.family == "hfs+" and row.meta is not None and row.meta[1] & _HFS_COMPRESSED
        if stream.flags & RESIDENT:
            if record is not None:
                return place_record(stream.size, *record)
            return Placed((), (), packed=True)
        if packed_hfs:
            return self._unpacked_whole(row, stream)
        if is_compressed(stream) and self._facts.family == "ntfs":
            return place_compressed(stream, self._block)
        valid = self._valid.get((row.inode, stream.id))
        unlisted = GAP if self._ext and row.meta is not None and row.meta[1] & 1 else LOST
        if self._fat and live and row.meta is not None and row.meta[1] & 2:
            return self._first_cluster(stream)
        doubtful = row.problem is not None or self._pointers_unread(row)
        return place(stream, self._block, valid=valid, gaps_lost=doubtful, unlisted=unlisted)

    def _first_cluster(self, stream: Stream) -> Placed:
        """A FAT file that is not deleted, but whose chain was never read: its directory entry names the first cluster,
        the library guesses the rest."""
        count = self._layout.unit // self._block if self._layout is not None else 1
        first = [(0, address, min(count, size), 0) for _at, address, size, flags in stream.runs[:1] if not flags & 3]
        return place(stream._replace(runs=tuple(first)), self._block, gaps_lost=True)

    def _unsure(self, parent: int) -> bool:
        """Whether a directory's own clusters are free or not was never read: the library then calls all it holds
        deleted. Names that really are begin with an underscore in its listing."""
        places = self._directories.get(parent)
        if not places or self._layout is None or not self._layout.unknown:
            return False
        return any(self._layout.unknown.overlaps(start, start + size) for start, size in places)

    def _unpacked_whole(self, row: Row, stream: Stream) -> Placed:
        """HFS+ compression: the whole file needs the whole resource fork."""
        runs = [run for one in row.streams if one.type == 4353 for run in one.runs]
        pieces = tuple(
            Piece(0, stream.size, address * self._block, count * self._block)
            for _at, address, count, flags in runs if not flags & 3
        )  # fmt: skip
        return Placed(pieces, (), packed=True)

    def _pointers_unread(self, row: Row) -> bool:
        """An indirect block (or one of an extent tree) that was never read looks like zeros, and so like gaps."""
        if not self._holes or not self._ext:
            return False
        return any(
            self._holes.overlaps(address * self._block, (address + count) * self._block)
            for stream in row.streams if stream.type in (0x1001, 0x1002)
            for _at, address, count, flags in stream.runs if not flags & 3
        )  # fmt: skip

    # --- places

    def _keep(self, placed: Placed, stream: Stream, number: int, kind: int, state: int) -> int:
        """Note the places; returns the state with what they tell."""
        add = self._writer.place
        gone = bool(state & kinds.DELETED)
        own = SYSTEM if kind == kinds.SYSTEM or number in self._system else PACKED if placed.packed else CONTENT
        for piece in placed.pieces:
            if piece.start >= 0:
                add(piece.start, piece.size, number, piece.position, piece.span, DELETED if gone else own)
        if not gone:
            for start, size in placed.slack:
                add(start, size, number, 0, 0, SLACK)
        if gone and (self._fat or stream.flags & RECOVERY):
            state |= kinds.GUESSED
        return state | (kinds.PACKED if placed.packed else 0)

    def _own_places(self, row: Row, number: int, kind: int) -> None:
        """All blocks of a directory or an own file: entries, bit maps, attribute lists."""
        deleted = row.meta is not None and not row.meta[1] & 1
        if self._fat and self._layout is not None and self._layout.unknown:
            self._directories[number] = [
                (address * self._block, count * self._block)
                for stream in row.streams for _at, address, count, flags in stream.runs if not flags & 3
            ]  # fmt: skip
            deleted = deleted and not self._unsure(number)
        for stream in row.streams:
            if stream.flags & RESIDENT or _NAMED.get(stream.type) and stream.type == 128 and kind == DIRECTORY:
                continue
            for at, address, count, flags in stream.runs:
                if not flags & 3 and address >= 0 and count > 0 and address < 1 << 50:
                    low = at * self._block
                    self._writer.place(address * self._block, count * self._block, number, low, count * self._block,
                                       DELETED if deleted else kind)  # fmt: skip

    def _extra(self, row: Row, main: Stream | None, number: int, kind: int, state: int) -> None:
        """Blocks that hold not content but where content is: indirect blocks, extent trees, attribute lists."""
        if kind == kinds.DIRECTORY:
            return
        for stream in row.streams:
            meta = stream.type in (0x1001, 0x1002) or (self._facts.family == "ntfs" and stream.type in _NTFS_META)
            if not meta or stream is main or stream.flags & RESIDENT:
                continue
            for _at, address, count, flags in stream.runs:
                if not flags & 3 and address > 0 and count > 0:
                    self._writer.place(address * self._block, count * self._block, number, 0, 0,
                                       DELETED if state & kinds.DELETED else META)  # fmt: skip

    # --- small ones

    def _is_system(self, row: Row, parent: int, kind: int) -> bool:
        if parent in self._system or kind == kinds.SYSTEM:
            return True
        if parent != 1 or not row.name.startswith("$") or not row.name_flags & 1:
            return False
        limit = {"ntfs": 24, "hfs+": 16}.get(self._facts.family)
        if limit is not None:
            return row.inode < limit
        return self._facts.family == "exfat" and row.name in ("$ALLOC_BITMAP", "$UPCASE_TABLE", "$VOLUME_GUID")

    def _record_unread(self, inode: int) -> bool:
        if not self._has_records or not self._holes or self._layout is None:
            return False
        record = self._layout.record(inode)
        return record is not None and self._holes.overlaps(record[0], record[0] + record[1])

    def _take_id(self) -> int:
        number, self._next = self._next, self._next + 1
        return number

    def _count(self, kind: int, state: int) -> None:
        self.count += 1
        self.files += kind == kinds.FILE and not state & kinds.DELETED
        self.directories += kind == kinds.DIRECTORY and not state & kinds.DELETED
        self.deleted += bool(state & kinds.DELETED)

    def _write(
        self, number: int, parent: int, name: str, kind: int, state: int, inode: int, stream: Stream | None = None,
        size: int | None = None, modified: float | None = None, created: float | None = None, lost: int = 0,
        twin: int | None = None, placed: Placed | None = None, target: str | None = None, problem: str | None = None,
    ) -> None:  # fmt: skip
        pieces = None
        if placed is not None and placed.pieces:
            flat = array("q")
            for piece in placed.pieces:
                flat.extend((piece.position, piece.span, piece.start, piece.size))
            pieces = flat.tobytes()
        ext = None
        if kind in (kinds.FILE, kinds.STREAM):
            stem, dot, ending = name.rpartition(".")
            ext = ending.lower()[:16] if dot and stem else ""
        self._writer.entry((
            number, parent, name, kind, state, inode, None if stream is None else stream.type,
            None if stream is None else stream.id, size, modified or None, created or None, lost, twin, ext, pieces,
            target, problem,
        ))  # fmt: skip


