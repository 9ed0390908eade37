"""dBASE tables with memos and their repair, System Restore logs, BlackBerry backups, IrRemote files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from engine.artifacts.dbf.repair import RepairedSource
from engine.artifacts.dbf.repair import repair as repair_table
from engine.artifacts.dbf.table import open_table
from engine.artifacts.ipd import read_backup
from engine.artifacts.irremote import importable, lirc, read_irremote
from engine.artifacts.restore_log import read_log, read_point, shortcut
from engine.cases.artifacts import backup_row, header_facts, log_rows
from engine.errors import RescueError
from engine.extract.names import safe_name
from engine.source.extents import BytesSource
from tests.engine.artifacts import tables, test_phones, test_restore_log
from tests.engine.artifacts.tables import Col, record
from tests.fuzz.target import Target


def _split(data: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(data[:2], "little")
    return data[2 : 2 + length], data[2 + length :]


def _with(first: bytes, second: bytes = b"") -> bytes:
    return len(first).to_bytes(2, "little") + first + second


def dbf(data: bytes) -> object:
    """A table and its memo: header, rows, what is wrong."""
    body, memo = _split(data)
    table = open_table(BytesSource(body), memo=BytesSource(memo) if memo else None)
    rows = list(itertools.islice(table.rows(), 2000))
    return header_facts(table.header), table.problems, [row.problems for row in rows]


def dbf_repair(data: bytes) -> object:
    """A damaged table, also with a donor, and the repaired one read again."""
    body, donor = _split(data)
    source = BytesSource(body)
    told: list[object] = []
    for options in ({}, {"donor": donor}, {"pad": True}):
        try:
            made = repair_table(source, **options)
            mended = RepairedSource(source, made, pad=bool(options.get("pad")))
            table = open_table(mended)
            told.append((made, [row.problems for row in itertools.islice(table.rows(), 200)]))
        except RescueError as error:
            told.append(error.message)
    return told


def _tables() -> Iterator[bytes]:
    people = (Col("NAME", "C", 14), Col("BORN", "D", 8), Col("SUM", "N", 9, 2), Col("OK", "L", 1))
    rows = [record(people, (b"Anna%d" % n, b"19530404", b"%d.03" % n, b"T"), deleted=n == 3) for n in range(6)]
    memo_columns = (Col("N", "N", 4), Col("TEXT", "M", 10))
    memo_rows = [record(memo_columns, (b"%d" % n, b"%d" % (n + 1))) for n in range(3)]
    for version in (0x03, 0x30, 0x04, 0xF5):
        yield _with(tables.standard(people, rows, version=version))
    yield _with(tables.standard(memo_columns, memo_rows, version=0x83), tables.dbt3([b"one", b"two", b"three"]))
    yield _with(tables.standard(memo_columns, memo_rows, version=0x8B), tables.dbt4([b"one", b"two", b"three"]))
    yield _with(tables.standard(memo_columns, memo_rows, version=0xF5), tables.fpt([(1, b"one"), (0, b"\1\2")])[0])
    yield _with(tables.dbase2(people[:1], [record(people[:1], (b"x",))]))
    yield _with(tables.level7(people, rows))
    good = tables.standard(people, rows)
    yield _with(bytes(32) + good[32:], good[:200])
    yield _with(good[:12] + b"\xff\xff" + good[14:], good)


def restore(data: bytes) -> object:
    """change.log and rp.log of System Restore, and the shortcut through it."""
    log = read_log(BytesSource(data), sweep=bool(data[:1] and data[-1] & 1))
    for one in log.entries:
        assert ".." not in safe_name(one.path.replace("\\", "/")).split("/")
    shortcut(data)
    told: list[object] = [log.problems, len(list(log_rows(log)))]
    try:
        told.append(read_point(data).problems)
    except RescueError as error:
        told.append(error.message)
    return told


def _logs() -> Iterator[bytes]:
    whole = test_restore_log.whole()
    yield whole[:4000]
    yield test_restore_log.header() + b"\0" * 20 + test_restore_log.entry(1, "\\a.dll", flags=31) + b"\1"
    yield b"\0" * 16 + "Software installed".encode("utf-16-le").ljust(512, b"\0") + bytes(8)


def backup(data: bytes) -> object:
    """A BlackBerry backup, plain or zipped."""
    read = read_backup(BytesSource(data))
    return len([backup_row(one) for one in read.records[:2000]]), read.problems


def _backups() -> Iterator[bytes]:
    yield test_phones.ipd(test_phones.NAMES, test_phones.RECORDS)
    yield test_phones.bbb({"SMS Messages": b"x" * 40, "Calendar": b"\1\2"})


def remote(data: bytes) -> object:
    """An IrRemote database and what is made of it."""
    read = read_irremote(BytesSource(data))
    json.dumps(read.to_json())
    importable(data)
    made = [lirc(one.remote).splitlines() for one in read.definitions[:20] if one.remote]
    return read.problems, made


def _remotes() -> Iterator[bytes]:
    yield test_phones.ir()
    yield test_phones.ir(rank=3, tail=bytes(5))


TARGETS = (
    Target("dbf", dbf, lambda: _tables(), runs=600, longest=8192),
    Target("dbf-repair", dbf_repair, lambda: _tables(), runs=150, longest=8192),
    Target("restore-log", restore, lambda: _logs(), runs=600, longest=8192),
    Target("ipd", backup, lambda: _backups(), runs=600, longest=8192),
    Target("irremote", remote, lambda: _remotes(), runs=600, longest=8192),
)
