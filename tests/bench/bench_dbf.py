"""dBASE tables: reading every value beside dbfread, and finding the layout of a table whose header is gone."""

from __future__ import annotations

import random

import dbfread

from engine.artifacts.dbf import parse_header, repair
from engine.artifacts.dbf.table import open_file
from engine.source.extents import BytesSource
from tests.bench.report import Report
from tests.engine.artifacts.tables import Col, record, standard

_COLUMNS = (
    Col("NAME", "C", 24), Col("BORN", "D", 8), Col("PAID", "N", 12, 2), Col("MEMBER", "L", 1), Col("CITY", "C", 18)
)  # fmt: skip


def run(report: Report) -> None:
    """Rows of five fields."""
    for count in report.sizes(10_000, 100_000, 300_000):
        path = report.folder / f"{count}.dbf"
        data = _table(count)
        path.write_bytes(data)

        def ours(path=path) -> None:  # type: ignore[no-untyped-def]
            for _ in open_file(path, encoding="cp850").rows():
                pass

        def theirs(path=path) -> None:  # type: ignore[no-untyped-def]
            for _ in dbfread.DBF(path, encoding="cp850"):
                pass

        report.against(f"every value of {count} rows", ours, theirs, "dbfread", rounds=2)
        header = parse_header(data, len(data))
        lost = BytesSource(bytes(header.header_length) + data[header.header_length :])
        report.time(f"layout without a header, {count} rows", lambda lost=lost: repair(lost), 2)  # type: ignore[misc]
        path.unlink()


def _table(count: int) -> bytes:
    pick = random.Random(3)
    names = [b"Anna Schmidt", b"Bob", b"Charlotte Evans-Hill", b"Dieter M\x81ller", b"Eve"]
    cities = [b"Hamburg", b"Oslo", b"St. Petersburg", b"Ulm", b"New York City"]
    rows = [
        record(_COLUMNS, (pick.choice(names), b"%d%02d%02d" % (pick.randint(1950, 1999), pick.randint(1, 12),
                                                              pick.randint(1, 28)),
                          b"%d.%02d" % (pick.randint(0, 99999), pick.randint(0, 99)), pick.choice((b"T", b"F")),
                          pick.choice(cities)), deleted=pick.random() < 0.05)
        for _ in range(count)
    ]  # fmt: skip
    return standard(_COLUMNS, rows, code_page=2)
