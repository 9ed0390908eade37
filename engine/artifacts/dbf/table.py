"""A table over a source: its rows, live, deleted and damaged, read as they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.artifacts.dbf.codepages import encoding_of
from engine.artifacts.dbf.header import MOST, parse_header
from engine.artifacts.dbf.memo import Memo
from engine.artifacts.dbf.model import FLAGS, VERSIONS, FieldDef, Header, Row, Value
from engine.artifacts.dbf.rows import count_rows
from engine.artifacts.dbf.values import BadValue, Reader
from engine.errors import DamagedError, Problem
from engine.source import FileSource, Source

_CHUNK = 1 << 20
_SUFFIXES = {"dbt3": (".dbt",), "dbt4": (".dbt",), "fpt": (".fpt", ".dct"), "smt": (".smt",)}


class Table:
    """Rows of ``header`` in ``source``. ``counted`` is how many whole records there are by size and flags; the
    header's own count may be another. ``notes`` are things to know about how it is read."""

    def __init__(
        self, source: Source, header: Header, *, encoding: str | None = None, memo: Memo | None = None
    ) -> None:
        """``encoding`` overrides the declared code page. Raises ``DamagedError`` when no row can be read."""
        self.source, self.header, self.memo = source, header, memo
        if header.record_length < 1 or (not header.fields and header.record_length > 1):
            raise DamagedError("its header is damaged: no rows can be told", code="dbf-header", path=source.path,
                               advice="repair it: decode dbf FILE --repair OUT")  # fmt: skip
        sample = source.read(header.header_length, 1 << 16).data if not header.code_page else b""
        found, note = encoding_of(header.code_page, header.driver, sample)
        self.encoding = encoding or found
        self.notes: list[str] = [note] if note and encoding is None else []
        if header.encrypted:
            self.notes.append("the header says that the rows are encrypted")
        if header.incomplete:
            self.notes.append("a transaction was not complete")
        if header.has_memo and memo is None:
            self.notes.append("its memo file is not there: memo fields show block numbers")
        self._reader = Reader(header, self.encoding, memo)
        self._plain = [(one, one.offset, one.offset + one.length, self._reader.of(one)) for one in self.columns]
        self._nulls = next((field for field in header.fields if field.type == "0"), None)
        self._special = self._nulls is not None or (header.is_foxpro and any(one.type in "VQ" for one in self.columns))
        self.counted = count_rows(source, header.header_length, header.record_length, header.records)

    @property
    def columns(self) -> tuple[FieldDef, ...]:
        """The fields that hold data (not FoxPro's own column of null flags)."""
        return tuple(field for field in self.header.fields if field.type != "0")

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the header, and where its count differs from the rows."""
        found = list(self.header.problems)
        if self.counted != self.header.records:
            words = f"the header counts {self.header.records} records, there are {self.counted}"
            found.append(Problem("count", words, 4))
        return tuple(found)

    def rows(self, start: int = 0, count: int | None = None) -> Iterator[Row]:
        """Rows from number ``start`` (0 is the first) on, at most ``count``."""
        length, first = self.header.record_length, self.header.header_length
        end = self.counted if count is None else min(self.counted, start + count)
        step = max(1, _CHUNK // length)
        for begin in range(start, end, step):
            number = min(step, end - begin)
            reading = self.source.read(first + begin * length, number * length)
            for index in range(number):
                offset = reading.offset + index * length
                raw = reading.data[index * length : (index + 1) * length]
                holes = [(max(0, low - offset), min(length, high - offset)) for low, high in reading.holes
                         if low < offset + length and high > offset]  # fmt: skip
                yield self._row(begin + index, offset, raw, holes)

    def _row(self, number: int, offset: int, raw: bytes, holes: list[tuple[int, int]]) -> Row:
        if holes or self._special:
            return self._any_row(number, offset, raw, holes)
        return self._plain_row(number, offset, raw)

    def _plain_row(self, number: int, offset: int, raw: bytes) -> Row:
        """A row that was read whole, of fields without null flags."""
        values: list[Value] = []
        problems: list[str] = []
        reader = self._reader
        for field, low, high, read in self._plain:
            try:
                values.append(read(reader, field, raw[low:high]))
            except BadValue as error:
                values.append(None)
                problems.append(f"{field.name}: {error}")
        flag = raw[0]
        return Row(number, offset, flag == 0x2A, flag not in FLAGS, tuple(values), tuple(problems))

    def _any_row(self, number: int, offset: int, raw: bytes, holes: list[tuple[int, int]]) -> Row:
        values: list[Value] = []
        problems: list[str] = []
        nulls = raw[self._nulls.offset : self._nulls.offset + self._nulls.length] if self._nulls is not None else b""
        if self._nulls is not None and _touched(self._nulls, holes):
            problems.append("which fields are empty was never read")
            nulls = b""
        bit = 0
        for field in self.header.fields:
            if field.type == "0":
                continue
            data = raw[field.offset : field.offset + field.length]
            varying = field.type in "VQ" and self.header.is_foxpro
            short = varying and _bit(nulls, bit)
            bit += varying
            null = bool(field.flags & 2) and _bit(nulls, bit)
            bit += bool(field.flags & 2)
            if _touched(field, holes):
                values.append(None)
                problems.append(f"{field.name}: never read")
            elif null:
                values.append(None)
            else:
                if varying:
                    data = data[: min(data[-1], len(data) - 1)] if short else data
                try:
                    values.append(self._reader.text(data) if field.type == "V" and varying
                                  else self._reader.value(field, data))  # fmt: skip
                except BadValue as error:
                    values.append(None)
                    problems.append(f"{field.name}: {error}")
        flag_lost = any(low <= 0 < high for low, high in holes)
        damaged = bool(holes) or raw[0] not in FLAGS
        return Row(number, offset, raw[0] == 0x2A and not flag_lost, damaged, tuple(values), tuple(problems))


def _touched(field: FieldDef, holes: list[tuple[int, int]]) -> bool:
    return any(low < field.offset + field.length and high > field.offset for low, high in holes)


def _bit(data: bytes, number: int) -> bool:
    return number // 8 < len(data) and bool(data[number // 8] >> number % 8 & 1)


def open_table(
    source: Source, *, encoding: str | None = None, memo: Source | None = None, header: Header | None = None
) -> Table:
    """The table in a source; ``header`` when it is known better. Raises ``DamagedError``: no rows can be told."""
    if header is None:
        header = parse_header(source.read(0, MOST).data, source.size)
        if any(low < header.header_length for low, _ in source.holes):
            lost = Problem("unread", "a part of the header was never read", 0)
            header = replace(header, problems=(*header.problems, lost))
    kind = VERSIONS.get(header.version, ("", ""))[1] or ("dbt3" if header.has_memo else "")
    made = Memo(memo, kind) if memo is not None and kind else None
    return Table(source, header, encoding=encoding, memo=made)


def memo_beside(path: str | os.PathLike[str], header: Header) -> Path | None:
    """The memo file that belongs to a table, whatever the case of its name."""
    table = Path(path)
    kind = VERSIONS.get(header.version, ("", ""))[1]
    wanted = {suffix for name in ([kind] if kind else _SUFFIXES) for suffix in _SUFFIXES[name]}
    try:
        names = sorted(os.listdir(table.parent))
    except OSError:
        return None  # a folder that cannot be listed has no memo file to offer; the table itself is read all the same
    for name in names:
        if Path(name).stem.lower() == table.stem.lower() and Path(name).suffix.lower() in wanted:
            return table.with_name(name)
    return None


def open_file(
    path: str | os.PathLike[str], *, encoding: str | None = None, memo: str | os.PathLike[str] | None = None
) -> Table:
    """The table in a file, with the memo file beside it. Raises ``RescueError``."""
    source = FileSource(path)
    header = parse_header(source.read(0, MOST).data, source.size)
    beside = memo if memo is not None else memo_beside(path, header) if header.has_memo else None
    return open_table(source, encoding=encoding, memo=FileSource(beside) if beside is not None else None)
