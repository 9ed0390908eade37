"""Reading a job's journal: incrementally, across its rotation, past lines that a crash cut."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from engine.errors import NotFoundError, outside
from engine.jobs.directory import JOURNAL, JOURNAL_OLD, JobDirectory
from engine.jobs.model import Event

SEGMENT_BYTES = 4 << 20
"""A journal file is put aside at this size, and one older is kept: a journal never takes more than twice as much."""
MAX_LINE = 64 << 10
_CHUNK = 1 << 20


def parse_line(line: bytes) -> Event | None:
    """One line as an event, None when it is damaged."""
    if len(line) > MAX_LINE:
        return None
    try:
        entry: Any = json.loads(line)
        return Event(int(entry.pop("seq")), float(entry.pop("time")), str(entry.pop("event")), entry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


class JournalTail:
    """What was appended since the last look. Any number of tails may read one journal; none disturbs its writer.

    ``missed`` counts events that were rotated away, or never reached the disk, before this tail could read them;
    ``damaged`` counts lines that do not parse.
    """

    def __init__(self, directory: str | os.PathLike[str], *, after: int = 0) -> None:
        self._path = Path(directory)
        self._seq = after
        self._first = after == 0
        self._inode: tuple[int, int] | None = None
        self._offset = 0
        self._skipping = False
        self.missed = 0
        self.damaged = 0

    @property
    def seq(self) -> int:
        """The number of the last event read."""
        return self._seq

    def read(self) -> list[Event]:
        """The new events, oldest first; none when the job is gone. Raises ``RefusedError``, ``OutsideError``."""
        try:
            with JobDirectory(self._path) as directory:
                return self._read(directory)
        except NotFoundError:
            return []

    def _read(self, directory: JobDirectory) -> list[Event]:
        events: list[Event] = []
        current = directory.open_to_read(JOURNAL)
        try:
            inode = _inode(current)
            if self._inode is None or inode != self._inode:
                self._finish_older(directory, inode, events)
            if current is not None:
                self._drain(current, events)
        except OSError as error:
            raise outside(error, "cannot read the journal", directory.path / JOURNAL) from error
        finally:
            if current is not None:
                os.close(current)
        return events

    def _finish_older(self, directory: JobDirectory, inode: tuple[int, int] | None, events: list[Event]) -> None:
        older = directory.open_to_read(JOURNAL_OLD)
        if older is not None:
            try:
                if _inode(older) != self._inode:
                    self._offset = 0
                self._drain(older, events)
            finally:
                os.close(older)
        self._inode = inode
        self._offset = 0
        self._skipping = False

    def _drain(self, fd: int, events: list[Event]) -> None:
        if os.fstat(fd).st_size < self._offset:  # not the file we knew: its inode was used again
            self._offset = 0
        while True:
            data = os.pread(fd, _CHUNK, self._offset)
            end = data.rfind(b"\n") + 1
            if end == 0:
                if len(data) == _CHUNK:  # a line without end: passed over, not collected
                    self._skipping = True
                    self._offset += len(data)
                    continue
                return  # the last line is still being written, or was cut: it counts when its newline is there
            for line in data[: end - 1].split(b"\n"):
                self._take(line, events)
            self._offset += end

    def _take(self, line: bytes, events: list[Event]) -> None:
        if self._skipping:
            self._skipping = False
            self.damaged += 1
            return
        if not line:
            return
        event = parse_line(line)
        if event is None:
            self.damaged += 1
            return
        if event.seq <= self._seq:
            return
        if not self._first:
            self.missed += event.seq - self._seq - 1
        self._first = False
        self._seq = event.seq
        events.append(event)


def _inode(fd: int | None) -> tuple[int, int] | None:
    if fd is None:
        return None
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def last_seq(directory: JobDirectory) -> int:
    """The number of the last whole event on disk, 0 when there is none."""
    for name in (JOURNAL, JOURNAL_OLD):
        fd = directory.open_to_read(name)
        if fd is None:
            continue
        try:
            size = os.fstat(fd).st_size
            tail = os.pread(fd, 4 * MAX_LINE, max(0, size - 4 * MAX_LINE))
        except OSError as error:
            raise outside(error, "cannot read the journal", directory.path / name) from error
        finally:
            os.close(fd)
        numbers = [event.seq for event in map(parse_line, tail.split(b"\n")) if event is not None]
        if numbers:
            return max(numbers)
    return 0
