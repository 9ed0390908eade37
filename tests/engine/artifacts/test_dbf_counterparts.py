"""dBASE tables beside dbfread, and tables that LibreOffice wrote and opens again after a repair."""

from __future__ import annotations

import csv
import datetime
import random
import shutil
import subprocess
from pathlib import Path

import dbfread
import pytest

from engine.artifacts.dbf import RepairedSource, parse_header, repair
from engine.artifacts.dbf.table import Table, open_file, open_table
from engine.source.extents import BytesSource
from tests.engine.artifacts.tables import Col, dbt3, dbt4, fpt, record, standard
from tests.engine.artifacts.test_dbf import TABLES, generated
from tests.support import find_tool, needs_file, needs_tool


def theirs(path: Path, **options: object) -> list[tuple[object, ...]]:
    """Rows as dbfread reads them, in the forms of ours."""
    def plain(value: object) -> object:
        if isinstance(value, datetime.date):
            return value.isoformat()
        return value

    return [tuple(plain(value) for value in row.values()) for row in dbfread.DBF(path, **options)]  # type: ignore[arg-type]


def ours(table: Table) -> list[tuple[object, ...]]:
    return [row.values for row in table.rows() if not row.deleted]


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("dBASE 7", "dBASE II", "FoxPro 2")])
def test_rows_agree_with_dbfread(tmp_path: Path, name: str) -> None:
    path = tmp_path / "table.dbf"
    path.write_bytes(TABLES[name])
    table = open_file(path, encoding="cp437")
    known = theirs(path, encoding="cp437", ignore_missing_memofile=True)
    left = [row[:4] for row in ours(table)]
    assert left == [row[:4] for row in known]


@pytest.mark.parametrize("seed", range(12))
def test_generated_tables_agree_with_dbfread(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "table.dbf"
    path.write_bytes(generated(seed)[0])
    assert ours(open_file(path, encoding="cp437")) == theirs(path, encoding="cp437")
    deleted = dbfread.DBF(path, encoding="cp437", load=True).deleted
    assert sum(row.deleted for row in open_file(path).rows()) == len(deleted)


@pytest.mark.parametrize(("version", "kind"), [(0x83, "dbt3"), (0x8B, "dbt4"), (0xF5, "fpt")])
def test_memos_agree_with_dbfread(tmp_path: Path, version: int, kind: str) -> None:
    columns = (Col("ID", "N", 4), Col("NOTE", "M", 10))
    texts = [b"first", b"x" * 1500, b"third \x84"]
    memo, blocks = {"dbt3": (dbt3(texts), [1, 2, 5]), "dbt4": (dbt4(texts), [1, 2, 5]),
                    "fpt": fpt([(1, text) for text in texts])}[kind]  # fmt: skip
    rows = [record(columns, (b"%d" % at, b"%10d" % block)) for at, block in enumerate(blocks)]
    (tmp_path / "t.dbf").write_bytes(standard(columns, rows, version=version, code_page=1))
    (tmp_path / ("t.fpt" if kind == "fpt" else "t.dbt")).write_bytes(memo)
    # dbfread takes the eight bytes of a dBASE IV memo's head for a part of its text: zeros behind the end.
    known = [(number, str(text).rstrip("\0")) for number, text in theirs(tmp_path / "t.dbf")]
    assert ours(open_file(tmp_path / "t.dbf")) == known


def office(folder: Path, source: Path, to: str, *, read_as: str = "") -> None:
    subprocess.run(
        [find_tool("soffice") or "soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless",
         *([f"--infilter={read_as}"] if read_as else []), "--convert-to", to, "--outdir", str(folder / "out"),
         str(source)],
        check=True, capture_output=True, timeout=150, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that LibreOffice wrote: text, numbers, dates and truths of 300 people."""
    needs_tool("soffice")
    needs_file("/usr/lib/libreoffice/program/libdbaselo.so", "LibreOffice's driver for dBASE tables")
    folder = tmp_path_factory.mktemp("office")
    pick = random.Random(11)
    names = ["Anna Schmidt", "Bob", "Charlotte Evans-Hill", "Dieter Müller", "Ève"]
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["NAME,C,24", "BORN,D", "PAID,N,12,2", "MEMBER,L", "CITY,C,18"])
        for at in range(300):
            day = f"19{50 + at % 50}-{1 + at % 12:02d}-{1 + at % 28:02d}"
            city = pick.choice(["Hamburg", "Oslo", "St. Petersburg", "Ulm", "New York City"])
            name = names[at] if at < 5 else pick.choice(names)
            writer.writerow([name, day, f"{at * 37.25:.2f}", "TRUE" if at % 3 else "FALSE", city])
    office(folder, folder / "people.csv", "dbf:dBase:4", read_as="CSV:44,34,76,1")
    return folder / "out" / "people.dbf"


@pytest.mark.full
def test_a_table_by_libreoffice(written: Path) -> None:
    table = open_file(written)
    assert not table.header.problems and table.counted == 300, table.problems
    rows = list(table.rows())
    assert [field.type for field in table.columns][:3] == ["C", "D", "N"], table.columns
    assert rows[3].values[:3] == ("Dieter Müller", "1953-04-04", 111.75)
    known = theirs(written, encoding=table.encoding)
    assert [row.values for row in rows] == known


@pytest.mark.full
def test_a_damaged_table_by_libreoffice_comes_back(written: Path, tmp_path: Path) -> None:
    good = written.read_bytes()
    header = parse_header(good, len(good))
    for name, damaged in {
        "count": good[:4] + bytes(4) + good[8:], "lengths": good[:8] + b"\xff\xff\0\0" + good[12:],
        "beginning": bytes(12) + good[12:],
    }.items():  # fmt: skip
        source = BytesSource(damaged)
        made = repair(source, date=header.updated)
        fixed = RepairedSource(source, made)
        got = fixed.read(0, fixed.size).data
        differing = [at for at, (a, b) in enumerate(zip(good, got, strict=True)) if a != b]
        assert set(differing) <= ({0, 1, 2, 3, 29} if name == "beginning" else set()), (name, differing)
    source = BytesSource(bytes(header.header_length) + good[header.header_length :])
    made = repair(source)
    assert made.header.record_length == header.record_length and made.rows_at == header.header_length
    fixed = RepairedSource(source, made)
    (tmp_path / "guessed.dbf").write_bytes(fixed.read(0, fixed.size).data)
    office(tmp_path, tmp_path / "guessed.dbf", "csv:Text - txt - csv (StarCalc):44,34,76,1")
    lines = list(csv.reader((tmp_path / "out" / "guessed.csv").open(encoding="utf-8")))
    assert len(lines) == 301 and "Anna Schmidt" in lines[1][0]
    shutil.rmtree(tmp_path / "out")
    donated = RepairedSource(source, repair(source, donor=good[: header.header_length]))
    assert donated.read(0, donated.size).data == good
    assert open_table(donated).counted == 300
