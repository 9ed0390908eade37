"""Forms that count units since an epoch: seconds, days, ticks, floating point."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from engine.times.civil import DAY, NS, Moment, NotADate, counted

Decode = Callable[[bytes], Moment]

EPOCH_1601 = -11_644_473_600
EPOCH_1904 = -2_082_844_800
EPOCH_1900 = -2_208_988_800
EPOCH_2001 = 978_307_200
EPOCH_0001 = -62_135_596_800
EPOCH_0000 = -62_167_219_200
EPOCH_1582 = -12_219_292_800
EPOCH_GPS = 315_964_800
OLE_DAYS = -25_569
BLACKBERRY_MINUTES = 36_816_480
"""From 1900-01-01 to 1970-01-01."""


def count(order: str, per_second: int, epoch: int, *, signed: bool = False, zone: str = "UTC") -> Decode:
    """An integer of all the bytes, big or little endian."""

    def decode(data: bytes) -> Moment:
        value = int.from_bytes(data, "big" if order == "BE" else "little", signed=signed)
        return counted(value, per_second, epoch, zone=zone)

    return decode


def floating(order: str, unit_s: int, epoch: int, *, zone: str = "UTC") -> Decode:
    """A double in units of ``unit_s`` seconds."""

    def decode(data: bytes) -> Moment:
        return _of_float(_double(data, order), unit_s, epoch, zone)

    return decode


def _double(data: bytes, order: str) -> float:
    value: float = struct.unpack(">d" if order == "BE" else "<d", data)[0]
    if not math.isfinite(value):
        raise NotADate("no number")
    if abs(value) > 1e15 or (value != 0 and abs(value) < 1e-9):
        raise NotADate("a year beyond all calendars")
    return value


def _of_float(value: float, unit_s: int, epoch: int, zone: str) -> Moment:
    whole = math.floor(value)
    milliseconds = round((value - whole) * unit_s * 1000)
    return counted(whole * unit_s * 1000 + milliseconds, 1000, epoch, zone=zone)


def ole(data: bytes) -> Moment:
    """Days since 1899-12-30; of a negative value the fraction counts forward from its whole day."""
    value = _double(data, "LE")
    whole = math.trunc(value)
    milliseconds = round(abs(value - whole) * DAY * 1000)
    return counted((whole + OLE_DAYS) * DAY * 1000 + milliseconds, 1000, 0, zone="local")


def excel_1900(data: bytes) -> Moment:
    """Days with 1900-01-01 as 1; the day 60 never was (a leap day that 1900 had not)."""
    value = _double(data, "LE")
    if value < 0:
        raise NotADate("below 0")
    if 60 <= value < 61:
        raise NotADate("1900-02-29 never was")
    return _of_float(value + (1 if value < 60 else 0), DAY, OLE_DAYS * DAY, "local")


def net_ticks(data: bytes) -> Moment:
    """.NET DateTime: 62 bits of 100 ns since year 1, two bits that say which zone."""
    value = int.from_bytes(data, "little")
    zone = {0: "no zone", 1: "UTC"}.get(value >> 62, "local")
    return counted(value & (1 << 62) - 1, 10_000_000, EPOCH_0001, zone=zone)


def uuid_time(order: str) -> Decode:
    """The time in a version 1 UUID, in the order of RFC 9562 (BE) or of a Windows GUID (LE)."""

    def decode(data: bytes) -> Moment:
        low, middle, high = struct.unpack(">IHH" if order == "BE" else "<IHH", data[:8])
        if high >> 12 != 1:
            raise NotADate("no UUID of version 1")
        if data[8] & 0xC0 != 0x80:
            raise NotADate("no UUID of the usual variant")
        return counted((high & 0xFFF) << 48 | middle << 32 | low, 10_000_000, EPOCH_1582)

    return decode


def ntp(data: bytes) -> Moment:
    """Seconds and a fraction since 1900; the count begins again in 2036."""
    seconds, fraction = struct.unpack(">II", data)
    era = 0 if seconds >= 1 << 31 else 1 << 32
    return Moment(seconds + era + EPOCH_1900, fraction * NS >> 32, "UTC", 9)


def gps_week(data: bytes) -> Moment:
    """A week (u16) and milliseconds of it (u32), little endian."""
    week, milliseconds = struct.unpack("<HI", data)
    if milliseconds >= 7 * DAY * 1000:
        raise NotADate("beyond the end of a week")
    return counted(week * 7 * DAY * 1000 + milliseconds, 1000, EPOCH_GPS, zone="GPS")


def julian(data: bytes) -> Moment:
    """Visual FoxPro and dBASE: a Julian day number and milliseconds of the day."""
    day, milliseconds = struct.unpack("<II", data)
    if milliseconds >= DAY * 1000:
        raise NotADate("beyond the end of a day")
    return counted((day - 2_440_588) * DAY * 1000 + milliseconds, 1000, 0, zone="local")


def blackberry_minutes(data: bytes) -> Moment:
    """Minutes since 1900-01-01; the zone is the device's own affair."""
    return Moment((int.from_bytes(data, "little") - BLACKBERRY_MINUTES) * 60, 0, "UTC or local")


def ext4_extra(data: bytes) -> Moment:
    """Seconds (i32) and a word whose low two bits extend them and whose other bits are nanoseconds."""
    seconds, extra = struct.unpack("<iI", data)
    return _with_ns(seconds + ((extra & 3) << 32), extra >> 2)


def btrfs(data: bytes) -> Moment:
    """Seconds (i64) and nanoseconds (u32), little endian."""
    return _with_ns(*struct.unpack("<qI", data))


def xfs(data: bytes) -> Moment:
    """Seconds (i32) and nanoseconds (u32), big endian."""
    return _with_ns(*struct.unpack(">iI", data))


def _with_ns(seconds: int, ns: int) -> Moment:
    if ns >= NS:
        raise NotADate("more than a second of nanoseconds")
    return Moment(seconds, ns, "UTC", 9)
