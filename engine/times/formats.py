"""The table of forms, and reading bytes through all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.times import counts, fields
from engine.times.civil import DAY, Moment, NotADate, days_of

Decode = Callable[[bytes], Moment]

PLAUSIBLE = (days_of(1980, 1, 1) * DAY, days_of(2040, 1, 1) * DAY)
"""Dates on media of people: from 1980 to 2039, in seconds from 1970."""


@dataclass(frozen=True, slots=True)
class Format:
    """A form: ``size`` bytes, what reads them, and where it occurs."""

    name: str
    size: int
    decode: Decode
    used_by: str = ""


@dataclass(frozen=True, slots=True)
class DateReading:
    """Bytes read as a form. ``text`` is the date, ``unset``, or empty with ``problem`` saying why it is no date;
    ``plausible`` says whether people have such dates."""

    name: str
    size: int
    raw_hex: str
    text: str
    zone: str
    plausible: bool
    problem: str | None = None

    @property
    def unset(self) -> bool:
        """All zeros or all ones."""
        return self.text == "unset"


def _pair(name: str, size: int, make: Callable[[str], Decode], used_by: str = "") -> tuple[Format, Format]:
    return Format(f"{name} LE", size, make("LE"), used_by), Format(f"{name} BE", size, make("BE"), used_by)


FORMATS: tuple[Format, ...] = (
    *_pair("Unix 32", 4, lambda order: counts.count(order, 1, 0), "Unix, ext, logs"),
    *_pair("Unix 64 s", 8, lambda order: counts.count(order, 1, 0, signed=True), "Unix"),
    *_pair("Unix 64 ms", 8, lambda order: counts.count(order, 1000, 0, signed=True), "Java, BlackBerry (A)"),
    *_pair("Unix 64 us", 8, lambda order: counts.count(order, 1_000_000, 0, signed=True), "Firefox"),
    *_pair("Unix 64 ns", 8, lambda order: counts.count(order, 1_000_000_000, 0, signed=True), "APFS"),
    *_pair("FILETIME", 8, lambda order: counts.count(order, 10_000_000, counts.EPOCH_1601), "Windows, NTFS, OLE2"),
    *_pair("WebKit", 8, lambda order: counts.count(order, 1_000_000, counts.EPOCH_1601), "Chrome"),
    Format(".NET ticks", 8, counts.net_ticks, ".NET"),
    *_pair("UUID v1", 16, counts.uuid_time, "UUIDs of version 1"),
    Format("NTP", 8, counts.ntp, "network time"),
    *_pair("GPS seconds", 4, lambda order: counts.count(order, 1, counts.EPOCH_GPS, zone="GPS"), "GPS"),
    Format("GPS week+ms", 6, counts.gps_week, "GPS"),
    Format("HFS", 4, counts.count("BE", 1, counts.EPOCH_1904, zone="local (HFS), UTC (HFS+)"), "HFS+, MP4"),
    Format("Palm", 4, counts.count("BE", 1, counts.EPOCH_1904, zone="local"), "Palm"),
    *_pair("Cocoa", 8, lambda order: counts.floating(order, 1, counts.EPOCH_2001), "macOS, iOS"),
    Format("OLE date", 8, counts.ole, "VARIANT, Access"),
    Format("Excel 1900", 8, counts.excel_1900, "Excel"),
    Format("Excel 1904", 8, counts.floating("LE", DAY, counts.EPOCH_1904, zone="local"), "Excel on Mac"),
    Format("FAT", 4, fields.fat, "FAT, ZIP"),
    Format("FAT date first", 4, fields.fat_date_first, "DOS programs"),
    Format("exFAT", 6, fields.exfat, "exFAT"),
    Format("SYSTEMTIME", 16, fields.systemtime, "Windows"),
    Format("ISO 9660", 7, fields.iso9660_short, "CD directory"),
    Format("ISO 9660 text", 17, fields.iso9660_long, "CD volume"),
    Format("UDF", 12, fields.udf, "DVD, recorders"),
    Format("DVB MJD", 5, fields.dvb, "digital television"),
    Format("BCD", 7, fields.bcd_date, "recorders"),
    Format("GSM SMS", 7, fields.gsm, "mobile phones"),
    Format("dBASE text", 8, fields.text_date, "dBASE"),
    Format("FoxPro", 8, counts.julian, "Visual FoxPro, dBASE"),
    Format("Symbian", 8, counts.count("LE", 1_000_000, counts.EPOCH_0000, zone="UTC or local"), "Symbian"),
    Format("BlackBerry min", 4, counts.blackberry_minutes, "BlackBerry calendar (B)"),
    Format("BlackBerry mail", 4, fields.blackberry_email, "BlackBerry email (C)"),
    Format("ext4 s+extra", 8, counts.ext4_extra, "ext4"),
    Format("Btrfs", 12, counts.btrfs, "Btrfs"),
    Format("XFS", 8, counts.xfs, "XFS"),
    Format("XFS bigtime", 8, counts.count("BE", 1_000_000_000, -(1 << 31)), "XFS"),
)


def read(form: Format, data: bytes, *, plausible: tuple[int, int] = PLAUSIBLE) -> DateReading:
    """The first ``form.size`` bytes of ``data`` (which must be there) as that form."""
    data = data[: form.size]
    if len(data) < form.size:
        raise ValueError(f"{form.name} takes {form.size} bytes")
    raw = data.hex()
    if not data.strip(b"\0") or not data.strip(b"\xff"):
        return DateReading(form.name, form.size, raw, "unset", "", plausible=False)
    try:
        made = form.decode(data)
        text = made.text
    except NotADate as error:
        return DateReading(form.name, form.size, raw, "", "", plausible=False, problem=str(error))
    low, high = plausible
    return DateReading(form.name, form.size, raw, text, made.zone, low <= made.seconds < high)


def readings(data: bytes, *, plausible: tuple[int, int] = PLAUSIBLE) -> list[DateReading]:
    """The bytes through every form that they are long enough for, in the order of the table."""
    return [read(form, data, plausible=plausible) for form in FORMATS if len(data) >= form.size]
