"""Small formats for commands and screens: recognised, read into sheets of rows, exported, repaired, restored.

Files are opened read-only. What leaves goes through ``engine.extract`` and ``engine.atomic``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.atomic import output_file, write_all
from engine.cases.opening import open_source
from engine.errors import DamagedError, OutsideError, Problem, UsageError, outside

if TYPE_CHECKING:
    from engine.artifacts.dbf import Header, Repair, Table
    from engine.artifacts.ipd import Backup, Record
    from engine.artifacts.irremote import IrFile
    from engine.artifacts.restore_log import Log
    from engine.extract import Report, Written
    from engine.source import Source

Kind = Literal["dbf", "restore-log", "rp-log", "ipd", "irremote"]
Cell = str | int | float | bool | None
MOST_SHOWN = 10_000
"""Rows of a sheet that a screen is given; exports have all."""
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d .()/-]*\Z)")
_RESTORE_POINT = re.compile(r"RP(\d+)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows under columns. ``marks`` has a letter for each row: ``*`` deleted, ``!`` damaged, blank; ``more`` rows are
    there besides those given."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marks: tuple[str, ...]
    notes: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file as it was read: facts about it as (label, text), sheets, and what is wrong."""

    kind: Kind
    path: Path
    facts: tuple[tuple[str, str], ...]
    sheets: tuple[Sheet, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


def recognise(path: str | os.PathLike[str]) -> Kind | None:
    """Which of the formats a file is, by its name and its first bytes; None when it is none of them."""
    where = Path(path)
    try:
        with open(where, "rb") as stream:
            head = stream.read(4096)
            size = os.fstat(stream.fileno()).st_size
    except OSError:
        return None  # what cannot be read is no artifact; whoever opens it next tells why
    name, suffix = where.name.lower(), where.suffix.lower()
    if suffix == ".dbf":
        return "dbf"
    if name == "rp.log" and size == 536:
        return "rp-log"
    if re.match(r"change\.log(\.\d+)?\Z", name) and head[8:12] == b"\x12\xef\xcd\xab":
        return "restore-log"
    if head.startswith(b"Inter@ctive Pager Backup/Restore File") or (suffix == ".bbb" and head[:2] == b"PK"):
        return "ipd"
    if re.match(rb"[\x89\x99]\x12[\x63\x68]\x13\x01", head):
        return "irremote"
    return "irremote" if name == "database.dat" and head[:4] == b"\1\0\0\0" else None


def decode(
    path: str | os.PathLike[str], kind: Kind | None = None, *, map: str | os.PathLike[str] | None = None,
    sweep: bool = False,
) -> Decoded:  # fmt: skip
    """A file as sheets for a screen. Raises ``UsageError`` for an unknown kind, ``RescueError``."""
    where = Path(path)
    kind = kind or recognise(where)
    if kind is None:
        raise UsageError("that is none of the files that can be decoded", path=where)
    if kind == "dbf":
        with open_table(where, map=map) as table:
            return decoded_table(where, table)
    with open_source(where, map=map) as source:
        if kind == "ipd":
            from engine.artifacts.ipd import read_backup

            return _decoded_backup(where, read_backup(source))
        if kind == "irremote":
            from engine.artifacts.irremote import read_irremote

            return _decoded_remote(where, read_irremote(source))
        from engine.artifacts.restore_log import read_log, read_point

        if kind == "rp-log":
            point = read_point(source.read(0, 600).data)
            facts = (("point", point.description), ("event", point.event), ("type", point.type),
                     ("created", f"{point.created} UTC"))  # fmt: skip
            return Decoded(kind, where, facts, (), tuple(Problem("rp-log", one) for one in point.problems))
        return _decoded_log(where, read_log(source, sweep=sweep))


# -- dBASE


class OpenTable:
    """A table with the sources below it, closed together."""

    def __init__(self, table: Table, sources: Sequence[Source]) -> None:
        self.table, self._sources = table, sources

    def __enter__(self) -> Table:
        return self.table

    def __exit__(self, *_: object) -> None:
        for source in self._sources:
            source.close()


def open_table(
    path: str | os.PathLike[str], *, encoding: str | None = None, memo: str | os.PathLike[str] | None = None,
    map: str | os.PathLike[str] | None = None,
) -> OpenTable:  # fmt: skip
    """A table in a file, with the memo file beside it. Raises ``RescueError``; ``UsageError``: no such encoding."""
    from engine.artifacts import dbf
    from engine.artifacts.dbf.table import memo_beside
    from engine.source import FileSource

    _check_encoding(encoding)
    sources: list[Source] = [open_source(path, map=map)]
    try:
        header = dbf.parse_header(sources[0].read(0, 1 << 16).data, sources[0].size)
        beside = memo if memo is not None else memo_beside(path, header) if header.has_memo else None
        if beside is not None:
            sources.append(FileSource(beside))
        table = dbf.open_table(sources[0], encoding=encoding, memo=sources[1] if beside is not None else None)
    except BaseException:
        for source in sources:
            source.close()
        raise
    return OpenTable(table, sources)


def _check_encoding(encoding: str | None) -> None:
    if encoding is not None:
        try:
            "".encode(encoding)
            b"".decode(encoding)
        except (LookupError, UnicodeError, TypeError) as error:
            raise UsageError(f"there is no code page {encoding!r}", advice="cp437, cp850, cp1252, cp852 ...") from error


def header_facts(header: Header) -> list[tuple[str, str]]:
    """What a table's header says, in words."""
    updated = "-".join(f"{part:02d}" for part in header.updated) if header.updated else "no date"
    record = f"{header.record_length} bytes, {len(header.fields)} fields; header {header.header_length} bytes"
    facts = [("kind", f"{header.product} (0x{header.version:02X})"), ("changed", updated), ("record", record)]
    if header.backlink:
        facts.append(("belongs to", header.backlink))
    return facts


def decoded_table(path: Path, table: Table) -> Decoded:
    """A table as a sheet; the first rows of a long one."""
    columns = tuple(one.name for one in table.columns)
    rows = list(table.rows(0, MOST_SHOWN))
    marks = tuple("!" if row.damaged else "*" if row.deleted else "!" if row.problems else " " for row in rows)
    problems = (*table.problems, *(Problem("value", f"row {row.number + 1}: {one}") for row in rows[:2000]
                                   for one in row.problems))[:500]  # fmt: skip
    deleted = sum(row.deleted for row in rows)
    facts = [*header_facts(table.header), ("rows", f"{table.counted}, {deleted} of those shown are deleted"),
             ("text", table.encoding)]  # fmt: skip
    sheet = Sheet("rows", columns, tuple(row.values for row in rows), marks,
                  tuple("; ".join(row.problems) for row in rows), more=max(0, table.counted - len(rows)))  # fmt: skip
    return Decoded("dbf", path, tuple(facts), (sheet,), problems, tuple(table.notes))


def table_rows(table: Table) -> Iterator[tuple[Cell, ...]]:
    """Every row for a CSV file: the values, then number, ``deleted`` and ``damaged``."""
    for row in table.rows():
        yield (*row.values, row.number + 1, row.deleted, row.damaged)


def table_columns(table: Table) -> tuple[str, ...]:
    """The columns of ``table_rows``."""
    return (*(one.name for one in table.columns), "_row", "_deleted", "_damaged")


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair would change, or has changed. ``undeleted``: rows whose deletion is taken back."""

    made: Repair
    undeleted: tuple[int, ...]
    written: Written | None = None


def repair_table(
    path: str | os.PathLike[str], out: str | os.PathLike[str] | None = None, *,
    donor: str | os.PathLike[str] | None = None, pad: bool = False, undelete: Sequence[int] = (),
    map: str | os.PathLike[str] | None = None,
) -> Repaired:  # fmt: skip
    """The header that a damaged table should have; with ``out`` the repaired copy is written there.

    ``undelete`` are row numbers from 1. Raises ``DamagedError`` when no layout can be found, ``OutsideError``.
    """
    from datetime import UTC, datetime

    from engine.artifacts import dbf

    donor_bytes = None
    if donor is not None:
        with open_source(donor) as giving:
            donor_bytes = giving.read(0, 1 << 16).data
    with open_source(path, map=map) as source:
        day = datetime.fromtimestamp(os.stat(path).st_mtime, UTC).date()
        made = dbf.repair(source, donor=donor_bytes, memo_kind=_memo_kind(Path(path)), pad=pad,
                          date=(day.year, day.month, day.day))  # fmt: skip
        for number in undelete:
            if not 1 <= number <= made.header.records:
                raise UsageError(f"there is no row {number}", advice=f"rows 1 to {made.header.records} are there")
        rows = tuple(number - 1 for number in undelete)
        if out is None:
            return Repaired(made, rows)
        fixed = dbf.RepairedSource(source, made, undelete=rows, pad=pad)
        return Repaired(made, rows, _save(fixed, Path(out), {"repaired": str(path), "layout": made.how}))


def _memo_kind(path: Path) -> str:
    """The layout of the memo file beside a table whose header does not say it."""
    try:
        names = sorted(os.listdir(path.parent))
    except OSError as error:
        raise outside(error, "cannot look beside the table", path.parent) from error
    for name in names:
        if Path(name).stem.lower() == path.stem.lower():
            suffix = Path(name).suffix.lower()
            if suffix in (".fpt", ".smt"):
                return suffix[1:]
            if suffix == ".dbt":
                with open_source(path.with_name(name)) as memo:
                    head = memo.read(0, 1024).data.ljust(1024, b"\0")
                block = int.from_bytes(head[20:22], "little")
                return "dbt4" if block >= 64 and head[block : block + 4] == b"\xff\xff\x08\0" else "dbt3"
    return ""


def _save(content: Source, out: Path, facts: dict[str, Any]) -> Written:
    from engine.extract import Item, Options, extract

    target = out.absolute()
    if target.exists():
        raise OutsideError("the output file exists already", code="exists", path=target, advice="name another one")
    report = extract([Item(target.name, content, facts=facts)], target.parent, Options(existing="refuse"))
    if report.failed:
        problem = report.failed[0].problem
        raise DamagedError(problem.message, code=problem.code, path=target)
    return report.written[0]


# -- System Restore


_LOG_COLUMNS = ("sequence", "actions", "path", "new_path", "backup", "short_name", "time", "offset")


def log_rows(log: Log) -> Iterator[tuple[Cell, ...]]:
    """The entries under ``_LOG_COLUMNS``."""
    for one in log.entries:
        yield (one.sequence, ", ".join(one.actions), one.path, one.new_path or None, one.backup or None,
               one.short_name or None, one.time or None, one.offset)  # fmt: skip


def _decoded_log(path: Path, log: Log) -> Decoded:
    rows = tuple(log_rows(log))
    marks = tuple("!" if one.partial or one.problems else " " for one in log.entries)
    facts = [("entries", f"{len(log.entries)}, {len(log.backups)} backups with their original path")]
    facts += [("log of", volume) for volume in log.volumes[:4]]
    notes = tuple("; ".join(one.problems) for one in log.entries)
    sheet = Sheet("entries", _LOG_COLUMNS, rows[:MOST_SHOWN], marks[:MOST_SHOWN], notes[:MOST_SHOWN],
                  more=max(0, len(rows) - MOST_SHOWN))  # fmt: skip
    return Decoded("restore-log", path, tuple(facts), (sheet,), log.problems)


def log_columns() -> tuple[str, ...]:
    """The columns of ``log_rows``."""
    return _LOG_COLUMNS


def restore_tree(folder: str | os.PathLike[str], out: str | os.PathLike[str]) -> Report:
    """Copy the backups of restore points to their original paths below ``out``.

    ``folder`` is a restore point (``RPn``) or what holds several. Two backups of one path are told apart by the number
    of their point. Nothing that is there is overwritten. Raises ``RescueError``.
    """
    from engine.artifacts.restore_log import read_log
    from engine.extract import Item, extract
    from engine.source import FileSource

    items: list[Item] = []
    sources: list[Source] = []
    named: dict[str, int] = {}
    try:
        for point in _points(Path(folder)):
            match = _RESTORE_POINT.search(point.name)
            for log_path in sorted(point.glob("[cC]hange.log*")):
                with FileSource(log_path) as log:
                    backups = read_log(log).backups
                present = {entry.name.lower(): entry for entry in point.iterdir()}
                for backup, original in sorted(backups.items()):
                    found = present.get(backup.lower())
                    if found is None or not found.is_file():
                        continue
                    name = original.replace("\\", "/").lstrip("/")
                    named[name] = named.get(name, 0) + 1
                    if named[name] > 1:
                        stem, dot, suffix = name.rpartition(".")
                        tag = f" (RP{match.group(1)})" if match else f" ({named[name]})"
                        name = f"{stem}{tag}{dot}{suffix}" if dot and "/" not in suffix else f"{name}{tag}"
                    content = FileSource(found)
                    sources.append(content)
                    facts = {"backup": str(found), "original": original}
                    items.append(Item(name, content, found.stat().st_mtime, facts))
        if not items:
            raise DamagedError("no backup of the logs in there is present", code="no-backups", path=folder,
                               advice="name an RPn folder, or the _restore{...} folder above it")  # fmt: skip
        return extract(items, Path(out))
    except OSError as error:
        raise outside(error, "cannot look at the restore point", folder) from error
    finally:
        for source in sources:
            source.close()


def _points(folder: Path) -> list[Path]:
    if any(folder.glob("[cC]hange.log*")):
        return [folder]
    found = [(int(match.group(1)), one) for one in folder.iterdir() if (match := _RESTORE_POINT.match(one.name))]
    return [one for _, one in sorted(found)]


# -- phones


def _decoded_backup(path: Path, backup: Backup) -> Decoded:
    sheets = []
    for name, count in backup.databases:
        mine = [one for one in backup.records if one.database == name]
        if mine:
            shown = mine[:MOST_SHOWN]
            sheets.append(Sheet(f"{name} ({count})", backup_columns(), tuple(backup_row(one) for one in shown),
                                tuple("!" if one.problems else " " for one in shown),
                                tuple("; ".join(one.problems) for one in shown),
                                more=len(mine) - len(shown)))  # fmt: skip
    facts = (("databases", f"{len(backup.databases)}, {len(sheets)} of them with records"),
             ("records", str(len(backup.records))))  # fmt: skip
    return Decoded("ipd", path, facts, tuple(sheets), backup.problems)


def backup_columns() -> tuple[str, ...]:
    """The columns of ``backup_row``."""
    return ("database", "handle", "uid", "dates", "fields")


def backup_row(record: Record) -> tuple[Cell, ...]:
    """A record of a backup on one line."""
    dates = "; ".join(f"{one.name} {one.text} {one.zone}{' ?' if one.suspect else ''}" if one.text
                      else f"{one.name} {one.problem or 'unset'}" for one in record.dates)  # fmt: skip
    shown = sorted(record.fields, key=lambda one: (not one.name or one.text is None, not one.name))  # what says most
    words = [f"{one.name or one.type}={one.raw[:16].hex() if one.text is None else one.text}" for one in shown]
    return record.database, record.handle, record.uid, dates, "; ".join(words)


def _decoded_remote(path: Path, made: IrFile) -> Decoded:
    rows = tuple((one.id, one.type, one.vendor, one.model) for one in made.devices)
    devices = Sheet("devices", ("id", "type", "vendor", "model"), rows, (" ",) * len(rows))
    files = Sheet("files", ("id", "file_id", "device_id", "author", "rank", "xml_name"),
                  tuple((one.id, one.file_id, one.device_id, one.author, one.rank, one.xml_name or None)
                        for one in made.files), (" ",) * len(made.files))  # fmt: skip
    codes = [(one.file_id, one.remote.name, name, data) for one in made.definitions if one.remote is not None
             for name, data in one.remote.codes]  # fmt: skip
    sheet = Sheet("codes", ("file_id", "remote", "button", "code"), tuple(codes[:MOST_SHOWN]),
                  (" ",) * min(MOST_SHOWN, len(codes)), more=max(0, len(codes) - MOST_SHOWN))  # fmt: skip
    facts = [("kind", "import file" if made.kind == "ir" else "database of the program")]
    if made.signature:
        facts.append(("signature", f"{made.signature}: {'taken' if made.importable else 'refused'} by the phone"))
    return Decoded("irremote", path, tuple(facts), (devices, files, sheet), made.problems)


# -- exports


def export_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]], out: str | os.PathLike[str], *,
               force: bool = False) -> int:  # fmt: skip
    """Write a CSV file (UTF-8 with a mark, as spreadsheets want it); returns how many rows. Raises ``OutsideError``.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it: the text comes from a stranger.
    """
    count = 0
    with output_file(out, "cannot write the table", force=force) as fd:
        write_all(fd, b"\xef\xbb\xbf")
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(value) for value in row])
            count += 1
            if text.tell() > 1 << 20:
                _drain(fd, text)
        _drain(fd, text)
    return count


def _drain(fd: int, text: io.StringIO) -> None:
    write_all(fd, text.getvalue().encode("utf-8", "backslashreplace"))
    text.seek(0)
    text.truncate()


def _cell(value: Cell) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and _FORMULA.match(value):
        return "'" + value
    return value


def export_json(columns: Sequence[str], rows: Iterable[Sequence[Cell]], out: str | os.PathLike[str], *,
                force: bool = False) -> int:  # fmt: skip
    """Write one JSON document ``{"rows": [{column: value}]}``; returns how many rows. Raises ``OutsideError``."""
    count = 0
    with output_file(out, "cannot write the document", force=force) as fd:
        write_all(fd, b'{"rows": [')
        for row in rows:
            line = json.dumps(dict(zip(columns, row, strict=True)))
            write_all(fd, (b",\n" if count else b"\n") + line.encode("ascii"))
            count += 1
        write_all(fd, b"\n]}\n")
    return count


def map_rows(records: Iterable[Record]) -> Iterator[tuple[Cell, ...]]:
    """Records of a backup as rows."""
    return (backup_row(one) for one in records)


def export(
    path: str | os.PathLike[str], kind: Kind, sheet: int, out: Path, *, map: str | os.PathLike[str] | None = None
) -> int:
    """All rows of a sheet into ``out``, as JSON when its name ends so, else as CSV; returns how many."""
    write = export_json if out.suffix.lower() == ".json" else export_csv
    if kind == "dbf":
        with open_table(path, map=map) as table:
            return write(table_columns(table), table_rows(table), out)
    with open_source(path, map=map) as source:
        if kind == "restore-log":
            from engine.artifacts.restore_log import read_log

            return write(log_columns(), log_rows(read_log(source)), out)
        if kind == "ipd":
            from engine.artifacts.ipd import read_backup

            made = read_backup(source)
            names = [name for name, count in made.databases if count]
            mine = (one for one in made.records if one.database == names[sheet])
            return write(backup_columns(), map_rows(mine), out)
    found = decode(path, kind, map=map).sheets[sheet]
    return write(found.columns, found.rows, out)


def save_bytes(data: bytes, out: str | os.PathLike[str], force: bool = False) -> None:
    """Write a small file. Raises ``OutsideError``."""
    with output_file(out, force=force) as fd:
        write_all(fd, data)
