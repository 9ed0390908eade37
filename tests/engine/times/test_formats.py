"""Every form at its epoch, on a leap day, at the end of 32-bit time, at its largest value, with impossible fields."""

from __future__ import annotations

import calendar
import datetime
import struct
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.times import FORMATS, read, readings
from engine.times.civil import date_of, days_of

BY_NAME = {form.name: form for form in FORMATS}
LEAP = 951782400  # 2000-02-29 00:00 UTC
END = 2147483647
LEAP_TEXT, END_TEXT = "2000-02-29 00:00:00", "2038-01-19 03:14:07"


def text(name: str, data: bytes) -> str:
    return read(BY_NAME[name], data).text


def both(name: str, code: str, value: int | float) -> list[str]:
    return [text(f"{name} LE", struct.pack("<" + code, value)), text(f"{name} BE", struct.pack(">" + code, value))]


def test_days_agree_with_the_standard_library() -> None:
    for year in range(1, 10000, 7):
        for month in (1, 2, 3, 12):
            last = calendar.monthrange(year, month)[1]
            for day in (1, last):
                days = (datetime.date(year, month, day) - datetime.date(1970, 1, 1)).days
                assert days_of(year, month, day) == days
                assert date_of(days) == (year, month, day)


@pytest.mark.parametrize(
    ("name", "per_second", "epoch"),
    [("Unix 64 s", 1, 0), ("Unix 64 ms", 10**3, 0), ("Unix 64 us", 10**6, 0), ("Unix 64 ns", 10**9, 0),
     ("FILETIME", 10**7, 11644473600), ("WebKit", 10**6, 11644473600)],
)  # fmt: skip
def test_counts_of_64_bits(name: str, per_second: int, epoch: int) -> None:
    for seconds, expected in ((1, "1970-01-01 00:00:01"), (LEAP, LEAP_TEXT), (END, END_TEXT)):
        for shown in both(name, "q", (seconds + epoch) * per_second):
            assert shown.split(".")[0] == expected
    largest = read(BY_NAME[f"{name} LE"], struct.pack("<Q", (1 << 63) - 1))
    beyond = (1 << 63) // per_second > 100_000 * 31_556_952
    assert largest.problem == "a year beyond all calendars" if beyond else largest.text
    assert both(name, "q", 0) == ["unset", "unset"]


def test_unix_32() -> None:
    assert both("Unix 32", "I", 1) == ["1970-01-01 00:00:01"] * 2
    assert both("Unix 32", "I", LEAP) == [LEAP_TEXT] * 2
    assert both("Unix 32", "I", END) == [END_TEXT] * 2
    assert both("Unix 32", "I", (1 << 32) - 2) == ["2106-02-07 06:28:14"] * 2


def test_documented_values() -> None:
    assert text("FILETIME LE", bytes.fromhex("A8DD78859865D001")) == "2015-03-23 18:38:14.2469544"
    assert text("Unix 64 ms LE", bytes.fromhex("AE3AC55E36010000")) == "2012-03-29 14:04:05.678"
    assert text("BlackBerry mail", bytes.fromhex("7D209D70")) == "2012-03-29 14:04:58"
    for value, shown in ((36816480, "1970-01-01 00:00:00"), (52594560, "2000-01-01 00:00:00"),
                         (59033644, "2012-03-29 14:04:00"), (63113760, "2020-01-01 00:00:00")):  # fmt: skip
        assert text("BlackBerry min", struct.pack("<I", value)) == shown
    # RFC 9562's own example, and the same in the order of a Windows GUID.
    example = uuid.UUID("C232AB00-9414-11EC-B3C8-9F6BDECED846")
    assert text("UUID v1 BE", example.bytes) == text("UUID v1 LE", example.bytes_le) == "2022-02-22 19:22:22.0000000"


@pytest.mark.parametrize("year", [1904, 1972, 2000, 2012, 2036])
def test_blackberry_minutes_on_leap_days(year: int) -> None:
    base = datetime.datetime(1900, 1, 1, tzinfo=datetime.UTC)
    for fields in ((2, 29), (3, 1), (12, 31, 23, 59)):
        when = datetime.datetime(year, *fields, tzinfo=datetime.UTC)
        minutes = int((when - base).total_seconds()) // 60
        assert text("BlackBerry min", struct.pack("<I", minutes)) == when.strftime("%Y-%m-%d %H:%M:%S")


def dos(year: int, month: int, day: int, hour: int, minute: int, half: int, base: int = 1980) -> tuple[int, int]:
    return (year - base) << 9 | month << 5 | day, hour << 11 | minute << 5 | half


def test_packed_dates() -> None:
    date, time = dos(2000, 2, 29, 23, 59, 29)
    assert text("FAT", struct.pack("<HH", time, date)) == "2000-02-29 23:59:58"
    assert text("FAT date first", struct.pack("<HH", date, time)) == "2000-02-29 23:59:58"
    assert text("FAT", struct.pack("<HH", 0, 0x21)) == "1980-01-01 00:00:00"
    assert text("FAT", struct.pack("<HH", *reversed(dos(2107, 12, 31, 23, 59, 29)))) == "2107-12-31 23:59:58"
    got = read(BY_NAME["exFAT"], struct.pack("<IBB", date << 16 | time, 150, 0x80 | 0x7C))
    assert (got.text, got.zone) == ("2000-02-29 23:59:59.50", "-01:00")
    assert read(BY_NAME["exFAT"], struct.pack("<IBB", date << 16 | time, 0, 8)).zone == "local"
    late = struct.pack("<HH", *dos(2123, 12, 31, 23, 59, 29, 1996))
    assert text("BlackBerry mail", late) == "2123-12-31 23:59:58"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [((2000, 13, 1, 0, 0, 0), "month 13"), ((2000, 0, 1, 0, 0, 0), "month 0"), ((2000, 1, 0, 0, 0, 0), "day 0"),
     ((2001, 2, 29, 0, 0, 0), "day 29"), ((2000, 2, 30, 0, 0, 0), "day 30"), ((2000, 1, 1, 24, 0, 0), "hour 24"),
     ((2000, 1, 1, 0, 60, 0), "minute 60"), ((2000, 1, 1, 0, 0, 30), "second 60")],
)  # fmt: skip
def test_impossible_packed_dates(fields: tuple[int, ...], reason: str) -> None:
    for name, base, swapped in (("FAT", 1980, True), ("BlackBerry mail", 1996, False)):
        words = dos(*fields, base=base)  # type: ignore[arg-type]
        got = read(BY_NAME[name], struct.pack("<HH", *(reversed(words) if swapped else words)))
        assert not got.text and got.problem is not None and reason in got.problem


def test_days_as_numbers() -> None:
    def of(name: str, value: float) -> str:
        return text(name, struct.pack("<d", value))

    assert of("OLE date", 2.0) == "1900-01-01 00:00:00.000"
    assert of("OLE date", -1.25) == "1899-12-29 06:00:00.000"
    assert of("OLE date", 36585.5) == "2000-02-29 12:00:00.000"
    assert of("Excel 1900", 1.0) == "1900-01-01 00:00:00.000"
    assert of("Excel 1900", 59.0) == "1900-02-28 00:00:00.000"
    assert of("Excel 1900", 61.0) == "1900-03-01 00:00:00.000"
    assert of("Excel 1900", 36585.0) == "2000-02-29 00:00:00.000"
    assert read(BY_NAME["Excel 1900"], struct.pack("<d", 60.5)).problem == "1900-02-29 never was"
    assert of("Excel 1904", 35123.0) == "2000-02-29 00:00:00.000"
    assert both("Cocoa", "d", 1.5) == ["2001-01-01 00:00:01.500"] * 2
    assert both("Cocoa", "d", float(END - 978307200)) == [END_TEXT + ".000"] * 2
    for bad in (float("nan"), float("inf"), 1e300, 1e-300):
        for name in ("Cocoa LE", "OLE date", "Excel 1900", "Excel 1904"):
            assert read(BY_NAME[name], struct.pack("<d", bad)).problem


def test_fields_of_bytes() -> None:
    assert text("SYSTEMTIME", struct.pack("<8H", 2000, 2, 2, 29, 1, 2, 3, 4)) == "2000-02-29 01:02:03.004"
    assert "week" in (read(BY_NAME["SYSTEMTIME"], struct.pack("<8H", 2000, 2, 3, 29, 1, 2, 3, 4)).problem or "")
    got = read(BY_NAME["ISO 9660"], bytes([100, 2, 29, 3, 14, 7, 8]))
    assert (got.text, got.zone) == ("2000-02-29 03:14:07", "+02:00")
    got = read(BY_NAME["ISO 9660"], bytes([100, 2, 29, 3, 14, 7, 256 - 20]))
    assert got.zone == "-05:00"
    got = read(BY_NAME["ISO 9660 text"], b"2038011903140799\xec")
    assert (got.text, got.zone) == (END_TEXT + ".99", "-05:00")
    assert read(BY_NAME["ISO 9660 text"], b"20381319031407990").problem == "month 13"
    got = read(BY_NAME["UDF"], struct.pack("<Hh8B", 1 << 12 | 60, 2000, 2, 29, 1, 2, 3, 4, 5, 6))
    assert (got.text, got.zone) == ("2000-02-29 01:02:03.040506", "+01:00")
    assert read(BY_NAME["UDF"], struct.pack("<Hh8B", 1 << 12 | 0x801, 2000, 2, 29, 1, 2, 3, 4, 5, 6)).zone == "no zone"
    assert text("DVB MJD", bytes.fromhex("C079124500")) == "1993-10-13 12:45:00"  # the example of EN 300 468
    assert read(BY_NAME["DVB MJD"], bytes.fromhex("C0791A4500")).problem == "0x1A is not decimal"
    assert text("BCD", bytes.fromhex("20380119031407")) == END_TEXT
    assert read(BY_NAME["BCD"], bytes.fromhex("20380A19031407")).problem == "0x0A is not decimal"
    got = read(BY_NAME["GSM SMS"], bytes.fromhex("00209221436580"))
    assert (got.text, got.zone) == ("2000-02-29 12:34:56", "+02:00")
    assert read(BY_NAME["GSM SMS"], bytes.fromhex("0020922143658A")).zone == "-07:00"
    assert text("dBASE text", b"20000229") == LEAP_TEXT
    assert read(BY_NAME["dBASE text"], b"20010229").problem


def test_the_rest() -> None:
    assert text("NTP", struct.pack(">II", LEAP + 2208988800, 1 << 31)) == LEAP_TEXT + ".500000000"
    assert text("NTP", struct.pack(">II", 1, 0)) == "2036-02-07 06:28:17.000000000"
    assert both("GPS seconds", "I", 1) == ["1980-01-06 00:00:01"] * 2
    assert text("GPS week+ms", struct.pack("<HI", 1, 86400500)) == "1980-01-14 00:00:00.500"
    assert read(BY_NAME["GPS week+ms"], struct.pack("<HI", 1, 604800000)).problem
    for name in ("HFS", "Palm"):
        assert text(name, struct.pack(">I", 1)) == "1904-01-01 00:00:01"
        assert text(name, struct.pack(">I", (1 << 32) - 2)) == "2040-02-06 06:28:14"
    assert text(".NET ticks", struct.pack("<Q", 1 << 62 | 630873792000000000)) == "2000-02-29 00:00:00.0000000"
    assert read(BY_NAME[".NET ticks"], struct.pack("<Q", 1 << 63 | 1)).zone == "local"
    assert read(BY_NAME["UUID v1 BE"], uuid.uuid4().bytes).problem == "no UUID of version 1"
    assert text("FoxPro", struct.pack("<II", 2440588, 1)) == "1970-01-01 00:00:00.001"
    assert read(BY_NAME["FoxPro"], struct.pack("<II", 2440588, 86400000)).problem
    assert text("Symbian", struct.pack("<q", (LEAP + 62167219200) * 10**6)) == LEAP_TEXT + ".000000"
    assert text("ext4 s+extra", struct.pack("<iI", -(1 << 31), 1 | 5 << 2)) == "2038-01-19 03:14:08.000000005"
    assert text("Btrfs", struct.pack("<qI", LEAP, 7)) == LEAP_TEXT + ".000000007"
    assert read(BY_NAME["Btrfs"], struct.pack("<qI", LEAP, 10**9)).problem
    assert text("XFS", struct.pack(">iI", END, 0)) == END_TEXT + ".000000000"
    assert text("XFS bigtime", struct.pack(">Q", (LEAP + (1 << 31)) * 10**9)) == LEAP_TEXT + ".000000000"


def test_plausible_or_not() -> None:
    got = {one.name: one for one in readings(struct.pack("<I", LEAP) + bytes(12))}
    assert got["Unix 32 LE"].plausible
    assert not got["Unix 32 BE"].plausible
    swapped = {one.name: one for one in readings(bytes.fromhex("000001365EC53AAE"))}
    assert swapped["Unix 64 ms BE"].plausible and not swapped["Unix 64 ms LE"].plausible
    assert all(one.unset for one in readings(bytes(17))) and all(one.unset for one in readings(b"\xff" * 17))
    assert {form.name for form in FORMATS} == {one.name for one in readings(bytes(17))}


@given(st.binary(min_size=17, max_size=17))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for one in readings(data):
        assert bool(one.text) != bool(one.problem)
