"""``rescuedeck decode``: dates, dBASE tables, System Restore logs, BlackBerry backups, IrRemote files."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.text import safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.artifacts.dbf import Table
    from engine.cases.artifacts import Repaired
    from engine.errors import Problem

_MOST_LINES = 200
_CELL = 60


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    dates = common(verbs.add_parser("dates", help="bytes read as every form of date"),
                   example="rescuedeck decode dates A8DD78859865D001")  # fmt: skip
    dates.add_argument("hex", metavar="HEX", nargs="+", help="bytes in hex, as they stand on the disk")
    dates.add_argument("--all", action="store_true", help="implausible readings too")
    table = _verb(verbs, "dbf", "a dBASE, FoxPro or Clipper table", "decode dbf customers.dbf --csv customers.csv")
    table.add_argument("--encoding", metavar="PAGE", help="the code page of its text (such as cp850)")
    table.add_argument("--memo", metavar="FILE", help="its memo file (default: the one beside it)")
    table.add_argument("--repair", metavar="OUT", help="write a copy with a rebuilt header")
    table.add_argument("--check", action="store_true", help="show what a repair would change")
    table.add_argument("--donor", metavar="FILE", help="a whole table of the same structure, for a lost header")
    table.add_argument("--pad", action="store_true", help="complete a cut last record with blanks")
    table.add_argument("--undelete", metavar="ROW", type=int, action="append", default=[],
                       help="take back the deletion of this row in the copy (repeatable)")  # fmt: skip
    log = _verb(verbs, "restore-log", "a change.log or rp.log of Windows XP", "decode restore-log RP12/change.log")
    log.add_argument("--sweep", action="store_true", help="look for entries anywhere in FILE (an image, free space)")
    log.add_argument("--restore", metavar="DIR", help="FILE is a restore point: copy its backups to their paths in DIR")
    backup = _verb(verbs, "ipd", "a BlackBerry backup (.ipd, .bbb)", "decode ipd backup.ipd --json")
    backup.add_argument("--base-year", type=int, default=1996, metavar="YEAR", help="of the dates of emails (1996)")
    backup.add_argument("--database", metavar="NAME", help="only this database")
    remote = _verb(verbs, "irremote", "a Psiloc IrRemote .ir file or database.dat",
                   "decode irremote tv.ir --lirc tv.conf")  # fmt: skip
    remote.add_argument("--lirc", metavar="OUT", help="save the remotes for LIRC")
    remote.add_argument("--importable", metavar="OUT", help="save a copy with the first byte that the phone takes")


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help: str, example: str
) -> argparse.ArgumentParser:
    verb = common(verbs.add_parser(name, help=help), example=f"rescuedeck {example}")
    verb.add_argument("file", metavar="FILE", help="the file; a disk image where it says so")
    verb.add_argument("--map", metavar="MAP", help="a ddrescue mapfile of FILE: what is not finished is unread")
    verb.add_argument("--csv", metavar="OUT", help="save the rows as CSV")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists")
    return verb


def run(args: argparse.Namespace, out: Output) -> int:
    """Decode, and print or save."""
    if args.verb == "dates":
        return _dates(args, out)
    if args.verb == "dbf":
        return _dbf(args, out)
    if args.verb == "restore-log":
        return _restore_log(args, out)
    return _ipd(args, out) if args.verb == "ipd" else _irremote(args, out)


def _dates(args: argparse.Namespace, out: Output) -> int:
    from engine.times import readings

    text = re.sub(r"[\s,:]|0[xX]", "", "".join(args.hex))
    if not text or len(text) % 2 or not re.fullmatch(r"[0-9a-fA-F]+", text) or len(text) > 128:
        raise UsageError("write pairs of hex digits", advice="rescuedeck decode dates A8DD78859865D001")
    found = readings(bytes.fromhex(text))
    out.document({"bytes": text.lower(), "readings": [
        {"name": one.name, "size": one.size, "raw": one.raw_hex, "date": None if one.unset else one.text or None,
         "unset": one.unset, "zone": one.zone, "plausible": one.plausible, "problem": one.problem} for one in found
    ]})  # fmt: skip
    shown = [one for one in found if args.all or one.plausible]
    out.table(("FORM", "BYTES", "DATE", "ZONE"), [
        (one.name, str(one.size), one.text or f"no date: {one.problem}", one.zone) for one in shown
    ], right=(1,))  # fmt: skip
    if len(shown) < len(found) and not args.all:
        out.line(f"{len(found) - len(shown)} other readings are not plausible (--all)")
    return 0 if any(one.plausible for one in found) else 1


def _dbf(args: argparse.Namespace, out: Output) -> int:
    from engine.cases import artifacts

    if args.repair is not None or args.check:
        undelete = tuple(args.undelete)
        made = artifacts.repair_table(args.file, args.repair, donor=args.donor, pad=args.pad, undelete=undelete,
                                      map=args.map)  # fmt: skip
        return _repaired(made, out)
    with artifacts.open_table(args.file, encoding=args.encoding, memo=args.memo, map=args.map) as table:
        columns = artifacts.table_columns(table)
        problems = table.problems
        damaged = 0
        if args.csv is not None:
            count = artifacts.export_csv(columns, artifacts.table_rows(table), args.csv, force=args.force)
            out.document({**_table_facts(table), "written": args.csv, "rows": count})
            out.line(f"{count} rows in {safe_text(args.csv)}")
        elif out.json:
            out.pieces(_table_document(table))
            damaged = sum(row.damaged for row in table.rows())
        else:
            for label, text in artifacts.header_facts(table.header):
                out.line(f"{label:<11}{safe_text(text)}")
            out.line(f"{'rows':<11}{table.counted}; text read as {table.encoding}")
            rows = list(table.rows(0, _MOST_LINES))
            damaged = sum(row.damaged for row in rows)
            marks = ("!" if row.damaged else "*" if row.deleted else "" for row in rows)
            out.table(("", "ROW", *(one.name for one in table.columns)),
                      [(mark, str(row.number + 1), *map(_shown, row.values))
                       for mark, row in zip(marks, rows, strict=True)], right=(1,))  # fmt: skip
            _more(out, table.counted - len(rows))
        for note in table.notes:
            out.note(note)
        _tell(out, problems)
    return 1 if problems or damaged else 0


def _shown(value: object) -> str:
    text = "" if value is None else "true" if value is True else "false" if value is False else str(value)
    return text if len(text) <= _CELL else text[: _CELL - 3] + "..."


def _more(out: Output, count: int) -> None:
    if count > 0:
        out.line(f"... and {count} more (--csv or --json has all)")


def _tell(out: Output, problems: Sequence[Problem]) -> None:
    for one in problems[:50]:
        place = f" (offset {one.offset})" if one.offset is not None else ""
        out.line(f"! {safe_text(one.message)}{place}")
    if len(problems) > 50:
        out.line(f"! and {len(problems) - 50} more")


def _problems(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [{"code": one.code, "message": one.message, "offset": one.offset} for one in problems]


def _table_facts(table: Table) -> dict[str, Any]:
    header = table.header
    return {
        "version": header.version, "product": header.product, "family": header.family,
        "updated": None if header.updated is None else "{:04d}-{:02d}-{:02d}".format(*header.updated),
        "records": header.records, "counted": table.counted, "header_length": header.header_length,
        "record_length": header.record_length, "encoding": table.encoding, "backlink": header.backlink or None,
        "fields": [{"name": one.name, "type": one.type, "length": one.length, "decimals": one.decimals,
                    "inferred": one.inferred} for one in table.columns],
        "problems": _problems(table.problems), "notes": table.notes,
    }  # fmt: skip


def _table_document(table: Table) -> Iterator[str]:
    """The facts and every record, as one document in parts."""
    yield json.dumps(_table_facts(table), indent=1)[:-2] + ',\n "rows": ['
    names = [one.name for one in table.columns]
    first = True
    for row in table.rows():
        yield ("\n" if first else ",\n") + json.dumps({
            "row": row.number + 1, "offset": row.offset, "deleted": row.deleted, "damaged": row.damaged,
            "values": dict(zip(names, row.values, strict=True)), "problems": list(row.problems),
        })  # fmt: skip
        first = False
    yield "\n]}\n"


def _repaired(made: Repaired, out: Output) -> int:
    repair, written = made.made, made.written
    out.document({
        "layout": repair.how, "needed": repair.needed, "records": repair.header.records,
        "header_length": len(repair.head), "rows_at": repair.rows_at, "record_length": repair.header.record_length,
        "changes": [{"offset": one.offset, "old_hex": one.old.hex(), "new_hex": one.new.hex()}
                    for one in repair.changes],
        "undeleted": [number + 1 for number in made.undeleted], "notes": list(repair.notes),
        "written": None if written is None else str(written.path),
        "missing_bytes": None if written is None else written.missing.total,
    })  # fmt: skip
    words = {"header": "the header", "fields": "its fields", "donor": "the donor", "rows": "the rhythm of the rows"}
    out.line(f"layout by {words[repair.how]}: {repair.header.records} rows of {repair.header.record_length} bytes, "
             f"{len(repair.header.fields)} fields")  # fmt: skip
    for one in repair.changes[:_MOST_LINES]:
        out.line(f"{one.offset:>8x}  {one.old[:24].hex(' ') or '-'}")
        out.line(f"{'':>8}  {one.new[:24].hex(' ')}" + (f"  ({len(one.new)} bytes)" if len(one.new) > 24 else ""))
    for note in repair.notes:
        out.line(f"- {note}")
    if written is not None:
        out.line(f"written: {safe_text(str(written.path))}")
    elif not repair.needed:
        out.line("nothing needs to be changed")
    return 1 if repair.how == "rows" else 0


def _restore_log(args: argparse.Namespace, out: Output) -> int:
    from engine.cases import artifacts, open_source

    if args.restore is not None:
        report = artifacts.restore_tree(args.file, args.restore)
        out.document({"written": [{"path": str(one.path), "size": one.size, "sha256": one.sha256,
                                   "original": one.item.facts["original"]} for one in report.written],
                      "failed": [one.problem.message for one in report.failed]})  # fmt: skip
        out.table(("SIZE", "PATH"), [(str(one.size), str(one.path)) for one in report.written], right=(0,))
        return 1 if report.failed else 0
    from engine.artifacts.restore_log import read_log, read_point

    if os.path.basename(args.file).lower() == "rp.log":
        with open_source(args.file, map=args.map) as source:
            point = read_point(source.read(0, 600).data)
        out.document({"point": point.to_json()})
        out.lines((f"description  {safe_text(point.description)}", f"event        {point.event} ({point.type})",
                   f"created      {point.created} UTC"))  # fmt: skip
        return 1 if point.problems else 0
    with open_source(args.file, map=args.map) as source:
        log = read_log(source, sweep=args.sweep)
    if args.csv is not None:
        artifacts.export_csv(artifacts.log_columns(), artifacts.log_rows(log), args.csv, force=args.force)
    out.document({"volumes": list(log.volumes), "entries": [one.to_json() for one in log.entries],
                  "backups": log.backups, "problems": _problems(log.problems), "unread_bytes": log.unread})  # fmt: skip
    out.lines(f"log of {safe_text(volume)}" for volume in log.volumes)
    shown = log.entries[:_MOST_LINES]
    out.table(("SEQUENCE", "WHAT", "BACKUP", "PATH"), [
        (str(one.sequence), ", ".join(one.actions)[:30], one.backup, one.path + (f" -> {one.new_path}" if one.new_path
                                                                                else "")) for one in shown
    ], right=(0,))  # fmt: skip
    _more(out, len(log.entries) - len(shown))
    _tell(out, log.problems)
    damaged = any(one.partial or one.problems for one in log.entries)
    return 1 if damaged or log.unread or (log.problems and not args.sweep) else 0


def _ipd(args: argparse.Namespace, out: Output) -> int:
    from engine.artifacts.ipd import read_backup
    from engine.cases import artifacts, open_source

    with open_source(args.file, map=args.map) as source:
        made = read_backup(source, base_year=args.base_year)
    records = [one for one in made.records if args.database in (None, one.database)]
    if args.csv is not None:
        artifacts.export_csv(artifacts.backup_columns(), map(artifacts.backup_row, records), args.csv, force=args.force)
    out.document({"databases": [{"name": name, "records": count} for name, count in made.databases],
                  "records": [one.to_json() for one in records], "problems": _problems(made.problems),
                  "lost_bytes": made.lost})  # fmt: skip
    out.table(("RECORDS", "DATABASE"), [(str(count), name) for name, count in made.databases], right=(0,))
    rows = [artifacts.backup_row(one) for one in records[:_MOST_LINES]]
    out.table(("DATABASE", "DATES", "FIELDS"), [(_shown(row[0]), _shown(row[3]), _shown(row[4])) for row in rows])
    _more(out, len(records) - len(rows))
    _tell(out, made.problems)
    return 1 if made.problems or any(one.problems for one in records) else 0


def _irremote(args: argparse.Namespace, out: Output) -> int:
    from engine.artifacts.irremote import importable, lirc, read_irremote
    from engine.cases import artifacts, open_source

    with open_source(args.file, map=args.map) as source:
        made = read_irremote(source)
        data = source.read(0, source.size).data if args.importable is not None else b""
    if args.lirc is not None:
        remotes = [one.remote for one in made.definitions if one.remote is not None]
        artifacts.save_bytes("\n".join(map(lirc, remotes)).encode("ascii", "backslashreplace"), args.lirc, args.force)
    if args.importable is not None:
        artifacts.save_bytes(importable(data), args.importable, args.force)
    if args.csv is not None:
        codes = ((one.file_id, one.remote.name, *code) for one in made.definitions if one.remote is not None
                 for code in one.remote.codes)  # fmt: skip
        artifacts.export_csv(("file_id", "remote", "button", "code"), codes, args.csv, force=args.force)
    out.document(made.to_json())
    if made.signature:
        out.line(f"signature {made.signature}: {'taken' if made.importable else 'refused'} by the phone")
    out.table(("ID", "TYPE", "VENDOR", "MODEL"), [(str(one.id), one.type, one.vendor, one.model)
                                                  for one in made.devices], right=(0,))  # fmt: skip
    out.table(("FILE", "DEVICE", "RANK", "AUTHOR"), [(str(one.file_id), str(one.device_id), str(one.rank), one.author)
                                                     for one in made.files], right=(0, 1, 2))  # fmt: skip
    for one in made.definitions:
        if one.remote is not None:
            out.line(f"definition {one.file_id}: {safe_text(one.remote.name)}, {len(one.remote.codes)} codes")
    _tell(out, made.problems)
    return 1 if any(one.code != "signature" for one in made.problems) else 0
