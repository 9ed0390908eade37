"""The owner of the worker process: starts it over a source, hands it bytes, asks for directories and contents."""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Self

import engine
from engine.errors import DamagedError, OutsideError
from engine.filesystems import wire
from engine.filesystems.reading import CarefulSource
from engine.ranges import RangeSet
from engine.source import Source
from engine.text import safe_text
from engine.tools import child_environment

_ROOT = str(Path(engine.__file__).resolve().parents[1])
_START = "import sys; sys.path.insert(0, sys.argv[1]); from engine.filesystems.worker import main; sys.exit(main())"
RESIDENT, COMPRESSED, RECOVERY = 4, 0x20, 0x80
"""Flags of a stream: kept in its file's record; compressed; its places are guessed."""
SPARSE, FILLER = 2, 1
"""Flags of a run: zeros by right; lost."""
QUIET_S = 60.0
"""No word from the worker for so long, and it is taken for hung: the library runs in a circle."""
BARREN_S = 1800.0
"""Nothing but reads for so long, and the step is given up."""

FAMILIES = {
    0x01: "ntfs", 0x02: "fat12", 0x04: "fat16", 0x08: "fat32", 0x0A: "exfat", 0x10: "ufs", 0x20: "ufs", 0x40: "ufs",
    0x80: "ext2", 0x100: "ext3", 0x800: "iso9660", 0x1000: "hfs+", 0x2000: "ext4", 0x4000: "yaffs2",
}  # fmt: skip
_DETECTED = ("NTFS", "FAT_DETECT", "EXFAT", "EXT_DETECT", "HFS", "ISO9660", "FFS_DETECT")


class WorkerDied(Exception):  # noqa: N818 - caught by the walk, which goes round the place
    """The library crashed, or hung and was killed, over one question."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the library says of a volume. ``blocks`` counts blocks of ``block_size`` bytes from the volume's start."""

    family: str
    block_size: int
    blocks: int
    root: int
    first: int
    last: int
    uuid: str


class Stream(NamedTuple):  # tuples: there are millions of them
    """One stream of a file: runs are (block in the stream, address, blocks, flags)."""

    type: int
    id: int
    name: str
    size: int
    flags: int
    runs: tuple[tuple[int, int, int, int], ...]


class Row(NamedTuple):
    """One directory entry as the library gives it; ``meta`` is None when only the name is left."""

    number: int
    name: str
    name_flags: int
    name_type: int
    inode: int
    sequence: int
    meta: tuple[Any, ...] | None
    streams: tuple[Stream, ...]
    problem: str | None


class Listed(NamedTuple):
    """The end of a directory's entries; ``problem`` says that it is damaged or incomplete."""

    number: int
    problem: str | None


class Reader:
    """A volume behind a worker process. Use as a context manager.

    Bytes that nobody has read are handed over as zeros; ``touched`` collects them, so that it can be told what the
    directory tree may lack. Raises ``DamagedError`` when there is no file system that the library reads.
    """

    def __init__(self, source: Source, *, kind: str | None = None) -> None:
        self._source = CarefulSource(source)
        self._kind = kind
        self._child: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._touched: list[tuple[int, int]] = []
        self.restarts = 0
        try:
            self.facts = self._open_volume()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def touched(self) -> RangeSet:
        """What was asked for and has never been read."""
        return RangeSet(self._touched)

    def list(self, inodes: list[int]) -> Iterator[Row | Listed]:
        """Entries of directories; each directory ends with a ``Listed``. Raises ``WorkerDied``; the reader then serves
        the next question with a new worker."""
        yield from self._rows(b"l", inodes)

    def stat(self, inode: int) -> Row | None:
        """A file by its number, or None when there is none. Raises ``WorkerDied``."""
        try:
            rows = [row for row in self._rows(b"s", inode) if isinstance(row, Row)]
        except DamagedError:
            return None
        return rows[0] if rows else None

    def content(self, inode: int, stream: int, number: int, offset: int, size: int) -> bytes:
        """Bytes of a stream through the library (compressed and resident ones). Raises ``DamagedError``."""
        question = {"inode": inode, "type": stream, "id": number, "offset": offset, "size": size}
        try:
            self._ask(b"c", question)
            for kind, payload in self._answers():
                if kind == b"C":
                    return payload
        except WorkerDied as error:
            raise DamagedError("the file system reader crashed over this file", code="reader-crash") from error
        raise DamagedError("the file system reader gave nothing", code="reader")

    def close(self) -> None:
        """End the worker."""
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    # --- the worker

    def _open_volume(self) -> Facts:
        tried = [self._kind] if self._kind else [None, *_DETECTED]
        said = ""
        for kind in tried:
            try:
                facts = self._open_as(kind)
            except DamagedError as error:
                said = said or error.message
                continue
            except WorkerDied:
                said = said or "the file system reader crashed over it"
                continue
            if facts.blocks > 1 and facts.block_size > 0:
                self._kind = kind
                return facts
        raise DamagedError(
            f"no file system that can be read here: {safe_text(said, 160)}", code="no-filesystem",
            path=self._source.path,
        )  # fmt: skip

    def _open_as(self, kind: str | None) -> Facts:
        self._start(kind)
        for name, payload in self._answers():
            if name == b"O":
                told = _facts(payload)
                if told is None:
                    raise DamagedError("a kind of file system that has no files here", code="no-filesystem")
                return told
        raise WorkerDied

    def _start(self, kind: str | None) -> None:
        self.close()
        if find_spec("pytsk3") is None:
            raise OutsideError(
                "the Python package pytsk3, which reads file systems, is not there", code="no-pytsk3",
                advice="'rescuedeck doctor' says how to get it; carving finds files without it",
            )  # fmt: skip
        mine, his = socket.socketpair()
        argv = [sys.executable, "-P", "-c", _START, _ROOT, str(his.fileno())]
        try:
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=child_environment(), pass_fds=(his.fileno(),), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            mine.close()
            raise OutsideError("cannot start the file system reader", code="no-tool") from error
        finally:
            his.close()
        self._line = mine
        mine.settimeout(QUIET_S)
        sector = self._source.sector_size if self._source.sector_size in (512, 1024, 2048, 4096) else 512
        self._ask(b"o", {"size": self._source.size, "sector": sector, "kind": kind})

    def _ask(self, kind: bytes, value: Any) -> None:
        if self._line is None:
            self.restarts += 1
            self._open_as(self._kind)
        assert self._line is not None
        try:
            wire.send_json(self._line, kind, value)
        except wire.Gone as error:
            self.close()
            raise WorkerDied from error

    def _answers(self) -> Iterator[tuple[bytes, bytes]]:
        """Messages up to the end of an answer; reads are served meanwhile. Raises ``WorkerDied``, ``DamagedError``."""
        finished = False
        try:
            heard = time.monotonic()
            while not finished:
                kind, payload = self._next()
                if kind == b"R":
                    if time.monotonic() - heard > BARREN_S:
                        raise WorkerDied
                    continue
                heard = time.monotonic()
                finished = kind in b"DEOC"
                if kind == b"E":
                    raise DamagedError(safe_text(_said(payload), 200), code="reader")
                if kind != b"D":
                    yield kind, payload
        finally:
            if not finished:  # an answer nobody heard to its end: the next question needs a clean line
                self.close()

    def _next(self) -> tuple[bytes, bytes]:
        """The next message; one that asks for bytes is served already. Raises ``WorkerDied``."""
        if self._line is None:
            raise WorkerDied
        try:
            ready, _, _ = select.select([self._line], [], [], QUIET_S)
            if not ready:
                raise TimeoutError
            kind, payload = wire.receive(self._line)
            if kind == b"R":
                self._serve(*wire.READ.unpack(payload))
        except (wire.Gone, TimeoutError, ValueError, struct.error) as error:
            self.close()
            raise WorkerDied from error
        return kind, payload

    def _serve(self, offset: int, size: int) -> None:
        assert self._line is not None
        buffer = bytearray(min(size, wire.MAX_READ))
        there = max(0, min(len(buffer), self._source.size - offset))
        if there:
            self._touched += self._source.read_into(offset, memoryview(buffer)[:there])
        try:
            self._line.sendall(buffer)
        except OSError as error:
            raise wire.Gone from error

    def _rows(self, kind: bytes, question: Any) -> Iterator[Row | Listed]:
        self._ask(kind, question)
        rows = b"[]"
        for name, payload in self._answers():
            if name == b"F":
                rows = payload
            elif name == b"X":
                yield from _unpack(rows, payload)
                rows = b"[]"


# What a worker that runs wild may do to whoever believes its answers.
_WILD = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)


def _facts(payload: bytes) -> Facts | None:
    """None for a family that is not read here. Raises ``WorkerDied`` over an answer that is none."""
    try:
        told = json.loads(payload)
        family = FAMILIES.get(int(told["type"]))
        return None if family is None else Facts(
            family, int(told["block_size"]), int(told["blocks"]), int(told["root"]), int(told["first"]),
            int(told["last"]), str(told["id"]),
        )  # fmt: skip
    except _WILD as error:
        raise WorkerDied from error


def _said(payload: bytes) -> str:
    try:
        return str(json.loads(payload))
    except (ValueError, RecursionError):
        return "it is not understood"


def _unpack(told: bytes, places: bytes) -> list[Row | Listed]:
    """Raises ``WorkerDied`` over rows that are none."""
    try:
        return list(_rows_of(json.loads(told), array("q", places)))
    except _WILD as error:
        raise WorkerDied from error


def _rows_of(rows: list[Any], runs: array[int]) -> Iterator[Row | Listed]:
    at = 0
    for row in rows:
        if row[1] is None:
            yield Listed(row[0], row[2])
            continue
        number, name, name_flags, name_type, inode, sequence, meta, told, problem = row
        streams = []
        for stream_type, stream_id, stream_name, size, flags, count in told:
            four = runs[at : at + 4 * count]
            at += 4 * count
            pieces = tuple(zip(four[0::4], four[1::4], four[2::4], four[3::4], strict=True)) if count else ()
            streams.append(Stream(stream_type, stream_id, stream_name, size, flags, pieces))
        yield Row(number, name, name_flags, name_type, inode, sequence, None if meta is None else tuple(meta),
                  tuple(streams), problem)  # fmt: skip
