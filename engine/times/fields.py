"""Forms that hold year, month, day and time of day as fields: packed bits, bytes, BCD, text."""

from __future__ import annotations

import struct

from engine.times.civil import DAY, Moment, NotADate, check_time, moment, offset_zone

_NS_CS = 10_000_000


def packed(date: int, time: int, base: int, *, tens_ms: int = 0, zone: str = "local", digits: int = 0) -> Moment:
    """The bits 7/4/5 of a date and 5/6/5 of a time in steps of two seconds, with years from ``base``."""
    second = (time & 31) * 2
    if second > 59:
        raise NotADate(f"second {second}")
    if tens_ms > 199:
        raise NotADate(f"{tens_ms} hundredths of a second")
    return moment(
        base + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, second + tens_ms // 100,
        tens_ms % 100 * _NS_CS, zone=zone, digits=digits,
    )  # fmt: skip


def fat(data: bytes) -> Moment:
    """As in a directory entry: the time before the date."""
    time, date = struct.unpack("<HH", data)
    return packed(date, time, 1980)


def fat_date_first(data: bytes) -> Moment:
    """The date before the time (ZIP has it the other way, some recorders this way)."""
    date, time = struct.unpack("<HH", data)
    return packed(date, time, 1980)


def exfat(data: bytes) -> Moment:
    """A FAT time and date as one number, hundredths of a second, and the zone in quarters of an hour."""
    stamp, hundredths, zone = struct.unpack("<IBB", data)
    words = "local"
    if zone & 0x80:
        quarters = zone & 0x7F
        words = offset_zone(15 * (quarters - 128 if quarters > 63 else quarters))
    return packed(stamp >> 16, stamp & 0xFFFF, 1980, tens_ms=hundredths, zone=words, digits=2)


def blackberry_email(data: bytes, base: int = 1996) -> Moment:
    """FAT's bits with another base year, the date first; device local time."""
    date, time = struct.unpack("<HH", data)
    return packed(date, time, base, zone="device local")


def systemtime(data: bytes) -> Moment:
    """Windows SYSTEMTIME: eight 16-bit fields; the day of the week must fit."""
    year, month, weekday, day, hour, minute, second, ms = struct.unpack("<8H", data)
    if ms > 999:
        raise NotADate(f"{ms} milliseconds")
    if not 1601 <= year <= 30827:
        raise NotADate(f"year {year}")
    made = moment(year, month, day, hour, minute, second, ms * 1_000_000, zone="UTC or local", digits=3)
    if (made.seconds // DAY + 4) % 7 != weekday:
        raise NotADate("the day of the week does not fit")
    return made


def iso9660_short(data: bytes) -> Moment:
    """Of a directory record: seven bytes, the last the zone in quarters of an hour."""
    year, month, day, hour, minute, second, zone = struct.unpack("<6Bb", data)
    return moment(1900 + year, month, day, hour, minute, second, zone=offset_zone(15 * zone))


def iso9660_long(data: bytes) -> Moment:
    """Of a volume descriptor: sixteen digits and the zone."""
    digits = data[:16]
    if not digits.isdigit():
        raise NotADate("no digits")
    year, month, day, hour, minute, second, hundredths = (
        int(digits[at:end]) for at, end in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14), (14, 16))
    )
    zone = offset_zone(15 * struct.unpack("b", data[16:])[0])
    return moment(year, month, day, hour, minute, second, hundredths * _NS_CS, zone=zone, digits=2)


def udf(data: bytes) -> Moment:
    """ECMA-167: type and zone in one word, year, then bytes down to microseconds."""
    kind_zone, year, month, day, hour, minute, second, cs, hundreds_us, us = struct.unpack("<Hh8B", data)
    if max(cs, hundreds_us, us) > 99:
        raise NotADate("a part of a second above 99")
    minutes = kind_zone & 0xFFF
    minutes -= 0x1000 if minutes & 0x800 else 0
    zone = "no zone" if minutes == -2047 or kind_zone >> 12 != 1 else offset_zone(minutes)
    if kind_zone >> 12 == 0:
        zone = "UTC"
    return moment(year, month, day, hour, minute, second, (cs * 10_000 + hundreds_us * 100 + us) * 1000, zone=zone,
                  digits=6)  # fmt: skip


def bcd(value: int) -> int:
    """Two packed decimal digits. Raises ``NotADate``."""
    if value >> 4 > 9 or value & 15 > 9:
        raise NotADate(f"0x{value:02X} is not decimal")
    return (value >> 4) * 10 + (value & 15)


def dvb(data: bytes) -> Moment:
    """A modified Julian day and the time in BCD."""
    day = int.from_bytes(data[:2], "big")
    hour, minute, second = (bcd(one) for one in data[2:])
    check_time(hour, minute, second)
    return Moment((day - 40_587) * DAY + hour * 3600 + minute * 60 + second)


def bcd_date(data: bytes) -> Moment:
    """YYYYMMDDhhmmss in BCD."""
    century, *fields = (bcd(one) for one in data)
    year, month, day, hour, minute, second = fields
    return moment(century * 100 + year, month, day, hour, minute, second)


def gsm(data: bytes) -> Moment:
    """SMS: BCD with the digits exchanged; bit 3 of the zone's first digit is its sign."""
    year, month, day, hour, minute, second = (bcd((one & 15) << 4 | one >> 4) for one in data[:6])
    zone = data[6]
    quarters = bcd((zone & 7) << 4 | zone >> 4)
    return moment((2000 if year < 80 else 1900) + year, month, day, hour, minute, second,
                  zone=offset_zone(15 * (-quarters if zone & 8 else quarters)))  # fmt: skip


def text_date(data: bytes) -> Moment:
    """dBASE: eight digits YYYYMMDD."""
    if not data.isdigit():
        raise NotADate("no digits")
    year, month, day = int(data[:4]), int(data[4:6]), int(data[6:])
    return moment(year, month, day)
