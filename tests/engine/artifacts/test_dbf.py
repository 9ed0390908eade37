"""dBASE tables of all families: read, with deleted rows, memos and code pages; damaged ones rebuilt byte for byte."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.artifacts.dbf import RepairedSource, Table, open_table, parse_header, repair
from engine.artifacts.dbf.codepages import encoding_of
from engine.artifacts.dbf.model import VERSIONS
from engine.artifacts.dbf.period import find_period
from engine.artifacts.dbf.table import open_file
from engine.errors import DamagedError
from engine.ranges import RangeSet
from engine.source import HoleSource, Source
from engine.source.extents import BytesSource
from tests.engine.artifacts.tables import PEOPLE, Col, dbase2, dbt3, dbt4, fpt, level7, people, record, standard


def table(data: bytes, memo: bytes | None = None, encoding: str | None = None) -> Table:
    return open_table(BytesSource(data), memo=BytesSource(memo) if memo is not None else None, encoding=encoding)


def values(data: bytes, memo: bytes | None = None) -> list[tuple[object, ...]]:
    return [row.values for row in table(data, memo).rows()]


def test_a_plain_table() -> None:
    made = table(standard(PEOPLE, people(), code_page=0x02))
    assert made.header.product.startswith("dBASE III") and made.header.updated == (2005, 3, 14)
    assert not made.problems and made.counted == 30
    rows = list(made.rows())
    assert rows[3].values == ("Dieter Müller", "1953-04-04", 111.03, True)
    assert [row.number for row in rows if row.deleted] == [6, 13, 20, 27]
    assert rows[6].values[0] == "Bob" and not rows[6].damaged
    assert [row.number for row in made.rows(28, 10)] == [28, 29]


@pytest.mark.parametrize("version", sorted(set(VERSIONS) - {0x02, 0x04, 0x8C}))
def test_every_version_is_named_and_read(version: int) -> None:
    made = table(standard(PEOPLE, people(), version=version))
    assert made.header.version == version and made.header.product != "unknown"
    assert not made.header.problems and len(list(made.rows())) == 30


def test_dbase_2_is_told_by_its_layout_and_not_by_its_byte() -> None:
    columns = (Col("EMP:NMBR", "N", 5), Col("NAME", "C", 12), Col("OK", "L", 1))
    rows = [record(columns, (b"%d" % at, b"Name%d" % at, b"T"), deleted=at == 3) for at in range(9)]
    made = table(dbase2(columns, rows))
    assert made.header.family == "dbase2" and made.header.updated == (1984, 7, 21)
    assert [field.name for field in made.columns] == ["EMP:NMBR", "NAME", "OK"]
    got = list(made.rows())
    assert len(got) == 9 and got[4].values == (4, "Name4", True) and got[3].deleted
    # The same byte before a table of the ordinary layout.
    other = bytearray(standard(PEOPLE, people()))
    other[0] = 2
    assert parse_header(bytes(other), len(other)).family == "standard"


def test_level_7_with_its_own_types() -> None:
    columns = (Col("A name of more than ten", "C", 10), Col("ID", "+", 4), Col("COUNT", "I", 4), Col("RATIO", "O", 8))

    def inverted(value: int) -> bytes:
        return struct.pack(">I", (value + (1 << 31)) & 0xFFFFFFFF)

    def double(value: float) -> bytes:
        bits = struct.unpack(">Q", struct.pack(">d", value))[0]
        return struct.pack(">Q", bits ^ (1 << 63) if value >= 0 else bits ^ (1 << 64) - 1)

    rows = [record(columns, (b"x", inverted(1), inverted(-5), double(-2.5))),
            record(columns, (b"\x84", inverted(2), inverted(7), double(1.25)))]  # fmt: skip
    made = table(level7(columns, rows, properties=b"\x01\x02properties" * 9))
    assert made.header.family == "level7" and made.encoding == "cp850" and not made.problems
    assert values(level7(columns, rows)) == [("x", 1, -5, -2.5), ("ä", 2, 7, 1.25)]
    assert made.header.fields[0].name == "A name of more than ten"


def test_foxpro_types_nulls_and_varchars() -> None:
    columns = (Col("V", "V", 10, flags=2), Col("I", "I", 4), Col("D", "B", 8), Col("Y", "Y", 8), Col("T", "T", 8),
               Col("N", "C", 5, flags=2), Col("Q", "Q", 4), Col("_NullFlags", "0", 1, flags=5))  # fmt: skip

    def row(v: bytes, n: bytes, bits: int) -> bytes:
        return (b" " + v.ljust(10, b"\0") + struct.pack("<idqII", -7, 1.5, -123456, 2451604, 43200000)
                + n.ljust(5) + b"\1\2\3\2" + bytes([bits]))  # fmt: skip

    # Bits: V varies, V is null, N is null, Q varies.
    rows = [row(b"full field", b"abc", 0b1000), row(b"ab".ljust(9, b"\0") + b"\2", b"abc", 0b0001),
            row(b"", b"", 0b0110)]  # fmt: skip
    got = values(standard(columns, rows, version=0x32))
    assert got[0][:6] == ("full field", -7, 1.5, -12.3456, "2000-02-29 12:00:00.000", "abc") and got[0][6] == "01 02"
    assert got[1][0] == "ab" and got[1][6] == "01 02 03 02"
    assert got[2][0] is None and got[2][5] is None
    linked = table(standard(columns, rows, version=0x30, backlink=b"..\\data.dbc"))
    assert linked.header.backlink == "..\\data.dbc"


def test_values_that_are_none() -> None:
    columns = (Col("N", "N", 6, 2), Col("D", "D", 8), Col("L", "L", 1), Col("BIG", "N", 20))
    rows = [record(columns, cells) for cells in (
        (b"******", b"", b"?", b"12345678901234567890"), (b"", b"20010229", b"x", b"1e5"),
        (b"-1.5", b"00000000", b"", b"1.5x"), (b"1,25", b"19991231", b"n", b""),
    )]  # fmt: skip
    made = list(table(standard(columns, rows)).rows())
    assert made[0].values == (None, None, None, 12345678901234567890)
    assert made[0].problems == ("N: overflow: the number did not fit",)
    assert made[1].values == (None, None, None, 100000.0)
    assert any("day 29" in one for one in made[1].problems) and any("neither true" in one for one in made[1].problems)
    assert made[2].values == (-1.5, None, None, None)
    assert made[3].values == (1.25, "1999-12-31", False, None)


def test_names_with_garbage_and_long_text() -> None:
    columns = (Col("TEXT", "C", 700), Col("N", "N", 4))
    rows = [record(columns, (b"x" * 650, b"12"))]
    made = table(standard(columns, rows, version=0xF5, garbage=True))
    assert [field.name for field in made.columns] == ["TEXT", "N"] and made.columns[0].length == 700
    assert next(iter(made.rows())).values == ("x" * 650, 12)


def test_no_fields_no_rows_no_end_mark() -> None:
    assert table(standard((), ())).counted == 0
    assert table(standard(PEOPLE, ())).counted == 0
    assert table(standard(PEOPLE, people(), end=b"")).counted == 30
    assert table(standard(PEOPLE, people(), end=b"\x1a" * 77)).counted == 30


@pytest.mark.parametrize(("version", "kind"), [(0x83, "dbt3"), (0x8B, "dbt4"), (0xF5, "fpt")])
def test_memos(version: int, kind: str) -> None:
    columns = (Col("ID", "N", 4), Col("NOTE", "M", 10))
    texts = [b"first\r\nline", b"x" * 1500, b"third \x84"]
    memo, blocks = {"dbt3": (dbt3(texts), [1, 2, 5]), "dbt4": (dbt4(texts), [1, 2, 5]),
                    "fpt": fpt([(1, text) for text in texts])}[kind]  # fmt: skip
    rows = [record(columns, (b"%d" % at, b"%10d" % block)) for at, block in enumerate([*blocks, 0, 9999])]
    rows.append(record(columns, (b"6", b"")))
    data = standard(columns, rows, version=version, code_page=0x01)
    got = list(table(data, memo).rows())
    assert [row.values[1] for row in got] == ["first\r\nline", "x" * 1500, "third ä", None, None, None]
    assert "behind the end" in got[4].problems[0]
    without = table(data)
    assert any("memo file is not there" in note for note in without.notes)
    assert "there is no memo file" in next(iter(without.rows())).problems[0]


def test_foxpro_memo_by_four_bytes_and_a_damaged_entry() -> None:
    columns = (Col("NOTE", "M", 4), Col("OBJ", "G", 4))
    memo, blocks = fpt([(1, b"text"), (2, b"\0\1binary")])
    rows = [b" " + struct.pack("<II", *blocks), b" " + struct.pack("<II", blocks[0] + 1, 0)]
    damaged = bytearray(memo)
    damaged[576:584] = b"\xff" * 8
    got = list(table(standard(columns, rows, version=0x30), memo).rows())
    assert got[0].values == ("text", "<binary, 8 bytes>")
    got = list(table(standard(columns, rows, version=0x30), bytes(damaged)).rows())
    assert any("impossible length" in problem for row in got for problem in row.problems)


def test_the_memo_file_beside_is_found(tmp_path: Path) -> None:
    columns = (Col("NOTE", "M", 10),)
    (tmp_path / "Table.DBF").write_bytes(standard(columns, [record(columns, (b"1",))], version=0x83))
    (tmp_path / "TABLE.dbt").write_bytes(dbt3([b"beside"]))
    assert [row.values for row in open_file(tmp_path / "Table.DBF").rows()] == [("beside",)]


@pytest.mark.parametrize(
    ("byte", "raw", "text"),
    [(0x01, b"\x84", "ä"), (0x03, b"\xe4", "ä"), (0x65, b"\x8f", "П"), (0xC9, b"\xcf", "П"), (0x7B, b"\x93\xfa", "日"),
     (0x68, b"\xa0", "á"), (0x69, b"\xa0", "á"), (0x00, b"\xe4", "ä"), (0xF0, b"\xe4", "ä")],
)  # fmt: skip
def test_code_pages(byte: int, raw: bytes, text: str) -> None:
    columns = (Col("T", "C", 4),)
    made = table(standard(columns, [record(columns, (raw,))], code_page=byte))
    assert next(iter(made.rows())).values == (text,)
    assert bool(made.notes) == (byte in (0x68, 0x69, 0x00, 0xF0))
    assert encoding_of(byte)[0]


def test_a_page_that_is_not_declared_is_guessed() -> None:
    columns = (Col("T", "C", 20),)
    for encoding in ("cp1252", "cp850", "utf-8"):
        rows = [record(columns, (word.encode(encoding),)) for word in ("Müller", "Größe", "Köln", "straße", "ähnlich")]
        made = table(standard(columns, rows, code_page=0))
        assert made.encoding == encoding and next(iter(made.rows())).values == ("Müller",)


def test_flags_of_odd_writers_and_tables_without_fields() -> None:
    """Both lie about in the wild: zeros in place of flags, and a table of 34 bytes."""
    columns = (Col("A", "C", 10), Col("B", "C", 7))
    data = standard(columns, [b"\0" + b"2020-01-04English", b"\0" + b"2020-01-05German "], version=0x30)
    made = table(data)
    assert [row.values[1] for row in made.rows()] == ["English", "German"] and all(row.damaged for row in made.rows())
    assert not repair(BytesSource(data)).needed
    empty = bytes.fromhex("03950101010000002100010000000000") + bytes(16) + b"\r "
    assert [row.values for row in table(empty).rows()] == [()] and not repair(BytesSource(empty)).needed


def test_numbers_with_a_point_and_nothing_else_or_with_many_zeros() -> None:
    columns = (Col("N", "N", 20, 18),)
    got = values(standard(columns, [record(columns, (cell,)) for cell in (b".", b"1.234567890123460000", b"0.100000")]))
    assert got == [(None,), (1.23456789012346,), (0.1,)]


def test_rows_that_nobody_has_read_are_damaged_and_stay_in_place() -> None:
    data = standard(PEOPLE, people())
    header = parse_header(data, len(data))
    at = header.header_length + 10 * header.record_length
    holed = HoleSource(BytesSource(data), RangeSet([(at + 25, at + header.record_length + 3)]))
    made = open_table(holed)
    rows = list(made.rows())
    assert made.counted == 30 and [row.number for row in rows if row.damaged] == [10, 11]
    assert rows[10].values[0] == "Anna Schmidt" and rows[10].values[1] is None
    assert "BORN: never read" in rows[10].problems and not rows[11].deleted
    assert rows[12].values[0] == "Charlotte Evans-Hill"


# -- damaged headers


def mended(data: bytes, **options: object) -> bytes:
    source = BytesSource(data)
    made = repair(source, **options)  # type: ignore[arg-type]
    return read_all(RepairedSource(source, made, pad=bool(options.get("pad"))))


def read_all(source: Source) -> bytes:
    return source.read(0, source.size).data


TABLES = {
    "dBASE III": standard(PEOPLE, people(), code_page=0),
    "no end mark": standard(PEOPLE, people(), code_page=0, end=b""),
    "dBASE IV": standard((*PEOPLE, Col("NOTE", "M", 10)), [row + b"         1" for row in people()], version=0x8B,
                         code_page=0),
    "FoxPro 2": standard((Col("LONG", "C", 300), *PEOPLE), [row[:1] + b"l" * 300 + row[1:] for row in people()],
                         version=0xF5, code_page=0),
    "Visual FoxPro": standard(PEOPLE, people(), version=0x30, code_page=0),
    "dBASE 7": level7(PEOPLE, people(), driver=b"DB437US0", properties=b"\0\1props" * 12),
    "dBASE II": dbase2(PEOPLE[:1] + (Col("N", "N", 5),), [b" " + b"n".ljust(20) + b"   12" for _ in range(12)]),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_whole_table_is_left_alone(name: str) -> None:
    made = repair(BytesSource(TABLES[name]))
    assert not made.needed and mended(TABLES[name]) == TABLES[name]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("count", [0, 3, 60_000])
def test_a_wrong_count_comes_back_byte_for_byte(name: str, count: int) -> None:
    data = bytearray(TABLES[name])
    struct.pack_into("<H" if name == "dBASE II" else "<I", data, 1 if name == "dBASE II" else 4, count)
    assert mended(bytes(data)) == TABLES[name]


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("dBASE II", "dBASE 7")])
@pytest.mark.parametrize("garbage", [bytes(4), b"\xff" * 4])
def test_destroyed_lengths_come_back_byte_for_byte(name: str, garbage: bytes) -> None:
    data = bytearray(TABLES[name])
    data[8:12] = garbage
    assert mended(bytes(data)) == TABLES[name]


@pytest.mark.parametrize("name", [name for name in TABLES if name not in ("dBASE II", "dBASE 7")])
@pytest.mark.parametrize("garbage", [bytes(32), b"\xff" * 32, random.Random(3).randbytes(32)])
def test_a_destroyed_beginning_comes_back_but_for_the_date(name: str, garbage: bytes) -> None:
    original = TABLES[name]
    data = garbage + original[32:]
    got = mended(data, memo_kind="dbt4" if name == "dBASE IV" else "fpt", date=(2005, 3, 14))
    if name == "FoxPro 2":  # nothing else tells it from other programs: no memo field
        assert got[0] == 0x03 and got[1:] == original[1:]
    else:
        assert got == original


def test_one_damaged_descriptor_gets_what_is_left_over() -> None:
    data = bytearray(TABLES["dBASE III"])
    data[64:96] = random.Random(4).randbytes(32)
    made = repair(BytesSource(bytes(data)))
    assert [field.name for field in made.header.fields] == ["NAME", "LOST2", "PAID", "MEMBER"]
    got = list(open_table(RepairedSource(BytesSource(bytes(data)), made)).rows())
    assert got[0].values[1] == "19500101" and got[5].values[2] == 185.05


@pytest.mark.parametrize("name", ["dBASE III", "dBASE IV", "Visual FoxPro", "no end mark"])
@pytest.mark.parametrize("way", ["zeros", "noise", "cut"])
def test_the_whole_header_gone_with_a_donor(name: str, way: str) -> None:
    original = TABLES[name]
    header = parse_header(original, len(original))
    donor = original[: header.header_length]
    body = original[header.header_length :]
    lost = {"zeros": bytes(len(donor)), "noise": random.Random(9).randbytes(len(donor)), "cut": b""}[way]
    assert mended(lost + body, donor=donor) == original


def generated(seed: int) -> tuple[bytes, int]:
    """A table of random shape, and its record length."""
    pick = random.Random(seed)
    words = [b"Hamburg", b"Paris", b"a", b"New York City", b"Oslo", b"M\x81nchen", b"St. Petersburg", b"Ulm"]
    columns = [Col("C0", "C", pick.randint(5, 20))]
    for number in range(pick.randint(2, 6)):
        kind = pick.choice("CCNDL")
        size = {"C": pick.randint(3, 18), "N": pick.randint(3, 9), "D": 8, "L": 1}[kind]
        columns.append(Col(f"{kind}{number + 1}", kind, size))

    def cell(column: Col) -> bytes:
        if column.type == "C":
            return pick.choice(words)[: column.length]
        if column.type == "N":
            return b"%d" % pick.randint(0, 10 ** min(4, column.length - 1))
        if column.type == "D":
            return b"%04d%02d%02d" % (pick.randint(1950, 2010), pick.randint(1, 12), pick.randint(1, 28))
        return pick.choice((b"T", b"F"))

    rows = [record(columns, [cell(column) for column in columns], deleted=pick.random() < 0.15)
            for _ in range(pick.randint(8, 60))]  # fmt: skip
    data = standard(columns, rows)
    return data, 1 + sum(column.length for column in columns)


def test_the_record_length_is_found_again_without_any_header() -> None:
    right = 0
    for seed in range(60):
        data, length = generated(seed)
        header = parse_header(data, len(data)).header_length
        found = find_period(bytes(header) + data[header:])
        right += found is not None and found.length == length and found.start == header
    assert right >= 59, f"{right} of 60"


def test_made_up_fields_are_marked_and_read() -> None:
    header = parse_header(TABLES["dBASE III"], 10**6).header_length
    source = BytesSource(bytes(header) + TABLES["dBASE III"][header:])
    made = repair(source)
    assert made.how == "rows" and all(field.inferred for field in made.header.fields)
    assert any("made up" in note for note in made.notes)
    fixed = open_table(RepairedSource(source, made))
    assert fixed.counted == 30 and not fixed.problems
    rows = list(fixed.rows())
    assert any(value == "Anna Schmidt" for value in rows[0].values)
    assert any(value == "1950-01-01" for value in rows[0].values)
    assert [row.number for row in rows if row.deleted] == [6, 13, 20, 27]


def test_a_cut_last_record_is_told_and_completed_when_asked() -> None:
    data = TABLES["no end mark"][:-5]
    made = repair(BytesSource(data))
    assert made.header.records == 29 and any("cut" in note for note in made.notes)
    padded = mended(data, pad=True)
    assert parse_header(padded, len(padded)).records == 30 and padded.endswith(b"\x1a")
    assert len(list(table(padded).rows())) == 30


def test_rows_are_undeleted_only_where_asked() -> None:
    data = TABLES["dBASE III"]
    source = BytesSource(data)
    got = read_all(RepairedSource(source, repair(source), undelete=(6, 20, 1)))
    assert [row.number for row in table(got).rows() if row.deleted] == [13, 27]
    assert sum(a != b for a, b in zip(data, got, strict=True)) == 2


def test_a_zeroed_sector_in_the_rows_keeps_their_geometry() -> None:
    data = bytearray(standard(PEOPLE, people(200), code_page=0))
    data[2048:2560] = bytes(512)
    made = table(bytes(data))
    rows = list(made.rows())
    assert made.counted == 200 and sum(row.damaged for row in rows) == 13
    assert rows[199].values[0] == "Eve"
    struct.pack_into("<I", data, 4, 0)
    assert repair(BytesSource(bytes(data))).header.records == 200


def test_what_is_no_table_is_refused() -> None:
    for data in (b"", b"\x03", bytes(5000), random.Random(1).randbytes(5000), b"text " * 900):
        with pytest.raises(DamagedError):
            repair(BytesSource(data))
    with pytest.raises(DamagedError, match="donor"):
        repair(BytesSource(bytes(9000)), donor=b"nonsense")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(TABLES)), st.lists(st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=40)),
                                                 min_size=1, max_size=4), st.integers(0, 3000))  # fmt: skip
def test_hostile_tables_end(name: str, hits: list[tuple[int, bytes]], cut: int) -> None:
    data = bytearray(TABLES[name])
    for at, junk in hits:
        data[at : at + len(junk)] = junk
    data = data[: max(0, len(data) - cut)] if cut > 1000 else data
    header = parse_header(bytes(data), len(data))
    assert header.product
    try:
        made = table(bytes(data))
        assert all(len(row.values) == len(made.columns) for row in made.rows())
    except DamagedError:
        pass
    try:
        source = BytesSource(bytes(data))
        fixed = repair(source)
        assert len(read_all(RepairedSource(source, fixed))) == len(fixed.head) + len(data) - fixed.rows_at
    except DamagedError:
        pass
